"""Find out by a few hellos what a TLS server agrees to. Pure: a dialer does the asking.

One hello a class of fault first; whole lists where they are few or asked for. A refusal is an
answer; silence, garbage and a reset that does not repeat beside a working hello are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls import classes, suites
from checks.tls.asking import Unclear
from checks.tls.facts import Accepted, Chain, EndpointFacts, Prime, Target
from checks.tls.hello import ClientHello
from checks.tls.numbers import TLS12_CURVES, TLS13_GROUPS, Alert, Extension, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from checks.tls.answer import Answer
    from checks.tls.asking import Asker, Reply

_CLASSIC: Final = (Version.TLS12, Version.TLS11, Version.TLS10, Version.SSL3)


class Probe:
    """One look at one endpoint."""

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

    def observe(self, *, all_suites: bool = False) -> EndpointFacts:
        """Ask everything that plain hellos can settle."""
        versions = self._versions()
        self._suites(versions, all_suites=all_suites)
        spoken = (v for v in versions if versions[v] and Version.SSL2 < v < Version.TLS13)
        best = max(spoken, default=None)
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
            connections=self._asker.asking.connections,
            unseen=tuple(self._unseen),
        )

    # Asking

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
        """Give a reply that agrees or refuses; raises _UnclearError for any other."""
        reply = self._asker.ask(asked)
        if reply.hello is not None:
            self._note(asked, reply.answer)
        elif not (reply.refuses or (reply.unclear is Unclear.RESET and self._asker.works)):
            self._unseen[f"{what}: {reply.why}"] = None
            raise _UnclearError
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
        except _UnclearError:
            return None

    # Versions and suites

    def _versions(self) -> dict[Version, bool | None]:
        found = {version: self._speaks(version) for version in (Version.TLS13, *_CLASSIC)}
        if self._asker.works is not None:
            # Who hung up before anything was agreed on may have had too many clients.
            for version in self._doubted:
                found[version] = self._speaks(version)
        found[Version.SSL2] = self._ssl2()
        if False in found.values() and not any(found.values()):
            found |= self._sharing(found)
        return found

    def _sharing(self, found: dict[Version, bool | None]) -> dict[Version, bool | None]:
        """Ask again as one who shares a secret with the server, if that is all it wants to hear."""
        self._shares = True
        asked = {v: self._speaks(v) for v in _CLASSIC if found[v] is False}
        if any(asked.values()):
            self._unseen[f"{Version.TLS13.label}: this server wants a secret shared before"] = None
            asked[Version.TLS13] = None
        self._shares = any(asked.values())
        return asked

    def _codes(self, version: Version) -> tuple[int, ...]:
        return classes.sharing(version) if self._shares else classes.codes(version)

    def _speaks(self, version: Version) -> bool | None:
        try:
            answer = self._ask_by(version.label, version, self._codes(version))
        except _UnclearError:
            return None
        if answer is not None:
            self._hellos[version] = answer
        return answer is not None

    def _ssl2(self) -> bool | None:
        challenge = self._entropy(16)
        reply = self._asker.sure(lambda: self._asker.asking.ask_ssl2(challenge), once=True)
        if reply.answer.ssl2_ciphers is not None:
            return bool(reply.answer.ssl2_ciphers)
        if reply.unclear in {Unclear.LATE, Unclear.LIMITED, Unclear.SPENT}:
            self._unseen[f"{Version.SSL2.label}: {reply.why}"] = None
            return None
        # A server that has no SSL 2 answers in any way it likes, mostly by hanging up.
        silent = reply.unclear in {Unclear.SILENT, Unclear.REFUSED}
        return None if silent and self._asker.works is None else False

    def _suites(self, versions: dict[Version, bool | None], *, all_suites: bool) -> None:
        spoken = [version for version in versions if versions[version]]
        for version in spoken:
            if version is Version.SSL2:
                continue
            if all_suites or version is Version.TLS13:
                self._eliminate(version, self._codes(version))
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
        asked = {n: classes.members(version, n) for n in names}
        # Where none of the broken ones is accepted, one question is enough.
        together = tuple(code for name in classes.BROKEN for code in asked[name])
        if not self._any_of(f"weak suites of {version.label}", version, together):
            asked = {name: asked[name] for name in names if name not in classes.BROKEN}
        for name, codes in asked.items():
            if codes and not any(classes.CLASSES[name](one) for one in known):
                self._settled(f"{name} suites of {version.label}", self._hello(version, codes))

    def _any_of(self, what: str, version: Version, codes: tuple[int, ...]) -> bool:
        try:
            return bool(codes) and self._ask_by(what, version, codes) is not None
        except _UnclearError:
            return False

    def _certificates(self, version: Version) -> None:
        """Have the server show its certificate for each kind of key below TLS 1.3."""
        for kind in ("RSA", "ECDSA"):
            if kind not in self._shown:
                asked = self._hello(version, classes.authenticated(version, kind))
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
        """List the curves before TLS 1.3."""
        found: list[int] = []
        while len(found) < len(TLS12_CURVES) and (group := self._curve(version, found)):
            found.append(group)
        return tuple(found)

    def _curve(self, version: Version, found: list[int]) -> int:
        """Have the server choose a curve that is not found yet; 0 where it chooses none."""
        left = tuple(group for group in TLS12_CURVES if group not in found)
        asked = self._hello(version, classes.agreeing_by_curves(version))
        offers = [left]
        if found and "RSA" not in self._shown:
            # RFC 8422 5.1: an ECDSA key is of no use to who does not know its curve.
            offers.append((*left, *found))
        for groups in offers:
            try:
                answer = self._ask("curves", asked._replace(groups=groups))
            except _UnclearError:
                return 0
            if answer is not None:
                group = answer.exchange.group if answer.exchange else 0
                return group if group in left else 0
        return 0

    # Single questions

    def _compression(self, version: Version) -> bool | None:
        asked = self._hello(version, self._codes(version))._replace(compressions=(1, 0))
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
        # Suites that are accepted otherwise, so that only the fallback can be what is refused.
        codes = tuple(a.suite for a in self._accepted if a.version == spoken[0])
        asked = self._hello(spoken[0], codes)._replace(fallback=True)
        accepted = self._settled("fallback", asked)
        return None if accepted is None else not accepted

    def _alpn(self, versions: dict[Version, bool | None]) -> tuple[str, ...]:
        """Ask for each protocol alone in TLS 1.2, where the answer stands in clear."""
        if not versions.get(Version.TLS12) or self._target.starttls:
            return ()
        found = []
        for name in ("h2", "http/1.1"):
            asked = self._hello(Version.TLS12, self._codes(Version.TLS12))._replace(alpn=(name,))
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
