"""Decide whether an entry is a credential: from its names, its value and where it stands."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.model import Confidence, Entry, Role, Severity
from checks.secrets import commands, hashes, headers, keyfaults, settings, values
from checks.secrets.names import Kind, kind, own_name, words
from checks.secrets.notsecret import why_not
from checks.secrets.rules import entropy
from checks.secrets.weak import is_weak

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.model import Access
    from checks.secrets.keyfaults import Fault

PASSWORD: Final = "embedded-password"  # noqa: S105 - the id of a check
SECRET: Final = "embedded-secret"  # noqa: S105 - the id of a check
WEAK: Final = "weak-password"
EMPTY: Final = "empty-password"

_MAX_LENGTH: Final = 4096
_IN_SECRET_PLAIN: Final = frozenset(
    "username user login host hostname port database dbname db name namespace url uri endpoint"
    " region bucket email type ca crt cert tls.crt ca.crt ca.pem server scheme protocol account"
    " project tenant subscription issuer audience scope scopes role domain path mode".split()
)
_DOCUMENT_ENDINGS: Final = regex(
    r"\.(?:md|rst|adoc|txt|html?|po|pot|\d|tex|texi|info|mdx|ipynb|t)$"
)
_DOCUMENTS: Final = regex(
    r"(?:^|(?<!home)/)(?:docs?|man|examples?|samples?|demos?|tests?|testing|testdata|fixtures?"
    r"|specs?|__tests__|mocks?|locales?|i18n|l10n|translations?|lang|test_[^/]+)/"
)
_LIBRARIES: Final = regex(
    r"(?:^|/)(?:node_modules|site-packages|dist-packages|vendor|third_party|include"
    r"|lib/python[\d.]+|share/(?:doc|man|locale|perl5?)|gems|pkg/mod|registry/src)/"
)
"""Where packages and other people's code lie, whichever folder of it is scanned."""
_DOCUMENT_NAMES: Final = regex(
    r"[._\-](?:example|sample|dist|orig|spec|test)(?:\.[^.]*)?$"
    r"|^(?:test_|readme|changelog|changes|news|copying)"
)


_CODE: Final = regex(r"^[A-Za-z_][\w.]*(?:\(|\[|->|::)|[;)\]}{]$|^[A-Z][A-Z0-9_]+$|^[a-z]:\d+$")
"""The beginning of a call or an index, the end of a statement, a constant's name."""


_VARIABLE: Final = regex(r"^\\?[$@%]\w+(?:->|::|[\[{.,;)]|$)|[$@%]\w+(?:->|[\[{])")
_MIXED: Final = 10
"""From this length on signs and both cases are chosen, with digits or without."""
_CHOSEN: Final = 10
_CLASSES: Final = 2
_SIGNS: Final = frozenset("!\"#$%&'()*+,;<=>?@[\\]^`{|}~")
_NO_KEY: Final = regex(r"[\"'`,;<>]|(?<!\Aenv)\(")
_KNOWN_PUBLIC: Final = regex(
    r"(?:^|\.)(?:fuzzy_check\..*encryption_key|rspamd_update\.key|unattend\.settings\.@pass"
    r"|encryptedData\..+)$"
)
"""Names that mean something public in one product: rspamd's key of a fuzzy storage, the pass of
Windows Setup that settings are for, what a SealedSecret holds."""


class Place(NamedTuple):
    """What surrounds an entry: is it a document or example, is it source code, was it guessed."""

    document: bool = False
    code: bool = False
    loose: bool = False
    """The text was read in line mode, so a key may not be one."""
    path: str = ""
    settings: bool = False
    """The path is one of configuration, so `name value` is a likely notation."""
    access: Access | None = None


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


def is_document(path: str, *, claimed: bool = False, root: str = "") -> bool:
    """Say whether a path belongs to documentation, tests, examples or other people's code.

    claimed: a format knows the file's name, so that its ending says nothing more (psk.txt); root:
    the scanned path it lies under: who scans a folder of tests wants to know about it.
    """
    folder, slash, name = path.lower().rpartition("/")
    folder += slash
    inner = folder[len(root) :] if path.startswith(root) else folder
    if _among_documents(inner, folder) or _DOCUMENT_NAMES.search(name):
        return True
    return not claimed and _DOCUMENT_ENDINGS.search(name) is not None


@lru_cache(maxsize=1024)
def _among_documents(inner: str, folder: str) -> bool:
    return (_DOCUMENTS.search(inner) or _LIBRARIES.search(folder)) is not None


_AUTH: Final = regex(r"(?:^|[._\-])(?:auth|basic)$", re.IGNORECASE)
_USER_PASSWORD: Final = regex(r"([A-Za-z][\w.@\-]{0,63}):([^\s/:][^\s]{3,})")


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
    entry = _authorized(entry)
    own = [*_judge_one(entry, place), *_hashed(entry, place, "")]
    yield from own
    if not own:
        guessed = place if settings.is_only_pairs(entry.value) else place._replace(loose=True)
        for part in values.inner(entry):
            yield from _judge_one(part, place if part.role is Role.SECRET else guessed)


