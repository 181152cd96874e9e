"""Join keys and certificates of many files: copies, pairs, and pairs that do not fit."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.model import Confidence, Severity
from checks.secrets.keyfaults import Fault

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

_ENDS: Final = regex(r"\.(?:key|pem|crt|cer|cert)\Z")
_KEY_WORD: Final = regex(r"(?:\A|[-_.])(?:privkey|private[-_]?key|key)(?=\d*\Z)")
_CERTIFICATE_WORD: Final = regex(r"(?:\A|[-_.])(?:fullchain|certificate|cert|crt|cer)(?=\d*\Z)")
_KEY_FOLDERS: Final = frozenset(("private", "keys"))
_CERTIFICATE_FOLDERS: Final = frozenset(("certs", "certificates", "public"))


class SharedKey(NamedTuple):
    """One private key in several files."""

    spki: str
    paths: tuple[str, ...]


class Mismatch(NamedTuple):
    """A key and a certificate that belong together by their names but do not fit."""

    key: str
    certificate: str


def key_shared(keys: Iterable[tuple[str, str, tuple[int, int]]]) -> tuple[SharedKey, ...]:
    """Group (path, spki, (device, inode)) by key; links to one inode are one file.

    Keys whose spki is "" (encrypted, unknown) are left out. Sorted by the first path.
    """
    groups: defaultdict[str, dict[tuple[int, int], str]] = defaultdict(dict)
    for path, spki, inode in sorted(keys):
        if spki:
            groups[spki].setdefault(inode, path)
    found = [SharedKey(k, tuple(v.values())) for k, v in groups.items() if len(v) > 1]
    return tuple(sorted(found, key=lambda shared: shared.paths))


def certificates_of(
    keys: Iterable[tuple[str, str]], certificates: Iterable[tuple[str, str]]
) -> dict[str, tuple[str, ...]]:
    """Give for each key's path the paths of the certificates made for it; both (path, spki)."""
    by_spki: defaultdict[str, set[str]] = defaultdict(set)
    for path, spki in certificates:
        by_spki[spki].add(path)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path, spki in keys:
        found[path] |= by_spki.get(spki, set()) if spki else set()
    return {path: tuple(sorted(found[path])) for path in sorted(found)}


def key_mismatch(
    keys: Iterable[tuple[str, str]], certificates: Iterable[tuple[str, str]]
) -> tuple[Mismatch, ...]:
    """Find pairs that belong together by name and do not fit; both are given as (path, spki).

    The first certificate of a path is the one that a server shows. Belonging together are a key
    and certificate of one file; and of one folder (or private/ and certs/ of one) with one stem:
    server.key and server.crt, privkey.pem and fullchain.pem, db-key.pem and db-cert.pem. Where
    several certificates share the stem, one that fits is enough.
    """
    first: dict[str, str] = {}
    for path, spki in certificates:
        first.setdefault(path, spki)
    held: defaultdict[str, set[str]] = defaultdict(set)
    for path, spki in keys:
        held[path].add(spki)
    named: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted(first):
        named[_identity(path, _CERTIFICATE_WORD, _CERTIFICATE_FOLDERS)].append(path)
    found = (_mismatch(path, held[path], first, named) for path in sorted(held))
    return tuple(mismatch for mismatch in found if mismatch)


def _mismatch(
    path: str, spkis: set[str], first: dict[str, str], named: dict[tuple[str, str], list[str]]
) -> Mismatch | None:
    if "" in spkis:
        return None
    mates = [path] if path in first else named.get(_identity(path, _KEY_WORD, _KEY_FOLDERS), [])
    if not mates or any(first[mate] in spkis for mate in mates):
        return None
    return Mismatch(path, mates[0])


def _identity(path: str, word: re.Pattern[str], folders: frozenset[str]) -> tuple[str, str]:
    """Give folder and stem without the words that tell a key from a certificate."""
    folder, _, name = path.rpartition("/")
    above, _, last = folder.rpartition("/")
    folded = name.lower()
    if not _ENDS.search(folded):
        return path, ""  # a copy kept aside, such as server.key.old, pairs with nothing
    return above if last in folders else folder, word.sub("", _ENDS.sub("", folded))


def shared_fault(shared: SharedKey) -> Fault:
    """Describe copies of one key; to be placed at the first path."""
    return Fault(
        "key-shared",
        Severity.MEDIUM,
        Confidence.HIGH,
        f"the same private key is in {len(shared.paths)} files: {_listed(shared.paths)}",
        "Keep one file and let each service read that one, or give each service its own key.",
    )


def mismatch_fault(mismatch: Mismatch) -> Fault:
    """Describe a pair that does not fit; to be placed at the key's path."""
    where = "this file" if mismatch.key == mismatch.certificate else mismatch.certificate
    return Fault(
        "key-mismatch",
        Severity.CRITICAL,
        Confidence.MEDIUM,
        f"the private key does not fit the certificate in {where}: a server cannot start with them",
        "Put back the key that the certificate was issued for, or have the certificate reissued.",
    )


def _listed(paths: tuple[str, ...]) -> str:
    shown = ", ".join(paths[:3])
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown
