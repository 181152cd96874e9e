"""Find out by a few hellos what a TLS server agrees to. Pure: a dialer does the asking.

One hello a class of fault first; whole lists where they are few or asked for. A refusal is an
answer; silence, garbage and a reset that does not repeat beside a working hello are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.tls import classes, suites
from checks.tls.asking import Unclear
from checks.tls.facts import EndpointFacts
from checks.tls.numbers import TLS12_CURVES, TLS13_GROUPS, Extension, Version
from checks.tls.questions import CLASSIC, Questions, UnclearError

if TYPE_CHECKING:
    from checks.tls.answer import Answer


class Probe(Questions):
    """One look at one endpoint."""

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

    # Versions and suites

    def _versions(self) -> dict[Version, bool | None]:
        found = {version: self._speaks(version) for version in (Version.TLS13, *CLASSIC)}
        if self._asker.works is not None:
            # Who hung up before anything was agreed on may have had too many clients.
            for version in self._doubted:
                found[version] = self._speaks(version)
        found[Version.SSL2] = self._ssl2()
        if False in found.values() and not any(found.values()):
            found |= self._sharing(found)
            self._unnamed(found)
        return found

    def _unnamed(self, found: dict[Version, bool | None]) -> None:
        """Say so where it was the name that was refused (RFC 6066 3), and nothing else is open."""
        if self._stranger and not any(found.values()) and not self._unseen:
            has = "no host of this name" if self._target.server_name else "hosts by name only"
            self._unseen[f"every version was refused: the server has {has}"] = None

    def _sharing(self, found: dict[Version, bool | None]) -> dict[Version, bool | None]:
        """Ask again as one who shares a secret with the server, if that is all it wants to hear."""
        self._shares = True
        asked = {v: self._speaks(v) for v in CLASSIC if found[v] is False}
        if any(asked.values()):
            self._unseen[f"{Version.TLS13.label}: this server wants a secret shared before"] = None
            asked[Version.TLS13] = None
        self._shares = any(asked.values())
        return asked

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
            except UnclearError:
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
        except UnclearError:
            return False

    def _certificates(self, version: Version) -> None:
        """Have the server show its certificate for each kind of key below TLS 1.3."""
        for kind in ("RSA", "ECDSA"):
            if kind not in self._shown:
                asked = self._hello(version, classes.authenticated(version, kind))
                self._settled(f"{kind} certificate", asked)

    # Groups

    def _groups(self) -> tuple[int, ...]:
        """List the groups of TLS 1.3: without a share of ours the server names the one it wants."""
        found: list[int] = []
        left: tuple[int, ...] = TLS13_GROUPS
        asked = self._hello(Version.TLS13, classes.codes(Version.TLS13))
        while left:
            try:
                answer = self._ask("groups of TLS 1.3", asked._replace(groups=left))
            except UnclearError:
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
            except UnclearError:
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
        except UnclearError:
            return None
        return bool(answer and answer.hello and answer.hello.compression)

    def _alpn(self, versions: dict[Version, bool | None]) -> tuple[str, ...]:
        """Ask for each protocol alone in TLS 1.2, where the answer stands in clear."""
        if not versions.get(Version.TLS12) or self._target.starttls:
            return ()
        found = []
        for name in ("h2", "http/1.1"):
            asked = self._hello(Version.TLS12, self._codes(Version.TLS12))._replace(alpn=(name,))
            try:
                answer = self._ask("alpn", asked)
            except UnclearError:
                break
            if answer and answer.hello and answer.hello.alpn == name:
                found.append(name)
        return tuple(found)


def _extended(answer: Answer | None, extension: Extension) -> bool | None:
    return None if answer is None or answer.hello is None else extension in answer.hello.extensions
