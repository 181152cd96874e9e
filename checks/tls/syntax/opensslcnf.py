"""Read openssl.cnf: what the system's section of TLS defaults sets, through sections and includes.

config(5): `name = value` in `[ sections ]`, `.include`, $variables; in the default section
openssl_conf names a section, whose ssl_conf names one, whose system_default names the settings.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.formats.textlines import continued, numbered
from checks.lazy import regex
from checks.tls.config import Setting

if TYPE_CHECKING:
    from checks.tls.syntax.reading import Reading

_SECTION: Final = regex(r"\s*+\[\s*+([^\]]*[^\]\s])\s*+\]\s*+\Z")
_INCLUDE: Final = regex(r"\s*+\.include(?:\s*+=\s*+|\s++)(\S.*)\Z")
_PRAGMA: Final = regex(r"\s*+\.pragma(?:\s*+=\s*+|\s++)includedir\s*+:\s*+(\S++)")
_COMMENT: Final = regex(
    r"(?:(?>[^\\#\"'`]++|\\.|\"[^\"]*+\"|'[^']*+'|`[^`]*+`|[\"'`]))*+", re.DOTALL
)
_QUOTE: Final = regex(r"\"([^\"]*+)\"|'([^']*+)'|`([^`]*+)`|\\(.)", re.DOTALL)
_VARIABLE: Final = regex(
    r"\$(?:\{(?:(\w++)::)?(\w++)\}|\((?:(\w++)::)?(\w++)\)|(?:(\w++)::)?(\w++))"
)
_DEFAULT: Final = "default"
_MOST_VALUE: Final = 64 * 1024
_MOST_DEPTH: Final = 8


class Defaults(NamedTuple):
    """The TLS defaults of a system; None for what is not set. options, others: not kept."""

    ciphers: Setting | None = None
    suites: Setting | None = None
    minimum: Setting | None = None
    maximum: Setting | None = None
    groups: Setting | None = None


def defaults(reading: Reading, path: str) -> Defaults:
    """Read a file with its includes; one that is not there sets nothing and is a gap."""
    sections = _Sections(reading)
    sections.read(path, ())
    found = sections.system_default()
    return Defaults(
        ciphers=found.get("cipherstring"),
        suites=found.get("ciphersuites"),
        minimum=found.get("minprotocol"),
        maximum=found.get("maxprotocol"),
        groups=found.get("groups") or found.get("curves"),
    )


class _Sections:
    """The settings of each section, in the order in which they stand."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._section = _DEFAULT
        self._home = ""
        self._settings: dict[str, dict[str, Setting]] = {}

    def read(self, path: str, above: tuple[str, ...]) -> None:
        """Take in a file and what it includes; an included file goes on in the same section."""
        for line in continued(numbered(self._reading.text(path, above) or ""), glue=""):
            text = _uncommented(line.text)
            if section := _SECTION.match(text):
                self._section = section[1]
            elif included := _INCLUDE.match(text):
                self._include(included[1].strip(), (*above, path))
            elif home := _PRAGMA.match(text):
                self._home = home[1]
            elif "=" in text:
                name, _, value = map(str.strip, text.partition("="))
                self._take(name, Setting(name, value, path, line.number))

    def _take(self, name: str, setting: Setting) -> None:
        section, separator, rest = name.partition("::")
        where = section if separator else self._section
        self._settings.setdefault(where, {})[rest if separator else name] = setting

    def _include(self, name: str, above: tuple[str, ...]) -> None:
        """Read a file, or the *.cnf and *.conf of a folder; relative to `.pragma includedir`."""
        path = posixpath.join(self._home or posixpath.dirname(above[0]), name)
        inside = [
            file for end in ("cnf", "conf") for file in self._reading.tree.glob(f"{path}/*.{end}")
        ]
        for file in sorted(inside) or [path]:
            self.read(file, above)

    def _value(self, section: str, name: str, left: list[int], depth: int = 0) -> str:
        """Give a value with its variables replaced; of the default section where it is not here."""
        here = self._settings.get(section, {})
        setting = here.get(name) or self._settings.get(_DEFAULT, {}).get(name)
        if setting is None or depth > _MOST_DEPTH or left[0] < 0:
            return ""
        left[0] -= len(setting.value) + 1

        def replaced(found: re.Match[str]) -> str:
            groups = found.groups()
            where = groups[0] or groups[2] or groups[4] or section
            what = groups[1] or groups[3] or groups[5]
            return "" if where == "ENV" else self._value(where, what, left, depth + 1)

        return _unquoted(_VARIABLE.sub(replaced, setting.value))

    def system_default(self) -> dict[str, Setting]:
        """Follow the names of sections to the settings of TLS, by lower-case command."""
        section = _DEFAULT
        for name in ("openssl_conf", "ssl_conf", "system_default"):
            if name not in self._settings.get(section, {}):
                return {}
            section = self._value(section, name, [_MOST_VALUE])
        found: dict[str, Setting] = {}
        for name, setting in self._settings.get(section, {}).items():
            # "1.Options" and "TLS.MinProtocol": what stands before the last dot tells names apart.
            command = name.rpartition(".")[2].lower()
            value = self._value(section, name, [_MOST_VALUE]) if command in _COMMANDS else ""
            if value and not value.upper().startswith("DTLS"):
                found[command] = Setting(command, value, setting.path, setting.line)
        return found


_COMMANDS: Final = (
    "cipherstring",
    "ciphersuites",
    "curves",
    "groups",
    "maxprotocol",
    "minprotocol",
)


def _uncommented(text: str) -> str:
    found = _COMMENT.match(text)
    return found[0].rstrip() if found else text


def _unquoted(text: str) -> str:
    return _QUOTE.sub(lambda one: next(filter(None, one.groups()), ""), text).strip()
