"""Set-ups that the matrix does not name, kept because each of them found a fault of ours once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from tests.matrix.hosting import Authority, Files, Host
    from tests.matrix.setups import Setups

NAME = "www.matrix.test"
DRIFT = "drift-certificate-not-loaded"


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def server(files: Files, name: str, listen: str = "443 ssl") -> str:
    """Write a server of nginx; an empty name is none."""
    return (
        f"server {{ listen {listen}; {f'server_name {name};' if name else ''}\n"
        f"ssl_certificate {files.chain}; ssl_certificate_key {files.key};\n"
        "location / { return 200 ok; } }\n"
    )


def test_hosts_without_names_are_not_taken_for_others(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """A nameless host, one of expressions, and others beside them: nothing has drifted."""
    one, two, three = (
        host.certify(name, ca.leaf(f"{name}.test"), ca.middle) for name in ("one", "two", "three")
    )
    setups.write(
        "nginx",
        one,
        name="one.test",
        end=server(two, "", "8443 ssl")
        + server(three, "three.test", "8443 ssl")
        + server(two, "two.test", "8444 ssl")
        + server(three, r"~^(?<label>.+)\.three\.test$", "8444 ssl")
        + server(two, "", "127.0.0.1:8445 ssl")
        + server(three, "", "127.0.0.2:8445 ssl"),
    )
    setups.start("nginx", 443, 8443, 8444, 8445)
    assert host.tls().serious == set()
    host.certify("three", ca.leaf("three.test"), ca.middle)
    told = host.tls()
    assert told.serious == {DRIFT}
    assert told.places(DRIFT) == {
        "tls://127.0.0.1:8443/three.test",
        "tls://127.0.0.2:8445",
    }


def test_wildcards_are_asked_for_by_names_in_use(host: Host, ca: Authority, setups: Setups) -> None:
    """A host for any name below one has the certificate of some; a name that is not made up."""
    some = host.certify("some", ca.leaf(names=("a.test", "www.a.test")), ca.middle)
    every = host.certify("every", ca.leaf(names=("*.b.test",), left=-3), ca.middle)
    tail = host.certify("tail", ca.leaf(names=("www.c.test",), left=-3), ca.middle)
    sites = server(some, ".a.test") + server(every, "*.b.test") + server(tail, "www.c.*")
    setups.run("nginx", host.certify("sound", ca.leaf(), ca.middle), end=sites)
    told = host.tls()
    assert told.serious == {"cert-expired"}
    assert told.places("cert-expired") == {
        "tls://127.0.0.1:443/hygiene-agent.b.test",
        "tls://127.0.0.1:443/www.c.test",
    }


def test_of_a_folder_of_certificates_the_one_that_drifted_is_told(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """haproxy chooses by the names in them, and so must we."""

    def put(name: str) -> None:
        files = host.certify(name, ca.leaf(f"{name}.test"), ca.middle)
        text = (host.root / files.both.lstrip("/")).read_bytes()
        host.file(f"/etc/haproxy/certs/{name}.pem", text, 0o600)

    put("one")
    put("two")
    setups.run("haproxy", host.certify("a", ca.leaf(), ca.middle), more="crt /etc/haproxy/certs")
    assert host.tls().serious == set()
    put("two")
    told = host.tls()
    assert told.serious == {DRIFT}
    assert [one["path"] for one in told.of(DRIFT)] == ["tls://127.0.0.1:443/two.test"]


def test_links_that_a_renewal_turned_are_followed(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """As certbot does it: told until the reload, where it is asked for alone too."""
    for name in ("one", "two"):
        host.certify(name, ca.leaf(), ca.middle)
    files = host.certify("one", ca.leaf(), ca.middle)._replace(
        chain="/etc/letsencrypt/live/x/fullchain.pem", key="/etc/letsencrypt/live/x/privkey.pem"
    )

    def turn(name: str) -> None:
        for link, end in ((files.chain, "pem"), (files.key, "key")):
            (host.root / link.lstrip("/")).unlink(missing_ok=True)
            host.link(link, f"../../../tls/{name}.{end}")

    turn("one")
    setups.run("nginx", files)
    assert host.tls().serious == set()
    turn("two")
    assert host.tls("127.0.0.1:443").serious == {DRIFT}
    assert host.tls("127.0.0.1:443", "-n", NAME).serious == {DRIFT}
    assert host.tls("[::1]:443").serious == set()  # nobody listens there


STARTED = {
    "apache": ("apache2", "-DFOREGROUND", "-f", "/srv/own/main"),
    "caddy": ("caddy", "run", "--adapter", "caddyfile", "--config", "/srv/own/main"),
    "haproxy": ("haproxy", "-db", "-f", "/srv/own/main"),
    "lighttpd": ("lighttpd", "-D", "-f", "/srv/own/main"),
    "nginx": ("nginx", "-c", "/srv/own/main"),
}


def test_files_at_unusual_places_are_those_of_the_command_line(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Whatever a running server was started with is read; HOST:PORT of this host has files too."""
    host.run("mkdir", "/srv/home")
    ports = dict(zip(STARTED, range(4401, 4410), strict=False))
    for name, port in ports.items():
        files = host.certify(name, ca.leaf(key=rsa_key()), ca.middle, mode=0o644)
        path = setups.write(name, files, port)
        host.run("sh", "-c", f"mkdir -p /srv/{name}; mv {path} /srv/{name}/main")
        words = [word.replace("/own/", f"/{name}/") for word in STARTED[name]]
        host.serve(*words, ports=(port,), env={"HOME": "/srv/home"})
    assert host.tls().serious == {"key-permissions"}
    for name in ports:
        host.certify(name, ca.leaf(key=rsa_key()), ca.middle)
    told = host.tls()
    assert [told.on(port) for port in ports.values()] == [{DRIFT}] * len(ports)
    for port in (4403, 4405):
        assert host.tls(f"127.0.0.1:{port}", "-n", NAME).serious == {DRIFT}


