"""
The engine: runs BPMN processes for people's work. Knows no web and no business.

What each module is for, from the door to the cellar; imports point downwards only.

    commands, one module per noun; the caller has opened the transaction
        deployments         check files and put them into the engine; read what was deployed
        process_instances   start, suspend, resume, cancel, modify, set variables
        user_tasks          claim, give back, assign, delegate, draft, complete
        external_tasks      fetch and lock, complete, fail, throw an error
        jobs                timers, continuations, messages on their way: execute, back off, retry
        messages            correlate a message, broadcast a signal
        incidents           resolve what is stuck
        migration_plans     move running instances to another version
        attachments, comments, notifications, numbers, submissions
    the one way an instance moves
        triggers            what can move it, as values
        runtime             `advance`: apply a trigger, run to the next wait states, store the difference
        storing             the difference as rows
        starting            what begins instances by itself
    what it runs on
        bpmn                the only door to SpiffWorkflow: parser, validation, elements, tokens
        definitions         deployed processes, decisions, forms and calendar, parsed once and kept
        callers             what processes ask of those that call them
        decisions, dmn      decision tables; `feel` is their language
        expressions         `${…}`; `scripts` runs script tasks in a sandbox
        forms               form definitions, and what is submitted with them
        history             what happened, chained by hashes; verify and erase
        access, authorization, identity, authentication, passwords
        queries             the read side for pages: no changes
    the ground
        models, database    tables and connections; `alembic` has their revisions
        statements          what every step executes, as cheap as the driver makes it
        clock, opening_hours, holidays, timers, periods, cron
        values, texts, xml, settings, refusals, errors

One trigger is one transaction: from the wait states in which an instance stands to the next ones. Everything with
effects outside the database is an external task, done by `workers` after the commit.
"""
