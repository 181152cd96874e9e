"""Proofs accept what their makers build and refuse what was changed, cut or typed by hand."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.secrets.proofs import PROOFS

MAKERS = [
    ("bech32", ("AGE-SECRET-KEY-",)),
    ("crc32-base36", ("glpat-",)),
    ("crc32-base36", ("acme-glpat-", "60")),
    ("crc32-base62", ("ghp_",)),
    ("crc32-hex", ("glsa_",)),
    ("macaroon", ("pypi-", "pypi.org")),
    ("macaroon", ("pypi-", "test.pypi.org")),
    *(("nkey", (kind,)) for kind in "UAONCX"),
]


@pytest.mark.parametrize(("name", "arguments"), MAKERS)
def test_accepts_what_it_makes(name: str, arguments: tuple[str, ...]) -> None:
    """A sample carries the proof, and the same seed gives the same sample."""
    proof = PROOFS[name]
    sample = proof.make(random.Random(7), *arguments)
    assert proof.holds(sample)
    assert sample == proof.make(random.Random(7), *arguments)


@pytest.mark.parametrize(("name", "arguments"), MAKERS)
def test_refuses_a_sample_cut_short_or_made_longer(name: str, arguments: tuple[str, ...]) -> None:
    """A sample that lost or gained characters does not carry the proof."""
    sample = PROOFS[name].make(random.Random(7), *arguments)
    assert not PROOFS[name].holds(sample[:-4])
    assert not PROOFS[name].holds(sample + "AAAA")


@given(seed=st.integers(0, 2**32), position=st.integers(1, 56))
def test_nkey_refuses_a_changed_character(seed: int, position: int) -> None:
    """One changed character of a NATS seed breaks its checksum."""
    sample = PROOFS["nkey"].make(random.Random(seed), "U")
    other = "A" if sample[position] != "A" else "B"
    assert not PROOFS["nkey"].holds(sample[:position] + other + sample[position + 1 :])


@given(seed=st.integers(0, 2**32), position=st.integers(6, 51))
def test_crc_refuses_a_changed_character(seed: int, position: int) -> None:
    """One changed character of a GitLab token breaks its checksum."""
    sample = PROOFS["crc32-base36"].make(random.Random(seed), "glpat-")
    other = "a" if sample[position] != "a" else "b"
    assert not PROOFS["crc32-base36"].holds(sample[:position] + other + sample[position + 1 :])


def test_crc_reads_a_token_behind_other_text() -> None:
    """What stands in front of a GitLab token's own prefix may belong to it or not."""
    sample = PROOFS["crc32-base36"].make(random.Random(7), "glpat-")
    assert PROOFS["crc32-base36"].holds(f"token-{sample}")
    assert not PROOFS["crc32-base36"].holds(f"token-x{sample}")


def test_base64_json_reads_a_token_with_and_without_a_prefix() -> None:
    """The object may start the token or follow its prefix; a list is no object."""
    proof = PROOFS["base64-json"]
    assert proof.holds(proof.make(random.Random(7)))
    assert proof.holds(proof.make(random.Random(7), "glc_"))
    assert not proof.holds("glc_" + base64.b64encode(b'["o", "k"]').decode())


def test_jwt_carries_the_claims_it_is_given_first() -> None:
    """A token of a cluster starts its payload as the cluster does; one without payload is none."""
    sample = PROOFS["jwt"].make(random.Random(7), "iss=kubernetes/serviceaccount")
    header, payload, _ = sample.split(".")
    assert base64.b64decode(payload + "==").startswith(b'{"iss":"kubernetes/serviceaccount",')
    assert PROOFS["jwt"].holds(sample)
    assert not PROOFS["jwt"].holds(f"{header}.{header[:-3]}.{payload}")


def test_discord_reads_the_user_id() -> None:
    """The first part of a bot's token is a decimal number; letters are none."""
    proof = PROOFS["discord"]
    sample = proof.make(random.Random(7))
    assert proof.holds(sample)
    named = base64.urlsafe_b64encode(b"a bot's name here").decode().rstrip("=")
    assert not proof.holds(sample.replace(sample.partition(".")[0], named))


def test_macaroon_reads_the_prefixes_that_pypi_documents() -> None:
    """A macaroon for pypi.org starts as every PyPI token does."""
    sample = PROOFS["macaroon"].make(random.Random(7), "pypi-", "pypi.org")
    assert sample.startswith("pypi-AgEIcHlwaS5vcmc")


@pytest.mark.parametrize("name", sorted(PROOFS))
@given(value=st.text(max_size=200))
def test_holds_never_raises(name: str, value: str) -> None:
    """Any text at all is answered with yes or no."""
    assert PROOFS[name].holds(value) in {True, False}


@given(body=st.binary(max_size=300))
def test_macaroon_survives_any_bytes(body: bytes) -> None:
    """Bytes that are no macaroon are refused, whatever lengths they claim."""
    text = "pypi-" + base64.urlsafe_b64encode(b"\2" + body).decode().rstrip("=")
    assert PROOFS["macaroon"].holds(text) in {True, False}
