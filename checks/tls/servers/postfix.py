"""Postfix: each smtpd service of master.cf with its options over main.cf.

https://www.postfix.org/TLS_README.html. Where TLS is only offered (level `may`) the parameters
without `mandatory` in their name count, where it is demanded the others do.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from checks.tls.config import Ineffective, Setting, Site
from checks.tls.syntax import postfix, postfixtls
from checks.tls.syntax.reading import Reading, absolute, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from checks.tls.config import Tree
    from checks.tls.syntax.postfix import Service, Values

NAME: Final = "postfix"
MAIN: Final = ("/etc/postfix/main.cf", "/etc/postfix-*/main.cf")

_SMTPD: Final = ("smtpd", "postscreen")
_PORTS: Final = {"smtp": "25", "submission": "587", "submissions": "465", "smtps": "465"}
_MOST_SERVICES: Final = 200
_MOST_SITES: Final = 2_000
_MANDATORY: Final = (
    ("smtpd_tls_mandatory_protocols", "smtpd_tls_protocols"),
    ("smtpd_tls_mandatory_ciphers", "smtpd_tls_ciphers"),
)


def sites(tree: Tree, main: str) -> Iterator[Site]:
    """Give each TCP service of smtpd that speaks TLS, then its names that have own certificates."""
    reading = Reading(tree)
    # A list, so that the first site tells the gaps that are met at the last one.
    return told(list(_sites(reading, main)), reading, NAME, main)


def _sites(reading: Reading, main: str) -> Iterator[Site]:
    parameters = postfix.parameters(reading.text(main) or "", main)
    services = _services(reading, main)
    # What one service sees is looked at once; `unused` needs all of them.
    seen = [(service, _values(service, parameters)) for service in services]
    unused = _unused([values for _, values in seen])
    left = _MOST_SITES
    for service, values in seen:
        site = _site(service, values, unused, reading)
        for one in (site, *_named(site, values, reading)) if site else ():
            if left == 0:
                reading.miss(f"more than {_MOST_SITES} names")
                return
            left -= 1
            yield one


def _services(reading: Reading, main: str) -> list[Service]:
    path = absolute(posixpath.dirname(main), "master.cf")
    text = reading.text(path)
    if text is None:
        place = Setting("smtp", "smtp inet n - y - - smtpd", path, 0)
        return [postfix.Service(place, "inet", "smtpd", {})]
    found = [
        service
        for service in postfix.services(text, path)
        if service.type == "inet" and service.command in _SMTPD
    ]
    if len(found) > _MOST_SERVICES:
        reading.miss(f"{path}: more services than are looked at")
    return found[:_MOST_SERVICES]


def _values(service: Service, parameters: Mapping[str, Setting]) -> Values:
    return postfix.Values(service.options, parameters, postfixtls.DEFAULTS)


def _site(
    service: Service, values: Values, unused: tuple[Ineffective, ...], reading: Reading
) -> Site | None:
    """Describe a service; None where it has no TLS."""
    level = postfixtls.level(values)
    if level is None:
        return None
    pairs = tuple(postfixtls.pairs(values, reading))
    protocols, refused = postfixtls.protocols(values, level)
    ineffective = (*unused, *refused, *postfixtls.overridden(values))
    if not pairs and not postfixtls.goes_without_certificate(values):
        protocols = ()
        ineffective = (*ineffective, *postfixtls.without_certificate(values))
    return Site(
        server=NAME,
        place=service.place,
        listens=_listens(service.place.name, values),
        pairs=pairs,
        protocols=protocols,
        ciphers=postfixtls.ciphers(values, level),
        groups=postfixtls.groups(values),
        dh_file=postfixtls.dh_file(values),
        starttls="" if level == postfixtls.WRAPPED else "smtp",
        settings=postfixtls.settings(values, level),
        ineffective=tuple(dict.fromkeys(ineffective)),
    )


def _named(site: Site, values: Values, reading: Reading) -> Iterator[Site]:
    """Give the names of `tls_server_sni_maps`; they differ in the certificate alone."""
    for place, pairs in postfixtls.names(values, reading) if site.pairs else ():
        yield Site(
            server=NAME,
            place=place,
            names=(place.name.lower(),),
            listens=site.listens,
            pairs=pairs,
            protocols=site.protocols,
            ciphers=site.ciphers,
            groups=site.groups,
            dh_file=site.dh_file,
            starttls=site.starttls,
            settings=site.settings,
        )


def _unused(services: Sequence[Values]) -> tuple[Ineffective, ...]:
    """Find parameters for demanded TLS where no service demands it: a common misunderstanding."""
    levels = [(values, postfixtls.level(values)) for values in services]
    offered = [values for values, level in levels if level == postfixtls.OFFERED]
    if not offered or any(level in postfixtls.DEMANDED for _, level in levels):
        return ()
    return tuple(
        Ineffective(setting, f"TLS is offered, not demanded: {other} counts there")
        for name, other in _MANDATORY
        if (setting := offered[0].setting(name)) and setting.value != offered[0].value(other)
    )


def _listens(name: str, values: Values) -> tuple[str, ...]:
    """Give the addresses of a service named `port` or `address:port`; ports may have names."""
    address, _, port = name.rpartition(":")
    port = _PORTS.get(port, port)
    if address:
        return (f"{address}:{port}",)
    places = values.value("inet_interfaces").replace(",", " ").split()
    if not places or "all" in places:
        return (f"*:{port}",)
    if "loopback-only" in places:
        places = ["127.0.0.1", "::1"]
    places = [place.strip("[]") for place in places[:_MOST_SERVICES]]
    return tuple(f"[{place}]:{port}" if ":" in place else f"{place}:{port}" for place in places)
