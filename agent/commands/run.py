"""`hygiene-agent run`: keep looking, and report every deviation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from agent import doing, heap, options, powers, privileges, sdnotify, settings
from agent.daemon import Life, Supervisor, Told
from agent.roles import table
from agent.roles.walls import confined

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@options.SETTINGS
@click.option("--role", type=click.Choice(powers.ROLES), help="Be this role alone, as units do.")
@click.option(
    "--wanted",
    is_flag=True,
    help="With --role: end at once, 1 if the bootstrap file does not want it (ExecCondition).",
)
@click.option(
    "--explain-privileges", "explain", is_flag=True, help="Print what each role can touch, and end."
)
@click.option(
    "--format", "-f", "form", type=click.Choice(privileges.FORMS), default="text", help="Of that."
)
def command(file: Path, role: str | None, form: str, *, wanted: bool, explain: bool) -> None:
    """Watch files and TLS servers until told to stop, and report what changes.

    SIGTERM ends it, SIGHUP takes the policy anew.
    """
    if wanted and role is not None:
        raise click.exceptions.Exit(0 if _wants(file, role) else 1)
    told = settings.load(file)
    if explain:
        click.echo("\n".join(privileges.lines(told, form)))
        return
    heap.limit()
    powers.prepare(told, (*powers.ROLES, powers.SUPERVISOR))
    roles = table.roles(told)
    with sdnotify.Notifier(os.environ) as notifier:
        told_by = Told(notifier.ready, notifier.alive)
        if role is None:
            table.load(roles)
            doer = doing.begin(told.actions)
            Supervisor(told, roles, told_by, confined(powers.SUPERVISOR, told), doer).run()
        elif role in roles:
            roles[role](Life(told_by))
        else:
            raise click.UsageError(f"{role}: not enabled in {file}")


def _wants(file: Path, role: str) -> bool:
    """Say whether a role is to run; a file that is wrong is told by the start that follows."""
    try:
        return role in table.roles(settings.load(file))
    except settings.SettingsError:
        return True
