"""Read what the kernel tells of listening sockets: sock_diag messages and /proc/net/tcp. Pure.

The messages are those of linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h: numbers in the
order of this machine, addresses and ports in the network's.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LISTEN: Final = 10
_HEADER: Final = struct.Struct("=IHHII")
_REQUEST: Final = struct.Struct("=BBBxI48x")
_NUMBERS: Final = struct.Struct("=IIIII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_BODY: Final = 72
"""The length of struct inet_diag_msg; attributes come behind it."""
_ADDRESS_AT, _INTERFACE_AT, _NUMBERS_AT = 8, 40, 52
_BY_FAMILY: Final = 20
_DUMP: Final = 0x0301
_INTERRUPTED: Final = 0x10
_ERROR, _DONE = 2, 3
_V6_ONLY, _CGROUP = 11, 21
_PLAIN_TYPE: Final = 0x3FFF
"""An attribute's type without the flags for nesting and byte order."""
_COLUMNS: Final = 10


class DiagError(HygieneError):
    """What the kernel said is no list of sockets, or it refused to give one."""


class Socket(NamedTuple):
    """One listening socket.

    address: as the socket was bound, an IPv4 address in IPv6 clothes unwrapped; interface: the one
    it is bound to, 0 for any; cgroup: the id of its control group, 0 where the kernel does not
    tell; v6_only: an IPv6 socket that takes no IPv4, None where that is not told.
    """

    address: str
    port: int
    inode: int
    uid: int
    interface: int = 0
    cgroup: int = 0
    v6_only: bool | None = None


class Part(NamedTuple):
    """One datagram of the kernel's answer. last: the answer ends; torn: sockets came and went."""

    sockets: tuple[Socket, ...]
    last: bool
    torn: bool


def request(family: int, sequence: int) -> bytes:
    """Ask for all listening TCP sockets of an address family."""
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 1 << _LISTEN)
    return _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _DUMP, sequence, 0) + body


def read(datagram: bytes, sequence: int) -> Part:
    """Read one datagram of the answer; raises DiagError for a refusal and for malformed bytes."""
    found: list[Socket] = []
    torn = False
    for kind, flags, number, body in _messages(datagram):
        if number != sequence:
            continue
        torn = torn or bool(flags & _INTERRUPTED)
        if kind == _DONE:
            _refused(body)
            return Part(tuple(found), last=True, torn=torn)
        if kind == _ERROR:
            _refused(body)
        if kind == _BY_FAMILY and (one := _socket(body)):
            found.append(one)
    return Part(tuple(found), last=False, torn=torn)


def _messages(datagram: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Give type, flags, sequence number and body of each netlink message."""
    at = 0
    while at < len(datagram):
        if len(datagram) - at < _HEADER.size:
            raise DiagError("netlink: the header of a message is cut off")
        size, kind, flags, number, _ = _HEADER.unpack_from(datagram, at)
        if not _HEADER.size <= size <= len(datagram) - at:
            raise DiagError("netlink: a message has an impossible length")
        yield kind, flags, number, datagram[at + _HEADER.size : at + size]
        at += _aligned(size)


def _refused(body: bytes) -> None:
    """Raise DiagError where a closing message carries an error number."""
    code = int.from_bytes(body[:4], sys.byteorder, signed=True)
    if code:
        raise DiagError(f"netlink: the kernel refuses, error {-code}")


def _socket(body: bytes) -> Socket | None:
    """Read one struct inet_diag_msg; None for a socket that does not listen."""
    if len(body) < _BODY:
        raise DiagError("netlink: a socket's message is cut off")
    family, state = body[0], body[1]
    if state != _LISTEN or family not in {socket.AF_INET, socket.AF_INET6}:
        return None
    size = 4 if family == socket.AF_INET else 16
    _, _, _, uid, inode = _NUMBERS.unpack_from(body, _NUMBERS_AT)
    attributes = _attributes(body[_BODY:])
    only = attributes.get(_V6_ONLY)
    return Socket(
        address=_text(body[_ADDRESS_AT : _ADDRESS_AT + size]),
        port=int.from_bytes(body[4:6], "big"),
        inode=inode,
        uid=uid,
        interface=int.from_bytes(body[_INTERFACE_AT : _INTERFACE_AT + 4], sys.byteorder),
        cgroup=int.from_bytes(attributes.get(_CGROUP, b"")[:8], sys.byteorder),
        v6_only=bool(only[0]) if only else None,
    )


def _attributes(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while len(data) - at >= _ATTRIBUTE.size:
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if not _ATTRIBUTE.size <= size <= len(data) - at:
            raise DiagError("netlink: an attribute has an impossible length")
        found[kind & _PLAIN_TYPE] = data[at + _ATTRIBUTE.size : at + size]
        at += _aligned(size)
    return found


def _aligned(size: int) -> int:
    return (size + 3) & ~3


def read_table(lines: Iterable[str]) -> Iterator[Socket]:
    """Read the lines of /proc/net/tcp or tcp6; raises DiagError for one that is none of theirs.

    Linux's Documentation/networking/proc_net_tcp.rst has the columns.
    """
    for line in lines:
        words = line.split()
        if len(words) < _COLUMNS or words[0] == "sl" or words[3] != f"{_LISTEN:02X}":
            continue
        try:
            address, _, port = words[1].partition(":")
            yield Socket(_text(_bytes(address)), int(port, 16), int(words[9]), int(words[7]))
        except ValueError as error:
            raise DiagError("proc: a line of its table of sockets is malformed") from error


def _bytes(digits: str) -> bytes:
    """Turn words of eight hexadecimal digits, each in this machine's order, into an address."""
    if len(digits) % 8:
        raise ValueError
    words = (digits[at : at + 8] for at in range(0, len(digits), 8))
    return b"".join(struct.pack("=I", int(word, 16)) for word in words)


def _text(packed: bytes) -> str:
    """Write an address; raises ValueError for one of another length than 4 or 16."""
    address = ipaddress.ip_address(packed)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)
