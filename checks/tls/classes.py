"""The classes of suites that one hello each asks for, and the order in which suites are offered."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from checks.tls import suites

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.tls.numbers import Version
    from checks.tls.suites import Suite

CLASSES: Final[dict[str, Callable[[Suite], bool]]] = {
    "null": lambda s: s.bits == 0,
    "anonymous": lambda s: s.is_anonymous and s.bits > 0,
    "export": lambda s: s.is_export,
    "rc4": lambda s: s.cipher.startswith("RC4") and not s.is_export and not s.is_anonymous,
    "small blocks": lambda s: s.has_small_blocks and not s.is_export and not s.is_anonymous,
    "static key": lambda s: not s.has_forward_secrecy and s.bits > 0 and not s.is_export,
    "dhe": lambda s: s.exchange == "DHE" and is_sound(s),
    "cbc": lambda s: s.is_cbc and is_sound(s),
    "aead": lambda s: s.exchange == "ECDHE" and s.is_aead,
}
"""The classes of suites before TLS 1.3 that are asked for by one hello each."""
SOUND: Final = "aead"
"""The class that no check finds fault with."""
BROKEN: Final = ("null", "anonymous", "export", "rc4", "small blocks")


def is_sound(suite: Suite) -> bool:
    """Say whether a suite is none of the broken ones."""
    return (
        suite.bits >= 128
        and not suite.has_small_blocks
        and not suite.is_anonymous
        and not suite.cipher.startswith("RC4")
    )


@cache
def codes(version: Version) -> tuple[int, ...]:
    """Give every suite of a version that needs no secret shared before."""
    return _members(version, lambda suite: "PSK" not in suite.name and "SRP" not in suite.name)


@cache
def sharing(version: Version) -> tuple[int, ...]:
    """Give every suite of a version that rests on a secret shared before (RFC 4279)."""
    return _members(version, lambda suite: "PSK" in suite.name)


@cache
def members(version: Version, name: str) -> tuple[int, ...]:
    """Give the suites of a version that are in a class."""
    return _members(version, CLASSES[name])


@cache
def agreeing_by_curves(version: Version) -> tuple[int, ...]:
    """Give the suites of a version in which keys are agreed by elliptic curves."""
    return _members(version, lambda s: s.exchange == "ECDHE" or s.name.startswith("TLS_ECDH_anon"))


def _members(version: Version, wanted: Callable[[Suite], bool]) -> tuple[int, ...]:
    """Give the suites of a version that are WANTED, in the order in which they are offered."""
    found = [suite for suite in suites.known().values() if suite.fits(version) and wanted(suite)]
    return tuple(suite.code for suite in sorted(found, key=_likely_last))


def _likely_last(suite: Suite) -> tuple[bool, bool, int]:
    """Sort what servers have everything for to the front: a certificate, and no DH parameters."""
    return suite.exchange != "ECDHE", not suite.is_aead, suite.code


def needs_parameters(suite: Suite) -> bool:
    """Say whether a server must have DH parameters for a suite."""
    return suite.exchange in {"DHE", "DH"}


@cache
def authenticated(version: Version, kind: str) -> tuple[int, ...]:
    """Give the sound suites in which a server proves itself by a key of a kind."""
    return _members(version, lambda s: s.authentication == kind and is_sound(s))
