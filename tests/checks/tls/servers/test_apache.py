"""Apache's virtual hosts, as mod_ssl takes them."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from checks.tls.numbers import Version
from checks.tls.servers import apache
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from checks.tls.config import Site

    Sites = Callable[[str, Mapping[str, str | bytes]], list[Site]]

MAIN = "/etc/apache2/apache2.conf"
STOCK = r"""
DefaultRuntimeDir ${APACHE_RUN_DIR}
PidFile ${APACHE_PID_FILE}
IncludeOptional mods-enabled/*.load
IncludeOptional mods-enabled/*.conf
Include ports.conf
<Directory />
        Options FollowSymLinks
        Require all denied
</Directory>
LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O" vhost_combined
IncludeOptional conf-enabled/*.conf
IncludeOptional sites-enabled/*.conf
"""
PORTS = """
Listen 80

<IfModule ssl_module>
        Listen 443
</IfModule>

<IfModule mod_gnutls.c>
        Listen 444
</IfModule>
"""
SSL_CONF = """
        SSLRandomSeed startup builtin
        SSLPassPhraseDialog  exec:/usr/share/apache2/ask-for-passphrase
        SSLCipherSuite HIGH:!aNULL
        SSLProtocol all -SSLv3
        SSLSessionTickets off
"""
ENVVARS = """
if [ "${APACHE_CONFDIR##/etc/apache2-}" != "${APACHE_CONFDIR}" ] ; then
        SUFFIX="-${APACHE_CONFDIR##/etc/apache2-}"
else
        SUFFIX=
fi
export APACHE_RUN_DIR=/var/run/apache2$SUFFIX
export APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid
export CERTIFICATES="/etc/ssl/own"
export APACHE_ARGUMENTS='-D STRICT'
export NOW=`date`
"""
SITE = """
<VirtualHost *:443>
        ServerName www.example.org:443
        ServerAlias example.org *.example.org
        SSLEngine on
        SSLCertificateFile      /etc/ssl/certs/ssl-cert-snakeoil.pem
        SSLCertificateKeyFile   /etc/ssl/private/ssl-cert-snakeoil.key
        <FilesMatch "\\.(?:cgi|shtml|phtml|php)$">
                SSLOptions +StdEnvVars
        </FilesMatch>
</VirtualHost>
"""
ALL = (Version.TLS10, Version.TLS11, Version.TLS12, Version.TLS13)
DEBIAN = {
    MAIN: STOCK,
    "/etc/apache2/ports.conf": PORTS,
    "/etc/apache2/envvars": ENVVARS,
    "/etc/apache2/mods-enabled/ssl.load": "LoadModule ssl_module /usr/lib/apache2/mod_ssl.so",
    "/etc/apache2/mods-enabled/ssl.conf": f"<IfModule mod_ssl.c>{SSL_CONF}</IfModule>",
    "/etc/apache2/sites-enabled/default-ssl.conf": SITE,
}


def one(sites: Sites, host: str, base: str = "") -> Site:
    text = f"Listen 443\n{base}\n<VirtualHost *:443>\nSSLEngine on\n{host}\n</VirtualHost>\n"
    (found,) = sites("apache", {MAIN: text})
    return found


def reasons(site: Site) -> list[str]:
    return [one.reason for one in site.ineffective]


def test_debians_files_give_a_site(sites: Sites) -> None:
    """Modules, ports, ssl.conf and default-ssl.conf come together to one host with its places."""
    (site,) = sites("apache", DEBIAN)
    assert site.names == ("www.example.org", "example.org", "*.example.org")
    assert site.listens == ("*:443",)
    assert site.protocols == ALL
    assert site.ciphers
    assert site.ciphers.value == "HIGH:!aNULL:!aNULL:!eNULL:!EXP"
    assert (site.ciphers.path, site.ciphers.line) == ("/etc/apache2/mods-enabled/ssl.conf", 4)
    assert (site.place.name, site.place.value, site.place.line) == ("VirtualHost", "*:443", 2)
    (pair,) = site.pairs
    assert pair.key
    assert pair.key.value == "/etc/ssl/private/ssl-cert-snakeoil.key"
    assert (site.unseen, site.ineffective) == ((), ())


def test_without_the_module_its_sections_do_not_count(sites: Sites) -> None:
    """Where mod_ssl is not loaded there is no port 443, which the host's switch is told of."""
    other = {"/etc/apache2/mods-enabled/ssl.load": "LoadModule dir_module mod_dir.so"}
    (site,) = sites("apache", DEBIAN | other)
    assert site.listens == ()
    assert site.protocols is None
    assert reasons(site) == ["no Listen opens an address that leads to this host"]


def test_a_host_without_the_switch_is_no_site(sites: Sites) -> None:
    """SSLEngine off, or none at all, is plain HTTP, whatever certificates there are."""
    text = "Listen 443\n<VirtualHost *:443>\nSSLEngine {}\nSSLCertificateFile a\n</VirtualHost>"
    assert len(sites("apache", {MAIN: text.format("On")})) == 1
    assert sites("apache", {MAIN: text.format("off")}) == []
    assert sites("apache", {MAIN: text.replace("SSLEngine {}", "")}) == []


@pytest.mark.parametrize(
    ("words", "versions", "told"),
    [
        ("all", ALL, 0),
        ("all -TLSv1 -TLSv1.1", ALL[2:], 0),
        ("-all +TLSv1.2 +TLSv1.3", ALL[2:], 0),
        ("+TLSv1.2", ALL[2:3], 0),
        ("TLSv1.2", ALL[2:3], 0),
        ("TLSv1 TLSv1.1 TLSv1.2", ALL[2:3], 1),
        ("+TLSv1 TLSv1.3", ALL[3:], 1),
        ("TLSv1.2 +TLSv1.3", ALL[2:], 0),
        ("+TLSv1 +TLSv1.2", ALL[2:3], 1),
        ("all -TLSv1.2", ALL[3:], 1),
        ("all -all", (), 0),
        ("+SSLv3 +TLSv1", (Version.SSL3, Version.TLS10), 0),
    ],
)
def test_protocol_words_add_up_as_in_mod_ssl(
    sites: Sites, words: str, versions: tuple[Version, ...], told: int
) -> None:
    """A bare word begins anew and a gap cuts off what is below it; both are told."""
    site = one(sites, f"SSLProtocol {words}")
    assert site.protocols == versions
    assert len(site.ineffective) == told


def test_the_last_directive_counts_and_the_host_comes_before_the_server(sites: Sites) -> None:
    """Of two the later one, and a host's own whatever stands behind it in the main server."""
    site = one(sites, "SSLProtocol TLSv1\nSSLProtocol TLSv1.2", "SSLProtocol TLSv1.3")
    assert site.protocols == ALL[2:3]
    text = "Listen 443\n<VirtualHost *:443>\nSSLEngine on\n</VirtualHost>\nSSLProtocol TLSv1.3"
    assert sites("apache", {MAIN: text})[0].protocols == ALL[3:]


def test_a_host_that_is_not_first_has_its_own_protocols(sites: Sites) -> None:
    """Unlike groups, which are those of the address's first host."""
    text = "Listen 443\n" + "".join(
        f"<VirtualHost *:443>\nServerName {name}\nSSLEngine on\nSSLProtocol {protocol}\n"
        f"SSLOpenSSLConfCmd Groups {group}\n</VirtualHost>\n"
        for name, protocol, group in (("a", "TLSv1.2", "P-256"), ("b", "TLSv1.3", "X25519"))
    )
    first, second = sites("apache", {MAIN: text})
    assert (first.protocols, second.protocols) == (ALL[2:3], ALL[3:])
    assert first.groups == second.groups
    assert first.ineffective == ()
    (lost,) = second.ineffective
    assert lost.setting.value == "X25519"


def test_hosts_behind_a_plain_one_are_not_reached(sites: Sites) -> None:
    """The first host of an address decides whether TLS is spoken there."""
    host = "<VirtualHost *:443>\nSSLEngine {}\n</VirtualHost>\n"
    text = "Listen 443\n" + host.format("off") + host.format("on")
    (site,) = sites("apache", {MAIN: text})
    assert site.listens == ()
    assert "speaks plain HTTP" in reasons(site)[0]
    turned = "Listen 443\n" + host.format("on") + host.format("off")
    assert sites("apache", {MAIN: turned})[0].ineffective == ()


def test_cipher_lists_are_told_apart_by_version(sites: Sites) -> None:
    """SSLCipherSuite with TLSv1.3 is for that version only, and what mod_ssl appends is kept."""
    site = one(
        sites,
        "SSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256\nSSLCipherSuite SSL AES128-SHA",
        "SSLCipherSuite DEFAULT",
    )
    assert site.suites
    assert site.suites.value == "TLS_AES_128_GCM_SHA256"
    assert site.ciphers
    assert site.ciphers.value == "AES128-SHA:!aNULL:!eNULL:!EXP"
    assert not any(one.value == "DEFAULT" for one in site.settings)


@pytest.mark.parametrize("words", ["NULL", "ALL:aNULL", "HIGH:ECDHE+eNULL", "NULL-SHA256", "EXP"])
def test_what_mod_ssl_switches_off_cannot_be_switched_on(sites: Sites, words: str) -> None:
    """NULL, anonymous and export suites in a list are ineffective; switching them off is not."""
    assert "appends" in reasons(one(sites, f"SSLCipherSuite {words}"))[0]
    assert "appends" in reasons(one(sites, f"SSLOpenSSLConfCmd CipherString {words}"))[0]
    assert reasons(one(sites, "SSLCipherSuite HIGH:!aNULL:!eNULL:-EXP:!ADH")) == []


def test_conf_commands_come_last(sites: Sites) -> None:
    """MinProtocol replaces the lowest version, and CipherString the list."""
    site = one(
        sites,
        "SSLProtocol TLSv1.2\nSSLCipherSuite A\nSSLOpenSSLConfCmd CipherString B\n"
        "SSLOpenSSLConfCmd MinProtocol TLSv1.1",
        "SSLOpenSSLConfCmd MinProtocol TLSv1",
    )
    assert site.protocols == ALL[1:3]
    assert site.ciphers
    assert site.ciphers.value.startswith("B:")


def test_dh_parameters_by_command_have_no_effect(sites: Sites) -> None:
    """SSLOpenSSLConfCmd DHParameters is told as ineffective, Groups of the first host is not."""
    assert "DH parameters" in reasons(one(sites, "SSLOpenSSLConfCmd DHParameters dh.pem"))[0]
    assert reasons(one(sites, "SSLOpenSSLConfCmd Groups P-256")) == []


def test_certificates_replace_inherited_ones_one_by_one(sites: Sites) -> None:
    """A host's first file replaces the server's first one and leaves its second."""
    site = one(
        sites,
        "SSLCertificateFile own.crt\nSSLCertificateKeyFile own.key",
        "ServerRoot /srv/apache\nSSLCertificateFile a.crt\nSSLCertificateKeyFile a.key\n"
        "SSLCertificateFile b.crt",
    )
    files = [(pair.certificate.value, pair.key and pair.key.value) for pair in site.pairs]
    assert files == [
        ("/srv/apache/own.crt", "/srv/apache/own.key"),
        ("/srv/apache/b.crt", "/srv/apache/b.crt"),
    ]


def test_managed_certificates_are_unseen(sites: Sites) -> None:
    """mod_md's certificates and those on a token are in no file that is named."""
    assert one(sites, "MDomain example.org").unseen
    token = one(sites, "SSLCertificateFile pkcs11:object=a")
    assert (token.pairs, len(token.unseen)) == ((), 1)
    assert one(sites, "SSLCertificateFile a.crt").unseen == ()


def test_hsts_is_a_setting(sites: Sites) -> None:
    """Header directives with the name are kept, others are not."""
    site = one(
        sites,
        'Header always set Strict-Transport-Security "max-age=63072000"\nHeader set X-A b',
    )
    assert [one.value for one in site.settings if one.name == "Header"] == [
        "always set Strict-Transport-Security max-age=63072000"
    ]


@pytest.mark.parametrize(
    ("hosts", "listens", "told"),
    [
        ("*:443", "Listen 443", ("*:443",)),
        ("_default_:443", "Listen 10.0.0.1:443 https", ("10.0.0.1:443",)),
        ("10.0.0.1:443 [::1]:443", "Listen 443", ("10.0.0.1:443", "[::1]:443")),
        ("*", "Listen 443\nListen 8443", ("*:443", "*:8443")),
        ("10.0.0.2:443", "Listen 10.0.0.1:443", ()),
        ("*:8443", "Listen 443", ()),
    ],
)
def test_addresses_are_those_that_are_listened_on(
    sites: Sites, hosts: str, listens: str, told: tuple[str, ...]
) -> None:
    """A host answers where both its own addresses and Listen lead."""
    text = f"{listens}\n<VirtualHost {hosts}>\nSSLEngine on\n</VirtualHost>"
    (site,) = sites("apache", {MAIN: text})
    assert site.listens == told
    assert len(site.ineffective) == (not told)


def test_the_main_server_is_a_site_where_no_host_answers(sites: Sites) -> None:
    """With its own SSLEngine it answers on the addresses that are left."""
    text = "Listen 443\nListen 8443\nSSLEngine on\n<VirtualHost *:443>\n</VirtualHost>"
    base, host = sites("apache", {MAIN: text})
    assert (base.listens, host.listens) == (("*:8443",), ("*:443",))
    assert len(sites("apache", {MAIN: text.replace("Listen 8443\n", "")})) == 1


def test_lines_and_variables_are_read_as_apache_does(sites: Sites) -> None:
    """Continued lines, comments that are continued, quotes, Define, envvars and -D."""
    text = (
        "# a comment \\\nSSLProtocol TLSv1\n"
        "Define NAME www.example.org\n"
        "Listen \\\n 443\r\n"
        "<VirtualHost *:443>\n"
        "ServerName ${NAME}\n"
        "  sslengine ON\n"
        "<IfDefine STRICT>\nSSLProtocol TLSv1.3\n</IfDefine>\n"
        "<IfDefine !STRICT>\nSSLProtocol TLSv1\n</IfDefine>\n"
        'SSLCertificateFile "${CERTIFICATES}/with \\"blanks\\".crt"\n'
        "</VirtualHost>\n"
    )
    (site,) = sites("apache", {MAIN: text, "/etc/apache2/envvars": ENVVARS})
    assert site.names == ("www.example.org",)
    assert site.protocols == ALL[3:]
    assert site.pairs[0].certificate.value == '/etc/ssl/own/with "blanks".crt'
    assert site.pairs[0].certificate.line == 15
    assert site.unseen == ()


def test_flags_that_no_file_sets_are_gaps(sites: Sites) -> None:
    """TLS settings under a flag of the command line are left out and told."""
    site = one(sites, "<IfDefine X>\nSSLProtocol TLSv1\n</IfDefine>")
    assert site.protocols is None
    assert site.unseen
    assert one(sites, "<IfDefine X>\nOptions None\n</IfDefine>").unseen == ()
    assert one(sites, "SSLCertificateFile ${DIR}/a.crt").unseen


@pytest.mark.parametrize(
    ("section", "counts"),
    [
        ("IfVersion >= 2.4", True),
        ("IfVersion < 2.4", False),
        ("IfVersion 2.4", True),
        ("IfVersion = 2.2", False),
        ("IfVersion !< 2.4", True),
        ("IfVersion > 2.4.99", False),
        ("IfVersion ~ ^2.4", True),
        ("IfFile /etc/apache2/apache2.conf", True),
        ("IfFile none", False),
        ("IfDirective SSLProtocol", True),
        ("Directory /", False),
        ("IfModule mod_ssl.c", True),
        ("IfModule !ssl_module", False),
    ],
)
def test_sections_choose(sites: Sites, section: str, *, counts: bool) -> None:
    """Sections that apply are read as if they were not there, others are not read."""
    name = section.split(maxsplit=1)[0]
    site = one(sites, f"<{section}>\nSSLProtocol TLSv1.3\n</{name}>")
    assert (site.protocols == ALL[3:]) == counts


def test_macros_are_used(sites: Sites) -> None:
    """Each use of a macro is a host with its own values; the place is the macro's."""
    text = (
        "Listen 443\n<Macro TLS $name $names>\n<VirtualHost *:443>\nServerName $name\n"
        "ServerAlias $names\nSSLEngine on\n</VirtualHost>\n</Macro>\n"
        "Use TLS a.org www.a.org\nUse tls b.org www.b.org\nUndefMacro TLS\n"
    )
    found = sites("apache", {MAIN: text})
    assert [site.names for site in found] == [("a.org", "www.a.org"), ("b.org", "www.b.org")]
    assert {site.place.line for site in found} == {3}
    assert found[0].unseen == ()
    gap = sites("apache", {MAIN: f"{text}Use Gone x\n"})[0].unseen
    assert gap == (f"{MAIN}:12: a macro that is not defined",)


def test_folders_are_included_whole(sites: Sites) -> None:
    """An Include of a folder reads all files below it, in order, those that are hidden as well."""
    host = "<VirtualHost *:443>\nServerName {}\nSSLEngine on\n</VirtualHost>\n"
    files: dict[str, str | bytes] = {
        MAIN: "Listen 443\nInclude hosts\nIncludeOptional none/*.conf\nIncludeOptional gone\n",
        "/etc/apache2/hosts/b": host.format("b"),
        "/etc/apache2/hosts/a/1": host.format("a"),
        "/etc/apache2/hosts/.c": host.format("c"),
    }
    found = sites("apache", files)
    assert [site.names[0] for site in found] == ["c", "a", "b"]
    assert found[0].unseen == ()
    gone = sites("apache", files | {MAIN: "Include gone.conf\nInclude gone/*.conf"})
    assert len(gone[0].unseen) == 2


def test_red_hats_tree_is_read(sites: Sites) -> None:
    """ServerRoot is a folder up from conf/, and the service's flags are in sysconfig."""
    main = "/etc/httpd/conf/httpd.conf"
    files: dict[str, str | bytes] = {
        main: 'ServerRoot "/etc/httpd"\nListen 80\nInclude conf.modules.d/*.conf\n'
        "IncludeOptional conf.d/*.conf\n",
        "/etc/httpd/conf.modules.d/00-ssl.conf": "LoadModule ssl_module modules/mod_ssl.so",
        "/etc/httpd/conf.d/ssl.conf": "Listen 443 https\n<VirtualHost _default_:443>\n"
        "SSLEngine on\nSSLCipherSuite PROFILE=SYSTEM\n"
        "SSLCertificateFile /etc/pki/tls/certs/localhost.crt\n</VirtualHost>",
        "/etc/sysconfig/httpd": 'OPTIONS="-DX"\n',
    }
    (site,) = sites("apache", files)
    assert site.listens == ("*:443",)
    assert site.ciphers
    assert site.ciphers.value.startswith("PROFILE=SYSTEM:")


def test_hostile_files_end_soon(sites: Sites) -> None:
    """Depth, length, loops, bombs and NUL bytes cost time in proportion; what can be read is."""
    host = "Listen 443\n<VirtualHost *:443>\nSSLEngine on\n</VirtualHost>\n"
    macro = "<Macro A{0} $x>\nUse A{1} $x$x$x$x\nUse A{1} $x$x$x$x\n</Macro>\n"
    macros = "".join(macro.format(number, number + 1) for number in range(35))
    started = time.monotonic()
    for text in (
        host + "<If x>\n" * 100_000,
        host + "</If>\n" * 100_000,
        host + "<IfModule x>\n" * 100_000,
        host + "<VirtualHost " + "* " * 100_000 + ">",
        host + "x" * 2_000_000,
        host + "x\\\n" * 100_000,
        host + 'ServerAlias "' + '\\"' * 20_000 + "\n",
        host + "ServerAlias " + "'\"" * 20_000 + "\n",
        host + "Define A aaaaaaaaaa\n" + "Define A ${A}${A}${A}${A}${A}\n" * 100_000,
        host + "SSLCipherSuite " + "a+" * 30_000 + "\n",
        host + "<Macro A>\nUse A\n</Macro>\nUse A\n",
        host + macros + "Use A0 xxxx\n",
        host + "Include apache2.conf\n" * 100_000,
        host + "\0\n" * 100_000 + "Include \0\n",
        host + "Listen 1\n" * 100_000,
        host + "<VirtualHost *>\nSSLEngine on\n</VirtualHost>\n" * 10_000,
        host.encode() + bytes(range(128, 256)) * 1000,
    ):
        found = sites("apache", {MAIN: text})
        assert found[0].listens == ("*:443",)
    assert time.monotonic() - started < 30


def test_the_real_apache_dumps_the_same_hosts(tmp_path: Path, sites: Sites) -> None:
    """`-D DUMP_VHOSTS` names the hosts and lines that are found here."""
    program = shutil.which("apache2", path="/usr/sbin:/usr/bin")
    assert program, "packaging/test installs it"
    modules = "/usr/lib/apache2/modules"
    host = "<VirtualHost {}>\nServerName {}\nSSLEngine on\n</VirtualHost>\n"
    (tmp_path / "more").mkdir()
    (tmp_path / "more/b.conf").write_text("# b\n" + host.format("*:8443", "b.test"))
    main = tmp_path / "apache2.conf"
    main.write_text(
        f"ServerRoot {tmp_path}\nServerName x\nErrorLog error.log\n"
        f"LoadModule mpm_event_module {modules}/mod_mpm_event.so\n"
        f"LoadModule ssl_module {modules}/mod_ssl.so\n"
        f"LoadModule macro_module {modules}/mod_macro.so\n"
        "<IfModule ssl_module>\nListen 127.0.0.1:8443\n</IfModule>\n"
        f"<Macro Host $name>\n{host.format('*:8443', '$name')}</Macro>\nUse Host c.test\n"
        "<IfDefine NONE>\n" + host.format("*:8443", "d.test") + "</IfDefine>\n"
        "Define FOLDER more\nInclude ${FOLDER}\n"
    )
    asked = [program, "-f", str(main), "-t", "-D", "DUMP_VHOSTS"]
    dumped = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    shown = re.findall(r"namevhost (\S+) \((.*):(\d+)\)", dumped)
    with RootTree() as tree:
        found = list(apache.sites(tree, str(main)))
    assert [site.names[0] for site in found] == [name for name, _, _ in shown]
    assert shown[1][1:] == (found[1].place.path, str(found[1].place.line))
