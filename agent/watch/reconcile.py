"""Walk trees for what differs from the index: at the start, after a loss, now and then. EDGE.

A generator, a folder a step, so that the daemon can do other things between. Gives paths to look
at: new ones, changed ones, ones that are gone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from agent.watch.index import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.watch.index import Index
    from agent.watch.tree import Listing, Tree


class Differs(NamedTuple):
    """Paths of one folder to be looked at; links: symbolic links in it, changed or not.

    error: why the folder could not be listed; unwatched: why it could not be watched.
    """

    folder: str
    paths: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    error: str = ""
    unwatched: str = ""


def below(top: str, tree: Tree, index: Index) -> Iterator[Differs]:
    """Compare all below a folder with the index; at the end give what the index has beside it."""
    seen: set[str] = set()
    for listing in tree.walk(top):
        seen.add(listing.folder)
        yield _compared(listing, index)
    gone = (path for path in index.below(top) if os.path.dirname(path) not in seen)
    if paths := tuple(gone):
        yield Differs(top, paths)


def _compared(listing: Listing, index: Index) -> Differs:
    if listing.error:
        return Differs(listing.folder, error=listing.error)
    known = index.within(listing.folder)
    paths, links = [], []
    for entry in listing.entries:
        before = known.pop(entry.name, None)
        if entry.is_symlink():
            links.append(entry.path)
        elif entry.is_file(follow_symlinks=False):
            try:
                if stamp(entry.stat(follow_symlinks=False)) == before:
                    continue
            except OSError:
                pass  # gone again: looking at it will tell
            paths.append(entry.path)
    paths += [os.path.join(listing.folder, name) for name in known]
    return Differs(listing.folder, tuple(paths), tuple(links), "", listing.unwatched)
