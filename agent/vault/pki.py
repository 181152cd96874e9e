"""A certificate of the PKI engine, made when asked for; its key is made here or there. EDGE."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent.vault.client import Told
from agent.vault.errors import VaultError, Why
from agent.vault.got import Got
from agent.vault.material import Material

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.keysettings import PkiSource
    from agent.vault.session import Session

_COMMON_NAME: Final = 64
"""Characters that a common name may have (RFC 5280, ub-common-name)."""
_Serial = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{2}([:-]?[0-9a-f]{2}){0,39}$")]


class _Certificate(Told, frozen=True):
    certificate: str
    serial_number: _Serial
    issuing_ca: str = ""
    ca_chain: list[str] | None = None
    private_key: str = ""


class _CertificateAnswer(Told, frozen=True):
    data: _Certificate


class Pki:
    """Certificates of one role and some names."""

    def __init__(self, settings: PkiSource, session: Session) -> None:
        """Keep what to ask for; Vault is first asked by `get`."""
        self._settings, self._session = settings, session
        self._made: Got | None = None

    def get(self, known: str, now: float) -> Got | None:
        """Have a certificate made, unless KNOWN is an older one than the last that was made.

        So what is fit, but could not be delivered or taken up, is not made again with each attempt.
        Raises VaultError, MaterialError.
        """
        if self._made and self._made.version != known and self._fresh(self._made, now):
            return self._made
        self._made = self._new()
        return self._made

    def anew(self) -> None:
        """Do nothing: another one is made with every `get`."""

    def release(self) -> None:
        """Do nothing: the certificate is served until it ends."""

    def _fresh(self, made: Got, now: float) -> bool:
        """Say whether it is fit to be served, and not half over."""
        half = (made.begins + made.ends) / 2
        fit = isinstance(made.what, Material) and not made.what.faults(self._settings.names, now)
        return fit and now < half

    def _new(self) -> Got:
        key = ec.generate_private_key(ec.SECP256R1()) if self._settings.local else None
        told = self._signed(key) if key else self._issued()
        text = _pem(key) if key else told.private_key
        # An authority without intermediates names its root as its chain: nobody needs that sent.
        above = [one for one in told.ca_chain or [told.issuing_ca] if one and not _is_root(one)]
        made = Material(text, told.certificate, above)
        return Got(made, told.serial_number, made.begins, made.ends)

    def _signed(self, key: ec.EllipticCurvePrivateKey) -> _Certificate:
        settings, names = self._settings, self._settings.names
        request = _request(key, names)
        return self._session.ask(
            _CertificateAnswer,
            lambda vault: vault.secrets.pki.sign_certificate(
                settings.role, request, names[0], self._more(), mount_point=settings.mount
            ),
        ).data

    def _issued(self) -> _Certificate:
        settings = self._settings
        return self._session.ask(
            _CertificateAnswer,
            lambda vault: vault.secrets.pki.generate_certificate(
                settings.role, settings.names[0], self._more(), mount_point=settings.mount
            ),
        ).data

    def _more(self) -> dict[str, object]:
        """Give what goes with a request beside the first name."""
        names = self._settings.names
        return {
            "alt_names": ",".join(name for name in names if not _is_address(name)),
            "ip_sans": ",".join(name for name in names if _is_address(name)),
            "ttl": f"{self._settings.ttl}s",
        }


def _request(key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> str:
    """Ask for a certificate of these names with this key, in PKCS #10, PEM; raises VaultError."""
    common = names[:1] if len(names[0]) <= _COMMON_NAME else ()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name) for name in common])
    try:
        also = x509.SubjectAlternativeName([_general(name) for name in names])
    except ValueError:
        raise VaultError(Why.REFUSED, "names: expected host names in ASCII") from None
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    made = builder.add_extension(also, critical=not common).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _general(name: str) -> x509.GeneralName:
    if _is_address(name):
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_root(pem: str) -> bool:
    """Say whether a certificate is its own issuer; what cannot be read is not."""
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
    except (x509.InvalidVersion, ValueError):
        return False
    return found.subject == found.issuer


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
