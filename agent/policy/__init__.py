"""Policy from a central store: pulled, verified, joined, tried, taken back if it fails."""
