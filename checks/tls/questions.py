"""Put questions to a TLS server and keep what its answers show. Pure: a dialer does the asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls import classes, suites
from checks.tls.asking import Unclear
from checks.tls.facts import Accepted, Chain, Prime
from checks.tls.hello import ClientHello
from checks.tls.numbers import TLS12_CURVES, TLS13_GROUPS, Alert, Extension, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from checks.tls.answer import Answer
    from checks.tls.asking import Asker, Reply
    from checks.tls.facts import Target

CLASSIC: Final = (Version.TLS12, Version.TLS11, Version.TLS10, Version.SSL3)


class UnclearError(Exception):
    """A question that was not settled; what it was is in `unseen`."""


class Questions:
    """What every look at one endpoint asks in the same way."""

    def __init__(self, asker: Asker, target: Target, entropy: Callable[[int], bytes]) -> None:
        """Take what asks, what is asked and where random bytes come from."""
        self._asker = asker
        self._target = target
        self._entropy = entropy
        self._unseen: dict[str, None] = {}
        self._hellos: dict[Version, Answer] = {}
        self._primes: dict[Prime, None] = {}
        self._accepted: dict[Accepted, None] = {}
        self._chains: dict[bytes, Chain] = {}
        self._mac_last: bool | None = None
        self._doubted: set[Version] = set()
        self._shown: set[str] = set()
        self._shares = False
        self._stranger = False

    def _hello(self, version: Version, codes: Iterable[int]) -> ClientHello:
        modern = version is Version.TLS13
        return ClientHello(
            version,
            tuple(codes),
            self._entropy(32),
            # Without RFC 7919's groups, whose offer would hide parameters of the server's own.
            groups=TLS13_GROUPS if modern else TLS12_CURVES,
            server_name=self._target.server_name,
            session=self._entropy(32) if modern else b"",
            staple=not modern,
        )

    def _ask(self, what: str, asked: ClientHello) -> Answer | None:
        """Give the answer that agrees, None for a refusal; what is unclear is kept as unseen."""
        answer = self._reply(what, asked).answer
        agreed = answer.hello is not None and answer.hello.version == asked.version
        return answer if agreed else None

    def _reply(self, what: str, asked: ClientHello) -> Reply:
        """Give a reply that agrees or refuses; raises UnclearError for any other."""
        reply = self._asker.ask(asked)
        self._stranger |= reply.answer.alert == Alert.UNRECOGNIZED_NAME
        if reply.hello is not None:
            self._note(asked, reply.answer)
        elif not (reply.refuses or (reply.unclear is Unclear.RESET and self._asker.works)):
            self._unseen[f"{what}: {reply.why}"] = None
            raise UnclearError
        elif reply.doubtful and self._asker.works is None:
            self._doubted.add(asked.version)
        return reply

    def _ask_by(self, what: str, version: Version, codes: tuple[int, ...]) -> Answer | None:
        """Ask for suites; a refusal may be for the lack of DH parameters alone, so ask without."""
        reply = self._reply(what, self._hello(version, codes))
        if reply.hello is not None and reply.hello.version == version:
            return reply.answer
        without = tuple(code for code in codes if not classes.needs_parameters(suites.of(code)))
        if reply.answer.alert == Alert.PROTOCOL_VERSION or without in {(), codes}:
            return None
        return self._ask(what, self._hello(version, without))

    def _note(self, asked: ClientHello, answer: Answer) -> None:
        assert answer.hello is not None
        if answer.hello.version == asked.version and answer.hello.suite in asked.suites:
            self._accepted[Accepted(asked.version, answer.hello.suite)] = None
        if suites.of(answer.hello.suite).is_cbc and asked.version > Version.SSL3:
            self._mac_last = Extension.ENCRYPT_THEN_MAC in answer.hello.extensions
        if answer.certificates:
            self._keep(answer)
            self._shown.add(suites.of(answer.hello.suite).authentication)
        if answer.exchange is not None and answer.exchange.prime:
            self._primes[Prime(answer.exchange.prime, answer.exchange.generator)] = None

    def _keep(self, answer: Answer) -> None:
        """Keep a chain once, with its staple if any answer had one: a server may fetch it first."""
        known = self._chains.get(answer.certificates[0])
        if known is None or (answer.staple and not known.staple):
            self._chains[answer.certificates[0]] = Chain(
                answer.certificates, answer.staple, server_name=self._target.server_name
            )

    def _settled(self, what: str, asked: ClientHello) -> bool | None:
        try:
            return self._ask(what, asked) is not None
        except UnclearError:
            return None

    def _codes(self, version: Version) -> tuple[int, ...]:
        return classes.sharing(version) if self._shares else classes.codes(version)

    def _speaks(self, version: Version) -> bool | None:
        try:
            answer = self._ask_by(version.label, version, self._codes(version))
        except UnclearError:
            return None
        if answer is not None:
            self._hellos[version] = answer
        return answer is not None

    def _order(self, version: Version) -> bool | None:
        """Say whether the server goes by its own order; None where it accepts one suite only."""
        codes = tuple(a.suite for a in self._accepted if a.version == version)
        if len(codes) < 2:
            return None
        chosen = set()
        for order in (codes, codes[::-1]):
            try:
                answer = self._ask("order of suites", self._hello(version, order))
            except UnclearError:
                return None
            chosen.add(answer.hello.suite if answer and answer.hello else 0)
        return len(chosen) == 1

    def _fallback(self, versions: dict[Version, bool | None]) -> bool | None:
        """Ask for a lower version as if a higher one had failed; None where there is no lower."""
        spoken = sorted(v for v in CLASSIC if versions.get(v))
        if len(spoken) < 2:
            return None
        # Suites that are accepted otherwise, so that only the fallback can be what is refused.
        codes = tuple(a.suite for a in self._accepted if a.version == spoken[0])
        asked = self._hello(spoken[0], codes)._replace(fallback=True)
        accepted = self._settled("fallback", asked)
        return None if accepted is None else not accepted
