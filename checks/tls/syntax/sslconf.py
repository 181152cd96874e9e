"""What OpenSSL's SSL_CONF commands make of a server's own protocols.

nginx's ssl_conf_command, apache's SSLOpenSSLConfCmd and lighttpd's ssl.openssl.ssl-conf-cmd hand
them on as they are. Source: SSL_CONF_cmd(3), "SUPPORTED CONFIGURATION FILE COMMANDS".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls.config import Setting
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

VERSIONS: Final[Mapping[str, Version]] = MappingProxyType(
    {
        "sslv2": Version.SSL2,
        "sslv3": Version.SSL3,
        "tlsv1": Version.TLS10,
        "tlsv1.0": Version.TLS10,
        "tlsv1.1": Version.TLS11,
        "tlsv1.2": Version.TLS12,
        "tlsv1.3": Version.TLS13,
    }
)
"""Versions by the lower-case names in which servers and OpenSSL write them."""
MODERN: Final = (Version.TLS10, Version.TLS11, Version.TLS12, Version.TLS13)
"""What "all" stands for: OpenSSL has been built without SSL 3 since 1.1.0 unless asked to."""


class Command(NamedTuple):
    """One command. name: lower case; setting: where it stands, its value the command's own."""

    name: str
    setting: Setting


def commands(settings: Iterable[Setting]) -> list[Command]:
    """Read directives whose value is a command and its own value: "ssl_conf_command Groups X"."""
    split = ((one, *one.value.partition(" ")) for one in settings)
    return [
        Command(name.lower(), Setting(f"{one.name} {name}", value, one.path, one.line))
        for one, name, _, value in split
    ]


class Protocols:
    """The versions that are switched on, between a lowest and a highest one."""

    def __init__(
        self, on: Iterable[Version], lowest: Version | None = None, highest: Version | None = None
    ) -> None:
        """Begin with a server's own."""
        self._on = set(on)
        self._lowest = lowest
        self._highest = highest

    def apply(self, commands: Iterable[Command]) -> None:
        """Take commands one after the other; those about anything else count for nothing."""
        for name, setting in commands:
            if name == "protocol":
                self._switch(setting.value)
            elif name == "minprotocol":
                self._lowest = VERSIONS.get(setting.value.lower())
            elif name == "maxprotocol":
                self._highest = VERSIONS.get(setting.value.lower())

    def _switch(self, value: str) -> None:
        for word in value.lower().replace(" ", "").split(","):
            name = word.lstrip("+-")
            versions = MODERN if name == "all" else filter(None, [VERSIONS.get(name)])
            if word.startswith("-"):
                self._on.difference_update(versions)
            else:
                self._on.update(versions)

    def versions(self) -> tuple[Version, ...]:
        """Give what is on, oldest first."""
        low, high = self._lowest or Version.SSL2, self._highest or Version.TLS13
        return tuple(sorted(version for version in self._on if low <= version <= high))


def about_protocols(commands: Iterable[Command]) -> bool:
    """Say whether any of them changes the versions."""
    return any(command.name in {"protocol", "minprotocol", "maxprotocol"} for command in commands)


def last(commands: Sequence[Command], *names: str) -> Setting | None:
    """Give the last of the commands with these names, which is the one that counts."""
    return next((one.setting for one in reversed(commands) if one.name in names), None)
