"""How PostgreSQL is told what mends a fault.

Source: https://www.postgresql.org/docs/current/runtime-config-connection.html

Until release 17 it takes one curve and leaves the suites of TLS 1.3 to OpenSSL; a setting that a
release does not know keeps the server from starting, so such lines are comments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls.numbers import Version
from checks.tls.remedies import Kind, Spelling, always, file_of, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from checks.tls.remedies import Known, Remedy

NAME: Final = "postgresql"
UNITS: Final = ("postgresql",)
RELOAD: Final = "systemctl reload {unit}"
_FILE: Final = "postgresql.conf"
_AUTO: Final = "postgresql.auto.conf"
_EDWARDS: Final = frozenset({29, 30})


def _protocols(remedy: Remedy, _known: Known) -> str:
    low, high = remedy.versions[0], remedy.versions[-1]
    least, most = remedy.version_names[0], remedy.version_names[-1]
    # An empty text sets no bound; an older OpenSSL has no TLS 1.3 to name.
    upper = "" if high is Version.TLS13 and low is not high else most
    return f"ssl_min_protocol_version = '{least}'\nssl_max_protocol_version = '{upper}'"


def _ciphers(remedy: Remedy, known: Known) -> str:
    lines = [f"ssl_ciphers = '{':'.join(remedy.ciphers)}'"] if remedy.ciphers else []
    if remedy.suites13:
        lines += _since_18(f"ssl_tls13_ciphers = '{':'.join(remedy.suites13)}'", known)
    return "\n".join(lines)


def _since_18(line: str, known: Known) -> list[str]:
    """Give a line as it is where release 18 shows, else behind a #."""
    if any(one.name.lower() in {"ssl_tls13_ciphers", "ssl_groups"} for one in known):
        return [line]
    return ["# PostgreSQL 18 or newer:", f"#{line}"]


def _groups(remedy: Remedy, known: Known) -> str:
    listed = f"ssl_groups = '{':'.join(remedy.group_names)}'"
    if remedy.needs_new_library:
        return f"# needs PostgreSQL 18 and OpenSSL 3.5, or newer\n{listed}"
    named = zip(remedy.groups, remedy.group_names, strict=True)
    single = next((name for number, name in named if number not in _EDWARDS), "")
    lines = _since_18(listed, known)
    if len(lines) > 1 and single:
        lines.insert(0, f"ssl_ecdh_curve = '{single}'")
    return "\n".join(lines)


def _chain(_remedy: Remedy, known: Known) -> str:
    file = file_of(known, ("ssl_cert_file",), "/etc/postgresql/site.pem")
    return f"# {joined(file)}\nssl_cert_file = '{file}'"


def _spelled(lines: Callable[[Remedy, Known], str], *names: str) -> Spelling:
    return Spelling(lines, names, _FILE, unless_in=_AUTO)


def _order(value: str) -> Spelling:
    name = "ssl_prefer_server_ciphers"
    return _spelled(always(f"{name} = {value}"), name)


ASSIGNED: Final = "{name} = '{value}'"
SPELLINGS: Final[Mapping[Kind, Spelling]] = {
    Kind.PROTOCOLS: _spelled(_protocols, "ssl_min_protocol_version", "ssl_max_protocol_version"),
    Kind.CIPHERS: _spelled(_ciphers, "ssl_ciphers", "ssl_tls13_ciphers"),
    Kind.GROUPS: _spelled(_groups, "ssl_ecdh_curve", "ssl_groups"),
    Kind.SERVER_ORDER: _order("on"),
    Kind.CLIENT_ORDER: _order("off"),
    Kind.CHAIN: _spelled(_chain, "ssl_cert_file"),
}
