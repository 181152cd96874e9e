"""An inventory joins listeners, endpoints, certificates and keys, and says what it did not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent import packing
from agent.inventory import SCHEMA, Inventory, purpose
from agent.joining import joined
from checks.keyfiles import KeySeen

if TYPE_CHECKING:
    from agent.inventory import Gathered
    from checks.tls.summary import CertificateSummary, EndpointSummary

CLOSED = "/srv/b.key"


@pytest.fixture
def inventory(gathered: Gathered) -> Inventory:
    return joined(gathered)


def test_every_listener_is_there(inventory: Inventory) -> None:
    """Also those without TLS and those of which it is not known; with what was asked through."""
    told = {one.port: (one.speaks, one.tls, one.endpoints) for one in inventory.listeners}
    assert told == {
        443: ("TLS", True, ("tls://127.0.0.1:443/a.example",)),
        25: ("smtp, STARTTLS", True, ("smtp+tls://127.0.0.1:25",)),
        22: ("ssh, without TLS", False, ()),
        9: ("not known: silent", None, ()),
        80: ("not asked", None, ()),
    }


def test_suites_stand_once_with_where_they_are_used(inventory: Inventory) -> None:
    """The newest protocol first; a protocol without a suite is in use all the same."""
    told = [(one.protocol, one.name, one.bits, len(one.endpoints)) for one in inventory.suites]
    assert told == [
        ("TLS 1.3", "TLS_AES_256_GCM_SHA384", 256, 1),
        ("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 128, 2),
        ("SSL 2", "", 0, 1),
    ]
    assert (inventory.suites[1].exchange, inventory.suites[1].authentication) == ("ECDHE", "ECDSA")
    assert [one.forward_secrecy for one in inventory.suites] == [True, True, False]


def test_a_certificate_knows_who_serves_it_and_its_key(inventory: Inventory) -> None:
    """The first to end comes first; life and what is left are whole days, what is over below 0."""
    over, served, named = inventory.certificates
    assert [row.certificate.names[0] for row in (over, served, named)] == [
        "c.example",
        "a.example",
        "b.example",
    ]
    assert [(row.days, row.days_left) for row in (over, served)] == [(29, -2), (91, 60)]
    assert served.served == ("tls://127.0.0.1:443/a.example",)
    assert (served.files, served.named) == (("/etc/ssl/a.pem",), ("/etc/nginx/nginx.conf:3",))
    assert served.keys == ("/etc/copy/a.key", "/etc/ssl/a.key")
    assert (over.keys, over.files) == ((), ())
    assert (named.served, named.keys) == ((), (CLOSED,))


def test_faults_of_certificates_stand_beside_them(inventory: Inventory) -> None:
    """Those of protocols do not, and a sound certificate has none."""
    assert [row.faults for row in inventory.certificates] == [("cert-expired",), (), ()]


def test_a_key_has_all_its_files_and_certificates(
    inventory: Inventory, certificates: tuple[CertificateSummary, ...]
) -> None:
    """Copies are one key; one that belongs to nothing is listed too."""
    rows = {row.spki: row for row in inventory.keys}
    served = rows[certificates[0].spki]
    assert [file.path for file in served.files] == ["/etc/copy/a.key", "/etc/ssl/a.key"]
    assert served.certificates == (certificates[0].sha256,)
    assert served.endpoints == ("tls://127.0.0.1:443/a.example",)
    lone = rows["f" * 64]
    assert (lone.key, lone.certificates, lone.endpoints) == ("RSA 2048", (), ())
    assert len(inventory.keys) == 4


def test_an_encrypted_key_belongs_where_configuration_says(
    inventory: Inventory, certificates: tuple[CertificateSummary, ...]
) -> None:
    """That is not proved, and one that no configuration names belongs to nothing."""
    row = next(row for row in inventory.keys if row.files[0].path == CLOSED)
    assert row.certificates == (certificates[1].sha256,)
    (file,) = row.files
    assert (file.proved, file.encrypted, file.named) == (False, True, ("/etc/nginx/nginx.conf:9",))
    unnamed = next(row for row in inventory.keys if "calc" in row.files[0].path)
    assert (unnamed.spki, unnamed.certificates) == ("", ())


def test_a_key_that_was_found_and_is_named_is_one_file(gathered: Gathered) -> None:
    """They are told to be the same by device and inode, whatever the link that names it."""
    (use,) = gathered.uses
    found = KeySeen("/etc/real.key", use.spki, use.key.inode, "PRIVATE KEY", "EC secp256r1")
    rows = joined(gathered._replace(keys=(found,))).keys
    assert [[file.path for file in row.files] for row in rows] == [["/etc/real.key"]]
    assert (rows[0].files[0].named, rows[0].files[0].proved) == (("/etc/nginx/nginx.conf:9",), True)
    other = msgspec.structs.replace(found, inode=(1, 99))
    assert len(joined(gathered._replace(keys=(other,))).keys[0].files) == 2


def test_what_was_not_seen_is_told(inventory: Inventory) -> None:
    """Of the look at TLS and of the files; a certificate that is named and missing stands apart."""
    assert [one.path for one in inventory.inconclusive] == ["tls://127.0.0.1:1", "/etc/secret"]
    assert [(one.path, one.named) for one in inventory.absent] == [
        ("/etc/ssl/gone.pem", ("/etc/nginx/nginx.conf:12",))
    ]


def test_one_door_is_one_endpoint(gathered: Gathered, endpoint: EndpointSummary) -> None:
    """A wildcard and its loopback address lead to the same server; it is listed once."""
    report = msgspec.structs.replace(gathered.report, endpoints=(endpoint, endpoint))
    inventory = joined(gathered._replace(report=report))
    assert len(inventory.endpoints) == 1
    assert all(len(one.endpoints) == 1 for one in inventory.suites)


def test_the_purpose_is_said_as_far_as_it_shows(
    endpoint: EndpointSummary, mail: EndpointSummary
) -> None:
    """By what is spoken inside, the software and the unit."""
    assert purpose(endpoint) == "https by nginx, nginx.service"
    assert purpose(mail) == "smtp with STARTTLS by postfix"
    bare = msgspec.structs.replace(mail, starttls="", owner=type(mail.owner)())
    assert purpose(bare) == "TLS"
    assert purpose(msgspec.structs.replace(bare, alpn=("imap",))) == "imap"


def test_the_model_can_be_published(inventory: Inventory) -> None:
    """It survives a file between two roles unchanged, odd names included; its schema has a name."""
    assert packing.unpack(packing.pack(inventory), Inventory) == inventory
    assert SCHEMA == "hygiene-agent/inventory/1"
