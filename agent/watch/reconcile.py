"""Walk trees for what differs from the index: at the start, after a loss, now and then. EDGE.

A generator, a part of a folder a step, so that the daemon can do other things between. Gives paths
to look at: new ones, changed ones, ones that are gone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.watch.index import Index
    from agent.watch.tree import Listing, Tree

_SOME: Final = 100
"""Links of a step: following each takes a while."""


class Differs(NamedTuple):
    """Paths of one folder to be looked at; links: symbolic links in it, changed or not.

    error: why the folder could not be listed; unwatched: why it could not be watched.
    """

    folder: str
    paths: list[str]
    links: list[str]
    error: str = ""
    unwatched: str = ""


def below(top: str, tree: Tree, index: Index) -> Iterator[Differs]:
    """Compare all below a folder with the index; at the end give what the index has beside it."""
    seen: set[str] = set()
    for listing in tree.walk(top):
        seen.add(listing.folder)
        yield from _compared(listing, index)
    for differs in left(top, index):
        gone = [path for path in differs.paths if os.path.dirname(path) not in seen]
        yield differs._replace(paths=gone)


def left(top: str, index: Index) -> Iterator[Differs]:
    """Give all that the index has below a folder, as when it is watched no more."""
    for page in index.below(top):
        yield Differs(top, page, [])


def _compared(listing: Listing, index: Index) -> Iterator[Differs]:
    folder, new = listing.folder, dict(listing.files)
    if listing.error:
        yield Differs(folder, [], [], listing.error)
        return
    if listing.first and listing.last:
        for page in index.within(folder):
            known = dict(page)
            gone = [os.path.join(folder, name) for name in known if name not in listing.files]
            new = {name: now for name, now in new.items() if known.get(name, ...) != now}
            if gone:
                yield Differs(folder, gone, [])
    else:
        new = {n: now for n, now in new.items() if index.get(os.path.join(folder, n)) != now}
    paths = [os.path.join(folder, name) for name in new]
    yield Differs(folder, paths, listing.links[:_SOME], "", listing.unwatched)
    for at in range(_SOME, len(listing.links), _SOME):
        yield Differs(folder, [], listing.links[at : at + _SOME])
    if listing.last and not listing.first:
        for page in index.within(folder):
            yield Differs(folder, list(_vanished(folder, page)), [])


def _vanished(folder: str, page: Sequence[tuple[str, object]]) -> Iterator[str]:
    for name, _ in page:
        path = os.path.join(folder, name)
        if not os.path.lexists(path):
            yield path
