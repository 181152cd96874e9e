"""An inventory for a person: everything is there, nothing reaches the terminal unescaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from agent.inventory import Inventory
from agent.joining import joined
from agent.output import inventorytext

if TYPE_CHECKING:
    from agent.inventory import Gathered


@pytest.fixture
def inventory(gathered: Gathered) -> Inventory:
    return joined(gathered)


def test_each_thing_stands_in_its_place(inventory: Inventory) -> None:
    """Listeners in a table, then endpoints, certificates, keys, what is missing, and the sum."""
    text = "".join(inventorytext.render(inventory))
    order = (
        *("Listeners (5)", "TLS endpoints (2)", "Certificates, the first to end first (3)"),
        *("Keys (4)", "named and not there (1)", "Not looked at (2)", "web1, 2026-06-01"),
    )
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "  0.0.0.0:22   ssh, without TLS   /usr/sbin/nginx  nginx.service  root\n" in text
    assert (
        "5 listeners, 2 TLS endpoints, 3 certificates (1 without a key), 4 keys (2 without" in text
    )
    assert text.endswith("Not complete: 2 not looked at: see above.\n")


def test_an_endpoint_shows_what_it_speaks(inventory: Inventory) -> None:
    """Each protocol with its suites, the newest first; one that is off is left out."""
    text = "".join(inventorytext.render(inventory))
    block = text.partition("  tls://127.0.0.1:443/a.example\n")[2].partition("  smtp+tls")[0]
    assert re.findall(r"^ {6}(\S[^\n]{10}\S?) *(\S.*)$", block, re.MULTILINE)
    assert [line[6:18].strip() for line in block.splitlines()] == [
        *("purpose", "TLS 1.3", "TLS 1.2", "TLS 1.1", "groups", "set up in"),
    ]
    assert "TLS 1.1     not known" in block
    assert "there may be more suites" in text.partition("  smtp+tls")[2].partition("Certif")[0]


def test_a_certificate_shows_its_life_and_key(inventory: Inventory) -> None:
    """What is left of it, or since when it is over; a key that was not found is told."""
    text = "".join(inventorytext.render(inventory))
    assert "a.example  EC secp256r1  until 2026-07-31, 60 of 91 days left" in text
    assert "c.example  EC secp256r1  until 2026-05-30, ended 2 days ago" in text
    assert "key         none found below /etc" in text
    assert "faults      cert-expired" in text


def test_a_key_shows_where_it_lies_and_who_reads_it(inventory: Inventory) -> None:
    """Its custodian stands under its path; what only configuration says is told as such."""
    text = "".join(inventorytext.render(inventory))
    assert (
        "/etc/ssl/a.key\n                  PRIVATE KEY, root:www-data 0640, readable by group"
        in text
    )
    assert "RSA 2048  of no certificate that was found" in text
    assert "encrypted, root:www-data 0640, readable by group, whose it is was not proved" in text


@pytest.mark.parametrize("colour", [False, True])
def test_nothing_hostile_reaches_the_terminal(inventory: Inventory, *, colour: bool) -> None:
    """Of control characters only line ends are there, and our own colours where asked for."""
    text = "".join(inventorytext.render(inventory, colour=colour, width=60))
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert (plain != text) == colour
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\udc80-\udcff]", plain)
    assert "\\x1b[2J" in plain


def test_an_empty_inventory_is_one_line() -> None:
    """No heading stands over nothing."""
    empty = Inventory(
        version="1", host="web1", root="", taken="2026-06-01T12:00:00+00:00", seconds=0.1, below=()
    )
    assert "".join(inventorytext.render(empty)).count("\n") == 1
