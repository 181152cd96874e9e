"""Only modules that say EDGE in their docstring reach the world: no other opens, asks or waits."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
WORLD = frozenset(
    "asyncio concurrent ctypes fcntl glob grp http mmap multiprocessing os pathlib pwd requests "
    "resource select selectors shutil signal socket sqlite3 ssl subprocess tempfile threading "
    "time urllib.request".split()
)
SPARED = {"checks.tls.sockdiag": {"socket"}}
"""The kernel's numbers for address families are in no other module."""


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """Give the nodes of a module but for those that only type checkers read."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield from _run(child)


def _used(source: str) -> set[str]:
    """Name what a module imports, each with all its parents, and `open` where it calls that."""
    names: set[str] = set()
    for node in _run(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "open":
            names.add("open")
    parts = [name.split(".") for name in names]
    return {".".join(words[:end]) for words in parts for end in range(1, len(words) + 1)}


def _docstring(source: str) -> str:
    return ast.get_docstring(ast.parse(source)) or ""


SOURCES = {
    _name(path): path.read_text()
    for folder in ("checks", "agent")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
EDGES = {name for name, source in SOURCES.items() if "EDGE" in _docstring(source)}
PURE = [
    name
    for name, source in SOURCES.items()
    if name not in EDGES and (name.startswith("checks") or "Pure." in _docstring(source))
]


def _reached(source: str) -> set[str]:
    return _used(source) & (EDGES | WORLD | {"open"})


def test_a_pure_module_reaches_nothing() -> None:
    """What does not say EDGE imports neither what does nor what reaches files, peers or clocks."""
    found = {name: _reached(SOURCES[name]) - SPARED.get(name, set()) for name in PURE}
    assert {name: reached for name, reached in found.items() if reached} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os.path", {"os"}),
        ("def f():\n    from time import monotonic", {"time"}),
        ("from checks.tls import dial", {"checks.tls.dial"}),
        ("from checks.tls.dial import Dialer", {"checks.tls.dial"}),
        ("data = open('x')", {"open"}),
        ("if TYPE_CHECKING:\n    from checks.tls.dial import Dialer", set()),
        ("from checks.tls import hello\nhello.open('x')", set()),
    ],
)
def test_what_reaches_the_world_is_seen(source: str, found: set[str]) -> None:
    """An import counts wherever it stands, unless only type checkers read it."""
    assert _reached(source) == found


def test_the_edges_are_known() -> None:
    """A module that connects and one that walks a tree are edges; the probe is none."""
    assert {"checks.tls.line", "checks.tls.tree"} <= EDGES
    assert "checks.tls.probe" in PURE
