"""How a keeper's bootstrap file names a Vault that it logs in to by AppRole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.keysettings import AppRoleLogin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.vault.conftest import Vault


def section(vault: Vault, shared: Path, **more: object) -> dict[str, Any]:
    """Give the section of a new AppRole; its folder is made in SHARED, which is in memory."""
    told, folder = vault.approle(), shared / "keeper"
    assert isinstance(told.login, AppRoleLogin)
    folder.mkdir(mode=0o700, exist_ok=True)
    login = {
        "kind": "approle",
        "role_id": told.login.role_id,
        "secret_id_file": told.login.secret_id_file,
    }
    return {"address": told.address, "ca": told.ca, "login": login, "folder": str(folder), **more}
