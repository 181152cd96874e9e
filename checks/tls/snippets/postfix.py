"""How Postfix is told what mends a fault.

Source: https://www.postfix.org/postconf.5.html

The parameters with `mandatory` in their names count where TLS is demanded, the others where it is
offered: both are written. Exclusions of protocols are understood by every release, `>=` since 3.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls.numbers import Version
from checks.tls.remedies import Kind, Spelling, always, file_of, joined, newest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from checks.tls.remedies import Known, Remedy

NAME: Final = "postfix"
UNITS: Final = ("postfix",)
RELOAD: Final = "postfix check && postfix reload"
_MAIN: Final = "main.cf"
_MASTER: Final = "master.cf"
_GRADES: Final = """\
smtpd_tls_ciphers = high
smtpd_tls_mandatory_ciphers = high"""
_SENDING: Final = "tls_high_cipherlist counts for mail that is sent as well."
_OPTIONS: Final = "tls_ssl_options = NO_COMPRESSION, NO_RENEGOTIATION"
_SUITES13: Final = """\
# suites of TLS 1.3, in the file that tls_config_file names (3.9, 3.8.1, 3.7.6, 3.6.10, 3.5.20):
#Ciphersuites = {}"""


def _protocols(remedy: Remedy, _known: Known) -> str:
    off = [version for version in Version if version not in remedy.versions]
    refused = ", ".join(f"!{_name(version)}" for version in off)
    return f"smtpd_tls_protocols = {refused}\nsmtpd_tls_mandatory_protocols = {refused}"


def _name(version: Version) -> str:
    """Write a version as OpenSSL does: SSLv3, TLSv1, TLSv1.2."""
    return version.label.replace(" ", "v").removesuffix(".0")


def _ciphers(remedy: Remedy, _known: Known) -> str:
    lines = []
    if remedy.ciphers:
        lines = [_GRADES, f"tls_high_cipherlist = {':'.join(remedy.ciphers)}"]
    if remedy.suites13:
        lines.append(_SUITES13.format(":".join(remedy.suites13)))
    return "\n".join(lines)


def _groups(remedy: Remedy, _known: Known) -> str:
    named = f"tls_eecdh_auto_curves = {' '.join(remedy.group_names)}"
    return newest(remedy, f"smtpd_tls_eecdh_grade = auto\n{named}\ntls_ffdhe_auto_groups =")


def _chain(_remedy: Remedy, known: Known) -> str:
    if any(one.name == "smtpd_tls_chain_files" and one.value for one in known):
        file = file_of(known, ("smtpd_tls_chain_files",), "/etc/postfix/site.pem")
        return f"# {joined(file, first='private.key')}\nsmtpd_tls_chain_files = {file}"
    file = file_of(known, ("smtpd_tls_cert_file",), "/etc/postfix/site.pem")
    return f"# {joined(file)}\nsmtpd_tls_cert_file = {file}"


def _spelled(lines: Callable[[Remedy, Known], str], *names: str, hint: str = "") -> Spelling:
    return Spelling(lines, names, _MAIN, hint, unless_in=_MASTER)


ASSIGNED: Final = "{name} = {value}"
SPELLINGS: Final[Mapping[Kind, Spelling]] = {
    Kind.PROTOCOLS: _spelled(_protocols, "smtpd_tls_protocols", "smtpd_tls_mandatory_protocols"),
    Kind.CIPHERS: _spelled(
        _ciphers,
        "smtpd_tls_ciphers",
        "smtpd_tls_mandatory_ciphers",
        "tls_high_cipherlist",
        hint=_SENDING,
    ),
    Kind.GROUPS: _spelled(
        _groups, "smtpd_tls_eecdh_grade", "tls_eecdh_auto_curves", "tls_ffdhe_auto_groups"
    ),
    Kind.SERVER_ORDER: _spelled(always("tls_preempt_cipherlist = yes"), "tls_preempt_cipherlist"),
    Kind.CLIENT_ORDER: _spelled(always("tls_preempt_cipherlist = no"), "tls_preempt_cipherlist"),
    Kind.COMPRESSION: _spelled(always(_OPTIONS), "tls_ssl_options"),
    Kind.RENEGOTIATION: _spelled(always(_OPTIONS), "tls_ssl_options"),
    Kind.CHAIN: _spelled(_chain, "smtpd_tls_cert_file", "smtpd_tls_chain_files"),
}
