"""What is said about each way in which a managed file differs, and about putting it back."""

from __future__ import annotations

from typing import Final

from checks.model import Severity
from checks.secrets.advice import CheckText

CHANGED: Final = "managed-changed"
MISSING: Final = "managed-missing"
EXTRA: Final = "managed-extra"
MODE: Final = "managed-mode"
IMMUTABLE: Final = "immutable-changed"
NOT_RESTORED: Final = "managed-not-restored"

_CWE_15: Final = "https://cwe.mitre.org/data/definitions/15.html"
_CWE_732: Final = "https://cwe.mitre.org/data/definitions/732.html"
_CM_3: Final = "https://csf.tools/reference/nist-sp-800-53/r5/cm/cm-3/"
_LEARN: Final = "if the edit is right, put it into the policy, which makes it the known good state"

CHECKS: Final[dict[str, CheckText]] = {
    CHANGED: CheckText(
        "Managed file that is not what policy approved",
        Severity.HIGH,
        "is not what policy approved",
        f"Put the approved content back (`hygiene-agent restore now`); {_LEARN}.",
        "A configuration that drifted from what was reviewed is one that nobody answers for.",
        (_CWE_15, _CM_3),
    ),
    MISSING: CheckText(
        "Managed file that is missing",
        Severity.HIGH,
        "is missing",
        f"Put it back (`hygiene-agent restore now`); {_LEARN}.",
        "What reads it falls back to defaults that nobody reviewed, or does not start any more.",
        (_CWE_15, _CM_3),
    ),
    EXTRA: CheckText(
        "File where only managed files may be",
        Severity.MEDIUM,
        "is not managed, and only managed files may be there",
        f"Take it away; {_LEARN}.",
        "Folders such as conf.d are read whole: a file more changes the configuration as well.",
        (_CWE_15, _CM_3),
    ),
    MODE: CheckText(
        "Managed file with another owner or mode than approved",
        Severity.HIGH,
        "has another owner or mode than approved",
        f"Set owner and mode as approved (`hygiene-agent restore now`); {_LEARN}.",
        "Who may write a file may change what it says; who may read it may learn what it holds.",
        (_CWE_732, _CM_3),
    ),
    IMMUTABLE: CheckText(
        "Part of the image that was changed on the host",
        Severity.CRITICAL,
        "is not what the image brought, and nothing may change it",
        "See who changed it and why; build the host anew from its image.",
        "What an image brings is changed by a new image; anything else is a manual change or an"
        " intruder.",
        (_CWE_15, _CM_3),
    ),
    NOT_RESTORED: CheckText(
        "Managed file that could not be put back",
        Severity.HIGH,
        "was not put back",
        "Mend what the message names, then `hygiene-agent restore now`; nothing is left half done.",
        "The host stays in a state that was not approved until a person looks at it.",
        (_CM_3,),
    ),
}
