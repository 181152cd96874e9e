"""The matrix's rows on certificates and HTTP: each fault on real servers, beside a sound one."""

from __future__ import annotations

import datetime
import math
import secrets
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.checks.tls.conftest import Issued
    from tests.matrix.hosting import Authority, Files, Host
    from tests.matrix.setups import Setups

NAME = "www.matrix.test"
STAPLE = x509.TLSFeature([x509.TLSFeatureType.status_request])
DAY = datetime.timedelta(days=1)
LOW = "CipherString = DEFAULT@SECLEVEL=0"


def key(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


def is_prime(number: int) -> bool:
    """Fermat with a few bases; a mistake is as likely as a flipped bit."""
    return all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7, 11))


SMALL = math.prod(number for number in range(3, 2000) if all(number % d for d in range(2, number)))


def next_prime(number: int) -> int:
    found = number | 1
    while math.gcd(found, SMALL) > 1 or not is_prime(found) or (found - 1) % 65537 == 0:
        found += 2
    return found


def of_primes(first: int, second: int) -> rsa.RSAPrivateKey:
    """Make the key of two primes."""
    private = pow(65537, -1, (first - 1) * (second - 1))
    public = rsa.RSAPublicNumbers(65537, first * second)
    crt = (private % (first - 1), private % (second - 1), pow(second, -1, first))
    return rsa.RSAPrivateNumbers(first, second, private, *crt, public).private_key()


def close() -> rsa.RSAPrivateKey:
    first = next_prime(secrets.randbits(1023) | 3 << 1022)
    return of_primes(first, next_prime(first + 2))


CHAINS: dict[str, tuple[Callable[[Authority], list[Issued]], set[str]]] = {
    "sound": (lambda ca: [ca.leaf(), ca.middle], set()),
    "sound, by the root itself": (lambda ca: [ca.leaf(issuer=ca.root)], set()),
    "sound, with its root": (lambda ca: [ca.leaf(), ca.middle, ca.root], set()),
    "expired": (lambda ca: [ca.leaf(left=-3), ca.middle], {"cert-expired"}),
    "not yet valid": (lambda ca: [ca.leaf(left=100), ca.middle], {"cert-not-yet-valid"}),
    "valid since an hour": (lambda ca: [ca.leaf(left=90 - 1 / 24), ca.middle], set()),
    "wrong name": (lambda ca: [ca.leaf("b.matrix.test"), ca.middle], {"cert-name-mismatch"}),
    "name only in the CN": (lambda ca: [ca.leaf(names=()), ca.middle], {"cert-no-san"}),
    "wildcard": (lambda ca: [ca.leaf(names=("*.matrix.test",)), ca.middle], set()),
    "wildcard too high": (
        lambda ca: [ca.leaf(names=("*.test",)), ca.middle],
        {"cert-name-mismatch"},
    ),
    "capitals": (lambda ca: [ca.leaf(names=("WWW.Matrix.TEST",)), ca.middle], set()),
    "self-signed": (lambda ca: [ca.make(NAME)], {"cert-self-signed"}),
    "no intermediate": (lambda ca: [ca.leaf()], {"cert-chain-incomplete"}),
    "reversed": (lambda ca: [ca.leaf(), ca.root, ca.middle], set()),
    "with a stranger": (lambda ca: [ca.leaf(), ca.middle, ca.make("x.test")], set()),
    "private root": (lambda ca: under(ca, ca.maker.authority("Stranger")), {"cert-untrusted"}),
    "impostor": (lambda ca: under(ca, ca.maker.authority("Matrix Root")), {"cert-untrusted"}),
    "old intermediate": (lambda ca: under(ca, ca.root, left=-3), {"cert-chain-expired"}),
    "RSA-1024": (lambda ca: [ca.leaf(key=key(1024)), ca.middle], {"cert-key-weak"}),
    "RSA-2048": (lambda ca: [ca.leaf(key=key()), ca.middle], set()),
    "P-192": (lambda ca: [ca.leaf(key=curve(ec.SECP192R1())), ca.middle], {"cert-key-weak"}),
    "exponent 3": (lambda ca: [ca.leaf(key=key(exponent=3)), ca.middle], {"cert-exponent"}),
    "close primes": (lambda ca: [ca.leaf(key=close()), ca.middle], {"cert-key-compromised"}),
    "SHA-1": (lambda ca: old(ca, "sha1"), {"cert-signature-weak"}),
    "MD5": (lambda ca: old(ca, "md5"), {"cert-signature-weak"}),
    "an authority's": (
        lambda ca: [ca.make(NAME, ca.middle, ca=True, names=(NAME,)), ca.middle],
        {"cert-ca-as-leaf"},
    ),
    "20 of 45 days": (lambda ca: [ca.leaf(life=45, left=20), ca.middle], set()),
    "20 of 90 days": (lambda ca: [ca.leaf(life=90, left=20), ca.middle], {"cert-expiring"}),
    "3 of 6 days": (lambda ca: [ca.leaf(life=6, left=3), ca.middle], set()),
    "long, private root": (lambda ca: [ca.leaf(life=800, left=700), ca.middle], set()),
    "must-staple": (
        lambda ca: [ca.leaf(extra=(STAPLE,)), ca.middle],
        {"cert-must-staple-missing"},
    ),
}


