"""Make the certificates of the story; they hold for a month."""

from __future__ import annotations

import datetime
import ipaddress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Authority:
    """An authority of the story's own, which no client knows."""

    def __init__(self) -> None:
        """Make the authority itself."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _called("story")
        self.pem = self._signed(self._subject, self._key, ())

    def issue(self, name: str, address: str = "") -> tuple[str, str]:
        """Make a certificate for a name, and an IP address; gives it and its key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        names += [x509.IPAddress(ipaddress.ip_address(address))] if address else []
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return self._signed(_called(name), key, names), private.decode()

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, names: Sequence[x509.GeneralName]
    ) -> str:
        now = datetime.datetime.now(datetime.UTC)
        begins, ends = now - datetime.timedelta(days=1), now + datetime.timedelta(days=29)
        number = x509.random_serial_number()
        made = x509.CertificateBuilder(
            self._subject, subject, key.public_key(), number, begins, ends
        )
        is_authority = x509.BasicConstraints(ca=not names, path_length=None)
        made = made.add_extension(is_authority, critical=True)
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = made.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
