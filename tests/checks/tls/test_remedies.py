"""What is to be set, in the names that servers have for it."""

from __future__ import annotations

from checks.tls import mending, remedies
from checks.tls.config import Setting
from checks.tls.facts import EndpointFacts, Target
from checks.tls.faults import Fault
from checks.tls.numbers import Version
from checks.tls.remedies import Kind, Remedy, stands_in


def test_suites_are_named_for_the_version_they_are_of() -> None:
    """Below TLS 1.3 by OpenSSL's names, in it by their own; one without a name is left out."""
    remedy = Remedy(Kind.CIPHERS, suites=(0x1301, 0xC02F, 0x000B))
    assert remedy.ciphers == ["ECDHE-RSA-AES128-GCM-SHA256"]
    assert remedy.suites13 == ["TLS_AES_128_GCM_SHA256"]


def test_groups_have_the_names_of_every_openssl() -> None:
    """P-256 is prime256v1 everywhere; hybrids need a new library, which is said."""
    classical = Remedy(Kind.GROUPS, groups=remedies.CURVES)
    assert classical.group_names == ["X25519", "prime256v1", "secp384r1"]
    assert not classical.needs_new_library
    assert Remedy(Kind.GROUPS, groups=(remedies.HYBRID,)).needs_new_library


def test_versions_and_headers_are_written_as_servers_do() -> None:
    """TLSv1.2; max-age with what belongs to it."""
    assert Remedy(Kind.PROTOCOLS, remedies.MODERN).version_names == ["TLSv1.2", "TLSv1.3"]
    assert Remedy(Kind.HSTS, seconds=5).hsts == "max-age=5"
    assert Remedy(Kind.HSTS, seconds=5, subdomains=True).hsts == "max-age=5; includeSubDomains"


def test_a_setting_is_known_by_how_it_begins() -> None:
    """Whole words count, whatever their case, also those of the value."""
    header = Setting("Add_Header", "Strict-Transport-Security max-age=1", "/x", 1)
    assert stands_in(header, ("add_header strict-transport-security",))
    assert not stands_in(header, ("add_head", "add_header strict"))


def test_post_quantum_groups_that_were_seen_are_kept() -> None:
    """A server that has shown one knows it; one that has not is not told of it."""
    target = Target("127.0.0.1", 443)
    weak = Fault("tls-group-weak", "", "")
    for seen, first in (((0x11EC, 29), remedies.HYBRID), ((29, 23), 29)):
        facts = EndpointFacts(target=target, versions={Version.TLS13: True}, groups=seen)
        found = mending.remedy(weak, facts)
        assert found
        assert found.groups[0] == first


def test_a_chain_is_put_together_before_it_replaces_the_old_one() -> None:
    """A part that is missing leaves the file in use alone; a key in it is nobody else's to read."""
    assert remedies.joined("/a.pem") == (
        "cat certificate.pem intermediate.pem > /a.pem.new && mv /a.pem.new /a.pem"
    )
    assert remedies.joined("/a.pem", last="private.key").startswith("umask 077; cat ")
