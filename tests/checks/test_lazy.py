"""Expressions are compiled when asked, and mean the same to every interpreter."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
import subprocess
import sys
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]  # they have no types
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agent
import checks
from checks import compiled, lazy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def _parts(tree: object) -> Iterator[tuple[object, Any]]:
    """Give every operation of a parsed expression with its arguments."""
    if isinstance(tree, _parser.SubPattern):
        for operation, arguments in tree:
            yield operation, arguments
            yield from _parts(arguments)
    elif isinstance(tree, list | tuple):
        for part in tree:
            yield from _parts(part)


_ONE_CHARACTER = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN}


def _is_run(part: tuple[object, Any]) -> bool:
    """Say whether it is one character, repeated possessively."""
    return part[0] is _constants.POSSESSIVE_REPEAT and _compiler._simple(part[1][2])


def _fails_at_its_start(body: Iterable[tuple[object, Any]]) -> bool:
    """Say whether a group that does not match leaves the engine where it began.

    It is an atomic group, or one run, or single characters, or several of these to choose from;
    what follows may be runs that need nothing.
    """
    rest = list(body)
    match rest[0]:
        case (_constants.BRANCH, (_, choices)):
            begins = all(map(_fails_at_its_start, choices))
        case (_constants.SUBPATTERN, (None, _, _, inner)):
            begins = _fails_at_its_start(inner)
        case (operation, _) as part:
            begins = operation is _constants.ATOMIC_GROUP or _is_run(part)
    if not begins:
        rest[1:] = itertools.dropwhile(lambda part: part[0] in _ONE_CHARACTER, rest[1:])
        begins = rest[0][0] in _ONE_CHARACTER
    return begins and all(_is_run(part) and part[1][0] == 0 for part in rest[1:])


def _is_doubtful(source: str | bytes, flags: int = 0) -> bool:
    """Say whether a possessive quantifier stands behind a group that fails later than that."""
    return any(
        operation is _constants.POSSESSIVE_REPEAT
        and not _compiler._simple(arguments[2])
        and not _fails_at_its_start(arguments[2])
        for operation, arguments in _parts(_parser.parse(source, flags))
    )


@pytest.fixture(scope="module")
def written() -> list[tuple[str | bytes, int]]:
    """Give all expressions of the program and their flags."""
    ours = [
        importlib.import_module(found.name)
        for package in (checks, agent)
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
        if not found.name.endswith(".__main__")
    ]
    held = [one for module in ours for one in vars(module).values() if isinstance(one, re.Pattern)]
    made = [(one.pattern, one.flags & ~re.UNICODE) for one in held]
    return made + [(one.source, one.flags) for one in lazy._WRITTEN]


@pytest.mark.parametrize(
    "source",
    [
        r"(?:a[bc]*d)*+",
        r"x((?:(?!y).)++)",
        r"(?=(?:ab++)?+)",
        rb"(a?b){2}+",
        r"(?:ab|acd)*+",
        r"(?:(?>a)b)*+",
        r"(?:a|b?c)*+",
    ],
)
def test_a_group_that_fails_after_its_start_is_seen(source: str | bytes) -> None:
    assert _is_doubtful(source)


@pytest.mark.parametrize(
    "source",
    [
        r"a*+[bc]++\w?+.{2,3}+",
        r"(?>(?:a[bc]*d)*)",
        r"(?:ab)+\++",
        r"(?:ab)*+",
        r"(?:\\.[^\\]*+)*+",
        r"(?:[^\\]++|\\.)*+",
        r"(?:(?:a|bc)d*+)*+",
        r"(?:(?>a[bc]*d|ab)){2}+",
    ],
)
def test_what_every_interpreter_matches_alike_is_left_alone(source: str) -> None:
    assert not _is_doubtful(source)


def test_no_group_is_doubtful(written: list[tuple[str | bytes, int]]) -> None:
    """Python before 3.11.5, as Debian 12 has it, goes on from where such a group failed."""
    assert len(written) > 500
    assert [source for source, flags in written if _is_doubtful(source, flags)] == []


def test_an_expression_is_compiled_when_it_is_asked() -> None:
    wrong = lazy.regex("(")
    with pytest.raises(re.error):
        wrong.match("")


def test_every_expression_has_a_form_that_is_as_good(
    written: list[tuple[str | bytes, int]],
) -> None:
    for source, flags in written:
        assert compiled.loaded(source, compiled.form(source, flags)) == re.compile(source, flags)


def test_forms_are_of_all_that_is_written(written: list[tuple[str | bytes, int]]) -> None:
    made = lazy.regex("made here")
    assert len(lazy.forms()) > 500
    assert len(lazy.forms([b"and this", "and that"])) == len(lazy.forms()) + 2
    assert made.search("made here")


def test_a_kept_form_is_loaded_and_not_compiled_again() -> None:
    """Of two forms whose names were exchanged, each finds what the other stands for."""
    one, two = f"one {__name__}", f"two {__name__}"  # as nobody else writes
    few = lazy.forms()
    named = {name: form for name, form in lazy.forms([one, two]).items() if name not in few}
    lazy.keep(dict(zip(named, reversed(named.values()), strict=True)))
    assert lazy.pattern(one).search(two)
    assert lazy.regex(two).search(one)
    assert lazy.pattern(two, re.IGNORECASE).search(two.upper())
    assert lazy.pattern(two.encode()).search(two.encode())


@pytest.mark.parametrize("missing", ["re._parser", "_sre"])
def test_a_python_whose_re_is_another_one_compiles_each_time(missing: str) -> None:
    """Slower, not wrong: there are no forms then, and what is asked is compiled."""
    program = f"""
import re, sys
sys.modules[{missing!r}] = None
del re._parser
from checks import lazy
asked = lazy.regex("(a)b")
print(lazy.forms(), asked.fullmatch("ab")[1])
"""
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "{} a\n"


def test_a_wrong_expression_has_no_form() -> None:
    with pytest.raises(re.error):
        compiled.form("(", 0)


@given(st.text(max_size=40), st.sampled_from([0, re.IGNORECASE, re.VERBOSE | re.ASCII]))
def test_a_form_finds_what_its_expression_finds(text: str, flags: int) -> None:
    """Whatever is written: names, wide characters, flags within."""
    source = (
        f"(?i:{re.escape(text)})(?P<name>[{re.escape(text)}a-\U0001f600]*)|(?<!{re.escape(text)})x"
    )
    expected = re.compile(source, flags)
    found = compiled.loaded(source, compiled.form(source, flags))
    assert found == expected
    assert found.groupindex == expected.groupindex
    for asked in (text, text.upper() + "abc", "x"):
        one, other = found.search(asked), expected.search(asked)
        assert (one and (one.span(), one.groupdict())) == (
            other and (other.span(), other.groupdict())
        )
