"""Faults of set-ups as they stand in files."""

from __future__ import annotations

from checks.tls import openssl, siting
from checks.tls.config import Ineffective, Setting, Site
from checks.tls.numbers import Version

DEBIAN = openssl.Library((3, 0, 19), level=2)
STOCK = Setting("ssl_protocols", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", "/etc/nginx/nginx.conf", 33)
ALL = (Version.TLS10, Version.TLS11, Version.TLS12, Version.TLS13)
PLACE = Setting("server", "", "/etc/nginx/sites-enabled/a", 1)


def judged(site: Site, library: openssl.Library = DEBIAN) -> list[siting.Located]:
    """Judge a site with what the library makes of it."""
    return list(siting.judge(site, openssl.effective(site, library)))


def test_debians_stock_nginx_names_old_versions_in_vain() -> None:
    """Two small faults at the line that says so, and no word of TLS 1.0 being served."""
    site = Site(server="nginx", place=PLACE, protocols=ALL, settings=(STOCK,))
    legacy, vain = judged(site)
    assert legacy.fault.check == "config-legacy-protocol"
    assert legacy.fault.message == (
        "ssl_protocols switches TLS 1.0 and TLS 1.1 on; the library refuses TLS 1.0 and TLS 1.1"
    )
    assert vain.fault.check == "config-ineffective"
    assert (legacy.setting, vain.setting) == (STOCK, STOCK)
    modern = Site(server="nginx", place=PLACE, protocols=ALL[2:], settings=(STOCK,))
    assert judged(modern) == []


def test_old_versions_that_are_served_are_no_vain_setting() -> None:
    """At SECLEVEL 0 the configuration means what it says."""
    low = Setting("ssl_ciphers", "DEFAULT@SECLEVEL=0", "/f", 3)
    site = Site(server="nginx", place=PLACE, protocols=ALL, ciphers=low, settings=(STOCK, low))
    (legacy,) = judged(site)
    assert legacy.fault.message == "ssl_protocols switches TLS 1.0 and TLS 1.1 on"


def test_a_default_that_serves_old_versions_is_told() -> None:
    """Postfix does so where nothing bounds it; apache on the same host does not."""
    (legacy,) = judged(Site(server="postfix", place=PLACE))
    assert legacy.setting == PLACE
    assert "so that postfix serves TLS 1.0 and TLS 1.1" in legacy.fault.message
    assert judged(Site(server="apache", place=PLACE)) == []


def test_what_a_server_ignores_is_told_with_its_reason() -> None:
    """The fact that makes it the same fault holds no line numbers and releases."""
    vain = Ineffective(STOCK, "line 40 of the same file sets it again")
    site = Site(server="nginx", place=PLACE, protocols=ALL[2:], ineffective=(vain,))
    (found,) = judged(site)
    assert found.fault.message.endswith(vain.reason)
    assert "40" not in found.fault.fact
    newer = openssl.Library((3, 2, 0), level=2)
    old = Site(server="nginx", place=PLACE, protocols=ALL, settings=(STOCK,))
    assert [one.fault.fact for one in judged(old, newer)] == [o.fault.fact for o in judged(old)]


def test_groups_without_a_hybrid_are_told_where_there_is_one() -> None:
    """On OpenSSL 3.5; before, the list takes nothing away."""
    groups = Setting("ssl_ecdh_curve", "X25519", "/f", 4)
    site = Site(server="nginx", place=PLACE, protocols=ALL[2:], groups=groups)
    (found,) = judged(site, openssl.Library((3, 5, 1), level=2))
    assert found.fault.check == "config-pq-disabled"
    assert found.setting == groups
    assert judged(site) == []


def test_every_fault_has_a_text() -> None:
    """No value of a setting is repeated in a message."""
    site = Site(server="nginx", place=PLACE, protocols=ALL, settings=(STOCK,))
    assert {one.fault.check for one in judged(site)} <= siting.CHECKS.keys()
    assert all(STOCK.value not in one.fault.message for one in judged(site))
