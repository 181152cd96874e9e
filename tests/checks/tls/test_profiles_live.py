"""Profiles and real servers: one set-up that keeps each, and one that does not."""

from __future__ import annotations

import contextlib
import datetime
import json
import runpy
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp

from checks.tls import judging, look, profilefile, profiles
from checks.tls.facts import Target
from checks.tls.faults import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.tls.facts import EndpointFacts
    from tests.checks.tls.conftest import Issued, Maker

_HERE = Path(__file__).parent
_SERVING = runpy.run_path(str(_HERE / "serving.py"))
_PEER = _HERE.parents[1] / "matrix" / "openssl_peer.py"
"""A server of the OpenSSL that cryptography ships."""
NAME = "localhost"
NOW = datetime.datetime.now(datetime.UTC)
TODAY = datetime.date(2026, 11, 22)
"""Rules with a date are held against this day, whenever the tests run."""
DAY = datetime.timedelta(days=1)
RESPONDER = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            x509.AuthorityInformationAccessOID.OCSP,
            x509.UniformResourceIdentifier("http://127.0.0.1:9/"),
        )
    ]
)
HSTS = 'add_header Strict-Transport-Security "max-age=63072000; includeSubDomains" always;'
AEAD = "ssl_ciphers ECDHE+AESGCM;"
AES13 = "ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384;"


class Wanted(NamedTuple):
    """A server to run. stapled: the certificate names a responder, whose answer is sent along."""

    lines: str
    key: Callable[[], Any] = lambda: ec.generate_private_key(ec.SECP256R1())
    life: int = 90
    stapled: bool = False
    trusted: bool = True
    peer: dict[str, str] | None = None


def bits(number: int) -> Callable[[], Any]:
    return lambda: rsa.generate_private_key(65537, number)


def spoken(versions: str, *lines: str) -> str:
    return " ".join([f"ssl_protocols {versions};", *lines])


PASSING = {
    "mozilla-modern": Wanted(
        spoken("TLSv1.3", "ssl_ecdh_curve X25519:prime256v1:secp384r1;", HSTS)
    ),
    "mozilla-intermediate": Wanted(
        spoken("TLSv1.2 TLSv1.3", AEAD, "ssl_ecdh_curve X25519:prime256v1;", HSTS), bits(2048)
    ),
    "nist-800-52r2": Wanted(
        spoken("TLSv1.2 TLSv1.3", AEAD, AES13, "ssl_ecdh_curve prime256v1:secp384r1;"),
        stapled=True,
    ),
    "bsi-tr-02102-2": Wanted(
        spoken("TLSv1.2 TLSv1.3", AEAD, AES13, "ssl_ecdh_curve prime256v1:brainpoolP384r1;")
    ),
    "pci-dss-4.0.1": Wanted(spoken("TLSv1.2 TLSv1.3", AEAD)),
    "cis-nginx": Wanted(spoken("TLSv1.3", HSTS)),
    "nginx-stig": Wanted(spoken("TLSv1.2", AEAD), bits(2048)),
    "ncsc-nl-2025": Wanted(
        spoken("TLSv1.2 TLSv1.3", AEAD, "ssl_ecdh_curve X25519:secp384r1;"), bits(3072)
    ),
    "cnsa-2.0": Wanted(
        "",
        mldsa.MLDSA87PrivateKey.generate,
        peer={"groups": "MLKEM1024", "suites": "TLS_AES_256_GCM_SHA384"},
    ),
}
# What runs, and which rules it breaks.
FAILING = {
    "mozilla-modern": (
        Wanted(spoken("TLSv1.2 TLSv1.3", "ssl_prefer_server_ciphers on;"), bits(2048), 120),
        {"versions", "suites", "groups", "keys", "lifetime", "hsts", "order"},
    ),
    "mozilla-intermediate": (
        Wanted(spoken("TLSv1.2", "ssl_ciphers AES128-SHA;", HSTS), bits(2048), 367),
        {"suites", "lifetime", "lifetime-recommended"},
    ),
    "nist-800-52r2": (
        Wanted(spoken("TLSv1.2 TLSv1.3", "ssl_ecdh_curve X25519;"), life=1200),
        {"groups", "groups-approved", "suites", "lifetime", "status"},
    ),
    "bsi-tr-02102-2": (
        Wanted(spoken("TLSv1.3", "ssl_ecdh_curve X25519;"), bits(2048)),
        {"groups", "suites", "keys"},
    ),
    "pci-dss-4.0.1": (
        Wanted(
            spoken("TLSv1 TLSv1.2", "ssl_ciphers AES128-SHA:@SECLEVEL=0;"),
            bits(1024),
            trusted=False,
        ),
        {"versions", "keys", "trusted"},
    ),
    "cis-nginx": (Wanted(spoken("TLSv1.2")), {"versions", "hsts"}),
    "nginx-stig": (
        Wanted(spoken("TLSv1 TLSv1.2", "ssl_ciphers AES128-SHA:@SECLEVEL=0;"), bits(2048)),
        {"versions"},
    ),
    "ncsc-nl-2025": (
        Wanted(spoken("TLSv1.2", "ssl_ciphers AES128-SHA:ECDHE-RSA-AES128-SHA256;"), bits(2048)),
        {"tls12", "suites", "suites-phase-out", "keys-phase-out"},
    ),
    "cnsa-2.0": (
        Wanted("", mldsa.MLDSA65PrivateKey.generate, peer={"groups": "X25519MLKEM768"}),
        {"groups", "keys", "suites"},
    ),
}


