"""Watch trees so that no change is missed: what the kernel tells, and what it does not."""
