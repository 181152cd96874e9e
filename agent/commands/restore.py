"""`hygiene-agent restore`: managed files that came back, and those that do not."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent import asking, options, powers, settings, snapshot
from agent.mending import plan
from agent.mending.kept import Published
from agent.policy import effective, inforce
from agent.requests import Restore, Undo
from agent.roles import mender
from checks.errors import PolicyError
from checks.lazy import regex
from checks.managed import deviations, seen
from checks.model import Inconclusive
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.requests import Request
    from agent.settings import Settings
    from checks.managed.wanted import Managed

_SECONDS: Final = 120.0
_ID: Final = regex("[0-9a-f]{16}")


@click.group()
def command() -> None:
    """Put managed files back to what policy approved, and undo it."""


@command.command("list")
@options.SETTINGS
def listed(file: Path) -> None:
    """List what was put back, the latest first, by the id that `undo` takes.

    Exit status: 0 listed, 3 that cannot be read.
    """
    told = settings.load(file)
    place = Path(powers.published(told, mender.NAME)) / mender.KEPT
    published = snapshot.read(place, Published)
    if published is None:
        click.echo(f"{place}: cannot be read, or nothing was published yet", err=True)
        raise click.exceptions.Exit(3)
    for one in published.kept:
        moment = datetime.datetime.fromtimestamp(one.at, datetime.UTC)
        path, before, after = (printable(text) for text in (one.path, one.before, one.after))
        click.echo(f"{one.id}  {moment:%Y-%m-%d %H:%M:%SZ}  {path}")
        click.echo(f"  from {before}\n  to   {after}")


@command.command()
@click.argument("kept", metavar="ID")
@options.SETTINGS
def undo(kept: str, file: Path) -> None:
    """Have what stood there before ID was put back, and leave it alone until it changes.

    Policy goes on to report it. Exit status: 0 done, 1 not, 3 no answer.
    """
    if _ID.fullmatch(kept) is None:
        raise click.UsageError(f"{kept}: expected an id, such as `list` shows")
    _ask(settings.load(file), Undo(kept=kept))


@command.command()
@click.argument("paths", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@options.SETTINGS
def now(paths: tuple[str, ...], file: Path, *, dry_run: bool) -> None:
    """Look at managed PATHS now, all where none are named, and put back what was given up too.

    Exit status: 0 all are as approved, 1 one is not, or would be put back, 3 no answer.
    """
    told = settings.load(file)
    if not dry_run:
        _ask(told, Restore(paths=paths))
        return
    try:
        managed = effective.policy_of(inforce.shown(told)).managed
    except PolicyError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(3) from error
    lines = [line for path in paths or managed for line in _planned(path, managed, told)]
    click.echo("\n".join(lines) or "all are as approved")
    raise click.exceptions.Exit(1 if lines else 0)


def _planned(path: str, managed: dict[str, Managed], told: Settings) -> Iterator[str]:
    """Say how a path differs, and what would be done."""
    if path not in managed:
        yield f"{path}: not managed"
        return
    looked = seen.look(path)
    if isinstance(looked, Inconclusive):
        yield f"{path}: {looked.reason} {looked.detail}".rstrip()
        return
    for one in deviations.judge(path, managed[path], looked, managed):
        yield printable(f"{one.path}: {one.check}: {one.why or 'differs'}")
        yield f"  {_deed(path, managed, told)}"


def _deed(path: str, managed: dict[str, Managed], told: Settings) -> str:
    wanted = managed[path]
    if wanted.answer == "report":
        return "is reported: policy says no more"
    if path not in plan.plan(managed, told.mend).mine:
        return "is reported: the bootstrap file lets nothing be put back there (mend.folders)"
    steps = ["would be put back"]
    steps += [f"then {name}" for name in (wanted.test, wanted.action) if name]
    steps += [f"then a look at {endpoint}" for endpoint in wanted.endpoints]
    return ", ".join(steps)


def _ask(told: Settings, request: Request) -> None:
    """Ask the mender, and end by what it answers."""
    asking.end(asking.ask(told, mender.NAME, request, _SECONDS))
