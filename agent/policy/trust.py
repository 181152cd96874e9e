"""Refresh what is known of a store, and believe only what is rightly signed and fresh. EDGE.

Nothing is given out before `agent.policy.workflow` has verified it and `agent.policy.belief` has
found it new enough for this host. Whatever goes wrong is a RefusedError, and what was believed
before is still there: the caller's `Seen` and view do not change, nor do contents that were kept,
and of what was refused nothing is remembered but newer roots. So nobody can make a host wait for a
version that does not come by showing it half of one; going back to what is still good by its date
is no more than a store can do that never shows anything new.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from agent.home import StateError
from agent.policy import belief
from agent.policy.belief import Limits, RefusedError, Seen, Target, View, Why
from agent.policy.copies import Copies, is_right
from agent.policy.workflow import LIMITS, TIMESTAMP, Attempt, Verified, moment_of, unfetched
from agent.stores import AbsentError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from agent.stores import Store

__all__ = ["Client", "RefusedError", "Seen", "Target", "View", "Why"]

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of the largest target that is fetched."""


class Client:
    """What this host believes of one store."""

    def __init__(  # noqa: PLR0913 - each is another part of what is trusted
        self,
        store: Store,
        folder: Path,
        root: bytes,
        *,
        minimum: Mapping[str, int],
        longest: float | None,
        now: Callable[[], float],
    ) -> None:
        """Keep everything; the store is first asked by `refresh`. folder: this user's alone.

        minimum: versions by role; longest: seconds from now that a timestamp may be good for.
        """
        self._store, self._copies, self._now = store, Copies(folder), now
        self._pin, self._limits = root, Limits(minimum, longest)
        self._last: Verified | None = None

    def refresh(self, seen: Seen) -> View:
        """Ask the store what is new; raises RefusedError.

        seen: what the last view said. The clock is read once. Where nothing is new, nothing is
        verified again but times and versions, and nothing is written.
        """
        now = self._now()
        if self._last is not None and self._is_same(self._last):
            return self._checked(self._last, now, seen)
        self._last = None
        with _written():
            self._copies.prepare()
            with self._copies.undone_if_refused():
                found = self._verified(now, seen)
                view = self._checked(found, now, seen)
        self._copies.spare({target.sha256 for target in view.targets.values()})
        self._last = found
        return view

    def _checked(self, found: Verified, now: float, seen: Seen) -> View:
        return belief.checked(found.view, seen, self._limits, moment_of(self._store, now, seen))

    def _is_same(self, last: Verified) -> bool:
        """Ask whether the store still says the same; raises RefusedError where it does not say."""
        following = f"metadata/{last.view.versions['root'] + 1}.root.json"
        try:
            with contextlib.suppress(AbsentError):
                self._store.fetch(following, LIMITS.root_max_length)
                return False
            timestamp = self._store.fetch(TIMESTAMP, LIMITS.timestamp_max_length)
        except StoreError as error:
            raise unfetched(error) from error
        return timestamp == last.timestamp

    def _verified(self, now: float, seen: Seen) -> Verified:
        """Verify all there is; raises RefusedError or OSError."""
        attempt = Attempt(self._store, self._copies, self._pin)
        try:
            return attempt.verified(now, seen)
        except (RefusedError, OSError):
            raise
        except Exception as error:
            # python-tuf names what it meets in hostile bytes; what it may have missed ends here.
            text = f"{attempt.asked}: not metadata of TUF ({type(error).__name__})"
            raise RefusedError(Why.MALFORMED, text) from error

    def content(self, target: Target) -> bytes:
        """Give the content of a target of a view; raises RefusedError."""
        with _written():
            self._copies.prepare()
            kept = self._copies.content(target)
            if kept is None:
                kept = self._fetched(target)
                self._copies.keep(target, kept)
        return kept

    def _fetched(self, target: Target) -> bytes:
        folder, slash, name = target.path.rpartition("/")
        if target.length > LARGEST:
            raise RefusedError(Why.TOO_LONG, f"{target.path}: more than {LARGEST} bytes")
        try:
            data = self._store.fetch(
                f"targets/{folder}{slash}{target.sha256}.{name}", target.length
            )
        except StoreError as error:
            raise unfetched(error) from error
        if not is_right(target, data):
            raise RefusedError(Why.MISMATCH, f"{target.path}: not the content that was signed")
        return data


@contextlib.contextmanager
def _written() -> Iterator[None]:
    """Name what is wrong with this host's own disk."""
    try:
        yield
    except OSError as error:
        raise RefusedError(Why.UNWRITABLE, f"{error.filename}: {error.strerror}") from error
    except StateError as error:
        raise RefusedError(Why.UNWRITABLE, str(error)) from error
