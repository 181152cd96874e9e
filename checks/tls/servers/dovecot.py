"""Dovecot 2.2 to 2.4: each protocol's ports, for everybody and for each `local` and `local_name`.

https://doc.dovecot.org/2.3/configuration_manual/dovecot_ssl_configuration/ and
https://doc.dovecot.org/2.4.0/core/config/ssl.html. Settings in `remote` blocks hold for some
clients only and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls.config import Ineffective, Pair, Setting, Site
from checks.tls.numbers import Version
from checks.tls.syntax import dovecot, sslconf
from checks.tls.syntax.reading import Reading, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.config import Tree
    from checks.tls.syntax.dovecot import Entry, Section

NAME: Final = "dovecot"
MAIN: Final = ("/etc/dovecot/dovecot.conf", "/usr/local/etc/dovecot/dovecot.conf")

_LISTENERS: Final = {
    "imap": {"imap": ("143", False), "imaps": ("993", True)},
    "pop3": {"pop3": ("110", False), "pop3s": ("995", True)},
    "sieve": {"sieve": ("4190", False)},
    "submission": {"submission": ("587", False)},
}
"""Ports that are open without any being named, and whether TLS begins at once."""
_SERVICES: Final = {
    "imap-login": "imap",
    "managesieve-login": "sieve",
    "pop3-login": "pop3",
    "submission-login": "submission",
}
_STARTTLS: Final = {"imap": "imap", "pop3": "pop3", "sieve": "sieve", "submission": "smtp"}
_DEFAULT_PROTOCOLS: Final = ("imap", "pop3")
_PREFIXES: Final = ("ssl", "ssl_server")
_PAIRS: Final = (
    ("ssl_server_cert_file", "ssl_server_key_file"),
    ("ssl_server_alt_cert_file", "ssl_server_alt_key_file"),
    ("ssl_cert", "ssl_key"),
    ("ssl_alt_cert", "ssl_alt_key"),
)
_TAKEN: Final = frozenset({
    "ssl", "ssl_cipher_list", "ssl_cipher_suites", "ssl_curve_list", "ssl_dh",
    "ssl_dh_parameters_length", "ssl_min_protocol", "ssl_options", "ssl_prefer_server_ciphers",
    "ssl_protocols", "ssl_server_dh_file", "ssl_server_prefer_ciphers", "ssl_verify_client_cert",
    *(name for pair in _PAIRS for name in pair),
})  # fmt: skip
_LEAST: Final = {**sslconf.VERSIONS, "any": Version.SSL3, "latest": Version.TLS13}
_MOST_PLACES: Final = 500
_MOST_SITES: Final = 2_000
_MOST_PORTS: Final = 50


class _Where(NamedTuple):
    """To whom settings apply: a `local` address or network, a `local_name`; "" for everybody."""

    local: str = ""
    name: str = ""


class _Listener:
    """One inet_listener."""

    def __init__(self, port: str, *, implicit: bool) -> None:
        self.port = port
        self.implicit = implicit
        self.addresses = ""


class _Mail:
    """A whole configuration, sorted by what its settings apply to."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.protocols: dict[str, None] | None = None
        self.listen = "*, ::"
        self.settings: dict[_Where, dict[str, dict[str, Setting]]] = {_Where(): {}}
        self.places: dict[_Where, Setting] = {}
        self.ineffective: list[Ineffective] = []
        self.listeners = {
            protocol: {name: _Listener(port, implicit=tls) for name, (port, tls) in ports.items()}
            for protocol, ports in _LISTENERS.items()
        }

    def take(self, entry: Entry) -> None:
        """Take in one setting."""
        setting, sections = entry
        kinds = {section.kind: section for section in sections}
        if "inet_listener" in kinds:
            self._take_port(setting, kinds)
        elif not sections and setting.name == "protocols":
            self._take_protocols(setting.value)
        elif not sections and setting.name == "listen":
            self.listen = setting.value
        elif setting.name == "dovecot_config_version":  # 2.4, which opens this port as well
            self.listeners["submission"].setdefault("submissions", _Listener("465", implicit=True))
        elif "protocols" in kinds and setting.value == "yes":
            self._take_protocols(f"$protocols {setting.name}")
        elif "remote" not in kinds and "service" not in kinds:
            self._take_setting(setting, kinds)

    def _take_protocols(self, value: str) -> None:
        """Read `imap pop3`; `$protocols` stands for those that were named before."""
        words = value.split()
        known = (self.protocols or {}) if {"$protocols", "$SET:protocols"} & {*words} else {}
        self.protocols = {**known, **{word: None for word in words if word in _LISTENERS}}

    def _take_port(self, setting: Setting, kinds: dict[str, Section]) -> None:
        service = kinds.get("service")
        protocol = _SERVICES.get(service.argument) if service else None
        if protocol is None:
            return
        name = setting.name.removeprefix("inet_listener_")
        listeners = self.listeners[protocol]
        key = kinds["inet_listener"].argument
        if key not in listeners and len(listeners) >= _MOST_PORTS:
            self.reading.miss(f"{setting.path}: more listeners than are looked at")
            return
        listener = listeners.setdefault(key, _Listener("0", implicit=False))
        if name == "port":
            listener.port = setting.value
        elif name == "ssl":
            listener.implicit = setting.value == "yes"
        elif name in {"address", "listen"}:
            listener.addresses = setting.value

    def _take_setting(self, setting: Setting, kinds: dict[str, Section]) -> None:
        name = _full_name(setting.name, kinds)
        protocol = kinds["protocol"].argument if "protocol" in kinds else ""
        if name not in _TAKEN or (protocol and protocol.lstrip("!") not in _LISTENERS):
            return
        where = _where(kinds)
        if where not in self.settings:
            if len(self.settings) > _MOST_PLACES:
                self.reading.miss(f"{setting.path}: more names and addresses than are looked at")
                return
            self.places[where] = (kinds.get("local_name") or kinds["local"]).place
        known = self.settings.setdefault(where, {}).setdefault(protocol, {})
        self._note_repeated(known.get(name), setting)
        known[name] = setting

    def _note_repeated(self, former: Setting | None, setting: Setting) -> None:
        if former and former.path == setting.path and former.value != setting.value:
            reason = f"line {setting.line} of the same file sets it again"
            self.ineffective.append(Ineffective(former, reason))

    def effective(self, where: _Where, protocol: str) -> dict[str, Setting]:
        """Give what applies, the narrower over the wider: protocol, name, address."""
        found: dict[str, Setting] = {}
        wider = (_Where(), _Where(name=where.name), _Where(local=where.local), where)
        for place in dict.fromkeys(wider):
            scoped = self.settings.get(place, {})
            for scope in ("", *(key for key in scoped if key and _holds(key, protocol))):
                found.update(scoped.get(scope, {}))
        return found


