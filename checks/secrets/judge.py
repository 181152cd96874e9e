"""Decide whether an entry is a credential: from its names, its value and where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.formats.conventions import is_plain_member
from checks.lazy import regex
from checks.model import Confidence, Entry, Role, Severity
from checks.secrets import (
    ciphered,
    commands,
    hashes,
    headers,
    keyfaults,
    settings,
    shapes,
    values,
    worded,
    wording,
)
from checks.secrets.echoes import repeats_name
from checks.secrets.names import Kind, is_owned, kind, own_name, words
from checks.secrets.notsecret import why_not
from checks.secrets.weak import is_common, is_left, is_weak

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.secrets.keyfaults import Fault
    from checks.secrets.places import Place

PASSWORD: Final = "embedded-password"  # noqa: S105 - the id of a check
SECRET: Final = "embedded-secret"  # noqa: S105 - the id of a check
WEAK: Final = "weak-password"
EMPTY: Final = "empty-password"

_MAX_LENGTH: Final = 4096
_NO_KEY: Final = regex(r"[\"'`,;<>]|(?<!\Aenv)\(")
_KNOWN_PUBLIC: Final = regex(
    r"(?:^|\.)(?:fuzzy_check\..*encryption_key|rspamd_update\.key|unattend\.settings\.@pass"
    r"|encryptedData\..+)$"
)
"""Names that mean something public in one product: rspamd's key of a fuzzy storage, the pass of
Windows Setup that settings are for, what a SealedSecret holds."""


class Candidate(NamedTuple):
    """An entry judged to be a credential."""

    entry: Entry
    check: str
    severity: Severity
    confidence: Confidence
    fault: Fault | None = None

    def __repr__(self) -> str:
        """Leave the value out."""
        return f"<Candidate {self.check} {self.entry!r}>"


_AUTH: Final = regex(r"(?:^|[._\-])(?:auth|basic)$", re.IGNORECASE)
_AUTHORIZING: Final = ("auth", "basic")
_USER_PASSWORD: Final = regex(r"([A-Za-z][\w.@\-]{0,63}):([^\s/:][^\s]{3,})")


_HASHED: Final = {"lm_hash": "lm", "nt_hash": "ntlm", "password_hash": "rabbitmq"}
"""Names that say whose hash stands there, as the hints of `hashes.classify`."""


def judge(entry: Entry, place: Place) -> Iterator[Candidate]:
    """Give the credentials in an entry: itself, or what its value contains."""
    if entry.role is Role.COMMAND:
        for argument in commands.credentials(entry.value, entry.line):
            yield from judge(argument._replace(keys=(*entry.keys, *argument.keys)), place)
        return
    if entry.role is Role.ENCODED:
        yield from _encoded(entry, place)
        return
    if entry.role is Role.HASH:
        yield from _hashed(entry, place, "crypt")
        return
    if inside := [found for one in values.documents(entry) for found in judge(one, place)]:
        yield from inside
        return
    own = own_name(entry.keys)
    entry = _authorized(entry, own)
    hint = _HASHED.get(own, "") if entry.value else ""
    found = [*_judge_one(entry, place), *_hashed(entry, place, hint)]
    yield from found or _inside(entry, place)


def _inside(entry: Entry, place: Place) -> Iterator[Candidate]:
    guessed: Place | None = None
    for part in values.inner(entry):  # of most values nothing
        if guessed is None:
            guessed = _within(entry, place)
        yield from _judge_one(part, place if part.role is Role.SECRET else guessed)


def _within(entry: Entry, place: Place) -> Place:
    """Say where the parts of a value stand: a literal that is a connection string is settings."""
    if not settings.is_only_pairs(entry.value):
        return place._replace(loose=True)
    connects = entry.quoted and ";" in entry.value and settings.user(entry.value)
    return place._replace(code=False, loose=False) if connects else place


OPENERS: Final = frozenset("{[(|>&")
"""What begins a nested value rather than being one."""


def is_plausible(keys: tuple[str, ...], value: str) -> bool:
    """Say whether a name and a value on one line may be a credential, whatever surrounds them."""
    value = values.written(value) or value
    if hint := _HASHED.get(own_name(keys)):
        return hashes.classify(value, hint) is not None
    named = kind(keys)
    if named is Kind.NONE:
        return "=" in value and any(
            kind((one.name,)) is not Kind.NONE and one.value and not why_not(one.value)
            for one in settings.pairs(value)
        )
    if named >= Kind.PASS and worded.is_spelled(value, keys):
        return True
    if "${" in value and any(is_plausible((name,), text) for name, text in values.defaults(value)):
        return True
    if named is Kind.PASSWORD and value[:1] == "{" and hashes.classify(value):
        return True
    if value[:1] in OPENERS or why_not(value):
        return named < Kind.PASS and is_left(value)
    if named is Kind.TOKEN:
        return shapes.looks_made(value) or shapes.is_letters(value) or _is_left(value, keys)
    return named is not Kind.VAGUE or shapes.looks_random(value)


def _authorized(entry: Entry, own: str) -> Entry:
    """Take the password out of `auth: user:password`, also where that is in base64."""
    if not own.lower().endswith(_AUTHORIZING) or not _AUTH.search(own):
        return entry
    pair = _USER_PASSWORD.fullmatch(entry.value)
    user, password = (pair[1], pair[2]) if pair else headers.decoded_pair(entry.value)
    return entry._replace(value=password, subject=user, role=Role.SECRET) if password else entry


def _judge_one(entry: Entry, place: Place) -> Iterator[Candidate]:
    named = Kind.PASSWORD if entry.role is Role.SECRET else _named(entry.keys, place)
    if named is Kind.NONE:
        return
    value = _bare(entry.value)
    if not value or len(value) > _MAX_LENGTH or not _is_key(entry):
        return
    apart = place.code or place.loose or place.document
    told = worded.is_spelled(value, entry.keys) if named >= Kind.PASS else is_left(value)
    if told and (not apart or (named < Kind.PASS and _is_setting(entry, place))):
        yield Candidate(entry._replace(value=value), WEAK, Severity.LOW, Confidence.MEDIUM)
        return
    # A stray quote in front is what is left of a text whose end is elsewhere.
    plain = value[1:] if value[0] in "\"'" and len(value) > 1 else value
    if why_not(plain, strict=entry.role is Role.SECRET) or repeats_name(entry.keys, value, named):
        return
    if ciphered.is_by_jenkins(entry.keys, value):
        return
    verdict = _weigh(value, named, entry, place)
    if verdict:
        yield Candidate(entry._replace(value=value), *verdict)


def _is_setting(entry: Entry, place: Place) -> bool:
    """Say whether source code sets it as settings are."""
    return place.code and place.settings and entry.quoted and not place.document


def _named(keys: tuple[str, ...], place: Place) -> Kind:
    """Classify by the names, and by the file's: a community in the file of an SNMP program."""
    found = kind(keys)
    if found is Kind.VAGUE and "snmp" in place.name:
        return kind(("snmp", own_name(keys)))
    if found is Kind.NONE and len(keys) == 1 and keys[0] != "apiVersion" and place.of_secrets:
        return Kind.VAGUE
    return found


