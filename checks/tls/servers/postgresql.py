"""PostgreSQL: postgresql.conf with what it includes, then postgresql.auto.conf over it.

https://www.postgresql.org/docs/current/config-setting.html: the last value of a name counts, names
know no case, includes are relative to the file they stand in.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from checks.formats.textlines import numbered
from checks.lazy import regex
from checks.tls.config import Ineffective, Pair, Setting, Site
from checks.tls.numbers import Version
from checks.tls.syntax import sslconf
from checks.tls.syntax.optional import beside, text_if_there
from checks.tls.syntax.reading import Reading, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.config import Tree

NAME: Final = "postgresql"
MAIN: Final = (
    "/etc/postgresql/*/*/postgresql.conf",
    "/var/lib/pgsql/data/postgresql.conf",
    "/var/lib/pgsql/*/data/postgresql.conf",
    "/var/lib/postgresql/data/postgresql.conf",
    "/var/lib/postgresql/*/data/postgresql.conf",
    "/var/lib/postgresql/*/docker/postgresql.conf",
    "/var/lib/postgres/data/postgresql.conf",
    "/usr/local/pgsql/data/postgresql.conf",
)

_SETTING: Final = regex(
    r"\s*+([A-Za-z_\x80-\uffff][\w.$\x80-\uffff]*+)\s*+=?\s*+"
    r"(?:'((?:[^'\\]|\\.|'')*+)'|([^\s#'=]++))\s*+(?:#|\Z)"
)
_ESCAPE: Final = regex(r"\\([0-7]{1,3})|\\(.)|''", re.DOTALL)
_CONTROL: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_YES: Final = ("on", "true", "yes", "1")
_INCLUDES: Final = ("include", "include_if_exists", "include_dir")
_TAKEN: Final = (
    "data_directory", "listen_addresses", "port", "ssl", "ssl_ca_file", "ssl_cert_file",
    "ssl_ciphers", "ssl_crl_dir", "ssl_crl_file", "ssl_dh_params_file", "ssl_ecdh_curve",
    "ssl_groups", "ssl_key_file", "ssl_max_protocol_version", "ssl_min_protocol_version",
    "ssl_prefer_server_ciphers", "ssl_renegotiation_limit", "ssl_tls13_ciphers",
)  # fmt: skip
"""Settings that bear on TLS; `ssl_passphrase_command` is left out, since it may hold a secret."""
_LAST_WITH_TLS10: Final = 12
"""From release 13 on the default is TLS 1.2; before, it was TLS 1.0."""


class _Cluster:
    """The settings of one cluster as they are read, the last of each name in force."""

    def __init__(self, reading: Reading, main: str) -> None:
        self.reading = reading
        self.main = main
        self.last: dict[str, Setting] = {}
        self.ineffective: list[Ineffective] = []

    def read(self, path: str, above: tuple[str, ...] = (), *, optional: bool = False) -> None:
        """Take in a file and what it includes; above: the files whose includes led here."""
        read = text_if_there if optional else Reading.text
        for line in numbered(read(self.reading, path, above) or ""):
            found = _SETTING.match(line.text)
            if found is None:
                continue
            name = found[1].lower()
            value = found[3] if found[2] is None else _ESCAPE.sub(_plain, found[2])
            if name in _INCLUDES:
                self._include(name, beside(path, value), (*above, path))
            elif name in _TAKEN:
                self._take(name, Setting(found[1], value, path, line.number))

    def _include(self, name: str, path: str, above: tuple[str, ...]) -> None:
        if name != "include_dir":
            self.read(path, above, optional=name == "include_if_exists")
            return
        for file in sorted(self.reading.tree.glob(f"{path}/*.conf")):
            self.read(file, above)

    def _take(self, name: str, setting: Setting) -> None:
        # The release that renamed ssl_ecdh_curve (18) takes the old name for the new one.
        name = "ssl_groups" if name == "ssl_ecdh_curve" else name
        former = self.last.get(name)
        if former and former.path == setting.path and former.value != setting.value:
            reason = f"line {setting.line} of the same file sets it again"
            self.ineffective.append(Ineffective(former, reason))
        self.last[name] = setting

    def value(self, name: str, default: str = "") -> str:
        """Give the value in force."""
        setting = self.last.get(name)
        return setting.value if setting else default

    @property
    def home(self) -> str:
        """The data directory, in which relative names of files are looked up."""
        return beside(self.main, self.value("data_directory", "."))

    def file(self, name: str, default: str = "") -> Setting | None:
        """Give a setting that names a file with the file's whole path; line 0 for a default."""
        setting = self.last.get(name) or Setting(name, default, self.main, 0)
        if not setting.value:
            return None
        path = posixpath.normpath(posixpath.join(self.home, setting.value))
        return Setting(setting.name, path, setting.path, setting.line)


