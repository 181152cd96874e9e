"""`hygiene-agent status`: how the daemon of this host is."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import click

from agent import options, powers, settings, statusjudge, statusreading
from agent.output import statusjson, statustext

if TYPE_CHECKING:
    from pathlib import Path

    from agent.statuspage import Page

_TROUBLE: Final = 1
_UNREADABLE: Final = 3
_ROLES: Final = (*powers.ROLES, powers.SUPERVISOR)


@click.command()
@options.SETTINGS
@click.option("--role", type=click.Choice(_ROLES), help="Of this role only.")
@click.option("--findings", is_flag=True, help="List all findings that the roles publish.")
@click.option(
    "--format", "-f", "form", type=click.Choice(("json", "text")), default="text", help="text."
)
def command(file: Path, role: str | None, form: str, *, findings: bool) -> None:
    """Show how the daemon of this host is: roles, coverage, findings, reports, policy.

    It is read from what the roles publish every few seconds; no role has to answer.

    Exit status: 0 all is well, 1 a role does not run or has a fault, a sink is away or a gap in
    coverage is open, 3 something cannot be read (1 wins over 3). Open findings do not count here.
    """
    told = settings.load(file)
    try:
        page = statusjudge.page(statusreading.gather(told, role or ""))
    except statusreading.UnreadableError as error:
        click.echo(f"hygiene-agent: {error}", err=True)
        raise click.exceptions.Exit(_UNREADABLE) from error
    for piece in statusjson.render(page) if form == "json" else _text(page, findings=findings):
        click.echo(piece, nl=False, color=True)
    raise click.exceptions.Exit(_status(page))


def _text(page: Page, *, findings: bool) -> list[str]:
    import shutil

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
    return list(statustext.render(page, every=findings, colour=colour, width=width))


def _status(page: Page) -> int:
    if page.problems:
        return _TROUBLE
    return _UNREADABLE if page.is_unreadable else 0
