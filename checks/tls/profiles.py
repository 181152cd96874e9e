"""Hold an endpoint against a TLS profile: Mozilla's, NIST's, an organisation's own.

A profile is data with its source, `profiles/ID.yaml`; one's own is a mapping of the same form, or
one that names a `base` and what is different:

    id: ours
    title: Ours
    base: mozilla-intermediate
    without: [lifetime]
    rules:
      - {id: hsts, kind: hsts, clause: our handbook 4.2, seconds: 31536000}
"""

from __future__ import annotations

import datetime  # noqa: TC003 - msgspec resolves it
from collections import Counter
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import msgspec

from checks import redact
from checks.errors import PolicyError
from checks.model import Severity
from checks.policy import SeverityName  # noqa: TC001 - msgspec resolves it
from checks.secrets.advice import CheckText
from checks.tls.faults import Fault
from checks.tls.profilecertificate import Keys, Lifetime, Signatures
from checks.tls.profilewire import (
    Elsewhere,
    Feature,
    Groups,
    Hsts,
    Primes,
    Strength,
    Suites,
    Versions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.facts import EndpointFacts
    from checks.tls.profilerule import Leaves, Verdict

CHECKS: Final[dict[str, CheckText]] = {
    "profile-violation": CheckText(
        "Rule of the chosen TLS profile broken",
        Severity.MEDIUM,
        "a rule of the chosen TLS profile is broken",
        "Do what the rule wants, or choose another profile in the policy.",
        "The organisation has promised to keep the profile; each broken rule is told on its own.",
    ),
}

AnyRule = (
    Versions
    | Suites
    | Strength
    | Groups
    | Primes
    | Keys
    | Signatures
    | Lifetime
    | Hsts
    | Feature
    | Elsewhere
)
_T = TypeVar("_T")
_Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.\-]{0,63}$")]
_Title = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One standard.

    version, published, source: of the document; checked: what is here was compared with public
    text of it; severity: of a broken rule that names none.
    """

    id: _Id
    title: _Title
    rules: tuple[AnyRule, ...]
    version: str = ""
    published: datetime.date | None = None
    source: str = ""
    note: str = ""
    checked: bool = True
    severity: SeverityName = "medium"

    def __post_init__(self) -> None:
        counted = Counter(rule.id for rule in self.rules)
        if twice := [name for name, times in counted.items() if times > 1]:
            raise ValueError(f"rule {redact.shown(twice[0])!r} stands twice")


class _Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an own profile changes in a shipped one: rules of the same id are replaced."""

    id: _Id
    title: _Title
    base: str
    without: tuple[str, ...] = ()
    rules: tuple[AnyRule, ...] = ()
    severity: SeverityName | None = None


@cache
def names() -> tuple[str, ...]:
    """Name the profiles that are shipped, sorted."""
    files = resources.files(__package__).joinpath("profiles").iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


@cache
def shipped(name: str) -> Profile:
    """Give a shipped profile; raises PolicyError for a name that none has."""
    if name not in names():
        known = ", ".join(names())
        raise PolicyError(f"profile: expected one of {known}, got {redact.shown(name)!r}")
    file = resources.files(__package__).joinpath("profiles", f"{name}.yaml")
    return parse(f"{name}.yaml", file.read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Profile:
    """Read a profile file; raises PolicyError with the file's name and the place."""
    import yaml

    try:
        raw = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - it is the safe loader, in C
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else "?"
        raise PolicyError(f"{name}: not YAML, line {line}") from error
    except (ValueError, RecursionError) as error:  # a date that is none, nesting without end
        raise PolicyError(f"{name}: not YAML: {type(error).__name__}") from error
    return from_mapping(raw, name)


def from_mapping(raw: object, where: str = "profile") -> Profile:
    """Check a decoded profile; raises PolicyError("WHERE: rules[2].days: expected `int` ...")."""
    if not (isinstance(raw, dict) and "base" in raw):
        return _converted(raw, Profile, where)
    change = _converted(raw, _Change, where)
    try:
        return _changed(shipped(change.base), change)
    except (PolicyError, ValueError) as error:
        raise PolicyError(f"{where}: {error}") from error


def _changed(base: Profile, change: _Change) -> Profile:
    known = {rule.id for rule in base.rules}
    if strange := [name for name in change.without if name not in known]:
        raise ValueError(f"without: no rule {redact.shown(strange[0])!r} in {base.id}")
    gone = {rule.id for rule in change.rules} | {*change.without}
    return msgspec.structs.replace(
        base,
        id=change.id,
        title=change.title,
        severity=change.severity or base.severity,
        rules=(*(rule for rule in base.rules if rule.id not in gone), *change.rules),
    )


def _converted(raw: object, wanted: type[_T], where: str) -> _T:
    try:
        return msgspec.convert(raw, wanted)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `")
        place = at.rpartition("$")[2].rstrip("`").removeprefix(".")
        said = redact.shown(what.replace("`", ""))
        raise PolicyError(f"{where}: {place}: {said}" if place else f"{where}: {said}") from error


def violations(
    facts: EndpointFacts,
    profile: Profile,
    certificates: Leaves,
    today: datetime.date | None = None,
) -> Iterator[Fault]:
    """Give one fault for each rule that an endpoint breaks.

    certificates: its own ones, without those of their issuers; today: for rules that hold from a
    day on, which are left out without it.
    """
    for rule in _holding(facts, profile, today):
        if wrong := _verdict(rule, facts, certificates).wrong:
            message = f"{profile.title} ({rule.clause}): {'; '.join(wrong)}"
            severity = Severity.named(rule.severity or profile.severity)
            fact = f"{profile.id}/{rule.id}"
            yield Fault("profile-violation", message, fact, severity, rule.wanted)


def unsettled(
    facts: EndpointFacts,
    profile: Profile,
    certificates: Leaves,
    today: datetime.date | None = None,
) -> Iterator[str]:
    """Say which rules cannot be called kept, and why: unseen is not clean."""
    for rule in _holding(facts, profile, today):
        if why := _verdict(rule, facts, certificates).unsettled:
            yield f"{profile.title} ({rule.clause}): {why}"


def _holding(
    facts: EndpointFacts, profile: Profile, today: datetime.date | None
) -> Iterator[AnyRule]:
    for rule in profile.rules if facts.speaks_tls else ():
        if rule.since is None or (today is not None and rule.since <= today):
            yield rule


def _verdict(rule: AnyRule, facts: EndpointFacts, certificates: Leaves) -> Verdict:
    """Hold a rule against what it is about."""
    if isinstance(rule, Elsewhere):
        return rule.judge()
    if isinstance(rule, Keys | Signatures | Lifetime):
        return rule.judge(certificates)
    return rule.judge(facts)
