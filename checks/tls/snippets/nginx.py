"""How nginx is told what mends a fault.

Source: https://nginx.org/en/docs/http/ngx_http_ssl_module.html

Until 1.29.2 only the default server of an address decides on protocols, groups and the suites of
TLS 1.3; `ssl_conf_command` is there since 1.19.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls.remedies import Kind, Spelling, always, file_of, joined, newest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.tls.remedies import Known, Remedy

NAME: Final = "nginx"
UNITS: Final = ("nginx",)
RELOAD: Final = "nginx -t && systemctl reload {unit}"
_SERVER: Final = "the server block"
_DEFAULT: Final = "the server block, or the http block where no server has them itself"
_SHARED: Final = (
    "Before nginx 1.29.2 the default server of the address decides on them for all names."
)
_FIRST_ALONE: Final = "The default server of the address decides on it for all names."
_ISSUER: Final = (
    "The issuer's certificate has to be in the file of ssl_certificate or ssl_trusted_certificate;"
    " a resolver directive keeps the address of its responder up to date."
)
_HEADERS: Final = "A location with an add_header of its own needs the line too."


def _protocols(remedy: Remedy, _known: Known) -> str:
    return f"ssl_protocols {' '.join(remedy.version_names)};"


def _ciphers(remedy: Remedy, _known: Known) -> str:
    lines = [f"ssl_ciphers {':'.join(remedy.ciphers)};"] if remedy.ciphers else []
    if remedy.suites13:
        lines.append(f"ssl_conf_command Ciphersuites {':'.join(remedy.suites13)};")
    return "\n".join(lines)


def _groups(remedy: Remedy, _known: Known) -> str:
    return newest(remedy, f"ssl_ecdh_curve {':'.join(remedy.group_names)};")


def _hsts(remedy: Remedy, _known: Known) -> str:
    return f'add_header Strict-Transport-Security "{remedy.hsts}" always;'


def _said(line: str) -> Spelling:
    return Spelling(always(line), (line.partition(" ")[0],), _SERVER)


def _option(name: str) -> Spelling:
    lines = always(f"ssl_conf_command Options {name};")
    return Spelling(lines, ("ssl_conf_command options",), _SERVER)


def _chain(_remedy: Remedy, known: Known) -> str:
    file = file_of(known, ("ssl_certificate",), "/etc/nginx/site.pem")
    return f"# {joined(file)}\nssl_certificate {file};"


ASSIGNED: Final = "{name} {value};"
SPELLINGS: Final[Mapping[Kind, Spelling]] = {
    Kind.PROTOCOLS: Spelling(_protocols, ("ssl_protocols",), _DEFAULT, _SHARED),
    Kind.CIPHERS: Spelling(_ciphers, ("ssl_ciphers", "ssl_conf_command ciphersuites"), _DEFAULT),
    Kind.GROUPS: Spelling(_groups, ("ssl_ecdh_curve",), _DEFAULT, _SHARED),
    Kind.SERVER_ORDER: _said("ssl_prefer_server_ciphers on;"),
    Kind.CLIENT_ORDER: _said("ssl_prefer_server_ciphers off;"),
    Kind.COMPRESSION: _option("-Compression"),
    Kind.RENEGOTIATION: _option("NoRenegotiation"),
    Kind.BOUND_RENEGOTIATION: _option("-UnsafeLegacyRenegotiation"),
    Kind.EARLY_DATA: Spelling(
        always("ssl_early_data off;"), ("ssl_early_data",), _DEFAULT, _FIRST_ALONE
    ),
    Kind.CHAIN: Spelling(_chain, ("ssl_certificate",), _SERVER),
    Kind.STAPLE: Spelling(always("ssl_stapling on;"), ("ssl_stapling",), _SERVER, _ISSUER),
    Kind.HSTS: Spelling(_hsts, ("add_header strict-transport-security",), _SERVER, _HEADERS),
    Kind.REDIRECT: Spelling(
        always("return 301 https://$host$request_uri;"), (), "the server block of port 80"
    ),
}
