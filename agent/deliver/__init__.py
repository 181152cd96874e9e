"""Where keys go, without a persistent disk: one module a kind, named as in the bootstrap file.

A module has `Kind(folder)`: FOLDER is the keeper's own below /run, for what all deliveries of the
kind share; `make(settings, key)` gives a delivery of the key of that name, or raises DeliveryError;
`close()` ends what they share. Nothing raised or shown here repeats what is delivered.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, Self, cast

from agent.vault.material import Material
from checks.errors import HygieneError

if TYPE_CHECKING:
    from types import TracebackType

    from agent.keysettings import CredentialDelivery, ExecDelivery, FileDelivery, HaproxyDelivery

    Settings = CredentialDelivery | ExecDelivery | FileDelivery | HaproxyDelivery

Delivered = Material | bytes
"""What is handed over: a key with its certificates, or a content as it is to be read."""


class DeliveryError(HygieneError):
    """What was to be delivered is not there, or a delivery cannot be set up; says why."""


class Delivery(Protocol):
    """One place where a key goes."""

    def publish(self, what: Delivered) -> None:
        """Put it there in one step, in the place of the one before; raises DeliveryError.

        After an error the one before is still there, unless the error says that it is not.
        """
        ...

    def lost(self) -> bool:
        """Say whether what was published is not there any more, and has to be published again.

        Raises DeliveryError where that cannot be seen.
        """
        ...

    def withdraw(self) -> None:
        """Take back what was published, as far as its kind allows; raises DeliveryError."""
        ...

    def warnings(self) -> list[str]:
        """Say in words what is not as it should be there, and no error."""
        ...


class Kind(Protocol):
    """What a module of this folder offers, as a class of one argument, the keeper's folder."""

    def make(self, settings: Settings, key: str) -> Delivery:
        """Make a delivery of the key of that name; raises DeliveryError."""
        ...

    def close(self) -> None:
        """End what its deliveries share; what was published stays as long as it can."""
        ...


class Deliveries:
    """Makes deliveries. folder: the keeper's own below /run, an absolute path."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._kinds: dict[str, Kind] = {}

    def make(self, settings: Settings, key: str = "") -> Delivery:
        """Make what the bootstrap file names for a key; raises DeliveryError."""
        name = str(settings.__struct_config__.tag)
        if name not in self._kinds:
            module = importlib.import_module(f"{__name__}.{name}")
            self._kinds[name] = cast("Kind", module.Kind(self._folder))
        return self._kinds[name].make(settings, key)

    def close(self) -> None:
        """End what deliveries share."""
        with contextlib.ExitStack() as stack:
            for kind in self._kinds.values():
                stack.callback(kind.close)
        self._kinds = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


def kinds() -> list[str]:
    """Name the kinds of deliveries there are."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__))


def content(what: Delivered) -> bytes:
    """Give what a reader of one file is given: the key first, then the certificates, in PEM."""
    return what if isinstance(what, bytes) else what.pem
