"""The functions of the standard; importing this package registers all of them in `functions.BUILT_INS`."""

from casepath.engine.decisions.feel.builtins import contexts, lists, numbers, ranges, strings, temporals
from casepath.engine.decisions.feel.functions import BUILT_INS

__all__ = ["BUILT_INS", "contexts", "lists", "numbers", "ranges", "strings", "temporals"]
