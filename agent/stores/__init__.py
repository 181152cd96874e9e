"""Where policy comes from: one module a kind of store, named by the scheme of its URL.

A module has `open(settings)`, which gives a `Store` or raises StoreError. A store gives bytes by
name and is believed in nothing: `agent.policy.trust` says what may be believed.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import TYPE_CHECKING, Final, Protocol, cast

from checks.errors import HygieneError

if TYPE_CHECKING:
    from agent.settings import StoreSettings

_PART: Final = re.compile(r"(?!\.{1,2}$)[!-.0-~]{1,255}")
_LONGEST: Final = 1024


class StoreError(HygieneError):
    """A store that did not give what was asked for, or that cannot be used as it is set up."""


class AwayError(StoreError):
    """It cannot be reached, takes too long, or does not answer as a store does: try again later."""


class AbsentError(StoreError):
    """It answers, and has nothing of this name for us."""


class TooLongError(StoreError):
    """It has more than was allowed."""


class Store(Protocol):
    """One place that has metadata and targets."""

    def fetch(self, name: str, most: int) -> bytes:
        """Give what is called NAME, such as "metadata/timestamp.json"; raises StoreError.

        It is no longer than MOST bytes.
        """
        ...

    @property
    def date(self) -> float | None:
        """Give the store's clock when it last answered, None if unknown; nobody has signed it."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Kind(Protocol):
    """What a module of this folder offers."""

    def open(self, settings: StoreSettings) -> Store:
        """Make a store; raises StoreError for settings that cannot work."""
        ...


def kinds() -> list[str]:
    """Name the schemes of stores there are."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__))


def open(settings: StoreSettings) -> Store:  # noqa: A001 - as in each of its modules
    """Make the store that the bootstrap file names; raises StoreError."""
    scheme = settings.url.partition(":")[0]
    if scheme not in kinds():
        raise StoreError(f"store.url: expected a scheme out of {', '.join(kinds())}")
    return cast("Kind", importlib.import_module(f"{__name__}.{scheme}")).open(settings)


def checked(name: str) -> str:
    """Give a name that leads nowhere else: plain parts, no "..", not absolute; raises AbsentError.

    A signed name that is not plain is somebody's mistake; it is not repeated.
    """
    if len(name) > _LONGEST or not all(map(_PART.fullmatch, name.split("/"))):
        raise AbsentError("a name that no store has")
    return name
