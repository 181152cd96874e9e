"""The index knows how many files it has, whatever was put, dropped or undone."""

from __future__ import annotations

import sqlite3

from agent.watch.index import Index, Stamp

SEEN = Stamp(1, 2, 3, 4)


def test_files_are_counted() -> None:
    """Each file counts once, and no more once it is dropped."""
    index = Index(sqlite3.connect(":memory:", isolation_level=None))
    counts = [len(index)]
    for change in (index.drop, lambda path: index.put(path, SEEN)):
        for path in ("/a/one", "/a/two", "/a/two"):
            change(path)
            counts.append(len(index))
    index.drop("/a/one")
    assert [*counts, len(index)] == [0, 0, 0, 0, 1, 2, 2, 1]


def test_what_was_undone_does_not_count() -> None:
    """A file that was put in a transaction which failed is not there."""
    base = sqlite3.connect(":memory:", isolation_level=None)
    index = Index(base)
    index.put("/a/one", SEEN)
    assert len(index) == 1
    base.execute("BEGIN")
    index.put("/a/two", SEEN)
    base.execute("ROLLBACK")
    assert len(index) == 1
    index.put("/a/two", SEEN)
    assert len(index) == 2