def sites(tree: Tree, main: str) -> Iterator[Site]:
    """Give the set-up of the cluster where `ssl` is on; its files are looked for in its data."""
    reading = Reading(tree)
    cluster = _Cluster(reading, main)
    cluster.read(main)
    cluster.read(f"{cluster.home}/postgresql.auto.conf", optional=True)
    return told(_sites(cluster), reading, NAME, main)


def _sites(cluster: _Cluster) -> Iterator[Site]:
    if not _is_on(cluster.value("ssl", "off")):
        return
    certificate = cluster.file("ssl_cert_file", "server.crt")
    pairs = (Pair(certificate, cluster.file("ssl_key_file", "server.key")),) if certificate else ()
    yield Site(
        server=NAME,
        place=cluster.last["ssl"],
        listens=_listens(cluster),
        pairs=pairs,
        protocols=_protocols(cluster),
        ciphers=cluster.last.get("ssl_ciphers"),
        suites=_filled(cluster.last.get("ssl_tls13_ciphers")),
        groups=cluster.last.get("ssl_groups"),
        dh_file=cluster.file("ssl_dh_params_file"),
        starttls="postgres",
        settings=tuple(cluster.last.values()),
        ineffective=tuple(cluster.ineffective),
    )


def _plain(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 8) & 0xFF)
    return _CONTROL.get(found[2], found[2]) if found[2] else "'"


def _filled(setting: Setting | None) -> Setting | None:
    return setting if setting and setting.value else None


def _is_on(value: str) -> bool:
    """Read a boolean: any beginning of on, true, yes that no other word shares, or 1."""
    word = value.lower()
    return word not in ("", "o") and any(yes.startswith(word) for yes in _YES)


def _protocols(cluster: _Cluster) -> tuple[Version, ...] | None:
    """Give the range between the two bounds; None where neither is set and the default counts."""
    bounds = [cluster.last.get(f"ssl_{end}_protocol_version") for end in ("min", "max")]
    release = _release(cluster)
    if not any(bounds) and release > _LAST_WITH_TLS10:
        return None
    least = Version.TLS12 if release > _LAST_WITH_TLS10 else Version.TLS10
    low = _bound(cluster, bounds[0], least)
    high = _bound(cluster, bounds[1], Version.TLS13)
    return tuple(version for version in sslconf.MODERN if low <= version <= high)


def _bound(cluster: _Cluster, setting: Setting | None, default: Version) -> Version:
    if setting is None:
        return default
    if not setting.value:
        # An empty text sets no bound: as low and as high as the library goes.
        return Version.TLS13 if "max" in setting.name.lower() else Version.TLS10
    found = sslconf.VERSIONS.get(setting.value.lower())
    if found is None:
        cluster.reading.miss(f"{setting.path}: {setting.name} is set to no version that is known")
    return found or default


def _release(cluster: _Cluster) -> int:
    """Give the server's major release, from its data or the path; a current one where unknown."""
    text = text_if_there(cluster.reading, f"{cluster.home}/PG_VERSION")
    word = text.strip() or next(
        (part for part in cluster.main.split("/") if part[:1].isdigit()), ""
    )
    major = word.partition(".")[0]
    return int(major) if major.isascii() and major.isdigit() and len(major) < 4 else 99


def _listens(cluster: _Cluster) -> tuple[str, ...]:
    port = cluster.value("port", "5432")
    addresses = cluster.value("listen_addresses", "localhost").split(",")
    return tuple(
        f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        for name in map(str.strip, addresses)
        if name
    )
