"""nginx's directives in their order."""

from __future__ import annotations

from checks.tls.syntax.nginx import directives
from checks.tls.syntax.reading import Kind, Reading


class Files:
    """A tree of texts by path; a pattern fits all that begin as it does."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def read(self, path: str) -> str | None:
        """Give a text."""
        return self.texts.get(path)

    def glob(self, pattern: str) -> tuple[str, ...]:
        """Give paths."""
        return tuple(path for path in self.texts if path.startswith(pattern.rstrip("*")))


def read(texts: dict[str, str]) -> list[tuple[Kind, str, int]]:
    reading = Reading(Files(texts))
    return [(one.kind, " ".join(one.words), one.line) for one in directives(reading, "/e/main")]


def test_includes_stand_where_they_are_named() -> None:
    """Their directives come in order, and a file that leaves a block open closes it."""
    texts = {
        "/e/main": "a 1;\nb {\n include one;\n include d/*;\n}\nc;\n",
        "/e/one": "d {",
        "/e/d/1": "\n\ne;",
        "/e/d/2": "}",
    }
    assert read(texts) == [
        (Kind.SIMPLE, "a 1", 1),
        (Kind.OPENS, "b", 2),
        (Kind.OPENS, "d", 1),
        (Kind.CLOSES, "", 0),
        (Kind.SIMPLE, "e", 3),
        (Kind.CLOSES, "", 5),
        (Kind.SIMPLE, "c", 6),
    ]


def test_lua_is_passed_over() -> None:
    """Braces in its strings and comments end no block; what comes behind is read."""
    lua = 'x_by_lua_block {\n -- }\n --[[ } ]] local a = \'}\' .. "\\"}" .. [[ } ]] .. {}\n} b;'
    assert read({"/e/main": lua}) == [
        (Kind.OPENS, "x_by_lua_block", 1),
        (Kind.CLOSES, "", 4),
        (Kind.SIMPLE, "b", 4),
    ]
    assert read({"/e/main": "x { a ' }; b;"})[0][0] is Kind.OPENS
