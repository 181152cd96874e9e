"""The facts of a file that holds keys in a binary or private format."""

from __future__ import annotations

from typing import Final

import msgspec

from checks.secrets.certificates import CertificateFacts  # noqa: TC001 - msgspec resolves it

NAMES_SHOWN: Final = 32
_LONGEST_NAME: Final = 120


class KeystoreFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """A keystore without anything secret of it.

    kind: "pkcs12", "jks", "jceks", "bks", "keepass", "keytab", "gnupg", "bind", "tor", "ssh1",
    "nss", "der"; private_keys: how many private or secret keys it holds as far as seen;
    entries: of any kind; names: aliases or principals, at most NAMES_SHOWN; spkis: of private keys
    that could be read; encrypted: needs a password; opens: with one of costs.PASSPHRASES;
    weak: why its keys are weak, or ""; unseen: what could not be looked at, or "".
    """

    kind: str
    private_keys: int = 1
    entries: int = 1
    names: tuple[str, ...] = ()
    certificates: tuple[CertificateFacts, ...] = ()
    spkis: tuple[str, ...] = ()
    encrypted: bool = False
    opens: bool = False
    weak: str = ""
    unseen: str = ""


def shown(names: list[bytes]) -> tuple[str, ...]:
    """Give the first names, each once and cut to a length that a report can carry."""
    texts = dict.fromkeys(name[:_LONGEST_NAME].decode("utf-8", "replace") for name in names)
    return tuple(texts)[:NAMES_SHOWN]
