"""The matrix's rows on files and drift: what a server has loaded, and what its files say."""

from __future__ import annotations

import hashlib
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from tests.checks.tls.conftest import Issued
    from tests.matrix.hosting import Authority, Files, Host, Told
    from tests.matrix.setups import Setups

NAME = "www.matrix.test"
PORTS = {"dovecot": 993, "postfix": 25}
HANGUP = {
    "apache": signal.SIGUSR1,
    "caddy": signal.SIGUSR1,
    "haproxy": signal.SIGUSR2,
    "lighttpd": signal.SIGUSR1,
}
SYSTEM = """
openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = system
[system]
MinProtocol = TLSv1.2
CipherString = DEFAULT@SECLEVEL={level}
"""


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def print_of(issued: Issued) -> str:
    return hashlib.sha256(issued.der).hexdigest()


@pytest.mark.parametrize(
    "server", ["apache", "caddy", "dovecot", "haproxy", "lighttpd", "nginx", "postfix"]
)
def test_a_certificate_that_was_renewed_and_not_loaded(
    host: Host, ca: Authority, setups: Setups, server: str
) -> None:
    """Row 18: told with both fingerprints until the server has loaded it; not before the change."""
    first, second = (ca.leaf(key=rsa_key()) for _ in range(2))
    running = setups.run(server, host.certify("a", first, ca.middle), PORTS.get(server, 443))
    told = host.tls()
    assert told.serious == set()
    assert told.report["endpoints"][0]["files"]
    host.certify("a", second, ca.middle)
    told = host.tls()
    assert told.serious == {"drift-certificate-not-loaded"}
    for one in told.of("drift-certificate-not-loaded"):
        assert print_of(first) in one["message"]
        assert print_of(second) in one["message"]
        assert one["severity"] == "high"
    if server in {"lighttpd", "caddy", "postfix"}:  # which load nothing anew by a signal
        host.end(running)
        setups.start(server, PORTS.get(server, 443))
    else:
        host.reload(running, HANGUP.get(server, signal.SIGHUP))
    settled(host)


def settled(host: Host) -> None:
    """Wait until nothing is told any more; a reload takes a moment."""
    for _ in range(20):
        told = host.tls()
        if not told.serious:
            return
        time.sleep(0.1)
    pytest.fail(str(told.serious))


SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
WEAK = f"{SUITES}:AES128-SHA"
TIGHTENED = {
    "apache": ("SSLProtocol -all +TLSv1 +TLSv1.1 ", "SSLProtocol -all "),
    "dovecot": ("ssl_min_protocol = TLSv1\n", "ssl_min_protocol = TLSv1.2\n"),
    "haproxy": ("ssl-min-ver TLSv1.0", ""),
    "lighttpd": ('"MinProtocol" => "TLSv1", ', ""),
    "nginx": ("ssl_protocols TLSv1 TLSv1.1 ", "ssl_protocols "),
}
PLACES = {
    "apache": "/etc/apache2/apache2.conf",
    "dovecot": "/etc/dovecot/dovecot.conf",
    "haproxy": "/etc/haproxy/haproxy.cfg",
    "lighttpd": "/etc/lighttpd/lighttpd.conf",
    "nginx": "/etc/nginx/nginx.conf",
}
SOUND = {
    "haproxy": ("crt /etc/tls/a.both ", "crt /etc/tls/a.both ssl-min-ver TLSv1.0 "),
    "lighttpd": ('("CipherString"', '("MinProtocol" => "TLSv1", "CipherString"'),
}


@pytest.mark.parametrize("server", TIGHTENED)
def test_a_set_up_that_was_tightened_and_not_loaded(
    host: Host, ca: Authority, setups: Setups, server: str
) -> None:
    """Row 19: what the file forbids is still spoken, until it is loaded."""
    place, port, (loose, tight) = PLACES[server], PORTS.get(server, 443), TIGHTENED[server]
    host.file("/etc/ssl/openssl.cnf", SYSTEM.format(level=0))
    setups.write(server, host.certify("a", ca.leaf(key=rsa_key()), ca.middle), port)
    host.edit(place, *SOUND.get(server, (tight, loose)))
    host.edit(place, SUITES, f"{WEAK}:@SECLEVEL=0")
    running = setups.start(server, port)
    served = {"tls-1.0", "tls-1.1", "tls-no-forward-secrecy"}
    assert host.tls().serious == served
    host.edit(place, loose, tight)
    told = host.tls()
    assert told.serious == {*served, "drift-config-not-loaded"}
    assert all("TLS 1.0, TLS 1.1" in o["message"] for o in told.of("drift-config-not-loaded"))
    host.edit(place, f"{WEAK}:@SECLEVEL=0", SUITES)
    told = host.tls()
    assert told.serious == {*served, "drift-config-not-loaded"}
    said = "; ".join(one["message"] for one in told.of("drift-config-not-loaded"))
    assert "TLS_RSA_WITH_AES_128_CBC_SHA" in said
    if server == "lighttpd":
        host.end(running)
        setups.start(server, port)
    else:
        host.reload(running, HANGUP.get(server, signal.SIGHUP))
    settled(host)


