"""haproxy's bind lines and crt-lists, as haproxy takes them."""

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
    from tests.checks.tls.servers.conftest import Live

    Sites = Callable[[str, Mapping[str, str | bytes]], list[Site]]

MAIN = "/etc/haproxy/haproxy.cfg"
STOCK = """global
	log /dev/log	local0
	chroot /var/lib/haproxy
	stats socket /run/haproxy/admin.sock mode 660 level admin
	user haproxy
	daemon

	# Default SSL material locations
	ca-base /etc/ssl/certs
	crt-base /etc/ssl/private

        ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384
        ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384
        ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets

defaults
	log	global
	mode	http
        timeout connect 5000
	errorfile 400 /etc/haproxy/errors/400.http

frontend web
	bind *:80
	bind :443 ssl crt site.pem alpn h2,http/1.1
	default_backend app

backend app
	http-response set-header Strict-Transport-Security "max-age=63072000; includeSubDomains"
	server a 10.0.0.1:8443 ssl verify none
"""
ALL = (Version.TLS10, Version.TLS11, Version.TLS12, Version.TLS13)


def bound(sites: Sites, options: str, known: str = "") -> Site:
    text = f"global\n {known}\nfrontend f\n bind :443 ssl crt /a.pem {options}\n"
    (found,) = sites("haproxy", {MAIN: text})
    return found


def test_a_stock_configuration_gives_a_site(sites: Sites) -> None:
    """The bind with `ssl` takes the defaults, its certificate and its backend's HSTS."""
    (site,) = sites("haproxy", {MAIN: STOCK})
    assert site.listens == ("*:443",)
    assert site.protocols == ALL[2:]
    assert site.ciphers
    assert site.ciphers.value.startswith("ECDHE-ECDSA")
    assert site.suites
    assert (site.suites.line, site.place.line) == (13, 24)
    (pair,) = site.pairs
    assert pair.certificate.value == "/etc/ssl/private/site.pem"
    assert pair.key
    assert pair.key.value == pair.certificate.value
    assert any(one.name == "http-response" for one in site.settings)
    assert (site.ineffective, site.unseen) == ((), ())


def test_a_bind_without_ssl_is_no_site(sites: Sites) -> None:
    """Plain ports, servers with TLS and QUIC are none; a name that reads like an option neither."""
    plain = STOCK.replace(":443 ssl crt site.pem", ":443 name ssl crt site.pem")
    assert sites("haproxy", {MAIN: plain}) == []
    assert sites("haproxy", {MAIN: STOCK.replace(":443 ssl", "quic4@:443 ssl")}) == []


@pytest.mark.parametrize(
    ("options", "versions", "told"),
    [
        ("", None, 0),
        ("ssl-min-ver TLSv1.0", ALL, 0),
        ("ssl-min-ver TLSv1.3", ALL[3:], 0),
        ("ssl-max-ver TLSv1.2", ALL[2:3], 0),
        ("ssl-max-ver TLSv1.1", ALL[1:2], 0),
        ("ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.2", ALL[:3], 0),
        ("force-tlsv11", ALL[1:2], 0),
        ("no-sslv3 no-tlsv10 no-tlsv11", None, 0),
        ("no-tlsv12", ALL[3:], 0),
        ("no-tlsv13", ALL[2:3], 0),
        ("ssl-min-ver TLSv1.0 no-tlsv10", ALL, 1),
        ("no-tlsv12 force-tlsv12", ALL[2:3], 1),
    ],
)
def test_versions_are_a_range(
    sites: Sites, options: str, versions: tuple[Version, ...] | None, told: int
) -> None:
    """The lowest is TLS 1.2 unless it is said; beside a range single versions count for nothing."""
    site = bound(sites, options)
    assert site.protocols == versions
    assert len(site.ineffective) == told


def test_defaults_fill_in_what_the_line_does_not_say(sites: Sites) -> None:
    """Lowest and highest come apart, and a line's own word comes first."""
    known = "ssl-default-bind-options ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.2"
    assert bound(sites, "", known).protocols == ALL[:3]
    assert bound(sites, "ssl-min-ver TLSv1.1", known).protocols == ALL[1:3]
    assert len(bound(sites, "no-tlsv10", known).ineffective) == 1


def test_defaults_behind_a_line_do_not_count_for_it(sites: Sites) -> None:
    """A second `global` changes what comes after it."""
    text = (
        "global\n ssl-default-bind-ciphers A\nlisten a\n bind :1 ssl crt /a\n"
        "global\n ssl-default-bind-ciphers B\nlisten b\n bind :2 ssl crt /a\n"
        " bind :3 ssl crt /a ciphers C\n"
    )
    found = sites("haproxy", {MAIN: text})
    assert [site.ciphers and site.ciphers.value for site in found] == ["A", "B", "C"]
    assert not any(one.value == "A" for one in found[1].settings)


