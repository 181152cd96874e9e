"""Dovecot's protocols, names and addresses, as Dovecot itself takes them."""

from __future__ import annotations

import re
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

MAIN = "/etc/dovecot/dovecot.conf"
BASE = """
protocols = imap
ssl = required
ssl_cert = </etc/ssl/mail.pem
ssl_key = </etc/ssl/mail.key
"""


def test_a_protocol_has_a_site_for_each_way_into_tls(sites: Sites) -> None:
    """Port 143 turns to TLS, port 993 begins in it, and all addresses are listened on."""
    plain, implicit = sites("dovecot", {MAIN: BASE})
    assert (plain.listens, plain.starttls) == (("*:143", "[::]:143"), "imap")
    assert (implicit.listens, implicit.starttls) == (("*:993", "[::]:993"), "")
    (pair,) = plain.pairs
    assert pair.key
    assert (pair.certificate.value, pair.key.value) == ("/etc/ssl/mail.pem", "/etc/ssl/mail.key")
    assert plain.protocols is None


def test_listeners_are_those_that_are_set_up(sites: Sites) -> None:
    """A port may be moved, closed with 0, added, bound to addresses, or begin in TLS."""
    text = (
        BASE
        + """
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    address = 127.0.0.1 ::1
    port = 1993
  }
  inet_listener odd {
    port = 2000
    ssl = yes
  }
}
service auth {
  inet_listener {
    port = 12345
  }
}
"""
    )
    (site,) = sites("dovecot", {MAIN: text})
    assert site.listens == ("127.0.0.1:1993", "[::1]:1993", "*:2000", "[::]:2000")


def test_protocols_are_joined_over_includes(sites: Sites) -> None:
    """$protocols stands for those before; an optional include that is missing is no gap."""
    files = {
        MAIN: "!include_try /usr/share/dovecot/protocols.d/*.protocol\n!include conf.d/*.conf\n"
        "!include_try local.conf\n",
        "/usr/share/dovecot/protocols.d/imapd.protocol": "protocols = $protocols imap\n",
        "/usr/share/dovecot/protocols.d/pop3d.protocol": "protocols = $protocols pop3\n",
        "/etc/dovecot/conf.d/10-ssl.conf": "ssl_cert = <../a.pem\nssl_key = <../a.pem\n",
    }
    found = sites("dovecot", files)
    assert [site.starttls for site in found] == ["imap", "", "pop3", ""]
    assert found[0].pairs[0].certificate.value == "/etc/dovecot/a.pem"
    assert found[0].unseen == ()
    files[MAIN] += "!include gone.conf\n"
    assert sites("dovecot", files)[0].unseen


def test_names_and_addresses_are_sites_of_their_own(sites: Sites) -> None:
    """local_name has its names, local its address, and what they do not say is inherited."""
    text = (
        BASE
        + """
local_name Mail.example {
  ssl_cert = </etc/ssl/name.pem
}
local 192.0.2.7 {
  ssl_min_protocol = TLSv1.3
  protocol imap {
    ssl_key = </etc/ssl/local.key
  }
}
local 10.0.0.0/8 {
  ssl_cipher_list = HIGH
}
"""
    )
    found = sites("dovecot", {MAIN: text})
    assert len(found) == 8
    named, local, network = found[2], found[4], found[6]
    assert named.names == ("mail.example",)
    assert named.pairs[0].certificate.value == "/etc/ssl/name.pem"
    assert local.listens == ("192.0.2.7:143",)
    assert local.protocols == (Version.TLS13,)
    assert local.pairs[0].key
    assert local.pairs[0].key.value == "/etc/ssl/local.key"
    assert network.listens == ("*:143", "[::]:143")
    assert network.ciphers
    assert found[0].ciphers is None


def test_a_protocol_may_have_settings_or_no_tls_of_its_own(sites: Sites) -> None:
    """`protocol !pop3` is for all others; what is set for some clients only counts for nobody."""
    text = (
        BASE.replace("= imap", "= imap pop3")
        + """
protocol !pop3 {
  ssl_min_protocol = TLSv1.1
}
protocol pop3 {
  ssl = no
}
remote 192.0.2.0/24 {
  ssl_min_protocol = TLSv1.3
}
"""
    )
    found = sites("dovecot", {MAIN: text})
    assert [site.starttls for site in found] == ["imap", ""]
    assert found[0].protocols == (Version.TLS11, Version.TLS12, Version.TLS13)


@pytest.mark.parametrize(
    ("line", "oldest"),
    [
        ("ssl_min_protocol = TLSv1", Version.TLS10),
        ("ssl_min_protocol = LATEST", Version.TLS13),
        ("ssl_min_protocol = ANY", Version.SSL3),
        ("ssl_protocols = !SSLv3 !TLSv1", Version.TLS11),
        ("ssl_protocols = TLSv1.2", Version.TLS12),
    ],
)
def test_versions_are_read_in_old_and_new_words(sites: Sites, line: str, oldest: Version) -> None:
    """2.3 names the least one, 2.2 a list."""
    site = sites("dovecot", {MAIN: f"{BASE}{line}\n"})[0]
    assert site.protocols
    assert site.protocols[0] is oldest


