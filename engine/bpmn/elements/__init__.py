"""What each kind of element does; on the class of SpiffWorkflow for the same kind, where it has one."""
