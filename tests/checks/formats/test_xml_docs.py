"""XML gives each value with its key path and line, and never follows an entity."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import FormatError
from checks.formats import xml_docs

if TYPE_CHECKING:
    from checks.model import Entry

SECRET = "p<w>&'\"#;${x}"
TEXT = escape(SECRET)
ATTRIBUTE = quoteattr(SECRET)

PLANTED = [
    (f"<a>\n<password>{TEXT}</password></a>", ("a", "password"), 2),
    (f"<a>\n<password enc='no'>{TEXT}</password></a>", ("a", "password"), 2),
    (f"<a><password>\n\n {TEXT}\n</password></a>", ("a", "password"), 3),
    (f"<a><password enc='no'>\n\n {TEXT}\n</password></a>", ("a", "password"), 3),
    (f"<a><password\n enc='no'>{TEXT}</password></a>", ("a", "password"), 2),
    (f"<a><password><![CDATA[{SECRET}]]></password></a>", ("a", "password"), 1),
    (f"<a>\n<Resource name='x' password={ATTRIBUTE}/></a>", ("a", "Resource", "@password"), 2),
    (f"<a><add key='Pw' value={ATTRIBUTE}/></a>", ("a", "add", "Pw"), 1),
    (f"<a><add value={ATTRIBUTE} key='Pw'/></a>", ("a", "add", "Pw"), 1),
    (f"<a><property name='pw' value={ATTRIBUTE}/></a>", ("a", "property", "pw"), 1),
    (f"<a><property name='pw'>{TEXT}</property></a>", ("a", "property", "pw"), 1),
    (f"<a><setting name='Pw'>\n<value>{TEXT}</value></setting></a>", ("a", "setting", "Pw"), 2),
    (f"<a><entry key='pw'>{TEXT}</entry></a>", ("a", "entry", "pw"), 1),
    (f"<a><add name='Db' connectionString={ATTRIBUTE}/></a>", ("a", "add", "Db"), 1),
    (f"<dict><key>pw</key>\n<string>{TEXT}</string></dict>", ("dict", "pw"), 2),
    (f"<p><name>pw</name><value>{TEXT}</value></p>", ("p", "pw"), 1),
    (f"<p><param-name>pw</param-name><param-value>{TEXT}</param-value></p>", ("p", "pw"), 1),
    (f"<server><id>x</id><password>{TEXT}</password></server>", ("server", "password"), 1),
    (f"\n\n<?xml version='1.0' encoding='UTF-16'?>\n<a>{TEXT}</a>", ("a",), 4),
    (f"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a>{TEXT}</a>", ("a",), 1),
]  # fmt: skip


def read(text: str) -> tuple[list[Entry], FormatError | None]:
    """Give the entries up to the end or the error."""
    found: list[Entry] = []
    try:
        for entry in xml_docs.parse(text):
            found.append(entry)  # noqa: PERF402 - what came before an error is wanted
    except FormatError as error:
        return found, error
    return found, None


@pytest.mark.parametrize(("text", "keys", "line"), PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    text: str, keys: tuple[str, ...], line: int
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    found, error = read(text)
    assert error is None
    assert [(e.keys, e.line) for e in found if e.value == SECRET] == [(keys, line)]


@pytest.mark.parametrize("text", [row[0] for row in PLANTED[:12]])
def test_a_text_that_is_commented_out_gives_nothing(text: str) -> None:
    """No comment is taken for an element."""
    assert read(f"<r><!-- {text} --></r>") == ([], None)


@pytest.mark.parametrize(
    "declaration",
    ["<!ENTITY a 'b'>", "<!ENTITY a SYSTEM 'file:///etc/passwd'>", "<!ENTITY % p 'x'>",
     "<!ENTITY % p SYSTEM 'http://127.0.0.1/x'> %p;"],
)  # fmt: skip
def test_entities_are_refused(declaration: str) -> None:
    """A declaration ends the reading; without one the same document is read."""
    assert read(f"<!DOCTYPE x [{declaration}]><x>y</x>")[1] is not None
    assert read("<!DOCTYPE x []><x>y</x>")[1] is None


@given(st.text() | st.text(alphabet="<>/=\"'&;![]-?CDATkey a\n"))
def test_no_text_raises_anything_else(text: str) -> None:
    """Any text gives entries or a FormatError."""
    read(text)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_attributes_come_back(text: str) -> None:
    """An attribute's value is read back to the letter."""
    found, error = read(f"<a>\n<b c={quoteattr(text)}/></a>")
    if error is None:
        assert [(e.keys, e.value, e.line) for e in found] == [(("a", "b", "@c"), text, 2)]
    else:
        assert any(ord(c) & 0xFFFE == 0xFFFE for c in text)


@pytest.mark.parametrize("text", ["hello", "<a>", "<a></b>", "<a>&u;</a>", "<a b=c/>", "<a>\0</a>"])
def test_what_is_no_xml_is_refused(text: str) -> None:
    """A broken text ends in an error."""
    assert read(text)[1] is not None


def test_what_was_read_before_the_error_is_kept() -> None:
    """Entries come first, then the error with its line."""
    found, error = read("<a><b>x</b>\n<add key='k' value='v'/>\n</c>")
    assert [entry.value for entry in found] == ["x", "k", "v"]
    assert error is not None
    assert error.line == 3


@pytest.mark.parametrize(
    "text",
    ["<a>" * 300_000, "<a b='" + "x" * 1_000_000, "<a>" + "x\n" * 500_000, "<" * 1_000_000,
     "<a>" + "&amp;" * 200_000, "<!--" * 250_000, "<a>" + "<![CDATA[" * 100_000],
)  # fmt: skip
def test_hostile_text_costs_little(text: str) -> None:
    """A megabyte of one token is done within two seconds of processor time."""
    start = time.process_time()
    read(text)
    assert time.process_time() - start < 2


def test_depth_is_limited() -> None:
    """What nests deeper than 200 is refused, what is flatter is read."""
    assert read("<a>" * 100 + "x" + "</a>" * 100)[1] is None
    assert read("<a>" * 300 + "x" + "</a>" * 300)[1] is not None


def test_the_declaration_is_recognised() -> None:
    """A text is XML by its declaration only."""
    assert xml_docs.sniff("\ufeff\n<?xml version='1.0'?>")
    assert not xml_docs.sniff("<html>")


def test_an_attribute_on_a_line_of_its_own_has_that_line() -> None:
    """The line is the attribute's, not the element's."""
    text = '<a>\n <b\n  c="1"\n  d="2"/>\n</a>\n'
    assert [entry.line for entry in xml_docs.parse(text)] == [3, 4]
