"""The command line: a group that loads the command that is asked for, and no other."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import TYPE_CHECKING, cast

import click

from agent import __version__, commands
from checks.errors import HygieneError

if TYPE_CHECKING:
    from typing import NoReturn


class _Lazy(click.Group):
    """Finds commands by listing `agent/commands`; each module has a `command`."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(info.name for info in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"agent.commands.{name}")
        return cast("click.Command", module.command)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hygiene-agent")
def cli() -> None:
    """Find embedded credentials on hosts, in checkouts and in unpacked images.

    Exit status: 0 clean, 1 findings at or over the threshold, 2 wrong usage or policy, 3 something
    could not be looked at (1 wins over 3).
    """


def main() -> NoReturn:
    """Run the command line; errors of ours become one line and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # both are text streams
    try:
        status = cli.main(standalone_mode=False) or 0
    except click.Abort:
        status = 130
    except click.ClickException as error:
        error.show()
        status = 2
    except HygieneError as error:
        click.echo(f"hygiene-agent: {error}", err=True)
        status = 2
    except BrokenPipeError:
        status = 141
    sys.exit(status)
