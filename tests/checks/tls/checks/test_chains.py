"""Faults of chains and of trust, each with its negative control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.model import Severity
from checks.printable import printable
from checks.tls.checks.chains import CHECKS, judge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.checks.tls.conftest import Issued, Maker


def _ids(maker: Maker, trusted: Iterable[Issued], *chains: Iterable[Issued]) -> list[str]:
    found = list(judge(maker.facts(*chains), maker.context(*trusted)))
    assert all(fault.check in CHECKS for fault in found)
    assert all(printable(fault.message) == fault.message for fault in found)
    return [fault.check for fault in found]


@pytest.fixture(scope="module")
def other(maker: Maker) -> Issued:
    """Give a root that issued nothing here."""
    return maker.authority("Other Root")


def test_a_private_authority_in_the_store_is_no_fault(
    maker: Maker, root: Issued, middle: Issued, leaf: Issued
) -> None:
    """A chain to a root that the host trusts has no fault, with the root sent or without."""
    assert _ids(maker, [root], [leaf, middle]) == []
    assert _ids(maker, [root], [leaf, middle, root]) == []


def test_an_unknown_root_is_untrusted(
    maker: Maker, root: Issued, middle: Issued, leaf: Issued, other: Issued
) -> None:
    """A whole chain to a root that the host does not trust is untrusted, not incomplete."""
    assert _ids(maker, [other], [leaf, middle, root]) == ["cert-untrusted"]
    assert _ids(maker, [other], [leaf, middle]) == ["cert-untrusted"]


def test_a_missing_intermediate_is_incomplete(
    maker: Maker, root: Issued, middle: Issued, leaf: Issued
) -> None:
    """A certificate whose issuer was not sent makes the chain incomplete; sending it mends that."""
    assert _ids(maker, [root], [leaf]) == ["cert-chain-incomplete"]
    assert _ids(maker, [root], [leaf, root]) == ["cert-chain-incomplete"]
    assert _ids(maker, [root], [leaf, middle]) == []


def test_an_intermediate_in_the_store_is_enough(maker: Maker, middle: Issued, leaf: Issued) -> None:
    """An administrator may trust an intermediate itself."""
    assert _ids(maker, [middle], [leaf]) == []


def test_an_intermediate_of_another_key_is_told_apart(
    maker: Maker, root: Issued, leaf: Issued
) -> None:
    """A certificate that bears the issuer's name only does not complete the chain."""
    namesake = maker.authority("Test Intermediate", root)
    facts = maker.facts([leaf, namesake])
    (fault,) = judge(facts, maker.context(root))
    assert fault.check == "cert-chain-incomplete"
    assert "only others of that name" in fault.message


def test_self_signed_is_neither_untrusted_nor_incomplete(maker: Maker, root: Issued) -> None:
    """A self-signed certificate is one fault; trusted by the host it is none."""
    own = maker.make()
    assert _ids(maker, [root], [own]) == ["cert-self-signed"]
    assert _ids(maker, [], [own]) == ["cert-self-signed"]
    assert _ids(maker, [root, own], [own]) == []


def test_without_roots_trust_is_not_judged(maker: Maker, middle: Issued, leaf: Issued) -> None:
    """A host whose roots are not known gives no verdict on trust."""
    assert _ids(maker, [], [leaf, middle]) == []


def test_a_reversed_chain_is_out_of_order(
    maker: Maker, root: Issued, middle: Issued, leaf: Issued
) -> None:
    """What is not in the order of its signatures is told, wherever the server's own stands."""
    assert _ids(maker, [root], [leaf, root, middle]) == ["cert-chain-order"]
    assert _ids(maker, [root], [root, middle, leaf]) == ["cert-chain-order"]
    assert _ids(maker, [root], [middle, leaf]) == ["cert-chain-order"]


def test_certificates_behind_the_needed_ones_are_no_fault(
    maker: Maker, root: Issued, middle: Issued, leaf: Issued, other: Issued
) -> None:
    """Extra certificates are ignored unless they stand in between."""
    assert _ids(maker, [root], [leaf, middle, other]) == []
    assert _ids(maker, [root], [leaf, other, middle]) == ["cert-chain-order"]


def test_an_expired_intermediate_is_told(maker: Maker, root: Issued) -> None:
    """An intermediate that is not valid today is a fault of the chain, not of the leaf."""
    for left in (-1, 4000):
        old = maker.authority("Old Intermediate", root, left=left)
        assert _ids(maker, [root], [maker.make(issuer=old), old]) == ["cert-chain-expired"]


def test_an_expired_certificate_beside_a_valid_one_is_not_needed(
    maker: Maker, root: Issued
) -> None:
    """Of two certificates for one intermediate the valid one is taken, whichever comes first."""
    new = maker.authority("Renewed", root)
    old = maker.authority("Renewed", root, key=new.key, left=-1)
    leaf = maker.make(issuer=new)
    assert _ids(maker, [root], [leaf, new, old]) == []
    assert "cert-chain-expired" not in _ids(maker, [root], [leaf, old, new])


def test_an_expired_cross_signature_does_not_count_beside_a_trusted_root(
    maker: Maker, other: Issued
) -> None:
    """A root that the host trusts ends the path, though its older cross-signature was sent too."""
    new_root = maker.authority("New Root")
    crossed = maker.authority("New Root", other, key=new_root.key, left=-1)
    middle = maker.authority("Crossed Intermediate", new_root)
    leaf = maker.make(issuer=middle)
    assert _ids(maker, [new_root, other], [leaf, middle, crossed]) == []
    assert _ids(maker, [other], [leaf, middle, crossed]) == ["cert-chain-expired"]


def test_an_expired_root_of_the_host_is_told(maker: Maker) -> None:
    """A path that ends in an expired root does not hold."""
    old = maker.authority("Old Root", left=-1)
    facts = maker.facts([maker.make(issuer=old)])
    (fault,) = judge(facts, maker.context(old))
    assert fault.check == "cert-chain-expired"
    assert "root of this host" in fault.message


def test_a_server_s_certificate_cannot_issue(maker: Maker, root: Issued) -> None:
    """What was signed by a certificate that is no authority leads nowhere."""
    server = maker.make(issuer=root)
    forged = maker.make("bank.example", server)
    assert _ids(maker, [root], [forged, server]) == ["cert-chain-incomplete"]


def test_a_forged_signature_leads_nowhere(
    maker: Maker, root: Issued, middle: Issued, other: Issued
) -> None:
    """The right names without the right signature are no path."""
    impostor = other._replace(subject=middle.subject)
    assert _ids(maker, [root], [maker.make(issuer=impostor), middle]) == ["cert-chain-incomplete"]


def test_one_fault_of_two_chains_is_told_once(maker: Maker, root: Issued, other: Issued) -> None:
    """The same certificate seen twice gives one fault; two certificates give two."""
    first, second = maker.make(issuer=root), maker.make(issuer=root)
    assert _ids(maker, [other], [first, root], [first, root]) == ["cert-untrusted"]
    assert _ids(maker, [other], [first, root], [second, root]) == ["cert-untrusted"] * 2


def test_severities_are_the_stated_ones() -> None:
    """Each check has the severity that policies build on."""
    assert {check: text.severity for check, text in CHECKS.items()} == {
        "cert-chain-expired": Severity.HIGH,
        "cert-chain-incomplete": Severity.HIGH,
        "cert-chain-order": Severity.LOW,
        "cert-self-signed": Severity.MEDIUM,
        "cert-untrusted": Severity.HIGH,
    }
