"""Look into a Kerberos keytab: whose keys are in it, and with which ciphers."""

from __future__ import annotations

from typing import Final, NamedTuple

from checks.errors import FormatError
from checks.secrets.cursor import Cursor
from checks.secrets.storefacts import KeystoreFacts, shown

MAGIC: Final = b"\x05\x02"
_MOST_ENTRIES: Final = 10_000
_MOST_COMPONENTS: Final = 32
_WEAK: Final = {1: "DES", 2: "DES", 3: "DES", 16: "3DES", 23: "RC4", 24: "RC4"}
"""RFC 6649 retires DES and RC4-EXP, RFC 8429 retires 3DES and RC4."""


class _Entry(NamedTuple):
    principal: bytes
    cipher: int


def inspect(data: bytes) -> KeystoreFacts:
    """Describe a keytab of version 2; raises FormatError when it is none or is damaged."""
    cursor = Cursor(data, len(MAGIC))
    found: list[_Entry] = []
    unseen = ""
    for _ in range(_MOST_ENTRIES):
        if cursor.left < 4:
            break
        size = cursor.number(4)
        if size >= 1 << 31:
            cursor.take(min((1 << 32) - size, cursor.left))  # a hole, where an entry was deleted
        elif size:
            found.append(_entry(Cursor(cursor.take(size))))
        else:
            break
    else:
        unseen = "too many entries"
    weak = sorted({_WEAK[entry.cipher] for entry in found if entry.cipher in _WEAK})
    return KeystoreFacts(
        kind="keytab",
        private_keys=len(found),
        entries=len(found),
        names=shown([entry.principal for entry in found]),
        weak=f"keys for {' and '.join(weak)}, which Kerberos has retired" if weak else "",
        unseen=unseen,
    )


def _entry(cursor: Cursor) -> _Entry:
    components = cursor.number(2)
    if not 0 < components <= _MOST_COMPONENTS:
        raise FormatError("keytab: an impossible number of name components")
    realm = cursor.string(2)
    names = [cursor.string(2) for _ in range(components)]
    cursor.take(9)  # name type, time stamp, key version
    cipher = cursor.number(2)
    cursor.string(2)
    return _Entry(b"/".join(names) + b"@" + realm, cipher)
