"""
Databases of earlier versions with matters in flight: how one is made, and how it is gone on with.

    stage      plays stories while everything else in the database stands still
    fixtures   the databases that are kept in `tests/fixtures/databases`
    __main__   makes one: `python -m tests.upgrades NAME` when a version with another schema lands
"""
