"""What is kept in memory of the secrets that leaks are compared with: fingerprints, no value. Pure.

Of each version: the fingerprint of every field that cannot be guessed, under the key of
`agent.comparekey`, and the public halves of keys and certificates in it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError, LimitError
from checks.guessable import is_guessable
from checks.secrets import keys, pem
from checks.tls import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.redact import FingerprintKey

_MOST: Final = 1000
"""Fields of a version that are compared."""


class Version(NamedTuple):
    """One version. marks: the field of each fingerprint; keys, certificates: SHA-256 in hex.

    keys: of the public halves of private keys.
    """

    marks: Mapping[str, str]
    keys: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()


class Holding(NamedTuple):
    """One secret. place: "secret/app"; newest: the number of the newest version there is.

    versions: those that could be read, by number; the newest is not among them if it was deleted.
    """

    place: str
    newest: int
    versions: Mapping[int, Version]

    @property
    def now(self) -> Version | None:
        """The newest version, None where that cannot be read."""
        return self.versions.get(self.newest)


def version(fields: Mapping[str, object], key: FingerprintKey) -> Version:
    """Keep of a version what it is compared by."""
    marks: dict[str, str] = {}
    spkis: set[str] = set()
    leaves: set[str] = set()
    texts = ((name, value) for name, value in fields.items() if isinstance(value, str))
    for (name, value), _ in zip(texts, range(_MOST), strict=False):
        found = dict(_private(value))
        spkis |= {spki for spki in found.values() if spki}
        leaves |= set(_certificates(value))
        for text in {value, value.strip(), *found}:
            if not is_guessable(text):
                marks.setdefault(key.of(text).value, name)
    return Version(marks, frozenset(spkis), frozenset(leaves))


def _private(text: str) -> Iterator[tuple[str, str]]:
    """Give what a scan knows each private key in a text by, and its public half or ""."""
    try:
        for block in pem.find(text.encode("utf-8", "surrogatepass")):
            if block.private:
                facts = keys.inspect(block, ())
                yield facts.spki or hashlib.sha256(block.body).hexdigest(), facts.spki
    except LimitError:
        return


def _certificates(text: str) -> Iterator[str]:
    """Give the first certificate in a text, which is the one that is served."""
    block = pem.first(text.encode("utf-8", "surrogatepass"), private=False)
    try:
        if block:
            yield certificate.read(block.body).sha256
    except FormatError:
        return
