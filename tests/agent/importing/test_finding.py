"""The secret that a person means is the one that `scan` finds there, and no other."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import pytest

from agent import settings
from agent.importing import finding
from agent.importing.finding import FindingError
from tests.agent.vault.authority import issue

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings import Settings
    from tests.conftest import Hygiene


@pytest.fixture
def told(folder: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HYGIENE_AGENT_STATE", str(state))
    return settings.from_mapping({"version": 1, "state": str(folder / "none")})


@pytest.fixture
def values() -> tuple[str, str]:
    return f"Kx7{secrets.token_hex(10)}Qz", f"Kx7{secrets.token_hex(10)}Qz"


@pytest.fixture
def file(folder: Path, values: tuple[str, str]) -> str:
    path = folder / "app.env"
    path.write_text(f"# mail\nDB_PASSWORD={values[0]}\nMAIL_PASSWORD={values[1]}\n")
    return str(path)


def test_a_line_or_an_identity_says_which(
    told: Settings, file: str, values: tuple[str, str], hygiene: Hygiene
) -> None:
    """The identity is what `scan` shows of it; the beginning of it is enough."""
    read = finding.read(file)
    assert finding.chosen(read, told, 3, "").value == values[1]
    _, report = hygiene.report(file)
    identities = {one["line"]: one["identity"] for one in report["findings"]}
    assert finding.chosen(read, told, 0, identities[2]).value == values[0]
    assert finding.chosen(read, told, 0, identities[3][:8]).value == values[1]


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ((0, ""), "which one"),
        ((1, ""), "none of them"),
        ((0, "0" * 32), "none of"),
        ((2, "0"), "8 digits"),
    ],
)
def test_what_is_not_one_is_refused_without_the_value(
    told: Settings, file: str, values: tuple[str, str], which: tuple[int, str], said: str
) -> None:
    """With what there is, by line and kind."""
    with pytest.raises(FindingError, match=said) as caught:
        finding.chosen(finding.read(file), told, *which)
    assert not any(value in str(caught.value) for value in values)
    assert "line 2: embedded-password DB_PASSWORD" in str(caught.value) or "digits" in said


def test_a_key_is_one_secret_whatever_is_wrong_with_it(
    told: Settings, folder: Path, hygiene: Hygiene
) -> None:
    """Each finding of it leads there; certificates are none."""
    one = issue("web", names=["www.example.net"])
    path = folder / "web.key"
    path.write_text(one.pem + one.private)
    path.chmod(0o644)
    read = finding.read(str(path))
    found = finding.chosen(read, told, 0, "")
    assert found.block is not None
    assert found.line == len(one.pem.splitlines()) + 1
    _, report = hygiene.report(path)
    every = [one["identity"] for one in report["findings"]]
    assert every
    assert all(finding.chosen(read, told, 0, each).block == found.block for each in every)
    assert one.private.splitlines()[1] not in repr((found, read))


def test_what_is_no_file_with_a_secret_is_refused(told: Settings, folder: Path) -> None:
    """Nothing found, a link, a folder, a FIFO, nothing there."""
    plain = folder / "plain.txt"
    plain.write_text("nothing here\n")
    with pytest.raises(FindingError, match="finds nothing"):
        finding.chosen(finding.read(str(plain)), told, 0, "")
    os.mkfifo(folder / "fifo")
    (folder / "link").symlink_to(plain)
    for name in ("fifo", "link", ".", "none"):
        with pytest.raises(FindingError, match="not a file"):
            finding.read(str(folder / name))
