"""Look into Java's JKS and JCEKS stores: entries, and whether a manual's password fits.

The layout is that of OpenJDK's sun.security.provider.JavaKeyStore.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError
from checks.secrets import certificates, costs
from checks.secrets.cursor import Cursor
from checks.secrets.storefacts import KeystoreFacts, shown

if TYPE_CHECKING:
    from checks.secrets.certificates import CertificateFacts

MAGICS: Final = {b"\xfe\xed\xfe\xed": "jks", b"\xce\xce\xce\xce": "jceks"}
_PRIVATE: Final = 1
_TRUSTED: Final = 2
_SECRET: Final = 3
_MOST_CHAIN: Final = 100
_MOST_CERTIFICATES: Final = 500
_MOST_ENTRIES: Final = 10_000
_WHITENER: Final = b"Mighty Aphrodite"


class _Entry(NamedTuple):
    kind: int
    alias: bytes
    certificates: tuple[bytes, ...]


def inspect(data: bytes) -> KeystoreFacts:
    """Describe a store; raises FormatError when it is none. A damaged one is told as unseen."""
    cursor = Cursor(data[:-20], 4)
    version, count = cursor.number(4), cursor.number(4)
    if version not in {1, 2}:
        raise FormatError("Java keystore: an unknown version")
    entries, unseen = _entries(cursor, version, count)
    secret = [entry for entry in entries if entry.kind != _TRUSTED]
    encoded = [one for entry in entries for one in entry.certificates]
    read = [facts for one in encoded[:_MOST_CERTIFICATES] if (facts := _read(one))]
    leaves = [entry.certificates[0] for entry in secret if entry.certificates]
    owners = [facts for one in leaves[:_MOST_CERTIFICATES] if (facts := _read(one))]
    return KeystoreFacts(
        kind=MAGICS.get(data[:4], "jks"),
        private_keys=len(secret),
        entries=max(len(entries), min(count, len(data))),
        names=shown([entry.alias for entry in entries]),
        certificates=tuple(read),
        spkis=tuple(facts.spki for facts in owners),
        encrypted=bool(secret),
        opens=any(authenticates(data, password) for password in costs.PASSPHRASES),
        unseen=unseen,
    )


def authenticates(data: bytes, password: str) -> bool:
    """Say whether the SHA-1 digest at the end is that of the password and the store."""
    digest = hashlib.sha1(password.encode("utf-16-be"), usedforsecurity=False)
    digest.update(_WHITENER)
    digest.update(memoryview(data)[:-20])
    return hmac.compare_digest(digest.digest(), data[-20:])


def _entries(cursor: Cursor, version: int, count: int) -> tuple[list[_Entry], str]:
    """Give the entries and, if not all of them could be read, why."""
    found: list[_Entry] = []
    try:
        while len(found) < count:
            if len(found) == _MOST_ENTRIES:
                return found, "too many entries"
            kind, alias = cursor.number(4), cursor.string(2)
            cursor.take(8)
            if kind == _SECRET:
                # A serialised Java object follows, which does not tell its length.
                found.append(_Entry(kind, alias, ()))
                return found, "entries after a secret key" if len(found) < count else ""
            found.append(_Entry(kind, alias, _chain(cursor, version, kind)))
    except FormatError:
        return found, "the store is damaged"
    return found, ""


def _chain(cursor: Cursor, version: int, kind: int) -> tuple[bytes, ...]:
    if kind not in {_PRIVATE, _TRUSTED}:
        raise FormatError("Java keystore: an unknown kind of entry")
    length = 1
    if kind == _PRIVATE:
        cursor.string()
        length = cursor.number(4)
        if length > _MOST_CHAIN:
            raise FormatError("Java keystore: a chain that is too long")
    return tuple(_certificate(cursor, version) for _ in range(length))


def _certificate(cursor: Cursor, version: int) -> bytes:
    if version == 2:
        cursor.string(2)
    return cursor.string()


def _read(encoded: bytes) -> CertificateFacts | None:
    try:
        return certificates.read(encoded)
    except FormatError:
        return None
