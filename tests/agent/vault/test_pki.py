"""A certificate is made for the names that are set, with a key made here or there, once a need."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from agent.keysettings import AppRoleLogin, PkiSource
from agent.vault.errors import VaultError, Why
from agent.vault.material import Material, MaterialError
from agent.vault.session import Session
from agent.vault.sources import source
from tests.agent.vault.authority import issue
from tests.agent.vault.hostile import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.keysettings import VaultSettings
    from agent.vault.got import Got
    from tests.agent.vault.conftest import Vault
    from tests.agent.vault.hostile import Hostile

NAMES = ("www.example.net", "api.example.net", "127.0.0.1", "::1")
ASKED = PkiSource(role="web", names=NAMES, ttl=3600)


@pytest.fixture
def session(vault: Vault) -> Iterator[Session]:
    made = Session(vault.approle(), "host")
    yield made
    made.close()


def _material(got: Got | None) -> Material:
    assert got
    assert isinstance(got.what, Material)
    return got.what


@pytest.mark.parametrize("local", [True, False])
def test_a_certificate_is_fit(session: Session, local: bool) -> None:  # noqa: FBT001 - the case
    """Its pair, names and life are those that were asked for; its root is not sent along."""
    asked = msgspec.structs.replace(ASKED, local=local)
    got = source(asked, session).get("", time.time())
    found = _material(got)
    assert found.faults(NAMES, time.time()) == []
    assert got
    assert (got.begins, got.ends) == (found.begins, found.ends)
    assert 3500 < got.ends - time.time() < 3700
    [leaf] = x509.load_pem_x509_certificates(found.certificates)
    assert f"{leaf.serial_number:040x}" == got.version.replace(":", "").zfill(40)
    key = load_pem_private_key(found.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"


def test_a_key_made_here_never_leaves(
    hostile: Hostile, reach: Callable[..., VaultSettings]
) -> None:
    """What goes out is a request with the names and the public half."""
    session = Session(reach(login=AppRoleLogin(role_id="r")), "host")
    hostile.says(LOGIN, answer(500, {}))
    with pytest.raises(VaultError):
        source(ASKED, session).get("", time.time())
    body = msgspec.json.decode(hostile.heard[-1].body, type=dict[str, str])
    request = x509.load_pem_x509_csr(body["csr"].encode())
    assert request.is_signature_valid
    told = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert told.get_values_for_type(x509.DNSName) == list(NAMES[:2])
    assert [str(one) for one in told.get_values_for_type(x509.IPAddress)] == list(NAMES[2:])
    assert b"PRIVATE" not in hostile.heard[-1].body
    assert (body["common_name"], body["ttl"]) == (NAMES[0], "3600s")
    assert (body["alt_names"], body["ip_sans"]) == (",".join(NAMES[:2]), ",".join(NAMES[2:]))
    session.close()


def test_it_is_made_once_for_each_need(session: Session) -> None:
    """What was made and not taken up is given again; once it is known, there is another."""
    one, now = source(ASKED, session), time.time()
    first = one.get("", now)
    asked = session.requests
    assert one.get("", now + 60) is first
    assert one.get("an older one", now + 600) is first
    assert session.requests == asked
    assert first
    second = one.get(first.version, now)
    assert second
    assert second.version != first.version
    assert one.get(first.version, now + 3000) is not second


@pytest.mark.parametrize(
    ("asked", "why", "text"),
    [
        ({"names": ("www.example.org",)}, Why.DENIED, "the role does not allow a name"),
        ({"role": "nobody"}, Why.DENIED, "there is no such role"),
        ({"mount": "nowhere"}, Why.DENIED, "Vault does not allow it"),
        ({"names": ("ü.example.net",)}, Why.REFUSED, "names: expected host names in ASCII"),
        ({"names": ("x" * 70 + ".example.net",)}, Why.DENIED, "Vault refuses the request"),
    ],
)
def test_what_is_not_made_is_told(
    session: Session, asked: dict[str, Any], why: Why, text: str
) -> None:
    """A name, a role or an engine that is not to be had is told in our own words."""
    with pytest.raises(VaultError) as caught:
        source(msgspec.structs.replace(ASKED, **asked), session).get("", time.time())
    assert caught.value.why is why
    assert text in str(caught.value)


LOGIN = answer(200, {"auth": {"client_token": "s.x", "lease_duration": 3600, "renewable": True}})
ROOT = issue("root")
MIDDLE = issue("middle", ROOT)
LEAF = issue(NAMES[0], MIDDLE, names=NAMES)
GOOD = {
    "certificate": LEAF.pem,
    "serial_number": "2d:86:00",
    "private_key": LEAF.private,
    "ca_chain": [MIDDLE.pem, ROOT.pem],
    "issuing_ca": MIDDLE.pem,
}


@pytest.fixture
def issued(hostile: Hostile, reach: Callable[..., VaultSettings]) -> Iterator[Any]:
    """Have answers of the engine taken, one after the other."""
    session = Session(reach(login=AppRoleLogin(role_id="r")), "host")
    one = source(msgspec.structs.replace(ASKED, local=False), session)

    def get(*answers: dict[str, object]) -> Got | None:
        hostile.says(
            *([] if session.logins else [LOGIN]), *(answer(200, {"data": a}) for a in answers)
        )
        return one.get("", time.time())

    yield get
    session.close()


def test_a_chain_goes_up_to_its_root(issued: Any) -> None:  # noqa: ANN401 - a fixture
    """Intermediates are sent, the root is not, and without a chain there is the issuer."""
    whole = _material(issued(GOOD)).certificates.decode()
    assert whole == LEAF.pem + MIDDLE.pem


@pytest.mark.parametrize("chain", [None, []])
def test_without_a_chain_the_issuer_is_it(issued: Any, chain: object) -> None:  # noqa: ANN401 - a fixture
    """An engine that tells no chain tells the issuer."""
    found = _material(issued({**GOOD, "ca_chain": chain}))
    assert found.certificates.decode() == LEAF.pem + MIDDLE.pem


def test_what_is_unfit_is_not_kept(hostile: Hostile, issued: Any) -> None:  # noqa: ANN401 - a fixture
    """A pair that does not match is given once, for the keeper to refuse; then another is asked."""
    bad = _material(issued({**GOOD, "private_key": ROOT.private}))
    assert bad.faults(NAMES, time.time())
    assert not _material(issued(GOOD)).faults(NAMES, time.time())
    asked = len(hostile.heard)
    assert _material(issued({}))
    assert len(hostile.heard) == asked


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"certificate": "x"}, MaterialError),
        ({"certificate": None}, VaultError),
        ({"private_key": ""}, MaterialError),
        ({"ca_chain": [7]}, VaultError),
        ({"ca_chain": ["x"]}, MaterialError),
        ({"serial_number": "no number"}, VaultError),
        ({"serial_number": ""}, VaultError),
    ],
)
def test_odd_answers_are_no_certificate(
    issued: Any,  # noqa: ANN401 - a fixture
    wrong: dict[str, object],
    error: type[Exception],
) -> None:
    """Whatever is missing or of another kind gives no object."""
    with pytest.raises(error):
        issued({**GOOD, **wrong})
