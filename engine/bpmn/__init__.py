"""BPMN: read diagrams, check them, and move their tokens; the only room that knows SpiffWorkflow."""
