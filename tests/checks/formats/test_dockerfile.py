"""Dockerfiles give settings and command lines at their lines."""

from __future__ import annotations

import time
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats import dockerfile
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from typing import Protocol

    from checks.model import Entry

    class Planted(Protocol):
        """A value and the entries that reading a text with it gave."""

        value: str
        entries: list[Entry]


PLANTED = [
    ("Dockerfile", "FROM x\nENV PASSWORD=@@\n", "word", ("ENV", "PASSWORD")),
    ("a/Dockerfile.prod", "FROM x\nENV A=b PASSWORD=@@ C=d\n", "double", ("ENV", "PASSWORD")),
    ("app.dockerfile", "FROM x\nenv A='x y' \\\n  PASSWORD=@@ \\\n  C=d\n", "single",
     ("ENV", "PASSWORD")),
    ("Containerfile", "FROM x\nENV A=b \\\n # note\n\n  PASSWORD=@@\n", "word",
     ("ENV", "PASSWORD")),
    ("Dockerfile", "FROM x\nENV PASSWORD @@\n", "word", ("ENV", "PASSWORD")),
    ("Dockerfile", "ARG PASSWORD=@@\nFROM x\n", "word", ("ARG", "PASSWORD")),
    ("Dockerfile", 'FROM x\nLABEL "a.b"=c x.password=@@\n', "double", ("LABEL", "x.password")),
    ("Dockerfile", "FROM x\nCOPY <<EOF /etc/x\na=b\npassword=@@\nEOF\n", "tight",
     ("COPY", "password")),
    ("Dockerfile", "FROM x\nRUN cat <<EOF >/etc/x\npassword: @@\nEOF\n", "tight",
     ("RUN", "password")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "template", "notation", "keys"), PLANTED)
def test_a_planted_setting_is_read_to_the_letter(
    plant: Callable[[ModuleType, str, str], Iterator[Planted]],
    name: str,
    template: str,
    notation: str,
    keys: tuple[str, ...],
) -> None:
    """With the instruction and the name as keys."""
    assert any(fnmatch("/" + name.lower(), "*/" + glob) for glob in dockerfile.NAMES)
    line = template.partition("@@")[0].count("\n") + 1
    for planted in plant(dockerfile, template, notation):
        found = [e for e in planted.entries if e.keys == keys]
        assert [(e.value, e.line) for e in found] == [(planted.value, line)]


def test_the_old_form_of_env_takes_the_rest_of_the_line() -> None:
    """Blanks and equals signs belong to the value."""
    entries = list(dockerfile.parse("FROM x\nENV PASSWORD a b=c  d\n"))
    assert [(e.keys, e.value) for e in entries] == [(("ENV", "PASSWORD"), "a b=c  d")]


def commands(text: str) -> list[tuple[tuple[str, ...], str, int]]:
    return [(e.keys, e.value, e.line) for e in dockerfile.parse(text) if e.role is Role.COMMAND]


def test_command_lines_are_given_in_shell_form() -> None:
    """JSON forms are quoted for a shell, options of the instruction are taken off."""
    text = (
        "FROM x\nRUN --mount=type=secret,id=a --network=none foo -p 'x' \\\n"
        "  # it's a note\n  && bar\n"
        'CMD ["foo", "-p", "a b"]\nENTRYPOINT exec foo\n'
        "HEALTHCHECK --interval=5s CMD curl -u a:b h\nONBUILD RUN baz\nHEALTHCHECK NONE\n"
    )
    assert commands(text) == [
        (("RUN",), "foo -p 'x' \\\n\\\n  && bar", 2),
        (("CMD",), "foo -p 'a b'", 5),
        (("ENTRYPOINT",), "exec foo", 6),
        (("HEALTHCHECK",), "curl -u a:b h", 7),
        (("RUN",), "baz", 8),
    ]


def test_a_here_document_of_run_is_a_script() -> None:
    """Its body is the command; what stands behind its end is read on."""
    text = "FROM x\nRUN <<EOF\nfoo -p x\nEOF\nRUN bar\n"
    assert [row for row in commands(text) if row[1] != "<<EOF"] == [
        (("RUN",), "foo -p x", 3),
        (("RUN",), "bar", 5),
    ]


def test_the_escape_directive_is_obeyed() -> None:
    """A back-tick continues lines where the file says so."""
    text = "# escape=`\nFROM x\nENV A=b `\n  C=d\n"
    assert [(e.keys[-1], e.value, e.line) for e in dockerfile.parse(text)] == [
        ("A", "b", 3),
        ("C", "d", 4),
    ]


def test_an_address_is_kept_for_a_look_inside() -> None:
    """ADD may carry a password in a URL."""
    entries = list(dockerfile.parse("FROM x\nADD https://host/f /f\nADD f /f\n"))
    assert [(e.keys, e.value) for e in entries] == [(("ADD",), "https://host/f /f")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# ENV A=b\n",
        "FROM x\n",
        "FROM x\nARG A\nUSER bob\nEXPOSE 80\nVOLUME /x\n",
        "ENV\n",
        "no text",
    ],
)
def test_what_sets_nothing_gives_nothing(text: str) -> None:
    """Comments and instructions without a value."""
    assert list(dockerfile.parse(text)) == []


def test_a_file_is_recognised_by_its_stage() -> None:
    """FROM first, then another instruction."""
    assert dockerfile.sniff("# syntax\nARG A=1\nFROM a:b AS c\n\nRUN x\n")
    assert not dockerfile.sniff("FROM a\n")
    assert not dockerfile.sniff("SELECT a\nFROM b\nRUN x\n")


@given(st.text("ENVRUN a=b\"'\\\n#<[]`E", max_size=150), st.sampled_from(["", "ENV ", "RUN <<E\n"]))
def test_any_text_is_read(text: str, lead: str) -> None:
    """Nothing raises, and lines stay within the text."""
    whole = lead + text
    assert all(1 <= e.line <= whole.count("\n") + 1 for e in dockerfile.parse(whole))


@pytest.mark.parametrize(
    "piece",
    [
        "ENV A=b\\\n", "RUN <<A\n", 'ENV a="\\', "A=b ", "\\\n", "FROM x\n", "a='", "[", "<<A ",
        "# x\n", " ", "HEALTHCHECK  ",
    ],
)  # fmt: skip
def test_a_hostile_file_costs_time_in_proportion(piece: str) -> None:
    """A hundred thousand characters take seconds at the most."""
    text = "ENV x=" + piece * (100_000 // len(piece))
    start = time.process_time()
    for lead in ("", "RUN ", "HEALTHCHECK "):
        assert sum(1 for _ in dockerfile.parse(lead + text)) >= 0
        assert dockerfile.sniff(text[:4096]) in {True, False}
    assert time.process_time() - start < 5
