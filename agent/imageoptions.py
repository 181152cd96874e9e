"""The options that say what is scanned: paths of this host, an image, or an unpacked root."""

from __future__ import annotations

import functools
import platform
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from agent.imagetarget import Target
from checks.images.choosing import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable


class Subject(NamedTuple):
    """What is scanned: one of the three."""

    paths: tuple[str, ...] = ()
    image: Target | None = None
    root: str = ""


_OPTIONS: Final = (
    click.argument("paths", nargs=-1, type=click.Path()),
    click.option(
        "--image",
        type=click.Path(),
        metavar="FILE",
        help="Scan an image: a `docker save` archive, an OCI layout (folder or tar).",
    ),
    click.option(
        "--root",
        type=click.Path(exists=True, file_okay=False),
        help="Scan an unpacked or mounted root, as what lives in it sees it.",
    ),
    click.option(
        "--platform",
        "on",
        metavar="OS/ARCH",
        default="",
        help="Of an image of several; this machine's.",
    ),
    click.option(
        "--base",
        type=click.Path(),
        default="",
        metavar="FILE",
        help="The image it was built from: say of each finding if it is in that.",
    ),
    click.option("--ignore-base", is_flag=True, help="Count only what is new since the base."),
)


def option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what makes a `Subject`, which it takes as `subject`."""

    @functools.wraps(command)
    def wired(  # noqa: PLR0913, PLR0917 - one parameter an option, by name
        paths: tuple[str, ...],
        image: str | None,
        root: str | None,
        on: str,
        base: str,
        ignore_base: bool,  # noqa: FBT001 - click passes by name
        **others: object,
    ) -> object:
        if sum(map(bool, (paths, image, root))) != 1:
            raise click.UsageError("expected PATHS, --image or --root, one of them")
        if (on or base or ignore_base) and not image:
            raise click.UsageError("--platform, --base and --ignore-base go with --image")
        if ignore_base and not base:
            raise click.UsageError("--ignore-base goes with --base")
        wanted = Wanted(on, platform.machine())
        target = Target(image, wanted, base, ignore_base) if image else None
        return command(subject=Subject(paths, target, root or ""), **others)

    return functools.reduce(lambda made, one: one(made), reversed(_OPTIONS), wired)
