"""Look into a PKCS #12 store (RFC 7292): does a manual's password open it, what does it hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.secrets import certificates, costs, crypto, der, keys, pkcs12kdf
from checks.secrets.storefacts import KeystoreFacts

if TYPE_CHECKING:
    from checks.secrets.certificates import CertificateFacts

_DATA: Final = "1.2.840.113549.1.7.1"
_ENCRYPTED: Final = "1.2.840.113549.1.7.6"
_BAGS: Final = "1.2.840.113549.1.12.10.1."
_DEEPEST: Final = 3
_MOST_BAGS: Final = 2000
_MOST_DERIVATIONS: Final = 8
"""Each may take 0.2 s; keys over this number are counted but not opened."""


def looks_like(data: bytes) -> bool:
    """Say whether the data begins as PFX version 3 does, in DER or in BER."""
    return data[:1] == b"\x30" and b"\x02\x01\x03\x30" in data[2:12]


def inspect(data: bytes) -> KeystoreFacts:
    """Describe a PKCS #12 file; raises FormatError when it is none or is cut off."""
    fields = der.read(data).children
    if len(fields) < 2 or fields[0].number != 3:
        raise FormatError("PKCS #12: expected version 3")
    content = _explicit(fields[1].children, _DATA).octets
    password, reason = _password(content, fields[2] if len(fields) > 2 else None)
    reader = _Reader(password)
    reader.unseen = reason
    for info in der.read(content).children:
        reader.safe(info)
    return reader.facts()


def _explicit(fields: tuple[der.Node, ...], oid: str) -> der.Node:
    """Give what stands in the [0] after an object identifier."""
    if len(fields) < 2 or fields[0].oid != oid or len(fields[1].children) != 1:
        raise FormatError("PKCS #12: an unexpected structure")
    return fields[1].children[0]


def _password(content: bytes, mac: der.Node | None) -> tuple[str | None, str]:
    """Give the common password whose MAC is right, or None, and why none could be tried."""
    if mac is None:
        return None, "it has no MAC to try passwords on"
    try:
        for password in costs.PASSPHRASES:
            # "" is written in two ways: as two zero bytes and as nothing at all.
            encoded = (pkcs12kdf.bmp(password), b"")[: 1 if password else 2]
            if any(pkcs12kdf.authenticates(one, content, mac) for one in encoded):
                return password, ""
    except FormatError as error:
        return None, error.reason
    return None, ""


class _Reader:
    """Walks the bags of one store and counts."""

    def __init__(self, password: str | None) -> None:
        self._password = password
        self._encrypted = False
        self._keys = 0
        self._derivations = 0
        self._entries = 0
        self._spkis: list[str] = []
        self._certificates: list[CertificateFacts] = []
        self._weak = ""
        self.unseen = ""

    def facts(self) -> KeystoreFacts:
        return KeystoreFacts(
            kind="pkcs12",
            private_keys=self._keys,
            entries=self._entries,
            certificates=tuple(self._certificates),
            spkis=tuple(self._spkis),
            encrypted=self._encrypted,
            opens=self._encrypted and self._password is not None,
            weak=self._weak,
            unseen=self.unseen,
        )

    def safe(self, info: der.Node) -> None:
        """Read one ContentInfo of the AuthenticatedSafe."""
        kind = info.children[0].oid if info.children else ""
        if kind == _DATA:
            self._contents(_explicit(info.children, _DATA).octets, 0)
        elif kind == _ENCRYPTED:
            self._encrypted = True
            self._decrypted(_explicit(info.children, _ENCRYPTED))
        else:
            self.unseen = "a part is encrypted for a certificate"

    def _decrypted(self, encrypted: der.Node) -> None:
        if self._password is None:
            self.unseen = self.unseen or "a part is encrypted"
            return
        self._derivations += 1
        if self._derivations > _MOST_DERIVATIONS:
            self.unseen = "too many encrypted parts"
            return
        try:
            _, algorithm, data = encrypted.children[1].children
            content = pkcs12kdf.decrypt(algorithm, data.value, self._password)
        except (FormatError, ValueError, IndexError):
            self.unseen = "a part is encrypted in a way that is not read"
            return
        self._contents(content, 0)

    def _contents(self, content: bytes, depth: int) -> None:
        for bag in der.read(content).children:
            self._entries += 1
            if self._entries > _MOST_BAGS or depth > _DEEPEST:
                self.unseen = "too many entries"
                return
            self._bag(bag, depth)

    def _bag(self, bag: der.Node, depth: int) -> None:
        kind = bag.children[0].oid
        value = _explicit(bag.children[:2], kind)
        if kind == _BAGS + "1":
            self._key(value.raw, None)
        elif kind == _BAGS + "2":
            self._encrypted = True
            self._key(value.raw, self._password)
        elif kind == _BAGS + "3":
            self._certificate(value)
        elif kind == _BAGS + "6":
            self._contents(value.raw, depth + 1)

    def _key(self, encoded: bytes, password: str | None) -> None:
        self._keys += 1
        self._derivations += password is not None
        if self._derivations > _MOST_DERIVATIONS:
            return
        try:
            if password is not None and not _cheap(encoded):
                return
            secret = password.encode() if password is not None else None
            facts = keys.loaded(crypto.load_der(encoded, secret))
        except FormatError:
            return
        self._spkis.append(facts.spki)
        self._weak = self._weak or facts.weak

    def _certificate(self, value: der.Node) -> None:
        try:
            inner = _explicit(value.children, "1.2.840.113549.1.9.22.1")
            self._certificates.append(certificates.read(inner.octets))
        except FormatError:
            self.unseen = "a certificate could not be read"


def _cheap(encoded: bytes) -> bool:
    fields = der.read(encoded).children
    return bool(fields) and costs.of_algorithm(fields[0]).cheap
