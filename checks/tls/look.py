"""Look at one endpoint: hellos first, then whole handshakes for what only they show. EDGE."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import msgspec

from checks.tls import http, secrets13
from checks.tls.dial import Dialer
from checks.tls.facts import Chain, EndpointFacts, Target
from checks.tls.hello import ClientHello
from checks.tls.numbers import SCHEMES, TLS13_GROUPS, Version
from checks.tls.probe import Probe
from checks.tls.session13 import Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checks.tls.facts import Http

_SECONDS: Final = 8.0
_MOST: Final = 64
_MOST_SUITES: Final = 400
"""Connections when every suite of every version is asked for."""
_FAMILIES: Final = ("rsa", "ecdsa", "ed", "mldsa")
"""Kinds of keys a server may hold a certificate for, by the beginnings of their schemes' names."""
_PLAIN: Final = frozenset({"http/1.1"})


def observe(
    target: Target, *, seconds: float = _SECONDS, all_suites: bool = False
) -> EndpointFacts:
    """Look at a target for at most SECONDS; what could not be settled is part of the facts."""
    started = time.monotonic()
    dialer = Dialer(target, seconds, _MOST_SUITES if all_suites else _MOST)
    facts = Probe(dialer, target, os.urandom).observe(all_suites=all_suites)
    if facts.speaks_tls:
        facts = _Handshakes(dialer, facts).completed()
    return msgspec.structs.replace(
        facts, seconds=time.monotonic() - started, connections=dialer.connections
    )


class _Handshakes:
    """Goes through whole handshakes with one endpoint and adds what they show to the facts."""

    def __init__(self, dialer: Dialer, facts: EndpointFacts) -> None:
        self._dialer = dialer
        self._facts = facts
        self._chains: dict[bytes, Chain] = {c.certificates[0]: c for c in facts.chains}
        self._asks = False
        self._tickets = False
        self._early = 0
        self._http: Http | None = None
        self._alpn = dict.fromkeys(facts.alpn)

    def completed(self) -> EndpointFacts:
        target = self._facts.target
        modern = bool(self._facts.versions.get(Version.TLS13))
        for family in _FAMILIES if modern else ():
            self._meet(family)
        if not modern and not target.starttls:
            answer = self._dialer.fetch(http.request(target.server_name or target.host))
            self._http = http.read(answer)
        return msgspec.structs.replace(
            self._facts,
            chains=tuple(self._chains.values()),
            tickets=self._tickets or self._facts.tickets,
            early_data=self._early if modern else 0,
            asks_certificate=self._asks if modern else None,
            http=self._http,
            alpn=tuple(self._alpn),
        )

    def _meet(self, family: str) -> None:
        """Shake hands, accepting one kind of key only; the first time ask for a page too."""
        schemes = tuple(number for number, name in SCHEMES.items() if name.startswith(family))
        session = Session(self._hello(schemes))
        first = not self._tickets and not self._facts.target.starttls
        request = http.request(self._facts.target.server_name or self._facts.target.host)
        self._dialer.converse(session, request if first else b"")
        if session.certificates:
            self._chains[session.certificates[0]] = Chain(
                session.certificates,
                session.staple,
                session.proved,
                self._facts.target.server_name,
            )
        self._asks = self._asks or session.asks_certificate
        self._tickets = self._tickets or session.tickets > 0
        self._early = max(self._early, session.early_data)
        self._http = self._http or http.read(bytes(session.data))
        if session.alpn:
            self._alpn[session.alpn] = None

    def _hello(self, schemes: Iterable[int]) -> ClientHello:
        return ClientHello(
            Version.TLS13,
            secrets13.SUITES,
            os.urandom(32),
            groups=tuple(g for g in TLS13_GROUPS if g in self._facts.groups) or TLS13_GROUPS,
            schemes=tuple(schemes),
            server_name=self._facts.target.server_name,
            session=os.urandom(32),
            alpn=() if self._facts.target.starttls else tuple(_PLAIN),
            staple=True,
        )
