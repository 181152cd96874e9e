"""Names and addresses are matched as RFC 9525 says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls.hostnames import ascii_name, matches


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("www.example.org", "www.example.org"),
        ("WWW.Example.org", "www.example.org"),
        ("www.example.org.", "www.example.org"),
        ("www.example.org", "*.example.org"),
        ("localhost", "localhost"),
        ("my_host.example.org", "my_host.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("bücher.example.org", "*.example.org"),
    ],
)
def test_a_name_fits(wanted: str, name: str) -> None:
    """Case, the last dot, A-labels and a wildcard for the leftmost label make no difference."""
    assert matches(wanted, (name,), ())


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("example.org", "*.example.org"),
        ("a.b.example.org", "*.example.org"),
        ("www.example.org", "w*.example.org"),
        ("www.example.org", "*w.example.org"),
        ("www.example.org", "www.*.org"),
        ("example.org", "*.org"),
        ("localhost", "*"),
        ("www.example.org", "*"),
        ("www.example.org", "www.example.org\0.evil.example"),
        ("www.example.org", "www.example.com"),
        ("*.example.org", "*.example.org"),
        (".example.org", "*.example.org"),
        ("www..example.org", "www..example.org"),
        ("straße.example", "strasse.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "*.0.2.1"),
        ("", ""),
    ],
)
def test_a_name_does_not_fit(wanted: str, name: str) -> None:
    """Wildcards elsewhere, partial or too wide ones, and addresses as DNS names do not count."""
    assert not matches(wanted, (name,), ())


@pytest.mark.parametrize(
    ("wanted", "address", "fits"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:DB8::1", "2001:db8::1", True),
        ("[2001:db8:0::1]", "2001:db8::1", True),
        ("fe80::1%eth0", "fe80::1", True),
        ("host.example", "192.0.2.1", False),
    ],
)
def test_addresses_fit_addresses(wanted: str, address: str, *, fits: bool) -> None:
    """An address is compared with the addresses, however it is spelled."""
    assert matches(wanted, (), (address,)) is fits


@given(st.text(max_size=300))
def test_any_text_gives_a_plain_name_or_none(text: str) -> None:
    """What is asked for may be anything; its wire form is ASCII and at most 63 a label."""
    name = ascii_name(text)
    assert name.isascii()
    assert all(0 < len(label) < 64 for label in name.split(".")) or name == ""
    assert isinstance(matches(text, (text,), (text,)), bool)