OPENERS: Final = frozenset("{[(|>&")
"""What begins a nested value rather than being one."""


def is_plausible(keys: tuple[str, ...], value: str) -> bool:
    """Say whether a name and a value on one line may be a credential, whatever surrounds them."""
    value = values.written(value) or value
    named = kind(keys)
    if named is Kind.NONE:
        return "=" in value and any(
            kind((one.name,)) is not Kind.NONE and one.value and not why_not(one.value)
            for one in settings.pairs(value)
        )
    if value[:1] in OPENERS or why_not(value):
        return False
    if named is Kind.TOKEN:
        return _looks_made(value)
    return named is not Kind.VAGUE or _looks_random(value)


def has_sign_or_digit(value: str) -> bool:
    """Say whether a value has what a guessed password must have: a digit or a sign."""
    return not _SIGNS.isdisjoint(value) or any(c.isdigit() for c in value)


def _authorized(entry: Entry) -> Entry:
    """Take the password out of `auth: user:password`, also where that is in base64."""
    if not _AUTH.search(own_name(entry.keys)):
        return entry
    pair = _USER_PASSWORD.fullmatch(entry.value)
    user, password = (pair[1], pair[2]) if pair else headers.decoded_pair(entry.value)
    return entry._replace(value=password, subject=user, role=Role.SECRET) if password else entry


def _judge_one(entry: Entry, place: Place) -> Iterator[Candidate]:
    value = _bare(entry.value)
    named = Kind.PASSWORD if entry.role is Role.SECRET else _named(entry.keys, place.path)
    if named is Kind.NONE or not value or len(value) > _MAX_LENGTH or not _is_key(entry):
        return
    # A stray quote in front is what is left of a text whose end is elsewhere.
    plain = value[1:] if value[0] in "\"'" and len(value) > 1 else value
    if why_not(plain, strict=entry.role is Role.SECRET) or _echoes(entry.keys, value, named):
        return
    verdict = _weigh(value, named, entry, place)
    if verdict:
        yield Candidate(entry._replace(value=value), *verdict)


def _named(keys: tuple[str, ...], path: str) -> Kind:
    """Classify by the names, and by the file's: a community in the file of an SNMP program."""
    found = kind(keys)
    if found is Kind.VAGUE and "snmp" in path.rpartition("/")[2].lower():
        return kind(("snmp", own_name(keys)))
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
    # Compose writes a dollar sign as two.
    value = entry.value.replace("$$", "$") if "$$" in entry.value else entry.value
    bare = _HASH_ALONE.sub("", value)
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


def _echoes(keys: tuple[str, ...], value: str, named: Kind) -> bool:
    """Say whether the value only repeats its key ("Password: Password", `token: authtoken`)."""
    own, squashed = "".join(words(own_name(keys))), "".join(words(value))
    if not squashed.isalpha() or len(squashed) != len(re.sub(r"[^0-9A-Za-z]", "", value)):
        return False
    if squashed == own and (value[:1].isupper() or named is not Kind.PASSWORD or value != own):
        return True
    return kind((value,)) is not Kind.NONE and value.lower() not in {"password", "secret", "passwd"}


def _weigh(
    value: str, named: Kind, entry: Entry, place: Place
) -> tuple[str, Severity, Confidence] | None:
    if place.document:
        # What stands in documents, tests and other people's libraries is mostly an example.
        if named in {Kind.TOKEN, Kind.PASSWORD} and _looks_random(value):
            return SECRET, Severity.LOW, Confidence.LOW
        chosen = named is Kind.PASSWORD and _is_mixed(value) and not is_weak(value, entry.subject)
        return (PASSWORD, Severity.LOW, Confidence.LOW) if chosen else None
    if named in {Kind.PASSWORD, Kind.PASS}:
        return _password(value, named, entry, place)
    if named is Kind.TOKEN and _looks_made(value) and not is_weak(value):
        return SECRET, Severity.HIGH, Confidence.MEDIUM
    if named is Kind.VAGUE and _looks_random(value) and (entry.quoted or not place.loose):
        return SECRET, Severity.HIGH, Confidence.LOW
    return None


def _password(
    value: str, named: Kind, entry: Entry, place: Place
) -> tuple[str, Severity, Confidence] | None:
    certain = entry.role is Role.SECRET
    if place.path.endswith(".php") and _is_default(value, named, entry, place):
        return WEAK, Severity.LOW, Confidence.MEDIUM
    guessed = (place.loose or place.code) and not certain and not _is_setting(value, entry, place)
    if guessed and not _looks_chosen(value, named, quoted=entry.quoted, settings=place.settings):
        return None
    if named is Kind.PASS and not certain and value.isalpha() and not value.islower():
        return None
    if is_weak(value, place.path + " " + entry.subject):
        return None if guessed else (WEAK, Severity.LOW, Confidence.MEDIUM)
    return PASSWORD, Severity.HIGH, Confidence.MEDIUM if guessed else Confidence.HIGH


