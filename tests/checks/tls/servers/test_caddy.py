"""Caddy's sites, from the Caddyfile and from the JSON that Caddy makes of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from checks.tls.config import Site

    Sites = Callable[[str, Mapping[str, str]], list[Site]]

MAIN = "/etc/caddy/Caddyfile"
JSON = "/etc/caddy/caddy.json"
SHARED = """
{
	https_port 8443
	default_bind 127.0.0.1 ::1
}
# a snippet with arguments
(strict) {
	tls /etc/ssl/{args.0}.pem /etc/ssl/{args.0}.key {
		protocols tls1.3
		curves x25519
	}
}
example.com, www.example.com {
	import strict shop
	respond "hi {"
}
"""


def test_a_snippet_stands_where_it_is_imported(sites: Sites) -> None:
    """Its arguments are filled in, and its lines keep their numbers; options hold for all sites."""
    (site,) = sites("caddy", {MAIN: SHARED})
    assert site.names == ("example.com", "www.example.com")
    assert site.listens == ("127.0.0.1:8443", "[::1]:8443")
    assert site.protocols == (Version.TLS13,)
    (pair,) = site.pairs
    assert pair.key
    assert (pair.certificate.value, pair.key.value) == ("/etc/ssl/shop.pem", "/etc/ssl/shop.key")
    assert site.groups
    assert (site.groups.value, site.groups.line) == ("x25519", 10)
    assert (site.place.line, site.starttls) == (13, "")
    newer = sites("caddy", {MAIN: SHARED.replace("args.0", "args[0]")})
    assert newer == [site]


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("a.example", "443"),
        ("https://a.example", "443"),
        ("a.example:8443", "8443"),
        ("localhost", "443"),
        ("*.a.example", "443"),
        (":443", "443"),
        ("https://", "443"),
        ("192.0.2.1", "443"),
        ("http://a.example", ""),
        ("http://a.example:8080", ""),
        (":80", ""),
        (":8080", ""),
        ("a.example:80", ""),
    ],
)
def test_which_addresses_have_tls(sites: Sites, address: str, port: str) -> None:
    """A host name brings TLS, a bare port does not, and plain HTTP is said by scheme or port."""
    found = sites("caddy", {MAIN: f"{address} {{\n\trespond hi\n}}\n"})
    assert [site.listens for site in found] == ([(f"*:{port}",)] if port else [])


def test_the_tls_directive_brings_tls(sites: Sites) -> None:
    """It does on any port but that of plain HTTP, and with automatic HTTPS off."""
    text = "{\n\tauto_https off\n}\n:8443 {\n\ttls internal\n}\n"
    text += "a.example:9443 {\n}\nhttp://b {\n\ttls x@y\n}\n"
    (site,) = sites("caddy", {MAIN: text})
    assert site.listens == ("*:8443",)
    assert site.pairs == ()
    assert len(sites("caddy", {MAIN: text.replace("auto_https off", "admin off")})) == 2


def test_a_lone_site_needs_no_braces(sites: Sites) -> None:
    """The first lines are its addresses, also over several lines, the rest its directives."""
    text = "a.example,\nb.example\n\ntls /a.pem a.key {\n\tprotocols tls1.2 tls1.2\n}\n"
    text += "bind 127.0.0.1\n"
    (site,) = sites("caddy", {MAIN: text})
    assert site.names == ("a.example", "b.example")
    assert site.listens == ("127.0.0.1:443",)
    assert site.protocols == (Version.TLS12,)
    assert site.pairs[0].key
    assert site.pairs[0].key.value == "/etc/caddy/a.key"


def test_files_are_imported_by_pattern(sites: Sites) -> None:
    """Sites may come from other files; a file that is named and missing is a gap."""
    files = {
        MAIN: "import sites/*.caddy\nimport gone.caddy\n",
        "/etc/caddy/sites/a.caddy": "a.example {\n\timport tls.inc tls1.3\n}\n",
        "/etc/caddy/sites/b.caddy": "b.example {\n}\n",
        "/etc/caddy/sites/tls.inc": "tls {\n\tprotocols {args[:]}\n}\n",
    }
    first, second = sites("caddy", files)
    assert first.names == ("a.example",)
    assert first.place.path == "/etc/caddy/sites/a.caddy"
    assert first.protocols == (Version.TLS13,)
    assert second.protocols is None
    assert any("gone.caddy" in gap for gap in first.unseen)


def test_ciphers_are_told_in_the_names_of_openssl(sites: Sites) -> None:
    """Go chooses the suites of TLS 1.3 itself, so that naming them is in vain."""
    text = "a.example {\n\ttls {\n\t\tciphers TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 {}\n\t}\n}\n"
    (site,) = sites("caddy", {MAIN: text.replace("{}", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305")})
    assert site.ciphers
    assert site.ciphers.value == "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305"
    assert site.ineffective == ()
    (site,) = sites("caddy", {MAIN: text.replace("{}", "TLS_AES_128_GCM_SHA256")})
    assert [one.setting.name for one in site.ineffective] == ["ciphers"]


def test_folders_of_certificates_are_listed(sites: Sites, pem: Path) -> None:
    """Every *.pem in them holds a certificate and its key."""
    both = (pem / "site.pem").read_text()
    files = {
        MAIN: "a.example {\n\ttls {\n\t\tload /certs\n\t}\n}\n",
        "/certs/a.pem": both,
        "/certs/b.txt": both,
    }
    (site,) = sites("caddy", files)
    assert [pair.certificate.value for pair in site.pairs] == ["/certs/a.pem"]


def test_a_protocol_that_caddy_does_not_take_is_a_gap(sites: Sites) -> None:
    """TLS 1.0 cannot be switched on; Caddy does not start with it."""
    text = "a.example {\n\ttls {\n\t\tprotocols tls1.0\n\t}\n}\n"
    (site,) = sites("caddy", {MAIN: text})
    assert site.protocols is None
    assert site.unseen
    assert not sites("caddy", {MAIN: text.replace("1.0", "1.2")})[0].unseen


def test_quotes_comments_and_documents_hide_braces(sites: Sites) -> None:
    """What stands in quotes, behind # or in a here-document opens and closes nothing."""
    text = """a.example {
	respond "}" # }
	respond `}
}` 200
	respond <<END
}
b.example {
	END
	tls {
		protocols tls1.3
	}
}
"""
    (site,) = sites("caddy", {MAIN: text})
    assert site.protocols == (Version.TLS13,)


