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
    import subprocess

    from tests.checks.tls.conftest import Issued
    from tests.matrix.hosting import Authority, Files, Host, Told
    from tests.matrix.setups import Setups

NAME = "www.matrix.test"
PORTS = {
    "apache": 4401,
    "caddy": 4402,
    "dovecot": 993,
    "haproxy": 4403,
    "lighttpd": 4404,
    "nginx": 443,
    "postfix": 25,
}
HANGUP = {
    "apache": signal.SIGUSR1,
    "caddy": signal.SIGUSR1,
    "haproxy": signal.SIGUSR2,
    "lighttpd": signal.SIGUSR1,
}
LEVELS = {
    "nginx": ("ssl_protocols TLSv1.2", "ssl_protocols TLSv1 TLSv1.1 TLSv1.2"),
    "apache": ("-all +TLSv1.2", "-all +TLSv1 +TLSv1.1 +TLSv1.2"),
}


def set_level(host: Host, level: int, path: str = "/etc/ssl/openssl.cnf") -> None:
    """Give the host's OpenSSL a SECLEVEL, and a bound that servers do not heed."""
    host.openssl("MinProtocol = TLSv1.2", f"CipherString = DEFAULT@SECLEVEL={level}", path=path)


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def print_of(issued: Issued) -> str:
    return hashlib.sha256(issued.der).hexdigest()


