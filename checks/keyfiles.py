"""Look for private keys and keystores in one file and say what is wrong with them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from checks.errors import FormatError, LimitError
from checks.secrets import keyfaults, keypairs, keys, keystores, pem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from checks.model import Access
    from checks.secrets.keyfaults import Fault, Place

_SUFFIXES: Final = (
    ".bks", ".der", ".jceks", ".jks", ".kdb", ".kdbx", ".keystore", ".keytab", ".key", ".p12",
    ".p8", ".pfx", ".pkcs12", ".private", ".truststore", "/key3.db", "/key4.db", "/secring.gpg",
    "/hs_ed25519_secret_key", "/cacerts",
)  # fmt: skip
_MAGIC: Final = (
    b"\xfe\xed\xfe\xed",
    b"\xce\xce\xce\xce",
    b"\x05\x02",
    b"\x03\xd9\xa2\x9a",
    b"SSH PRIVATE KEY",
)


class KeySeen(msgspec.Struct, frozen=True):
    """A private key that could be read: where, and the SHA-256 of its public half in hex."""

    path: str
    spki: str
    inode: tuple[int, int]


class KeyFault(NamedTuple):
    """A fault of the key on a line; identity: what tells this key from others, never its value."""

    fault: Fault
    line: int
    identity: str
    length: int


class Keys(NamedTuple):
    """What a file's keys gave."""

    faults: list[KeyFault]
    seen: list[KeySeen]
    unseen: list[str]
    """Reasons why something that promises a key could not be looked at."""


def is_keystore(path: str, data: bytes) -> bool:
    """Say whether a file is worth asking for a keystore: by its name or its first bytes."""
    folded = path.lower()
    return (
        folded.endswith(_SUFFIXES)
        or data.startswith(_MAGIC)
        or "/private-keys-v1.d/" in folded
        or "/.gnupg/" in folded
    )


def in_text(
    path: str, data: bytes, access: Access | None, inode: tuple[int, int], place: Place
) -> Keys:
    """Judge the armoured private keys of a file; modes are judged of key files only."""
    found = Keys([], [], [])
    blocks: list[pem.PemBlock] = []
    try:
        blocks.extend(pem.find(data))
    except LimitError as error:
        found.unseen.append(str(error))
    if not any(block.private for block in blocks):
        return found
    key_file = keyfaults.is_key_file(path, data, blocks)
    for block, facts in keys.each(blocks):
        identity = facts.spki or hashlib.sha256(block.body).hexdigest()
        who = access if key_file else None
        for fault in keyfaults.judge(facts, who, place, key_file=key_file):
            found.faults.append(KeyFault(fault, block.line, identity, len(block.raw)))
        if facts.spki:
            found.seen.append(KeySeen(path, facts.spki, inode))
    return found


def in_keystore(
    path: str, data: bytes, access: Access | None, inode: tuple[int, int], place: Place
) -> Keys:
    """Judge a keystore; a file that is none gives nothing."""
    found = Keys([], [], [])
    facts = keystores.inspect(path, data)
    if facts is None:
        return found
    if facts.unseen:
        found.unseen.append(f"{facts.kind} keystore: {facts.unseen}")
    identity = hashlib.sha256(data).hexdigest()
    for fault in keyfaults.judge_keystore(facts, access, place):
        found.faults.append(KeyFault(fault, 0, identity, len(data)))
    found.seen.extend(KeySeen(path, spki, inode) for spki in facts.spkis)
    return found


def first_certificate(data: bytes) -> str:
    """Give the SHA-256 of the public key of the first certificate in a file, "" for none."""
    try:
        for block in pem.find(data):
            if not block.private:
                return keys.certificate(block).spki
    except (FormatError, LimitError):
        return ""
    return ""


def joined(
    seen: Iterable[KeySeen], certificates: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str, Fault]]:
    """Give (path, spki, fault) for keys in several files and keys that miss their certificate."""
    found = sorted(seen, key=lambda key: key.path)
    for shared in keypairs.key_shared((key.path, key.spki, key.inode) for key in found):
        yield shared.paths[0], shared.spki, keypairs.shared_fault(shared)
    pairs = [(key.path, key.spki) for key in found]
    for mismatch in keypairs.key_mismatch(pairs, certificates):
        spki = next(spki for path, spki in pairs if path == mismatch.key)
        yield mismatch.key, spki, keypairs.mismatch_fault(mismatch)
