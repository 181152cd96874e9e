"""lighttpd's sockets and hosts, as lighttpd takes them."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from checks.tls.numbers import Version
from checks.tls.servers import lighttpd
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from checks.tls.config import Site
    from tests.checks.tls.servers.conftest import Live

    Sites = Callable[[str, Mapping[str, str | bytes]], list[Site]]

MAIN = "/etc/lighttpd/lighttpd.conf"
STOCK = """server.modules = (
	"mod_indexfile",
	"mod_access",
)
server.document-root        = "/var/www/html"
server.port                 = 80
server.feature-flags       += ("server.h2proto" => "enable")
server.http-parseopts = (
  "header-strict"           => "enable",# default
 #"url-path-dotseg-reject"  => "enable",
)
url.access-deny             = ( "~", ".inc" )
include_shell "/usr/share/lighttpd/use-ipv6.pl " + server.port
include_shell "/usr/share/lighttpd/create-mime.conf.pl"
include "/etc/lighttpd/conf-enabled/*.conf"
server.modules += (
	"mod_dirlisting",
)
"""
SSL = """
server.modules += ( "mod_openssl" )
ssl.pemfile = "/etc/lighttpd/server.pem"
$SERVER["socket"] == "0.0.0.0:443" {
	ssl.engine  = "enable"
}
include_shell "/usr/share/lighttpd/use-ipv6.pl 443"
"""
ALL = (Version.TLS10, Version.TLS11, Version.TLS12, Version.TLS13)


def socketed(sites: Sites, inside: str, around: str = "") -> list[Site]:
    text = f'{around}\n$SERVER["socket"] == ":443" {{ ssl.engine = "enable"\n{inside}\n}}\n'
    return sites("lighttpd", {MAIN: text})


def test_debians_files_give_a_site(sites: Sites) -> None:
    """10-ssl.conf makes a site of 443, and of the address that its script opens in IPv6."""
    found = sites("lighttpd", {MAIN: STOCK, "/etc/lighttpd/conf-enabled/10-ssl.conf": SSL})
    assert [site.listens for site in found] == [("*:443",), ("[::]:443",)]
    for site in found:
        (pair,) = site.pairs
        assert pair.certificate.value == "/etc/lighttpd/server.pem"
        assert pair.key == pair.certificate
        assert site.protocols is None
        assert site.unseen == ()
    assert sites("lighttpd", {MAIN: STOCK.replace("conf-enabled", "none")}) == []


def test_a_socket_needs_the_switch_itself(sites: Sites) -> None:
    """The global ssl.engine is for the main socket only; all else is inherited."""
    around = 'ssl.engine = "enable"\nserver.port = 8443\nssl.pemfile = "/a.pem"'
    inside = 'ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.3")'
    plain = '\n$SERVER["socket"] == ":444" { ssl.pemfile = "/b.pem" }'
    found = socketed(sites, "", f"{around}\n{inside}{plain}")
    assert [site.listens for site in found] == [("*:8443",), ("*:443",)]
    assert {site.protocols for site in found} == {ALL[3:]}


@pytest.mark.parametrize(
    ("commands", "versions"),
    [
        ('"MinProtocol" => "TLSv1.1"', ALL[1:]),
        ('"MaxProtocol" => "TLSv1.2"', ALL[2:3]),
        ('"Protocol" => "-ALL, TLSv1.2"', ALL[2:3]),
        ('"Protocol" => "TLSv1"', ALL[2:]),
        ('"MinProtocol" => "None", "Protocol" => "-TLSv1.2"', (ALL[0], ALL[1], ALL[3])),
        ('"CipherString" => "X"', None),
    ],
)
def test_commands_decide_on_versions(
    sites: Sites, commands: str, versions: tuple[Version, ...] | None
) -> None:
    """TLS 1.2 is the lowest version unless MinProtocol names another."""
    (site,) = socketed(sites, f"ssl.openssl.ssl-conf-cmd = ({commands})")
    assert site.protocols == versions


def test_a_sockets_commands_replace_the_global_ones(sites: Sites) -> None:
    """With = they do, with += they are added."""
    around = 'ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.3", "CipherString" => "X")'
    inside = 'ssl.openssl.ssl-conf-cmd {} ("MaxProtocol" => "TLSv1.3")'
    (replaced,) = socketed(sites, inside.format("="), around)
    assert (replaced.protocols, replaced.ciphers) == (ALL[2:], None)
    (added,) = socketed(sites, inside.format("+="), around)
    assert added.protocols == ALL[3:]
    assert added.ciphers


def test_strings_are_kept(sites: Sites) -> None:
    """CipherString comes before ssl.cipher-list, which is told; curves and DH have two names."""
    old = 'ssl.cipher-list = "A"\nssl.ec-curve = "P-256"\nssl.dh-file = "/dh.pem"'
    (site,) = socketed(sites, old)
    shown = [one and one.value for one in (site.ciphers, site.groups, site.dh_file)]
    assert (shown, site.ineffective) == (["A", "P-256", "/dh.pem"], ())
    new = (
        'ssl.openssl.ssl-conf-cmd = ("CipherString" => "B", "Curves" => "C", "Ciphersuites" => "D")'
    )
    (site,) = socketed(sites, f"{old}\n{new}")
    shown = [one and one.value for one in (site.ciphers, site.groups, site.suites)]
    assert shown == ["B", "C", "D"]
    assert [lost.setting.name for lost in site.ineffective] == ["ssl.cipher-list"]


def test_hosts_have_certificates_of_their_own(sites: Sites) -> None:
    """In a condition on the host a certificate counts, other settings are told as ineffective."""
    host = (
        '$HTTP["host"] == "b.test" { ssl.pemfile = "/b.pem" ssl.privkey = "/b.key"\n'
        'ssl.cipher-list = "X" }\n$HTTP["host"] =$ ".c.test" { ssl.pemfile = "/c.pem" }\n'
        '$HTTP["host"] =~ "d" { server.document-root = "/d" }'
    )
    socket, first, second = socketed(sites, f'ssl.pemfile = "/a.pem"\n{host}')
    assert socket.names == ()
    assert (first.names, second.names) == (("b.test",), ("*.c.test",))
    assert first.listens == second.listens == ("*:443",)
    (pair,) = first.pairs
    assert pair.key
    assert (pair.certificate.value, pair.key.value) == ("/b.pem", "/b.key")
    assert first.ciphers is None
    assert [lost.setting.name for lost in first.ineffective] == ["ssl.cipher-list"]
    assert second.ineffective == ()


def test_global_hosts_are_on_every_socket(sites: Sites) -> None:
    """A host outside of sockets is a site on each that has TLS, and on no other."""
    around = (
        '$HTTP["host"] == "b.test" { ssl.pemfile = "/b.pem" }\n'
        '$SERVER["socket"] == ":444" { ssl.engine = "enable" }\n$SERVER["socket"] == ":445" { }'
    )
    found = [site for site in socketed(sites, "", around) if site.names]
    assert [site.listens for site in found] == [("*:444",), ("*:443",)]


def test_hsts_is_a_setting(sites: Sites) -> None:
    """Headers of setenv count in the scope of https as well, others do not."""
    header = 'setenv.add-response-header = ("{}" => "max-age=1", "X" => "y")'
    named = header.format("Strict-Transport-Security")
    (site,) = socketed(sites, f'$HTTP["scheme"] == "https" {{ {named} }}')
    assert [one.value for one in site.settings if one.name.startswith("setenv")] == [
        "Strict-Transport-Security max-age=1"
    ]
    (site,) = socketed(sites, header.format("Y"))
    assert not any(one.name.startswith("setenv") for one in site.settings)


def test_values_are_put_together(sites: Sites) -> None:
    """Variables, plus signs, escapes, includes with braces, and else."""
    text = (
        'var.base = "/etc"\nvar.base += "/tls"\nvar.port = 443\n'
        '$SERVER["socket"] == ":" + var.port {\n ssl.engine = "enable"\n'
        ' ssl.pemfile = var.base + "/\\"a\\".pem"\n} else { ssl.engine = "enable" }\n'
        'include "more.{b,c}"\n'
    )
    host = '$HTTP["host"] == "{}" {{ ssl.pemfile = "/x" }}'
    files = {f"/etc/lighttpd/more.{name}": host.format(name) for name in "bc"}
    found = sites("lighttpd", {MAIN: text, **files})
    assert [site.names for site in found] == [(), ("b",), ("c",)]
    assert found[0].pairs[0].certificate.value == '/etc/tls/"a".pem'


@pytest.mark.parametrize(
    "gap",
    [
        'include_shell "/opt/print-sockets"',
        'include "gone.conf"',
        'ssl.pemfile = env.HOME + "/a"',
        'x = "never ends',
        '$SERVER["socket"] "a"',
        'include "lighttpd.conf"',
        'server.modules += ("mod_gnutls")',
    ],
)
def test_what_is_not_read_is_told(sites: Sites, gap: str) -> None:
    """A program that is not run, a missing file, a broken end; a whole file has no gap."""
    text = '$SERVER["socket"] == ":443" { ssl.engine = "enable" }\n'
    (site,) = sites("lighttpd", {MAIN: f"{text}{gap}\n"})
    assert (site.listens, len(site.unseen)) == (("*:443",), 1)
    assert sites("lighttpd", {MAIN: text})[0].unseen == ()


def test_the_old_ways_to_include_a_folder_are_known(sites: Sites) -> None:
    """`cat` and Debian's former script are read as what they print."""
    for command in ("cat /etc/lighttpd/conf-enabled/*.conf", "/x/include-conf-enabled.pl"):
        files = {MAIN: f'include_shell "{command}"', "/etc/lighttpd/conf-enabled/a.conf": SSL}
        found = sites("lighttpd", files)
        assert (len(found), found[0].unseen) == (2, ())