def sites(tree: Tree, main: str) -> Iterator[Site]:
    """Give the set-up of each protocol, apart for ports that begin with TLS and those that turn."""
    reading = Reading(tree)
    mail = _Mail(reading)
    for entry in dovecot.entries(reading, main):
        mail.take(entry)
    # A list, so that the first site tells the gaps that are met at the last one.
    return told(list(_sites(mail, main)), reading, NAME, main)


def _sites(mail: _Mail, main: str) -> Iterator[Site]:
    left = _MOST_SITES
    for where in mail.settings:
        for site in _sites_at(mail, where, main):
            if left == 0:
                mail.reading.miss(f"more than {_MOST_SITES} sites")
                return
            left -= 1
            yield site


def _sites_at(mail: _Mail, where: _Where, main: str) -> Iterator[Site]:
    for protocol in mail.protocols if mail.protocols is not None else _DEFAULT_PROTOCOLS:
        settings = mail.effective(where, protocol)
        if _is_off(settings.get("ssl")):
            continue
        for implicit in (False, True):
            listens = _listens(mail, protocol, where, implicit=implicit)
            if listens:
                place = mail.places.get(where) or Setting("protocol", protocol, main, 1)
                starttls = "" if implicit else _STARTTLS[protocol]
                yield _site(mail, settings, place, where, listens, starttls)