def _is_default(value: str, named: Kind, entry: Entry, place: Place) -> bool:
    """Know a default that an array of settings in PHP still has."""
    settings = place.settings and place.code and entry.quoted and named is Kind.PASSWORD
    return settings and value.isalnum() and value.islower() and is_weak(value)


_LETTERS: Final = 8
"""From this length on a password of letters is told from a word by the name it stands for."""


def _is_setting(value: str, entry: Entry, place: Place) -> bool:
    """Know a password of letters alone in settings written in PHP: `define("DB_PASSWORD", "x")`."""
    return (
        place.settings
        and place.path.endswith(".php")
        and entry.quoted
        and len(words(own_name(entry.keys))) > 1
        and len(value) >= _LETTERS
        and value.isalpha()
        and value.islower()
    )


def _looks_chosen(value: str, named: Kind, *, quoted: bool, settings: bool) -> bool:
    """Tell a password from a word of the text: letters with digits or with signs.

    Asked only where the key was guessed from a line; a bare word, a number or an expression stands
    behind `password` there more often than a password.
    """
    if not any(c.isalpha() for c in value) or not _has_one_word(value, quoted=quoted):
        return False
    if value.startswith(("0x", "0X", "(", "[", "{", "<", "&", "-")) or _CODE.search(value):
        return False
    if _VARIABLE.search(value):
        return False
    digits = any(c.isdigit() for c in value)
    signs = not _SIGNS.isdisjoint(value)
    if named is Kind.PASS and not settings:
        mixed = len(value) >= _MIXED and value.lower() != value != value.upper()
        return quoted and signs and (digits or mixed)
    return digits or signs


def _has_one_word(value: str, *, quoted: bool) -> bool:
    """Refuse text with blanks unless it is quoted and no label ("Password 1")."""
    parts = value.split()
    return len(parts) < 2 or (
        quoted and any(any(c.isdigit() for c in p) and any(c.isalpha() for c in p) for p in parts)
    )


def _is_mixed(value: str) -> bool:
    """Letters of both cases or with signs, and digits: what an example seldom has."""
    plain = len(value) >= _CHOSEN and not any(c.isspace() for c in value)
    return plain and any(c.isdigit() for c in value) and _classes(value) > _CLASSES


def _classes(value: str) -> int:
    return sum(
        1
        for found in (
            any(c.islower() for c in value),
            any(c.isupper() for c in value),
            any(c.isdigit() for c in value),
            any(not c.isalnum() for c in value),
        )
        if found
    )


def _looks_made(value: str) -> bool:
    """Recognise a token: long enough, and not a word, a slug or a sentence."""
    if len(value) < 8 or (any(c.isspace() for c in value) and not _is_salt(value)):
        return False
    return any(c.isdigit() for c in value) and entropy(value) > 2.5 and _classes(value) > 1


def _is_salt(value: str) -> bool:
    """Know the keys of WordPress: of all printable characters one is a blank now and then."""
    blanks = sum(c.isspace() for c in value)
    return (
        blanks * _SALT_WORD <= len(value) and _classes(value) == 4 and not _SIGNS.isdisjoint(value)
    )


_SALT_WORD: Final = 20
"""Between two blanks stands more than the longest word of a sentence."""
_HEX: Final = regex(r"(?:0x)?[0-9a-fA-F]+")
"""Short hexadecimal is the name of a key, a commit or a colour rather than a key."""


def _looks_random(value: str) -> bool:
    """Letters and digits mixed as no word is, and bits enough for its length."""
    if len(value) < 12 or any(c.isspace() for c in value):
        return False
    digits = sum(c.isdigit() for c in value)
    if digits < 2 or digits == len(value) or (len(value) < 32 and _HEX.fullmatch(value)):
        return False
    return entropy(value) > min(3.2, 0.75 * _ideal(len(value)))


def _ideal(length: int) -> float:
    return float((length - 1).bit_length())


def _encoded(entry: Entry, place: Place) -> Iterator[Candidate]:
    """Open a value of a secret container: a credential unless its name says otherwise."""
    compact = "".join(entry.value.split())
    try:
        text = base64.b64decode(compact, validate=True).decode()
    except (binascii.Error, ValueError):
        return
    own = own_name(entry.keys).lower()
    if own == "auth" and ":" in text:
        user, _, password = text.partition(":")
        yield from _judge_one(entry._replace(value=password, role=Role.SECRET, subject=user), place)
        return
    role = Role.NAMED if own in _IN_SECRET_PLAIN or "\n" in text.strip() else Role.SECRET
    yield from judge(entry._replace(value=text.strip(), role=role), place)
