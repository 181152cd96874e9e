"""Read the certificates and keys that sites name, and no other key. EDGE."""

from __future__ import annotations

import os
import stat
from functools import cached_property
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.model import Access
from checks.secrets import keys, pem
from checks.tls import certificate
from checks.tls.keyuse import KeyFile, Use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.secrets.keys import KeyFacts
    from checks.tls.config import Site
    from checks.tls.tree import Held, Named

_IN_MEMORY: Final = frozenset({"ramfs", "tmpfs"})
_MOST_MOUNTS: Final = 10_000


class Finder:
    """Finds the keys below one root; each file is read once."""

    def __init__(self, tree: Named, *, live: bool) -> None:
        """Take the files; live: they are this host's own, whose mounts count."""
        self._tree = tree
        self._fleeting = _in_memory() if live else frozenset[int]()
        self._keys: dict[str, KeyFile | None] = {}
        self._leaves: dict[str, tuple[str, str]] = {}

    def uses(self, site: Site) -> Iterator[Use]:
        """Give each certificate of a site whose key is in a file that is there."""
        for pair in site.pairs:
            key = self._key(pair.key.value) if pair.key else None
            if key:
                leaf, spki = self._leaf(pair.certificate.value)
                yield Use(site.place, pair.certificate, leaf, spki, key)

    def _key(self, path: str) -> KeyFile | None:
        if path not in self._keys:
            held = self._tree.held(path)
            self._keys[path] = self._described(path, held) if held else None
        return self._keys[path]

    def _described(self, path: str, held: Held) -> KeyFile | None:
        status = held.status
        facts = None if held.data is None else _key_in(held.data)
        if held.data is not None and facts is None:  # no key is in it, so it is no key's file
            return None
        group = self._groups.get(status.st_gid, "")
        mode = stat.S_IMODE(status.st_mode)
        return KeyFile(
            path,
            (status.st_dev, status.st_ino),
            Access(status.st_uid, status.st_gid, mode, group=group),
            facts,
            lasting=status.st_dev not in self._fleeting,
        )

    def _leaf(self, path: str) -> tuple[str, str]:
        if path not in self._leaves:
            held = self._tree.held(path)
            self._leaves[path] = _leaf_in(held.data or b"") if held else ("", "")
        return self._leaves[path]

    @cached_property
    def _groups(self) -> dict[int, str]:
        """The groups of the root: what its numbers mean here says nothing."""
        lines = (line.split(":") for line in (self._tree.read("/etc/group") or "").splitlines())
        named = ((words[2], words[0]) for words in lines if len(words) > 2)
        return {int(number): name for number, name in named if number.isdecimal()}


def _key_in(data: bytes) -> KeyFacts | None:
    """Describe the first private key of a file; no passphrase is tried."""
    block = pem.first(data, private=True)
    return keys.inspect(block, ()) if block else None


def _leaf_in(data: bytes) -> tuple[str, str]:
    """Give fingerprint and key of the first certificate of a file, "" for none."""
    block = pem.first(data, private=False)
    if block is None:
        return "", ""
    try:
        found = certificate.read(block.body)
    except FormatError:
        return "", ""
    return found.sha256, found.key.spki


def _in_memory() -> frozenset[int]:
    """Give the devices of file systems in memory (proc(5), mountinfo)."""
    found = set()
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            for line, _ in zip(file, range(_MOST_MOUNTS), strict=False):
                front, _, behind = line.partition(" - ")
                if behind.partition(" ")[0] in _IN_MEMORY:
                    major, _, minor = front.split()[2].partition(":")
                    found.add(os.makedev(int(major), int(minor)))
    except OSError:
        return frozenset()
    return frozenset(found)
