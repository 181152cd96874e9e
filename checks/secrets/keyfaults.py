"""Say what is wrong with a file that holds a private key, a keystore or a password hash."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.model import Access, Confidence, Severity
from checks.secrets.keys import OPENS_BY_DEFAULT, KeyFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from checks.secrets.hashes import HashFacts
    from checks.secrets.pem import PemBlock
    from checks.secrets.storefacts import KeystoreFacts


class Place(enum.Enum):
    """Where the file was met; outside HOST it is copied to many hands, and modes mean less."""

    HOST = "host"
    IMAGE = "image"
    DEFINITION = "definition file"
    CHECKOUT = "checkout"


class Fault(NamedTuple):
    """One fault without its place: the caller adds location, evidence and references."""

    check: str
    severity: Severity
    confidence: Confidence
    message: str
    fix: str


KEY_GROUPS: Final = frozenset(("ssl-cert", "ssh_keys"))
"""Groups made for sharing keys: Debian's ssl-cert, and ssh_keys of Fedora and its kin."""
_WIDE: Final = frozenset(("adm", "games", "nogroup", "nobody", "staff", "sudo", "users", "wheel"))
"""System groups of people, or of whatever has no group of its own."""
_FIRST_HUMAN_GID: Final = 1000
_USERS_GID: Final = 100

_KEY_NAMES: Final = regex(
    r"id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|identity|ssh_host_[a-z0-9_]+_key"
    r"|.*\.(?:key|pem|ppk|asc|gpg|pgp|priv|p8|pk8|der|agekey|combined)"
)
_NOT_A_KEY_FILE: Final = regex(r"\s*+(?:[\w.-]+\s*[:=]|[{\[<\"'(]|\$|export |cat |echo |set )")
_SAFE_TEXT: Final = regex(
    r"\s*|#.*|\s.*|(?:Bag|Key) Attributes.*|(?:subject|issuer)=.*|Certificate:.*|"
    r"(?:(?:RSA |EC |ED25519 )?Private-Key|Public-Key):.*"
)


def is_key_file(name: str, data: bytes, blocks: Sequence[PemBlock]) -> bool:
    """Say whether the file is there to hold keys, by its name and by what else is in it.

    NAME is a path. A file named like a key that holds assignments or markup is none, and a file
    of any other name is one if it holds PEM blocks, comments and OpenSSL's remarks only.
    """
    if not blocks or any(block.escaped for block in blocks):
        return False
    others = [line for line in _outside(data) if not _SAFE_TEXT.fullmatch(line)]
    if not others:
        return True
    named = _KEY_NAMES.fullmatch(name.rpartition("/")[2].lower())
    return bool(named) and not any(_NOT_A_KEY_FILE.match(line) for line in others)


def _outside(data: bytes) -> Iterator[str]:
    """Give the lines that belong to no armour; an indented armour is text of its file."""
    inside = False
    for raw in data.splitlines():
        line = raw.decode("latin-1")
        if line.startswith(("-----BEGIN ", "---- BEGIN ", "PuTTY-User-Key-File-")):
            inside = True
        elif line.startswith(("-----END ", "---- END ", "Private-MAC: ")):
            inside = False
        elif "-----BEGIN " in line:
            yield "x=" + line.strip()
        elif not inside and not line.startswith("AGE-SECRET-KEY-"):
            yield line


def judge(
    facts: KeyFacts, access: Access | None, place: Place = Place.HOST, *, key_file: bool = True
) -> tuple[Fault, ...]:
    """Give the faults of one private key in one file; KEY_FILE as is_key_file says."""
    if facts.hardware or not (facts.well_formed or facts.kind):
        return ()
    sealed = facts.encrypted and not facts.default_passphrase
    found = [
        *_exposed(access, place, sealed=sealed),
        *_embedded(place, key_file=key_file, sealed=sealed),
        *_weak(facts),
    ]
    if facts.well_formed:
        return tuple(found)
    return tuple(fault._replace(confidence=Confidence.LOW) for fault in found)


def judge_keystore(
    facts: KeystoreFacts, access: Access | None, place: Place = Place.HOST
) -> tuple[Fault, ...]:
    """Give the faults of a keystore; one that holds trusted certificates only has none."""
    if not facts.private_keys:
        return ()
    sealed = facts.encrypted and not facts.opens
    key = KeyFacts("other", weak=facts.weak, encrypted=sealed, default_passphrase=facts.opens)
    return (
        *_exposed(access, place, sealed=sealed),
        *_embedded(place, key_file=True, sealed=sealed),
        *_weak(key),
    )