_HASH_ALONE: Final = regex(r"^[\w.@\-]{1,64}:(?=[${])")
"""The user in front of a hash, as htpasswd and lists of users have it."""


def _hashed(entry: Entry, place: Place, hint: str) -> Iterator[Candidate]:
    """Judge a password hash: its scheme, and who can read it."""
    if place.document or (not hint and "$" not in entry.value and entry.value[:1] not in "{*"):
        return
    if hint and not entry.value:
        yield Candidate(entry, EMPTY, Severity.HIGH, Confidence.HIGH)
        return
    bare = _HASH_ALONE.sub("", entry.value)
    if bare.startswith("$$"):  # Compose writes a dollar sign as two
        bare = bare.replace("$$", "$")
    # Where the format says that a hash stands, bare hexadecimal is one digest of the password.
    facts = hashes.classify(bare, hint) or (hashes.classify(bare, "digest") if hint else None)
    if facts is None:
        return
    for fault in keyfaults.judge_hash(facts, place.access):
        yield Candidate(entry, fault.check, fault.severity, fault.confidence, fault)


def _is_key(entry: Entry) -> bool:
    """Refuse keys that are no names: pieces of a sentence or of a list."""
    own = own_name(entry.keys)
    if entry.role is Role.SECRET:
        return True
    return not _NO_KEY.search(own) and not _KNOWN_PUBLIC.search(".".join(entry.keys))


