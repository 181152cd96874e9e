"""What OpenSSL makes of set-ups, by release, SECLEVEL and the system's files."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from checks.tls import openssl, suites
from checks.tls.config import Ineffective, Setting, Site
from checks.tls.numbers import Version
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OLD = (Version.TLS10, Version.TLS11)
NEW = (Version.TLS12, Version.TLS13)
DEBIAN = openssl.Library((3, 0, 19), level=2)
PLAIN = openssl.Library((3, 0, 19), level=1)
MODERN = openssl.Library((3, 5, 1), level=2)
CNF = "/etc/ssl/openssl.cnf"
SYSTEM = """
openssl_conf = openssl_init
HOME = .
[ openssl_init ]   # comment
ssl_conf = ssl_sect
[ssl_sect]
system_default = system_default_sect
[system_default_sect]
"""


def site(
    server: str = "nginx", *, protocols: tuple[Version, ...] | None = (*OLD, *NEW), **settings: str
) -> Site:
    """Make a site whose settings stand in one file."""
    made = {
        name: Setting(name, value, "/f", n) for n, (name, value) in enumerate(settings.items(), 1)
    }
    return Site(
        server=server,
        place=Setting("server", "", "/f", 1),
        protocols=protocols,
        ciphers=made.get("ssl_ciphers"),
        groups=made.get("ssl_ecdh_curve"),
        settings=tuple(made.values()),
    )


def host(root: Path, files: Mapping[str, str], version: str = "3.0.19") -> openssl.Library:
    """Read the library of a root with these files."""
    for path, text in files.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    with RootTree(str(root)) as tree:
        found = openssl.library(f"OpenSSL {version} 27 Jan 2026", "debian", tree)
    assert found
    return found


def test_openssl_3_refuses_old_versions_above_level_0() -> None:
    """Debian's stock nginx.conf asks for TLS 1.0 and 1.1 in vain, and that is said once."""
    found = openssl.effective(site(ssl_protocols="TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"), DEBIAN)
    assert found.protocols == NEW
    (vain,) = found.ineffective
    assert vain.setting.name == "ssl_protocols"
    assert vain.reason == "OpenSSL 3.0 at SECLEVEL 2 refuses TLS 1.0 and TLS 1.1"
    served = openssl.effective(
        site(ssl_protocols="TLSv1 TLSv1.2", ssl_ciphers="DEFAULT@SECLEVEL=0"), DEBIAN
    )
    assert served.protocols == (*OLD, *NEW)
    assert served.ineffective == ()
    assert served.level == 0


@pytest.mark.parametrize(
    ("version", "level", "oldest"),
    [
        ((1, 1, 1), 1, Version.TLS10),
        ((1, 1, 1), 2, Version.TLS10),
        ((1, 1, 1), 3, Version.TLS11),
        ((1, 1, 1), 4, Version.TLS12),
        ((3, 0, 0), 0, Version.TLS10),
        ((3, 0, 0), 1, Version.TLS12),
        ((4, 0, 0), 2, Version.TLS12),
    ],
)
def test_levels_by_release(version: tuple[int, int, int], level: int, oldest: Version) -> None:
    """1.1.1 gave up TLS 1.0 at level 3, 3.0 at level 1."""
    found = openssl.effective(site(), openssl.Library(version, level))
    assert found.protocols[0] is oldest


def test_ubuntu_patched_its_1_1_1() -> None:
    """There SECLEVEL 2 bars TLS 1.1 already."""
    patched = openssl.Library((1, 1, 1), 2, ubuntu=True)
    assert openssl.effective(site(), patched).protocols == NEW
    assert openssl.effective(site(), patched._replace(ubuntu=False)).protocols == (*OLD, *NEW)


def test_versions_that_were_not_built_are_left_out() -> None:
    """SSL 3 is gone since 1.1.0 and TLS 1.3 came with 1.1.1; a forgotten exclusion is no fault."""
    wide = (Version.SSL3, *OLD, *NEW)
    found = openssl.effective(site(protocols=wide, ssl_protocols="SSLv3 TLSv1"), PLAIN)
    assert "is built without SSL 3" in found.ineffective[0].reason
    assert Version.SSL3 not in found.protocols
    excluded = site("postfix", protocols=wide, smtpd_tls_protocols="!SSLv2")
    found = openssl.effective(excluded, PLAIN)
    assert found.protocols == (*OLD, *NEW)
    assert found.ineffective == ()
    ancient = openssl.effective(site(protocols=wide), openssl.Library((1, 0, 2)))
    assert ancient.protocols == (Version.SSL3, *OLD, Version.TLS12)


def test_postfix_begins_at_level_0() -> None:
    """It serves TLS 1.0 whatever the system wants, and with nothing said."""
    found = openssl.effective(site("postfix", protocols=None), DEBIAN)
    assert found.protocols == (*OLD, *NEW)
    bound = openssl.effective(
        site("postfix", protocols=None, ssl_ciphers="HIGH:@SECLEVEL=2"), DEBIAN
    )
    assert bound.protocols == NEW
    assert openssl.effective(site("apache", protocols=None), DEBIAN).protocols == NEW


