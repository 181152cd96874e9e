"""Say what a private key block holds: kind, strength, protection and whose public key it is."""

from __future__ import annotations

import base64
import textwrap
from typing import TYPE_CHECKING, Final

import msgspec

from checks.errors import FormatError
from checks.secrets import costs, crypto, der, openssh, pem, pgp, ppk, weaknesses
from checks.secrets.certificates import CertificateFacts, certificate
from checks.secrets.cursor import Cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from checks.secrets.pem import PemBlock

    _Reader = Callable[[PemBlock, tuple[str, ...]], "KeyFacts"]

__all__ = ["OPENS_BY_DEFAULT", "CertificateFacts", "KeyFacts", "certificate", "inspect"]

OPENS_BY_DEFAULT: Final = "passphrase is a common default"
MOST_TRIED: Final = 8
"""More encrypted keys than this in one file are described without trying passphrases."""
_PLAIN: Final = {"RSA PRIVATE KEY": "rsa", "EC PRIVATE KEY": "ec", "DSA PRIVATE KEY": "dsa"}


class KeyFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """A private key without anything secret of it.

    kind: "rsa", "ec", "dsa", "ed25519", "ed448", "x25519", "pgp", "age", "openvpn", ..., "other"
    for an algorithm the library does not know, "" when it cannot be told; bits: size, 0 when not
    known; curve: its name for "ec", the algorithm for "pgp"; encrypted: needs a passphrase;
    kdf: how the passphrase is stretched, with its cost; spki: SHA-256 in hex of the DER of the
    SubjectPublicKeyInfo, "" when encrypted or unknown; well_formed: can be used as it stands
    (judged by its structure if encrypted); weak: the reason, or ""; weak_kdf: the passphrase is
    hardly stretched; default_passphrase: it opens with one of costs.PASSPHRASES; hardware: the
    secret is in a token or card and the file is of no use without it.
    """

    kind: str
    bits: int = 0
    curve: str = ""
    encrypted: bool = False
    kdf: str = ""
    spki: str = ""
    well_formed: bool = True
    weak: str = ""
    weak_kdf: bool = False
    default_passphrase: bool = False
    hardware: bool = False

    @property
    def label(self) -> str:
        """What people call it: "RSA 2048", "EC secp256r1", "ed25519"; "" when it cannot be told."""
        return crypto.label(self.kind, self.bits, self.curve)


def each(blocks: Iterable[PemBlock]) -> Iterator[tuple[PemBlock, KeyFacts]]:
    """Describe the private keys of one file, trying passphrases on the first MOST_TRIED only."""
    tried = 0
    for block in blocks:
        if block.private:
            facts = inspect(block, costs.PASSPHRASES if tried < MOST_TRIED else ())
            tried += facts.encrypted
            yield block, facts


def inspect(block: PemBlock, phrases: tuple[str, ...] = costs.PASSPHRASES) -> KeyFacts:
    """Describe a private key block; one that cannot be read gives facts with well_formed False.

    Trying PHRASES takes at most about half a second, a second where bcrypt is installed.
    """
    try:
        return _reader(block)(block, phrases)
    except crypto.UnsupportedError:
        return KeyFacts("other", well_formed=block.whole)
    except FormatError:
        return KeyFacts(_PLAIN.get(block.label, ""), encrypted=_says(block), well_formed=False)


def inspect_der(body: bytes) -> KeyFacts:
    """Describe a private key in bare DER; raises FormatError when it is none."""
    try:
        return loaded(crypto.load_der(body))
    except crypto.UnsupportedError:
        return KeyFacts("other")
    except FormatError:
        return _encrypted_der(body, costs.PASSPHRASES)


def _says(block: PemBlock) -> bool:
    return "ENCRYPTED" in dict(block.headers).get("Proc-Type", block.label)


def _reader(block: PemBlock) -> _Reader:
    if "ENCRYPTED" in dict(block.headers).get("Proc-Type", ""):
        return _legacy
    for start, reader in _READERS:
        if block.label.startswith(start):
            return reader
    return _plain


def _plain(block: PemBlock, phrases: tuple[str, ...]) -> KeyFacts:
    try:
        return loaded(crypto.load_der(block.body))
    except crypto.UnsupportedError:
        raise
    except FormatError:
        # Some write encrypted PKCS#8 under the label of the unencrypted one.
        return _encrypted_der(block.body, phrases)


def loaded(key: crypto.LoadedKey) -> KeyFacts:
    """Describe a key that the library has read; raises FormatError."""
    public = crypto.public_of(key)
    primes = crypto.rsa_primes(key)
    facts = _public(public)
    if primes is None:
        return facts
    modulus, first, second = primes
    if first * second != modulus:
        return msgspec.structs.replace(facts, well_formed=False)
    return msgspec.structs.replace(facts, weak=facts.weak or weaknesses.of_primes(*primes))


def _public(public: crypto.PublicFacts) -> KeyFacts:
    return KeyFacts(
        public.kind, public.bits, public.curve, spki=public.spki, weak=weaknesses.of_public(public)
    )


def _protected(facts: KeyFacts, kdf: costs.Kdf, *, opened: bool) -> KeyFacts:
    return msgspec.structs.replace(
        facts,
        encrypted=True,
        kdf=kdf.name,
        weak_kdf=kdf.weak,
        default_passphrase=opened,
        weak=facts.weak or (OPENS_BY_DEFAULT if opened else ""),
    )