def _bare(value: str) -> str:
    """Take off blanks and one pair of quotes that a notation left on."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].strip()
    return value


def _weigh(
    value: str, named: Kind, entry: Entry, place: Place
) -> tuple[str, Severity, Confidence] | None:
    if place.document:
        # What stands in documents, tests and other people's libraries is mostly an example.
        if named in {Kind.TOKEN, Kind.PASSWORD} and shapes.looks_random(value):
            return SECRET, Severity.LOW, Confidence.LOW
        chosen = (
            named is Kind.PASSWORD and shapes.is_mixed(value) and not is_weak(value, entry.subject)
        )
        return (PASSWORD, Severity.LOW, Confidence.LOW) if chosen else None
    if named in {Kind.PASSWORD, Kind.PASS}:
        return _password(value, named, entry, place)
    apart = place.code or place.loose
    settled = not apart or _is_setting(entry, place)
    made = shapes.looks_made(value) or (not apart and shapes.is_letters(value))
    if named is Kind.TOKEN and made and not is_weak(value):
        return SECRET, Severity.HIGH, Confidence.MEDIUM
    if named is Kind.TOKEN and settled and _is_left(value, entry.keys):
        return WEAK, Severity.LOW, Confidence.MEDIUM
    if named is Kind.VAGUE:
        return _vague(value, entry, place)
    return None


def _vague(value: str, entry: Entry, place: Place) -> tuple[str, Severity, Confidence] | None:
    if shapes.looks_random(value) and (entry.quoted or not place.loose):
        return SECRET, Severity.HIGH, Confidence.LOW
    if shapes.is_mixed(value) and place.of_secrets:
        return PASSWORD, Severity.HIGH, Confidence.LOW
    digits = value.isdigit() and is_common(value)
    if digits and not (place.code or place.loose) and own_name(entry.keys).lower() in _SECRET_WORDS:
        return WEAK, Severity.LOW, Confidence.MEDIUM
    return None


_SECRET_WORDS: Final = frozenset({"secret", "token"})
"""Under these a number that everybody tries first is a choice."""


def _is_left(value: str, keys: tuple[str, ...]) -> bool:
    """Know a default left where a secret is to be made up: `jwt_secret: secret`."""
    return is_common(value) and "secret" in words(own_name(keys))


_KNOWN: Final = 8
"""From this length on a weak password with a digit is told of source code, beside its user."""


def _password(
    value: str, named: Kind, entry: Entry, place: Place
) -> tuple[str, Severity, Confidence] | None:
    certain = entry.role is Role.SECRET
    guessed = (place.loose or place.code) and not certain
    literal = guessed and _is_setting(entry, place)
    if literal and _is_default(value, named, entry.keys, beside=place.beside):
        return WEAK, Severity.LOW, Confidence.MEDIUM
    setting = literal and wording.is_chosen(value, entry.keys)
    if (guessed and not setting) and not shapes.looks_chosen(
        value, named, quoted=entry.quoted, settings=place.settings
    ):
        alone = place.alone and _is_variable(value, named, entry.keys, place.path)
        return (PASSWORD, Severity.MEDIUM, Confidence.LOW) if alone else None
    word = value.isalpha() and not value.islower()
    if named is Kind.PASS and word and not certain and not place.beside:
        return None
    if is_weak(value, place.path + " " + entry.subject):
        beside = literal and place.beside and shapes.has_sign_or_digit(value)
        known = not guessed or (beside and len(value) >= _KNOWN)
        return (WEAK, Severity.LOW, Confidence.MEDIUM) if known else None
    return PASSWORD, Severity.HIGH, Confidence.MEDIUM if guessed else Confidence.HIGH


def _is_variable(value: str, named: Kind, keys: tuple[str, ...], path: str) -> bool:
    """Know a password of letters that source code gives to a variable, without settings around."""
    return (
        named is Kind.PASSWORD
        and wording.is_chosen(value, keys)
        and not wording.names_a_thing(keys)
        and not is_weak(value, path)
    )


def _is_default(value: str, named: Kind, keys: tuple[str, ...], *, beside: bool) -> bool:
    """Know a well-known password that settings in source code still have.

    The word itself is one only where its account is known.
    """
    return (
        (named is Kind.PASSWORD or beside)
        and is_common(value)
        and (beside or is_owned(own_name(keys)) or kind((value,)) < Kind.PASS)
        and not wording.is_labelled(keys)
    )


def _encoded(entry: Entry, place: Place) -> Iterator[Candidate]:
    """Open a value of a secret container: a credential unless its name says otherwise."""
    text = ciphered.decoded(entry.value)
    if not text:  # some write it as it is
        yield from _judge_one(entry._replace(role=Role.NAMED), place._replace(loose=True))
        return
    own = own_name(entry.keys).lower()
    if own == "auth" and ":" in text:
        user, _, password = text.partition(":")
        yield from _judge_one(entry._replace(value=password, role=Role.SECRET, subject=user), place)
        return
    plain = is_plain_member(own_name(entry.keys)) or text.strip().lower() in {"true", "false"}
    role = Role.NAMED if plain or "\n" in text.strip() else Role.SECRET
    yield from judge(entry._replace(value=text.strip(), role=role), place)