@pytest.mark.parametrize("server", ["haproxy", "lighttpd", "postgresql", "dovecot", "caddy"])
def test_servers_with_a_bound_of_their_own(server: str, tmp_path: Path) -> None:
    """MinProtocol TLSv1 and SECLEVEL 0 do not lower their default of TLS 1.2."""
    text = SYSTEM + "MinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n"
    found = openssl.effective(site(server, protocols=None), host(tmp_path, {CNF: text}))
    assert found.protocols == NEW


def test_the_systems_bounds_bind_no_server_that_sets_its_own(tmp_path: Path) -> None:
    """MinProtocol TLSv1.2 with SECLEVEL 0 leaves TLS 1.0 to nginx, and an s_server obeys."""
    text = (
        SYSTEM + "MinProtocol = TLSv1.2\nMaxProtocol = TLSv1.2\nCipherString = DEFAULT@SECLEVEL=0\n"
    )
    library = host(tmp_path, {CNF: text})
    assert openssl.effective(site(), library).protocols == (*OLD, *NEW)
    assert openssl.effective(site("s_server", protocols=None), library).protocols == (
        Version.TLS12,
    )


def test_the_systems_level_binds(tmp_path: Path) -> None:
    """SECLEVEL in openssl.cnf's CipherString counts where the server's own has none."""
    library = host(tmp_path, {CNF: SYSTEM + "CipherString = DEFAULT:@SECLEVEL=0\n"})
    assert openssl.effective(site(ssl_ciphers="HIGH"), library).protocols == (*OLD, *NEW)
    strict = openssl.effective(site(ssl_ciphers="HIGH:@SECLEVEL=1"), library)
    assert strict.protocols == NEW
    library = host(tmp_path, {CNF: SYSTEM + "CipherString = DEFAULT:@SECLEVEL=2\n"})
    refused = openssl.effective(site(ssl_protocols="TLSv1"), library)
    assert "SECLEVEL 2" in refused.ineffective[0].reason


def test_rhel_takes_its_policy(tmp_path: Path) -> None:
    """PROFILE=SYSTEM stands for the text of the back-end file, wherever openssl.cnf lies."""
    files = {
        "/etc/pki/tls/openssl.cnf": SYSTEM.replace("system_default_sect", "crypto_policy")
        + ".include = /etc/crypto-policies/back-ends/opensslcnf.config\n",
        "/etc/crypto-policies/back-ends/opensslcnf.config": "CipherString = @SECLEVEL=0:kEECDH\n"
        "TLS.MinProtocol = TLSv1\nDTLS.MinProtocol = DTLSv1.2\nGroups = X25519\n\n[other]\na = b\n",
        openssl.POLICY: "@SECLEVEL=3:kEECDH:!SHA1\n",
    }
    library = host(tmp_path, files)
    assert library.defaults.minimum
    assert library.defaults.minimum.value == "TLSv1"
    assert library.defaults.groups
    assert openssl.effective(site(), library).level == 0
    profile = site(ssl_ciphers="PROFILE=SYSTEM:!AESGCM")
    assert openssl.effective(profile, library).level == 3
    kept = openssl.suites_of(profile, library)
    assert kept
    assert all(suites.of(code).exchange == "ECDHE" for code in kept)
    assert not openssl.suites_of(profile, library._replace(policy=""))


def test_suites_that_are_named_and_not_there_are_told() -> None:
    """RC4 is not built, and a weak suite is barred by level; those taken away are no fault."""
    found = openssl.effective(site(ssl_ciphers="HIGH:RC4-SHA:!DES-CBC3-SHA:NULL-SHA"), PLAIN)
    reasons = [one.reason for one in found.ineffective if one.setting.name == "ssl_ciphers"]
    assert reasons == ["OpenSSL 3.0 at SECLEVEL 1 does not offer RC4-SHA, NULL-SHA"]
    assert (
        openssl.effective(site(protocols=NEW, ssl_ciphers="HIGH:!aNULL"), PLAIN).ineffective == ()
    )


def test_a_list_of_classical_groups_switches_the_hybrid_off() -> None:
    """OpenSSL 3.5 offers X25519MLKEM768 unless a list leaves it out; before there was none."""
    only = site(protocols=NEW, ssl_ecdh_curve="X25519:prime256v1")
    found = openssl.effective(only, MODERN)
    assert found.classical == only.groups
    assert openssl.effective(only, DEBIAN).classical is None
    assert (
        openssl.effective(
            site(protocols=(Version.TLS12,), ssl_ecdh_curve="X25519"), MODERN
        ).classical
        is None
    )
    for kept in ("auto", "X25519MLKEM768:X25519", "?X25519MLKEM768/X25519", "DEFAULT:-X448", ""):
        assert openssl.effective(site(ssl_ecdh_curve=kept), MODERN).classical is None, kept
    for dropped in ("DEFAULT:-X25519MLKEM768:-SecP256r1MLKEM768:-SecP384r1MLKEM1024", "P-256"):
        assert openssl.effective(site(ssl_ecdh_curve=dropped), MODERN).classical, dropped


