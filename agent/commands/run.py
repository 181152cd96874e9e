"""`hygiene-agent run`: keep looking, and report every deviation."""

from __future__ import annotations

import os
from pathlib import Path

import click

from agent import powers, privileges, sdnotify, settings
from agent.daemon import Life, Supervisor, Told
from agent.roles import table
from agent.roles.walls import confined


@click.command()
@click.option(
    "--settings",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=settings.PATH,
    show_default=True,
    help="The bootstrap file.",
)
@click.option("--role", type=click.Choice(powers.ROLES), help="Be this role alone, as units do.")
@click.option(
    "--explain-privileges", "explain", is_flag=True, help="Print what each role can touch, and end."
)
@click.option(
    "--format", "-f", "form", type=click.Choice(privileges.FORMS), default="text", help="Of that."
)
def command(file: Path, role: str | None, form: str, *, explain: bool) -> None:
    """Watch files and TLS servers until told to stop, and report what changes.

    SIGTERM ends it, SIGHUP takes the policy anew.
    """
    told = settings.load(file)
    if explain:
        click.echo("\n".join(privileges.lines(told, form)))
        return
    powers.prepare(told, (*powers.ROLES, powers.SUPERVISOR))
    wanted = table.roles(told)
    with sdnotify.Notifier(os.environ) as notifier:
        told_by = Told(notifier.ready, notifier.alive)
        if role is None:
            Supervisor(told, wanted, told_by, confined(powers.SUPERVISOR, told)).run()
        elif role in wanted:
            wanted[role](Life(told_by))
        else:
            raise click.UsageError(f"{role}: not enabled in {file}")
