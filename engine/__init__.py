"""
The engine: runs BPMN processes for people's work. Knows no web and no business.

The rooms, from the door to the cellar; imports point downwards only, which `tests/test_architecture.py` holds.

    9  rehearsal    a draft played on an engine of its own in memory, with a clock of its own; nothing leaves it
    8  queries      the read side for pages: no changes
    7  instances    what can be asked of a running process instance: start, complete, claim, correlate, retry, migrate …
    6  runtime      the one way an instance moves: apply a trigger, run to the next wait states, store the difference
       registers    what can be asked of a record that is kept beside: create, change, archive, erase
    5  deployments  what was deployed: checked, stored, parsed once and kept
    4  bpmn         the only room that knows SpiffWorkflow: reading, checking, elements, tokens
       forms        form definitions, and what is submitted with them
       people       who there is, who asks, and what he may see and do
       reports      declarations of reports: figures, tables, conditions, periods
    3  decisions    decision tables (`dmn`) and their language (`feel`), fit to be a package of their own
       expressions  `${…}`
       history      what happened, chained by hashes; verify and erase
       papers       what is printed, as blocks; PDF and workbooks of it
    2  database     tables, revisions, statements, values as JSON
       time         the clock, opening hours, timers
    1  errors, phrases, settings, texts, xml

One trigger is one transaction: from the wait states in which an instance stands to the next ones. Everything with
effects outside the database is an external task, done by `workers` after the commit.
"""
