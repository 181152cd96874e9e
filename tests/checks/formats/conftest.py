"""Plant made-up credentials in the text of a format and read them back."""

from __future__ import annotations

import contextlib
import random
import re
import shlex
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from checks.catalog import Formats
from checks.errors import FormatError
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from checks.model import Entry

MARK: Final = "@@"
"""Stands in a template where the value goes."""

_PLAIN: Final = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SEEDS: Final = range(12)


def _backslashed(value: str, marks: str) -> str:
    return re.sub("([" + re.escape(marks) + "])", r"\\\1", value)


def _double(value: str) -> str:
    """Quote, with a backslash in front of quotes and backslashes."""
    return '"' + _backslashed(value, '"\\') + '"'


def _percent(value: str) -> str:
    return value.replace("%", "%%")


class Notation(NamedTuple):
    """How a value is written: the special characters it may have, and its spelling."""

    special: str
    spell: Callable[[str], str]


_SIGNS: Final = "#!%&;$@^*()[]{}<>=:,/|~"

NOTATIONS: Final = {
    "raw": Notation(_SIGNS + "\"'\\.+-_?`", str),
    "bare": Notation("#!%&;\"'$@^*()[]<>=:,./|~+-_?", str),
    "tight": Notation("#!%&\"'$@^*[]<>=:./\\|~+-_?", str),
    "tight-dq": Notation('!%&@^*.~+-_?"=:', str),
    "tight-q": Notation("#!%&\"'$@^*[]<>:./\\|~+-_?", str),
    "word": Notation("!%&@^*.~+-_?=", str),
    "word-noat": Notation("!%&^*.~+-_?=", str),
    "hex": Notation("", str),
    "colon": Notation("!%&;$@^*[]{}=./|~+-_?#", str),
    "static": Notation("!%&;$@^*[]=./|~+-_?#", str),
    "double": Notation(_SIGNS + " \"'\\", _double),
    "c": Notation(_SIGNS + " \"'\\", _double),
    "single": Notation(_SIGNS + ' "', lambda v: f"'{v}'"),
    "to-quote": Notation(_SIGNS + " \"'\\", lambda v: f'"{v}"'),
    "plain-double": Notation(_SIGNS + " '", lambda v: f'"{v}"'),
    "doubled": Notation(_SIGNS + " '", lambda v: _percent(f'"{v}"')),
    "triple": Notation(_SIGNS + " '", lambda v: f'"""{v}"""'),
    "tick": Notation(_SIGNS + " \"'", lambda v: f"`{v}`"),
    "shell": Notation(_SIGNS + " \"'\\", shlex.quote),
    "java": Notation(_SIGNS + " \"'\\é", lambda v: _backslashed(v, "\\").replace("é", "\\u00e9")),
    "unit": Notation(_SIGNS + " \"'\\", lambda v: _percent(_double(v))),
    "unit-raw": Notation(_SIGNS, _percent),
    "variable": Notation(_SIGNS + " '", lambda v: _percent(f'"DB_PASSWORD={v}"')),
    "pgpass": Notation(_SIGNS + " \"'\\", lambda v: _backslashed(v, ":\\")),
    "keyfile": Notation(_SIGNS + " \"'\\", lambda v: _backslashed(v, "\\").replace(" ", "\\s")),
    "fstab": Notation(
        _SIGNS.replace(",", "") + " \"'\\",
        lambda v: v.replace("\\", "\\134").replace(" ", "\\040"),
    ),
}


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
    with contextlib.suppress(FormatError):
        found.extend(module.parse(text))
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


class Case(NamedTuple):
    """One row of a table: a file name, its text with a mark, and the entry that must come out."""

    name: str
    template: str
    notation: str
    keys: tuple[str, ...]
    role: Role = Role.NAMED
    subject: str = ""


@pytest.fixture
def misread(
    plant: Callable[[ModuleType, str, str], Iterator[Planted]], formats: Formats
) -> Callable[[ModuleType, tuple[Any, ...]], list[object]]:
    """Give a function that plants and reads a case, and gives what came out otherwise.

    Compared are value, line, role and subject under the keys, and which format the name promises.
    """

    def differences(module: ModuleType, row: tuple[Any, ...]) -> list[object]:
        case = Case(*row)
        line = case.template.partition(MARK)[0].count("\n") + 1
        chosen = formats.of(case.name, b"").format
        wrong: list[object] = [] if chosen is module else [chosen]
        for planted in plant(module, case.template, case.notation):
            found = [entry for entry in planted.entries if entry.keys == case.keys]
            read = [(e.value, e.line, e.role, e.subject) for e in found]
            if read != [(planted.value, line, case.role, case.subject)]:
                wrong.append((planted.text, read))
        return wrong

    return differences


@pytest.fixture
def commented() -> Callable[[ModuleType, str, str], list[Entry]]:
    """Give a function that reads a text of which every line is commented out."""

    def entries(module: ModuleType, template: str, mark: str) -> list[Entry]:
        text = "".join(
            mark + line for line in template.replace(MARK, "x").splitlines(keepends=True)
        )
        return _readable(module, text)

    return entries
