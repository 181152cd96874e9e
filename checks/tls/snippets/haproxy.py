"""How HAProxy is told what mends a fault.

Sources: https://docs.haproxy.org/2.6/configuration.html#3.1 and #5.1

Defaults of `global` count for the `bind` lines below it only, and words of such a line, or of a
line in its crt-list, count before them. Options of several default lines add up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls.remedies import Kind, Spelling, always, file_of, joined, newest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.tls.remedies import Known, Remedy

NAME: Final = "haproxy"
UNITS: Final = ("haproxy",)
RELOAD: Final = "haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload {unit}"
_GLOBAL: Final = "the global section, above all bind lines"
_FRONTEND: Final = "the frontend"
_VERSIONS: Final = tuple(
    f"{verb}-{version}"
    for verb in ("no", "force")
    for version in ("sslv3", "tlsv10", "tlsv11", "tlsv12", "tlsv13")
)
_STAPLE: Final = (
    "HAProxy 2.8 or newer: put ocsp-update on into the certificate's line of the crt-list. Before:"
    " keep the authority's answer in a file beside the certificate, with .ocsp behind its name."
)


def _protocols(remedy: Remedy, _known: Known) -> str:
    low, high = remedy.version_names[0], remedy.version_names[-1]
    return f"ssl-default-bind-options ssl-min-ver {low} ssl-max-ver {high}"


def _ciphers(remedy: Remedy, _known: Known) -> str:
    lines = [f"ssl-default-bind-ciphers {':'.join(remedy.ciphers)}"] if remedy.ciphers else []
    if remedy.suites13:
        lines.append(f"ssl-default-bind-ciphersuites {':'.join(remedy.suites13)}")
    return "\n".join(lines)


def _groups(remedy: Remedy, _known: Known) -> str:
    return newest(remedy, f"ssl-default-bind-curves {':'.join(remedy.group_names)}")


def _hsts(remedy: Remedy, _known: Known) -> str:
    return f'http-after-response set-header Strict-Transport-Security "{remedy.hsts}"'


def _chain(_remedy: Remedy, known: Known) -> str:
    file = file_of(known, ("crt", "default-crt"), "/etc/haproxy/site.pem")
    return joined(file, last="private.key")


def _off(word: str) -> Spelling:
    """Describe what is mended by taking a word away."""
    return Spelling(
        always(""), (), "", f"Take {word} off the bind line and out of global.", (word,)
    )


ASSIGNED: Final = "{name} {value}"
SPELLINGS: Final[Mapping[Kind, Spelling]] = {
    Kind.PROTOCOLS: Spelling(
        _protocols, (), _GLOBAL, overruled=("ssl-min-ver", "ssl-max-ver", *_VERSIONS)
    ),
    Kind.CIPHERS: Spelling(
        _ciphers,
        ("ssl-default-bind-ciphers", "ssl-default-bind-ciphersuites"),
        _GLOBAL,
        overruled=("ciphers", "ciphersuites"),
    ),
    Kind.GROUPS: Spelling(
        _groups, ("ssl-default-bind-curves",), _GLOBAL, overruled=("curves", "ecdhe")
    ),
    Kind.SERVER_ORDER: _off("prefer-client-ciphers"),
    Kind.CLIENT_ORDER: Spelling(
        always("ssl-default-bind-options prefer-client-ciphers"), (), _GLOBAL
    ),
    Kind.EARLY_DATA: _off("allow-0rtt"),
    Kind.CHAIN: Spelling(_chain),
    Kind.STAPLE: Spelling(always(""), hint=_STAPLE),
    Kind.HSTS: Spelling(
        _hsts,
        tuple(
            f"http-{when} {verb} strict-transport-security"
            for when in ("response", "after-response")
            for verb in ("add-header", "set-header")
        ),
        _FRONTEND,
    ),
    Kind.REDIRECT: Spelling(
        always("http-request redirect scheme https code 301 unless { ssl_fc }"), (), _FRONTEND
    ),
}
