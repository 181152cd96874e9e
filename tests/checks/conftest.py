"""The engine with all rules, compiled once for all tests, and short ways to look at a text."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from checks import catalog
from checks.catalog import Formats
from checks.inspect import Inspector, Looked
from checks.secrets import rules
from checks.secrets.engine import Engine, compile_rules
from checks.spotted import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

NOBODY = 65534


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Give the engine of the built-in rules."""
    built_in = rules.load(catalog.rule_files())
    return Engine(built_in, compile_rules(built_in))


@pytest.fixture(scope="session")
def inspector(engine: Engine) -> Inspector:
    """Give an inspector with the built-in rules and formats."""
    return Inspector(engine, Formats())


@pytest.fixture
def look(inspector: Inspector) -> Callable[..., Looked]:
    """Give a function that looks at a text or at bytes as the file of that path."""

    def looked(path: str, content: str | bytes) -> Looked:
        data = content.encode() if isinstance(content, str) else content
        return inspector.look(Document(path, data))

    return looked


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """Give a context in which the kernel refuses what it refuses a user without privileges."""

    @contextmanager
    def lowered() -> Iterator[None]:
        if os.geteuid():
            yield
            return
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)

    return lowered
