"""Keys from Vault, or OpenBao: fetched, checked as one object, and never on a persistent disk."""
