"""Have python-tuf go once through TUF's client workflow, and name what it refuses. EDGE.

It starts from the pinned root each time, takes newer roots, then timestamp, snapshot and targets,
and checks signatures, versions, hashes and expiry ("Detailed client workflow" of the TUF
specification). It keeps copies; a damaged one it passes over in silence, which
`agent.policy.belief` makes up for.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadHTTPError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Metadata
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from agent.policy import belief
from agent.policy.belief import Moment, RefusedError, View, Why
from agent.stores import AbsentError, StoreError, TooLongError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuf.api.metadata import Root, Signed

    from agent.policy.belief import Seen
    from agent.policy.copies import Copies
    from agent.stores import Store

ROTATIONS: Final = 128
"""Roots that may follow the pinned one; with more, a host is given a newer one to begin with."""
LIMITS: Final = UpdaterConfig(
    max_root_rotations=ROTATIONS,
    root_max_length=256 * 1024,
    timestamp_max_length=16 * 1024,
    snapshot_max_length=256 * 1024,
    targets_max_length=5_000_000,
)
TIMESTAMP: Final = "metadata/timestamp.json"
_NOT_THERE: Final = 404
_MIXED: Final = "Expected snapshot version"
"""How python-tuf begins to say that a snapshot is not the one of its timestamp; every other wrong
version of a snapshot is an older one of what it lists."""


class Verified(NamedTuple):
    """What a store has, rightly signed: its timestamp as it came, and all that it leads to."""

    timestamp: bytes
    view: View


class _Fetcher(FetcherInterface):
    """Gives python-tuf what a store has."""

    def __init__(self, store: Store) -> None:
        """Keep the store, and what was asked of it last."""
        self._store = store
        self.asked, self.given, self.timestamp = "", b"", b""

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Fetch without a temporary file: there may be no place for one."""
        self.asked, self.given = url, b""
        try:
            self.given = self._store.fetch(url, max_length)
        except AbsentError as error:
            raise DownloadHTTPError(str(error), _NOT_THERE) from error
        if url == TIMESTAMP:
            self.timestamp = self.given
        return self.given

    def _fetch(self, url: str) -> Iterator[bytes]:
        yield self.download_bytes(url, LIMITS.targets_max_length)


class _Updater(Updater):
    """python-tuf's client without its link to the newest root: who is given a root reads none.

    The courier may make no links.
    """

    def _update_root_symlink(self) -> None:
        pass


class Attempt:
    """One way through the workflow."""

    def __init__(self, store: Store, copies: Copies, pin: bytes) -> None:
        """Keep what it needs."""
        self._store, self._copies, self._pin = store, copies, pin
        self._fetcher = _Fetcher(store)

    @property
    def asked(self) -> str:
        """The file that the store was asked for last."""
        return self._fetcher.asked or "the pinned root"

    def verified(self, now: float, seen: Seen) -> Verified:
        """Give what is rightly signed; raises RefusedError, OSError, or what a parser may raise."""
        updater = self._updater()
        # ngclient takes no time from outside, and tells no list of targets.
        trusted = updater._trusted_set  # noqa: SLF001 - python-tuf shows it in no other way
        moment = moment_of(self._store, now, seen)
        trusted.reference_time = datetime.datetime.fromtimestamp(moment.reference, datetime.UTC)
        first = trusted.root.version
        try:
            updater.refresh()
        except (RepositoryError, DownloadHTTPError, StoreError) as error:
            _check_rotations(first, trusted.root)
            moment = moment_of(self._store, now, seen)
            raise self._named(error, trusted, moment) from error
        _check_rotations(first, trusted.root)
        verified = {role: trusted[role] for role in belief.ROLES}
        return Verified(self._fetcher.timestamp, belief.view(verified, self._pin))

    def _updater(self) -> Updater:
        folder = str(self._copies.metadata)
        try:
            return _Updater(
                folder, "metadata/", fetcher=self._fetcher, config=LIMITS, bootstrap=self._pin
            )
        except RepositoryError as error:
            raise RefusedError(Why.MALFORMED, "the pinned root: not a root of TUF") from error

    def _named(
        self, error: Exception, trusted: Mapping[str, Signed], moment: Moment
    ) -> RefusedError:
        """Give the refusal that an error of python-tuf or of the store stands for."""
        if isinstance(error, StoreError):
            return unfetched(error)
        if isinstance(error, ExpiredMetadataError):
            return belief.expired(*self._over(trusted, moment), moment)
        return RefusedError(_why(error, self.asked), f"{self.asked}: {error or 'not JSON of TUF'}")

    def _over(self, trusted: Mapping[str, Signed], moment: Moment) -> tuple[str, float]:
        """Say what expired, and when: of targets only the file itself tells, it is not taken in."""
        for role in belief.ROLES:
            ends = trusted[role].expires.timestamp() if role in trusted else moment.reference + 1
            if ends <= moment.reference:
                return role, ends
        found = Metadata.from_bytes(self._fetcher.given).signed
        return "targets", cast("Signed", found).expires.timestamp()


def moment_of(store: Store, now: float, seen: Seen) -> Moment:
    """Give when a refresh takes place."""
    return Moment(now, store.date, seen.at)


def _check_rotations(first: int, root: Root) -> None:
    if root.version >= first + ROTATIONS:
        raise RefusedError(
            Why.TOO_LONG,
            f"root: {ROTATIONS} roots and more after the pinned version {first}: "
            "this host needs a newer one to begin with",
        )


def unfetched(error: StoreError) -> RefusedError:
    """Say why something could not be fetched."""
    kinds = {AbsentError: Why.ABSENT, TooLongError: Why.TOO_LONG}
    return RefusedError(kinds.get(type(error), Why.AWAY), str(error))


def _why(error: Exception, asked: str) -> Why:
    """Say what an error of python-tuf means for the file that was asked for last."""
    if isinstance(error, DownloadHTTPError):
        return Why.ABSENT
    if isinstance(error, UnsignedMetadataError):
        return Why.UNSIGNED
    if isinstance(error, LengthOrHashMismatchError):
        return Why.MISMATCH
    if isinstance(error, BadVersionNumberError):
        older = asked.endswith(("timestamp.json", ".snapshot.json"))
        return Why.ROLLBACK if older and not str(error).startswith(_MIXED) else Why.MISMATCH
    return Why.MALFORMED
