"""Bring a secret that stands in a file of this host into Vault, and prove that nobody misses it."""
