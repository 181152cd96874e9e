"""Find out by whole handshakes what hellos do not show. Pure: a dialer does the asking.

Of TLS 1.3: the certificate of every kind of key with its proof and staple, tickets, early data;
below it: the proof, whether a client's certificate is asked for, and renegotiation, tried once; of
one of them what a web server says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from checks.tls import http, records12, secrets13, session12, session13
from checks.tls.conversation import Conversation
from checks.tls.facts import Chain, EndpointFacts
from checks.tls.hello import ClientHello
from checks.tls.numbers import SCHEMES, TLS13_GROUPS, Alert, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from checks.tls.answer import ServerHello
    from checks.tls.asking import Asker, Reply

_Session = TypeVar("_Session", bound=Conversation)

_FAMILIES: Final = ("rsa", "ecdsa", "ed", "mldsa")
"""Kinds of keys a server may hold a certificate for, by the beginnings of their schemes' names."""
_CURVES: Final = (29, 23, 24, 25, 30)
_ONLY_13: Final = {version: version is Version.TLS13 for version in Version}.items()
_SILENT: Final = "neither taken part in nor refused in time"
_STRANGE: Final = "no session in a suite that is read here"
CERTIFICATES: Final = "certificates of TLS 1.3"


class Meeting:
    """Goes through whole handshakes with one endpoint and adds what they show to the facts."""

    def __init__(self, asker: Asker, facts: EndpointFacts, entropy: Callable[[int], bytes]) -> None:
        """Take what asks, what hellos showed and where random bytes come from."""
        self._asker = asker
        self._facts = facts
        self._entropy = entropy
        self._unseen = dict.fromkeys(facts.unseen)
        self._is_web = http.may_be_asked(facts.target)
        self.hellos: list[ServerHello] = []
        """What the server chose in the handshakes that were taken in."""

    def completed(self) -> EndpointFacts:
        """Ask, and give all facts."""
        modern = bool(self._facts.versions.get(Version.TLS13))
        best = max((v for v in self._facts.classic if v >= Version.TLS10), default=None)
        if modern:
            self._meet()
        if modern and best is None and self._facts.http is not None:
            self._add(self._held("alpn", lambda: self._modern(_FAMILIES, "h2")))
        if best is not None and not modern and self._is_web:
            self._add(self._held("http", lambda: self._classic(best, http.PROTOCOL), web=True))
        if best is not None:
            self._renegotiate(best)
        changed: dict[str, Any] = {"unseen": tuple(self._unseen)}
        if not modern:
            changed["early_data"] = 0
        if self._facts.versions.items() <= _ONLY_13:
            changed["client_renegotiation"] = False  # TLS 1.3 has none
        return msgspec.structs.replace(self._facts, **changed)

    # TLS 1.3

    def _meet(self) -> None:
        """Meet with every kind of key: the server shows one and is then asked for the others."""
        web = http.PROTOCOL if self._is_web else ""
        shown = self._held(CERTIFICATES, lambda: self._modern(_FAMILIES, web), web=self._is_web)
        if shown.alert == Alert.NO_APPLICATION_PROTOCOL:
            shown = self._held(CERTIFICATES, lambda: self._modern(_FAMILIES))
        told = any(one.startswith(CERTIFICATES) for one in self._unseen)
        if not shown.certificates and not told:
            self._unseen[f"{CERTIFICATES}: no handshake went that far"] = None
        left = list(_FAMILIES)
        while family := _shown_of(shown, left):
            self._add(shown)
            left.remove(family)
            shown = self._held(CERTIFICATES, lambda: self._modern(left))

    def _modern(self, families: Collection[str], alpn: str = "") -> session13.Session:
        if list(families) == ["mldsa"]:
            # Not alone: nginx logs it as critical when OpenSSL knows none of the schemes.
            families = ("mldsa", "ed")
        begins = tuple(families)
        asked = ClientHello(
            Version.TLS13,
            secrets13.SUITES,
            self._entropy(32),
            groups=tuple(g for g in TLS13_GROUPS if g in self._facts.groups) or TLS13_GROUPS,
            schemes=tuple(n for n, name in SCHEMES.items() if name.startswith(begins)),
            server_name=self._facts.target.server_name,
            session=self._entropy(32),
            alpn=(alpn,) if alpn else (),
            staple=True,
        )
        return session13.Session(asked)

    # Below it

    def _classic(self, version: Version, alpn: str = "") -> session12.Session:
        asked = ClientHello(
            version,
            records12.readable(version),
            self._entropy(32),
            groups=_CURVES,
            server_name=self._facts.target.server_name,
            alpn=(alpn,) if alpn else (),
            # Who is known not to compress is offered it all the same: other names may have it on.
            compressions=(1, 0) if self._facts.compression is False else (0,),
            staple=True,
        )
        return session12.Session(asked, self._entropy)

    def _renegotiate(self, version: Version) -> None:
        """Ask for a second handshake; whoever wants a certificate first has none for a stranger."""
        made: list[session12.Session] = []

        def ask() -> Reply:
            made.append(self._classic(version))
            return self._asker.asking.renegotiate(made[-1])

        reply = self._asker.sure(ask)
        session = made[-1]
        self._add(session)
        found = session.renegotiated
        self._facts = msgspec.structs.replace(self._facts, client_renegotiation=found)
        if found is None and not session.asks_certificate:
            why = _SILENT if session.finished else _STRANGE
            self._unseen[f"renegotiation: {reply.why if reply.unclear else why}"] = None

    # Both

    def _held(self, what: str, make: Callable[[], _Session], *, web: bool = False) -> _Session:
        """Hold a conversation; a reply that is none makes what it was for unseen."""
        made: list[_Session] = []
        target = self._facts.target
        said = http.request(http.authority(target)) if web else b""

        def ask() -> Reply:
            made.append(make())
            return self._asker.asking.converse(made[-1], said, http.wait(target))

        reply = self._asker.sure(ask)
        if reply.unclear is not None:
            self._unseen[f"{what}: {reply.why}"] = None
        return made[-1]

    def _add(self, session: Conversation) -> None:
        """Add what a session showed to the facts."""
        facts = self._facts
        if session.hello is not None:
            self.hellos.append(session.hello)
        changed: dict[str, Any] = {"chains": tuple(self._chains(session))}
        if session.asks_certificate or session.finished:
            asks = bool(facts.asks_certificate) or session.asks_certificate
            changed["asks_certificate"] = asks
        if session.finished:
            changed |= {
                "http": facts.http or http.read(bytes(session.data)),
                "alpn": tuple(sorted({*facts.alpn, session.alpn} - {""})),
                "tickets": bool(facts.tickets) or session.tickets > 0,
                "early_data": max(facts.early_data or 0, session.early_data),
            }
        self._facts = msgspec.structs.replace(facts, **changed)

    def _chains(self, session: Conversation) -> list[Chain]:
        """Join a session's chain with those that are known, with what any of them had more."""
        known = {chain.certificates[0]: chain for chain in self._facts.chains}
        if session.certificates:
            leaf, name = session.certificates[0], self._facts.target.server_name
            before = known.get(leaf) or Chain(session.certificates, server_name=name)
            known[leaf] = Chain(
                session.certificates,
                session.staple or before.staple,
                before.proved if session.proved is None else session.proved,
                name,
            )
        return list(known.values())


def _shown_of(session: Conversation, families: Collection[str]) -> str:
    """Name the family of the key that a server proved itself by, "" for none of FAMILIES."""
    named = SCHEMES.get(session.scheme, "") if session.certificates else ""
    return next((one for one in families if named.startswith(one)), "")
