"""What is said about each kind of fault that no provider rule names: message, fix, references."""

from __future__ import annotations

from typing import Final, NamedTuple

from checks.model import Severity

_CWE_798: Final = "https://cwe.mitre.org/data/definitions/798.html"
_CWE_521: Final = "https://cwe.mitre.org/data/definitions/521.html"
_CWE_1392: Final = "https://cwe.mitre.org/data/definitions/1392.html"


class CheckText(NamedTuple):
    """One check: title (a noun phrase), default severity, message of a finding, fix, sources."""

    title: str
    severity: Severity
    message: str
    fix: str
    why: str
    references: tuple[str, ...] = ()


CHECKS: Final[dict[str, CheckText]] = {
    "embedded-password": CheckText(
        "Password in clear text",
        Severity.HIGH,
        "password in clear text",
        "Change it at its service, then let the program read it from Vault, a systemd credential or"
        " a file only it can read.",
        "Whoever can read the file, a backup or the image can log in. A copy stays in history and"
        " backups, so the password itself must be changed.",
        (_CWE_798,),
    ),
    "embedded-secret": CheckText(
        "Key or token in clear text",
        Severity.HIGH,
        "key or token in clear text",
        "Revoke it at its issuer and hand the new one to the program from Vault or a systemd"
        " credential.",
        "A token gives whoever reads it the rights of its owner until it is revoked.",
        (_CWE_798,),
    ),
    "weak-password": CheckText(
        "Default or easily guessed password",
        Severity.LOW,
        "default or easily guessed password",
        "Set a long random password at the service and keep it in Vault.",
        "A default or common password is tried first by everybody who can reach the service.",
        (_CWE_521, _CWE_1392),
    ),
}
