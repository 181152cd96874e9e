"""How lighttpd is told what mends a fault.

Source: https://redmine.lighttpd.net/projects/lighttpd/wiki/Docs_SSL

A socket takes or replaces `ssl.openssl.ssl-conf-cmd` as a whole, and a name that stands in it twice
is an error: so the line repeats what is known to be there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.tls.remedies import Kind, Spelling, always, file_of, joined, newest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.tls.remedies import Known, Remedy

NAME: Final = "lighttpd"
UNITS: Final = ("lighttpd",)
RELOAD: Final = "lighttpd -tt -f /etc/lighttpd/lighttpd.conf && systemctl reload {unit}"
_COMMANDS: Final = "ssl.openssl.ssl-conf-cmd"
_SOCKET: Final = "the block of the socket, or the global scope where it has no ssl.pemfile itself"
_PLAIN: Final = regex(r"[\w .,:@!+=/\-]*")
_SAME: Final = {
    "CipherString": {"CipherString"},
    "Ciphersuites": {"Ciphersuites"},
    "Groups": {"Groups", "Curves", "ECDHParameters"},
    "MaxProtocol": {"MaxProtocol", "Protocol"},
    "MinProtocol": {"MinProtocol", "Protocol"},
}
"""What a command takes the place of."""
_REDIRECT: Final = """\
$HTTP["scheme"] == "http" {
    url.redirect = ("" => "https://${url.authority}${url.path}${qsa}")
}"""


def _with(known: Known, commands: Mapping[str, str]) -> str:
    """Add commands to those that are there; where nothing is known, to whatever is there."""
    there = _there(known)
    gone = {old for name in commands for old in _SAME.get(name, ())}
    kept = {name: value for name, value in there.items() if name not in gone}
    if options := commands.get("Options"):
        commands = {**commands, "Options": ",".join(filter(None, [kept.get("Options"), options]))}
    written = ", ".join(f'"{n}" => "{v}"' for n, v in {**kept, **commands}.items())
    return f"{_COMMANDS} {'=' if known else '+='} ({written})"


def _there(known: Known) -> dict[str, str]:
    """Read the commands of a site back; a value may itself be a list with commas."""
    said = next((one.value for one in reversed(known) if one.name == _COMMANDS), "")
    found: dict[str, str] = {}
    for part in said.split(", ") if _PLAIN.fullmatch(said) else ():
        name, blank, value = part.partition(" ")
        if blank and name.isalpha():
            found[name] = value
        elif found:
            found[[*found][-1]] += f",{part}"
    return found


def _protocols(remedy: Remedy, known: Known) -> str:
    low, high = remedy.version_names[0], remedy.version_names[-1]
    return _with(known, {"MinProtocol": low, "MaxProtocol": high})


def _ciphers(remedy: Remedy, known: Known) -> str:
    commands = {"CipherString": remedy.ciphers, "Ciphersuites": remedy.suites13}
    return _with(known, {name: ":".join(words) for name, words in commands.items() if words})


def _groups(remedy: Remedy, known: Known) -> str:
    return newest(remedy, _with(known, {"Groups": ":".join(remedy.group_names)}))


def _hsts(remedy: Remedy, _known: Known) -> str:
    return f'setenv.set-response-header += ("Strict-Transport-Security" => "{remedy.hsts}")'


def _chain(_remedy: Remedy, known: Known) -> str:
    file = file_of(known, ("ssl.pemfile",), "/etc/lighttpd/site.pem")
    apart = any(one.name == "ssl.privkey" for one in known)
    made = joined(file, last="" if apart else "private.key")
    return f'# {made}\nssl.pemfile = "{file}"'


def _option(name: str) -> Spelling:
    return Spelling(lambda _, known: _with(known, {"Options": name}), (_COMMANDS,), _SOCKET)


ASSIGNED: Final = '{name} = "{value}"'
SPELLINGS: Final[Mapping[Kind, Spelling]] = {
    Kind.PROTOCOLS: Spelling(_protocols, (_COMMANDS,), _SOCKET),
    Kind.CIPHERS: Spelling(_ciphers, (_COMMANDS, "ssl.cipher-list"), _SOCKET),
    Kind.GROUPS: Spelling(_groups, (_COMMANDS, "ssl.ec-curve"), _SOCKET),
    Kind.SERVER_ORDER: _option("+ServerPreference"),
    Kind.CLIENT_ORDER: _option("-ServerPreference"),
    Kind.COMPRESSION: _option("-Compression"),
    Kind.RENEGOTIATION: _option("+NoRenegotiation"),
    Kind.BOUND_RENEGOTIATION: _option("-UnsafeLegacyRenegotiation"),
    Kind.CHAIN: Spelling(_chain, ("ssl.pemfile",), "the block of the socket or of the host"),
    Kind.STAPLE: Spelling(
        always('ssl.stapling-file = "/etc/lighttpd/site.ocsp"'),
        ("ssl.stapling-file",),
        "the block that has ssl.pemfile",
        "Have a program keep the answer of the authority in that file, in DER.",
    ),
    Kind.HSTS: Spelling(
        _hsts,
        (
            "setenv.add-response-header strict-transport-security",
            "setenv.set-response-header strict-transport-security",
        ),
        "the global scope",
        "mod_setenv has to be among server.modules.",
    ),
    Kind.REDIRECT: Spelling(
        always(_REDIRECT), (), "the global scope", "mod_redirect has to be among server.modules."
    ),
}
