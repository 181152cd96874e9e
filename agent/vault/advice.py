"""What is said about each fault of a key that comes from Vault. Pure."""

from __future__ import annotations

from typing import Final

from checks.model import Severity
from checks.secrets.advice import CheckText

AWAY: Final = "vault-away"
UNFIT: Final = "vault-key-unfit"
UNDELIVERED: Final = "key-not-delivered"
NOT_TAKEN_UP: Final = "key-not-taken-up"
NOT_SERVED: Final = "key-not-served"
ENDING: Final = "key-ending"
ON_DISK: Final = "vault-secret-on-disk"
STALE: Final = "vault-key-stale"
CHANGED_SINCE: Final = "It was changed since: take what is left of it out of the file."

CHECKS: Final[dict[str, CheckText]] = {
    AWAY: CheckText(
        "Vault does not give a key",
        Severity.MEDIUM,
        "Vault does not give it",
        "See what Vault says of this host's login and policy, whether it is sealed, and whether it"
        " can be reached; what is served now is served on until it ends.",
        "A key that cannot be renewed ends one day, and the service with it.",
    ),
    UNFIT: CheckText(
        "Key from Vault that is not fit to be served",
        Severity.HIGH,
        "what Vault gave is not fit to be served",
        "Put a key with its own certificate and chain, for the right names and dates, into Vault.",
        "A pair that does not match, or a certificate for another name, would stop the service.",
    ),
    UNDELIVERED: CheckText(
        "Key that could not be delivered",
        Severity.HIGH,
        "it could not be delivered",
        "Mend what the message names; the one before was put back.",
        "The service goes on with the key before, which ends one day.",
    ),
    NOT_TAKEN_UP: CheckText(
        "Key that its service did not take up",
        Severity.HIGH,
        "its service did not take it up",
        "See the service's own log for why its reload failed; the one before was put back.",
        "The service goes on with the key before, which ends one day.",
    ),
    NOT_SERVED: CheckText(
        "Key that is delivered and not served",
        Severity.HIGH,
        "it is not what is served",
        "Let the service's configuration name the place that it is delivered to, and the action of"
        " the bootstrap file reload it; the one before was put back.",
        "A new key that nobody serves protects nothing, and the one before ends.",
    ),
    ENDING: CheckText(
        "Key that ends soon and has no successor",
        Severity.CRITICAL,
        "it ends soon, and there is no other",
        "Mend what keeps it from being renewed, which is told beside this.",
        "When it ends, every client refuses the service.",
    ),
    ON_DISK: CheckText(
        "Value that Vault holds, in clear text on a disk",
        Severity.HIGH,
        "what Vault holds stands here in clear text",
        "Let the program read it from Vault, take it out of the file, then change it at its service"
        " and in Vault: the finding about the leak closes once Vault holds another one.",
        "Whoever reads the file has what Vault keeps from them, and no lease or audit log of Vault"
        " knows of it.",
        ("https://cwe.mitre.org/data/definitions/312.html",),
    ),
    STALE: CheckText(
        "Key that is served and that Vault has replaced",
        Severity.HIGH,
        "serves what Vault has replaced",
        "Let the server's configuration name what is delivered from Vault, and reload it; remove"
        " the file that it reads now.",
        "A key is replaced because it ends or because somebody else may have it; the one before"
        " goes on to be served until the server takes up the new one.",
        ("https://cwe.mitre.org/data/definitions/324.html",),
    ),
}
