"""The functions of the standard; importing this package registers all of them in `functions.BUILT_INS`."""

from engine.feel.builtins import contexts, lists, numbers, ranges, strings, temporals
from engine.feel.functions import BUILT_INS

__all__ = ["BUILT_INS", "contexts", "lists", "numbers", "ranges", "strings", "temporals"]
