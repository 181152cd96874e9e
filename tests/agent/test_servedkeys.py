"""Keys on disks joined with who serves them and with what Vault holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent import servedkeys
from agent.configuration import NamedKey
from agent.served import Served, Shown
from agent.vaulted import Vaulted, VaultedKey
from checks.keyfiles import KeySeen
from checks.model import Finding, Severity
from checks.tls import judging, keyuse
from checks.tls.faults import Fault

if TYPE_CHECKING:
    from agent.servedkeys import Facts

PLACE = "tls://127.0.0.1:443"
NAMED = NamedKey("/etc/ssl/a key.pem", "k1", (1, 2))
HELD = VaultedKey(spki="k1", place="secret/web", version=3, newest=5)
SERVED = Served((Shown(place=PLACE, sha256="c1", spki="k1", at=1.0),))


def said(path: str = NAMED.path) -> Finding:
    """Give what is told of a key that configuration names, before anything else is known."""
    return judging.described(
        Fault("key-on-disk", "as it was", "k1"), path, keyuse.CHECKS["key-on-disk"]
    )


def known(*vaulted: VaultedKey, wanted: bool = True, severity: Severity | None = None) -> Facts:
    return servedkeys.facts(SERVED, Vaulted(vaulted), wanted=wanted, severity=severity)


def test_a_served_key_on_a_disk_should_be_in_vault() -> None:
    """The finding keeps its identity, names server and file, and says which command moves it."""
    [found] = servedkeys.judged([said()], [NAMED], known())
    assert (found.identity, found.severity) == (said().identity, Severity.MEDIUM)
    assert f"the private key of {PLACE} lies in a file on a disk (not encrypted)" in found.message
    assert "hygiene-agent keys import '/etc/ssl/a key.pem'" in found.fix


def test_one_that_vault_has_is_to_be_delivered_from_there() -> None:
    """It names the version, and what is newest."""
    [found] = servedkeys.judged([said()], [NAMED], known(HELD))
    assert found.message.endswith("Vault has it: secret/web version 3 of 5")
    assert "keys import" not in found.fix


@pytest.mark.parametrize(
    ("encrypted", "severity", "told"),
    [
        (True, None, Severity.LOW),
        (False, Severity.CRITICAL, Severity.CRITICAL),
    ],
)
def test_its_severity(*, encrypted: bool, severity: Severity | None, told: Severity) -> None:
    """Encrypted it matters less; what the policy says counts."""
    key = NamedKey(NAMED.path, "k1", (1, 2), encrypted)
    [found] = servedkeys.judged([said()], [key], known(severity=severity))
    assert found.severity is told


def test_what_is_not_served_or_not_wanted_stays_as_it_was() -> None:
    """Another key, another file, another check, a host without a keeper."""
    other = NamedKey(NAMED.path, "k2", (1, 2))
    assert [*servedkeys.judged([said()], [other], known())] == [said()]
    assert [*servedkeys.judged([said("/b")], [NAMED], known())] == [said("/b")]
    assert [*servedkeys.judged([said()], [NAMED], known(wanted=False))] == [said()]
    mismatch = judging.described(
        Fault("key-mismatch", "m", "k1"), NAMED.path, keyuse.CHECKS["key-mismatch"]
    )
    assert [*servedkeys.judged([mismatch], [NAMED], known())] == [mismatch]


def test_keys_that_no_configuration_names_are_told_too() -> None:
    """Each once: not by another name of a file that is named, and not where nobody serves it."""
    ours = KeySeen("/srv/app/key.pem", "k1", (1, 9))
    alias, idle = KeySeen("/etc/ssl/link.pem", "k1", (1, 2)), KeySeen("/srv/b.pem", "k2", (1, 8))
    assert servedkeys.further([ours, alias, idle], [NAMED], known()) == [ours]
    assert servedkeys.further([ours], [NAMED], known(wanted=False)) == []
    found = servedkeys.described(ours, known())
    assert (found.check, found.location.path) == ("key-on-disk", ours.path)
    assert PLACE in found.message
