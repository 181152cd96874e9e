"""The roles of the daemon: one process, one loop, one kind of power each."""
