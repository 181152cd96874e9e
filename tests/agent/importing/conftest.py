"""A real OpenBao, and a server that misbehaves, as for what asks Vault."""

from __future__ import annotations

from tests.agent.vault.conftest import _vault, hostile, reach, trusted, vault

__all__ = ["_vault", "hostile", "reach", "trusted", "vault"]
