"""Describe what a command does with its arguments, as far as credentials are concerned."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Take(enum.Enum):
    """How the argument of an option is read."""

    SECRET = enum.auto()
    GLUED = enum.auto()
    """The secret follows in the same word; alone, the option asks for it."""
    HASH = enum.auto()
    SKIP = enum.auto()
    """An argument of no interest."""
    FLAG = enum.auto()
    """No argument."""
    USER = enum.auto()
    COLON = enum.auto()
    """user:secret"""
    PERCENT = enum.auto()
    """user%secret"""
    COMMA = enum.auto()
    """user,secret"""
    SOURCE = enum.auto()
    """pass:secret, as in openssl-passphrase-options(1)."""
    SETTING = enum.auto()
    """NAME=value"""
    SETTINGS = enum.auto()
    """NAME=value,NAME=value"""
    DIALOG = enum.auto()
    """A script of expect(1)."""
    LITERAL = enum.auto()
    """NAME=value of a secret container."""


class Stdin(NamedTuple):
    """What a command reads when `flag` is among its arguments: secrets, or user:secret pairs."""

    flag: str = ""
    pairs: bool = False
    script: bool = False
    """It reads command lines."""
    dialog: bool = False
    """It reads a script of expect(1)."""
    answers: bool = False
    """It reads answers to the questions of debconf."""


class Grammar(NamedTuple):
    """The arguments of one command.

    places: positional arguments in words; a leading "-xy" asks for these short options, lower-case
    words are themselves ("word*" stands for any word with it), USER, SECRET, KEY, VALUE and _ are
    placeholders, PAIR is user/secret@place;
    cluster: short options may stand together (`-su`); apart: an option and its argument are two
    words; wraps: another command may follow; script: its arguments are command lines; settings:
    words of the form NAME=value are environment settings; patterns: arguments are expressions.
    """

    options: Mapping[str, Take] = MappingProxyType({})
    places: tuple[tuple[str, ...], ...] = ()
    stdin: tuple[Stdin, ...] = ()
    cluster: bool = False
    apart: bool = False
    wraps: bool = False
    script: bool = False
    settings: bool = False
    patterns: bool = False


def grammar(
    options: str = "",
    *places: str,
    stdin: tuple[Stdin, ...] = (),
    traits: str = "",
) -> Grammar:
    """Build a grammar from "-p=SECRET -u=USER" and places in words; traits name its flags."""
    pairs = (pair.rpartition("=") for pair in options.split())
    given = frozenset(traits.split())
    return Grammar(
        MappingProxyType({option: Take[take] for option, _, take in pairs}),
        tuple(tuple(place.split()) for place in places),
        stdin,
        cluster="cluster" in given,
        apart="apart" in given,
        wraps="wraps" in given,
        script="script" in given,
        settings="settings" in given,
        patterns="patterns" in given,
    )


def is_place(name: str, text: str) -> bool:
    """Say whether an argument may stand where a grammar has NAME.

    "_" and words in capitals take anything, "*part*" what holds it, any other word itself.
    """
    if name == "_" or name.isupper():
        return True
    if name.endswith("*"):
        return name.strip("*") in text
    return name == text.lower()