LEVELS = {
    "nginx": ("ssl_protocols TLSv1.2", "ssl_protocols TLSv1 TLSv1.1 TLSv1.2"),
    "apache": ("-all +TLSv1.2", "-all +TLSv1 +TLSv1.1 +TLSv1.2"),
}


@pytest.mark.parametrize("server", LEVELS)
def test_what_openssl_cnf_leaves_of_a_setting(
    host: Host, ca: Authority, setups: Setups, server: str
) -> None:
    """Row 26 (and 4): MinProtocol binds no server that sets its own; a SECLEVEL does."""
    setups.write(server, host.certify("a", ca.leaf(key=rsa_key()), ca.middle))
    host.edit(PLACES[server], *LEVELS[server])
    host.edit(PLACES[server], SUITES, "ECDHE+AES")
    host.file("/etc/ssl/openssl.cnf", SYSTEM.format(level=0))
    running = setups.start(server)
    told = host.tls()
    assert told.serious == {"tls-1.0", "tls-1.1"}
    assert told.found >= {"config-legacy-protocol"}
    assert "config-ineffective" not in told.found
    host.end(running)
    host.file("/etc/ssl/openssl.cnf", SYSTEM.format(level=2))
    setups.start(server)
    told = host.tls()
    assert told.serious == set()
    assert told.found >= {"config-legacy-protocol", "config-ineffective"}
    assert told.places("config-ineffective") == told.places("config-legacy-protocol")
    host.edit(PLACES[server], *reversed(LEVELS[server]))
    told = host.tls()
    assert not told.found & {"config-legacy-protocol", "config-ineffective"}


