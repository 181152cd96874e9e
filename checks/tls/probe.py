"""Find out by a few hellos what a TLS server agrees to. Pure: a dialer does the asking.

One hello a class of fault first; whole lists where they are few or asked for. A refusal is an
answer; silence, garbage and a reset that does not repeat beside a working hello are none.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from checks.tls import classes, suites
from checks.tls.facts import Accepted, Chain, EndpointFacts, Prime, Target
from checks.tls.hello import ClientHello
from checks.tls.numbers import TLS12_CURVES, TLS13_GROUPS, Alert, Extension, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from checks.tls.answer import Answer, ServerHello
    from checks.tls.session13 import Session

_CLASSIC: Final = (Version.TLS12, Version.TLS11, Version.TLS10, Version.SSL3)
_STRONG_CURVES: Final = (29, 23, 24, 25)


class Unclear(enum.Enum):
    """Why a question was not settled."""

    SILENT = "no answer in time"
    REFUSED = "connection refused"
    RESET = "connection reset"
    GARBLED = "no TLS"


class Reply(NamedTuple):
    """What came of one question. ended: the server closed the connection in good order."""

    answer: Answer
    ended: bool = False
    unclear: Unclear | None = None
    detail: str = ""

    @property
    def hello(self) -> ServerHello | None:
        """The server's hello, None where it chose nothing."""
        return self.answer.hello

    @property
    def refuses(self) -> bool:
        """The server said no: by an alert, or by hanging up on the hello."""
        return self.hello is None and (self.answer.alert is not None or self.ended)


class Asking(Protocol):
    """What the probe asks with; `dial.Dialer` over sockets."""

    connections: int

    def ask(self, asked: ClientHello) -> Reply:
        """Send a hello and give the answer."""

    def ask_ssl2(self, challenge: bytes) -> Reply:
        """Send an SSL 2 hello and give the answer."""

    def converse(self, session: Session, request: bytes = b"") -> Reply:
        """Go through a whole handshake."""