def judge_hash(facts: HashFacts, access: Access | None) -> tuple[Fault, ...]:
    """Give the faults of a password hash; a locked account's has none."""
    if facts.locked:
        return ()
    found = []
    if facts.strength != "ok":
        severity = Severity.HIGH if facts.reversible else Severity.MEDIUM
        message = f"the {facts.scheme} password hash is {facts.strength}: {facts.reason}"
        fix = "Set a new password under yescrypt, argon2id or bcrypt, or what the service offers."
        found.append(Fault("password-hash-weak", severity, Confidence.HIGH, message, fix))
    if access is not None and access.readers == "everyone":
        message = f"every user can read this {facts.scheme} password hash and guess at it"
        fix = "Take the right to read from others (chmod o-rwx) and set a new password."
        found.append(
            Fault("password-hash-readable", Severity.MEDIUM, Confidence.HIGH, message, fix)
        )
    return tuple(found)


def _exposed(access: Access | None, place: Place, *, sealed: bool) -> Iterable[Fault]:
    """Judge owner and mode; what a checkout or a build context says of them means nothing."""
    if access is None or place not in {Place.HOST, Place.IMAGE}:
        return
    who = _reaches(access, 0o004, 0o040)
    if who:
        yield Fault(
            "key-permissions",
            Severity.MEDIUM if sealed else Severity.HIGH,
            Confidence.HIGH,
            f"{who} can read the private key (mode {access.mode & 0o7777:04o})",
            "Take the right away (chmod go-rwx); if others may have read it, replace the key.",
        )
    who = _reaches(access, 0o002, 0o020)
    if who:
        yield Fault(
            "key-permissions",
            Severity.HIGH,
            Confidence.HIGH,
            f"{who} can replace the private key (mode {access.mode & 0o7777:04o})",
            "Take the right to write away (chmod go-w) and make sure that the key is yours.",
        )


def _reaches(access: Access, others: int, group: int) -> str:
    """Name the widest class that has a right it should not have, or ""."""
    if access.mode & others:
        return "every user"
    if access.mode & group and not _narrow(access):
        return f"group {access.group or access.gid}"
    return ""


def _narrow(access: Access) -> bool:
    """Say whether the group is root's, the owner's private one, or a service's own."""
    if access.gid in {0, access.uid} or access.group in KEY_GROUPS:
        return True
    return access.gid < _FIRST_HUMAN_GID and access.gid != _USERS_GID and access.group not in _WIDE


def _embedded(place: Place, *, key_file: bool, sealed: bool) -> Iterable[Fault]:
    if place is Place.HOST and key_file:
        return
    if key_file and sealed:
        return
    what = "an encrypted private key" if sealed else "a private key"
    if place is Place.HOST:
        message = f"{what} stands inside a file that is no key file"
        severity = Severity.MEDIUM if sealed else Severity.HIGH
    else:
        message = f"{what} is part of the {place.value}, and so of every copy of it"
        severity = Severity.HIGH if sealed or key_file else Severity.CRITICAL
    yield Fault(
        "embedded-private-key",
        severity,
        Confidence.HIGH,
        message,
        "Replace the key, and let the service read the new one from Vault or a file of its own.",
    )


def _weak(facts: KeyFacts) -> Iterable[Fault]:
    if facts.weak and facts.weak != OPENS_BY_DEFAULT:
        yield Fault(
            "key-weak",
            Severity.HIGH,
            Confidence.HIGH,
            f"the private key is weak: {facts.weak}",
            "Make a new key (Ed25519, ECDSA P-256 or RSA 3072) and replace what was issued for it.",
        )
    if facts.default_passphrase:
        yield Fault(
            "key-passphrase-default",
            Severity.MEDIUM,
            Confidence.HIGH,
            "the private key opens with a password that manuals use as their example",
            "Set a random password kept in Vault, and treat the key as unencrypted until then.",
        )
    elif facts.encrypted and facts.weak_kdf:
        yield Fault(
            "key-weak",
            Severity.LOW,
            Confidence.HIGH,
            f"the key's passphrase is hardly stretched ({facts.kdf}), so it is quickly guessed",
            "Write the key again in its present format (openssl pkcs8 -topk8, ssh-keygen -p).",
        )