@pytest.fixture(scope="module")
def authorities(maker: Maker) -> dict[bool, Issued]:
    """Two roots, one of them for certificates of ML-DSA."""
    return {
        False: maker.authority("Test Root"),
        True: maker.authority("Test Quantum Root", key=mldsa.MLDSA87PrivateKey.generate()),
    }


@pytest.fixture
def run(
    tmp_path: Path, maker: Maker, authorities: dict[bool, Issued]
) -> Callable[..., Iterator[tuple[EndpointFacts, Context]]]:
    """Give a function that runs a server, looks at it, and says whom the host trusts."""

    @contextlib.contextmanager
    def ran(wanted: Wanted) -> Iterator[tuple[EndpointFacts, Context]]:
        root = authorities[wanted.peer is not None]
        leaf = maker.make(
            NAME,
            root,
            key=wanted.key(),
            life=wanted.life,
            start=NOW - DAY,
            extra=[RESPONDER] if wanted.stapled else [],
        )
        files = _files(tmp_path, leaf)
        lines = wanted.lines
        if wanted.stapled:
            lines += f" ssl_stapling on; ssl_stapling_file {_answer(tmp_path, leaf, root)};"
        port = _SERVING["free_port"]()
        words = (
            _peer(port, files, wanted.peer) if wanted.peer else _nginx(tmp_path, port, files, lines)
        )
        with _SERVING["running"](words, port):
            facts = look.observe(Target("127.0.0.1", port, NAME), all_suites=True)
        trusted = (root.der,) if wanted.trusted else (maker.authority("Another").der,)
        yield facts, Context(NOW, trusted)

    return ran


def _files(folder: Path, leaf: Issued) -> tuple[str, str]:
    private = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "leaf.crt").write_text(ssl.DER_cert_to_PEM_cert(leaf.der))
    (folder / "leaf.key").write_bytes(private)
    return str(folder / "leaf.crt"), str(folder / "leaf.key")


def _answer(folder: Path, leaf: Issued, root: Issued) -> Path:
    """Write what a responder of the authority answers today."""
    issuer = x509.load_der_x509_certificate(root.der)
    built = ocsp.OCSPResponseBuilder().add_response(
        cert=x509.load_der_x509_certificate(leaf.der),
        issuer=issuer,
        algorithm=hashes.SHA1(),  # RFC 6960: of names, not of what is signed
        cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=NOW - DAY,
        next_update=NOW + DAY,
        revocation_time=None,
        revocation_reason=None,
    )
    signed = built.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer).sign(
        root.key, hashes.SHA256()
    )
    path = folder / "answer.der"
    path.write_bytes(signed.public_bytes(Encoding.DER))
    return path


def _nginx(folder: Path, port: int, files: tuple[str, str], lines: str) -> list[str]:
    path = folder / "nginx.conf"
    path.write_text(
        f"pid {folder}/pid; worker_processes 1; daemon off; events {{ worker_connections 64; }}\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port} ssl; server_name {NAME};\n"
        f"ssl_certificate {files[0]}; ssl_certificate_key {files[1]};\n"
        f"return 200 ok; {lines} }} }}\n"
    )
    return ["/usr/sbin/nginx", "-e", "stderr", "-c", str(path)]


def _peer(port: int, files: tuple[str, str], options: dict[str, str]) -> list[str]:
    return [sys.executable, "-I", str(_PEER), str(port), *files, json.dumps(options)]


def broken(facts: EndpointFacts, context: Context, name: str) -> set[str]:
    """Name the rules that are broken; all that is found here is of the profile itself."""
    failed = {finding.check for finding in judging.findings(facts, context)}
    subject = profiles.Subject(facts, judging._leaves(facts), TODAY, failed)
    found = list(profiles.violations(subject, profilefile.shipped(name)))
    assert all(fault.fix for fault in found)
    return {fault.fact.partition("/")[2] for fault in found}


@pytest.mark.parametrize("name", PASSING)
def test_a_server_that_keeps_a_profile_breaks_none_of_its_rules(
    name: str, run: Callable[..., contextlib.AbstractContextManager[Any]]
) -> None:
    """And nothing of it stays unsettled."""
    with run(PASSING[name]) as (facts, context):
        assert facts.speaks_tls
        assert broken(facts, context, name) == set()
        profile = profilefile.shipped(name)
        assert judging.unseen(facts, context, [profile]) == []


@pytest.mark.parametrize("name", FAILING)
def test_a_server_that_breaks_a_profile_breaks_just_these_rules(
    name: str, run: Callable[..., contextlib.AbstractContextManager[Any]]
) -> None:
    """Each rule is one finding, and one more is none."""
    wanted, rules = FAILING[name]
    with run(wanted) as (facts, context):
        assert broken(facts, context, name) == rules
        found = judging.findings(facts, context, [profilefile.shipped(name)])
        assert sum(one.check == "profile-violation" for one in found) == len(rules)


def test_every_profile_has_its_servers() -> None:
    """A new one needs its two."""
    assert list(profilefile.names()) == sorted(PASSING) == sorted(FAILING)
