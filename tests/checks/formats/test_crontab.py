"""Credentials planted in crontabs are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import crontab
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("etc/crontab", "DB_PASSWORD=@@\n", "double", ("DB_PASSWORD",)),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(crontab, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(crontab, template, "# ") == []


JOBS = [
    ("0 5 * * * root mysqldump -px db", ("job", "root"), "mysqldump -px db"),
    ("*/5 * * * mon-fri /bin/a b", ("job",), "/bin/a b"),
    ("@daily backup /bin/a", ("job", "backup"), "/bin/a"),
    ("@reboot curl -u a:b h", ("job",), "curl -u a:b h"),
    ("0 5 * * * mysqldump -px", ("job",), "mysqldump -px"),
    ("1 5 * jan,feb * www-data date +\\%s%in", ("job", "www-data"), "date +%s\nin"),
    ("7 10 cron.weekly nice a", ("job", "cron.weekly"), "nice a"),
]


@pytest.mark.parametrize(("line", "keys", "command"), JOBS)
def test_a_job_gives_its_command(line: str, keys: tuple[str, ...], command: str) -> None:
    """The schedule and the user are cut off, percent signs become what cron makes of them."""
    [entry] = crontab.parse(f"# x\n{line}\n")
    assert (entry.keys, entry.value, entry.line, entry.role) == (keys, command, 2, Role.COMMAND)