def test_groups_and_dh_parameters_are_kept(sites: Sites) -> None:
    """Curves come before the old ecdhe and before the default; the file of DH is global."""
    site = bound(sites, "ecdhe P-256 curves X25519", "ssl-dh-param-file /dh.pem")
    assert site.groups
    assert site.groups.value == "X25519"
    assert site.dh_file
    assert site.dh_file.value == "/dh.pem"
    assert bound(sites, "", "ssl-default-bind-curves P-384").groups
    assert bound(sites, "").groups is None


def test_lines_of_a_crt_list_are_sites(sites: Sites) -> None:
    """Each has its names and options, and takes the rest from its bind."""
    listed = (
        "# comment\n/c/a.pem\n"
        "b.pem [ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.1 ciphers X] B.test *.b.test !x.b.test\n"
        "c.pem [ curves P-384  ciphersuites Y ] c.test\n"
    )
    text = (
        "global\n crt-base /c\nfrontend f\n bind :443 ssl crt-list /list curves P-256 ciphers Z\n"
    )
    first, second, third = sites("haproxy", {MAIN: text, "/list": listed})
    assert (first.names, first.protocols) == ((), None)
    assert second.names == ("b.test", "*.b.test")
    assert second.protocols == ALL[:2]
    assert second.ciphers
    assert (second.ciphers.value, second.ciphers.path, second.ciphers.line) == ("X", "/list", 3)
    assert second.pairs[0].certificate.value == "/c/b.pem"
    assert third.suites
    assert third.ciphers
    assert (third.suites.value, third.ciphers.value) == ("Y", "Z")
    assert third.groups
    assert third.groups.value == "P-256"
    assert [lost.setting.value for lost in third.ineffective] == ["P-384"]
    assert {site.listens for site in (first, second, third)} == {("*:443",)}


def test_a_bind_with_both_is_one_site_more(sites: Sites) -> None:
    """`crt` beside a list is the bind's own site; a list that is gone is a gap."""
    text = "frontend f\n bind :443 ssl crt /a.pem crt-list /list\n"
    found = sites("haproxy", {MAIN: text, "/list": "/b.pem b.test\n"})
    assert [site.place.name for site in found] == ["bind", "crt-list"]
    assert found[0].unseen == ()
    left, file = sites("haproxy", {MAIN: text.replace("/list", "/gone")})
    assert (left.place.name, file.place.name) == ("bind", "file")
    assert file.unseen == ("/gone: cannot be read",)


def test_folders_of_certificates_are_read_whole(sites: Sites) -> None:
    """All files count but keys, staples and the like; a key beside its certificate is its key."""
    files = dict.fromkeys(("/c/b.pem", "/c/a.crt", "/c/a.crt.key", "/c/a.crt.ocsp", "/c/.d"), "")
    text = "frontend f\n bind :443 ssl crt /c\n"
    (site,) = sites("haproxy", {MAIN: text, **files})
    assert [(pair.certificate.value, pair.key and pair.key.value) for pair in site.pairs] == [
        *(("/c/.d", "/c/.d"), ("/c/a.crt", "/c/a.crt.key"), ("/c/b.pem", "/c/b.pem")),
    ]


def test_bundles_and_stores(sites: Sites) -> None:
    """A name with .rsa and .ecdsa files stands for both; what a crt-store names is a gap."""
    files = {"/c/x.pem.rsa": "", "/c/x.pem.ecdsa": ""}
    (site,) = sites("haproxy", {MAIN: "frontend f\n bind :1 ssl crt /c/x.pem\n", **files})
    assert [pair.certificate.value for pair in site.pairs] == ["/c/x.pem.rsa", "/c/x.pem.ecdsa"]
    assert site.unseen == ()
    (stored,) = sites("haproxy", {MAIN: "frontend f\n bind :1 ssl crt @web/x\n"})
    assert (stored.pairs, len(stored.unseen)) == ((), 1)


def test_addresses_are_written_alike(sites: Sites) -> None:
    """Families, lists, ranges and sockets come out as address:port."""
    words = "*:1,0.0.0.0:2,10.0.0.1:3,[::]:4,:::5,ipv6@:6,::1:7,/run/x,abns@y,ipv4@:8-9"
    (site,) = sites("haproxy", {MAIN: f"listen l\n bind {words} ssl crt /a\n"})
    assert site.listens == (
        *("*:1", "*:2", "10.0.0.1:3", "[::]:4", "[::]:5", "[::]:6", "[::1]:7"),
        *("unix:/run/x", "abns@y", "*:8", "*:9"),
    )


