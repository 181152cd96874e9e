"""Peers that misbehave: the beginning of TLS 1.3 in the right keys, to go wrong from there.

Tests are found by path, not imported: a module that wants these takes them out of
`runpy.run_path` of this file.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from checks.tls.answer import read_extensions
from checks.tls.numbers import Extension
from checks.tls.wire import Reader

if TYPE_CHECKING:
    import socket

    from tests.checks.tls.conftest import Issued
    from tests.checks.tls.peer13 import Peer

_TLS = Path(__file__).parents[1] / "checks" / "tls"
listening = runpy.run_path(str(_TLS / "serving.py"))["listening"]
PEER13 = SimpleNamespace(**runpy.run_path(str(_TLS / "peer13.py")))
_LARGEST = 1 << 16
_REFUSED = b"\x15\x03\x03\x00\x02\x02"
_X25519 = 29


def begun(link: socket.socket, leaf: Issued, *chain: bytes) -> Peer | None:
    """Take a hello; give a peer that has said its own, or None for who was refused.

    It speaks TLS 1.3 by X25519 and AES-128-GCM, and nothing else.
    """
    peer = PEER13.Peer(leaf.key, leaf.der, *chain)
    heard = link.recv(_LARGEST)
    if alert := _objection(heard):
        link.sendall(_REFUSED + bytes([alert]))
        return None
    peer.hear(heard)
    if _X25519 not in peer.shares:
        link.sendall(peer.retry(_X25519))
        peer.hear(link.recv(_LARGEST).removeprefix(PEER13.CHANGED))
    link.sendall(peer.hello(_X25519))
    return peer


def _objection(heard: bytes) -> int:
    """Give the alert for a hello that is not for us, 0 for one that is."""
    reader = Reader(heard[43:])
    reader.vector(1)
    suites = reader.vector(2)
    reader.vector(1)
    found = read_extensions(reader.vector(2))
    if b"\x03\x04" not in _pairs(found.get(Extension.SUPPORTED_VERSIONS, b"")[1:]):
        return 70
    groups = _pairs(found.get(Extension.SUPPORTED_GROUPS, b"")[2:])
    return 0 if b"\x00\x1d" in groups and b"\x13\x01" in _pairs(suites) else 40


def _pairs(listed: bytes) -> list[bytes]:
    return [listed[at : at + 2] for at in range(0, len(listed), 2)]
