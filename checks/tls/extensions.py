"""Read the extensions of a certificate that matter to a TLS client, however odd the others are.

RFC 5280 4.2, RFC 7633 (TLS feature). What is malformed counts as far as it could be read.
"""

from __future__ import annotations

import contextlib
import ipaddress
from typing import TYPE_CHECKING, Final

import msgspec

from checks.errors import FormatError
from checks.printable import printable
from checks.secrets import der

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST: Final = 100
"""Extensions; certificates in use have about ten."""
_MOST_URLS: Final = 8
_LONGEST_URL: Final = 300

_SUBJECT_KEY: Final = "2.5.29.14"
_KEY_USAGE: Final = "2.5.29.15"
_ALTERNATIVE_NAMES: Final = "2.5.29.17"
_CONSTRAINTS: Final = "2.5.29.19"
_AUTHORITY_KEY: Final = "2.5.29.35"
_AUTHORITY_ACCESS: Final = "1.3.6.1.5.5.7.1.1"
_FEATURE: Final = "1.3.6.1.5.5.7.1.24"
_OCSP: Final = "1.3.6.1.5.5.7.48.1"

_BOOLEAN: Final = 0x01
_BIT_STRING: Final = 0x03
_DNS, _URI, _ADDRESS = 0x82, 0x86, 0x87
_KEY_ID: Final = 0x80
_SIGNS_CERTIFICATES: Final = 0x04
_STATUS_REQUEST: Final = b"\x05"


class Extensions(msgspec.Struct, frozen=True, kw_only=True):
    """What the extensions say.

    names: DNS names in lower case as they stand; addresses: IP addresses; names_whole: all of them
    could be read; may_sign: its key usage lets its key sign certificates; subject_key,
    authority_key: key identifiers, b"" for none; ocsp: addresses, safe to print.
    """

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    names_whole: bool = True
    is_ca: bool = False
    may_sign: bool = True
    subject_key: bytes = b""
    authority_key: bytes = b""
    ocsp: tuple[str, ...] = ()
    must_staple: bool = False


def read(extensions: der.Node | None) -> Extensions:
    """Read the SEQUENCE of extensions of a certificate, None for one that has none."""
    values: dict[str, bytes] = {}
    if extensions is not None:
        for oid, value in _each(extensions):
            values.setdefault(oid, value)
    names, addresses, whole = _names(values.get(_ALTERNATIVE_NAMES))
    return Extensions(
        names=names,
        addresses=addresses,
        names_whole=whole,
        is_ca=_is_ca(values.get(_CONSTRAINTS)),
        may_sign=_may_sign(values.get(_KEY_USAGE)),
        subject_key=_subject_key(values.get(_SUBJECT_KEY)),
        authority_key=_authority_key(values.get(_AUTHORITY_KEY)),
        ocsp=_ocsp(values.get(_AUTHORITY_ACCESS)),
        must_staple=any(node.value == _STATUS_REQUEST for node in _inside(values.get(_FEATURE))),
    )


def _each(extensions: der.Node) -> Iterator[tuple[str, bytes]]:
    with contextlib.suppress(FormatError):
        for extension in extensions.children[:_MOST]:
            fields = extension.children
            if len(fields) > 1:
                yield fields[0].oid, fields[-1].octets


def _inside(value: bytes | None) -> tuple[der.Node, ...]:
    """Give the elements of a SEQUENCE, none where it is malformed or not there."""
    if value is None:
        return ()
    with contextlib.suppress(FormatError):
        return der.read(value).children
    return ()


def _names(value: bytes | None) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    if value is None:
        return (), (), True
    found = _inside(value)
    names = (node.value.decode("latin-1").lower() for node in found if node.tag == _DNS)
    addresses = [_address(node.value) for node in found if node.tag == _ADDRESS]
    return tuple(names), tuple(filter(None, addresses)), all(addresses) and _is_whole(value)


def _is_whole(value: bytes) -> bool:
    with contextlib.suppress(FormatError):
        whole = der.read(value)
        return whole.raw == value and len(whole.children) >= 0
    return False


def _address(value: bytes) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return ""


def _is_ca(value: bytes | None) -> bool:
    first = _inside(value)[:1]
    return any(node.tag == _BOOLEAN and node.value not in {b"", b"\0"} for node in first)


def _may_sign(value: bytes | None) -> bool:
    if value is None:
        return True
    with contextlib.suppress(FormatError):
        bits = der.read(value)
        # A bit string begins with the number of bits that its last byte does not use.
        return bits.tag == _BIT_STRING and any(b & _SIGNS_CERTIFICATES for b in bits.value[1:2])
    return False


def _subject_key(value: bytes | None) -> bytes:
    with contextlib.suppress(FormatError):
        return der.read(value).octets if value else b""
    return b""


def _authority_key(value: bytes | None) -> bytes:
    return next((node.value for node in _inside(value) if node.tag == _KEY_ID), b"")


def _ocsp(value: bytes | None) -> tuple[str, ...]:
    found = []
    with contextlib.suppress(FormatError):
        for description in _inside(value)[:_MOST]:
            fields = description.children
            if len(fields) == 2 and fields[0].oid == _OCSP and fields[1].tag == _URI:
                found.append(printable(fields[1].value.decode("latin-1"), longest=_LONGEST_URL))
    return tuple(found[:_MOST_URLS])
