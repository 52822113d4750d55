"""
Takes one module from another file than its own, in every Python process that has this folder on its path.

`MUTANT_MODULE` names the file of the module and the file it is taken from, with the path separator between.
"""

from __future__ import annotations

import os
import resource
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

#: A changed loop may ask for more and more memory.
MAX_MEMORY = 8 << 30

_module, _, _changed = os.environ["MUTANT_MODULE"].partition(os.pathsep)
_get_code = SourceFileLoader.get_code


def _code(self: Any, fullname: str) -> CodeType | None:
    if Path(self.path).name == Path(_module).name and Path(self.path).resolve() == Path(_module):
        return compile(Path(_changed).read_bytes(), self.path, "exec", dont_inherit=True)
    return _get_code(self, fullname)


SourceFileLoader.get_code = _code  # type: ignore[method-assign]
resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
