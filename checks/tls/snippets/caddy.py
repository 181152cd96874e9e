"""How Caddy is told what mends a fault.

Source: https://caddyserver.com/docs/caddyfile/directives/tls

Go knows the suites with ECDHE and an AEAD cipher by IANA's names, offers those of TLS 1.3 whatever
is listed, and has neither compression nor renegotiation nor early data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls import suites
from checks.tls.numbers import GROUPS
from checks.tls.remedies import CIPHERS, Kind, Spelling, always, is_plain_path, joined, newest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.tls.remedies import Known, Remedy

NAME: Final = "caddy"
UNITS: Final = ("caddy",)
RELOAD: Final = "caddy validate --config /etc/caddy/Caddyfile && systemctl reload {unit}"
_TLS: Final = "the braces of the site's tls directive"
_SITE: Final = "the block of the site"
_GROUPS: Final = frozenset({23, 24, 25, 29, 0x11EC})


def _protocols(remedy: Remedy, _known: Known) -> str:
    names = [name.lower().replace("v", "") for name in remedy.version_names]
    return f"protocols {names[0]} {names[-1]}"


def _ciphers(remedy: Remedy, _known: Known) -> str:
    names = [suites.of(code).name for code in remedy.suites if code in CIPHERS]
    return f"ciphers {' '.join(names)}" if names else ""


def _groups(remedy: Remedy, _known: Known) -> str:
    names = [GROUPS[number].lower() for number in remedy.groups if number in _GROUPS]
    return newest(remedy, f"curves {' '.join(names)}", "Caddy 2.10") if names else ""


def _hsts(remedy: Remedy, _known: Known) -> str:
    return f'header Strict-Transport-Security "{remedy.hsts}"'


ASSIGNED: Final = "{name} {value}"


def _chain(_remedy: Remedy, known: Known) -> str:
    files = [one.value.partition(" ")[0] for one in known if one.name == "tls"]
    file = next(filter(is_plain_path, files), "/etc/caddy/site.pem")
    return joined(file)


SPELLINGS: Final[Mapping[Kind, Spelling]] = {
    Kind.PROTOCOLS: Spelling(_protocols, ("protocols",), _TLS),
    Kind.CIPHERS: Spelling(_ciphers, ("ciphers",), _TLS),
    Kind.GROUPS: Spelling(_groups, ("curves",), _TLS),
    Kind.CHAIN: Spelling(_chain, hint="It is the first file that the tls directive names."),
    Kind.STAPLE: Spelling(always(""), hint="Take ocsp_stapling off out of the global options."),
    Kind.HSTS: Spelling(_hsts, ("header strict-transport-security",), _SITE),
    Kind.REDIRECT: Spelling(
        always("redir https://{host}{uri} permanent"), (), "the block of the http:// site"
    ),
}