def test_variables_have_their_defaults(sites: Sites) -> None:
    """{$NAME:value} is the value; without one nobody knows, and it stays."""
    (site,) = sites("caddy", {MAIN: "{$SITE:a.example}:{$PORT:9443} {\n}\n"})
    assert (site.names, site.listens) == (("a.example",), ("*:9443",))


def test_json_is_read_policy_by_policy(sites: Sites) -> None:
    """Each policy is a site; files are those whose tag it takes, lines are those of the file."""
    document = {
        "apps": {
            "http": {
                "servers": {
                    "main": {
                        "listen": ["tcp/:8443", "[::1]:8443"],
                        "tls_connection_policies": [
                            {
                                "match": {"sni": ["a.example"]},
                                "protocol_min": "tls1.3",
                                "certificate_selection": {"any_tag": ["one"]},
                            },
                            {"curves": ["x25519"]},
                        ],
                    },
                    "plain": {"listen": [":80"]},
                }
            },
            "tls": {
                "certificates": {
                    "load_files": [
                        {"certificate": "/a.pem", "key": "/a.key", "tags": ["one"]},
                        {"certificate": "/b.pem", "key": "/b.key"},
                    ]
                }
            },
        }
    }
    text = json.dumps(document, indent=1)
    first, second = sites("caddy", {JSON: text})
    assert first.names == ("a.example",)
    assert first.listens == ("*:8443", "[::1]:8443")
    assert first.protocols == (Version.TLS13,)
    assert [pair.certificate.value for pair in first.pairs] == ["/a.pem"]
    assert len(second.pairs) == 2
    assert second.groups
    assert '"curves"' in text.splitlines()[second.groups.line - 1]
    assert '"main"' in text.splitlines()[first.place.line - 1]


@pytest.mark.parametrize("text", ["{", "[]", '{"apps": 1}', "[" * 100_000, '{"a":' * 50_000])
def test_what_is_no_json_is_a_gap(sites: Sites, text: str) -> None:
    """Neither a wrong type nor a depth without end stops the reading of the rest."""
    (site,) = sites("caddy", {JSON: text})
    assert site.unseen
    assert sites("caddy", {JSON: "{}"}) == []


def test_hostile_caddyfiles_take_linear_time(sites: Sites) -> None:
    """Snippets that double, blocks without end and open quotes are cut short, and told."""
    doubled = "".join(
        f"(s{n}) {{\n\timport s{n + 1}\n\timport s{n + 1}\n}}\n" for n in range(39, -1, -1)
    )
    files = {
        MAIN: "(s40) {\n\ttls internal\n}\n" + doubled + "a.example {\n\timport s0\n}\n"
        "(r) {\n\timport r\n}\nb.example {\n\timport r\n}\n"
        + "x {\n" * 20_000
        + '"' * 300_001
        + "{$a:" * 100_000,
    }
    start = time.monotonic()
    found = sites("caddy", files)
    assert time.monotonic() - start < 15
    assert found[-1].unseen


def test_the_real_caddy_agrees(sites: Sites, tmp_path: Path) -> None:
    """What `caddy adapt` makes of a Caddyfile says the same when its JSON is read."""
    program = shutil.which("caddy")
    assert program, "the tests need Caddy"
    text = SHARED + "b.example:9443 {\n\ttls /b.pem /b.key {\n\t\tprotocols tls1.2 tls1.3\n\t}\n}\n"
    drawn = sites("caddy", {MAIN: text})
    command = [program, "adapt", "--adapter", "caddyfile", "--config", f"{tmp_path}{MAIN}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    adapted = sites("caddy", {JSON: done.stdout})
    assert _told(drawn) == _told(site for site in adapted if site.names)


def _told(found: Iterable[Site]) -> list[tuple[object, ...]]:
    return sorted(
        (
            sorted(site.names),
            site.listens,
            site.protocols,
            [pair.certificate.value for pair in site.pairs],
            site.groups and site.groups.value,
        )
        for site in found
    )