CONTAINER = """
mkdir -p /srv/c/etc /srv/c/usr /srv/c/run /srv/c/var/log/nginx /srv/c/var/lib/nginx /srv/c/dev
for name in bin sbin lib lib64; do ln -s usr/$name /srv/c/$name; done
cp -a /etc/nginx /etc/passwd /etc/group /etc/ssl /etc/tls /etc/nsswitch.conf /srv/c/etc
mount --bind /usr /srv/c/usr
mount --bind /dev /srv/c/dev
"""


def test_a_container_has_files_of_its_own(host: Host, ca: Authority, setups: Setups) -> None:
    """A server in another root is not compared with the files of the same name here."""
    files = host.certify("inside", ca.leaf(), ca.middle)
    setups.write("nginx", files)
    host.run("sh", "-c", CONTAINER)
    setups.write("nginx", host.certify("outside", ca.leaf(), ca.middle))
    host.serve("unshare", "--mount", "chroot", "/srv/c", "/usr/sbin/nginx", ports=(443,))
    told = host.tls()
    assert told.serious == set()
    assert [one["files"] for one in told.report["endpoints"]] == [[]]
    assert host.tls("127.0.0.1:443").serious == set()


@pytest.mark.parametrize(
    ("server", "more"),
    [
        ("nginx", {"top": "server { listen 443 ssl default_server; ssl_reject_handshake on; }"}),
        ("haproxy", {"more": "strict-sni"}),
        ("caddy", {}),
    ],
)
def test_hosts_by_name_only_are_looked_at_as_a_whole(
    host: Host, ca: Authority, setups: Setups, server: str, more: dict[str, str]
) -> None:
    """Nothing is left open for a server's turning away who names none of its hosts."""
    setups.run(server, host.certify("a", ca.leaf(key=rsa_key()), ca.middle), **more)
    told = host.tls("--profile", "pci-dss-4.0.1")
    assert (told.status, told.serious, told.report["inconclusive"]) == (0, set(), [])
    alone = host.tls("127.0.0.1:443", "-n", "stranger.test")
    assert (alone.status, alone.serious) == (3, set())
    if server != "caddy":
        there = "tls://127.0.0.1:443/stranger.test"
        assert "the server has no host of this name" in alone.unsettled(there)


