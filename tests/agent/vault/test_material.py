"""A key, its certificate and its chain are fit to be served as one object, or say why not."""

from __future__ import annotations

import hashlib
import re
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from agent.vault.material import Material, MaterialError, Values, material
from tests.agent.vault.authority import Issued, issue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "www.example.net"
ROOT = issue("root")
MIDDLE = issue("middle", ROOT)
LEAF = issue(NAME, MIDDLE, names=[NAME, "127.0.0.1"])


def _faults(found: Material, *names: str, later: float = 0) -> list[str]:
    return found.faults(names or [NAME], time.time() + later)


def test_what_belongs_together_is_fit() -> None:
    """A pair with its chain, its names and within its dates has no fault."""
    found = Material(LEAF.private, LEAF.pem, [MIDDLE.pem, ROOT.pem])
    assert _faults(found, NAME, "127.0.0.1") == []


def test_another_key_is_told() -> None:
    """A key that is not the certificate's makes it unfit."""
    found = Material(MIDDLE.private, LEAF.pem, [MIDDLE.pem])
    assert _faults(found) == ["the key is not the one of the certificate"]


def test_a_kind_of_key_that_is_not_known_is_told(tmp_path: Path) -> None:
    """A certificate for a curve that the library does not know is unfit, wherever it stands."""
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:secp112r1 -nodes -days 9"
    files = ("-subj", f"/CN={NAME}", "-keyout", tmp_path / "key", "-out", tmp_path / "pem")
    subprocess.run([*words.split(), *files], check=True, capture_output=True)
    odd = (tmp_path / "pem").read_text()
    assert "the certificate is for a kind of key that is not known here" in _faults(
        Material(LEAF.private, odd)
    )
    [fault] = _faults(Material(LEAF.private, LEAF.pem, [odd]))
    assert "did not issue" in fault


@pytest.mark.parametrize("chain", [[ROOT, MIDDLE], [ROOT], [issue("middle")]])
def test_a_chain_in_disorder_is_told(chain: list[Issued]) -> None:
    """An issuer that is missing, behind its own issuer, or has only the name, makes it unfit."""
    [fault] = _faults(Material(LEAF.private, LEAF.pem, [one.pem for one in chain]))
    assert "did not issue" in fault


def test_names_are_those_that_a_client_would_accept() -> None:
    """Names that it is not for are told; case and wildcards count as they do for clients."""
    wild = issue("wild", names=["*.example.net"])
    found = Material(wild.private, wild.pem)
    assert _faults(found, "WWW.example.net") == []
    assert _faults(found, "a.b.example.net", "example.net", "127.0.0.1") == [
        f"the certificate is not for {one}"
        for one in ("a.b.example.net", "example.net", "127.0.0.1")
    ]
    assert _faults(Material(ROOT.private, ROOT.pem), NAME) == [f"the certificate is not for {NAME}"]


@pytest.mark.parametrize(("days", "word"), [((-9, -1), "ended"), ((1, 9), "begins")])
def test_dates_count_in_the_whole_chain(days: tuple[int, int], word: str) -> None:
    """One that is over or not yet good makes it unfit, wherever in the chain it is."""
    above = issue("above", days=days)
    below = issue(NAME, above, names=[NAME])
    [fault] = _faults(Material(below.private, below.pem, [above.pem]))
    assert re.fullmatch(rf"CN=above {word} \d\d\d\d-\d\d-\d\d \d\d:\d\d UTC", fault)


def test_it_ends_with_the_first_of_its_chain() -> None:
    """An issuer that ends before the leaf ends the object; it begins with the leaf."""
    above = issue("above", days=(-20, 2))
    below = issue(NAME, above, names=[NAME])
    found = Material(below.private, below.pem, [above.pem])
    assert found.ends == above.certificate.not_valid_after_utc.timestamp()
    assert found.begins == below.certificate.not_valid_before_utc.timestamp()
    assert _faults(found, later=3 * 86400)
    alone = Material(below.private, below.pem)
    assert alone.ends == below.certificate.not_valid_after_utc.timestamp()


def test_it_is_written_as_servers_read_it() -> None:
    """The key in PKCS #8, the leaf, its issuers upwards; what comes twice is there once."""
    found = Material(LEAF.private, LEAF.pem + MIDDLE.pem, [MIDDLE.pem])
    texts = re.findall(rb"-----BEGIN [^-]+-----.+?-----END [^-]+-----\n", found.pem, re.DOTALL)
    assert [one.decode() for one in texts] == [LEAF.private, LEAF.pem, MIDDLE.pem]
    assert found.key + found.certificates == found.pem
    assert load_pem_private_key(found.key, None).public_key() == LEAF.key.public_key()
    der = LEAF.certificate.public_bytes(Encoding.DER)
    assert found.sha256 == hashlib.sha256(der).hexdigest()


