"""Certificates made for the run: roots, intermediates, leaves, good ones and others."""

from __future__ import annotations

import datetime
import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAY = datetime.timedelta(days=1)


class Issued(NamedTuple):
    """A certificate and its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def private(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def write(self, folder: Path, name: str) -> tuple[str, str]:
        """Write both; give the paths of the certificate and of the key."""
        paths = folder / f"{name}.pem", folder / f"{name}.key"
        paths[0].write_text(self.pem)
        paths[1].write_text(self.private)
        paths[1].chmod(0o600)
        return str(paths[0]), str(paths[1])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def issue(
    name: str,
    issuer: Issued | None = None,
    *,
    names: Sequence[str] = (),
    days: tuple[int, int] = (-1, 9),
) -> Issued:
    """Make one, of an issuer or of itself; without names it may issue others."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    above = issuer.certificate.subject if issuer else subject
    number = x509.random_serial_number()
    begins, ends = (now + DAY * one for one in days)
    built = x509.CertificateBuilder(above, subject, key.public_key(), number, begins, ends)
    built = built.add_extension(
        x509.BasicConstraints(ca=not names, path_length=None), critical=True
    )
    if names:
        told = x509.SubjectAlternativeName([_general(one) for one in names])
        built = built.add_extension(told, critical=False)
    return Issued(key, built.sign(issuer.key if issuer else key, hashes.SHA256()))