def test_hostile_files_end_soon(sites: Sites) -> None:
    """Depth, length, number and NUL bytes cost time in proportion; what can be read is."""
    socket = '$SERVER["socket"] == ":443" { ssl.engine = "enable" }\n'
    host = '$HTTP["host"] == "a" { ssl.pemfile = "a" }\n'
    started = time.monotonic()
    for text in (
        socket + '$HTTP["url"] == "a" {' * 30_000,
        socket + "}" * 300_000,
        socket + "x = " + "(" * 300_000,
        socket + "x = a" + " + a" * 100_000,
        socket + 'x = "' + '\\"' * 500_000,
        socket + 'a += "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"\n' * 50_000,
        socket + 'setenv.add-response-header += ("a" => "b")\n' * 20_000,
        socket + 'include "{' + "a,b}{" * 1_000 + '}"\n',
        socket + "$" * 300_000,
        socket + '$SERVER["socket"] == ":1" { ssl.engine = "enable" }\n' * 20_000,
        socket + host * 20_000,
        socket + "\0" * 300_000,
        socket.encode() + bytes(range(128, 256)) * 1000,
    ):
        found = sites("lighttpd", {MAIN: text})
        assert found[0].listens == ("*:443",)
    assert time.monotonic() - started < 30


def test_the_real_lighttpd_reads_it_alike(tmp_path: Path) -> None:
    """`lighttpd -p` of a configuration with includes shows the sockets that are found here."""
    program = shutil.which("lighttpd", path="/usr/sbin:/usr/bin")
    assert program, "packaging/test installs it"
    main = tmp_path / "lighttpd.conf"
    (tmp_path / "a.conf").write_text('$SERVER["socket"] == ":" + var.p { ssl.engine = "enable" }')
    main.write_text(
        'server.document-root = "/"\nvar.p = 8443\nvar.p += 1\ninclude "{a,b}.con[f]"\n'
        'server.modules = ("mod_openssl",)\nssl.pemfile = "/x"\n'
    )
    asked = [program, "-p", "-f", str(main)]
    shown = subprocess.run(asked, check=False, capture_output=True, text=True).stdout
    with RootTree() as tree:
        (site,) = lighttpd.sites(tree, str(main))
    port = site.listens[0].removeprefix("*:")
    assert f'$SERVER["socket"] == ":{port}"' in shown


