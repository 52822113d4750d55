"""The smallest diagrams on which the engine once did something else than the standard says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.diagrams import container, nodes, process
from tests.running import complete, open_elements, run
from tests.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database."""
    made = World()
    yield made
    made.close()


def test_event_sub_process__of_a_multi_instance_round_that_is_over(world: World) -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"
    start = '<startEvent id="Called"><signalEventDefinition signalRef="s"/></startEvent>'
    handler = container("Handle", start, nodes("userTask H"), flow="Called > H", triggeredByEvent="true")
    failed = '<boundaryEvent id="Failed" attachedToRef="Sub"><errorEventDefinition/></boundaryEvent>'
    inner = container("Sub", loop, nodes("startEvent T; userTask A"), handler, flow="T > A")
    diagram = process(nodes("startEvent S; userTask Z"), inner, failed, flow="S > Sub; Sub > Z; Failed > Z",
                      root='<signal id="s" name="stop"/>')
    instance = run(world, diagram)
    complete(world, instance, "A")

    world.signal("stop", {})

    assert open_elements(world, instance) == ["H"]
