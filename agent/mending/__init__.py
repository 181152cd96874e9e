"""Managed files come back to what policy approved: by one role, below the folders it may write."""
