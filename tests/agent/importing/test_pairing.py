"""A key finds its own certificate and chain among whatever lies beside it."""

from __future__ import annotations

import textwrap
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from agent.importing import pairing
from agent.vault.material import Material, MaterialError, material
from checks.secrets import pem
from tests.agent.vault.authority import issue

_ROOT = issue("root")
_MIDDLE = issue("middle", _ROOT)
_LEAF = issue("leaf", _MIDDLE, names=["*.example.net", "www.example.net"])
_OTHER = issue("other", _ROOT, names=["other.example.net"])


def _paired(text: str) -> Material:
    blocks = list(pem.find(text.encode()))
    key = next(one for one in blocks if one.private)
    return pairing.paired(key, blocks, (), time.time())


def _key(form: PrivateFormat = PrivateFormat.PKCS8, passphrase: bytes = b"") -> str:
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return _LEAF.key.private_bytes(Encoding.PEM, form, how).decode()


@pytest.mark.parametrize(
    "text",
    [
        _key() + _LEAF.pem + _MIDDLE.pem,
        _ROOT.pem + _OTHER.pem + _MIDDLE.pem + _LEAF.pem + _key(),
        "web:\n" + textwrap.indent(_key() + _LEAF.pem + _MIDDLE.pem, "    "),
        _key(PrivateFormat.TraditionalOpenSSL) + _LEAF.pem + _MIDDLE.pem + _LEAF.pem,
    ],
    ids=["in order", "with others, the root too", "indented", "SEC 1, one twice"],
)
def test_it_is_one_object_in_the_order_of_servers(text: str) -> None:
    """The leaf first, then what issued it, without the root."""
    made = _paired(text)
    assert made.certificates.decode() == _LEAF.pem + _MIDDLE.pem
    assert made.key.decode() == _LEAF.private
    told = pairing.fields(made)
    assert told == {"key": _LEAF.private, "certificate": _LEAF.pem, "chain": _MIDDLE.pem}
    assert material(told, {}).pem == made.pem
    assert pairing.names(made) == ["www.example.net"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_key() + _OTHER.pem, "no certificate of this key"),
        (_key(), "no certificate of this key"),
        (_key(passphrase=b"long enough") + _LEAF.pem, "passphrase"),
        (_key(PrivateFormat.OpenSSH) + _LEAF.pem, "none that a TLS server can use"),
        (_key()[:150] + "\n" + _LEAF.pem, "missing|none that"),
    ],
)
def test_what_no_server_can_use_is_refused(text: str, said: str) -> None:
    """With the reason, and without the key."""
    with pytest.raises(MaterialError, match=said) as caught:
        _paired(text)
    assert _LEAF.private.splitlines()[1] not in str(caught.value)


def test_what_is_over_is_refused() -> None:
    """The keeper would not serve it either."""
    over = issue("over", names=["a.example.net"], days=(-9, -1))
    with pytest.raises(MaterialError, match="ended"):
        _paired(over.private + over.pem)


def test_a_key_of_another_kind_is_told_from_a_certificate_of_it() -> None:
    """Ed25519 beside a certificate for a key on a curve."""
    key = ed25519.Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(MaterialError, match="no certificate of this key"):
        _paired(text + _LEAF.pem)
