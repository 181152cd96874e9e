"""Which image is scanned, and against which base."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from checks.images.choosing import Wanted


class Target(NamedTuple):
    """An image in a file or folder. base: the one it was built from, or "".

    ignore_base: what is in the base's layers does not count.
    """

    path: str
    wanted: Wanted
    base: str = ""
    ignore_base: bool = False