def curve(named: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(named)


def under(ca: Authority, root: Issued, left: int = 3000) -> list[Issued]:
    middle = ca.maker.authority("Odd Intermediate", root, left=left)
    return [ca.leaf(issuer=middle), middle]


def old(ca: Authority, digest: str) -> list[Issued]:
    """Make a chain whose leaf is signed with a broken hash."""
    middle = ca.maker.authority("RSA Intermediate", ca.root, key=key())
    return [ca.maker.signed_old(ca.leaf(issuer=middle), middle, digest), middle]


def test_each_fault_of_a_chain_is_told_alone(host: Host, ca: Authority, setups: Setups) -> None:
    """Row 15 and 17, on nginx, with what all of it is told apart from, by one look at the host."""
    host.openssl(LOW)
    sites, ports = [], {}
    for port, (case, (made, _)) in enumerate(CHAINS.items(), 4001):
        files = host.certify(str(port), *made(ca))
        ports[case] = port
        sites.append(
            f"server {{ listen {port} ssl; server_name {NAME}; ssl_certificate {files.chain};"
            f" ssl_certificate_key {files.key}; location / {{ return 200 ok; }} }}"
        )
    sound = host.certify("sound", ca.leaf(), ca.middle)
    setups.write("nginx", sound, end="\n".join(sites))
    setups.start("nginx", *ports.values())
    told = host.tls(*(f"127.0.0.1:{port}" for port in ports.values()), "-n", NAME)
    found = {case: told.at(f"127.0.0.1:{port}/{NAME}") for case, port in ports.items()}
    assert found == {case: checks for case, (_, checks) in CHAINS.items()}
    unseen = {one["path"].partition("/www")[0] for one in told.report["inconclusive"]}
    assert unseen <= {f"tls://127.0.0.1:{ports['P-192']}"}  # no client of today shakes hands there
    assert told.status == 1


PORTS = {
    "apache": 4401,
    "caddy": 4402,
    "dovecot": 993,
    "haproxy": 4403,
    "lighttpd": 4404,
    "postfix": 25,
    "slapd": 636,
}


def test_other_servers_certificates_are_judged_alike(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """An expired, self-signed one is told of every server; a sound one of none."""
    names = {server: f"{server}.matrix.test" for server in PORTS}
    for left, expected in ((80, set()), (-3, {"cert-expired", "cert-self-signed"})):
        running = []
        for server, port in PORTS.items():
            private = key()
            own = ca.make(names[server], key=private, left=left)
            chain = [own] if expected else [ca.leaf(names[server], key=private), ca.middle]
            files = host.certify(server, *chain)
            running.append(setups.run(server, files, port, name=names[server]))
        told = host.tls()
        assert {server: told.on(port) for server, port in PORTS.items()} == dict.fromkeys(
            PORTS, expected
        )
        assert told.serious == expected
        assert told.report["inconclusive"] == []
        seen = {one["port"] for one in told.report["endpoints"] if one["certificates"]}
        assert seen >= set(PORTS.values())
        for server in running:
            host.end(server)


def test_gnutls_and_openssl_servers_are_judged_alike(host: Host, ca: Authority) -> None:
    """Two bare libraries, of whose files nothing is known."""
    for name, chain in (("sound", [ca.leaf(), ca.middle]), ("bare", [ca.leaf(left=-3)])):
        files = host.certify(name, *chain)
        bare = name == "bare"
        host.serve(
            *("openssl", "s_server", "-quiet", "-www", "-accept", f"{4431 + bare}"),
            *("-cert_chain", files.chain, "-cert", files.chain, "-key", files.key),
            *("-cipher", "ECDHE+AESGCM"),
            ports=(4431 + bare,),
        )
        host.serve(
            *("gnutls-serv", "-q", "--echo", "-p", f"{4441 + bare}"),
            *("--x509certfile", files.chain, "--x509keyfile", files.key),
            *("--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3"),
            ports=(4441 + bare,),
        )
    told = host.tls()
    faults = {"cert-expired", "cert-chain-incomplete"}
    places = (4431, 4432, 4441, 4442)
    found = {port: told.at(f"127.0.0.1:{port}") for port in places}
    assert told.report["inconclusive"] == []
    assert found == {4431: set(), 4432: faults, 4441: set(), 4442: faults}


@pytest.mark.parametrize("stale", ["RSA", "EC"])
def test_of_a_pair_both_certificates_are_seen(
    host: Host, ca: Authority, setups: Setups, stale: str
) -> None:
    """Row 16: one of the two has expired, and whoever takes the other never meets it."""
    for left, expected in ((80, set()), (-3, {"cert-expired"})):
        running = []
        for port, server in enumerate(("apache", "haproxy", "nginx"), 4401):
            lives = {kind: left if kind == stale else 80 for kind in ("RSA", "EC")}
            ours = host.certify(f"{server}-ec", ca.leaf(left=lives["EC"]), ca.middle)
            other = ca.leaf(left=lives["RSA"], key=key())
            theirs = host.certify(f"{server}-rsa", other, ca.middle)
            running.append(setups.run(server, ours, port, **second(server, theirs)))
        told = host.tls()
        assert [told.on(port) for port in (4401, 4402, 4403)] == [expected] * 3
        shown = [
            sorted(each["key"].partition(" ")[0] for each in one["certificates"])
            for one in told.report["endpoints"]
            if one["server_name"]  # haproxy shows its first one to who names no host
        ]
        assert shown == [["EC", "RSA"]] * len(shown)
        for server in running:
            host.end(server)


def second(server: str, files: Files) -> dict[str, str]:
    """Give a server a certificate of another kind beside its first."""
    return {
        "apache": {"more": f"SSLCertificateFile {files.chain}\nSSLCertificateKeyFile {files.key}"},
        "haproxy": {"more": f"crt {files.both}"},
        "nginx": {"more": f"ssl_certificate {files.chain}; ssl_certificate_key {files.key};"},
    }[server]


def stapled(ca: Authority, leaf: Issued) -> bytes:
    """Make an OCSP answer that a certificate is good."""
    loaded = [x509.load_der_x509_certificate(one.der) for one in (leaf, ca.middle)]
    now = ca.maker.now - DAY
    good = ocsp.OCSPCertStatus.GOOD
    built = ocsp.OCSPResponseBuilder().add_response(
        *loaded, hashes.SHA1(), good, now, now + 7 * DAY, None, None
    )
    by_key = built.responder_id(ocsp.OCSPResponderEncoding.NAME, loaded[1])
    return by_key.sign(ca.middle.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_must_staple_is_content_with_a_staple(host: Host, ca: Authority, setups: Setups) -> None:
    """The server that staples is silent, also where no certificate demands it."""
    leaf = ca.leaf(extra=(STAPLE,))
    host.file("/etc/tls/staple.der", stapled(ca, leaf))
    staple = "ssl_stapling on; ssl_stapling_file /etc/tls/staple.der;"
    running = setups.run("nginx", host.certify("a", leaf, ca.middle), more=staple)
    assert host.tls().serious == set()
    host.end(running)
    setups.run("nginx", host.certify("a", leaf, ca.middle))
    assert host.tls().serious == {"cert-must-staple-missing"}


def test_long_lives_are_a_fault_of_public_authorities_only(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """The same root, first one of the host's own, then one of Mozilla's."""
    files = host.certify("long", ca.leaf(life=800, left=700), ca.middle)
    setups.run("nginx", files)
    assert host.tls().serious == set()
    host.trust(ca.root, public=True)
    assert host.tls().serious == {"cert-lifetime"}


def test_a_prime_that_two_keys_share_gives_both_away(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Alone each of them looks sound."""
    shared = next_prime(secrets.randbits(1023) | 3 << 1022)
    others = [next_prime(secrets.randbits(1023) | 3 << 1022) for _ in range(2)]
    leaves = [ca.leaf(key=of_primes(shared, other)) for other in others]
    sound = host.certify("a", leaves[0], ca.middle)
    setups.run("nginx", sound)
    assert host.tls().serious == set()
    middle = ca.maker.authority("Shared", ca.root, key=leaves[1].key)
    host.serve(
        *("openssl", "s_server", "-quiet", "-www", "-accept", "4433", "-cipher", "ECDHE+AESGCM"),
        *chained(host.certify("b", ca.leaf(issuer=middle, key=leaves[0].key), middle)),
        ports=(4433,),
    )
    assert host.tls("127.0.0.1:4433").serious == {"cert-key-compromised"}


def chained(files: Files) -> tuple[str, ...]:
    return "-cert_chain", files.chain, "-cert", files.chain, "-key", files.key


PAGES = {
    "sound": ("max-age=63072000", set()),
    "none": ("", {"http-hsts-missing"}),
    "zero": ("max-age=0", {"http-hsts-short"}),
    "a month": ("max-age=2592000; includeSubDomains", {"http-hsts-short"}),
    "a year": ("max-age=31536000", set()),
    "garbled": ("yes please", {"http-hsts-missing"}),
}


@pytest.mark.parametrize("versions", ["TLSv1.2", "TLSv1.2 TLSv1.3"])
def test_what_is_said_about_https(host: Host, ca: Authority, setups: Setups, versions: str) -> None:
    """HSTS that is not there, not read or soon forgotten; in TLS 1.3 and below."""
    files = host.certify("a", ca.leaf(), ca.middle)
    ports = dict(zip(PAGES, range(4001, 4100), strict=False))
    sites = "".join(
        f"server {{ listen {port} ssl; server_name {NAME}; ssl_certificate {files.chain};"
        f" ssl_certificate_key {files.key}; "
        + (f'add_header Strict-Transport-Security "{said}" always;' if said else "")
        + "add_header X-Some thing; location / { return 200 ok; } }"
        for said, port in zip((said for said, _ in PAGES.values()), ports.values(), strict=True)
    )
    setups.write("nginx", files, top=f"ssl_protocols {versions};", end=sites)
    text = (host.root / "etc/nginx/nginx.conf").read_text()
    host.file("/etc/nginx/nginx.conf", text.replace("ssl_protocols TLSv1.2 TLSv1.3;", "", 1))
    setups.start("nginx", *ports.values())
    told = host.tls()
    found = {
        page: {
            one["check"]
            for one in told.report["findings"]
            if one["path"] == f"tls://127.0.0.1:{port}/{NAME}" and one["check"].startswith("http-")
        }
        for page, port in ports.items()
    }
    assert found == {page: checks for page, (_, checks) in PAGES.items()}
    assert told.serious == set()


HERE = "location / { return 200 ok; }"
AWAY = "return 301 https://$host$request_uri;"
PLAIN = {
    81: (f"server {{ listen 81; {AWAY} }}", set()),
    82: (f"server {{ listen 82; {HERE} }}", {""}),
    83: ("server { listen 83; return 302 http://other.test/; }", {""}),
    84: ("server { listen 84; return 404; }", set()),
    85: ("server { listen 85; return 444; }", set()),
    86: (
        f"server {{ listen 86; {AWAY} }} server {{ listen 86; server_name {NAME}; {HERE} }}",
        {f"/{NAME}"},
    ),
}


def test_plain_http_that_leads_nowhere(host: Host, ca: Authority, setups: Setups) -> None:
    """Told of the plain ports of a server that has the site under HTTPS too, name by name."""
    servers = "".join(server for server, _ in PLAIN.values())
    setups.write("nginx", host.certify("a", ca.leaf(), ca.middle), end=servers)
    setups.start("nginx", 443, *PLAIN)
    told = host.tls()
    assert told.places("http-plain-no-redirect") == {
        f"http://127.0.0.1:{port}{name}" for port, (_, names) in PLAIN.items() for name in names
    }
    assert told.serious == set()


def test_plain_http_of_another_server_is_its_own_affair(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Who has no HTTPS has nowhere to send its visitors."""
    setups.run("nginx", host.certify("a", ca.leaf(), ca.middle))
    host.serve("python3", "-m", "http.server", "--directory", "/srv", "8000", ports=(8000,))
    assert "http-plain-no-redirect" not in host.tls().found


def test_plain_http_is_looked_at_beside_what_was_asked_for(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Port 80 goes with 443, and a plain port that is asked for is judged itself."""
    plain = "server { listen 80; listen 8000; location / { return 200 ok; } }"
    setups.run("nginx", host.certify("a", ca.leaf(), ca.middle), end=plain)
    for asked, place in (("443", "80"), ("8000", "8000")):
        told = host.tls(f"127.0.0.1:{asked}")
        assert told.places("http-plain-no-redirect") == {f"http://127.0.0.1:{place}"}
        assert told.serious == set()
