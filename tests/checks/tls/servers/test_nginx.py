"""nginx's server blocks, as nginx itself takes them."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from checks.tls.numbers import Version
from checks.tls.servers import nginx
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from checks.tls.config import Site

    Sites = Callable[[str, Mapping[str, str | bytes]], list[Site]]

MAIN = "/etc/nginx/nginx.conf"
STOCK = """
user www-data;
worker_processes auto;
pid /run/nginx.pid;
include /etc/nginx/modules-enabled/*.conf;
events { worker_connections 768; }
http {
        types_hash_max_size 2048;
        # server_tokens off;
        ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; # Dropping SSLv3, ref: POODLE
        ssl_prefer_server_ciphers on;
        include /etc/nginx/conf.d/*.conf;
        include /etc/nginx/sites-enabled/*;
}
"""
SITE = """
server {
        listen 443 ssl default_server;
        listen [::]:443 ssl default_server;
        server_name example.org www.example.org;
        ssl_certificate /etc/ssl/certs/a.crt;
        ssl_certificate_key private/a.key;
        location / { try_files $uri $uri/ =404; }
}
"""
TLS1_TO_3 = (Version.TLS10, Version.TLS11, Version.TLS12, Version.TLS13)
TLS2_TO_3 = TLS1_TO_3[2:]


def one(sites: Sites, server: str, http: str = "") -> Site:
    text = f"events {{}} http {{ {http} server {{ listen 443 ssl; {server} }} }}"
    (found,) = sites("nginx", {MAIN: text})
    return found


def test_a_stock_configuration_gives_a_site_with_what_it_inherits(sites: Sites) -> None:
    """The site of sites-enabled takes its protocols from nginx.conf, each with its place."""
    (site,) = sites("nginx", {MAIN: STOCK, "/etc/nginx/sites-enabled/a": SITE})
    assert site.names == ("example.org", "www.example.org")
    assert site.listens == ("*:443", "[::]:443")
    assert site.protocols == TLS1_TO_3
    assert site.place.path == "/etc/nginx/sites-enabled/a"
    assert site.place.line == 2
    (protocols,) = (one for one in site.settings if one.name == "ssl_protocols")
    assert (protocols.path, protocols.line) == (MAIN, 10)
    (pair,) = site.pairs
    assert pair.certificate.value == "/etc/ssl/certs/a.crt"
    assert pair.key
    assert pair.key.value == "/etc/nginx/private/a.key"
    assert site.unseen == ()


def test_a_server_without_tls_is_no_site(sites: Sites) -> None:
    """The stock default site on port 80 alone gives nothing."""
    plain = SITE.replace(" ssl ", " ").replace("443", "80")
    assert sites("nginx", {MAIN: STOCK, "/etc/nginx/sites-enabled/a": plain}) == []


def test_an_enabled_site_is_found_through_its_link(tmp_path: Path, sites: Sites) -> None:
    """A link into sites-available is followed inside the root, whether absolute or not."""
    enabled = tmp_path / "etc/nginx/sites-enabled"
    enabled.mkdir(parents=True)
    (enabled / "a").symlink_to("/etc/nginx/sites-available/a")
    (enabled / "b").symlink_to("../sites-available/gone")
    found = sites("nginx", {MAIN: STOCK, "/etc/nginx/sites-available/a": SITE})
    assert [site.names[0] for site in found] == ["example.org"]
    assert any("sites-enabled/b" in gap for gap in found[0].unseen)


def test_a_servers_own_protocols_replace_inherited_ones(sites: Sites) -> None:
    """A server's list is taken instead of http's, and several of one block add up."""
    assert one(sites, "ssl_protocols TLSv1.2;", "ssl_protocols TLSv1;").protocols == TLS2_TO_3[:1]
    assert one(sites, "ssl_protocols TLSv1.2; ssl_protocols TLSv1.3;").protocols == TLS2_TO_3
    assert one(sites, "", "ssl_protocols TLSv1.3;").protocols == TLS2_TO_3[1:]


def test_without_protocols_the_versions_default_counts(sites: Sites) -> None:
    """No directive is None, since the default depends on nginx's version."""
    assert one(sites, "").protocols is None


def test_a_server_that_is_not_the_default_has_the_defaults_protocols(sites: Sites) -> None:
    """ssl_protocols of the second server of an address is told as ineffective, its ciphers not."""
    first, second = sites(
        "nginx",
        {
            MAIN: "http { server { listen 443 ssl; ssl_protocols TLSv1.2 TLSv1.3; }\n"
            "server { listen 443 ssl; server_name b; ssl_protocols TLSv1; ssl_ciphers X; } }"
        },
    )
    assert first.ineffective == ()
    assert second.protocols == TLS2_TO_3
    assert second.ciphers
    assert second.ciphers.value == "X"
    (lost,) = second.ineffective
    assert (lost.setting.value, lost.setting.line) == ("TLSv1", 2)
    assert "1.29.2" in lost.reason
    assert f"{MAIN}:1" in lost.fix


def test_early_data_is_the_default_servers_to_switch(sites: Sites) -> None:
    """Another server of the address can neither switch it on nor off (measured with 1.22)."""
    texts = [f"server {{ listen 443 ssl; server_name {n}; @{n} }}" for n in "abc"]
    text = " ".join(["http {", *texts, "}"]).replace("@c", "")
    for default, other, vain in (("on", "off", 1), ("off", "on", 1), ("on", "on", 0)):
        said = {"@a": f"ssl_early_data {default};", "@b": f"ssl_early_data {other};"}
        written = text.replace("@a", said["@a"]).replace("@b", said["@b"])
        found = sites("nginx", {MAIN: written})
        assert [len(site.ineffective) for site in found] == [0, vain, 0]
        told = [one.value for site in found for one in site.settings if "early" in one.name]
        assert told == [default] * 3


def test_the_default_server_is_the_one_that_says_so(sites: Sites) -> None:
    """default_server beats the order; a server of another address is a default of its own."""
    first, second, third = sites(
        "nginx",
        {
            MAIN: "http { server { listen 443 ssl; ssl_protocols TLSv1; }"
            " server { listen *:443 ssl default_server; ssl_protocols TLSv1.3; }"
            " server { listen 8443 ssl; ssl_protocols TLSv1; } }"
        },
    )
    assert first.protocols == second.protocols == TLS2_TO_3[1:]
    assert [len(site.ineffective) for site in (first, second, third)] == [1, 0, 0]


def test_a_server_behind_two_defaults_is_two_sites(sites: Sites) -> None:
    """What a server answers with depends on the address that was connected to."""
    found = sites(
        "nginx",
        {
            MAIN: "http { server { listen 443 ssl; ssl_protocols TLSv1.3; }"
            " server { listen 443 ssl; listen 8443 ssl; ssl_protocols TLSv1.2; } }"
        },
    )
    assert [(site.listens, site.protocols) for site in found[1:]] == [
        (("*:443",), TLS2_TO_3[1:]),
        (("*:8443",), TLS2_TO_3[:1]),
    ]


def test_tls_is_a_matter_of_the_address(sites: Sites) -> None:
    """A server whose listen lacks `ssl` speaks it where another one asks for it."""
    text = "http {{ server {{ listen 443; server_name a; }} server {{ listen {}; }} }}"
    assert len(sites("nginx", {MAIN: text.format("443 ssl")})) == 2
    assert len(sites("nginx", {MAIN: text.format("444 ssl")})) == 1


def test_the_old_switch_is_understood(sites: Sites) -> None:
    """`ssl on` makes a server's addresses speak TLS, `ssl off` does not."""
    text = "http { server { listen 443; ssl on; } server { listen 444; ssl off; } }"
    assert [site.listens for site in sites("nginx", {MAIN: text})] == [("*:443",)]


def test_addresses_are_written_alike(sites: Sites) -> None:
    """Hosts, ports, ranges and sockets of `listen` come out as address:port."""
    words = ("443", "*:1", "0.0.0.0:2", "10.0.0.1", "[::1]:3", "[::]", "unix:/run/x", "5-6")
    text = "".join(f"listen {word} ssl;" for word in words)
    (site,) = sites("nginx", {MAIN: f"http {{ server {{ {text} }} }}"})
    assert site.listens == (
        *("*:443", "*:1", "*:2", "10.0.0.1:80", "[::1]:3", "[::]:80", "unix:/run/x", "*:5", "*:6"),
    )


def test_names_to_ask_for_come_first(sites: Sites) -> None:
    """Wildcards stand last; catch-alls and regular expressions are no names."""
    names = one(sites, "server_name *.b.org _ ~^x$ .c.org '' A.org $hostname;").names
    assert names == ("a.org", "c.org", "*.b.org", "*.c.org")


def test_conf_commands_count(sites: Sites) -> None:
    """ssl_conf_command narrows protocols, and its strings come before nginx's own."""
    site = one(
        sites,
        "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers A; ssl_ecdh_curve secp384r1;"
        " ssl_conf_command MinProtocol TLSv1.1; ssl_conf_command Protocol -TLSv1.2;"
        " ssl_conf_command CipherString B; ssl_conf_command Ciphersuites C;",
    )
    assert site.protocols == (Version.TLS11,)
    assert [one and one.value for one in (site.ciphers, site.suites, site.groups)] == [
        *("B", "C", "secp384r1"),
    ]


def test_groups_and_dh_parameters_are_kept(sites: Sites) -> None:
    """ssl_ecdh_curve is the groups unless it is `auto`; ssl_dhparam is a path."""
    site = one(sites, "ssl_ecdh_curve X25519:P-256; ssl_dhparam dh.pem;")
    assert site.groups
    assert site.groups.value == "X25519:P-256"
    assert site.dh_file
    assert site.dh_file.value == "/etc/nginx/dh.pem"
    assert one(sites, "ssl_ecdh_curve auto;").groups is None


def test_two_certificates_go_with_two_keys(sites: Sites) -> None:
    """RSA and ECDSA pairs are told apart by their order."""
    site = one(
        sites,
        "ssl_certificate a.crt; ssl_certificate_key a.key;"
        " ssl_certificate b.crt; ssl_certificate_key b.key;",
        "ssl_certificate c.crt; ssl_certificate_key c.key;",
    )
    files = [(pair.certificate.value, pair.key and pair.key.value) for pair in site.pairs]
    assert files == [
        ("/etc/nginx/a.crt", "/etc/nginx/a.key"),
        ("/etc/nginx/b.crt", "/etc/nginx/b.key"),
    ]


@pytest.mark.parametrize(
    "directive",
    [
        "ssl_certificate $ssl_server_name.crt; ssl_certificate_key a.key;",
        "ssl_certificate data:$certificate;",
        "ssl_certificate_by_lua_block { local s = '}' -- }\n ssl.set({}) }",
        "ssl_certificate_by_lua_file x.lua;",
    ],
)
def test_certificates_that_no_file_tells_are_unseen(sites: Sites, directive: str) -> None:
    """A variable or Lua code chooses the certificate, which is a gap and no pair."""
    site = one(sites, f"{directive} ssl_protocols TLSv1.3;")
    assert site.pairs == ()
    assert site.unseen
    assert site.protocols == TLS2_TO_3[1:]
    assert one(sites, "ssl_certificate a.crt;").unseen == ()


def test_hsts_is_a_setting(sites: Sites) -> None:
    """The header of http is inherited by a server that sets none of its own."""
    header = 'add_header Strict-Transport-Security "max-age=63072000" always;'
    site = one(sites, "", header)
    assert "Strict-Transport-Security max-age=63072000 always" in {
        one.value for one in site.settings
    }
    assert site.ineffective == ()


def test_hsts_is_lost_where_other_headers_are_set(sites: Sites) -> None:
    """A server's or a location's own add_header replaces what it would inherit."""
    header = 'add_header Strict-Transport-Security "max-age=63072000" always;'
    above = one(sites, "add_header X-A b;", header)
    assert [one.setting.name for one in above.ineffective] == ["add_header"]
    assert above.ineffective[0].fix == f"Write the line in the block at {MAIN}:1 as well."
    assert not any(one.name == "add_header" for one in above.settings)
    inside = one(sites, f"{header} location /x {{ location /y {{ add_header X-A b; }} }}")
    assert len(inside.ineffective) == 1
    both = one(sites, f"{header} location /x {{ add_header X-A b; {header} }}")
    assert both.ineffective == ()
    merged = one(sites, "add_header_inherit merge; add_header X-A b;", header)
    assert merged.ineffective == ()


def test_mail_servers_upgrade(sites: Sites) -> None:
    """starttls of a mail server is told with its protocol; without it there is no site."""
    text = (
        "mail {{ server {{ listen 587; protocol smtp; starttls {0}; }}"
        " server {{ listen 143; starttls {0}; }} server {{ listen 993 ssl; protocol imap; }} }}"
    )
    found = sites("nginx", {MAIN: text.format("on")})
    assert [site.starttls for site in found] == ["smtp", "imap", ""]
    assert len(sites("nginx", {MAIN: text.format("off")})) == 1


def test_stream_servers_are_sites(sites: Sites) -> None:
    """TLS in stream counts, reading ahead in it (ssl_preread) does not."""
    text = (
        "stream { ssl_protocols TLSv1.3; server { listen 8883 ssl; proxy_pass x; }"
        " server { listen 9000; ssl_preread on; } }"
    )
    (site,) = sites("nginx", {MAIN: text})
    assert (site.listens, site.protocols) == (("*:8883",), TLS2_TO_3[1:])


def test_words_are_read_as_nginx_does(sites: Sites) -> None:
    """Quotes, escapes, comments inside words and braces of variables."""
    site = one(sites, 'set $x ${a}b#c; set $y "}\\"{"; set $z \'a;b\'; server_name a\\tb x;')
    assert site.names == ("a\tb", "x")


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("http { server { listen 443 ssl; } ", "a block does not end"),
        ("http { server { listen 443 ssl; } } }", "a brace closes nothing"),
        ("http { server { listen 443 ssl; } } x 'y", "a quotation does not end"),
        ("http { server { listen 443 ssl; } } x", "a directive does not end"),
        ("http { server { listen 443 ssl; } include gone.conf; }", "gone.conf: cannot be read"),
        ("http { server { listen 443 ssl; } include nginx.conf; }", "includes itself"),
    ],
)
def test_what_is_broken_is_told_beside_what_is_not(sites: Sites, text: str, gap: str) -> None:
    """A broken end leaves what stands before it, with the gap; a whole file has none."""
    (site,) = sites("nginx", {MAIN: text})
    assert any(gap in one for one in site.unseen)
    whole = "http { server { listen 443 ssl; } include none-*.conf; }"
    assert sites("nginx", {MAIN: whole})[0].unseen == ()


def test_a_gap_without_any_site_is_told_all_the_same(sites: Sites) -> None:
    """A site without address stands for the main file."""
    (site,) = sites("nginx", {MAIN: "http { include gone.conf; }"})
    assert (site.listens, site.place.path) == ((), MAIN)
    assert site.unseen


def test_hostile_files_end_soon(sites: Sites) -> None:
    """Depth, length, size and NUL bytes cost time in proportion, and what can be read is."""
    server = "http { server { listen 443 ssl; } "
    many = "server { listen 1 ssl; server_name a; }" * 20_000
    started = time.monotonic()
    for text in (
        server + "a{" * 100_000,
        server + "}" * 100_000,
        server + "x " * 100_000,
        server + "x" * 2_000_000,
        server + '"' + '\\"' * 100_000,
        server + "content_by_lua_block {" + '\\"' * 100_000,
        server + "content_by_lua_block {" + "[[" * 100_000,
        server + "\0" * 100_000 + ";}",
        server + "listen 1-65535 ssl;" * 10_000,
        server + "server { listen 1-65535 ssl; }" * 100,
        server + "ssl_conf_command a b;" * 100_000,
        server.encode() + bytes(range(128, 256)) * 1000 + b";",
        server + many,
    ):
        found = sites("nginx", {MAIN: text})
        assert found[0].listens == ("*:443",)
    assert len(found) == 20_001
    assert time.monotonic() - started < 30


def test_bombs_of_includes_go_off_small(sites: Sites) -> None:
    """Files that include one another many times over are read no more often than the limit."""
    files = {
        f"/etc/nginx/{number}.conf": f"include {number + 1}.conf;" * 3 for number in range(1, 60)
    }
    main = "http { server { listen 443 ssl; } include 1.conf; }"
    (site,) = sites("nginx", {MAIN: main, **files})
    assert any("2000 files" in gap or "include one another" in gap for gap in site.unseen)


def test_the_real_nginx_reads_it_alike(tmp_path: Path, sites: Sites) -> None:
    """The directives of `nginx -T` for a tree of files are those that are read here."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert program, "packaging/test installs it"
    (tmp_path / "sites").mkdir()
    main, enabled = tmp_path / "nginx.conf", tmp_path / "sites/a"
    server = 'server { listen 127.0.0.1:8443; server_name \'a b\' c\\d "e\\"f"; return 200 a#b; }'
    enabled.write_text(f"{server} # end\n")
    main.write_text(f"pid {tmp_path}/pid; events {{}}\nhttp {{ include sites/*; }}\n")
    asked = [program, "-T", "-q", "-e", "stderr", "-c", str(main)]
    dumped = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    assert f"# configuration file {enabled}:" in dumped
    enabled.write_text(server.replace("8443", "8443 ssl"))
    with RootTree() as tree:
        (site,) = nginx.sites(tree, str(main))
    assert site.place.path == str(enabled)
    assert site.names == ("a b", "c\\d", 'e"f')
