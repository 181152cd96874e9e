"""What mends a fault of a TLS set-up, before any server's words are found for it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence  # noqa: TC003 - the aliases below name them
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from checks.lazy import regex
from checks.tls import suites
from checks.tls.numbers import GROUPS, POST_QUANTUM, Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checks.tls.config import Setting


class Kind(enum.Enum):
    """What is to be set."""

    PROTOCOLS = "protocols"
    CIPHERS = "cipher suites"
    GROUPS = "groups"
    SERVER_ORDER = "the server's order of suites"
    CLIENT_ORDER = "the client's order of suites"
    COMPRESSION = "compression"
    RENEGOTIATION = "renegotiation that a client begins"
    BOUND_RENEGOTIATION = "renegotiation without RFC 5746"
    EARLY_DATA = "early data"
    CHAIN = "the certificate's chain"
    STAPLE = "OCSP stapling"
    HSTS = "Strict-Transport-Security"
    REDIRECT = "the way from plain HTTP"
    SETTING = "a setting by its name"
    KEY_MODE = "the mode of a key's file"
    RELOAD = "a reload"


MODERN: Final = (Version.TLS12, Version.TLS13)
CIPHERS: Final = (0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8)
"""ECDHE with AES-GCM or ChaCha20-Poly1305 (RFC 9325 4.2), for keys of either kind."""
SUITES13: Final = (0x1301, 0x1302, 0x1303)
"""What libraries offer in TLS 1.3 by themselves."""
CURVES: Final = (29, 23, 24)
HYBRID: Final = 0x11EC
TWO_YEARS: Final = 63_072_000
_PLAIN_PATH: Final = regex(r"/[A-Za-z0-9_./@+\-]{1,250}")
_OPENSSL_GROUPS: Final = {23: "prime256v1", 29: "X25519", 30: "X448"}


class Remedy(NamedTuple):
    """What to set to what; of a kind without values all are empty.

    versions: those to switch on, without a gap; suites: by code, those of TLS 1.3 where they have
    to be named; groups: by number; seconds, subdomains: of HSTS; name, value: of a setting; value:
    of a mode.
    """

    kind: Kind
    versions: tuple[Version, ...] = ()
    suites: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    seconds: int = 0
    subdomains: bool = False
    name: str = ""
    value: str = ""

    @property
    def ciphers(self) -> list[str]:
        """The suites below TLS 1.3, by OpenSSL's names."""
        found = (suites.of(code) for code in self.suites)
        return [one.openssl for one in found if one.openssl and not one.is_tls13]

    @property
    def suites13(self) -> list[str]:
        """The suites of TLS 1.3, which have the same names everywhere."""
        return [one.name for code in self.suites if (one := suites.of(code)).is_tls13]

    @property
    def group_names(self) -> list[str]:
        """The groups, by the names that every OpenSSL has for them."""
        return [_OPENSSL_GROUPS.get(number) or GROUPS[number] for number in self.groups]

    @property
    def version_names(self) -> list[str]:
        """The versions as most servers write them: "TLSv1.2"."""
        return [version.label.replace(" ", "v") for version in self.versions]

    @property
    def needs_new_library(self) -> bool:
        """It names a group that OpenSSL has from 3.5 on only."""
        return not POST_QUANTUM.isdisjoint(self.groups)

    @property
    def hsts(self) -> str:
        """The value of the header."""
        return f"max-age={self.seconds}" + ("; includeSubDomains" if self.subdomains else "")


Known: TypeAlias = "Sequence[Setting]"
"""The settings of the site that is to be mended, as far as they are known."""


class Spelling(NamedTuple):
    """How a server is told what a remedy wants.

    lines: "" where no line does it; replaces: beginnings of the settings in whose place they stand,
    lower case; where: the part of the configuration that they belong in; hint: what else to do;
    overruled: beginnings of settings that count before the lines and have to go; unless_in: the
    name of a file in which those of `replaces` count before them.
    """

    lines: Callable[[Remedy, Known], str]
    replaces: tuple[str, ...] = ()
    where: str = ""
    hint: str = ""
    overruled: tuple[str, ...] = ()
    unless_in: str = ""


def always(lines: str) -> Callable[[Remedy, Known], str]:
    """Give lines that do not depend on values."""
    return lambda _remedy, _known: lines


def newest(remedy: Remedy, line: str, what: str = "OpenSSL 3.5") -> str:
    """Put a warning above a line that an older library refuses, and the server with it."""
    return f"# needs {what} or newer\n{line}" if remedy.needs_new_library else line


def file_of(known: Known, names: Iterable[str], default: str) -> str:
    """Give the file that one of some settings names, where nothing in it could be read as more."""
    found = (one.value.lstrip("<") for one in known if one.name.lower() in names)
    return next(filter(is_plain_path, found), default)


def joined(file: str, *, first: str = "", last: str = "") -> str:
    """Give the command that puts a chain together; the file stays as it is where a part is missing.

    first, last: the private key's file, where the server wants it with the chain.
    """
    parts = " ".join(filter(None, (first, "certificate.pem intermediate.pem", last)))
    private = "umask 077; " if first or last else ""
    return f"{private}cat {parts} > {file}.new && mv {file}.new {file}"


def is_plain_path(path: str) -> bool:
    """Say whether a path can stand in a line of any configuration and of a shell as it is."""
    return _PLAIN_PATH.fullmatch(path) is not None


def stands_in(setting: Setting, beginnings: Iterable[str]) -> bool:
    """Say whether a setting begins with one of some names, each of one word or more."""
    said = f"{setting.name} {setting.value}".lower().split()
    return any(said[: len(words)] == words for words in map(str.split, beginnings))