def test_the_systems_groups_count_where_a_site_has_none(tmp_path: Path) -> None:
    """Then openssl.cnf is the place to change."""
    library = host(tmp_path, {CNF: SYSTEM + "Groups = X25519:P-256\n"}, "3.5.1")
    found = openssl.effective(site(), library)
    assert found.classical
    assert found.classical.path == CNF
    assert openssl.effective(site("postgresql"), library).classical is None
    assert openssl.effective(site(ssl_ecdh_curve="X25519MLKEM768"), library).classical is None


def test_caddy_has_no_openssl() -> None:
    """Neither releases nor levels matter to Go; a list of curves does."""
    found = openssl.effective(site("caddy", protocols=None, ssl_ecdh_curve="x25519"), DEBIAN)
    assert (found.protocols, found.level) == (NEW, None)
    assert found.classical
    assert openssl.effective(site("caddy", protocols=None), DEBIAN).classical is None


def test_the_setting_that_decides_is_the_one_that_counts() -> None:
    """Not one that bounds from above, takes away, or is in vain itself."""
    plain = site(ssl_max_protocol_version="TLSv1.3", ssl_min_protocol_version="TLSv1")
    decides = openssl.deciding(plain)
    assert decides
    assert decides.name == "ssl_min_protocol_version"
    many = {"ssl-default-bind-options": "ssl-min-ver TLSv1.0", "no-sslv3": "", "ssl-min-ver": "X"}
    listed = site(**many)
    vain = Ineffective(listed.settings[2], "ignored")
    decides = openssl.deciding(
        Site(server="haproxy", place=listed.place, settings=listed.settings, ineffective=(vain,))
    )
    assert decides
    assert decides.name == "ssl-default-bind-options"
    assert openssl.deciding(site(ssl_ciphers="HIGH")) is None


@pytest.mark.parametrize(
    ("text", "distribution", "version", "level"),
    [
        ("OpenSSL 3.0.19 27 Jan 2026", "debian", (3, 0, 19), 2),
        ("3.5.1-1.el10", "rhel", (3, 5, 1), 2),
        ("1:1.1.1k-12", "centos", (1, 1, 1), 1),
        ("3.0", "alpine", (3, 0, 0), 1),
    ],
)
def test_versions_are_read_from_any_text(
    tmp_path: Path, text: str, distribution: str, version: tuple[int, int, int], level: int
) -> None:
    """The library's own words and those of packages; the level follows from the distribution."""
    with RootTree(str(tmp_path)) as tree:
        found = openssl.library(text, distribution, tree)
        assert openssl.library("unknown", distribution, tree) is None
    assert found
    assert (found.version, found.level) == (version, level)


def test_sections_variables_and_includes_are_followed(tmp_path: Path) -> None:
    """A folder, a variable, quotes, a line that goes on, and a section named before its name."""
    files = {
        CNF: "openssl_conf = $which\nwhich = init\n.include /etc/ssl/conf.d\n[init]\nssl_conf = s\n"
        "[s]\nsystem_default = ${init::end}\n[init]\nend = 'def'\n",
        "/etc/ssl/conf.d/a.cnf": "[def]\nCipherString = HIGH:\\\n@SECLEVEL=0 # not this\n",
        "/etc/ssl/conf.d/b.txt": "[def]\nCipherString = LOW\n",
    }
    library = host(tmp_path, files)
    assert library.defaults.ciphers
    assert library.defaults.ciphers.value == "HIGH:@SECLEVEL=0"
    assert (library.defaults.ciphers.path, library.defaults.ciphers.line) == (
        "/etc/ssl/conf.d/a.cnf",
        2,
    )
    assert library.unseen == ()
    files[CNF] = "[init]\nssl_conf = s\n" + SYSTEM.replace("openssl_conf", "other_conf")
    assert host(tmp_path, files).defaults.ciphers is None


def test_a_missing_include_is_a_gap(tmp_path: Path) -> None:
    """And none is told where there is nothing to include."""
    assert host(tmp_path, {CNF: ".include gone.cnf\n" + SYSTEM}).unseen
    assert host(tmp_path, {CNF: SYSTEM}).unseen == ()


def test_hostile_files_take_linear_time(tmp_path: Path) -> None:
    """Variables that double, quotes that never close, brackets and includes that branch."""
    doubled = "".join(f"v{n} = $v{n + 1}$v{n + 1}\n" for n in range(60))
    files = {
        CNF: "openssl_conf = $v0\n"
        + doubled
        + "["
        + "a " * 200_000
        + "\n"
        + "\"'`" * 100_001
        + "\n"
        + "a"
        + " " * 300_000
        + "b\n"
        + ".include a.cnf\n" * 500,
        "/etc/ssl/a.cnf": ".include b.cnf\n" * 500,
        "/etc/ssl/b.cnf": "x = y\n",
    }
    start = time.monotonic()
    assert host(tmp_path, files).unseen
    found = openssl.effective(site(ssl_ciphers="A" * 100_000), PLAIN)
    assert found.level == 1
    openssl.effective(site(ssl_ciphers="RC4-SHA:" * 2_000), PLAIN)
    assert time.monotonic() - start < 10
