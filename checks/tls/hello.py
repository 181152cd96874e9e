"""Write a ClientHello: what is asked of a server. Sans I/O.

RFC 8446 4.1.2 for TLS 1.3, RFC 5246 7.4.1.2 before it; SSL 2 as in RFC 6101 appendix E.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from checks.lazy import regex
from checks.tls import hostnames
from checks.tls.numbers import (
    FALLBACK_SCSV,
    RENEGOTIATION_SCSV,
    SCHEMES,
    Extension,
    Version,
)
from checks.tls.wire import number, numbers, vector

_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_RECORD: Final = 16_384
_HOST_NAME: Final = 0
_HOST: Final = regex(r"[0-9A-Za-z_.-]+", re.ASCII)
_SURROGATE: Final = regex("[\ud800-\udfff]")
_UNCOMPRESSED_POINTS: Final = b"\x01\x00"
_PSK_WITH_DHE: Final = 1
_OCSP: Final = b"\x01\x00\x00\x00\x00"
SSL2_CIPHERS: Final = (0x010080, 0x020080, 0x030080, 0x040080, 0x050080, 0x060040, 0x0700C0)
"""RC4, RC4 export, RC2, RC2 export, IDEA, DES and 3DES, each with MD5."""


class ClientHello(NamedTuple):
    """What a client says first.

    version: the highest it speaks; random: 32 bytes; session: at most 32; server_name: as people
    write it, an address is not sent; shares: group and public value of each key share, in TLS 1.3
    only; fallback: say that a higher version was tried before (RFC 7507).
    """

    version: Version
    suites: tuple[int, ...]
    random: bytes
    groups: tuple[int, ...] = ()
    schemes: tuple[int, ...] = tuple(sorted(SCHEMES, reverse=True))
    server_name: str = ""
    alpn: tuple[str, ...] = ()
    shares: tuple[tuple[int, bytes], ...] = ()
    session: bytes = b""
    cookie: bytes = b""
    compressions: tuple[int, ...] = (0,)
    fallback: bool = False
    staple: bool = False
    bound: bytes = b""
    """Our Finished of the handshake that this one renegotiates (RFC 5746 3.5)."""
    lowest: Version = Version.SSL3
    """In TLS 1.3, the lowest version offered beside it; SSL3 for none."""


def write(hello: ClientHello) -> bytes:
    """Give the records of a ClientHello; raises WireError where a part is too long to write."""
    message = handshake(hello)
    first = min(hello.version, Version.TLS10) if hello.version < Version.TLS13 else Version.TLS10
    return b"".join(
        number(_HANDSHAKE, 1) + number(first, 2) + vector(message[start : start + _RECORD], 2)
        for start in range(0, len(message), _RECORD)
    )


def handshake(hello: ClientHello) -> bytes:
    """Give the handshake message of a ClientHello, as the transcript of TLS 1.3 has it.

    Raises WireError where a part is too long to be written.
    """
    suites = hello.suites
    if not hello.bound and (hello.version < Version.TLS13 or hello.lowest > Version.SSL3):
        suites += (RENEGOTIATION_SCSV,)
    if hello.fallback:
        suites += (FALLBACK_SCSV,)
    body = (
        number(min(hello.version, Version.TLS12), 2)
        + hello.random
        + vector(hello.session, 1)
        + vector(numbers(suites, 2), 2)
        + vector(bytes(hello.compressions), 1)
    )
    extensions = _extensions(hello)
    if extensions:
        body += vector(extensions, 2)
    return number(_CLIENT_HELLO, 1) + vector(body, 3)


def _extensions(hello: ClientHello) -> bytes:
    if hello.version is Version.SSL3:  # RFC 6101 knows none, and old servers hang up on them
        return b""
    parts = []
    if named := host_name(hello.server_name):
        name = number(_HOST_NAME, 1) + vector(named, 2)
        parts.append((Extension.SERVER_NAME, vector(name, 2)))
    if hello.groups:
        parts.append((Extension.SUPPORTED_GROUPS, vector(numbers(hello.groups, 2), 2)))
        if hello.version < Version.TLS13:
            parts.append((Extension.EC_POINT_FORMATS, _UNCOMPRESSED_POINTS))
    if hello.version >= Version.TLS12:
        parts.append((Extension.SIGNATURE_ALGORITHMS, vector(numbers(hello.schemes, 2), 2)))
    if hello.alpn:
        names = b"".join(vector(name.encode("utf-8", "replace"), 1) for name in hello.alpn)
        parts.append((Extension.ALPN, vector(names, 2)))
    if hello.staple:
        parts.append((Extension.STATUS_REQUEST, _OCSP))
    if hello.bound:
        parts.append((Extension.RENEGOTIATION_INFO, vector(hello.bound, 1)))
    parts += _modern(hello) if hello.version is Version.TLS13 else _classic()
    return b"".join(number(kind, 2) + vector(data, 2) for kind, data in parts)


def host_name(name: str) -> bytes:
    """Give a host name as a server is asked for it, b"" for what must not be sent.

    RFC 6066 3 wants a DNS name and no address. An underscore, which DNS names of services have, is
    let through; a wildcard, a label of more than 63 bytes and a number at the end, which is how an
    address looks, are not.
    """
    # A byte that was no UTF-8 stands in a name as a lone surrogate (PEP 383).
    written = "" if _SURROGATE.search(name) else hostnames.ascii_name(name)
    is_address = written.rpartition(".")[2].isdigit()
    return written.encode("ascii") if _HOST.fullmatch(written) and not is_address else b""


def _classic() -> list[tuple[Extension, bytes]]:
    return [
        (Extension.ENCRYPT_THEN_MAC, b""),
        (Extension.EXTENDED_MASTER_SECRET, b""),
        (Extension.SESSION_TICKET, b""),
    ]


def _modern(hello: ClientHello) -> list[tuple[Extension, bytes]]:
    offered = [Version.TLS13]
    if hello.lowest > Version.SSL3:
        offered += [v for v in reversed(Version) if hello.lowest <= v < Version.TLS13]
        extra = _classic()
    else:
        extra = []
    shares = b"".join(number(group, 2) + vector(value, 2) for group, value in hello.shares)
    modern = [
        (Extension.SUPPORTED_VERSIONS, vector(numbers(offered, 2), 1)),
        (Extension.PSK_KEY_EXCHANGE_MODES, vector(number(_PSK_WITH_DHE, 1), 1)),
        (Extension.KEY_SHARE, vector(shares, 2)),
    ]
    if hello.cookie:
        modern.append((Extension.COOKIE, vector(hello.cookie, 2)))
    return extra + modern


def write_ssl2(challenge: bytes) -> bytes:
    """Give an SSL 2 CLIENT-HELLO that offers every cipher; challenge: 16 to 32 bytes."""
    ciphers = numbers(SSL2_CIPHERS, 3)
    body = (
        number(_CLIENT_HELLO, 1)
        + number(Version.SSL2, 2)
        + numbers((len(ciphers), 0, len(challenge)), 2)
        + ciphers
        + challenge
    )
    return number(0x8000 | len(body), 2) + body
