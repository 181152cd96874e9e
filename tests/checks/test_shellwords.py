"""Shell text is split as a shell splits it, and whatever is not shell text harms nothing."""

from __future__ import annotations

import shlex
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import shellwords


def words(text: str) -> list[list[str]]:
    return [[word.text for word in command.words] for command in shellwords.commands(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", [["a", "b"]]),
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("a; b && c || d & e", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("a\nb", [["a"], ["b"]]),
        ("a \\\n b", [["a", "b"]]),
        ("a # b", [["a"]]),
        ("a#b", [["a#b"]]),
        ("a >f 2>/dev/null b", [["a", "b"]]),
        ("a $'x\\'y\\n'", [["a", "x'y\n"]]),
        ('a "x\\"y\\z"', [["a", 'x"y\\z']]),
        ("a $(b c) d", [["b", "c"], ["a", shellwords.NESTED, "d"]]),
        ('a "$(b "c d")" e', [["b", "c d"], ["a", shellwords.NESTED, "e"]]),
        ("a `b c`", [["b", "c"], ["a", shellwords.NESTED]]),
        ("a ${B:-x y}", [["a", "${B:-x y}"]]),
        ("(a b)", [["a", "b"]]),
        ("echo it's", [["echo", "it's"]]),
        ('echo a"', [["echo", 'a"']]),
        ("x=$((1<<2))\ny", [["x=$(...)"], ["y"]]),
    ],
)
def test_text_is_split_into_commands_and_words(text: str, expected: list[list[str]]) -> None:
    """Quotes, escapes, operators, comments and substitutions mean what they mean to a shell."""
    assert [command for command in words(text) if command[0] not in {"1", "2"}] == expected


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1))
def test_what_is_quoted_for_a_shell_comes_back(arguments: list[str]) -> None:
    """Any list of arguments survives shlex.join and splitting."""
    assert words(shlex.join(["x", *arguments])) == [["x", *arguments]]


def test_a_pipe_hands_on_the_words_in_front_of_it() -> None:
    """A command knows whose output it reads, and only a pipe makes it so."""
    piped, other = (list(shellwords.commands(f"a b {op} c")) for op in ("|", "||"))
    assert [word.text for word in piped[1].source] == ["a", "b"]
    assert other[1].source == ()


def test_here_documents_and_strings_are_kept_apart() -> None:
    """Their text is no command and belongs to the command that reads it, at its line."""
    found = list(shellwords.commands("a <<EOF\nit's x\nEOF\nb <<< 'y z'\n"))
    assert [[w.text for w in command.words] for command in found] == [["a"], ["b"]]
    assert [(w.text, w.line) for w in found[0].here] == [("it's x\n", 2)]
    assert [(w.text, w.line) for w in found[1].here] == [("y z", 4)]


def test_lines_are_counted_through_quotes_and_continuations() -> None:
    """A word has the number of the line on which it starts."""
    found = list(shellwords.commands("a \\\n b 'c\nd' e\nf", 10))
    assert [(w.text, w.line) for w in found[0].words] == [
        ("a", 10), ("b", 11), ("c\nd", 11), ("e", 12),
    ]  # fmt: skip
    assert found[1].words[0].line == 13


def test_statements_cover_commands_with_their_text() -> None:
    """A statement goes on while a bracket is open and ends with its line otherwise."""
    found = list(shellwords.statements("a\n\n# x\n(b\nc)\nd"))
    assert [(s.text.strip(), s.line) for s in found] == [("a", 1), ("(b\nc)", 4), ("d", 6)]


@given(st.text("ab '\"\\$`;|&()<>{}#\n-=E", max_size=200))
def test_any_text_is_split(text: str) -> None:
    """Nothing raises, and line numbers stay within the text."""
    last = text.count("\n") + 1
    for command in shellwords.commands(text):
        assert all(1 <= word.line <= last for word in command.words)


@pytest.mark.parametrize(
    "piece", ["$(", '"$(', "`", "(", "'", '"', "\\", "<<a\n", "<<a <<b", "${", "$'", "a|", "$'\\'"]
)
def test_hostile_text_costs_time_in_proportion(piece: str) -> None:
    """A hundred thousand characters of anything nested or left open are split within seconds."""
    start = time.process_time()
    assert sum(1 for _ in shellwords.commands(piece * (100_000 // len(piece)))) >= 0
    assert time.process_time() - start < 5