def test_another_openssl_cnf_counts_where_its_server_is_told_so(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Row 26: OPENSSL_CONF of the server's own environment is what it starts with."""
    setups.write("nginx", host.certify("a", ca.leaf(key=rsa_key()), ca.middle))
    host.edit(PLACES["nginx"], *LEVELS["nginx"])
    host.edit(PLACES["nginx"], SUITES, "ECDHE+AES")
    host.file("/etc/ssl/openssl.cnf", SYSTEM.format(level=2))
    host.file("/etc/tls/openssl.cnf", SYSTEM.format(level=0))
    host.serve("nginx", ports=(443,), env={"OPENSSL_CONF": "/etc/tls/openssl.cnf"})
    told = host.tls()
    assert told.serious == {"tls-1.0", "tls-1.1"}
    assert "config-ineffective" not in told.found


def twin(ca: Authority, name: str, like: Issued) -> Issued:
    return ca.leaf(name, key=like.key)


def hosts(*sites: tuple[Files, str, str]) -> str:
    """Write servers of nginx: files, a name, and the key where it is another's."""
    return "".join(
        f"server {{ listen 443 ssl; server_name {name}; ssl_certificate {files.chain};"
        f" ssl_certificate_key {key or files.key}; location / {{ return 200 ok; }} }}\n"
        for files, name, key in sites
    )


def test_keys_that_others_may_read(host: Host, ca: Authority, setups: Setups) -> None:
    """Row 27: mode 0644 is told, 0640 of root's group and 0600 are not; nor is a key not named."""
    names = {"open": 0o644, "group": 0o640, "people": 0o640, "own": 0o600, "replaced": 0o622}
    files = {
        name: host.certify(name, ca.leaf(f"{name}.test"), ca.middle, mode=mode)
        for name, mode in names.items()
    }
    host.certify("unnamed", ca.leaf(), mode=0o644)
    host.run("chgrp", "users", files["people"].key)
    sites = [(one, f"{name}.test", "") for name, one in files.items()]
    setups.run("nginx", files["own"], end=hosts(*sites))
    told = host.tls()
    faulty = {files[name].key for name in ("open", "people", "replaced")}
    assert told.serious == {"cert-name-mismatch", "key-permissions"}
    assert told.places("key-permissions") == faulty
    assert told.places("cert-name-mismatch") == {f"tls://127.0.0.1:443/{NAME}"}
    assert told.places("key-on-disk") == {one.key for one in files.values()}
    assert all(one["severity"] == "info" for one in told.of("key-on-disk"))


def test_keys_in_two_places_and_keys_of_others(host: Host, ca: Authority, setups: Setups) -> None:
    """Row 27: copies, two certificates for one key, and a key that is not the certificate's."""
    one, two, three = (ca.leaf(f"{name}.test") for name in ("one", "two", "three"))
    files = {
        "one": host.certify("one", one, ca.middle),
        "copy": host.certify("copy", twin(ca, "copy.test", one), ca.middle),
        "two": host.certify("two", two, ca.middle),
        "again": host.certify("again", twin(ca, "again.test", two), ca.middle),
        "three": host.certify("three", three, ca.middle),
        "alone": host.certify("alone", ca.leaf("alone.test"), ca.middle),
    }
    sites = [(files[name], f"{name}.test", "") for name in ("one", "copy", "two", "alone")]
    sites += [(files["again"], "again.test", files["two"].key)]
    sites += [(files["three"], "three.test", ""), (files["three"], "four.test", "")]
    setups.write("nginx", files["alone"], name="alone.test", end=hosts(*sites))
    told = host.tls("--root", str(host.root), outside=True)
    shared = {one["path"]: one["severity"] for one in told.of("key-shared")}
    assert shared == {
        files["copy"].key: "medium",
        files["two"].key: "medium",
        files["three"].key: "info",
        files["alone"].key: "info",
    }
    assert told.serious == {"key-shared"}
    wrong = hosts((files["three"], "three.test", files["alone"].key))
    setups.write("nginx", files["alone"], name="alone.test", end=wrong)
    told = host.tls("--root", str(host.root), outside=True)
    assert told.serious == {"key-mismatch"}
    assert told.places("key-mismatch") == {files["alone"].key}
    assert told.of("key-mismatch")[0]["severity"] == "critical"


KEYED = ("apache", "caddy", "dovecot", "haproxy", "lighttpd", "postfix")


@pytest.mark.parametrize("server", KEYED)
def test_keys_of_other_servers(host: Host, ca: Authority, setups: Setups, server: str) -> None:
    """Row 27 and 28: the same of every server's files, with nothing running."""
    leaf = ca.leaf(key=rsa_key())
    files = host.certify("a", leaf, ca.middle, mode=0o644)
    setups.write(server, files)
    told = host.tls("--root", str(host.root), outside=True)
    assert told.serious == {"key-permissions"}
    files = host.certify("a", leaf, ca.middle)
    assert host.tls("--root", str(host.root), outside=True).serious == set()
    other = host.certify("b", ca.leaf(key=rsa_key()), ca.middle)
    text = Path(f"{host.root}{other.key}").read_bytes()
    chain = Path(f"{host.root}{files.chain}").read_bytes()
    host.file(files.key, text, 0o600)
    host.file(files.both, chain + text, 0o600)
    assert host.tls("--root", str(host.root), outside=True).serious == {"key-mismatch"}


def test_a_key_in_memory_is_not_on_a_disk(host: Host, ca: Authority, setups: Setups) -> None:
    """What is delivered to /run is gone with the next start; a folder of a disk is not."""
    files = host.certify("a", ca.leaf(), ca.middle)
    host.run("sh", "-c", f"cp {files.key} /run/a.key; chmod 600 /run/a.key")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        for path in (files.chain, files.key):
            shutil.copy2(f"{host.root}{path}", folder)
        setups.write("nginx", files._replace(key=f"{folder}/a.key"))
        assert host.tls().places("key-on-disk") == {f"{folder}/a.key"}
    setups.write("nginx", files._replace(key="/run/a.key"))
    assert "key-on-disk" not in host.tls().found


@pytest.mark.parametrize("server", LEVELS)
def test_files_tell_the_same_with_nothing_running(
    host: Host, ca: Authority, setups: Setups, server: str
) -> None:
    """Row 28: of the live host and of its files as an unpacked root."""
    host.file("/var/lib/dpkg/status", Path("/var/lib/dpkg/status").read_bytes())
    host.file("/etc/ssl/openssl.cnf", SYSTEM.format(level=2))
    setups.write(server, host.certify("a", ca.leaf(key=rsa_key()), ca.middle, mode=0o644))
    host.edit(PLACES[server], *LEVELS[server])
    setups.start(server)
    live, still = host.tls(), host.tls("--root", str(host.root), outside=True)
    assert still.serious == {"key-permissions"}
    assert told_of_files(live) == told_of_files(still)
    assert {one[0] for one in told_of_files(still)} == {
        "config-ineffective",
        "config-legacy-protocol",
        "key-on-disk",
        "key-permissions",
    }
    assert not still.report["endpoints"]


def told_of_files(told: Told) -> set[tuple[str, str, int, str, str]]:
    """Give what was found in files: check, place, words and identity."""
    return {
        (one["check"], one["path"], one["line"], one["message"], one["identity"])
        for one in told.report["findings"]
        if one["path"].startswith("/")
    }
