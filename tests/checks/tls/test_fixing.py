"""What is said to mend a fault, and where it goes."""

from __future__ import annotations

import pytest

from checks.tls import fixing, judging, mending, profilefile, profiles, servers
from checks.tls.config import Setting, Site
from checks.tls.faults import Fault
from checks.tls.numbers import Version
from checks.tls.remedies import Kind, Remedy
from checks.tls.siting import Located

OLD = Fault("tls-1.0", "speaks TLS 1.0", "TLS 1.0")
MAIN = "/etc/nginx/nginx.conf"
PROTOCOLS = Setting("ssl_protocols", "TLSv1 TLSv1.2", MAIN, 33)
HOST = Setting("server", "", "/etc/nginx/sites-enabled/a", 12)


def site(*settings: Setting, place: Setting = HOST, server: str = "nginx") -> Site:
    return Site(server=server, place=place, settings=settings)


def test_every_server_that_is_read_can_be_told() -> None:
    """There is a file of words for each server whose files are read, and none besides."""
    from pathlib import Path

    read = {path.stem for path in Path(servers.__path__[0]).glob("[a-z]*.py")}
    assert set(fixing.known()) == read


def test_all_that_is_mended_is_a_check() -> None:
    """A remedy is told for checks that there are, and for no other."""
    checks = set(judging.known())
    told = {check for check in checks if mending.remedy(Fault(check, "", ""))}
    assert len(told) > 30
    assert mending.remedy(Fault("cert-key-weak", "", "")) is None
    assert mending.remedy(Fault("no-such-check", "", "")) is None


@pytest.mark.parametrize("name", sorted(fixing.known()))
def test_lines_stand_alone(name: str) -> None:
    """Every server tells the obvious; no line ends in a blank or has a place that is not filled."""
    for check in ("tls-1.0", "tls-no-forward-secrecy", "cert-chain-incomplete", "cert-expired"):
        told = fixing.mended(Fault(check, "", ""), fixing.Server(name))
        assert told.lines
        for line in told.lines.splitlines():
            assert line == line.rstrip()
            assert "{file}" not in line
            assert "{unit}" not in line


def test_a_setting_is_named_with_its_line() -> None:
    """Where the site is known, the text says which line to change; else which part it goes into."""
    known = fixing.mended(OLD, fixing.server("nginx", "", [site(PROTOCOLS)]))
    assert known.lines == "ssl_protocols TLSv1.2 TLSv1.3;"
    assert f"the place of ssl_protocols at {MAIN}:33" in known.where
    other = fixing.mended(OLD, fixing.server("nginx", "", [site()]))
    assert "the site is at /etc/nginx/sites-enabled/a:12" in other.where
    assert "the server block" in fixing.mended(OLD, fixing.Server("nginx")).where


def test_nothing_is_told_of_an_unknown_server() -> None:
    """What serves there decides; without it there are no lines."""
    assert fixing.mended(OLD, fixing.UNKNOWN) == fixing.NOTHING
    assert fixing.mended(OLD, fixing.Server("iis")) == fixing.NOTHING


def test_of_several_sites_what_they_share_counts() -> None:
    """Settings and place are named only where all sites that may answer have them."""
    own = Setting("ssl_ciphers", "ALL", HOST.path, 14)
    other = Setting("server", "", "/etc/nginx/sites-enabled/b", 3)
    both = [site(PROTOCOLS, own), site(PROTOCOLS, place=other)]
    server = fixing.server("nginx", "", [*both, site(own, server="apache")])
    assert server.settings == (PROTOCOLS,)
    assert server.place is None
    assert fixing.server("nginx", "", both[:1]).settings == (PROTOCOLS, own)


def test_words_of_a_bind_line_are_told_to_go() -> None:
    """haproxy's defaults lose against a bind's own words, which are named."""
    place = Setting("bind", "*:443", "/etc/haproxy/haproxy.cfg", 9)
    own = Setting("ssl-min-ver", "TLSv1.0", place.path, 9)
    bound = site(own, place=place, server="haproxy")
    told = fixing.mended(OLD, fixing.server("haproxy", "", [bound])).where
    assert "Take ssl-min-ver at /etc/haproxy/haproxy.cfg:9 away" in told
    free = site(place=place, server="haproxy")
    assert "Take" not in fixing.mended(OLD, fixing.server("haproxy", "", [free])).where


def test_options_of_a_service_are_told_to_go() -> None:
    """What master.cf says to a service counts before main.cf."""
    place = Setting("smtp", "smtp inet", "/etc/postfix/master.cf", 12)
    there = Setting("smtpd_tls_protocols", ">=TLSv1", "/etc/postfix/master.cf", 13)
    main = Setting("smtpd_tls_protocols", ">=TLSv1", "/etc/postfix/main.cf", 7)
    for one, word in ((there, "Take"), (main, "the place of")):
        server = fixing.server("postfix", "", [site(one, place=place, server="postfix")])
        said = fixing.mended(OLD, server).where
        assert f"{word} smtpd_tls_protocols at {one.path}:{one.line}" in said


