"""Find the way from the certificate a server sent to a root that its host trusts.

Clients look for a path in whatever order it was sent (RFC 8446 4.4.2) and ignore what they do not
need. Every step is a real signature. Nothing is fetched: what was not sent is missing. Name
constraints, path lengths and extended key usages are not looked at.
"""

from __future__ import annotations

import contextlib
from collections import deque
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from checks.errors import FormatError
from checks.tls import certificate, signatures

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from checks.tls.certificate import Certificate
    from checks.tls.facts import Chain
    from checks.tls.faults import Context

MOST_CHAINS: Final = 8
MOST: Final = 256
"""Certificates of one chain that are read; some servers send a whole root store."""
MOST_BYTES: Final = 1024 * 1024
"""Bytes of one chain that are read; a root store has 250,000."""
MOST_SIGNATURES: Final = 64
"""Signatures checked for one chain; a usual one takes three."""
MOST_ROOTS: Final = 4096


class Path(msgspec.Struct, frozen=True):
    """How far a chain leads.

    certificates: the server's own first, each signed by the next; anchored: the last one is among
    the trusted ones; ordered: what was sent of them came first and in this order; settled: nothing
    that was left out or could not be checked might have led further; impostor: a certificate was
    sent or is trusted that bears the name of the last one's issuer, and did not sign it.
    """

    certificates: tuple[Certificate, ...]
    anchored: bool
    ordered: bool
    settled: bool
    impostor: bool

    @property
    def leaf(self) -> Certificate:
        """The server's own certificate."""
        return self.certificates[0]

    @property
    def top(self) -> Certificate:
        """The last certificate."""
        return self.certificates[-1]

    @property
    def unanchored(self) -> tuple[Certificate, ...]:
        """The certificates that somebody's signature has to answer for."""
        return self.certificates[:-1] if self.anchored else self.certificates

    def leads_to(self, roots: frozenset[str]) -> bool:
        """Say whether its root's key is one of these (SHA-256 of SubjectPublicKeyInfo, hex)."""
        return self.anchored and certificate.key_digest(self.top.der) in roots


class Store:
    """The trusted certificates of a host; of most only the name is read."""

    def __init__(self, trusted: Sequence[bytes]) -> None:
        """Take DER; what is no certificate is passed over."""
        self._encoded = dict.fromkeys(trusted[:MOST_ROOTS])

    @cached_property
    def _named(self) -> dict[str, list[bytes]]:
        """The certificates by what their subjects are compared by; many a chain asks for none."""
        found: dict[str, list[bytes]] = {}
        for encoded in self._encoded:
            with contextlib.suppress(FormatError):
                found.setdefault(certificate.subject_key(encoded), []).append(encoded)
        return found

    def __contains__(self, one: Certificate) -> bool:
        """Say whether this very certificate is trusted."""
        return one.der in self._encoded

    def named(self, subject_key: str) -> Iterator[Certificate]:
        """Give the trusted certificates of a subject."""
        for encoded in self._named.get(subject_key, ()):
            try:
                yield certificate.read(encoded)
            except FormatError:
                continue


store = lru_cache(maxsize=2)(Store)
"""A host has one set of roots, and judges hundreds of chains by it."""


class Sent(NamedTuple):
    """What could be read of a chain.

    leaf: the server's own certificate, None where it cannot be read; unread: why something could
    not, a line each.
    """

    certificates: tuple[Certificate, ...]
    leaf: Certificate | None
    unread: tuple[str, ...]


def read(chain: Chain) -> Sent:
    """Read the certificates of a chain, each once."""
    found: dict[bytes, Certificate] = {}
    unread, left = [], MOST_BYTES
    for position, encoded in enumerate(chain.certificates):
        left -= len(encoded)
        if position == MOST or left < 0:
            unread.append(f"chain: more than {MOST} certificates or {MOST_BYTES} bytes")
            break
        try:
            found[encoded] = found.get(encoded) or certificate.read(encoded)
        except FormatError as error:
            unread.append(f"chain: certificate {position + 1}: {error.reason}")
    first = found.get(chain.certificates[0]) if chain.certificates else None
    read = tuple(found.values())
    leaf = first if first is None or chain.proved else _leaf(first, read)
    return Sent(read, leaf, tuple(unread))


def _leaf(first: Certificate, sent: Iterable[Certificate]) -> Certificate:
    """Give the first certificate, or of a chain that was sent upside down the one it leads to."""
    if not first.extensions.is_ca:
        return first
    own = [one for one in sent if not one.extensions.is_ca]
    issued = {one.issuer_key for one in sent if one is not first}
    return own[-1] if own and first.subject_key in issued else first


