"""Which sites answer at an endpoint: by address first, then by name, all where it is not known."""

from __future__ import annotations

import pytest

from checks.tls import answering
from checks.tls.config import Setting, Site
from checks.tls.drift import Configured
from checks.tls.facts import Target


def site(name: str, listen: str = "*:443", *names: str, server: str = "nginx") -> Configured:
    place = Setting("server", name, "/etc/nginx/nginx.conf", 1)
    made = Site(server=server, place=place, names=names, listens=tuple(listen.split()))
    return Configured(made, names=names)


def told(configured: list[Configured], target: Target, software: str = "") -> str:
    found = answering.serving(configured, target, software)
    return " ".join(one.site.place.value for one in found)


HERE = Target("127.0.0.1", 443)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("a.test", "a"),
        ("A.test", "a"),
        ("x.b.test", "b"),
        ("xb.test", "a b c d e"),
        ("bücher.test", "e"),
        ("xn--bcher-kva.test", "e"),
        ("www.c.org", "c"),
        ("other.test", "a b c d e"),
        ("", "a b c d e"),
    ],
)
def test_a_site_with_the_name_answers_and_else_any(wanted: str, expected: str) -> None:
    """Exact names before wildcards; the default server may be any of them."""
    sites = [site("a", "*:443", "a.test"), site("b", "*:443", "*.b.test")]
    sites += [site("c", "*:443", "www.c.*"), site("d"), site("e", "*:443", "bücher.test")]
    assert told(sites, Target("127.0.0.1", 443, wanted)) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", "a"), ("10.0.0.1", "b"), ("10.0.0.2", "c"), ("::1", "d"), ("fe80::1%2", "d")],
)
def test_the_more_exact_address_counts(host: str, expected: str) -> None:
    """An address of its own before any, and that of the family before any at all."""
    sites = [site("a", "localhost:443"), site("b", "10.0.0.1:443 10.0.0.1:80")]
    sites += [site("c", "*:443"), site("d", "[::]:443"), site("e", "*:8443")]
    assert told(sites, Target(host, 443)) == expected
    assert told(sites, Target(host, 444)) == ""


def test_sites_of_caddy_are_for_their_names_alone() -> None:
    """Who names another host, or none, is answered as no site of a name says."""
    sites = [site("a", "*:443", "a.test", server="caddy"), site("any", "*:443", server="caddy")]
    assert told(sites, Target("127.0.0.1", 443, "a.test")) == "a"
    assert told(sites, Target("127.0.0.1", 443, "other.test")) == "any"
    assert told(sites, HERE) == "any"
    assert told(sites[:1], HERE) == ""


def test_another_server_or_protocol_is_not_compared() -> None:
    """A file of apache says nothing of nginx, nor one of HTTPS of SMTP."""
    sites = [site("a"), site("b", server="apache")]
    assert told(sites, HERE, "apache") == "b"
    assert told(sites, HERE, "haproxy") == ""
    assert told(sites, HERE) == "a b"
    assert told(sites, Target("127.0.0.1", 443, "", "smtp")) == ""


def test_names_are_asked_for_as_clients_write_them() -> None:
    """Wildcards by some label, other scripts as A-labels; no expressions, no addresses."""
    odd = ("*.a.test", "b.test.", "www.*", "bücher.test", "10.0.0.1", "a b", "_x.test", "B.test")
    sites = [site("a", "*:443", *odd), site("b", "*:8443", "not.here")]
    assert answering.names(sites, HERE) == [
        "b.test",
        "xn--bcher-kva.test",
        "_x.test",
        "hygiene-agent.a.test",
    ]
    known = site("d", "*:443", "*.a.test", "www.a.test")
    assert answering.names([known], HERE) == ["www.a.test"]
    assert (
        len(answering.names([site("c", "*:443", *(f"n{i}.test" for i in range(99)))], HERE)) == 50
    )
