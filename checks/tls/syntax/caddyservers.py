"""Servers of Caddy's JSON to sites: listeners, connection policies, loaded certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.errors import FormatError
from checks.tls.config import Setting
from checks.tls.syntax import caddyjson, caddytls
from checks.tls.syntax.caddytls import MOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.config import Site
    from checks.tls.syntax.caddyjson import Certificates, Http, Policy, Server
    from checks.tls.syntax.reading import Reading


def sites(text: str, main: str, reading: Reading) -> Iterator[Site]:
    """Give each policy of each server that has TLS; what is no configuration is a gap."""
    try:
        apps = caddyjson.document(text).apps if text else None
    except FormatError as error:
        reading.miss(f"{main}: {error.reason}")
        return
    if apps is None or apps.http is None:
        return
    loaded = (apps.tls and apps.tls.certificates) or caddyjson.Certificates()
    places = caddyjson.Places(text)
    for name, server in list(apps.http.servers.items())[:MOST]:
        place = Setting("server", name, main, places.enter(name))
        listens = tuple(map(_listen, server.listen[:MOST]))
        for policy in _policies(server, apps.http):
            names = policy.match.sni[:MOST] if policy.match else ()
            meant = _from_policy(policy, place, places, loaded, reading)
            yield caddytls.site(place, names, listens, meant, reading)


def _policies(server: Server, app: Http) -> tuple[Policy, ...]:
    """Give a server's policies; one of defaults where TLS comes from the port or host names."""
    if server.tls_connection_policies:
        return server.tls_connection_policies[:MOST]
    open_ports = {listen.rpartition(":")[2] for listen in server.listen}
    hosts = [
        host for r in server.routes or () for match in r.match or () for host in match.host[:MOST]
    ]
    automatic = server.automatic_https
    is_automatic = not (automatic and automatic.disable) and open_ports != {str(app.http_port)}
    skipped = automatic.skip if automatic else ()
    named = tuple(dict.fromkeys(host for host in hosts if host not in skipped))[:MOST]
    if open_ports == {str(app.https_port)} or (is_automatic and named):
        return (caddyjson.Policy(match=caddyjson.Match(sni=named)),)
    return ()


def _from_policy(
    policy: Policy,
    place: Setting,
    places: caddyjson.Places,
    loaded: Certificates,
    reading: Reading,
) -> caddytls.Policy:
    said = {
        name: Setting(name, value, place.path, places.line(name))
        for name, value in (
            ("protocol_min", policy.protocol_min),
            ("protocol_max", policy.protocol_max),
            ("cipher_suites", " ".join(policy.cipher_suites)),
            ("curves", " ".join(policy.curves)),
        )
        if value
    }
    chosen = policy.certificate_selection
    tags = {*chosen.any_tag, *chosen.all_tags} if chosen else set()
    pairs = [
        caddytls.pair(place, one.certificate, one.key)
        for one in loaded.load_files[:MOST]
        if not tags or tags & {*(one.tags or ())}
    ]
    pairs += caddytls.loaded(place, loaded.load_folders, reading)
    low, high = policy.protocol_min, policy.protocol_max
    ciphers, curves = said.get("cipher_suites"), said.get("curves")
    return caddytls.Policy(low, high, ciphers, curves, tuple(pairs), tuple(said.values()))


def _listen(text: str) -> str:
    """Read Caddy's network address, tcp/host:port; the host may be empty."""
    host, _, port = text.rpartition("/")[2].rpartition(":")
    return f"{host or '*'}:{port}"