def _encrypted(words: str) -> str:
    locked = BestAvailableEncryption(words.encode())
    return LEAF.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode()


def _agreeing() -> str:
    """Give a key that cannot sign."""
    made = x25519.X25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


BAD_KEYS: dict[str, Callable[[], str]] = {
    "empty": str,
    "certificate": lambda: LEAF.pem,
    "cut": lambda: LEAF.private[:-60],
    "encrypted": lambda: _encrypted("of a test"),
    "agreeing": _agreeing,
    "surrogate": lambda: LEAF.private[:40] + "\ud800" + LEAF.private[40:],
    "long": lambda: LEAF.private + "\n" * 300_000,
}


@pytest.mark.parametrize("kind", BAD_KEYS)
def test_what_is_no_key_is_refused(kind: str) -> None:
    """Whatever is no open private key in PEM is refused, and not repeated."""
    text = BAD_KEYS[kind]()
    with pytest.raises(MaterialError) as caught:
        Material(text, LEAF.pem)
    _withheld(text, str(caught.value))


@pytest.mark.parametrize("text", ["", LEAF.pem[:-60], "\ud800", LEAF.private, LEAF.pem * 9000])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    """Whatever is no certificate in PEM is refused, and not repeated."""
    for certificate, chain in ((text, []), (text, [LEAF.pem]), (LEAF.pem, [text])):
        with pytest.raises(MaterialError) as caught:
            Material(LEAF.private, certificate, chain)
        _withheld(text, str(caught.value))


@pytest.mark.parametrize("cut", [1, 2, 30, 400])
def test_a_chain_that_is_cut_off_is_refused(cut: int) -> None:
    """Clients would miss the certificate that is passed over; a whole one is taken."""
    whole = LEAF.pem + MIDDLE.pem.rstrip()
    assert Material(LEAF.private, whole).certificates.decode() == LEAF.pem + MIDDLE.pem
    with pytest.raises(MaterialError, match="not whole"):
        Material(LEAF.private, whole[: -30 - cut])


def test_an_endless_chain_is_refused() -> None:
    """More certificates than any chain has are refused."""
    many = [issue(f"ca{number}").pem for number in range(20)]
    with pytest.raises(MaterialError, match="more than 16"):
        Material(LEAF.private, LEAF.pem, many)


def _withheld(text: str, shown: str) -> None:
    lines = [line for line in text.splitlines() if len(line) > 12 and "---" not in line]
    assert not any(line in shown for line in lines)


@pytest.mark.parametrize("chain", [MIDDLE.pem, [MIDDLE.pem], None])
def test_a_secret_with_named_fields_is_an_object(chain: object) -> None:
    """Fields are found by the names they have there; a chain is a text, texts, or missing."""
    fields = {"tls.key": LEAF.private, "certificate": LEAF.pem, "above": chain}
    found = material(fields, {"key": "tls.key", "chain": "above"})
    assert found.certificates.decode() == LEAF.pem + (MIDDLE.pem if chain else "")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"certificate": LEAF.pem}, "key"),
        ({"key": LEAF.private, "certificate": 7}, "certificate"),
        ({"key": LEAF.private, "certificate": LEAF.pem, "chain": {"a": 1}}, "chain"),
        ({"key": LEAF.private, "certificate": LEAF.pem, "chain": [1]}, "chain"),
    ],
)
def test_a_field_of_another_type_is_named(fields: dict[str, object], named: str) -> None:
    """A field that is missing or no text is named."""
    with pytest.raises(MaterialError, match=f"^{named}: expected"):
        material(fields, {})


def test_nothing_shows_what_it_holds(password: str) -> None:
    """No representation has more than the certificate's fingerprint and the fields' names."""
    found = Material(LEAF.private, LEAF.pem, [MIDDLE.pem])
    values = Values({"user": "app", "password": password})
    assert repr(found) == f"Material({found.sha256[:16]})" == str(found)
    assert repr(values) == str(values) == f"{values}" == "Values(password, user)"


def test_values_are_compared_by_what_they_hold(make_password: Callable[[str], str]) -> None:
    """The same fields with the same values are the same, others not."""
    one, same, other = (Values({"a": make_password(seed)}) for seed in ("x", "x", "y"))
    assert one == same != other
    assert hash(one) == hash(same)
    assert one != same.fields


def test_a_hostile_name_is_printable() -> None:
    """A name with control characters does not reach a terminal as it is."""
    above = issue("a\x1b[2J\nb")
    fault = Material(LEAF.private, LEAF.pem, [above.pem]).faults([], time.time())[0]
    assert fault.isprintable()
