"""What is said about each kind of fault that no provider rule names: message, fix, references."""

from __future__ import annotations

from typing import Final, NamedTuple

from checks.model import Severity

_CWE_798: Final = "https://cwe.mitre.org/data/definitions/798.html"
_CWE_321: Final = "https://cwe.mitre.org/data/definitions/321.html"
_CWE_326: Final = "https://cwe.mitre.org/data/definitions/326.html"
_CWE_732: Final = "https://cwe.mitre.org/data/definitions/732.html"
_CWE_916: Final = "https://cwe.mitre.org/data/definitions/916.html"
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
    "empty-password": CheckText(
        "Account without a password",
        Severity.HIGH,
        "account without a password",
        "Lock the account (passwd -l) or set a password.",
        "An empty password field lets anybody log in as this account where the service allows it.",
        ("https://cwe.mitre.org/data/definitions/258.html",),
    ),
    "password-hash-weak": CheckText(
        "Password hash that is guessed cheaply",
        Severity.MEDIUM,
        "password hash that is guessed cheaply",
        "Set a new password under yescrypt, argon2id or bcrypt, or what the service offers.",
        "Old or unsalted schemes are tried billions of times a second on common hardware.",
        (_CWE_916,),
    ),
    "password-hash-readable": CheckText(
        "Password hash that every user can read",
        Severity.MEDIUM,
        "password hash that every user can read",
        "Take the right to read from others (chmod o-rwx) and set a new password.",
        "Whoever can read a hash can guess at the password without being noticed.",
        (_CWE_732,),
    ),
    "embedded-private-key": CheckText(
        "Private key in a file that is no key file, or in something that is copied",
        Severity.HIGH,
        "private key in a file that is no key file",
        "Replace the key, and let the service read the new one from Vault or a file of its own.",
        "A key inside a definition, a checkout or an image is in every copy of it.",
        (_CWE_321,),
    ),
    "key-permissions": CheckText(
        "Private key that others can read or replace",
        Severity.HIGH,
        "private key that others can read or replace",
        "Take the right away (chmod go-rwx); if others may have read it, replace the key.",
        "Whoever reads the key can pose as the server or decrypt what was recorded.",
        (_CWE_732,),
    ),
    "key-weak": CheckText(
        "Weak private key",
        Severity.HIGH,
        "weak private key",
        "Make a new key: Ed25519, ECDSA P-256 or RSA of 3072 bits.",
        "Short or badly made keys can be computed from their public half.",
        (_CWE_326,),
    ),
    "key-passphrase-default": CheckText(
        "Key or keystore that opens with a default password",
        Severity.MEDIUM,
        "key or keystore that opens with a default password",
        "Replace the key, and protect the new one with a long random passphrase from Vault.",
        "A default passphrase protects nothing: it is tried first.",
        (_CWE_1392,),
    ),
    "key-shared": CheckText(
        "One private key in several files",
        Severity.MEDIUM,
        "one private key in several files",
        "Keep one file and let each service read that one, or give each service its own key.",
        "Each copy is one more place to lose it and one more to forget when it is replaced.",
        (_CWE_321,),
    ),
    "key-mismatch": CheckText(
        "Private key that does not fit its certificate",
        Severity.CRITICAL,
        "private key that does not fit its certificate",
        "Put back the key that the certificate was issued for, or have the certificate reissued.",
        "A server cannot start with the pair, and fails at its next restart if it runs now.",
    ),
}
