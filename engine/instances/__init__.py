"""
What can be asked of running process instances, one module per noun; the caller has opened the transaction.

    process_instances   start, suspend, resume, cancel, modify, set variables
    user_tasks          claim, give back, assign, delegate, draft, complete; `receivers` to whom they may be given
    external_tasks      fetch and lock, complete, fail, throw an error
    jobs                timers, continuations, messages on their way: execute, back off, retry
    messages            correlate a message, broadcast a signal; `waiting` looks for who waits
    deliveries          what goes out through channels, and mails to people here: both queues are `outgoing`
    arrivals            what comes in through channels
    batches             start one instance for each of many records; `approvals` lets somebody else look first
    incidents           resolve what is stuck
    migration_plans     move running instances to another version; `migration_previews` what would come of it
    drafts              what is begun to be filled in before there is a process instance
    attachments, comments, notifications; `seen` counts files for the forms of tasks
    signs               of life, given by workers; the alarm where nothing moves
    numbers             business keys; `submissions` what must be done once; `media_types` what a file is
"""
