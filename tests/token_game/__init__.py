"""A small interpreter of BPMN written from the standard, and random models: what the engine is compared with."""

from tests.token_game.world import ReferenceWorld

__all__ = ["ReferenceWorld"]
