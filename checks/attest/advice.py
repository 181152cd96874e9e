"""What is said about a host whose image nobody attested."""

from __future__ import annotations

from typing import Final

from checks.model import Severity
from checks.secrets.advice import CheckText

NOT_ATTESTED: Final = "image-not-attested"

CHECKS: Final[dict[str, CheckText]] = {
    NOT_ATTESTED: CheckText(
        "Host made from an image that nobody attested",
        Severity.HIGH,
        "its image is not attested as policy wants",
        "Scan the image where it is built, with --attest, put the attestation where the message"
        " says, and build the host anew; if the image failed its gate, mend that first.",
        "An image that passed no gate brings what is wrong with it to every host made from it, and"
        " nobody can say whether it is the one that was reviewed.",
        ("https://slsa.dev/spec/v1.0/verifying-artifacts", "https://in-toto.io/"),
    ),
}
