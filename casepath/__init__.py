"""
Casepath: a BPMN workflow engine for people's work.

The parts `engine`, `web` and `workers` are imported below this name, so that an installation adds no other name to its
environment. Installed they lie in this folder; in a checkout they lie beside it.

    commands      the command `casepath`; `proof` verifies, signs, backs up, restores, `instances` looks after instances
    installation  the settings and the database that commands work on; `settings`: what may be set
    server        the pages, and a worker beside them; `http_server` listens, `exposure` says to whom it may
    demo          demo people; `stories` plays the scenarios of the processes
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
if not (_HERE / "engine").is_dir():
    __path__.append(str(_HERE.parent))
