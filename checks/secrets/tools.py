"""What well-known commands do with their arguments: which one is a credential, by their manuals."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Take(enum.Enum):
    """How the argument of an option is read."""

    SECRET = enum.auto()
    GLUED = enum.auto()
    """The secret follows in the same word; alone, the option asks for it."""
    HASH = enum.auto()
    SKIP = enum.auto()
    """An argument of no interest."""
    FLAG = enum.auto()
    """No argument."""
    USER = enum.auto()
    COLON = enum.auto()
    """user:secret"""
    PERCENT = enum.auto()
    """user%secret"""
    COMMA = enum.auto()
    """user,secret"""
    SOURCE = enum.auto()
    """pass:secret, as in openssl-passphrase-options(1)."""
    SETTING = enum.auto()
    """NAME=value"""
    SETTINGS = enum.auto()
    """NAME=value,NAME=value"""
    LITERAL = enum.auto()
    """NAME=value of a secret container."""


class Stdin(NamedTuple):
    """What a command reads when `flag` is among its arguments: lines, or user:secret pairs."""

    flag: str = ""
    pairs: bool = False
    script: bool = False


class Grammar(NamedTuple):
    """The arguments of one command.

    places: positional arguments; a leading "-xy" asks for these short options, lower-case words
    are themselves ("word*" is a prefix), USER, SECRET, HASH, KEY, VALUE and _ are placeholders,
    PAIR is user/secret@place;
    cluster: short options may stand together (`-su`); apart: an option and its argument are two
    words; wraps: another command may follow; script: its arguments are command lines; settings:
    words of the form NAME=value are environment settings.
    """

    options: Mapping[str, Take] = MappingProxyType({})
    places: tuple[tuple[str, ...], ...] = ()
    stdin: tuple[Stdin, ...] = ()
    cluster: bool = False
    apart: bool = False
    wraps: bool = False
    script: bool = False
    settings: bool = False


_S, _G, _K, _F, _U = Take.SECRET, Take.GLUED, Take.SKIP, Take.FLAG, Take.USER
_LINES: Final = (Stdin(),)
_ENV: Final = {"-e": Take.SETTING, "--env": Take.SETTING, "--build-arg": Take.SETTING}
_SQL_CLIENT: Final = {"-p": _G, "--password": _G, "-u": _U, "-P": _K, "-h": _K}
_POSTGRES: Final = {"-W": _F, "--password": _F, "-U": _U, "-p": _K, "-h": _K}
_LDAP: Final = {"-w": _S, "-D": _U, "-W": _F, "-x": _F, "-H": _K, "-b": _K}
_SNMP: Final = {"-c": _S, "-A": _S, "-X": _S, "-u": _U}
_SAMBA: Final = {"-U": Take.PERCENT, "--user": Take.PERCENT, "--password": _S}
_MONGO: Final = {"-p": _S, "-u": _U, "--password": _S, "--username": _U}
_MSSQL: Final = {"-P": _S, "-U": _U, "-S": _K}
_SSH_WINDOWS: Final = {"-pw": _S, "-l": _U, "-P": _K}
_SOURCES: Final = {
    "-passin": Take.SOURCE, "-passout": Take.SOURCE, "-pass": Take.SOURCE,
    "-password": Take.SOURCE, "-k": _S, "-K": _S, "-salt": _K, "-key": _K, "-iv": _K,
    "-in": _K, "-out": _K,
}  # fmt: skip
_CURL: Final = {
    "-u": Take.COLON, "--user": Take.COLON, "--proxy-user": Take.COLON, "-U": Take.COLON,
    "-E": Take.COLON, "--cert": Take.COLON, "--proxy-cert": Take.COLON, "--pass": _S,
    "--oauth2-bearer": _S, "-F": Take.SETTING, "--form": Take.SETTING, "-o": _K, "-w": _K,
    "-A": _K,
}  # fmt: skip
_KEYTOOL: Final = {
    "-storepass": _S, "-keypass": _S, "-srcstorepass": _S, "-deststorepass": _S,
    "-srckeypass": _S, "-destkeypass": _S, "-new": _S,
}  # fmt: skip

_ROWS: Final[tuple[tuple[str, Grammar], ...]] = (
    (
        "mysql mysqldump mysqlimport mysqlshow mysqlcheck mysqlslap mysqlbinlog mysqlsh mysqlpump"
        " mariadb mariadb-dump mariadb-import mariadb-show mariadb-check mariabackup mydumper"
        " innobackupex xtrabackup automysqlbackup mysql_upgrade mysqlhotcopy mytop",
        Grammar(_SQL_CLIENT),
    ),
    ("mysqladmin mariadb-admin", Grammar(_SQL_CLIENT, (("password", "SECRET"),))),
    (
        "psql pg_dump pg_dumpall pg_restore pg_basebackup createdb dropdb createuser vacuumdb"
        " pg_isready reindexdb pg_receivewal initdb",
        Grammar(_POSTGRES),
    ),
    ("sshpass", Grammar({"-p": _S, "-f": _K}, wraps=True)),
    ("curl", Grammar(_CURL, cluster=True)),
    (
        "wget wget2",
        Grammar({"--password": _S, "--http-password": _S, "--ftp-password": _S,
                 "--proxy-password": _S, "--user": _U}),
    ),  # fmt: skip
    ("http https httpie xh", Grammar({"-a": Take.COLON, "--auth": Take.COLON})),
    ("openssl", Grammar(_SOURCES, (("passwd", "SECRET"),), apart=True)),
    ("mkpasswd grub-crypt slapdpasswd", Grammar({"-m": _K, "-S": _K}, (("SECRET",),))),
    ("slappasswd", Grammar({"-s": _S, "-h": _K})),
    (
        "docker podman nerdctl buildah skopeo docker-compose podman-compose crane img",
        Grammar({"-p": _K, "-u": _K, "--password-stdin": _F, "--creds": Take.COLON,
                 "--src-creds": Take.COLON, "--dest-creds": Take.COLON, **_ENV},
                stdin=(Stdin("--password-stdin"),), wraps=True),
    ),  # fmt: skip
    ("login", Grammar({"-p": _S, "--password": _S, "-u": _U}, stdin=(Stdin("--password-stdin"),))),
    ("helm", Grammar({"--set": Take.SETTINGS, "--set-string": Take.SETTINGS, "-p": _S, "-u": _U})),
    (
        "kubectl oc k3s minikube kubeadm microk8s",
        Grammar({"--from-literal": Take.LITERAL, "--docker-password": _S, "--env": Take.SETTING,
                 "--certificate-key": _S, "--password": _S}, wraps=True),
    ),  # fmt: skip
    ("az heroku ibmcloud cf aliyun doctl flyctl fly", Grammar(wraps=True)),
    ("htpasswd", Grammar({"-C": _K, "-r": _K}, (("-bn", "USER", "SECRET"), ("-b", "_", "USER", "SECRET")))),
    ("mosquitto_passwd", Grammar({}, (("-b", "_", "USER", "SECRET"),))),
    ("mosquitto_pub mosquitto_sub mosquitto_rr", Grammar({"-P": _S, "--pw": _S, "-u": _U})),
    (
        "smbclient smbget smbmap smbcacls net rpcclient winexe wmic smbtree samba-tool wbinfo"
        " ntlm_auth nmblookup",
        Grammar(_SAMBA, (("user", "USER", "SECRET"), ("user", "create", "USER", "SECRET"))),
    ),
    ("mount mount.cifs mount.davfs sshfs", Grammar({"-o": Take.SETTINGS, "--options": Take.SETTINGS})),
    (
        "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapurl"
        " ldapvc ldapexop",
        Grammar(_LDAP, cluster=True),
    ),
    ("ldappasswd", Grammar({**_LDAP, "-s": _S, "-a": _S}, cluster=True)),
    ("ipa-client-install ipa-replica-install ipa-join", Grammar({"-w": _S, "-p": _U})),
    ("ipa-server-install", Grammar({"-a": _S, "-p": _S})),
    (
        "redis-cli valkey-cli keydb-cli redis-benchmark",
        Grammar({"-a": _S, "--pass": _S, "-h": _K, "-p": _K, "-n": _K, "--user": _U},
                (("auth", "SECRET"), ("auth", "USER", "SECRET"), ("config", "set", "KEY", "VALUE"))),
    ),  # fmt: skip
    (
        "mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop mongofiles",
        Grammar(_MONGO),
    ),
    ("sqlcmd bcp osql tsql go-sqlcmd", Grammar(_MSSQL)),
    ("sqlplus exp imp expdp impdp rman sqlldr sqlcl", Grammar({}, (("PAIR",),))),
    ("isql", Grammar({}, (("_", "USER", "SECRET"),))),
    ("cqlsh", Grammar({"-p": _S, "-u": _U})),
    ("beeline", Grammar({"-p": _S, "-n": _U})),
    ("db2 db2cmd", Grammar({"user": _U, "using": _S})),
    (
        "rabbitmqctl",
        Grammar({"-n": _K, "-p": _K}, (("add_user", "USER", "SECRET"), ("change_password", "USER", "SECRET"),
                                       ("authenticate_user", "USER", "SECRET"))),
    ),  # fmt: skip
    ("rabbitmqadmin", Grammar({"-p": _S, "-u": _U})),
    (
        "useradd usermod adduser",
        Grammar({"-p": Take.HASH, "--password": Take.HASH, "-u": _K, "-c": _K, "-d": _K, "-g": _K}),
    ),
    ("chpasswd", Grammar(stdin=(Stdin(pairs=True),))),
    ("newusers", Grammar(stdin=(Stdin(pairs=True),))),
    ("passwd", Grammar(stdin=_LINES)),
    ("smbpasswd pdbedit saslpasswd2 kinit kadmin cryptsetup realm adcli vncpasswd", Grammar(stdin=_LINES)),
    ("kadmin.local", Grammar({"-pw": _S})),
    ("sudo", Grammar({"-u": _K, "-g": _K}, stdin=(Stdin("-S"), Stdin("--stdin")), wraps=True)),
    ("gh glab", Grammar(stdin=(Stdin("--with-token"), Stdin("--stdin")))),
    (
        "gpg gpg2 gpg-preset-passphrase",
        Grammar({"--passphrase": _S, "--passphrase-fd": _K}, stdin=(Stdin("--passphrase-fd"),)),
    ),
    ("ssh-keygen", Grammar({"-N": _S, "-P": _S, "-C": _K, "-f": _K})),
    (
        "aws",
        Grammar({"--secret-string": _S, "--master-user-password": _S, "--profile": _K},
                (("configure", "set", "KEY", "VALUE"),)),
    ),  # fmt: skip
    ("vault bao", Grammar({}, (("login", "SECRET"),), settings=True)),
    ("consul", Grammar({"-token": _S}, (("kv", "put", "KEY", "VALUE"),))),
    ("etcdctl", Grammar({"--user": Take.COLON}, (("put", "KEY", "VALUE"), ("set", "KEY", "VALUE")))),
    ("nomad", Grammar({"-token": _S})),
    ("keytool jarsigner apksigner", Grammar(_KEYTOOL)),
    ("ipmitool", Grammar({"-P": _S, "-K": _S, "-U": _U, "-H": _K})),
    ("racadm ilorest esxcli", Grammar({"-p": _S, "-u": _U})),
    (
        "snmpwalk snmpget snmpset snmpbulkwalk snmpbulkget snmpgetnext snmptable snmptrap snmpinform"
        " snmpstatus snmpdf snmptranslate snmpusm check_snmp",
        Grammar(_SNMP),
    ),
    ("lftp", Grammar({"-u": Take.COMMA, "--user": Take.COMMA})),
    ("ncftp ncftpput ncftpget", Grammar({"-p": _S, "-u": _U})),
    (
        "mc mcli",
        Grammar({}, (("alias", "set", "_", "_", "_", "SECRET"), ("config", "host", "add", "_", "_", "_", "SECRET"),
                     ("admin", "user", "add", "_", "USER", "SECRET"))),
    ),  # fmt: skip
    ("s3cmd", Grammar({"--secret_key": _S})),
    ("wpa_passphrase", Grammar({}, (("_", "SECRET"),))),
    (
        "nmcli",
        Grammar({"password": _S, "wifi-sec.psk": _S, "802-11-wireless-security.psk": _S,
                 "wifi-sec.wep-key0": _S, "802-1x.password": _S}),
    ),  # fmt: skip
    ("rclone", Grammar({"pass": _S, "secret_access_key": _S}, (("obscure", "SECRET"),))),
    ("borg restic", Grammar({"-o": Take.SETTING})),
    (
        "ansible ansible-playbook ansible-pull",
        Grammar({"-e": Take.SETTINGS, "--extra-vars": Take.SETTINGS, "-a": Take.SETTINGS}),
    ),
    ("terraform tofu packer terragrunt", Grammar({"-var": Take.SETTING, "--var": Take.SETTING})),
    ("npm yarn pnpm", Grammar({}, (("config", "set", "KEY", "VALUE"), ("set", "KEY", "VALUE")))),
    ("pip pip3", Grammar({}, (("config", "set", "KEY", "VALUE"),))),
    ("git", Grammar({"-c": Take.SETTING}, (("config", "KEY", "VALUE"),))),
    ("composer", Grammar({}, (("config", "http-basic*", "USER", "SECRET"), ("config", "*oauth*", "SECRET")))),
    ("svn svnsync", Grammar({"--password": _S, "--username": _U})),
    ("zip unzip zipcloak", Grammar({"-P": _S})),
    ("7z 7za 7zr 7zz", Grammar({"-p": _G})),
    ("rar unrar", Grammar({"-p": _G, "-hp": _G})),
    ("pdftk", Grammar({"user_pw": _S, "owner_pw": _S, "input_pw": _S})),
    ("plink pscp psftp", Grammar(_SSH_WINDOWS)),
    ("x11vnc", Grammar({"-passwd": _S, "-viewpasswd": _S})),
    ("rdesktop psexec", Grammar({"-p": _S, "-u": _U})),
    ("xfreerdp wfreerdp cmdkey", Grammar({"/p": _S, "/pass": _S, "/u": _U})),
    ("radtest", Grammar({"-t": _K}, (("USER", "SECRET", "_", "_", "SECRET"),))),
    ("icinga2 nagios check_mysql check_ldap check_pgsql check_mssql_health", Grammar({"-p": _S, "-l": _U})),
    ("sendemail swaks", Grammar({"-xp": _S, "-xu": _U, "-ap": _S, "-au": _U, "--auth-password": _S})),
    ("oathtool", Grammar({"-b": _F}, (("SECRET",),))),
    (
        "sh bash dash ash zsh ksh fish busybox",
        Grammar(wraps=True, script=True, stdin=(Stdin(script=True),)),
    ),
    (
        "ssh",
        Grammar({"-p": _K, "-i": _K, "-l": _U, "-o": _K, "-F": _K}, script=True, wraps=True,
                stdin=(Stdin(script=True),)),
    ),  # fmt: skip
    ("su runuser", Grammar({"-s": _K}, stdin=_LINES, wraps=True, script=True)),
    ("eval watch script tmux screen parallel start-stop-daemon cmd", Grammar(wraps=True, script=True)),
    (
        "env",
        Grammar({"-u": _K, "-C": _K}, wraps=True, settings=True),
    ),
    (
        "export declare typeset local readonly setx",
        Grammar({}, (("KEY", "VALUE"),), settings=True),
    ),
    ("setenv set", Grammar({}, (("KEY", "VALUE"),), settings=True)),
    (
        "doas nohup time timeout nice ionice exec command builtin xargs chroot nsenter ip flock strace"
        " systemd-run chronic setsid unshare stdbuf lxc lxc-attach tini dumb-init gosu su-exec setpriv"
        " sg taskset chrt cgexec if then else elif do while until ! { time} and or not begin find",
        Grammar(wraps=True),
    ),
)


def _by_name() -> Iterator[tuple[str, Grammar]]:
    for names, grammar in _ROWS:
        for name in names.split():
            yield name, grammar


TOOLS: Final[Mapping[str, Grammar]] = MappingProxyType(dict(_by_name()))
"""The grammar of each known command by its base name."""

UNKNOWN: Final = Grammar()