def _site(  # noqa: PLR0913, PLR0917 - the parts of one site
    mail: _Mail,
    settings: dict[str, Setting],
    place: Setting,
    where: _Where,
    listens: tuple[str, ...],
    starttls: str,
) -> Site:
    dh_file = settings.get("ssl_server_dh_file") or settings.get("ssl_dh")
    return Site(
        server=NAME,
        place=place,
        names=tuple(where.name.lower().split()),
        listens=listens,
        pairs=tuple(_pairs(settings)),
        protocols=_protocols(settings, mail.reading),
        ciphers=settings.get("ssl_cipher_list"),
        suites=settings.get("ssl_cipher_suites"),
        groups=settings.get("ssl_curve_list"),
        dh_file=dovecot.file_of(dh_file) if dh_file and dh_file.value else None,
        starttls=starttls,
        settings=tuple(settings.values()),
        ineffective=(*mail.ineffective, *_outdated(settings)),
    )


def _full_name(name: str, kinds: dict[str, Section]) -> str:
    """Put back the prefix that a setting may leave out in the section of that name (2.4)."""
    prefix = next((prefix for prefix in _PREFIXES if prefix in kinds), None)
    return f"{prefix}_{name}" if prefix and not name.startswith(prefix) else name


def _where(kinds: dict[str, Section]) -> _Where:
    local = kinds["local"].argument if "local" in kinds else ""
    return _Where(local, kinds["local_name"].argument if "local_name" in kinds else "")


def _holds(scope: str, protocol: str) -> bool:
    return scope[1:] != protocol if scope[0] == "!" else scope == protocol


def _is_off(setting: Setting | None) -> bool:
    return setting is not None and setting.value.lower() == "no"


def _listens(mail: _Mail, protocol: str, where: _Where, *, implicit: bool) -> tuple[str, ...]:
    """Give "address:port" of the listeners; a network in `local` narrows them no further."""
    narrow = where.local if where.local and "/" not in where.local else ""
    return tuple(
        f"{_address(address)}:{listener.port}"
        for listener in mail.listeners[protocol].values()
        if listener.implicit == implicit and listener.port not in {"", "0"}
        for address in _addresses(narrow or listener.addresses or mail.listen)
    )


def _addresses(text: str) -> list[str]:
    return text.replace(",", " ").split()[:_MOST_PORTS]


def _address(text: str) -> str:
    bare = text.strip("[]")
    return f"[{bare}]" if ":" in bare else bare


def _pairs(settings: dict[str, Setting]) -> Iterator[Pair]:
    for certificate, key in _PAIRS:
        found = settings.get(certificate)
        if found and found.value and "\n" not in found.value:
            of_key = settings.get(key)
            key_file = dovecot.file_of(of_key) if of_key and of_key.value else None
            yield Pair(dovecot.file_of(found), key_file)


def _protocols(settings: dict[str, Setting], reading: Reading) -> tuple[Version, ...] | None:
    """Give the versions switched on, by 2.3's name or 2.2's; None where the default counts."""
    least = settings.get("ssl_min_protocol")
    if least:
        version = _LEAST.get(least.value.lower())
        if version is None:
            reading.miss(f"{least.path}: ssl_min_protocol is set to no version that is known")
            return None
        return tuple(v for v in Version if v >= version and v is not Version.SSL2)
    listed = settings.get("ssl_protocols")
    return _listed(listed.value) if listed else None


def _listed(text: str) -> tuple[Version, ...]:
    """Read 2.2's list: `!SSLv3 !TLSv1`, or the names of those that are wanted."""
    words = text.lower().split()
    refused = {sslconf.VERSIONS.get(word[1:]) for word in words if word[0] == "!"}
    wanted = {sslconf.VERSIONS.get(word) for word in words if word[0] != "!"}
    return tuple(
        version
        for version in Version
        if version is not Version.SSL2
        and version not in refused
        and (not wanted or version in wanted)
    )


def _outdated(settings: dict[str, Setting]) -> Iterator[Ineffective]:
    """Find what 2.3 dropped, where the configuration is one for 2.3."""
    length = settings.get("ssl_dh_parameters_length")
    if length and {"ssl_min_protocol", "ssl_dh"} & settings.keys():
        yield Ineffective(length, "Dovecot 2.3 and newer reads parameters from the file of ssl_dh")
