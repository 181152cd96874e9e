"""Show the root that all layers of an image make together, as a server would see it. EDGE.

Only names and small files of places where settings lie are kept, up to a limit on both; what is
asked for, is in the image and was not kept is told as unseen. Layers are put on top of each other
as OCI image-spec, layer.md, says: a whiteout hides what the layers below have, a folder stays
where there is one, anything else replaces what was there with all below it.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from checks.images import names
from checks.lazy import regex
from checks.tls.tree import Held, Named

if TYPE_CHECKING:
    from checks.images.fates import Fates
    from checks.images.names import Hidden
    from checks.unpack import Item
    from checks.unpack.tars import Entry

SMALL: Final = 256 * 1024
_PACKAGES: Final = 4 * 1024 * 1024
_LISTS: Final = frozenset({"/var/lib/dpkg/status", "/lib/apk/db/installed"})
_NODES: Final = 100_000
_BYTES: Final = 24 * 1024 * 1024
_FILES: Final = 2_000
"""As many as are read below an unpacked root."""
_WORK: Final = 5_000_000
"""Nodes that whiteouts may pass by."""
_LINKS: Final = 40
_STEPS: Final = 4_096
_LISTED: Final = 20
_SERVERS: Final = "nginx|apache2|httpd|haproxy|caddy|lighttpd|postfix|dovecot|postgresql|pgsql"
_DULL: Final = regex(
    r"/(?:(?:proc|sys|dev|boot|bin|sbin|lib\d*)/(?!apk/db)"
    rf"|usr/(?!local/|lib/os-release|lib/ssl|(?:share|lib\d*)/(?:{_SERVERS})/)"
    r"|usr/local/(?:bin|sbin|include|lib\d*|share)/|var/(?:cache|log)/"
    rf"|var/lib/(?!dpkg/status|acme|letsencrypt|(?:{_SERVERS})/))"
)
"""Where no server has its settings."""


class _Node:
    """A folder with its children, a link with its target, or a file with bytes or their place."""

    __slots__ = ("children", "data", "entry", "layer", "number", "place")

    def __init__(self, layer: int, number: int, entry: Entry | None = None) -> None:
        self.layer = layer
        self.number = number
        self.entry = entry
        self.children: dict[str, _Node] | None = None
        self.data: bytes | None = None
        self.place: tuple[int, int] | None = None

    @property
    def target(self) -> str | None:
        return self.entry.target if self.entry and self.entry.kind == "symlink" else None


class Merged(Named):
    """The root of an image. First told all of its layers, the lowest first, then read."""

    def __init__(self, fates: Fates) -> None:
        """Begin with an empty root; fates: of everything in the image."""
        self._fates = fates
        self._root = _folder(0, 0)
        self._count = self._held = 0
        self._work = _WORK
        self._asked: set[str] = set()
        self._gaps: dict[str, None] = {}

    def wants(self, path: str, size: int) -> bool:
        """Say whether the bytes of a file may be asked for, and fit."""
        most = _PACKAGES if path in _LISTS else SMALL
        return size <= most and self._held + size <= _BYTES and not _DULL.match(path)

    def add(
        self,
        path: str,
        entry: Entry,
        layer: int,
        data: bytes | None = None,
        place: tuple[int, int] | None = None,
    ) -> None:
        """Put what a layer has on top. data: of a file, or place: its descriptor and offset."""
        if _DULL.match(path) or self._count >= _NODES:
            return
        folder, name = self._parent(path, layer)
        if folder is None or not name:
            return
        before = folder.get(name)
        self._count += before is None
        if entry.kind == "link":
            target = self._walk(names.normal(entry.target))
            if target is None or target.children is not None:
                folder.pop(name, None)
            else:
                folder[name] = target
            return
        if entry.kind == "folder" and before is not None and before.children is not None:
            before.layer = layer
            return
        folder[name] = node = _Node(layer, self._count, entry._replace(item=_bare(entry)))
        node.children = {} if entry.kind == "folder" else None
        node.data, node.place = data, place
        self._held += len(data or b"")

    def _parent(self, path: str, layer: int) -> tuple[dict[str, _Node] | None, str]:
        """Give the folder that a path is in, made where it is missing, and the last name."""
        above, _, name = path.rpartition("/")
        node = self._root
        for part in filter(None, above.split("/")):
            inner = (node.children or {}).get(part)
            if inner is not None and inner.target is not None:
                inner = self._walk(f"{above}/") or inner
                return inner.children, name
            if inner is None or inner.children is None:
                self._count += 1
                inner = _folder(layer, self._count)
                if node.children is None or self._count >= _NODES:
                    return None, name
                node.children[part] = inner
            node = inner
        return node.children, name

    def hide(self, what: Hidden, layer: int) -> None:
        """Take away what the layers below have."""
        above, _, name = what.path.rpartition("/")
        folder = self._walk(what.path if what.below else above or "/")
        if folder is None or folder.children is None:
            return
        if what.below:
            self._prune(folder, layer)
            return
        node = folder.children.get(name)
        if node is not None and self._emptied(node, layer):
            del folder.children[name]

    def _prune(self, folder: _Node, layer: int) -> None:
        children = folder.children or {}
        for name in [name for name, node in children.items() if self._emptied(node, layer)]:
            del children[name]

    def _emptied(self, node: _Node, layer: int) -> bool:
        """Take away below a node what is older than a layer; say whether nothing is left of it."""
        stack, order = [node], []
        while stack and self._work > 0:
            order.append(one := stack.pop())
            stack += (one.children or {}).values()
            self._work -= 1
        if self._work <= 0:
            self._miss("too many names are hidden by whiteouts")
            return False
        for one in reversed(order):
            for name in [n for n, c in (one.children or {}).items() if _gone(c, layer)]:
                del (one.children or {})[name]
        return _gone(node, layer)

    def layer_of(self, path: str) -> int | None:
        """Give the layer whose file a path leads to."""
        node = self._walk(path)
        return None if node is None else node.layer

    @property
    def unseen(self) -> tuple[str, ...]:
        """Tell what is in the image and was not kept or read."""
        if self._count >= _NODES:
            self._miss(f"more than {_NODES} names where settings lie")
        return tuple(self._gaps)

    def held(self, path: str) -> Held | None:
        """Give a regular file with its owner and mode, also where its bytes were not kept."""
        if path not in self._asked and len(self._asked) >= _FILES:
            self._miss(f"more than {_FILES} files")
            return None
        self._asked.add(path)
        node, missing = self._followed(path)
        if node is None:
            if not missing:
                self._miss(f"{path}: too many links")
            elif self._fates.present(missing):
                self._miss(f"{path}: not kept")
            return None
        if node.entry is None or node.entry.kind != "file":
            return None
        item = node.entry.item
        numbers = (stat.S_IFREG | item.mode, node.number, 0, 1, item.uid, item.gid, item.size)
        return Held(os.stat_result((*numbers, 0, 0, 0)), self._bytes(path, node))

    def _bytes(self, path: str, node: _Node) -> bytes | None:
        size = node.entry.item.size if node.entry else 0
        if node.data is None and node.place and size <= _PACKAGES:
            data = os.pread(node.place[0], size, node.place[1])
            return data if len(data) == size else None
        if node.data is None and size:
            self._miss(f"{path}: too large")
            return None
        return node.data or b""

    def _is_there(self, path: str) -> bool:
        return self._walk(path) is not None

    def _names(self, folder: str) -> list[str]:
        node = self._walk(folder)
        return [] if node is None else sorted(node.children or ())

    def _walk(self, path: str) -> _Node | None:
        return self._followed(path)[0]

    def _followed(self, path: str) -> tuple[_Node | None, str]:
        """Follow a path and the links on it, as chroot(2) would have it.

        Without a node the text is the path that was missing on the way, "" where links do not end.
        """
        trail, way, links = [self._root], [""], 0
        todo = path.split("/")[::-1]
        for _ in range(_STEPS):
            if not todo:
                return trail[-1], "/".join(way)
            part = todo.pop()
            if part in {"", ".", ".."}:
                keep = max(1, len(trail) - (part == ".."))
                del trail[keep:], way[keep:]
                continue
            inner = (trail[-1].children or {}).get(part)
            if inner is None:
                return None, names.normal("/".join((*way, part, *reversed(todo))))
            if inner.target is None:
                trail.append(inner)
                way.append(part)
                continue
            links += 1
            if links > _LINKS:
                break
            if inner.target.startswith("/"):
                del trail[1:], way[1:]
            todo += inner.target.split("/")[::-1]
        return None, ""

    def _miss(self, what: str) -> None:
        if len(self._gaps) < _LISTED:
            self._gaps[what] = None


def _folder(layer: int, number: int) -> _Node:
    node = _Node(layer, number)
    node.children = {}
    return node


def _gone(node: _Node, layer: int) -> bool:
    return node.layer < layer and not node.children


def _bare(entry: Entry) -> Item:
    """Let go of the stream that an entry's bytes came from."""
    return entry.item._replace(body=None)
