"""Elements that were written for plain SpiffWorkflow, in the frame that all our activities share."""

from __future__ import annotations

from typing import ClassVar

from SpiffWorkflow.specs.base import TaskSpec

from casepath.engine import errors
from casepath.engine.bpmn.elements.activities import Activity
from casepath.engine.bpmn.tree import Token


class Extension(Activity):
    """
    Runs an element of somebody else: its `_run_hook`, within save points, loops, mappings and events on the border.

    What it raises is a failure of the element, which can be tried again; so is `None` or `False` as result, since
    nobody would bring the token on.
    """

    tag: ClassVar[str] = "extension"

    def _update_hook(self, my_task: Token) -> bool:
        # Called while the element before completes, so that an error would be that one's: asked in `run` instead.
        return True

    def run(self, token: Token) -> bool | None:
        try:
            done = super()._update_hook(token) and super().run(token)
        except errors.EngineError:
            raise
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
            raise errors.InvalidInput("{element}: {found}", element=self.bpmn_id, found=found) from error
        if not done:
            text = "Expected {element} to be done when it has run, but it returned {found}"
            raise errors.InvalidInput(text, element=self.bpmn_id, found=done)
        return True


def framed(theirs: type[TaskSpec]) -> type[Activity]:
    """Return a spec class of somebody else in our frame; one that already is ours as it stands."""
    return theirs if issubclass(theirs, Activity) else type(theirs.__name__, (Extension, theirs), {})