def test_what_lighttpd_serves_is_what_is_read(tmp_path: Path, live: Live) -> None:
    """Inheritance, replacement, defaults and a host's ignored settings, each on a socket."""
    ports = [live.port() for _ in range(6)]
    commands = "ssl.openssl.ssl-conf-cmd ="
    sockets = (
        "",
        f'ssl.pemfile = "{live.both}" {commands} ("MaxProtocol" => "TLSv1.2")',
        f'ssl.pemfile = "{live.both}" {commands} ("Protocol" => "-ALL, TLSv1",'
        ' "MinProtocol" => "None", "CipherString" => "AES128-SHA:@SECLEVEL=0")',
        f'ssl.pemfile = "{live.both}" {commands} ("Protocol" => "TLSv1", "Curves" => "P-256")',
        f'ssl.pemfile = "{live.both}" {commands}'
        ' ("MinProtocol" => "TLSv1", "Protocol" => "-TLSv1.1")'
        f'\n$HTTP["host"] == "b.test" {{ ssl.pemfile = "{live.both}" '
        f'{commands} ("MinProtocol" => "TLSv1.3") }}',
    )
    main = tmp_path / "lighttpd.conf"
    main.write_text(
        f'server.modules = ("mod_openssl")\nserver.document-root = "{tmp_path}"\n'
        f'server.bind = "127.0.0.1"\nserver.port = {ports[0]}\n'
        f'ssl.engine = "enable"\nssl.pemfile = "{live.both}"\n'
        f'ssl.cipher-list = "ALL:@SECLEVEL=0"\n{commands} ("MinProtocol" => "TLSv1.1")\n'
        + "".join(
            f'$SERVER["socket"] == "127.0.0.1:{port}" {{ ssl.engine = "enable"\n{inside}\n}}\n'
            for port, inside in zip(ports[1:], sockets, strict=True)
        )
    )
    with RootTree() as tree:
        found = list(lighttpd.sites(tree, str(main)))
    with live.run("lighttpd", str(main)):
        served = [live.versions(site) for site in found]
        strong = live.ask(found[4])
    assert served == [site.protocols for site in found]
    assert found[-1].names == ("b.test",)
    assert strong.groups == (23,)