class _Search:
    """Looks for a path among what was sent and what is trusted, nearest first."""

    def __init__(self, sent: Sequence[Certificate], trusted: Store) -> None:
        self._sent: dict[str, list[Certificate]] = {}
        for one in sent:
            self._sent.setdefault(one.subject_key, []).append(one)
        self._trusted = trusted
        self._known: dict[tuple[str, str], bool | None] = {}
        self.settled = True

    def walk(
        self, leaf: Certificate, usable: Callable[[Certificate], bool]
    ) -> tuple[tuple[Certificate, ...], bool]:
        """Give the shortest path to a trusted certificate, or else the longest there is."""
        before: dict[str, Certificate | None] = {leaf.sha256: None}
        waiting, here = deque([leaf]), leaf
        while waiting:
            here = waiting.popleft()
            if here in self._trusted:
                return _back(here, before), True
            for issuer in self._issuers(here):
                if issuer.sha256 not in before and usable(issuer):
                    before[issuer.sha256] = here
                    waiting.append(issuer)
        return _back(here, before), False

    def named(self, one: Certificate) -> list[Certificate]:
        """Give what bears the name of a certificate's issuer, the likeliest first."""
        if one.self_signed:
            return []
        found = [*self._trusted.named(one.issuer_key), *self._sent.get(one.issuer_key, ())]
        wanted = one.extensions.authority_key
        return sorted(found, key=lambda issuer: issuer.extensions.subject_key != wanted)

    def _issuers(self, one: Certificate) -> Iterator[Certificate]:
        for issuer in self.named(one):
            fit = issuer in self._trusted or _may_issue(issuer)
            if fit and self._is_signed(one, issuer):
                yield issuer

    def _is_signed(self, one: Certificate, issuer: Certificate) -> bool:
        pair = (one.sha256, issuer.key.spki)
        if pair not in self._known:
            if len(self._known) == MOST_SIGNATURES:
                self.settled = False
                return False
            self._known[pair] = signatures.is_signed_by(
                certificate.load(one.der), certificate.load(issuer.der)
            )
        signed = self._known[pair]
        if signed is None:  # taken at its word, but it is told
            self.settled = False
        return signed is not False


def _may_issue(one: Certificate) -> bool:
    return one.extensions.is_ca and one.extensions.may_sign


def _back(last: Certificate, before: dict[str, Certificate | None]) -> tuple[Certificate, ...]:
    path, here = [last], before[last.sha256]
    while here is not None:
        path.append(here)
        here = before[here.sha256]
    return tuple(reversed(path))


def resolve(sent: Sent, trusted: Store, now: datetime.datetime) -> Path | None:
    """Find the best path: through valid certificates to a root, to a root, as far as it goes.

    None where the server's own certificate cannot be read.
    """
    if sent.leaf is None:
        return None
    search = _Search(sent.certificates, trusted)
    found, anchored = search.walk(sent.leaf, lambda one: one.is_valid(now))
    if not anchored:
        found, anchored = search.walk(sent.leaf, lambda _: True)
    return Path(
        certificates=found,
        anchored=anchored,
        ordered=_is_ordered(sent.certificates, found),
        settled=search.settled and (anchored or not sent.unread),
        impostor=not anchored and bool(search.named(found[-1])),
    )


def _is_ordered(sent: Sequence[Certificate], path: Sequence[Certificate]) -> bool:
    positions = {one.sha256: position for position, one in enumerate(sent)}
    found = [positions[one.sha256] for one in path if one.sha256 in positions]
    return found == list(range(len(found)))


def paths(chains: Sequence[Chain], context: Context) -> tuple[Path, ...]:
    """Give the path of each chain that an endpoint showed."""
    return _paths(tuple(chains[:MOST_CHAINS]), context.trusted, context.now)


@lru_cache(maxsize=4)
def _paths(
    chains: tuple[Chain, ...], trusted: tuple[bytes, ...], now: datetime.datetime
) -> tuple[Path, ...]:
    """Every check of an endpoint asks for the same."""
    found = (resolve(read(chain), store(trusted), now) for chain in chains)
    return tuple(path for path in found if path is not None)


def unseen(chains: Sequence[Chain], context: Context) -> Iterator[str]:
    """Say what of the chains could not be read or followed, a line each."""
    if len(chains) > MOST_CHAINS:
        yield f"chain: more than {MOST_CHAINS} of one endpoint"
    for chain in chains[:MOST_CHAINS]:
        yield from read(chain).unread
    if not all(path.settled for path in paths(chains, context)):
        yield "chain: a signature on its way was not checked"
