"""
Two versions of a set of files, compared by what they mean: what came, went, was changed, or was only moved.

    compare      all files of two deployments, or of one and a draft
    bounded      the same in a process of its own, which may take only so much
    values       what is told: `Compared` files, their `Difference`s, each with its `Change`s
    trees        any file as nested parts, and what changed between two
    things       what has an identity in a file, paired with what it was
    markup       XML as such parts
    diagrams     BPMN by element; its drawing apart
    tables       DMN by element, column and row
    entries      forms by field; JSON and YAML by path
    wording      prose by words

Nothing here asks what the engine does with a file: whatever differs in it is told once, at the element where it stands.
"""

from casepath.engine.deployments.comparison.bounded import compare_apart
from casepath.engine.deployments.comparison.files import compare
from casepath.engine.deployments.comparison.trees import ORDER
from casepath.engine.deployments.comparison.values import (
    Cell,
    Change,
    Compared,
    Difference,
    Piece,
    Row,
    Step,
    Table,
)
from casepath.engine.deployments.comparison.wording import pieces

__all__ = [
    "ORDER", "Cell", "Change", "Compared", "Difference", "Piece", "Row", "Step", "Table", "compare", "compare_apart",
    "pieces",
]  # fmt: skip