def test_certificates_that_were_renewed_and_not_loaded(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Row 18: told with both fingerprints until the server has loaded it; not before the change."""
    # Each smtpd of postfix reads its files when it begins, which it does all the time.
    ports = {server: port for server, port in PORTS.items() if server != "postfix"}
    old, new = ({server: ca.leaf(key=rsa_key()) for server in ports} for _ in range(2))
    running = {
        server: setups.run(server, host.certify(server, old[server], ca.middle), port)
        for server, port in ports.items()
    }
    told = host.tls()
    assert told.serious == set()
    unsited = [one["place"] for one in told.report["endpoints"] if not one["files"]]
    assert unsited == [f"tls://127.0.0.1:{ports['caddy']}"]  # its site is for its name alone
    for server, leaf in new.items():
        host.certify(server, leaf, ca.middle)
    told = host.tls()
    assert told.serious == {"drift-certificate-not-loaded"}
    for server, port in ports.items():
        said = [
            one for one in told.of("drift-certificate-not-loaded") if one["path"].count(f":{port}")
        ]
        assert said, server
        assert all(print_of(old[server]) in one["message"] for one in said)
        assert all(print_of(new[server]) in one["message"] for one in said)
        assert {one["severity"] for one in said} == {"high"}
    for server, process in running.items():
        load(host, setups, server, process)
    settled(host)


def load(host: Host, setups: Setups, server: str, process: subprocess.Popen[bytes]) -> None:
    """Have a server read its files anew, by a start where no signal does."""
    if server in {"lighttpd", "caddy"}:
        host.end(process)
        setups.start(server, PORTS[server])
    else:
        host.reload(process, HANGUP.get(server, signal.SIGHUP))


def settled(host: Host) -> None:
    """Wait until nothing is told any more; a reload takes a moment."""
    for _ in range(20):
        told = host.tls()
        if not told.serious:
            return
        time.sleep(0.2)
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
    "haproxy": ("crt /etc/tls/haproxy.both ", "crt /etc/tls/haproxy.both ssl-min-ver TLSv1.0 "),
    "lighttpd": ('("CipherString"', '("MinProtocol" => "TLSv1", "CipherString"'),
}


def test_set_ups_that_were_tightened_and_not_loaded(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Row 19: what the files forbid is still spoken, until they are loaded."""
    set_level(host, 0)
    running = {}
    for server, (loose, tight) in TIGHTENED.items():
        place, port = PLACES[server], PORTS[server]
        setups.write(server, host.certify(server, ca.leaf(key=rsa_key()), ca.middle), port)
        host.edit(place, *SOUND.get(server, (tight, loose)))
        host.edit(place, SUITES, f"{WEAK}:@SECLEVEL=0")
        running[server] = setups.start(server, port)
    served = {"tls-1.0", "tls-1.1", "tls-no-forward-secrecy"}
    told = host.tls()
    assert {server: told.on(PORTS[server]) for server in running} == dict.fromkeys(running, served)
    for server, (loose, tight) in TIGHTENED.items():
        host.edit(PLACES[server], loose, tight)
    told = host.tls()
    faults = {*served, "drift-config-not-loaded"}
    assert {server: told.on(PORTS[server]) for server in running} == dict.fromkeys(running, faults)
    assert all("TLS 1.0, TLS 1.1" in o["message"] for o in told.of("drift-config-not-loaded"))
    for server in running:
        host.edit(PLACES[server], f"{WEAK}:@SECLEVEL=0", SUITES)
    told = host.tls()
    assert {server: told.on(PORTS[server]) for server in running} == dict.fromkeys(running, faults)
    said = [one["message"] for one in told.of("drift-config-not-loaded")]
    assert sum("accepts TLS_RSA_WITH_AES_128_CBC_SHA" in one for one in said) * 2 == len(said)
    for server, process in running.items():
        load(host, setups, server, process)
    settled(host)


GROUPS = {
    "apache": ("SSLOpenSSLConfCmd Curves X25519:prime256v1\n", "X25519:prime256v1", "X25519"),
    "haproxy": ("curves X25519:P-256", "X25519:P-256", "P-256"),
    "nginx": ("ssl_ecdh_curve X25519:prime256v1;", "X25519:prime256v1", "X25519"),
}


def test_groups_that_were_taken_off_and_not_loaded(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Row 19: told of the group that is left over, until the list is loaded."""
    running = {}
    for server, (more, _, _) in GROUPS.items():
        files = host.certify(server, ca.leaf(key=rsa_key()), ca.middle)
        running[server] = setups.run(server, files, PORTS[server], more=more)
    assert host.tls().serious == set()
    for server, (_, before, after) in GROUPS.items():
        host.edit(PLACES[server], before, after)
    told = host.tls()
    assert {told.on(PORTS[server]).pop() for server in GROUPS} == {"drift-config-not-loaded"}
    said = {one["message"].partition(", ")[0] for one in told.of("drift-config-not-loaded")}
    assert said == {"agrees on keys by x25519", "agrees on keys by secp256r1"}
    for server, process in running.items():
        load(host, setups, server, process)
    settled(host)


@pytest.mark.parametrize("server", LEVELS)
def test_what_openssl_cnf_leaves_of_a_setting(
    host: Host, ca: Authority, setups: Setups, server: str
) -> None:
    """Row 26 (and 4): MinProtocol binds no server that sets its own; a SECLEVEL does."""
    setups.write(server, host.certify("a", ca.leaf(key=rsa_key()), ca.middle))
    host.edit(PLACES[server], *LEVELS[server])
    host.edit(PLACES[server], SUITES, "ECDHE+AES")
    set_level(host, 0)
    running = setups.start(server)
    told = host.tls()
    assert told.serious == {"tls-1.0", "tls-1.1"}
    assert told.found >= {"config-legacy-protocol"}
    assert "config-ineffective" not in told.found
    host.end(running)
    set_level(host, 2)
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
    set_level(host, 2)
    set_level(host, 0, "/etc/tls/openssl.cnf")
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


def test_keys_of_all_servers(host: Host, ca: Authority, setups: Setups) -> None:
    """Row 27 and 28: the same of every server's files, with nothing running."""
    leaves = {server: ca.leaf(key=rsa_key()) for server in PORTS}
    read = ("--root", str(host.root))
    for mode, expected in ((0o644, {"key-permissions"}), (0o600, set())):
        files = {
            server: host.certify(server, leaf, ca.middle, mode=mode)
            for server, leaf in leaves.items()
        }
        for server, port in PORTS.items():
            setups.write(server, files[server], port)
        told = host.tls(*read, outside=True)
        assert told.serious == expected
        keys = {one.both if server == "haproxy" else one.key for server, one in files.items()}
        assert told.places("key-on-disk") == keys
        assert told.places("key-permissions") == (keys if expected else set())
    for server in PORTS:
        other = host.certify("other", ca.leaf(key=rsa_key()), ca.middle)
        text, chain = (
            Path(f"{host.root}{path}").read_bytes() for path in (other.key, files[server].chain)
        )
        host.file(files[server].key, text, 0o600)
        host.file(files[server].both, chain + text, 0o600)
    told = host.tls(*read, outside=True)
    assert told.serious == {"key-mismatch"}
    assert told.places("key-mismatch") == keys


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
    set_level(host, 2)
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
