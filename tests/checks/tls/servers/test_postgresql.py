"""PostgreSQL's settings, as PostgreSQL itself takes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from checks.tls.numbers import Version
from checks.tls.servers import postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from checks.tls.config import Site

    Sites = Callable[[str, Mapping[str, str]], list[Site]]

MAIN = "/etc/postgresql/15/main/postgresql.conf"
DATA = "/var/lib/postgresql/15/main"


def test_a_cluster_with_tls_is_one_site(sites: Sites) -> None:
    """Names of files are looked for in the data directory, and the port is the configured one."""
    text = f"""
data_directory = '{DATA}'   # elsewhere
listen_addresses = 'localhost, ::1'
PORT 5433
ssl = on
ssl_cert_file = '/etc/ssl/db.pem'
ssl_key_file = 'it''s.key'
ssl_ciphers = 'HIGH:!aNULL'
ssl_min_protocol_version = 'TLSv1'
ssl_max_protocol_version = TLSv1.2
ssl_ecdh_curve = 'prime256v1'
ssl_dh_params_file = 'dh.pem'
ssl_passphrase_command = 'echo hidden'
"""
    (site,) = sites("postgresql", {MAIN: text})
    assert site.listens == ("localhost:5433", "[::1]:5433")
    assert site.starttls == "postgres"
    assert site.protocols == (Version.TLS10, Version.TLS11, Version.TLS12)
    (pair,) = site.pairs
    assert pair.key
    assert (pair.certificate.value, pair.key.value) == ("/etc/ssl/db.pem", f"{DATA}/it's.key")
    assert site.ciphers
    assert site.groups
    assert site.dh_file
    assert site.ciphers.value == "HIGH:!aNULL"
    assert (site.groups.value, site.groups.line) == ("prime256v1", 11)
    assert site.dh_file.value == f"{DATA}/dh.pem"
    assert "hidden" not in repr(site)


@pytest.mark.parametrize("value", ["off", "no", "f", "0", "o"])
def test_a_cluster_without_tls_is_no_site(sites: Sites, value: str) -> None:
    """Only what begins on, true, yes or 1 switches TLS on; by default it is off."""
    assert sites("postgresql", {MAIN: f"ssl = {value}\n"}) == []
    assert sites("postgresql", {MAIN: "port = 5432\n"}) == []
    assert sites("postgresql", {MAIN: "ssl tr\n"})


def test_includes_count_where_they_stand(sites: Sites) -> None:
    """A folder is read by name, a file that may be missing is no gap, and the last value counts."""
    files = {
        MAIN: "ssl = off\ninclude_dir 'conf.d'\ninclude_if_exists = 'none.conf'\n"
        "include 'late.conf'\n",
        "/etc/postgresql/15/main/conf.d/10.conf": "ssl = on\nssl_ciphers = 'A'\n",
        "/etc/postgresql/15/main/conf.d/20.conf": "ssl_ciphers = 'B'\n",
        "/etc/postgresql/15/main/conf.d/.30.conf": "ssl = off\n",
        "/etc/postgresql/15/main/late.conf": "ssl_min_protocol_version = 'TLSv1.3'\n",
    }
    (site,) = sites("postgresql", files)
    assert site.ciphers
    assert site.ciphers.value == "B"
    assert site.protocols == (Version.TLS13,)
    assert site.unseen == ()


def test_what_alter_system_wrote_counts_last(sites: Sites) -> None:
    """postgresql.auto.conf in the data directory is read over the main file."""
    files = {
        MAIN: f"data_directory = '{DATA}'\nssl = on\nssl_min_protocol_version = 'TLSv1'\n",
        f"{DATA}/postgresql.auto.conf": "ssl_min_protocol_version = 'TLSv1.3'\n",
    }
    (site,) = sites("postgresql", files)
    assert site.protocols == (Version.TLS13,)


def test_a_missing_include_is_a_gap(sites: Sites) -> None:
    """Without the file that is included nobody knows whether TLS is on."""
    (site,) = sites("postgresql", {MAIN: "include 'gone.conf'\nssl = on\n"})
    assert any("gone.conf" in gap for gap in site.unseen)
    (site,) = sites("postgresql", {MAIN: f"include '{MAIN}'\n"})
    assert any("includes itself" in gap for gap in site.unseen)


def test_old_releases_leave_tls_1_0_on(sites: Sites) -> None:
    """The default was TLS 1.0 up to release 12; PG_VERSION tells more than the path."""
    old = {MAIN: f"data_directory = '{DATA}'\nssl = on\n", f"{DATA}/PG_VERSION": "12\n"}
    (site,) = sites("postgresql", old)
    assert site.protocols
    assert site.protocols[0] is Version.TLS10
    (site,) = sites("postgresql", {**old, f"{DATA}/PG_VERSION": "15\n"})
    assert site.protocols is None


def test_a_setting_that_the_same_file_repeats_is_in_vain(sites: Sites) -> None:
    """The last line counts; one with the same value, or in another file, is no fault."""
    text = "ssl = on\nssl_ciphers = 'A'\nssl_ciphers = 'B'\n"
    (site,) = sites("postgresql", {MAIN: text})
    assert [one.setting.line for one in site.ineffective] == [2]
    (site,) = sites("postgresql", {MAIN: text.replace("'A'", "'B'")})
    assert site.ineffective == ()


def test_an_unknown_version_is_a_gap(sites: Sites) -> None:
    """PostgreSQL refuses to start with it; the default is assumed and said to be unsure."""
    (site,) = sites("postgresql", {MAIN: "ssl = on\nssl_min_protocol_version = 'SSLv9'\n"})
    assert site.unseen
    (site,) = sites("postgresql", {MAIN: "ssl = on\nssl_min_protocol_version = ''\n"})
    assert site.unseen == ()
    assert site.protocols
    assert site.protocols[0] is Version.TLS10


def test_hostile_settings_take_linear_time(sites: Sites) -> None:
    """Long lines, many lines and includes that branch end within seconds."""
    files = {
        MAIN: "ssl = on\na=" + "'" * 400_000 + "\n" + "x" * 400_000 + "\n" + "b = c\n" * 50_000,
        "/etc/postgresql/15/main/a.conf": "include 'b.conf'\n" * 500,
        "/etc/postgresql/15/main/b.conf": "include 'c.conf'\n" * 500,
        "/etc/postgresql/15/main/c.conf": "ssl_ciphers = 'A'\n",
    }
    files[MAIN] += "include 'a.conf'\n"
    start = time.monotonic()
    (site,) = sites("postgresql", files)
    assert time.monotonic() - start < 10
    assert any("more than" in gap for gap in site.unseen)


def test_the_real_server_agrees(sites: Sites, tmp_path: Path) -> None:
    """`postgres -C` prints the value that this reading finds, for every quoting and include."""
    program = shutil.which("postgres", path=f"{os.environ['PATH']}:/usr/lib/postgresql/15/bin")
    assert program, "the tests need PostgreSQL"
    files = {
        "/data/postgresql.conf": "include_dir 'conf.d'\nssl_ciphers = 'HI\\107H''s'\nssl=on\n",
        "/data/conf.d/a.conf": "SSL_MIN_PROTOCOL_VERSION=TLSv1.1\nssl_ciphers = 'X'\nport 6000\n",
        "/data/postgresql.auto.conf": "ssl_max_protocol_version = 'TLSv1.2'\n",
        "/data/PG_VERSION": "15\n",
    }
    (site,) = sites("postgresql", files)
    data = tmp_path / "data"
    said = [_asked(program, data, name) for name in ("port", "ssl_ciphers", "ssl")]
    assert site.ciphers
    assert said == [site.listens[0].rpartition(":")[2], site.ciphers.value, "on"]
    bounds = [_asked(program, data, f"ssl_{end}_protocol_version") for end in ("min", "max")]
    assert bounds == ["TLSv1.1", "TLSv1.2"]
    assert site.protocols == (Version.TLS11, Version.TLS12)


def _asked(program: str, data: Path, name: str) -> str:
    for path in (data, *data.parents, *data.rglob("*")):
        if path.stat().st_uid == os.getuid() and path != Path("/tmp"):
            path.chmod(0o755 if path.is_dir() else 0o644)
    data.chmod(0o700)
    user = None if os.getuid() else "postgres"
    if user:
        shutil.chown(data, user)
    command = [program, "-D", str(data), "-C", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, user=user)
    return done.stdout.strip()


def test_the_door_names_where_files_lie() -> None:
    """The name and the places are those that other modules rely on."""
    assert postgresql.NAME == "postgresql"
    assert all(path.startswith("/") for path in postgresql.MAIN)
