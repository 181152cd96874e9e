"""What is said about a secret never lets it be read or guessed back."""

from __future__ import annotations

import random
import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import redact
from checks.redact import FingerprintKey

KEY = FingerprintKey(random.Random(1).randbytes(32))
OTHER = FingerprintKey(random.Random(2).randbytes(32))


def made(length: int, seed: int = 0) -> str:
    """Make a value of letters and digits."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=length))


@pytest.mark.parametrize(("length", "prefix", "readable"), [(19, 4, 0), (20, 4, 4), (40, 9, 4)])
def test_a_mask_shows_the_beginning_of_long_tokens_only(
    length: int, prefix: int, readable: int
) -> None:
    """Four characters at the most, and none of a short value or of one without an issuer."""
    value = made(length)
    assert redact.mask(value, prefix=prefix) == value[:readable] + "•" * 8
    assert redact.mask(value) == "•" * 8


@given(st.text(min_size=1))
def test_a_mask_has_the_same_length_for_all_values(value: str) -> None:
    """The number of dots says nothing about the value."""
    assert redact.mask(value) == "••••••••"


@given(st.text())
def test_any_value_has_a_fingerprint(value: str) -> None:
    """Lone surrogates too; the same value and key give the same, another key another."""
    assert KEY.of(value) == KEY.of(value)
    assert KEY.of(value).value != OTHER.of(value).value
    assert KEY.of(value).value != KEY.of(value + "x").value
    assert len(KEY.of(value).value) == 32


def test_a_key_is_long_and_never_shown() -> None:
    """31 bytes are refused; the representation names the key by a digest of it."""
    with pytest.raises(ValueError, match="32 bytes"):
        FingerprintKey(b"k" * 31)
    key = b"fingerprint-key-of-exactly-32-by"
    assert repr(FingerprintKey(key)) == f"<FingerprintKey {FingerprintKey(key).id}>"
    assert key.decode() not in repr(FingerprintKey(key))
    assert FingerprintKey(key).id not in key.hex()


def test_evidence_holds_mask_length_and_a_fingerprint_a_key() -> None:
    """Nothing else of a value is left, in whatever form the evidence is written."""
    value = made(40)
    evidence = redact.evidence(value, (KEY, OTHER), prefix=4)
    assert (evidence.preview, evidence.length) == (value[:4] + "•" * 8, 40)
    assert [one.key for one in evidence.fingerprints] == [KEY.id, OTHER.id]
    for form in (repr(evidence), msgspec.json.encode(evidence).decode()):
        assert value[4:] not in form
        assert value[:5] not in form


def test_a_shown_name_has_no_control_characters() -> None:
    """Escape sequences, line ends and marks of direction are replaced; letters stay."""
    assert redact.shown("a\x1b[31m\n\u202eb é") == "a?[31m??b é"
    assert len(redact.shown("name " * 1000)) == 80


def test_a_token_within_a_name_is_hidden() -> None:
    """A random run in a key path or user name may be a secret itself; words stay."""
    token = "k7" + made(30, 5) + "Q9z"
    assert token[4:] not in redact.shown(f"user {token} of db")
    assert redact.shown("application_database_password") == "application_database_password"


def test_a_value_is_taken_out_of_its_own_key() -> None:
    """A key that repeats its value does not show it; a word that any key has stays."""
    value = made(12, 3)
    assert redact.without(f"token.{value}", value) == "token.•"
    assert redact.without("password", "word") == "password"


def test_a_key_that_others_compare_by_is_not_used_on_what_may_be_guessed() -> None:
    """The host's own key is used on both, so that identities stay what they are."""
    own, shared = redact.FingerprintKey(b"h" * 32), redact.FingerprintKey(b"s" * 32, careful=True)
    for value, keys in (
        ("Summer2026!Prod", [own.id]),
        ("0f" + "19ac83e7" * 4, [own.id, shared.id]),
    ):
        found = redact.evidence(value, (own, shared))
        assert [one.key for one in found.fingerprints] == keys
