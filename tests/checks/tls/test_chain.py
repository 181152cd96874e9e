"""Paths from what was sent to what is trusted, and what hostile chains cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa
from hypothesis import given
from hypothesis import strategies as st

from checks.printable import printable
from checks.tls import certificate, chain
from checks.tls.checks import certificates, chains, keys
from checks.tls.facts import Chain

if TYPE_CHECKING:
    from checks.tls.chain import Path
    from tests.checks.tls.conftest import Issued, Maker

_JUDGES = (certificates.judge, chains.judge, keys.judge)


def _path(maker: Maker, trusted: list[Issued], *sent: Issued) -> Path:
    facts = maker.facts(sent)
    (found,) = chain.paths(facts.chains, maker.context(*trusted))
    return found


def _ders(path: Path) -> list[bytes]:
    return [one.der for one in path.certificates]


def test_a_path_goes_from_the_leaf_to_the_root(
    maker: Maker, root: Issued, middle: Issued, leaf: Issued
) -> None:
    """The path has the server's own certificate first and the trusted one last."""
    path = _path(maker, [root], leaf, middle)
    assert _ders(path) == [leaf.der, middle.der, root.der]
    assert path.anchored
    assert path.ordered
    assert path.settled
    assert path.unanchored == path.certificates[:-1]
    assert path.leads_to(frozenset({certificate.key_digest(root.der)}))
    assert not path.leads_to(frozenset({certificate.key_digest(middle.der)}))


def test_without_a_trusted_root_it_goes_as_far_as_it_can(
    maker: Maker, root: Issued, middle: Issued, leaf: Issued
) -> None:
    """A path that reaches no trusted root is the longest there is, and leads to no public one."""
    path = _path(maker, [], leaf, middle, root)
    assert _ders(path) == [leaf.der, middle.der, root.der]
    assert not path.anchored
    assert path.unanchored == path.certificates
    assert not path.leads_to(frozenset({certificate.key_digest(root.der)}))


def test_the_order_in_which_it_was_sent_does_not_matter(
    maker: Maker, root: Issued, middle: Issued, leaf: Issued
) -> None:
    """The same path is found in any order, with others in between and with doubles."""
    low = maker.authority("Lower Intermediate", middle)
    own = maker.make(issuer=low)
    wanted = [own.der, low.der, middle.der, root.der]
    for sent in ((own, low, middle), (own, root, middle, leaf, low), (root, middle, low, own)):
        assert _ders(_path(maker, [root], *sent)) == wanted
    assert _path(maker, [root], own, own, low, low, middle).ordered
    assert not _path(maker, [root], own, middle, low).ordered


def test_a_proved_leaf_is_the_leaf(maker: Maker, root: Issued) -> None:
    """Where the server signed with the first certificate's key, it is no chain upside down."""
    both = maker.authority("Authority And Server", root)
    issued = maker.make(issuer=both)
    sent = (both.der, issued.der)
    context = maker.context(root)
    for proved, leaf in ((None, issued.der), (True, both.der)):
        (path,) = chain.paths([Chain(sent, proved=proved)], context)
        assert path.leaf.der == leaf


def test_names_are_compared_without_case_and_string_type(maker: Maker, root: Issued) -> None:
    """An issuer's name written in capitals, or as another string type, is the same name."""
    title = b"Test Root"
    made = maker.make(issuer=root)
    shouted = maker.resigned(made, root, [(title, title.upper())])
    printed = maker.resigned(made, root, [(b"\x0c\x09" + title, b"\x13\x09" + title)])
    other = maker.resigned(made, root, [(title, b"Best Root")])
    assert _path(maker, [root], shouted).anchored
    assert _path(maker, [root], printed).anchored
    assert not _path(maker, [root], other).anchored


def test_issuers_in_a_circle_come_to_an_end(maker: Maker, root: Issued) -> None:
    """Two authorities that certify each other are visited once each."""
    one = maker.authority("One")
    two = maker.authority("Two", one)
    back = maker.authority("One", two, key=one.key)
    path = _path(maker, [root], maker.make(issuer=one), back, two)
    assert len(path.certificates) == 3
    assert not path.anchored


def test_old_and_new_signature_algorithms_are_checked(maker: Maker) -> None:
    """RSA with MD5 or SHA-1 and ML-DSA signatures count only if they are right."""
    for digest in ("md5", "sha1"):
        old = maker.authority("Old Root", key=maker.rsa_key())
        impostor = old._replace(key=maker.rsa_key(1))
        made = maker.make(issuer=old)
        assert _path(maker, [old], maker.signed_old(made, old, digest)).anchored
        assert not _path(maker, [old], maker.signed_old(made, impostor, digest)).anchored
    new = maker.authority("New Root", key=mldsa.MLDSA65PrivateKey.generate())
    impostor = new._replace(key=mldsa.MLDSA65PrivateKey.generate())
    assert _path(maker, [new], maker.make(issuer=new)).anchored
    assert not _path(maker, [new], maker.make(issuer=impostor)).anchored


