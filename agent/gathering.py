"""Gather what an inventory is made of: listeners, endpoints, certificate and key files. EDGE."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent import __version__, endpoints, scanning, setup, tlsscan, together
from agent.inventory import Gathered, Held
from agent.policysource import Source
from checks import files
from checks.errors import FormatError
from checks.model import Inconclusive
from checks.secrets import pem
from checks.tls import certificate, sites, summary
from checks.tls.keyfinding import Finder
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.keyfiles import KeySeen
    from checks.scanned import Result
    from checks.tls.keyuse import Use
    from checks.tls.summary import CertificateSummary

_SIZE: Final = 1024 * 1024
"""Bytes of a file in which its first certificate is looked for."""
_USUAL: Final = "/etc"


class Wanted(NamedTuple):
    """What to look at. root: an unpacked one, or "" for this host; keys: where to seek them."""

    asked: tuple[endpoints.Endpoint, ...] = ()
    root: str = ""
    keys: tuple[str, ...] = ()
    policy: Source = Source()
    progress: Callable[[Result], None] | None = None


def gather(wanted: Wanted) -> Gathered:
    """Look at everything; what cannot be looked at is part of what is given, not an error."""
    clock = time.monotonic()
    root = os.path.realpath(wanted.root) if wanted.root else ""
    below = tuple(map(os.path.realpath, wanted.keys or _usual(root)))
    job = setup.job(setup.Choice(below, wanted.policy))
    policy = job.orders.policy
    found, configured = together.find(wanted.asked, root, policy.tls.exclude)
    report = tlsscan.run(tlsscan.Job(found, configured, policy, __version__, all_suites=True))
    scanned = scanning.look(job._replace(progress=wanted.progress))
    named = _named(configured, root or "/")
    beside = _beside(job, scanned)
    return Gathered(
        host="" if root else socket.gethostname(),
        root=root,
        below=tuple(_within(root, path) for path in below),
        report=report,
        seconds=time.monotonic() - clock,
        heard=found.heard,
        held=(*named.held, *(held._replace(path=_within(root, held.path)) for held in beside)),
        keys=tuple(_moved(root, key) for key in scanned.keys),
        uses=named.uses,
        missing=named.missing,
        unseen=(*named.unseen, *(_unseen(root, one) for one in scanned.inconclusive)),
    )


def _usual(root: str) -> tuple[str, ...]:
    return tuple(path for path in (root + _USUAL,) if os.path.isdir(path))


def _within(root: str, path: str) -> str:
    """Name a path as those see it who live in the root."""
    inside = path.startswith(root.rstrip("/") + "/")
    return path[len(root.rstrip("/")) :] if root and inside else path


def _moved(root: str, key: KeySeen) -> KeySeen:
    return msgspec.structs.replace(key, path=_within(root, key.path))


def _unseen(root: str, one: Inconclusive) -> Inconclusive:
    return msgspec.structs.replace(one, path=_within(root, one.path))


class _Named(NamedTuple):
    """What configuration names; missing: (path, "path:line") of certificates that are not there."""

    held: tuple[Held, ...]
    uses: tuple[Use, ...]
    missing: tuple[tuple[str, str], ...]
    unseen: tuple[Inconclusive, ...]


def _named(configured: sites.Seen, root: str) -> _Named:
    """Read the certificates and keys that the sites of a host or an unpacked root name."""
    held: list[Held] = []
    missing: list[tuple[str, str]] = []
    unseen: dict[Inconclusive, None] = {}
    uses: dict[Use, None] = {}
    with RootTree(root) as tree:
        finder = Finder(tree, live=root == "/")
        for site in (one.site for one in configured.configured):
            uses |= dict.fromkeys(finder.uses(site))
            for setting in (pair.certificate for pair in site.pairs):
                place = f"{setting.path}:{setting.line}"
                file = tree.held(setting.value)
                if file is None:
                    missing.append((setting.value, place))
                elif first := _first(file.data or b""):
                    held.append(Held(first, setting.value, place))
                else:
                    why = Inconclusive(setting.value, "no certificate could be read", place)
                    unseen[why] = None
        unseen |= {Inconclusive(root, "not looked at", why): None for why in tree.unseen}
    return _Named(tuple(held), tuple(uses), tuple(missing), tuple(unseen))


def _beside(job: scanning.Job, scanned: Result) -> Iterator[Held]:
    """Give the certificates in files that were scanned which belong to a key that was found."""
    keys = {key.spki for key in scanned.keys if key.spki}
    candidates = [path for path, _ in scanned.certificates] if keys else []
    for path, spki in sorted(scanning.certificates(job, candidates)):
        if spki in keys and (first := _first(_content(path))):
            yield Held(first, path)


def _content(path: str) -> bytes:
    opened = files.open_file(path)
    if not isinstance(opened, files.Opened):
        return b""
    try:
        return os.pread(opened.descriptor, _SIZE, 0)
    except OSError:
        return b""
    finally:
        os.close(opened.descriptor)


def _first(data: bytes) -> CertificateSummary | None:
    """Read the first certificate of a file, which is the one that servers show."""
    block = pem.first(data, private=False)
    try:
        return summary.certificate(certificate.read(block.body)) if block else None
    except FormatError:
        return None