def _tried(
    kdf: costs.Kdf, phrases: tuple[str, ...], load: Callable[[bytes], crypto.LoadedKey]
) -> KeyFacts | None:
    """Try passphrases if that is cheap; the facts of the opened key, or None."""
    if not kdf.cheap:
        return None
    # The library takes an empty passphrase for none at all.
    for passphrase in filter(None, phrases):
        try:
            return _protected(loaded(load(passphrase.encode())), kdf, opened=True)
        except FormatError:
            continue
    return None


def _encrypted_der(body: bytes, phrases: tuple[str, ...]) -> KeyFacts:
    """EncryptedPrivateKeyInfo (RFC 5958 3)."""
    fields = der.read(body).children
    if len(fields) != 2 or not fields[1].octets:
        raise FormatError("private key: not an encrypted PKCS#8")
    kdf = costs.of_algorithm(fields[0])
    opened = _tried(kdf, phrases, lambda secret: crypto.load_der(body, secret))
    return opened or _protected(KeyFacts(""), kdf, opened=False)


def _encrypted(block: PemBlock, phrases: tuple[str, ...]) -> KeyFacts:
    return _encrypted_der(block.body, phrases)


def _legacy(block: PemBlock, phrases: tuple[str, ...]) -> KeyFacts:
    """RFC 1421 headers as OpenSSL writes them."""
    if "DEK-Info" not in dict(block.headers) or not block.whole:
        raise FormatError("private key: the encryption header or the end is missing")
    text = _armoured(block)
    opened = _tried(costs.MD5_ONCE, phrases, lambda secret: crypto.load_pem(text, secret))
    kind = KeyFacts(_PLAIN.get(block.label, ""))
    return opened or _protected(kind, costs.MD5_ONCE, opened=False)


def _armoured(block: PemBlock) -> bytes:
    """Write the block again the way that libraries read it."""
    headers = "".join(f"{name}: {value}\n" for name, value in block.headers)
    body = "\n".join(textwrap.wrap(base64.b64encode(block.body).decode(), 64))
    between = headers + "\n" if headers else ""
    return f"-----BEGIN {block.label}-----\n{between}{body}\n-----END {block.label}-----\n".encode()


def _openssh(block: PemBlock, phrases: tuple[str, ...]) -> KeyFacts:
    head = openssh.read(block.body)
    if head.hardware:
        return KeyFacts(head.type, encrypted=head.encrypted, hardware=True, well_formed=head.whole)
    text = _armoured(block)
    if head.kdf is None:
        return loaded(crypto.load_openssh(text))
    facts = _public(crypto.ssh_public(head.public))
    opened = _tried(head.kdf, phrases, lambda secret: crypto.load_openssh(text, secret))
    if opened:
        return opened
    return msgspec.structs.replace(
        _protected(facts, head.kdf, opened=False), well_formed=head.whole
    )


def _putty(block: PemBlock, phrases: tuple[str, ...]) -> KeyFacts:
    parsed = ppk.read(block.body)
    facts = _public(crypto.ssh_public(parsed.public))
    if parsed.kdf is None:
        return msgspec.structs.replace(facts, well_formed=parsed.opens(""))
    tried = filter(None, phrases) if parsed.kdf.cheap else ()
    return _protected(facts, parsed.kdf, opened=any(map(parsed.opens, tried)))


def _pgp(block: PemBlock, _: tuple[str, ...]) -> KeyFacts:
    keys = pgp.read(block.body)
    real = [key for key in keys if not key.stub]
    if not keys:
        raise FormatError("OpenPGP: no secret key")
    first = (real or keys)[0]
    public = crypto.PublicFacts(first.kind, first.bits, "", "")
    return KeyFacts(
        "pgp",
        first.bits,
        first.curve or first.kind,
        encrypted=bool(real) and all(key.encrypted for key in real),
        kdf=first.kdf,
        weak=weaknesses.of_public(public),
        weak_kdf=any(key.weak_kdf for key in real),
        hardware=not real,
    )


def _tpm(block: PemBlock, _: tuple[str, ...]) -> KeyFacts:
    """Describe a key that only the host's TPM can unwrap."""
    return KeyFacts("tpm", well_formed=block.whole, hardware=True)


def _nebula(block: PemBlock, _: tuple[str, ...]) -> KeyFacts:
    kind = "x25519" if "X25519" in block.label else "ed25519"
    return KeyFacts(kind, 256, encrypted="ENCRYPTED" in block.label, well_formed=block.whole)


def _age(_block: PemBlock, _: tuple[str, ...]) -> KeyFacts:
    return KeyFacts("age", 256, "x25519")


def _openvpn(block: PemBlock, _: tuple[str, ...]) -> KeyFacts:
    return KeyFacts("openvpn", 2048, well_formed=block.whole)


def _ssh2(block: PemBlock, _: tuple[str, ...]) -> KeyFacts:
    """SSH Communications' format: magic, size, type and cipher name."""
    cursor = Cursor(block.body, 8)
    cursor.string()
    cipher = cursor.string()
    return KeyFacts("ssh2", encrypted=cipher != b"none", well_formed=block.whole)


_READERS: Final[tuple[tuple[str, _Reader], ...]] = (
    (pem.AGE, _age),
    (pem.NEBULA, _nebula),
    (pem.OPENVPN, _openvpn),
    (pem.PPK, _putty),
    (pem.SSH2, _ssh2),
    ("ENCRYPTED", _encrypted),
    ("OPENSSH", _openssh),
    ("PGP", _pgp),
    ("TSS2", _tpm),
)
