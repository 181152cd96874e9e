"""Attest what a scan saw: what it was about, how it went, signed; and what a host makes of it."""
