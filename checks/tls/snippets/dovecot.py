"""How Dovecot is told what mends a fault.

Sources: https://doc.dovecot.org/2.3/settings/core/ and
https://doc.dovecot.org/2.4.0/core/config/ssl.html

2.4 renamed the settings of certificates and of the order of suites; which of the two releases it is
shows in the settings that are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls.remedies import Kind, Spelling, always, file_of, joined, newest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.tls.remedies import Known, Remedy

NAME: Final = "dovecot"
UNITS: Final = ("dovecot",)
RELOAD: Final = "doveconf -n > /dev/null && systemctl reload {unit}"
_FILE: Final = "conf.d/10-ssl.conf, or dovecot.conf"
_ORDERS: Final = ("ssl_prefer_server_ciphers", "ssl_server_prefer_ciphers")
_CERTIFICATES: Final = ("ssl_cert", "ssl_server_cert_file")


def _protocols(remedy: Remedy, _known: Known) -> str:
    return f"ssl_min_protocol = {remedy.version_names[0]}"


def _ciphers(remedy: Remedy, _known: Known) -> str:
    lines = [f"ssl_cipher_list = {':'.join(remedy.ciphers)}"] if remedy.ciphers else []
    if remedy.suites13:
        lines.append(f"ssl_cipher_suites = {':'.join(remedy.suites13)}")
    return "\n".join(lines)


def _groups(remedy: Remedy, _known: Known) -> str:
    return newest(remedy, f"ssl_curve_list = {':'.join(remedy.group_names)}")


def _order(remedy: Remedy, known: Known) -> str:
    mine = remedy.kind is Kind.SERVER_ORDER
    old = f"ssl_prefer_server_ciphers = {'yes' if mine else 'no'}"
    new = f"ssl_server_prefer_ciphers = {'server' if mine else 'client'}"
    if known:
        return new if _is_new(known) else old
    return f"{old}\n# Dovecot 2.4 or newer: {new}"


def _chain(_remedy: Remedy, known: Known) -> str:
    file = file_of(known, _CERTIFICATES, "/etc/dovecot/site.pem")
    line = f"ssl_server_cert_file = {file}" if _is_new(known) else f"ssl_cert = <{file}"
    return f"# {joined(file)}\n{line}"


def _is_new(known: Known) -> bool:
    return any(one.name.startswith("ssl_server_") for one in known)


ASSIGNED: Final = "{name} = {value}"
SPELLINGS: Final[Mapping[Kind, Spelling]] = {
    Kind.PROTOCOLS: Spelling(_protocols, ("ssl_min_protocol", "ssl_protocols"), _FILE),
    Kind.CIPHERS: Spelling(_ciphers, ("ssl_cipher_list", "ssl_cipher_suites"), _FILE),
    Kind.GROUPS: Spelling(_groups, ("ssl_curve_list",), _FILE),
    Kind.SERVER_ORDER: Spelling(_order, _ORDERS, _FILE),
    Kind.CLIENT_ORDER: Spelling(_order, _ORDERS, _FILE),
    Kind.COMPRESSION: Spelling(always("ssl_options = no_compression"), ("ssl_options",), _FILE),
    Kind.CHAIN: Spelling(_chain, _CERTIFICATES, _FILE),
}
