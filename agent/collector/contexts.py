"""Make TLS for the receiver: 1.3 only, and nobody without a certificate. EDGE."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_OTHERS: Final = 0o007


class ContextError(HygieneError):
    """Certificates or keys that cannot be used."""


class Own(NamedTuple):
    """Who the receiver is: PEM files of its certificate, with the chain, and of its key."""

    certificate: Path
    key: Path


def make(own: Own, clients: Path, crl: Path | None = None) -> ssl.SSLContext:
    """Trust clients by a PEM file of authorities, but for those revoked; raises ContextError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # hosts stay connected, and a ticket would outlive a revocation
    context.verify_mode = ssl.CERT_REQUIRED
    _load(own.key, lambda: _guarded(context, own))
    _load(clients, lambda: context.load_verify_locations(cafile=clients))
    if not context.cert_store_stats()["x509_ca"]:
        raise ContextError(f"{clients}: no certificate authority in it")
    if crl is not None:
        _load(crl, lambda: context.load_verify_locations(cafile=crl))
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


def _guarded(context: ssl.SSLContext, own: Own) -> None:
    """Load our key, unless everybody can read it."""
    if os.stat(own.key).st_mode & _OTHERS:
        raise ContextError(f"{own.key}: every user can read it\nhint: chmod o= {own.key}")
    context.load_cert_chain(own.certificate, own.key, password=_no_password)


def _no_password() -> str:
    raise ContextError("the key is encrypted: nobody is there to be asked for its password")


def _load(path: Path, act: Callable[[], None]) -> None:
    try:
        act()
    except ssl.SSLError as error:
        raise ContextError(f"{path}: {error.reason or 'not PEM'}") from error
    except OSError as error:
        raise ContextError(f"{error.filename or path}: {error.strerror}") from error
