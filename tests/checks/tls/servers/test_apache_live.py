"""What Apache really serves is what its configuration is read to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.tls.numbers import Version
from checks.tls.servers import apache
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.checks.tls.servers.conftest import Live

MODULES = "/usr/lib/apache2/modules"


def write(tmp_path: Path, live: Live, ports: list[int], hosts: str) -> str:
    main = tmp_path / "apache2.conf"
    listens = "".join(f"Listen 127.0.0.1:{port}\n" for port in ports)
    main.write_text(
        f"ServerRoot {tmp_path}\nPidFile pid\nErrorLog error.log\nServerName main.test\n"
        f"Mutex file:{tmp_path}\n"
        f"LoadModule mpm_event_module {MODULES}/mod_mpm_event.so\n"
        f"LoadModule authz_core_module {MODULES}/mod_authz_core.so\n"
        f"LoadModule ssl_module {MODULES}/mod_ssl.so\n{listens}"
        f"SSLCertificateFile {live.certificate}\nSSLCertificateKeyFile {live.key}\n"
        f"SSLCipherSuite ALL:@SECLEVEL=0\n{hosts}"
    )
    return str(main)


def host(port: int, name: str, *lines: str) -> str:
    inside = "\n".join((f"ServerName {name}", "SSLEngine on", *lines))
    return f"<VirtualHost *:{port}>\n{inside}\n</VirtualHost>\n"


def test_versions_are_those_that_are_served(tmp_path: Path, live: Live) -> None:
    """Words with and without signs, gaps, commands and hosts that are not first."""
    ports = [live.port() for _ in range(7)]
    hosts = (
        host(ports[0], "a.test", "SSLProtocol -all +TLSv1.2 +TLSv1.3")
        + host(ports[0], "b.test", "SSLProtocol -all +TLSv1 +TLSv1.1")
        + host(ports[0], "c.test", "SSLOpenSSLConfCmd MinProtocol TLSv1.3")
        + host(ports[1], "d.test", "SSLProtocol TLSv1 TLSv1.1 TLSv1.2")
        + host(ports[2], "e.test", "SSLProtocol +TLSv1 +TLSv1.2")
        + host(ports[3], "f.test", "SSLProtocol +TLSv1.2", "SSLOpenSSLConfCmd MinProtocol TLSv1")
        + host(ports[4], "g.test", "SSLProtocol all", "SSLOpenSSLConfCmd Protocol -TLSv1.2")
        + host(ports[5], "h.test", "SSLOpenSSLConfCmd MaxProtocol TLSv1.1")
        + host(ports[6], "i.test", "SSLProtocol all -TLSv1")
    )
    main = write(tmp_path, live, ports, hosts)
    with RootTree() as tree:
        found = list(apache.sites(tree, main))
    with live.run("apache", main):
        served = {site.names[0]: live.versions(site) for site in found}
    assert served == {site.names[0]: site.protocols for site in found}
    assert served["d.test"] == (Version.TLS12,)


def test_ciphers_and_groups_are_those_that_are_served(tmp_path: Path, live: Live) -> None:
    """A second host's suites count, its groups do not, and NULL suites never do."""
    port = live.port()
    hosts = host(port, "a.test", "SSLOpenSSLConfCmd Groups P-256") + host(
        *(port, "b.test", "SSLOpenSSLConfCmd Groups X25519"),
        "SSLCipherSuite AES256-SHA:NULL-SHA:@SECLEVEL=0",
        "SSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256",
    )
    main = write(tmp_path, live, [port], hosts)
    with RootTree() as tree:
        _, second = apache.sites(tree, main)
    with live.run("apache", main):
        facts = live.ask(second)
    assert facts.groups == (23,)
    suites = {accepted.version: set[int]() for accepted in facts.suites}
    for accepted in facts.suites:
        suites[accepted.version].add(accepted.suite)
    assert suites[Version.TLS12] == {0x0035}
    assert suites[Version.TLS13] == {0x1301}
    assert len(second.ineffective) == 2


def test_a_host_behind_a_plain_one_is_not_served(tmp_path: Path, live: Live) -> None:
    """An address whose first host has no TLS speaks none, as the site without address says."""
    port = live.port()
    plain = host(port, "a.test").replace("SSLEngine on", "SSLEngine off")
    main = write(tmp_path, live, [port], plain + host(port, "b.test"))
    with RootTree() as tree:
        (site,) = apache.sites(tree, main)
    with live.run("apache", main):
        facts = live.ask(type(site)(server="", place=site.place, listens=(f"127.0.0.1:{port}",)))
    assert site.listens == ()
    assert not facts.speaks_tls
