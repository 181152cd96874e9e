"""How Apache httpd is told what mends a fault.

Source: https://httpd.apache.org/docs/2.4/mod/mod_ssl.html

In SSLProtocol a word without a plus sign replaces those before it; a host's own SSLProtocol counts
wherever it stands, its groups only in the first host of an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls.remedies import Kind, Spelling, always, file_of, joined, newest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.tls.remedies import Known, Remedy

NAME: Final = "apache"
UNITS: Final = ("apache2", "httpd")
RELOAD: Final = "apachectl configtest && systemctl reload {unit}"
_HOST: Final = "the virtual host"
_FIRST: Final = "The first virtual host of the address decides on them for all names."
_HEADERS: Final = "mod_headers has to be loaded (Debian: a2enmod headers)."
_REWRITE: Final = "mod_rewrite has to be loaded (Debian: a2enmod rewrite)."
_CONF: Final = "sslopensslconfcmd"
_REDIRECT: Final = """\
RewriteEngine on
RewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [R=301,L]"""
_STAPLE: Final = """\
# outside of the virtual hosts:
SSLStaplingCache shmcb:ssl_stapling(32768)
# in the virtual host:
SSLUseStapling on"""


def _protocols(remedy: Remedy, _known: Known) -> str:
    return f"SSLProtocol -all {' '.join(f'+{name}' for name in remedy.version_names)}"


def _ciphers(remedy: Remedy, _known: Known) -> str:
    lines = [f"SSLCipherSuite {':'.join(remedy.ciphers)}"] if remedy.ciphers else []
    if remedy.suites13:
        lines.append(f"SSLCipherSuite TLSv1.3 {':'.join(remedy.suites13)}")
    return "\n".join(lines)


def _groups(remedy: Remedy, _known: Known) -> str:
    return newest(remedy, f"SSLOpenSSLConfCmd Groups {':'.join(remedy.group_names)}")


def _hsts(remedy: Remedy, _known: Known) -> str:
    return f'Header always set Strict-Transport-Security "{remedy.hsts}"'


def _chain(_remedy: Remedy, known: Known) -> str:
    file = file_of(known, ("sslcertificatefile",), "/etc/ssl/site.pem")
    return f"# {joined(file)}\nSSLCertificateFile {file}"


def _said(line: str) -> Spelling:
    return Spelling(always(line), (line.partition(" ")[0].lower(),), _HOST)


ASSIGNED: Final = "{name} {value}"
SPELLINGS: Final[Mapping[Kind, Spelling]] = {
    Kind.PROTOCOLS: Spelling(_protocols, ("sslprotocol",), _HOST),
    Kind.CIPHERS: Spelling(
        _ciphers, ("sslciphersuite", f"{_CONF} cipherstring", f"{_CONF} ciphersuites"), _HOST
    ),
    Kind.GROUPS: Spelling(
        _groups,
        (f"{_CONF} groups", f"{_CONF} curves", f"{_CONF} ecdhparameters"),
        _HOST,
        _FIRST,
    ),
    Kind.SERVER_ORDER: _said("SSLHonorCipherOrder on"),
    Kind.CLIENT_ORDER: _said("SSLHonorCipherOrder off"),
    Kind.COMPRESSION: _said("SSLCompression off"),
    Kind.RENEGOTIATION: Spelling(
        always("SSLOpenSSLConfCmd Options NoRenegotiation"), (f"{_CONF} options",), _HOST
    ),
    Kind.BOUND_RENEGOTIATION: _said("SSLInsecureRenegotiation off"),
    Kind.CHAIN: Spelling(_chain, ("sslcertificatefile", "sslcertificatechainfile"), _HOST),
    Kind.STAPLE: Spelling(always(_STAPLE), ("sslusestapling", "sslstaplingcache"), _HOST),
    Kind.HSTS: Spelling(
        _hsts,
        tuple(
            f"header {condition}{verb} strict-transport-security"
            for condition in ("", "always ", "onsuccess ")
            for verb in ("add", "append", "merge", "set", "setifempty")
        ),
        _HOST,
        _HEADERS,
    ),
    Kind.REDIRECT: Spelling(always(_REDIRECT), (), "the virtual host of port 80", _REWRITE),
}