def test_a_signature_that_cannot_be_checked_is_told(maker: Maker, root: Issued) -> None:
    """An algorithm nobody knows is no fault of trust; that it was not checked is told."""
    made = maker.make(issuer=root)
    number = bytes.fromhex("06082a8648ce3d040302")
    strange = maker.resigned(made, root, [(number, number[:-1] + b"\x77")])
    strange = strange._replace(der=strange.der.replace(number, number[:-1] + b"\x77"))
    facts, context = maker.facts([strange]), maker.context(root)
    assert [fault for judge in _JUDGES for fault in judge(facts, context)] == []
    assert list(chain.unseen(facts.chains, context)) == [
        "chain: a signature on its way was not checked"
    ]
    assert list(chain.unseen(maker.facts([made]).chains, context)) == []


def test_what_is_no_certificate_is_told(maker: Maker, root: Issued, leaf: Issued) -> None:
    """Rubbish in a chain is unseen; as the server's own certificate it is judged by nobody."""
    rubbish = leaf._replace(der=b"rubbish")
    context = maker.context(root)
    behind, first = maker.facts([leaf, rubbish]), maker.facts([rubbish, leaf])
    assert any("certificate 2" in why for why in chain.unseen(behind.chains, context))
    assert any("certificate 1" in why for why in chain.unseen(first.chains, context))
    assert list(chains.judge(behind, context)) == []
    assert chain.paths(first.chains, context) == ()
    assert chain.paths([Chain(())], context) == ()


def test_ten_thousand_certificates_are_bounded(maker: Maker, root: Issued) -> None:
    """A chain without end is read to a limit, quickly, and that is told."""
    own = maker.make(issuer=root)
    more = [maker.authority("Same Name", root) for _ in range(40)]
    sent = Chain((own.der, *(one.der + bytes([n]) for n in range(250) for one in more)))
    context = maker.context(root)
    began = time.process_time()
    (path,) = chain.paths([sent], context)
    assert path.anchored
    assert any("more than" in why for why in chain.unseen([sent], context))
    assert time.process_time() - began < 3


def test_namesakes_without_end_are_bounded(maker: Maker, root: Issued) -> None:
    """Two hundred authorities of one name, each signed by another, take few signatures."""
    key = maker.rsa_key()
    namesakes = [maker.authority("Same Name", root, key=None) for _ in range(200)]
    circle = [maker.authority("Same Name", one) for one in namesakes]
    own = maker.make(issuer=root._replace(subject=circle[0].subject))
    began = time.process_time()
    path = _path(maker, [maker.authority("Else", key=key)], own, *circle)
    assert not path.settled
    assert time.process_time() - began < 3


def test_more_chains_than_anybody_has_are_told(maker: Maker, root: Issued, leaf: Issued) -> None:
    """An endpoint's chains are judged up to a limit, and that is told."""
    many = maker.facts(*([leaf] for _ in range(chain.MOST_CHAINS + 1)))
    context = maker.context(root)
    assert len(chain.paths(many.chains, context)) == chain.MOST_CHAINS
    assert any("more than" in why for why in chain.unseen(many.chains, context))


@pytest.fixture(scope="module")
def sample(maker: Maker, middle: Issued) -> bytes:
    """Give a certificate with all that is read of one."""
    return maker.make(issuer=middle, key=maker.rsa_key(), names=["a.example", "192.0.2.1"]).der


@given(data=st.data())
def test_mutated_chains_are_judged_without_a_crash(
    data: st.DataObject, maker: Maker, root: Issued, middle: Issued, sample: bytes
) -> None:
    """Any bytes of a certificate may be others: faults come out, or nothing, never a crash."""
    changed = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    sent = data.draw(st.permutations([bytes(changed), middle.der, root.der]))
    facts = maker.facts()
    facts = type(facts)(target=facts.target, versions=facts.versions, chains=(Chain(tuple(sent)),))
    context = maker.context(root, public=frozenset({certificate.key_digest(root.der)}))
    for fault in (fault for judge in _JUDGES for fault in judge(facts, context)):
        assert printable(fault.message) == fault.message
    assert all(printable(why) == why for why in chain.unseen(facts.chains, context))