def test_lighttpd_keeps_the_commands_that_are_there() -> None:
    """The array is written anew with what is known of it, but for what is replaced."""
    name = "ssl.openssl.ssl-conf-cmd"
    value = "MinProtocol TLSv1, CipherString HIGH:@SECLEVEL=0, Options -SessionTicket"
    there = Setting(name, value, "/etc/lighttpd/lighttpd.conf", 5)
    server = fixing.server("lighttpd", "", [site(there, server="lighttpd")])
    assert fixing.mended(OLD, server).lines == (
        f'{name} = ("CipherString" => "HIGH:@SECLEVEL=0", "Options" => "-SessionTicket",'
        ' "MinProtocol" => "TLSv1.2", "MaxProtocol" => "TLSv1.3")'
    )
    order = fixing.mended(Fault("tls-server-preference", "", ""), server).lines
    assert '"Options" => "-SessionTicket,+ServerPreference"' in order
    odd = Setting(name, 'CipherString x"), evil = ("', there.path, 5)
    hostile = fixing.server("lighttpd", "", [site(odd, server="lighttpd")])
    assert "evil" not in fixing.mended(OLD, hostile).lines


@pytest.mark.parametrize(
    ("unit", "named"),
    [
        ("postgresql@15-main.service", "postgresql@15-main"),
        ("", "postgresql"),
        ("docker.service", "postgresql"),
        ("postgresql;reboot.service", "postgresql"),
        ("postgresql$(id).service", "postgresql"),
    ],
)
def test_the_unit_is_the_servers_own(unit: str, named: str) -> None:
    """A unit is named where it surely is this server's; what could be more than a name is not."""
    expired = Fault("cert-expired", "", "")
    told = fixing.mended(expired, fixing.Server("postgresql", unit))
    assert told.lines == f"systemctl reload {named}"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/etc/ssl/a.pem", "/etc/ssl/a.pem"),
        ("/etc/ssl/a.pem; reboot", "/etc/nginx/site.pem"),
        ("$ssl_server_name.pem", "/etc/nginx/site.pem"),
        ("/etc/ssl/\n#", "/etc/nginx/site.pem"),
    ],
)
def test_a_path_is_repeated_where_it_is_nothing_else(path: str, named: str) -> None:
    """A path of a configuration file goes into a snippet only if a shell would read it as one."""
    known = site(Setting("ssl_certificate", path, MAIN, 4))
    told = fixing.mended(
        Fault("cert-chain-incomplete", "", ""), fixing.server("nginx", "", [known])
    )
    assert told.lines.splitlines()[1] == f"ssl_certificate {named};"


def test_what_a_rule_of_files_wants_is_written() -> None:
    """A setting by its name, in the server's own form; a mode for the very file."""
    timeout = Remedy(Kind.SETTING, name="ssl_session_timeout", value="900")
    fault = Fault("profile-violation", "", "", remedy=timeout)
    assert fixing.mended(fault, fixing.Server("nginx")).lines == "ssl_session_timeout 900;"
    key = Setting("ssl_certificate_key", "/etc/ssl/a.key", MAIN, 8)
    mode = Fault("profile-violation", "", "", remedy=Remedy(Kind.KEY_MODE, value="0400"))
    told = fixing.mended(mode, fixing.Server("nginx", "", key, (key,)))
    assert told == fixing.Mended("chmod 0400 /etc/ssl/a.key")


def test_what_a_fault_wants_counts_before_its_check() -> None:
    """A broken rule brings its own values."""
    wanted = Remedy(Kind.PROTOCOLS, (Version.TLS13,))
    fault = Fault("profile-violation", "", "", remedy=wanted)
    assert fixing.mended(fault, fixing.Server("nginx")).lines == "ssl_protocols TLSv1.3;"


def test_a_setting_without_effect_is_written_anew() -> None:
    """What has no effect is mended by what sets the same; what nothing sets is only told."""
    vain = Fault("config-ineffective", "", "")
    words = Setting("SSLProtocol", "TLSv1.1 TLSv1.2", "/etc/apache2/a.conf", 3)
    told = fixing.mended(vain, fixing.Server("apache", "", words, (words,)))
    assert told.lines == "SSLProtocol -all +TLSv1.2 +TLSv1.3"
    assert "the place of SSLProtocol at /etc/apache2/a.conf:3" in told.where
    other = Setting("SSLEngine", "on", "/etc/apache2/a.conf", 4)
    assert fixing.mended(vain, fixing.Server("apache", "", other, (other,))) == fixing.NOTHING


def test_a_rule_of_files_is_told_in_the_servers_form() -> None:
    """What a guide wants of nginx's files is a line to paste, at the setting or in the site."""
    stig = profilefile.shipped("nginx-stig")
    found = list(profiles.misconfigured(site(PROTOCOLS), {}, stig))
    told = [judging.located(one) for one in found if isinstance(one, Located)]
    lines = {one.snippet: one.fix for one in told}
    assert f"ssl_protocols at {MAIN}:33" in lines["ssl_protocols TLSv1.2 TLSv1.3;"]
    assert "the site is at /etc/nginx/sites-enabled/a:12" in lines["ssl_session_timeout 900;"]
