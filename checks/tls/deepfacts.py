"""What sslyze says of a server, and which faults follow from that. Pure.

What its process prints is believed no more than what a server says: it spoke to that server with
old copies of OpenSSL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from checks.errors import HygieneError
from checks.lazy import regex
from checks.model import Inconclusive, Severity
from checks.secrets.advice import CheckText
from checks.tls.facts import Target  # noqa: TC001 - msgspec reads the type where it decodes
from checks.tls.faults import Fault
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTTLS: Final = frozenset({"ftp", "imap", "ldap", "pop3", "postgres", "smtp", "xmpp"})
"""The protocols that sslyze can begin TLS in."""
_VERSIONS: Final = {
    "ssl_2_0": Version.SSL2,
    "ssl_3_0": Version.SSL3,
    "tls_1_0": Version.TLS10,
    "tls_1_1": Version.TLS11,
    "tls_1_2": Version.TLS12,
    "tls_1_3": Version.TLS13,
}
_WORD: Final = regex(r"[A-Z_]{1,60}", re.ASCII)
_SUITE: Final = regex(r"[A-Z][A-Za-z0-9_]{1,79}", re.ASCII)
_NO_ORACLE: Final = ("NOT_VULNERABLE_NO_ORACLE", "NOT_VULNERABLE_RSA_NOT_SUPPORTED")

CHECKS: Final[dict[str, CheckText]] = {
    "vuln-heartbleed": CheckText(
        "Server that gives away its memory (Heartbleed)",
        Severity.CRITICAL,
        "answers a heartbeat with bytes of its memory (CVE-2014-0160)",
        "Update the TLS library and restart the server; then replace its keys and certificates,"
        " and change what its users sent to it.",
        "Anybody can read 64 KB of the process's memory at a time, again and again: private keys,"
        " session keys, passwords.",
        (
            "https://nvd.nist.gov/vuln/detail/CVE-2014-0160",
            "https://www.rfc-editor.org/rfc/rfc6520#section-4",
        ),
    ),
    "vuln-robot": CheckText(
        "Server that tells whether a decrypted RSA message was well-formed (ROBOT)",
        Severity.HIGH,
        "answers well-formed and malformed RSA key exchanges differently (Bleichenbacher)",
        "Switch off the suites that begin with TLS_RSA_, and update the TLS library.",
        "Whoever recorded a connection can have the server decrypt its key in many small"
        " questions, and can sign in its name.",
        (
            "https://www.usenix.org/conference/usenixsecurity18/presentation/bock",
            "https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1",
        ),
    ),
    "vuln-ccs": CheckText(
        "Server that takes a ChangeCipherSpec too early (CCS injection)",
        Severity.HIGH,
        "takes a ChangeCipherSpec before keys are agreed (CVE-2014-0224)",
        "Update OpenSSL to 1.0.1h, 1.0.0m, 0.9.8za or newer, and restart the server.",
        "Whoever sits between client and server can force weak keys, then read and change what"
        " both say.",
        ("https://nvd.nist.gov/vuln/detail/CVE-2014-0224",),
    ),
}


class DeepError(HygieneError):
    """sslyze did not say what was asked of it."""


class Deep(msgspec.Struct, frozen=True, kw_only=True):
    """What sslyze says; None where it could not tell, with the reason in `unseen`.

    heartbleed, ccs: False too where the server speaks TLS 1.3, for sslyze asks no such server;
    robot: "strong", "weak" or "none"; agreed: the suites of each version, by sslyze's names; one
    that is not named may be accepted all the same, since sslyze takes a time-out for a refusal.
    """

    target: Target
    heartbleed: bool | None = None
    ccs: bool | None = None
    robot: Literal["strong", "weak", "none"] | None = None
    compression: bool | None = None
    secure_renegotiation: bool | None = None
    client_renegotiation: bool | None = None
    agreed: dict[Version, tuple[str, ...]] = {}
    unseen: tuple[str, ...] = ()

    @property
    def versions(self) -> tuple[Version, ...]:
        """The versions that anything was agreed in, oldest first."""
        return tuple(sorted(version for version, suites in self.agreed.items() if suites))


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    """What the child prints."""

    error: str = ""
    heartbleed: bool | None = None
    ccs: bool | None = None
    robot: str | None = None
    compression: bool | None = None
    secure_renegotiation: bool | None = None
    client_renegotiation: bool | None = None
    agreed: dict[str, list[str]] = {}
    errors: dict[str, str] = {}


def read(target: Target, printed: bytes) -> Deep:
    """Read what the child printed; raises DeepError for anything else than a whole answer."""
    try:
        answer = msgspec.json.decode(printed, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DeepError("sslyze: its answer is cut off or malformed") from error
    if answer.error:
        raise DeepError(f"sslyze: {_word(answer.error)}")
    return Deep(
        target=target,
        heartbleed=answer.heartbleed,
        ccs=answer.ccs,
        robot=_oracle(answer.robot),
        compression=answer.compression,
        secure_renegotiation=answer.secure_renegotiation,
        client_renegotiation=answer.client_renegotiation,
        agreed=_agreed(answer.agreed),
        unseen=tuple(_unseen(answer)),
    )


def _oracle(result: str | None) -> Literal["strong", "weak", "none"] | None:
    if result in _NO_ORACLE:
        return "none"
    if result == "VULNERABLE_STRONG_ORACLE":
        return "strong"
    return "weak" if result == "VULNERABLE_WEAK_ORACLE" else None


def _agreed(named: dict[str, list[str]]) -> dict[Version, tuple[str, ...]]:
    if not named.keys() <= _VERSIONS.keys():
        raise DeepError("sslyze: names a version that was not asked for")
    if not all(_SUITE.fullmatch(suite) for suites in named.values() for suite in suites):
        raise DeepError("sslyze: names a suite that cannot be one")
    return {_VERSIONS[name]: tuple(suites) for name, suites in named.items()}


def _unseen(answer: _Answer) -> Iterator[str]:
    """Say of everything that was asked and not answered why it was not."""
    asked = ("heartbleed", "ccs", "robot", "compression")
    for name in (*asked, "secure_renegotiation", "client_renegotiation"):
        if getattr(answer, name) is None:
            yield f"{name}: {_word(answer.errors.get(name, 'not said'))}"
    if answer.robot and not _oracle(answer.robot):
        yield f"robot: {_word(answer.robot)}"
    for name, version in _VERSIONS.items():
        if name not in answer.agreed:
            yield f"{version.label}: {_word(answer.errors.get(name, 'not said'))}"


def _word(said: str) -> str:
    """Turn a word of sslyze's such as CLIENT_CERTIFICATE_NEEDED into ours."""
    return said.lower().replace("_", " ") if _WORD.fullmatch(said) else "not said"


def judge(deep: Deep) -> Iterator[Fault]:
    """Give the faults that were shown; what was not settled is `inconclusive`."""
    if deep.heartbleed:
        yield Fault("vuln-heartbleed", CHECKS["vuln-heartbleed"].message, "heartbleed")
    if deep.robot in {"strong", "weak"}:
        pace = "in hours" if deep.robot == "strong" else "slowly: the oracle is weak"
        message = f"{CHECKS['vuln-robot'].message}; it can be used {pace}"
        yield Fault("vuln-robot", message, "robot")
    if deep.ccs:
        yield Fault("vuln-ccs", CHECKS["vuln-ccs"].message, "ccs")


def inconclusive(deep: Deep) -> Iterator[Inconclusive]:
    """Give what was asked and could not be told."""
    for words in deep.unseen:
        yield Inconclusive(str(deep.target), "sslyze could not tell", words)
