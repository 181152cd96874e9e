"""Postfix's services, as Postfix itself takes them."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from checks.tls.config import Site

    Sites = Callable[[str, Mapping[str, str]], list[Site]]

MAIN = "/etc/postfix/main.cf"
MASTER = "/etc/postfix/master.cf"
SERVICES = """
# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  # a comment inside
  -o smtpd_tls_security_level=encrypt
  -o { smtpd_tls_exclude_ciphers = aNULL, RC4 }
smtps     inet  n       -       y       -       -       smtpd
  -o smtpd_tls_wrappermode=yes
pickup    unix  n       -       y       60      1       pickup
smtp      unix  -       -       y       -       -       smtp
"""
BASE = """
smtpd_tls_cert_file=/etc/ssl/mail.pem
smtpd_tls_key_file = /etc/ssl/mail.key
smtpd_tls_security_level = may
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_mandatory_protocols =
    !SSLv2, !SSLv3,
    !TLSv1
"""


def test_each_service_is_a_site_with_its_options(sites: Sites) -> None:
    """Port 25 offers TLS, 587 demands it, 465 begins in it; other lists of versions count."""
    smtp, submission, smtps = sites("postfix", {MAIN: BASE, MASTER: SERVICES})
    assert [s.listens for s in (smtp, submission, smtps)] == [("*:25",), ("*:587",), ("*:465",)]
    assert [s.starttls for s in (smtp, submission, smtps)] == ["smtp", "smtp", ""]
    assert smtp.protocols == (Version.TLS12, Version.TLS13)
    assert submission.protocols == smtps.protocols == (Version.TLS11, Version.TLS12, Version.TLS13)
    assert smtp.ciphers is None
    assert submission.ciphers
    assert submission.ciphers.value.endswith(":!aNULL:!RC4:!eNULL")
    (pair,) = smtp.pairs
    assert pair.key
    assert (pair.certificate.value, pair.key.value) == ("/etc/ssl/mail.pem", "/etc/ssl/mail.key")
    named = {setting.name for setting in submission.settings}
    assert "smtpd_tls_mandatory_protocols" in named
    assert "smtpd_tls_protocols" not in named


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!SSLv2, !SSLv3", "SSL3-"),
        ("!SSLv2 !SSLv3 !TLSv1 !TLSv1.1", "12 13"),
        ("TLSv1.2, TLSv1.3", "12 13"),
        (">=TLSv1", "10 11 12 13"),
        (">=TLSv1.2, <=TLSv1.2", "12"),
        (">=0303", "12 13"),
        (">=0x0302", "11 12 13"),
        ("tlsv1.2", "12"),
        ("TLSv1.2:!TLSv1.2:TLSv1.3", "13"),
        ("", "SSL3 10 11 12 13"),
    ],
)
def test_both_notations_of_protocols_are_read(sites: Sites, text: str, expected: str) -> None:
    """Exclusions, choices, bounds by name or number, in any case and with any separator."""
    files = {MAIN: BASE + f"smtpd_tls_protocols = {text}\n", MASTER: SERVICES}
    site = sites("postfix", files)[0]
    assert site.protocols is not None
    words = [version.label[-1:] for version in site.protocols if version > Version.SSL3]
    wanted = [word[-1] for word in expected.split() if word.startswith("1")]
    assert words == (wanted or ["0", "1", "2", "3"])


def test_a_list_that_postfix_cannot_read_switches_tls_off(sites: Sites) -> None:
    """A word that is no version leaves nothing on, and is said to be why."""
    files = {MAIN: BASE + "smtpd_tls_protocols = >=TLSv9\n", MASTER: SERVICES}
    site = sites("postfix", files)[0]
    assert site.protocols == ()
    assert any("cannot read" in one.reason for one in site.ineffective)
    assert not any(
        "cannot read" in one.reason
        for one in sites("postfix", {MAIN: BASE, MASTER: SERVICES})[0].ineffective
    )


def test_a_service_without_tls_is_no_site(sites: Sites) -> None:
    """The level none, or nothing said, leaves only the port that begins in TLS."""
    text = BASE.replace("= may", "= none")
    found = sites("postfix", {MAIN: text, MASTER: SERVICES})
    assert [site.listens for site in found] == [("*:587",), ("*:465",)]
    nothing = "smtpd_tls_cert_file=/x\n"
    assert len(sites("postfix", {MAIN: nothing, MASTER: SERVICES})) == 2
    assert len(sites("postfix", {MAIN: nothing + "smtpd_use_tls=yes\n", MASTER: SERVICES})) == 3


def test_references_are_followed(sites: Sites) -> None:
    """$name, ${name}, ${name?a:b} and $(name) are replaced; a key names its certificate's file."""
    text = """
home = /etc/ssl
who = mail
smtpd_tls_cert_file = ${home}/$(who)${who?{.pem}:{.no}}
smtpd_tls_security_level = ${{$who} == {mail} ? {may} : {none}}
loop = $loop$loop
smtpd_tls_eccert_file = $loop/x
inet_interfaces = 127.0.0.1, [::1]
"""
    site = sites("postfix", {MAIN: text, MASTER: SERVICES})[0]
    assert site.pairs[0].certificate.value == "/etc/ssl/mail.pem"
    assert site.pairs[0].key == site.pairs[0].certificate
    assert site.listens == ("127.0.0.1:25", "[::1]:25")