def test_words_are_read_as_haproxy_does(sites: Sites) -> None:
    """Quotes, escapes, comments, and variables in double quotes only."""
    text = (
        'global\n setenv DIR /c\n presetenv NONE "x y"\n'
        "frontend f\n bind :443 ssl crt \"${DIR}/a b.pem\" ciphers 'A\\B'#comment crt /no\n"
        ' bind :444 ssl crt ${DIR}/a\\ b.pem ciphers "${GONE-X}" # crt /no\n'
    )
    first, second = sites("haproxy", {MAIN: text})
    assert first.ciphers
    assert second.ciphers
    assert (first.ciphers.value, second.ciphers.value) == ("A\\B", "X")
    assert [pair.certificate.value for pair in first.pairs] == ["/c/a b.pem"]
    assert [pair.certificate.value for pair in second.pairs] == ["/etc/haproxy/${DIR}/a b.pem"]
    assert (len(first.unseen), len(second.unseen)) == (0, 1)


def test_conditions_choose(sites: Sites) -> None:
    """Branches that do not hold are left out; one that cannot be told is a gap."""
    text = (
        "global\n setenv A 1\n.if defined(A)\n.if 0\n x\n.else\n"
        " ssl-default-bind-ciphers A\n.endif\n.elif 1\n ssl-default-bind-ciphers B\n.else\n"
        " ssl-default-bind-ciphers C\n.endif\n.if !defined(A)\n.if 1\n"
        " ssl-default-bind-ciphers D\n.endif\n.else\nfrontend f\n bind :1 ssl crt /a\n.endif\n"
    )
    (site,) = sites("haproxy", {MAIN: text})
    assert site.ciphers
    assert site.ciphers.value == "A"
    assert site.unseen == ()
    unknown = text.replace(".if 1", ".if strcmp(a,b)").replace("!defined(A)", 'streq("$A",1)')
    assert sites("haproxy", {MAIN: unknown})[0].unseen


def test_conf_d_is_read_after_the_main_file(sites: Sites) -> None:
    """Only files that end in .cfg count."""
    more = "frontend f\n bind :8443 ssl crt /a\n"
    files = {f"/etc/haproxy/conf.d/{name}": more for name in ("a.cfg", "b.old")}
    found = sites("haproxy", {MAIN: STOCK, **files})
    assert [site.listens[0] for site in found] == ["*:443", "*:8443"]
    assert found[1].protocols == ALL[2:]


def test_hostile_files_end_soon(sites: Sites) -> None:
    """Length, number, depth and NUL bytes cost time in proportion; what can be read is."""
    bind = "frontend f\n bind :443 ssl crt /a.pem\n"
    started = time.monotonic()
    for text in (
        bind + ".if 0\n" * 100_000,
        bind + ".else\n" * 100_000,
        bind + " bind :1 ssl crt " + '"' * 60_001 + "\n",
        bind + " bind :1 ssl crt " + '"' + '\\"' * 30_000 + "\n",
        bind + " bind :1 ssl " + "crt /a " * 9_000 + "\n",
        bind + " bind " + ":1-65535," * 7_000 + " ssl crt /a\n",
        bind + " bind :1-65535 ssl\n" * 2_000,
        bind + " bind :1 ssl crt-list /list\n" * 2_000,
        bind + "x" * 1_000_000,
        bind + "global\n" + " ssl-default-bind-options no-tlsv10\n" * 100_000,
        bind + 'setenv A "$A$A$A$A$A$A$Axxxxx"\n' * 20_000,
        bind + "\0 \0\n" * 100_000,
        bind + " bind :1 ssl crt /a\n" * 10_000,
        bind.encode() + bytes(range(128, 256)) * 1000,
    ):
        found = sites("haproxy", {MAIN: text, "/list": "# \n" * 20_000})
        assert found[0].listens == ("*:443",)
    assert time.monotonic() - started < 30


def test_the_real_haproxy_takes_a_like_configuration(tmp_path: Path, live: Live) -> None:
    """`haproxy -c` warns of exactly the words that are told as ignored."""
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
    assert program, "packaging/test installs it"
    config = tmp_path / "haproxy.cfg"
    text = (
        "global\n ssl-default-bind-options ssl-min-ver TLSv1.2\ndefaults\n timeout client 1s\n"
        " timeout connect 1s\n timeout server 1s\n mode http\nfrontend f\n"
        f" bind 127.0.0.1:{live.port()} ssl crt {live.both} {{}}\n"
    )
    for option, told in (("no-tlsv13", True), ("ssl-max-ver TLSv1.2", False)):
        config.write_text(text.format(option))
        asked = [program, "-c", "-f", str(config)]
        said = subprocess.run(asked, check=True, capture_output=True, text=True).stderr
        assert ("are ignored" in said) == told
