"""Recognise files that hold keys in other ways than PEM, and say what is in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.lazy import regex
from checks.secrets import crypto, jks, keys, keytab, pgp, pkcs12, weaknesses
from checks.secrets.storefacts import KeystoreFacts

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KeystoreFacts", "inspect"]

_KEEPASS: Final = (b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5")
_TOR: Final = (b"== ed25519v1-secret: ", b"== x25519v1-secret: ")
_BIND: Final = b"Private-key-format: v1."
_SSH1: Final = b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0"
_SQLITE: Final = b"SQLite format 3\0"
_AGENT: Final = regex(
    rb"\A\(\d{1,2}:(protected-|shadowed-)?private-key|"
    rb"(?:\A|\n)Key: \((protected-|shadowed-)?private-key"
)
_HEAD: Final = 4096


def inspect(name: str, data: bytes) -> KeystoreFacts | None:
    """Describe a keystore by its file name and contents, or give None when it is none.

    Encrypted files that protect no key of the host (Ansible vaults, LUKS headers) are none.
    """
    for recognises, read in _KINDS:
        if recognises(name.lower(), data):
            try:
                return read(data)
            except FormatError as error:
                return _unreadable(name.lower(), error)
    return None


def _unreadable(name: str, error: FormatError) -> KeystoreFacts | None:
    """Report a file whose name promises a keystore; a mere likeness of contents is nothing."""
    kind = _NAMED.get(name.rpartition(".")[2])
    return KeystoreFacts(kind, private_keys=0, entries=0, unseen=error.reason) if kind else None


_NAMED: Final = {
    "p12": "pkcs12", "pfx": "pkcs12", "pkcs12": "pkcs12", "jks": "jks", "keystore": "jks",
    "jceks": "jceks", "keytab": "keytab",
}  # fmt: skip


def _is_keepass(_: str, data: bytes) -> bool:
    return data.startswith(_KEEPASS)


def _keepass(_: bytes) -> KeystoreFacts:
    return KeystoreFacts("keepass", encrypted=True)


def _is_jks(_: str, data: bytes) -> bool:
    return data[:4] in jks.MAGICS and len(data) >= 32


def _is_keytab(_: str, data: bytes) -> bool:
    # After the magic stands the size of the first entry, or of a hole.
    return data.startswith(keytab.MAGIC) and len(data) > 20 and data[2] in {0, 0xFF}


def _is_pkcs12(_: str, data: bytes) -> bool:
    return pkcs12.looks_like(data)


def _is_der(_: str, data: bytes) -> bool:
    # Version 0 or 1 (PKCS #1, PKCS #8, SEC 1), or an AlgorithmIdentifier (encrypted PKCS #8).
    return (
        data[:1] == b"\x30"
        and re.match(rb"(?s).{1,5}(?:\x02\x01[\x00\x01]|\x30.{1,3}\x06)", data[1:24]) is not None
    )


def _der(data: bytes) -> KeystoreFacts:
    facts = keys.inspect_der(data)
    spkis = (facts.spki,) if facts.spki else ()
    weak = "" if facts.default_passphrase and facts.weak == keys.OPENS_BY_DEFAULT else facts.weak
    return KeystoreFacts(
        "der", spkis=spkis, encrypted=facts.encrypted, opens=facts.default_passphrase, weak=weak
    )


def _is_agent(_: str, data: bytes) -> bool:
    return _AGENT.search(data[:_HEAD]) is not None


def _agent(data: bytes) -> KeystoreFacts:
    """Read a file of GnuPG's private-keys-v1.d; "shadowed" ones are on a card."""
    found = _AGENT.search(data[:_HEAD])
    how = (found[1] or found[2] or b"") if found else b""
    return KeystoreFacts(
        "gnupg", private_keys=0 if how == b"shadowed-" else 1, encrypted=how == b"protected-"
    )


def _is_pgp(_: str, data: bytes) -> bool:
    return data[:1] in {b"\x94", b"\x95", b"\x96", b"\x97", b"\xc5"}


def _pgp(data: bytes) -> KeystoreFacts:
    found = [key for key in pgp.read(data) if not key.stub]
    weak = (weaknesses.of_public(crypto.PublicFacts(key.kind, key.bits, "", "")) for key in found)
    return KeystoreFacts(
        "gnupg",
        private_keys=len(found),
        entries=len(found),
        encrypted=all(key.encrypted for key in found),
        weak=next(filter(None, weak), ""),
    )


def _is_bind(_: str, data: bytes) -> bool:
    return data.startswith(_BIND)


_BIND_WEAK: Final = {
    1: "RSAMD5 is forbidden by RFC 8624",
    3: "DSA is forbidden by RFC 8624",
    6: "DSA is forbidden by RFC 8624",
    12: "ECC-GOST is forbidden by RFC 8624",
    157: "HMAC-MD5 is forbidden by RFC 8945",
}


def _bind(data: bytes) -> KeystoreFacts:
    """Read a DNSSEC or TSIG key of BIND."""
    algorithm = re.search(rb"\nAlgorithm: (\d{1,3})\b", data[:_HEAD])
    weak = _BIND_WEAK.get(int(algorithm[1]), "") if algorithm else ""
    modulus = re.search(rb"\nModulus: ([A-Za-z0-9+/]{1,2048})", data[:_HEAD])
    if modulus and not weak:
        bits = 6 * len(modulus[1]) // 8 * 8
        weak = weaknesses.of_public(crypto.PublicFacts("rsa", bits, "", ""))
    return KeystoreFacts("bind", weak=weak)


def _is_tor(_: str, data: bytes) -> bool:
    return data.startswith(_TOR)


def _tor(_: bytes) -> KeystoreFacts:
    return KeystoreFacts("tor")


def _is_ssh1(_: str, data: bytes) -> bool:
    return data.startswith(_SSH1)


def _ssh1(data: bytes) -> KeystoreFacts:
    encrypted = data[len(_SSH1) : len(_SSH1) + 1] != b"\0"
    return KeystoreFacts("ssh1", encrypted=encrypted, weak="it is for SSH version 1, long broken")


def _is_bks(name: str, data: bytes) -> bool:
    # Bouncy Castle: a version, then the length of the salt; there is no magic.
    return name.endswith((".bks", ".ubr", ".uber")) and data[:8] in {
        b"\0\0\0\1\0\0\0\x14",
        b"\0\0\0\2\0\0\0\x14",
    }


def _bks(_: bytes) -> KeystoreFacts:
    return KeystoreFacts("bks", encrypted=True, unseen="its entries are not read")


def _is_nss(name: str, data: bytes) -> bool:
    base = name.rpartition("/")[2]
    if base == "key4.db":
        return data.startswith(_SQLITE) and b"nssPrivate" in data
    return base == "key3.db" and data[:4] in {b"\x00\x06\x15\x61", b"\x61\x15\x06\x00"}


def _nss(_: bytes) -> KeystoreFacts:
    return KeystoreFacts("nss", encrypted=True, unseen="its entries are not read")


_KINDS: Final[tuple[tuple[Callable[[str, bytes], bool], Callable[[bytes], KeystoreFacts]], ...]] = (
    (_is_jks, jks.inspect),
    (_is_pkcs12, pkcs12.inspect),
    (_is_der, _der),
    (_is_keytab, keytab.inspect),
    (_is_keepass, _keepass),
    (_is_agent, _agent),
    (_is_pgp, _pgp),
    (_is_bind, _bind),
    (_is_tor, _tor),
    (_is_ssh1, _ssh1),
    (_is_bks, _bks),
    (_is_nss, _nss),
)
