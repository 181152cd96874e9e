"""What sslyze says of a server, and what our own look learns from it. Pure.

What its process prints is believed no more than what a server says: it spoke to that server with
old copies of OpenSSL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from checks.errors import HygieneError
from checks.lazy import regex
from checks.tls import suites
from checks.tls.facts import Accepted, Target
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.facts import EndpointFacts

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
_ORACLES: Final[dict[str, Literal["strong", "weak", "none"]]] = {
    "NOT_VULNERABLE_NO_ORACLE": "none",
    "NOT_VULNERABLE_RSA_NOT_SUPPORTED": "none",
    "VULNERABLE_STRONG_ORACLE": "strong",
    "VULNERABLE_WEAK_ORACLE": "weak",
}
_WEAKNESSES: Final = ("heartbleed", "early_ccs", "client_renegotiation", "compression")
_PROTECTIONS: Final = ("secure_renegotiation", "extended_master_secret")
_QUESTIONS: Final = (*_WEAKNESSES, "robot", "secure_renegotiation")
"""What has to be settled by either look; the other questions are settled by our own alone."""


class DeepError(HygieneError):
    """sslyze did not say what was asked of it."""


class Attempts(msgspec.Struct, frozen=True):
    """What nothing but an attempt shows; None where none was made that could tell."""

    heartbleed: bool | None = None
    early_ccs: bool | None = None
    robot: Literal["strong", "weak", "none"] | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What was settled, by its name."""
        named = msgspec.structs.asdict(self)
        return {name: answer for name, answer in named.items() if answer is not None}


class Deep(msgspec.Struct, frozen=True, kw_only=True):
    """What sslyze says; None where it could not tell, with the reason in `unseen`, by question.

    heartbleed, early_ccs: False too where the server speaks TLS 1.3, for sslyze asks no such
    server: a library that has TLS 1.3 is younger than the mends; extended_master_secret: None there
    for the same cause. agreed: the suites of each version, by sslyze's names; one that is not named
    may be accepted all the same, since sslyze takes a time-out for a refusal.
    """

    target: Target
    heartbleed: bool | None = None
    early_ccs: bool | None = None
    robot: Literal["strong", "weak", "none"] | None = None
    compression: bool | None = None
    secure_renegotiation: bool | None = None
    client_renegotiation: bool | None = None
    fallback_scsv: bool | None = None
    extended_master_secret: bool | None = None
    early_data: bool | None = None
    agreed: dict[Version, tuple[str, ...]] = {}
    unseen: dict[str, str] = {}

    @property
    def attempts(self) -> Attempts:
        """What our own look never asks."""
        return Attempts(self.heartbleed, self.early_ccs, self.robot)

    @property
    def versions(self) -> tuple[Version, ...]:
        """The versions that anything was agreed in, oldest first."""
        return tuple(sorted(version for version, names in self.agreed.items() if names))

    @property
    def accepted(self) -> tuple[Accepted, ...]:
        """The suites that are known by sslyze's name, sorted; it has names of its own for SSL 2."""
        codes = suites.by_name()
        return tuple(
            sorted(
                Accepted(version, codes[name].code)
                for version, names in self.agreed.items()
                for name in names
                if name in codes
            )
        )


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    """What the child prints."""

    error: str = ""
    heartbleed: bool | None = None
    early_ccs: bool | None = None
    robot: str | None = None
    compression: bool | None = None
    secure_renegotiation: bool | None = None
    client_renegotiation: bool | None = None
    fallback_scsv: bool | None = None
    extended_master_secret: bool | None = None
    early_data: bool | None = None
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
    agreed = _agreed(answer.agreed)
    modern = bool(agreed.get(Version.TLS13))
    return Deep(
        target=target,
        heartbleed=answer.heartbleed,
        early_ccs=answer.early_ccs,
        robot=_ORACLES.get(answer.robot or ""),
        compression=answer.compression,
        secure_renegotiation=answer.secure_renegotiation,
        client_renegotiation=answer.client_renegotiation,
        fallback_scsv=answer.fallback_scsv,
        extended_master_secret=None if modern else answer.extended_master_secret,
        early_data=answer.early_data,
        agreed=agreed,
        unseen=dict(_unseen(answer)),
    )


def _agreed(named: dict[str, list[str]]) -> dict[Version, tuple[str, ...]]:
    if not named.keys() <= _VERSIONS.keys():
        raise DeepError("sslyze: names a version that was not asked for")
    if not all(_SUITE.fullmatch(suite) for names in named.values() for suite in names):
        raise DeepError("sslyze: names a suite that cannot be one")
    return {_VERSIONS[name]: tuple(names) for name, names in named.items()}


def _unseen(answer: _Answer) -> Iterator[tuple[str, str]]:
    """Say of what was asked and not answered why it was not."""
    for name in _QUESTIONS:
        if getattr(answer, name) is None:
            yield name, _word(answer.errors.get(name, "not said"))
    if answer.robot and answer.robot not in _ORACLES:
        yield "robot", _word(answer.robot)
    for name, version in _VERSIONS.items():
        if name not in answer.agreed:
            yield version.label, _word(answer.errors.get(name, "not said"))


def _word(said: str) -> str:
    """Turn a word of sslyze's such as CLIENT_CERTIFICATE_NEEDED into ours."""
    return said.lower().replace("_", " ") if _WORD.fullmatch(said) else "not said"


def folded(facts: EndpointFacts, deep: Deep) -> EndpointFacts:
    """Add to our own look what sslyze saw.

    A weakness that either of them saw is there. A protection is as our own look says, which reads
    it from the server's hello, and as sslyze says where that is open. Suites that sslyze alone
    agreed on come last, in no order of the server's.
    """
    told: dict[str, Any] = {name: _either(facts, deep, name) for name in _WEAKNESSES}
    told |= {name: _settled(facts, deep, name) for name in (*_PROTECTIONS, "robot")}
    whole = msgspec.structs.replace(
        facts,
        **told,
        versions=facts.versions | dict.fromkeys(deep.versions, True),
        suites=tuple(dict.fromkeys((*facts.suites, *deep.accepted))),
    )
    return msgspec.structs.replace(whole, unseen=(*facts.unseen, *_open(whole, deep)))


def recalled(facts: EndpointFacts, attempts: Attempts) -> EndpointFacts:
    """Add to our own look what attempts showed before."""
    return msgspec.structs.replace(facts, **attempts.told)


def _either(facts: EndpointFacts, deep: Deep, name: str) -> object:
    """Give True where either saw a weakness, else what is settled."""
    return True if getattr(deep, name) else _settled(facts, deep, name)


def _settled(facts: EndpointFacts, deep: Deep, name: str) -> object:
    ours = getattr(facts, name)
    return getattr(deep, name) if ours is None else ours


def _open(facts: EndpointFacts, deep: Deep) -> Iterator[str]:
    """Name what neither of them could tell, with sslyze's reason."""
    answers = {name: getattr(facts, name) for name in _QUESTIONS}
    answers |= {version.label: answer for version, answer in facts.versions.items()}
    for question, why in deep.unseen.items():
        if answers.get(question) is None:
            yield f"{question.replace('_', ' ')}: {why} (sslyze)"