def test_caddy_speaks_to_strangers_as_by_itself(host: Host, ca: Authority, setups: Setups) -> None:
    """A site's versions are for its names, and what others are told is no drift from them."""
    files = host.certify("a", ca.leaf(), ca.middle)
    running = setups.run("caddy", files, more="protocols tls1.2 tls1.2")
    told = host.tls()
    assert told.serious == set()
    assert told.places("tls-1.3-missing") == {f"tls://127.0.0.1:443/{NAME}"}
    host.end(running)
    setups.run("caddy", files)
    setups.write("caddy", files, more="protocols tls1.2 tls1.2")
    assert host.tls().places("drift-config-not-loaded") == {f"tls://127.0.0.1:443/{NAME}"}


def test_early_data_is_switched_off_where_nginx_heeds_it(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """It is found at the name that has it off, and mended at the line of the default server."""
    files = host.certify("a", ca.leaf(names=(NAME, "b.test")), ca.middle)
    second = server(files, "b.test").replace("location", "ssl_early_data off; location")
    running = setups.run("nginx", files, more="ssl_early_data on;", end=second)
    told = host.tls()
    assert told.serious == {"tls-early-data"}
    (there,) = (o for o in told.of("tls-early-data") if o["path"].endswith("/b.test"))
    (vain,) = told.of("config-ineffective")
    assert vain["line"] == line_of(host, "ssl_early_data off;")
    assert f"/etc/nginx/nginx.conf:{line_of(host, 'ssl_early_data on;')}" in there["fix"]
    host.end(running)
    host.edit("/etc/nginx/nginx.conf", "ssl_early_data on;", there["snippet"])
    setups.start("nginx")
    told = host.tls()
    assert (told.serious, told.of("config-ineffective")) == (set(), [])


def line_of(host: Host, words: str) -> int:
    """Say in which line of nginx's main file some words stand first."""
    text = (host.root / "etc/nginx/nginx.conf").read_text()
    return text[: text.index(words)].count("\n") + 1


def test_an_error_in_the_place_of_a_staple_is_none(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """apache says tryLater for a responder that it does not reach; clients take it for nothing."""
    must = x509.TLSFeature([x509.TLSFeatureType.status_request])
    asked = x509.AuthorityInformationAccessOID.OCSP
    where = x509.UniformResourceIdentifier("http://127.0.0.1:9/")
    responder = x509.AuthorityInformationAccess([x509.AccessDescription(asked, where)])
    files = host.certify("a", ca.leaf(extra=(must, responder)), ca.middle)
    top = "SSLUseStapling on\nSSLStaplingCache shmcb:/run/staples(32768)"
    running = setups.run("apache", files, top=top)
    told = host.tls()
    assert told.serious == {"cert-must-staple-missing"}
    (first, *_) = told.of("cert-must-staple-missing")
    assert first["message"].endswith("the one sent is the error try_later")
    host.end(running)
    setups.run("apache", host.certify("a", ca.leaf(extra=(responder,)), ca.middle), top=top)
    assert host.tls().serious == set()


def test_a_plain_port_is_mended_in_its_servers_words(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """A redirect to plain HTTP is told with nginx's line, which put in its place mends it."""
    wrong = f"return 302 http://{NAME}/;"
    plain = f"server {{ listen 80; server_name {NAME}; {wrong} }}"
    files = host.certify("a", ca.leaf(), ca.middle)
    running = setups.run("nginx", files, end=plain)
    (found,) = host.tls().of("http-plain-no-redirect")
    host.end(running)
    host.edit("/etc/nginx/nginx.conf", wrong, found["snippet"])
    setups.start("nginx", 80, 443)
    assert host.tls().of("http-plain-no-redirect") == []