def test_an_unknown_version_is_a_gap(sites: Sites) -> None:
    """Dovecot does not start with it."""
    assert sites("dovecot", {MAIN: BASE + "ssl_min_protocol = TLSv9\n"})[0].unseen
    assert not sites("dovecot", {MAIN: BASE + "ssl_min_protocol = TLSv1.2\n"})[0].unseen


def test_the_names_of_2_4_are_read(sites: Sites) -> None:
    """Files without "<", prefixes left out in their section, protocols as a list, port 465."""
    text = """
dovecot_config_version = 2.4.1
protocols {
  imap = yes
  submission = yes
}
ssl_server {
  cert_file = /etc/ssl/a.pem
  key_file = /etc/ssl/a.key
  ssl_server_dh_file = /etc/ssl/dh.pem
}
ssl_curve_list = X25519
local_name "a.example b.example" {
  ssl_server_cert_file = /etc/ssl/b.pem
}
"""
    found = sites("dovecot", {MAIN: text})
    assert [site.listens[0] for site in found[:4]] == ["*:143", "*:993", "*:587", "*:465"]
    assert found[0].pairs[0].certificate.value == "/etc/ssl/a.pem"
    assert found[0].pairs[0].key
    assert found[0].dh_file
    assert found[0].groups
    assert found[4].names == ("a.example", "b.example")
    older = text.replace("dovecot_config_version = 2.4.1\n", "")
    assert "*:465" not in [site.listens[0] for site in sites("dovecot", {MAIN: older})]


def test_what_2_3_dropped_is_in_vain(sites: Sites) -> None:
    """The length of parameters has no meaning beside settings of 2.3."""
    old = "ssl_dh_parameters_length = 2048\n"
    site = sites("dovecot", {MAIN: BASE + old + "ssl_min_protocol = TLSv1.2\n"})[0]
    assert [one.setting.name for one in site.ineffective] == ["ssl_dh_parameters_length"]
    assert sites("dovecot", {MAIN: BASE + old})[0].ineffective == ()


def test_tls_may_be_off(sites: Sites) -> None:
    """Then there is no site."""
    assert sites("dovecot", {MAIN: BASE.replace("required", "no")}) == []
    assert sites("dovecot", {MAIN: BASE})


def test_the_passphrase_of_a_key_is_never_kept(sites: Sites) -> None:
    """It is a secret, and says nothing about TLS."""
    assert "open sesame" not in repr(
        sites("dovecot", {MAIN: BASE + "ssl_key_password = open sesame\n"})
    )


def test_hostile_files_take_linear_time(sites: Sites) -> None:
    """Deep sections, thousands of names and includes that branch end soon, and are told."""
    files = {
        MAIN: BASE
        + "".join(f"local_name n{n} {{\n ssl = yes\n}}\n" for n in range(20_000))
        + "protocols = $protocols $protocols\n" * 2_000
        + "x " * 200_000
        + "\n!include a\n"
        + "service a {\n" * 5_000,
        "/etc/dovecot/a": "!include b\n" * 300,
        "/etc/dovecot/b": "!include c\n" * 300,
        "/etc/dovecot/c": "ssl = yes\n",
    }
    start = time.monotonic()
    found = sites("dovecot", files)
    assert time.monotonic() - start < 10
    gaps = " ".join(found[0].unseen)
    assert "nested too deep" in gaps
    assert "more names" in gaps
    assert "more than" in gaps


def test_the_real_doveconf_agrees(sites: Sites, tmp_path: Path) -> None:
    """`doveconf -n` prints the values and listeners that this reading finds."""
    program = shutil.which("doveconf")
    assert program, "the tests need Dovecot"
    text = f"""
!include_try gone/*.conf
protocols = imap
ssl_min_protocol = "TLSv1.1"   # a comment
ssl_cipher_list = HIGH:\\
   !aNULL
ssl_cert = <{tmp_path}/etc/dovecot/dovecot.conf
service imap-login {{
  inet_listener imap {{
    port = 1143
  }}
}}
"""
    site = sites("dovecot", {MAIN: text})[0]
    command = [program, "-n", "-c", f"{tmp_path}{MAIN}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    values = dict(re.findall(r"^ *(\w+) = (.*)$", said, re.MULTILINE))
    assert site.ciphers
    assert site.ciphers.value == values["ssl_cipher_list"]
    assert site.pairs[0].certificate.value == values["ssl_cert"].removeprefix("<")
    assert values["ssl_min_protocol"] == "TLSv1.1"
    assert site.protocols == (Version.TLS11, Version.TLS12, Version.TLS13)
    assert site.listens[0].endswith(f":{values['port']}")
