"""Name the server software behind an endpoint, in the words of `checks/tls/servers`."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROGRAMS: Final = {
    "apache2": "apache",
    "caddy": "caddy",
    "dovecot": "dovecot",
    "haproxy": "haproxy",
    "httpd": "apache",
    "imap-login": "dovecot",
    "lighttpd": "lighttpd",
    "nginx": "nginx",
    "openresty": "nginx",
    "pop3-login": "dovecot",
    "postgres": "postgresql",
    "postmaster": "postgresql",
    "smtpd": "postfix",
}
"""Server by the file name of its program."""
_UNITS: Final = {"postfix": "postfix", "httpd": "apache"}
"""Server by the beginning of its unit's name, where its program's name is anybody's (`master`)."""
_BANNERS: Final = {
    "apache": "apache",
    "caddy": "caddy",
    "lighttpd": "lighttpd",
    "nginx": "nginx",
    "openresty": "nginx",
}
"""Server by the product that it names itself in HTTP (RFC 9110 10.2.4)."""


def of_process(executable: str, command: str, unit: str) -> str:
    """Name the software of a process; "" for one that is not known."""
    program = posixpath.basename(executable.removesuffix(" (deleted)"))
    for name in (program, command.partition(" ")[0]):
        if known := _PROGRAMS.get(name.rstrip(":")):
            return known
    if program == "master" and "/postfix/" in executable:
        return "postfix"
    return _UNITS.get(unit.partition(".")[0].partition("@")[0], "")


def of_endpoint(sites: Iterable[str], process: str, banner: str) -> str:
    """Name the software of an endpoint: by the sites that serve there, its process, its banner."""
    return next(filter(None, (*sites, process)), "") or of_banner(banner)


def of_banner(banner: str) -> str:
    """Name the software by what it says of itself in HTTP; "" for one that is not known."""
    return _BANNERS.get(banner.partition("/")[0].partition(" ")[0].lower(), "")
