"""Tell a password of letters alone from a word about passwords, where source code has a literal.

Three things speak for a password: the file holds settings, a user or a host is set beside it, or
the line does nothing but give it to a variable. What speaks against one is known by its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.secrets.names import own_name, words

if TYPE_CHECKING:
    from collections.abc import Iterable

_LETTERS: Final = 8
"""From this length on letters alone may be a password in source code; shorter ones are words."""
_NAMED: Final = regex(r"passw|passphrase|passcode|passkey|pwd|secret|token|credential")
"""What the name of a field, a method or a constant has."""
_WORDS: Final = (
    "able alphabet ance anonymous argon ary asterisk ate ated ation ator auth authenticat bcrypt"
    " binary blank box case cell censor change char clear column confirm config correct crypt"
    " current data database default disable distinct e ed edit element empty enable encod encrypt"
    " environment er error event expect expir field filter forgot forgotten form generat group hash"
    " hidden horizontal icon in incorrect ing inherit input interactive invalid ion is ity ive key"
    " keyboard label length lock login lower ly mask match matched max message method min mismatch"
    " missing mode must need not number obfuscat option optional or parameter personal placeholder"
    " plain policy property protect provid punctuation random redact regist remember requir"
    " required reset resource response s sanitiz script sensitiv set setting shadow short show"
    " simple size special state strength string strong symmetric text too transparent type un"
    " undefined unknown update upper url user valid valida value varchar vertical visible weak"
    " wrong".split()
)
_ABOUT: Final = regex("(?:(?>" + "|".join(sorted(_WORDS, key=len, reverse=True)) + "))++")
"""Of these words and endings schemas, validators, forms, icons, methods and messages are made."""
_TRANSLATED: Final = frozenset(
    "adgangskode adgangskoden contrasena contrasenha contrasenya contrasigno contrasinal cyfrinair"
    " fjalekalimi katalaluan katasandi kennwort kodeordet losenord losenordet lozinkata loyniord"
    " lykilord motdepasse palabraclave pasahitza pasfhocal passaord passord passordet passwort"
    " passwuert pasvorto salasana salasanasi slaptazodis wachtwoord wachtwurd zugangscode".split()
)
"""The word "password" as labels have it in Latin letters, from eight letters on."""
_LABELLED: Final = frozenset(
    "caption captions column columns error errors field fields form help hint hints icon icons"
    " label labels lang locale message messages msg msgs placeholder placeholders prompt prompts"
    " route routes rule rules schema text texts tooltip translation translations type types"
    " validation validations validator validators".split()
)
"""What an attribute belongs to that is no credential: `errors.password = "Required"`."""
_CONSTANTS: Final = _LABELLED | frozenset(
    "action arg argument attr attribute auth cmd command conf config element env event extra flag"
    " grant header id json key keyboard kind method mode name node opt option param parameter pref"
    " preference prop property query scope sql state status step tag url use view xml".split()
)
"""Words in front of `password` in the name of a constant that names a thing."""
_ASKED: Final = frozenset("choose current enter new old repeat reset retype set your".split())
"""Words in front of `password` that make it what a form asks for."""

_SET: Final = regex(
    r"(?i:pass(?:wo?r?d|phrase)?|pwd?|pswd?|clave|mdp)\w{0,16}[\"'\])]{0,3}"
    r"(?:[ \t]*(?:=>|:=|\|\||\?\?|[=:,(]|\bor\b)|[ \t])[^\"'`]{0,40}[\"'`][A-Za-z\d]{4,64}[\"'`]"
)
_ALONE: Final = regex(
    r"(?i:pass(?:wo?r?d|phrase)|pwd)(?!\w{0,8}[\"'\])])\w{0,8}(?:[ \t]*:[ \t]*[\w.&']{1,16})?"
    r"[ \t]*:?=[ \t]*(?:[\w.]{1,24}\()?[\"'`][A-Za-z]{8,64}[\"'`][ \t]*\)?[ \t]*[,;)]?"
    r"[ \t]*(?:[#/].*)?\Z"
)
"""A variable or an argument that is given a literal; in a map it may be a text or a rule."""
_BESIDE: Final = regex(
    r"(?i:user(?:_?name)?|login|host(?:_?name)?|server|addr(?:ess)?|database|db_?name|e?mail"
    r"|usuario|utilisateur|servidor|serveur|driver|dialect|adapter|namespace)[\"'\]]{0,2}[ \t]*"
    r"(?::[ \t]*(?i:str|string)[ \t]*)?(?:=>|:=|[:=,])[ \t]*[\w.]{0,24}\(?[\"'`]"
    r"(?!(?:[Uu]ser_?[Nn]ame|user|login|e?mail|host|hostname|server|name|text|string|str|required"
    r"|optional|input|varchar|any|account|address|profile|person|passw(?:or)?d|pass"
    r"|usuario|utilisateur|servidor|serveur)[\"'`])([a-z\d][\w.@\-/:+]*)[\"'`]"
    r"|[\"'`]jdbc:"
)
"""A user or a host that is set to a plain word; a label begins with a capital or has blanks."""
_AROUND: Final = 240
"""So much of a line beside is looked at."""


def is_chosen(value: str, keys: tuple[str, ...]) -> bool:
    """Say whether letters alone, set in source code for a password's name, may be a password."""
    folded = value.lower()
    return (
        len(value) >= _LETTERS
        and value.isascii()
        and value.isalpha()
        and not value.isupper()
        and folded not in _TRANSLATED
        and not _NAMED.search(folded)
        and not _ABOUT.fullmatch(folded)
        and not is_labelled(keys)
        and _ASKED.isdisjoint(words(own_name(keys))[:1])
    )


def is_labelled(keys: tuple[str, ...]) -> bool:
    """Say whether a key is an attribute of labels, messages or rules."""
    return not _LABELLED.isdisjoint(key.lower() for key in keys[:-1])


def names_a_thing(keys: tuple[str, ...]) -> bool:
    """Say whether a key is by its words a constant for a name: `EVENT_PASSWORD`."""
    return not _CONSTANTS.isdisjoint(words(own_name(keys)))


def sets_letters(row: str) -> bool:
    """Say whether a line of source code may set a password to a literal of letters."""
    return _SET.search(row) is not None


def stands_alone(row: str) -> bool:
    """Say whether a line does nothing but give letters to a variable named for a password."""
    return _ALONE.search(row) is not None


def are_settings(rows: Iterable[str]) -> bool:
    """Say whether a user or a host is set on one of these lines, as beside a password in use."""
    return any(_BESIDE.search(row[:_AROUND]) for row in rows)
