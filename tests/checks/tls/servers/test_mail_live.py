"""Postfix and Dovecot as they run: what they speak is what their files and OpenSSL come to."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from checks.tls import openssl
from checks.tls.facts import Target
from checks.tls.look import observe
from checks.tls.servers import dovecot, postfix
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.config import Site
    from checks.tls.numbers import Version

_SERVING = runpy.run_path(str(Path(__file__).parents[1] / "serving.py"))
PATIENCE = 20.0
SYSTEM = (
    _SERVING["OPENSSL_CNF"] + "MinProtocol = TLSv1.2\nCipherString = DEFAULT@SECLEVEL={level}\n"
)
MAIN_CF = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
myhostname = localhost
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
maillog_file = {home}/log
maillog_file_prefixes = {home}
smtpd_tls_chain_files = {home}/site.pem
smtpd_tls_security_level = may
tls_config_file = {home}/openssl.cnf
"""
MASTER_CF = """
127.0.0.1:{0} inet n - n - - smtpd
127.0.0.1:{1} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_tls_mandatory_protocols=!SSLv2,!SSLv3,!TLSv1
127.0.0.1:{2} inet n - n - - smtpd
  -o smtpd_tls_protocols=>=TLSv1.2
127.0.0.1:{3} inet n - n - - smtpd
  -o smtpd_tls_ciphers=high
  -o tls_high_cipherlist=HIGH:@SECLEVEL=1"""
DOVECOT = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap pop3
ssl_cert = <{home}/site.crt
ssl_key = <{home}/site.key
ssl_min_protocol = {least}
{more}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {0}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {1}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {2}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
passdb {{
  driver = static
}}
import_environment = OPENSSL_CONF
"""


@pytest.fixture
def home(pem: Path) -> Iterator[Path]:
    """Give a folder that the servers' own users can enter, with a certificate in it."""
    folder = Path(tempfile.mkdtemp(prefix="mail-"))
    folder.chmod(0o755)
    for file in pem.iterdir():
        shutil.copy(file, folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def spoken(site: Site) -> tuple[Version, ...]:
    """Give the versions that the real server speaks at a site's address."""
    port = int(site.listens[0].rpartition(":")[2])
    seen = observe(Target("127.0.0.1", port, "localhost", site.starttls), seconds=PATIENCE)
    assert seen.speaks_tls, seen.unseen
    return tuple(sorted(version for version, yes in seen.versions.items() if yes))


def library(root: Path, cnf: Path) -> openssl.Library:
    """Describe this machine's OpenSSL with another openssl.cnf."""
    said = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout
    (root / "etc/ssl").mkdir(parents=True)
    shutil.copy(cnf, root / "etc/ssl/openssl.cnf")
    with RootTree(str(root)) as tree:
        found = openssl.library(said, "debian", tree)
    assert found
    return found


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start Postfix")
def test_postfix_speaks_what_its_files_say(home: Path, tmp_path: Path) -> None:
    """SECLEVEL and MinProtocol of the system take nothing away, its own parameters do."""
    assert shutil.which("postfix"), "the tests need Postfix"
    numbers = _SERVING["free_ports"](4)
    (home / "openssl.cnf").write_text(SYSTEM.format(level=2))
    folder = home / "conf"
    for name in ("conf", "queue", "data"):
        (home / name).mkdir()
    shutil.chown(home / "data", "postfix")
    (folder / "main.cf").write_text(MAIN_CF.format(home=home))
    (folder / "master.cf").write_text(MASTER_CF.format(*numbers) + _SERVING["POSTFIX_SERVICES"])
    with RootTree("/") as tree:
        found = list(postfix.sites(tree, str(folder / "main.cf")))
    host = library(tmp_path, home / "openssl.cnf")
    expected = [openssl.effective(site, host).protocols for site in found]
    assert len({*expected}) == 3
    subprocess.run(["postfix", "-c", folder, "start"], check=True, capture_output=True)
    try:
        for number in numbers:
            _SERVING["wait"](number)
        assert [spoken(site) for site in found] == expected
    finally:
        subprocess.run(["postfix", "-c", folder, "stop"], check=True, capture_output=True)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start Dovecot")
@pytest.mark.parametrize(
    ("level", "least", "more", "count"),
    [
        (2, "TLSv1", "", 2),
        (0, "TLSv1", "", 4),
        (0, "TLSv1.1", "", 3),
        (2, "TLSv1", "ssl_cipher_list = DEFAULT@SECLEVEL=0", 4),
        (0, "TLSv1.2", "", 2),
    ],
)
def test_dovecot_speaks_what_is_left(  # noqa: PLR0917 - a case has as many parts
    home: Path, tmp_path: Path, level: int, least: str, more: str, count: int
) -> None:
    """SECLEVEL counts, the system's or its own; the system's MinProtocol does not."""
    program = shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    assert program, "the tests need Dovecot"
    numbers = _SERVING["free_ports"](3)
    (home / "openssl.cnf").write_text(SYSTEM.format(level=level))
    main = home / "dovecot.conf"
    main.write_text(DOVECOT.format(*numbers, home=home, least=least, more=more))
    with RootTree("/") as tree:
        found = list(dovecot.sites(tree, str(main)))
    assert [site.starttls for site in found] == ["imap", "", "pop3"]
    host = library(tmp_path, home / "openssl.cnf")
    expected = [openssl.effective(site, host).protocols for site in found]
    assert {len(versions) for versions in expected} == {count}
    environment = {**os.environ, "OPENSSL_CONF": str(home / "openssl.cnf")}
    with _SERVING["running"]([program, "-F", "-c", str(main)], *numbers, env=environment):
        assert [spoken(site) for site in found] == expected
