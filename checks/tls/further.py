"""Look at a further name of a listener that was looked at: by few questions, and none too few.

A server may be set up anew for every name: certificates, versions, suites, groups, early data,
HSTS. So nothing is taken for granted because the listener is the same. But a refusal takes one
hello, however much it offers, and all that the whole look saw refused is offered again at once:

- versions: a whole handshake in TLS 1.3 and one in the best version below, or a hello each that is
  refused; one hello below the oldest, which whoever speaks anything older answers (RFC 5246 E.1).
  SSL 2 and 3 know no names: the same bytes get the same answer.
- suites: all classes of weak ones in one hello, again without those of the class that was chosen,
  until it is refused, and with them the kinds of keys whose certificate was not shown; all suites
  of TLS 1.3 that were refused in one hello.
- groups: all that were refused in one hello of TLS 1.3, and in one below; where both post-quantum
  and classical ones were accepted, one of each kind.
- certificates with their proofs, tickets, early data, HTTP, renegotiation, whether a client is
  asked for a certificate, compression: the whole handshakes.
- the server's order of suites: two hellos, where a weak one is accepted, as a fault needs one.

Suites and certificates are what this name shows. Where it differs in anything else from what is
known, it gets a whole look. Taken over is what no check tells apart: which classical groups, sound
suites of TLS 1.3 and application protocols there are; this name accepts some of them, and of the
groups and suites no others. Profiles do tell them apart: they have each name looked at as a whole.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from checks.errors import FormatError
from checks.tls import certificate, classes, suites
from checks.tls.facts import Accepted, EndpointFacts
from checks.tls.meeting import Meeting
from checks.tls.numbers import (
    POST_QUANTUM,
    TLS12_CURVES,
    TLS13_GROUPS,
    WEAK_CURVES,
    Alert,
    Extension,
    Version,
)
from checks.tls.questions import Questions, UnclearError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from checks.tls.answer import Answer, ServerHello
    from checks.tls.asking import Asker
    from checks.tls.facts import Chain, Target
    from checks.tls.hello import ClientHello

_NAMED: Final = (Version.TLS12, Version.TLS11, Version.TLS10)
"""The versions below TLS 1.3 in which a client names the server that it wants."""
_KINDS: Final = ("RSA", "ECDSA")


class OtherwiseError(Exception):
    """Under this name the server is set up otherwise, or did not say how."""


def can_guide(known: EndpointFacts) -> bool:
    """Say whether a whole look settled everything, and saw nothing that has to be listed anew."""
    modern = [one.suite for one in known.suites if one.version is Version.TLS13]
    return (
        not known.unseen
        and None not in known.versions.values()
        and bool(_best(known) or known.versions[Version.TLS13])
        and known.compression is False
        and WEAK_CURVES.isdisjoint(known.curves)
        and all(suites.of(code).bits for code in modern)
    )


def _best(known: EndpointFacts) -> Version | None:
    return max((one for one in known.classic if one in _NAMED), default=None)


class Further(Questions):
    """One look at a further name."""

    def __init__(
        self,
        asker: Asker,
        target: Target,
        entropy: Callable[[int], bytes],
        known: EndpointFacts,
    ) -> None:
        """Take what a look takes, and a whole look at the same listener that `can_guide`."""
        super().__init__(asker, target, entropy)
        self._known = known
        self._best = _best(known)
        self._modern = bool(known.versions[Version.TLS13])

    def observe(self) -> EndpointFacts:
        """Ask, and give all facts; raises OtherwiseError where the name needs a whole look."""
        try:
            return self._observed()
        except UnclearError:
            raise OtherwiseError from None

    def _observed(self) -> EndpointFacts:
        facts, classic = self._met()
        works = self._best or Version.TLS13
        self._asker.works = self._hello(works, self._codes(works))
        curves: tuple[int, ...] = ()
        if self._best and classic:
            self._shown.add(suites.of(classic.suite).authentication)
            self._classes(self._best, self._weaker(classic.suite), _KINDS)
            self._accepted[Accepted(self._best, classic.suite)] = None
            curves = self._curves(self._best)
        self._versions()
        if self._modern:
            self._modern_suites()
            self._groups()
        chains = (*facts.chains, *self._further_chains(facts))
        if any(map(_lacks_staple, chains)):
            raise OtherwiseError  # a server may fetch it first, for which a whole look has time
        return msgspec.structs.replace(
            facts,
            suites=tuple(dict.fromkeys((*self._accepted, *self._unasked()))),
            complete=False,
            curves=curves,
            server_order=self._order_of_weak(),
            primes=tuple(self._primes),
            chains=chains,
            fallback_scsv=self._protected(),
            secure_renegotiation=_has(classic, Extension.RENEGOTIATION_INFO),
            extended_master_secret=_has(classic, Extension.EXTENDED_MASTER_SECRET),
            encrypt_then_mac=self._mac_last,
        )

    # Whole handshakes

    def _met(self) -> tuple[EndpointFacts, ServerHello | None]:
        """Go through whole handshakes as with any endpoint; give the hello below TLS 1.3, too."""
        begun = msgspec.structs.replace(
            self._known,
            target=self._target,
            chains=(),
            http=None,
            tickets=None,
            early_data=None,
            asks_certificate=None,
            client_renegotiation=None,
        )
        meeting = Meeting(self._asker, begun, self._entropy)
        met = meeting.completed()
        classic = next((one for one in meeting.hellos if one.version == self._best), None)
        modern = {one.suite for one in meeting.hellos if one.version is Version.TLS13}
        known = {one.suite for one in self._known.suites if one.version is Version.TLS13}
        otherwise = bool(self._best) != bool(classic) or bool(modern) != self._modern
        if met.unseen or otherwise or not modern <= known:
            raise OtherwiseError
        return met, classic

    def _further_chains(self, facts: EndpointFacts) -> list[Chain]:
        shown = {one.certificates[0] for one in facts.chains}
        return [one for leaf, one in self._chains.items() if leaf not in shown]

    # Versions

    def _versions(self) -> None:
        """See that the other versions are spoken or refused as they are known to be."""
        spoken = [one for one in _NAMED if self._known.versions[one]]
        if not self._modern and self._speaks(Version.TLS13) is not False:
            raise OtherwiseError
        for version in _NAMED:
            if version < min(spoken, default=Version.TLS13):
                self._nothing(version)
                return
            if version != self._best:
                self._same(version)

    def _same(self, version: Version) -> None:
        if self._speaks(version) is not self._known.versions[version]:
            raise OtherwiseError
        if self._known.versions[version]:
            self._classes(version, classes.BROKEN)

    def _nothing(self, version: Version) -> None:
        """See that nobody answers, nor where suites are left out that need DH parameters."""
        codes = self._codes(version)
        without = tuple(code for code in codes if not classes.needs_parameters(suites.of(code)))
        for offered in (codes, without):
            reply = self._reply(version.label, self._hello(version, offered))
            if reply.hello is not None:
                raise OtherwiseError
            if reply.answer.alert == Alert.PROTOCOL_VERSION:
                return

    # Suites

    def _weaker(self, chosen: int) -> tuple[str, ...]:
        """Name the classes to ask for: all, but for the sound one where it was chosen already."""
        sound = classes.CLASSES[classes.SOUND](suites.of(chosen))
        return tuple(name for name in classes.CLASSES if name != classes.SOUND or not sound)

    def _classes(self, version: Version, names: Sequence[str], kinds: Sequence[str] = ()) -> None:
        """Ask for classes of suites and kinds of keys until nothing of what is left is accepted."""
        for _ in range(len(names) + len(kinds) + 1):
            known = [suites.of(one.suite) for one in self._accepted if one.version == version]
            left = [n for n in names if not any(classes.CLASSES[n](one) for one in known)]
            codes = [code for name in left for code in classes.members(version, name)]
            for kind in kinds:
                if kind not in self._shown:
                    codes += classes.authenticated(version, kind)
            offered = tuple(dict.fromkeys(codes))
            what = f"weak suites of {version.label}"
            if not offered or self._ask_by(what, version, offered) is None:
                return
        raise OtherwiseError  # it chooses what takes nothing away

    def _modern_suites(self) -> None:
        known = {one.suite for one in self._known.suites}
        left = [code for code in classes.codes(Version.TLS13) if code not in known]
        if left:
            self._refused("suites of TLS 1.3", self._hello(Version.TLS13, left))

    def _unasked(self) -> Iterable[Accepted]:
        """Give what is taken over: of the versions without names, and of TLS 1.3."""
        return (one for one in self._known.suites if one.version not in _NAMED)

    def _order_of_weak(self) -> bool | None:
        accepted = (suites.of(one.suite) for one in self._accepted if one.version in _NAMED)
        if self._best is None or all(map(classes.CLASSES[classes.SOUND], accepted)):
            return None
        return self._order(self._best)

    def _protected(self) -> bool | None:
        if self._known.versions.get(Version.SSL3):
            return self._known.fallback_scsv
        return self._fallback(self._known.versions)

    # Groups

    def _groups(self) -> None:
        known = self._known.groups
        asked = self._hello(Version.TLS13, classes.codes(Version.TLS13))
        others = tuple(one for one in TLS13_GROUPS if one not in known)
        if others:
            self._refused("groups of TLS 1.3", asked._replace(groups=others))
        quantum = tuple(one for one in known if one in POST_QUANTUM)
        classical = tuple(one for one in known if one not in POST_QUANTUM)
        for kind in (quantum, classical) if quantum and classical else ():
            if self._ask("groups of TLS 1.3", asked._replace(groups=kind)) is None:
                raise OtherwiseError

    def _curves(self, version: Version) -> tuple[int, ...]:
        """See that no other curve is accepted; give those that are known, where any is."""
        known = self._known.curves
        left = tuple(one for one in TLS12_CURVES if one not in known)
        # RFC 8422 5.1: an ECDSA key is of no use to who does not know its curve.
        groups = left if "RSA" in self._shown else (*left, *known)
        asked = self._hello(version, classes.agreeing_by_curves(version))
        answer = self._ask("curves", asked._replace(groups=groups))
        if answer is not None and _group(answer) not in known:
            raise OtherwiseError
        accepted = (suites.of(one.suite) for one in self._accepted)
        return known if any(one.exchange == "ECDHE" for one in accepted) else ()

    def _refused(self, what: str, asked: ClientHello) -> None:
        if self._ask(what, asked) is not None:
            raise OtherwiseError


def _lacks_staple(chain: Chain) -> bool:
    with contextlib.suppress(FormatError):
        leaf = certificate.read(chain.certificates[0])
        return leaf.extensions.must_staple and not chain.staple
    return False


def _group(answer: Answer) -> int:
    return answer.exchange.group if answer.exchange else 0


def _has(hello: ServerHello | None, extension: Extension) -> bool | None:
    return None if hello is None else extension in hello.extensions
