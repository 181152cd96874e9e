"""Plant made-up credentials in the text of a format and read them back."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from checks.catalog import Formats
from checks.errors import FormatError
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

MARK: Final = "@@"
"""Stands in a template where the value goes."""

_PLAIN: Final = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SEEDS: Final = range(12)


def _backslashed(value: str, marks: str) -> str:
    return re.sub("([" + re.escape(marks) + "])", r"\\\1", value)


def _pgpass(value: str) -> str:
    return _backslashed(value, ":\\")


class Notation(NamedTuple):
    """How a value is written: the special characters it may have, and its spelling."""

    special: str
    spell: Callable[[str], str]


NOTATIONS: Final = {
    "raw": Notation("#!%&;\"'$@^*()[]{}<>=:,./\\|~+-_?`", str),
    "tight": Notation("#!%&\"'$@^*[]<>=:./\\|~+-_?", str),
    "word": Notation("!%&@^*.~+-_?=", str),
    "hex": Notation("", str),
    "comma": Notation("#!%&;$@^*[]{}=:./|~+-_?", str),
    "colon": Notation("!%&;$@^*[]{}=./|~+-_?#", str),
    "double": Notation(" #!%&;\"'$@^*()[]{}<>=:,/\\|~", lambda v: f'"{_backslashed(v, chr(34) + chr(92))}"'),
    "single": Notation(" #!%&;\"$@^*()[]{}<>=:,/|~", lambda v: f"'{v}'"),
    "to-quote": Notation(" #!%&;'$@^*()[]{}<>=:,/\\|~\"", lambda v: f'"{v}"'),
    "plain-double": Notation(" #!%&;'$@^*()[]{}<>=:,/|~", lambda v: f'"{v}"'),
    "triple": Notation(" #!%&;'$@^*()[]{}<>=:,/|~", lambda v: f'"""{v}"""'),
    "tick": Notation(" #!%&;\"'$@^*()[]{}<>=:,/|~", lambda v: f"`{v}`"),
    "shell": Notation(" #!%&;\"'$@^*()[]{}<>=:,/\\|~", lambda v: "'" + v.replace("'", "'\"'\"'") + "'"),
    "java": Notation(" #!%&;\"'$@^*()[]{}<>=:,/\\|~é", lambda v: _backslashed(v, "\\").replace("é", "\\u00e9")),
    "unit": Notation(" #!%&;'$@^*()[]{}<>=:,/\\|~\"", lambda v: f'"{_backslashed(v, chr(34) + chr(92))}"'.replace("%", "%%")),
    "doubled": Notation(" #!%&;'$@^*()[]{}<>=:,/|~", lambda v: f'"{v}"'.replace("%", "%%")),
    "variable": Notation(" #!%&;'$@^*()[]{}<>=:,/|~", lambda v: f'"DB_PASSWORD={v}"'.replace("%", "%%")),
    "unit-raw": Notation("#!%&;$@^*()[]{}<>=:,/|~", lambda v: v.replace("%", "%%")),
    "pgpass": Notation(" #!%&;\"'$@^*()[]{}<>=:,/\\|~", _pgpass),
    "c": Notation(" #!%&;\"'$@^*()[]{}<>=:,/\\|~", lambda v: f'"{_backslashed(v, chr(34) + chr(92))}"'),
    "keyfile": Notation(" #!%&;\"'$@^*()[]{}<>=:,/\\|~", lambda v: _backslashed(v, "\\").replace(" ", "\\s")),
    "fstab": Notation("#!%&;\"'$@^*()[]{}<>=:/\\|~ ", lambda v: v.replace("\\", "\\134").replace(" ", "\\040")),
    "bare": Notation("#!%&;\"'$@^*()[]<>=:,./|~+-_?", str),
    "tight-dq": Notation("!%&@^*.~+-_?\"=:", str),
    "tight-q": Notation("#!%&\"'$@^*[]<>:./\\|~+-_?", str),
    "word-noat": Notation("!%&^*.~+-_?=", str),
    "static": Notation("!%&;$@^*[]=./|~+-_?#", str),
    "cron": Notation("!%&@^*.~+-_", lambda v: v.replace("%", "\\%")),
}  # fmt: skip


def _made(notation: Notation, seed: int) -> str:
    """Make a value of letters, digits and special characters that begins and ends plainly."""
    rng = random.Random(seed)
    inner = rng.choices(_PLAIN, k=6) + rng.choices(notation.special or _PLAIN, k=5)
    rng.shuffle(inner)
    # A blank in front of a comment mark would begin a comment where a value is bare.
    return rng.choice(_PLAIN) + "".join(inner) + "".join(rng.choices(_PLAIN, k=4))


class Planted(NamedTuple):
    """A value, the text it was planted in, and the entries that reading gave."""

    value: str
    text: str
    entries: list[Entry]


def _readable(module: ModuleType, text: str) -> list[Entry]:
    found: list[Entry] = []
    try:
        for entry in module.parse(text):
            found.append(entry)
    except FormatError:
        pass
    return found


@pytest.fixture(scope="session")
def formats() -> Formats:
    """Give all formats, as the program finds them."""
    return Formats()


@pytest.fixture
def plant() -> Callable[[ModuleType, str, str], Iterator[Planted]]:
    """Give a function that plants values of a notation in a template and reads the text."""

    def planted(module: ModuleType, template: str, notation: str) -> Iterator[Planted]:
        how = NOTATIONS[notation]
        for seed in _SEEDS:
            value = _made(how, seed)
            text = template.replace(MARK, how.spell(value))
            yield Planted(value, text, list(module.parse(text)))

    return planted


@pytest.fixture
def expect(
    plant: Callable[[ModuleType, str, str], Iterator[Planted]], formats: Formats
) -> Callable[..., None]:
    """Give a function that plants, reads and compares value, keys, line, role and subject."""

    def check(
        module: ModuleType, name: str, template: str, notation: str, keys: tuple[str, ...],
        role: Role = Role.NAMED, subject: str = "",
    ) -> None:  # fmt: skip
        line = template.partition(MARK)[0].count("\n") + 1
        chosen = formats.of(name, "")
        assert chosen is not None
        assert chosen.__name__ == module.__name__
        for planted in plant(module, template, notation):
            found = [entry for entry in planted.entries if entry.keys == keys]
            assert [(e.value, e.line, e.role, e.subject) for e in found] == [
                (planted.value, line, role, subject)
            ]

    return check


@pytest.fixture
def silent() -> Callable[[ModuleType, str, str], None]:
    """Give a function that checks that a text, every line commented out, gives nothing."""

    def check(module: ModuleType, template: str, mark: str) -> None:
        text = "".join(mark + line for line in template.replace(MARK, "x").splitlines(True))
        assert _readable(module, text) == []

    return check
