"""The options and arguments that several commands have, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.home import BOOTSTRAP
from checks.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FILE: Final = click.Path(path_type=Path, dir_okay=False)
TARGETS: Final = click.argument("targets", metavar="[HOST:PORT]...", nargs=-1)
POLICY: Final = click.option(
    "--policy", "-p", type=FILE, help="Policy file (see: hygiene-agent policy schema)."
)
RULES: Final = click.option("--rules", "-r", type=FILE, multiple=True, help="A further rule file.")
SETTINGS: Final = click.option(
    "--settings", "file", type=FILE, default=BOOTSTRAP, show_default=True, help="Bootstrap file."
)
OUTPUT: Final = click.option(
    "--output", "-o", type=FILE, help="Write the report to FILE, a summary to the terminal."
)
FAIL_ON: Final = click.option(
    "--fail-on",
    type=click.Choice([severity.label for severity in Severity]),
    help="Least severity that makes exit status 1; medium.",
)


def form(known: Iterable[str]) -> Decorator:
    """Make the option that chooses among forms of output."""
    choice = click.Choice(sorted(known))
    return click.option("--format", "-f", "form", type=choice, help="What to print or write; text.")
