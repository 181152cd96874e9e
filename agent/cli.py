"""The command line: a group that loads the command that is asked for, and no other."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import pkgutil
import sys
from typing import TYPE_CHECKING, Final, cast

import click

from agent import __version__, commands, faults
from checks.errors import HygieneError

if TYPE_CHECKING:
    from typing import NoReturn

_WRONG: Final = 2
_INTERRUPTED: Final = 130
_PIPE_CLOSED: Final = 141
"""What a shell reports for a program that died of SIGINT or SIGPIPE."""


class _Lazy(click.Group):
    """Finds commands by listing `agent/commands`; each module has a `command`."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(info.name for info in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        gc.disable()  # modules are not garbage, and looking for some takes a tenth of the start
        try:
            module = importlib.import_module(f"agent.commands.{name}")
        finally:
            gc.enable()
        gc.freeze()
        return cast("click.Command", module.command)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a reader of our output that went away is no error of ours."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would make it status 1, which means findings here
            _discard_output()
            raise click.exceptions.Exit(_PIPE_CLOSED) from None


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hygiene-agent")
def cli() -> None:
    """Find embedded credentials on hosts, in checkouts and in unpacked images.

    Exit status: 0 clean, 1 findings at or over the threshold, 2 wrong usage or policy, 3 something
    could not be looked at (1 wins over 3).
    """


def main() -> NoReturn:
    """Run the command line; what goes wrong becomes one line and exit status 2."""
    _occupy_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = cli.main(prog_name="hygiene-agent", standalone_mode=False) or 0
    except click.Abort:
        status = _INTERRUPTED
    except click.ClickException as error:
        error.show()
        status = _WRONG
    except HygieneError as error:
        status = _refuse(str(error))
    except OSError as error:
        status = _refuse(error.strerror or faults.where(error))
    except Exception as error:  # noqa: BLE001 - a traceback may repeat what was read
        status = _refuse(f"internal error: {faults.where(error)}\nhint: please report it")
    gc.freeze()  # nobody needs what a last collection would free
    sys.exit(status)


def _occupy_standard_streams() -> None:
    """Point closed standard streams at nothing, lest a file of ours takes their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def _refuse(message: str) -> int:
    with contextlib.suppress(OSError):
        click.echo(f"hygiene-agent: {message}", err=True)
    _discard_output()
    return _WRONG


def _discard_output() -> None:
    """Send what is still buffered nowhere, so that the end of the process does not fail on it."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
