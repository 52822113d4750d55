"""
People: who there is, who is asking, and what he may see and do.

    identity        users, groups and memberships
    authentication  log in and out; `passwords` checks and hashes
    authorization   may this person do this to that? Pure rules, each with its name
    access          the same question for things that may be hidden
"""
