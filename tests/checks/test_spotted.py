"""A finding says where and what, has an identity that survives moves, and repeats no value."""

from __future__ import annotations

import random

import msgspec
import pytest

from checks.model import Access, Confidence, Finding, Location, Severity
from checks.redact import FingerprintKey
from checks.spotted import Document, Spotted, finding

KEYS = (FingerprintKey(random.Random(1).randbytes(32)),)
VALUE = "k7" + random.Random(2).randbytes(9).hex()
ONE = Spotted(
    "embedded-password", Severity.HIGH, Confidence.HIGH, VALUE, 7, ("db", "password"), "m", "f"
)
FILE = Document("/etc/app.ini", b"", Access(0, 0, 0o644))


def described(spotted: Spotted = ONE, document: Document = FILE) -> Finding:
    """Describe what was spotted."""
    return finding(spotted, document, KEYS)


def test_a_finding_says_where_and_what() -> None:
    """Path, line, key path, access and length are there; the value is not."""
    found = described()
    assert found.location == Location("/etc/app.ini", 7, key_path="db.password")
    assert found.evidence is not None
    assert (found.evidence.preview, found.evidence.length) == ("••••••••", len(VALUE))
    assert found.access == FILE.access
    assert VALUE not in msgspec.json.encode(found).decode() + repr(found)


def test_the_identity_survives_a_moved_line() -> None:
    """Check, value, path and key path make a finding; its line does not."""
    assert described(ONE._replace(line=99)).identity == described().identity
    others = [
        described(ONE._replace(value=VALUE + "x")),
        described(ONE._replace(check="weak-password")),
        described(ONE._replace(keys=("db", "admin_password"))),
        described(document=FILE._replace(path="/etc/other.ini")),
    ]
    assert len({one.identity for one in [described(), *others]}) == 5


def test_a_value_within_its_own_key_path_is_hidden() -> None:
    """A value that is also a key (a map of tokens) does not show."""
    found = described(ONE._replace(keys=("tokens", VALUE, "secret")))
    assert VALUE not in found.location.key_path
    assert VALUE[4:] not in found.location.key_path
    assert found.location.key_path.startswith("tokens.")


def test_a_key_path_is_short_and_printable() -> None:
    """Hostile keys cannot fill a report or write to a terminal."""
    found = described(ONE._replace(keys=("\x1b[31m", *["deep"] * 1000)))
    assert len(found.location.key_path) <= 200
    assert found.location.key_path.isprintable()


@pytest.mark.parametrize(("length", "preview"), [(-1, "••••••••"), (5, "••••••••"), (0, "")])
def test_what_only_stands_for_a_key_has_the_length_of_the_key(length: int, preview: str) -> None:
    """A key's identity is a digest: its length is told apart, or not at all."""
    evidence = described(ONE._replace(length=length)).evidence
    assert evidence is not None
    assert (evidence.preview, evidence.length) == (preview, len(VALUE) if length < 0 else length)


def test_names_and_values_of_any_bytes_are_described() -> None:
    """Undecodable bytes in path, key or value are no fault."""
    odd = described(ONE._replace(value="\udcff\ud800x"), FILE._replace(path="/caf\udce9"))
    assert odd.identity != described().identity
