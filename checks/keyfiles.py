"""Look for private keys and keystores in one file and say what is wrong with them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from checks.errors import FormatError, LimitError
from checks.model import Access  # noqa: TC001 - msgspec resolves it
from checks.secrets import keyfaults, keypairs, keys, keystores, pem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
_NO_KEYS: Final = frozenset({"keepass"})
"""Stores of passwords."""


class KeySeen(msgspec.Struct, frozen=True):
    """A private key: where, and the SHA-256 of its public half in hex, "" where that is not known.

    inode: (device, inode), zeros within an archive; form: how it is kept ("RSA PRIVATE KEY",
    "jks"); key: its kind and strength in words, "" where unknown; access: of its file.
    """

    path: str
    spki: str
    inode: tuple[int, int]
    form: str = ""
    key: str = ""
    encrypted: bool = False
    access: Access | None = None


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
        found.seen.append(
            KeySeen(path, facts.spki, inode, block.label, facts.label, facts.encrypted, access)
        )
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
    keys_inside = facts.spkis or ("",) * (facts.private_keys > 0 and facts.kind not in _NO_KEYS)
    found.seen.extend(
        KeySeen(path, spki, inode, facts.kind, "", facts.encrypted, access) for spki in keys_inside
    )
    return found


def first_certificate(data: bytes) -> str:
    """Give the SHA-256 of the public key of the first certificate in a file, "" for none."""
    block = pem.first(data, private=False)
    try:
        return keys.certificate(block).spki if block else ""
    except FormatError:
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
