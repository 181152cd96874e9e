"""What a host is called: its installation by a name that stays, and that no two of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import hostid

if TYPE_CHECKING:
    from pathlib import Path


def test_an_installation_keeps_its_name(tmp_path: Path) -> None:
    """The name is 32 hex digits, and nobody else may read it."""
    made = hostid.installation(tmp_path)
    assert len(bytes.fromhex(made)) == 16
    assert hostid.installation(tmp_path) == made
    assert (tmp_path / "installation").stat().st_mode & 0o077 == 0


def test_two_installations_have_two_names(tmp_path: Path) -> None:
    """Though one machine's id is the other's."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert hostid.installation(tmp_path / "one") != hostid.installation(tmp_path / "two")


def test_a_name_that_was_damaged_is_made_anew(tmp_path: Path) -> None:
    """As a power cut may leave it."""
    before = hostid.installation(tmp_path)
    (tmp_path / "installation").write_bytes(b"")
    made = hostid.installation(tmp_path)
    assert made not in {"", before}
    assert hostid.installation(tmp_path) == made


def test_where_nothing_can_be_kept_there_is_no_name(tmp_path: Path) -> None:
    """Rather than another one at each start."""
    assert hostid.installation(tmp_path / "missing") == ""
