"""`hygiene-agent keys`: how the keys from Vault are, and what may be asked of them."""

from __future__ import annotations

import datetime
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from agent import options, powers, settings, snapshot
from agent.importing import command as importcommand
from agent.vault import askcommands, execcommand
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.vault.record import Record


@click.group()
def command() -> None:
    """Look at the keys that this host has from Vault, have them changed, run jobs with them."""


for _one in (askcommands.rotate, askcommands.prove, execcommand.command, importcommand.command):
    command.add_command(_one)


@command.command()
@options.SETTINGS
@options.form(["json", "text"])
def status(file: Path, form: str | None) -> None:
    """Say of each key what is served, until when, and what is wrong with it.

    Exit status: 0 all are served, 1 one is not or not renewed, 3 that cannot be read.
    """
    from agent.roles import keeper

    told = settings.load(file)
    place = Path(powers.published(told, keeper.NAME)) / keeper.KEYS
    published = snapshot.read(place, keeper.Published)
    if published is None:
        click.echo(f"{place}: cannot be read, or nothing was published yet", err=True)
        raise click.exceptions.Exit(3)
    if form == "json":
        click.echo(json.dumps(msgspec.to_builtins(published), indent=2))
    else:
        now = time.time()
        for record in published.keys:
            click.echo("\n".join(_shown(record, now)))
    raise click.exceptions.Exit(1 if any(one.fault for one in published.keys) else 0)


def _shown(record: Record, now: float) -> Iterator[str]:
    name = printable(record.name, longest=64)
    which = f"  sha256 {printable(record.sha256, longest=16)}" if record.sha256 else ""
    ends = f"  until {_moment(record.ends)} ({_left(record.ends - now)})" if record.ends else ""
    proven = f"  proven {_moment(record.proven)}" if record.proven else ""
    yield f"{name}  {record.state}{which}{ends}{proven}"
    if record.fault:
        yield f"  {record.fault}: {printable(record.why, longest=500)}"
    if record.failures:
        yield f"  tried {record.failures} times, again at {_moment(record.due)}"


def _moment(seconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M:%SZ}"


def _left(seconds: float) -> str:
    from agent.output import statustext

    return f"{statustext.age(seconds)} left" if seconds > 0 else "ended"