def test_chain_files_put_the_others_out_of_force(sites: Sites, pem: Path) -> None:
    """Keys come before their chains, in one file or two; cert_file beside them is in vain."""
    files = {
        MAIN: BASE + "smtpd_tls_chain_files = /k.pem, /c.pem, /both.pem\n",
        MASTER: SERVICES,
        "/k.pem": (pem / "site.key").read_text(),
        "/c.pem": (pem / "site.crt").read_text(),
        "/both.pem": (pem / "site.pem").read_text(),
    }
    site = sites("postfix", files)[0]
    pairs = [(pair.certificate.value, pair.key and pair.key.value) for pair in site.pairs]
    assert pairs == [("/c.pem", "/k.pem"), ("/both.pem", "/both.pem")]
    vain = {one.setting.name for one in site.ineffective}
    assert {"smtpd_tls_cert_file", "smtpd_tls_key_file"} <= vain
    assert "PRIVATE" not in repr(site)
    site = sites("postfix", {MAIN: BASE, MASTER: SERVICES})[0]
    assert not {"smtpd_tls_cert_file"} & {one.setting.name for one in site.ineffective}


def test_names_with_certificates_of_their_own_are_sites(sites: Sites) -> None:
    """The source of an SNI map is read; a map in a database without a text is a gap."""
    text = BASE + "tls_server_sni_maps = hash:/etc/postfix/sni, ldap:/etc/postfix/x\n"
    files = {MAIN: text, MASTER: SERVICES, "/etc/postfix/sni": "# c\nOne.example\t/a.pem, /b.pem\n"}
    found = [site for site in sites("postfix", files) if site.names]
    assert {site.names for site in found} == {("one.example",)}
    assert found[0].place.path == "/etc/postfix/sni"
    assert [pair.certificate.value for pair in found[0].pairs] == ["/a.pem", "/b.pem"]
    assert any("ldap" in gap for gap in found[0].unseen)


def test_mandatory_settings_are_vain_where_tls_is_only_offered(sites: Sites) -> None:
    """Who bounds the mandatory list alone has bounded nothing on port 25."""
    text = BASE.replace("smtpd_tls_protocols = >=TLSv1.2\n", "")
    only = {MAIN: text, MASTER: "smtp inet n - y - - smtpd\n"}
    (site,) = sites("postfix", only)
    assert site.protocols is None
    assert [one.setting.name for one in site.ineffective] == ["smtpd_tls_mandatory_protocols"]
    assert all(not site.ineffective for site in sites("postfix", {MAIN: text, MASTER: SERVICES}))


def test_no_certificate_means_no_tls(sites: Sites) -> None:
    """Postfix offers none then, and says so in its log alone; "none" wants anonymous suites."""
    text = "smtpd_tls_security_level = may\n"
    one = {MAIN: text, MASTER: "smtp inet n - y - - smtpd\n"}
    (site,) = sites("postfix", one)
    assert site.protocols == ()
    assert [one.setting.name for one in site.ineffective] == ["smtpd_tls_security_level"]
    (site,) = sites("postfix", {**one, MAIN: text + "smtpd_tls_cert_file = none\n"})
    assert site.protocols is None
    assert site.ineffective == ()


def test_a_grade_names_its_list_and_curves(sites: Sites) -> None:
    """high is tls_high_cipherlist; strong is one curve; the defaults name nothing."""
    text = BASE + "smtpd_tls_ciphers = high\ntls_high_cipherlist = ECDHE+AESGCM\n"
    site = sites("postfix", {MAIN: text + "smtpd_tls_eecdh_grade = strong\n", MASTER: SERVICES})[0]
    assert site.ciphers
    assert site.groups
    assert (site.ciphers.name, site.ciphers.value) == ("smtpd_tls_ciphers", "ECDHE+AESGCM:!eNULL")
    assert site.groups.value == "prime256v1"
    assert sites("postfix", {MAIN: BASE, MASTER: SERVICES})[0].groups is None


def test_without_master_cf_port_25_is_assumed(sites: Sites) -> None:
    """The gap is told."""
    (site,) = sites("postfix", {MAIN: BASE})
    assert site.listens == ("*:25",)
    assert any("master.cf" in gap for gap in site.unseen)


def test_hostile_files_take_linear_time(sites: Sites) -> None:
    """References that double, braces that never close and thousands of services end soon."""
    doubled = "".join(f"v{n} = $v{n + 1}$v{n + 1}\n" for n in range(60))
    text = BASE + doubled + "smtpd_tls_cert_file = $v0${" + "${" * 20_000 + "\n" + "{" * 200_000
    services = SERVICES + "".join(f"{n} inet n - y - - smtpd\n" for n in range(1, 20_000))
    start = time.monotonic()
    found = sites("postfix", {MAIN: text, MASTER: services})
    assert time.monotonic() - start < 10
    assert len(found) <= 2_001
    assert any("more services" in gap for gap in found[0].unseen)


def test_the_real_postconf_agrees(sites: Sites, tmp_path: Path) -> None:
    """`postconf -x` works the same values out of main.cf and its references."""
    assert shutil.which("postconf"), "the tests need Postfix"
    text = """
home = /etc/ssl
smtpd_tls_security_level = ${home?may}
smtpd_tls_cert_file = ${home}/$(other)a.pem
smtpd_tls_eccert_file = ${other:{/e.pem}}
smtpd_tls_protocols =
  >=TLSv1.1,
# comment
  <=TLSv1.2
"""
    site = sites("postfix", {MAIN: text, MASTER: "smtp inet n - y - - smtpd\n"})[0]
    names = ("smtpd_tls_cert_file", "smtpd_tls_eccert_file", "smtpd_tls_key_file")
    command = ["postconf", "-c", str(tmp_path / "etc/postfix"), "-xh", *names]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert said[:2] == [pair.certificate.value for pair in site.pairs]
    assert site.pairs[0].key
    assert said[2] == site.pairs[0].key.value
    assert site.protocols == (Version.TLS11, Version.TLS12)
