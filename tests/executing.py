"""
Which methods of SpiffWorkflow carry weight: two models with every common element are played, again and again, with one
method of SpiffWorkflow at a time replaced by one that does nothing. It carries weight when the run then goes otherwise.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import SpiffWorkflow

from casepath.engine.database import values
from casepath.engine.database.models import ProcessInstance
from tests import deploying
from tests.diagrams import (
    ERROR,
    MESSAGE,
    SIGNAL,
    SIGNALLED,
    border,
    catch,
    container,
    end,
    error,
    message,
    nodes,
    process,
    script,
    throw,
    timer,
)
from tests.world import World

HOME = Path(SpiffWorkflow.__file__).parent
#: Part of SpiffWorkflow → where its files are; the first that fits counts.
PARTS = {
    "parser": ("bpmn/parser/",),
    "events": ("bpmn/specs/event_definitions/", "bpmn/specs/mixins/events/", "bpmn/util/event.py", "util/event.py"),
    "script engine": ("bpmn/script_engine/",),
    "specs": ("specs/", "bpmn/specs/"),
    "task and workflow": ("task.py", "workflow.py", "bpmn/workflow.py", "bpmn/util/", "util/"),
}
#: Seconds of the processor after which a run is otherwise than it was.
PATIENCE = 3

#: Plays something and shows after each step what can be seen from outside.
Play = Callable[[Callable[[object], None]], None]

LOOP = '<multiInstanceLoopCharacteristics isSequential="{}" camunda:collection="${{items}}"/>'
WHILE = '<standardLoopCharacteristics><loopCondition>${n &lt; 2}</loopCondition></standardLoopCharacteristics>'

FLOWS = process(
    nodes("startEvent Begin; parallelGateway Fork Join; inclusiveGateway Some Meet"),
    nodes("exclusiveGateway Enter Which Again"),
    nodes("userTask A B C D Each; manualTask Note; task Rest; endEvent Done"),
    '<laneSet><lane id="l" name="clerks"><flowNodeRef>A</flowNodeRef></lane></laneSet>',
    '<dataObject id="o" name="order"/>',
    f'<userTask id="Many"><documentation>Look.</documentation>{LOOP.format("false")}</userTask>',
    f'<userTask id="One">{LOOP.format("true")}</userTask>',
    f'<scriptTask id="Count" scriptFormat="python"><script>n = n + 1</script>{WHILE}</scriptTask>',
    script("Add", "total = total + n"),
    container("Sub", nodes("startEvent Inner; userTask E"), end("Out", error("e")), flow="Inner > E; E > Out"),
    border("Caught", "Sub", error("e")),
    root=ERROR,
    flow="""Begin > Enter; Enter > Fork; Fork > A; Fork > B; A > Join; B > Join; Join > Note; Note > Some
            Some > C [${big}]; Some > D [${small}]; C > Meet; D > Meet; Meet > Many; Many > One; One > Count
            Count > Add; Add > Which; Which > Sub [${total > 1}]; Which > Rest [${total <= 1}]
            Caught > Again; Again > Enter [${again}]; Again > Rest [${not again}]; Rest > Done""",
)
EVENTS = process(
    nodes("startEvent Begin; eventBasedGateway First; userTask Late Told; parallelGateway Fork Join; endEvent Done"),
    nodes("userTask Patient Remind"),
    catch("Hour", timer("PT1H")), catch("Order", message("m")), catch("Alarm", SIGNALLED), catch("Wait", timer("PT2H")),
    throw("Ring", SIGNALLED), '<receiveTask id="Cancel" messageRef="n"/>', '<sendTask id="Send" messageRef="m"/>',
    border("Soon", "Patient", timer("PT30M"), interrupting=False), border("Over", "Patient", timer("PT3H")),
    end("Loud", message("m")), end("Stop", "<terminateEventDefinition/>"), nodes("endEvent Reminded"),
    root=MESSAGE + SIGNAL,
    flow="""Begin > First; First > Hour; First > Order; Hour > Late; Late > Done; Order > Told; Told > Fork
            Fork > Alarm; Fork > Ring; Fork > Wait; Alarm > Join; Ring > Join; Wait > Join; Join > Send; Send > Cancel
            Cancel > Patient; Soon > Remind; Remind > Reminded; Over > Stop; Patient > Loud""",
)


def play(see: Callable[[object], None]) -> None:
    """Play both models, showing after each step what can be seen from outside."""
    world = World()
    try:
        world.deploy([("flows.bpmn", FLOWS)])
        number = world.start("p", {"big": True, "small": True, "items": [1, 2], "n": 0, "total": 0}, "key")

        def look() -> None:
            see([task[1:] for task in world.open_tasks(number)])
            see((world.ended(number), world.variables(number), world.failure(number), world.state_size(number)))

        def do(*elements: str, **variables: object) -> None:
            for element in elements:
                world.complete(next(task for task, at, _ in world.open_tasks(number) if at == element), variables)
                look()

        look()
        do("A", "B", "C", "D", "Many")
        world.restart()
        do("Many", "One", "One")
        do("E", again=True)
        do("B", "A", small=False)
        do("C", "Many", "Many", "One", "One")
        do("E", again=False)

        world.deploy([("events.bpmn", EVENTS)])
        number = world.start("p", {}, "other")
        look()
        see(world.message("order", "other", {"amount": 5}))
        do("Told")
        world.restart()
        world.advance(7200)
        look()
        see(world.message("cancel", "other", {}))
        look()
        world.advance(1800)
        do("Remind")
        world.advance(10800)
        look()
    finally:
        world.close()


def stored(world: World, number: int) -> tuple[list[Any], dict[str, Any]]:
    """Return the tokens of an instance as they are stored, and its variables by scope; nothing where it has ended."""
    with world.sessions() as session:
        row = session.get_one(ProcessInstance, number)
        tokens: Any = values.loads(row.tokens) if row.tokens else {"t": []}
        variables: Any = values.loads(row.variables)
        return tokens["t"], variables


class Otherwise(Exception):
    """A run has gone otherwise than the usual one."""


def trace(played: Play | None = None, *, until: Sequence[object] = ()) -> list[object]:
    """
    Return all that can be seen of a run, and what stopped it where something did.

    A run stops early that goes otherwise than `until`. Files are read anew: what is replaced may read them.
    """
    deploying.forget()
    seen: list[object] = []

    def see(thing: object) -> None:
        seen.append(thing)
        if until and until[: len(seen)] != seen:
            raise Otherwise

    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        (played or play)(see)
    except Exception as error:
        seen.append(type(error).__name__)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        deploying.forget()
    return seen


def _stop(number: int, frame: FrameType | None) -> None:
    raise TimeoutError


def running_methods() -> dict[str, list[tuple[type, str]]]:
    """Return the methods of SpiffWorkflow that run meanwhile, by part; constructors, properties and logging aside."""
    ran: set[Any] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(HOME)):
            ran.add(frame.f_code)

    sys.setprofile(note)
    try:
        trace()
    finally:
        sys.setprofile(None)
    found: dict[str, list[tuple[type, str]]] = {part: [] for part in PARTS}
    for owner in sorted(classes(), key=lambda each: f"{each.__module__}.{each.__qualname__}"):
        for name, method in vars(owner).items():
            if isinstance(method, FunctionType) and method.__code__ in ran and not _aside(name):
                found[part_of(method)].append((owner, name))
    return found


def classes() -> set[type]:
    """Return every class that SpiffWorkflow defines in what has been imported of it."""
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "SpiffWorkflow"]
    return {each for module in modules for each in vars(module).values()
            if isinstance(each, type) and each.__module__.startswith("SpiffWorkflow")}  # fmt: skip


def _aside(name: str) -> bool:
    return name.startswith("__") or "log" in name


def part_of(method: FunctionType) -> str:
    """Return the part of SpiffWorkflow that a method belongs to."""
    place = Path(method.__code__.co_filename).relative_to(HOME).as_posix()
    return next(part for part, places in PARTS.items() if place.startswith(places))


@contextmanager
def idle(owner: type, name: str) -> Iterator[None]:
    """Replace a method by one that does nothing."""
    before = vars(owner)[name]
    setattr(owner, name, lambda *arguments, **more: None)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def bare(owner: type, name: str) -> Iterator[None]:
    """Take away what a class of ours overrides, so that SpiffWorkflow's own is there."""
    before = vars(owner)[name]
    delattr(owner, name)
    try:
        yield
    finally:
        setattr(owner, name, before)