class Probe:
    """One look at one endpoint."""

    def __init__(self, asking: Asking, target: Target, entropy: Callable[[int], bytes]) -> None:
        """Take what asks, what is asked and where random bytes come from."""
        self._asking = asking
        self._target = target
        self._entropy = entropy
        self._unseen: dict[str, None] = {}
        self._hellos: dict[Version, Answer] = {}
        self._primes: dict[Prime, None] = {}
        self._accepted: dict[Accepted, None] = {}
        self._chains: dict[bytes, Chain] = {}
        self._mac_last: bool | None = None

    def observe(self, *, all_suites: bool = False) -> EndpointFacts:
        """Ask everything that plain hellos can settle."""
        versions = self._versions()
        self._suites(versions, all_suites=all_suites)
        best = max((v for v in versions if versions[v] and v < Version.TLS13), default=None)
        if best is not None:
            self._certificates(best)
        seen = self._hellos.get(best) if best else None
        return EndpointFacts(
            target=self._target,
            versions=versions,
            groups=self._groups() if versions.get(Version.TLS13) else (),
            curves=self._curves(best) if best else (),
            compression=self._compression(best) if best else False,
            fallback_scsv=self._fallback(versions),
            server_order=self._order(best) if best else None,
            suites=tuple(self._accepted),
            complete=all_suites,
            primes=tuple(self._primes),
            chains=tuple(self._chains.values()),
            alpn=self._alpn(versions),
            secure_renegotiation=_extended(seen, Extension.RENEGOTIATION_INFO),
            extended_master_secret=_extended(seen, Extension.EXTENDED_MASTER_SECRET),
            encrypt_then_mac=self._mac_last,
            tickets=_extended(seen, Extension.SESSION_TICKET),
            connections=self._asking.connections,
            unseen=tuple(self._unseen),
        )

    # Asking

    def _hello(self, version: Version, codes: Iterable[int]) -> ClientHello:
        modern = version is Version.TLS13
        return ClientHello(
            version,
            tuple(codes),
            self._entropy(32),
            groups=TLS13_GROUPS if modern else (*TLS12_CURVES, 256, 257, 258, 259, 260),
            server_name=self._target.server_name,
            session=self._entropy(32) if modern else b"",
        )

    def _ask(self, what: str, asked: ClientHello) -> Answer | None:
        """Give the answer that agrees, None for a refusal; what is unclear is kept as unseen."""
        reply = self._asking.ask(asked)
        if reply.unclear in {Unclear.RESET, Unclear.SILENT}:
            reply = self._asking.ask(asked)
        if reply.hello is not None:
            self._note(asked, reply.answer)
            return reply.answer if reply.hello.version == asked.version else None
        if not (reply.refuses or (reply.unclear is Unclear.RESET and self._accepted)):
            why = reply.unclear.value if reply.unclear else reply.detail
            self._unseen[f"{what}: {why or 'an answer of SSL 2'}"] = None
            raise _UnclearError
        return None

    def _ask_by(self, what: str, version: Version, codes: tuple[int, ...]) -> Answer | None:
        """Ask for suites; a refusal may be for the lack of DH parameters alone, so ask without."""
        answer = self._ask(what, self._hello(version, codes))
        without = tuple(code for code in codes if not classes.needs_parameters(suites.of(code)))
        if answer is None and without and without != codes:
            answer = self._ask(what, self._hello(version, without))
        return answer

    def _note(self, asked: ClientHello, answer: Answer) -> None:
        assert answer.hello is not None
        if answer.hello.version == asked.version and answer.hello.suite in asked.suites:
            self._accepted[Accepted(asked.version, answer.hello.suite)] = None
        if suites.of(answer.hello.suite).is_cbc and asked.version > Version.SSL3:
            self._mac_last = Extension.ENCRYPT_THEN_MAC in answer.hello.extensions
        if answer.certificates:
            self._keep(answer)
        if answer.exchange is not None and answer.exchange.prime:
            self._primes[Prime(answer.exchange.prime, answer.exchange.generator)] = None

    def _keep(self, answer: Answer) -> None:
        """Keep a chain once, with its staple if any answer had one: not every hello asks for it."""
        known = self._chains.get(answer.certificates[0])
        if known is None or (answer.staple and not known.staple):
            self._chains[answer.certificates[0]] = Chain(
                answer.certificates, answer.staple, server_name=self._target.server_name
            )

    def _settled(self, what: str, asked: ClientHello) -> bool | None:
        try:
            return self._ask(what, asked) is not None
        except _UnclearError:
            return None

    # Versions and suites

    def _versions(self) -> dict[Version, bool | None]:
        found: dict[Version, bool | None] = {}
        for version in (Version.TLS13, *_CLASSIC):
            try:
                answer = self._ask_by(version.label, version, classes.codes(version))
            except _UnclearError:
                found[version] = None
                continue
            found[version] = answer is not None
            if answer is not None:
                self._hellos[version] = answer
        found[Version.SSL2] = self._ssl2()
        return found

    def _ssl2(self) -> bool | None:
        reply = self._asking.ask_ssl2(self._entropy(16))
        if reply.answer.ssl2_ciphers is not None:
            return bool(reply.answer.ssl2_ciphers)
        # A server that has no SSL 2 answers in any way it likes, mostly by hanging up.
        silent = reply.unclear in {Unclear.SILENT, Unclear.REFUSED}
        return None if silent and not self._accepted else False

    def _suites(self, versions: dict[Version, bool | None], *, all_suites: bool) -> None:
        spoken = [version for version in versions if versions[version]]
        for version in spoken:
            if version is Version.SSL2:
                continue
            if all_suites or version is Version.TLS13:
                self._eliminate(version, classes.codes(version))
            else:
                best = version == max(v for v in spoken if v < Version.TLS13)
                self._classes(version, tuple(classes.CLASSES) if best else classes.BROKEN)

    def _eliminate(self, version: Version, codes: tuple[int, ...]) -> None:
        """Take away what the server chose until it chooses no more."""
        for one in [a.suite for a in self._accepted if a.version == version]:
            codes = tuple(code for code in codes if code != one)
        while codes:
            try:
                answer = self._ask_by(f"suites of {version.label}", version, codes)
            except _UnclearError:
                return
            if answer is None or answer.hello is None or answer.hello.suite not in codes:
                return
            codes = tuple(code for code in codes if code != answer.hello.suite)

    def _classes(self, version: Version, names: tuple[str, ...]) -> None:
        known = [suites.of(a.suite) for a in self._accepted if a.version == version]
        asked = {n: classes.members(version, classes.CLASSES[n]) for n in names}
        if names == classes.BROKEN:  # where none of them is accepted, one question is enough
            together = tuple(code for codes in asked.values() for code in codes)
            try:
                if self._ask_by(version.label, version, together) is None:
                    return
            except _UnclearError:
                return
        for name, codes in asked.items():
            if codes and not any(classes.CLASSES[name](one) for one in known):
                self._settled(f"{name} suites of {version.label}", self._hello(version, codes))

    def _certificates(self, version: Version) -> None:
        """Have the server show its certificate for each kind of key below TLS 1.3."""
        for kind in ("RSA", "ECDSA"):
            codes = classes.authenticated(version, kind)
            asked = self._hello(version, codes)._replace(staple=version > Version.SSL3)
            self._settled(f"{kind} certificate", asked)

    def _order(self, version: Version) -> bool | None:
        """Say whether the server goes by its own order; None where it accepts one suite only."""
        codes = tuple(a.suite for a in self._accepted if a.version == version)
        if len(codes) < 2:
            return None
        chosen = set()
        for order in (codes, codes[::-1]):
            try:
                answer = self._ask("order of suites", self._hello(version, order))
            except _UnclearError:
                return None
            chosen.add(answer.hello.suite if answer and answer.hello else 0)
        return len(chosen) == 1

    # Groups

    def _groups(self) -> tuple[int, ...]:
        """List the groups of TLS 1.3: without a share of ours the server names the one it wants."""
        found: list[int] = []
        left: tuple[int, ...] = TLS13_GROUPS
        asked = self._hello(Version.TLS13, classes.codes(Version.TLS13))
        while left:
            try:
                answer = self._ask("groups of TLS 1.3", asked._replace(groups=left))
            except _UnclearError:
                break
            group = answer.hello.group if answer and answer.hello else 0
            if group not in left:
                break
            found.append(group)
            left = tuple(one for one in left if one != group)
        return tuple(found)

    def _curves(self, version: Version) -> tuple[int, ...]:
        """List the curves before TLS 1.3; that of an ECDSA certificate has to be offered too."""
        codes = classes.members(version, lambda s: s.exchange == "ECDHE" and classes.is_sound(s))
        found: list[int] = []
        for left in self._rounds(found):
            try:
                answer = self._ask(
                    "curves", self._hello(version, codes)._replace(groups=tuple(left))
                )
            except _UnclearError:
                break
            group = answer.exchange.group if answer and answer.exchange else 0
            if group not in left:
                break
            found.append(group)
        return tuple(found)

    def _rounds(self, found: list[int]) -> Iterator[list[int]]:
        while left := [group for group in TLS12_CURVES if group not in found]:
            yield left

    # Single questions

    def _compression(self, version: Version) -> bool | None:
        asked = self._hello(version, classes.codes(version))._replace(compressions=(1, 0))
        try:
            answer = self._ask("compression", asked)
        except _UnclearError:
            return None
        return bool(answer and answer.hello and answer.hello.compression)

    def _fallback(self, versions: dict[Version, bool | None]) -> bool | None:
        """Ask for a lower version as if a higher one had failed; None where there is no lower."""
        spoken = sorted(v for v in _CLASSIC if versions.get(v))
        if len(spoken) < 2:
            return None
        asked = self._hello(spoken[0], classes.codes(spoken[0]))._replace(fallback=True)
        reply = self._asking.ask(asked)
        if reply.unclear is not None:
            return None
        return reply.answer.alert == Alert.INAPPROPRIATE_FALLBACK

    def _alpn(self, versions: dict[Version, bool | None]) -> tuple[str, ...]:
        """Ask for each protocol alone in TLS 1.2, where the answer stands in clear."""
        if not versions.get(Version.TLS12) or self._target.starttls:
            return ()
        found = []
        for name in ("h2", "http/1.1"):
            asked = self._hello(Version.TLS12, classes.codes(Version.TLS12))._replace(alpn=(name,))
            try:
                answer = self._ask("alpn", asked)
            except _UnclearError:
                break
            if answer and answer.hello and answer.hello.alpn == name:
                found.append(name)
        return tuple(found)


class _UnclearError(Exception):
    """A question that was not settled; what it was is in `unseen`."""


def _extended(answer: Answer | None, extension: Extension) -> bool | None:
    return None if answer is None or answer.hello is None else extension in answer.hello.extensions
