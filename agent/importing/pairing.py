"""Make one object of a private key and the certificates that were found beside it. Pure."""

from __future__ import annotations

import base64
import textwrap
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from agent.vault.material import Material, MaterialError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.secrets.pem import PemBlock

_KINDS: Final = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
"""RFC 7468 10, and what OpenSSL wrote before it (PKCS #1, SEC 1)."""
_DER_PUBLIC: Final = (
    serialization.Encoding.DER,
    serialization.PublicFormat.SubjectPublicKeyInfo,
)


def paired(key: PemBlock, blocks: Iterable[PemBlock], names: Sequence[str], now: float) -> Material:
    """Give the key with its own certificate and the chain above it, as a server takes them.

    blocks: all certificates there are, in any order. Raises MaterialError where they are not fit to
    be served under NAMES.
    """
    text = _armoured(key)
    known = list(dict.fromkeys(_read(block) for block in blocks if not block.private))
    try:
        private = serialization.load_pem_private_key(text.encode(), None)
        public = private.public_key().public_bytes(*_DER_PUBLIC)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise MaterialError("the key is none that a TLS server can use") from None
    leaf = next((one for one in known if _public(one) == public), None)
    if leaf is None:
        raise MaterialError("no certificate of this key\nhint: --certificate FILE")
    made = Material(text, _pem(leaf), [_pem(one) for one in _above(leaf, known)])
    if wrong := made.faults(names, now):
        raise MaterialError("; ".join(wrong))
    return made


def fields(made: Material) -> dict[str, str]:
    """Give it as the fields of a secret, as `agent.vault.material.material` takes them."""
    leaf, *chain = x509.load_pem_x509_certificates(made.certificates)
    found = {"key": made.key.decode(), "certificate": _pem(leaf)}
    return found | ({"chain": "".join(map(_pem, chain))} if chain else {})


def names(made: Material) -> list[str]:
    """Give the host names of its certificate that are no patterns."""
    leaf = x509.load_pem_x509_certificate(made.certificates)
    try:
        told = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [name for name in told.get_values_for_type(x509.DNSName) if "*" not in name]


def _armoured(block: PemBlock) -> str:
    """Write a key as PEM, however it was written where it was found; raises MaterialError."""
    if "Proc-Type" in dict(block.headers) or "ENCRYPTED" in block.label:
        raise MaterialError("the key is under a passphrase")
    if block.label not in _KINDS or not block.whole:
        raise MaterialError("the key is none that a TLS server can use, or a part of it is missing")
    lines = textwrap.wrap(base64.b64encode(block.body).decode(), 64)
    return "\n".join((f"-----BEGIN {block.label}-----", *lines, f"-----END {block.label}-----\n"))


def _read(block: PemBlock) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(block.body)
    except (ValueError, x509.InvalidVersion):
        raise MaterialError(f"the certificate on line {block.line} cannot be read") from None


def _above(leaf: x509.Certificate, known: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Give the chain above a certificate, without the root, which nobody needs sent."""
    chain: list[x509.Certificate] = []
    below: x509.Certificate | None = leaf
    while below is not None and len(chain) < len(known):
        above = next((one for one in known if one != below and _issued(one, below)), None)
        if above is None or above in chain or above.subject == above.issuer:
            break
        chain.append(above)
        below = above
    return chain


def _issued(above: x509.Certificate, below: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _public(one: x509.Certificate) -> bytes:
    try:
        return one.public_key().public_bytes(*_DER_PUBLIC)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return b""


def _pem(one: x509.Certificate) -> str:
    return one.public_bytes(serialization.Encoding.PEM).decode()
