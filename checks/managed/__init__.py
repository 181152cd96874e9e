"""Managed files: what policy says they are, what they are, and how the two differ."""
