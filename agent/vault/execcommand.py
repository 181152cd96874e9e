"""`keys exec`: run a job with a key or a secret on its standard input."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from agent import jobdesk, jobs, options
from agent.jobdesk import JobError
from agent.jobs import NotRunError

_FAILED = 125
"""Of this command itself, as env(1) and timeout(1) have it; what else there is, is the job's."""


@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("words", metavar="-- COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@options.SETTINGS
@click.option("--socket", "at", type=options.FILE, help="Of the keeper: no bootstrap file is read.")
@click.option("--field", help="Give this field of a secret alone; all of them, in JSON.")
def command(
    name: str, words: tuple[str, ...], file: Path, at: Path | None, field: str | None
) -> None:
    """Run COMMAND with what the key NAME holds on its standard input, and nowhere else.

    It comes from the keeper's memory over its socket, to the users of the delivery `{kind: exec,
    users: [...]}` and to root: in no file, environment or argument, and in no core dump of the job.

    Exit status: the command's own; 125 nothing was given, 126 and 127 it could not be run.
    """
    from agent.vault import memory

    memory.protect()
    try:
        given = jobdesk.fetch(str(at or _socket(file)), name)
        jobs.become(words, given if field is None else _field(given, field))
    except JobError as error:
        click.echo(f"hygiene-agent: {error}", err=True)
        raise click.exceptions.Exit(
            error.status if isinstance(error, NotRunError) else _FAILED
        ) from None


def _socket(file: Path) -> Path:
    from agent import settings

    return Path(settings.load(file).vault.folder) / jobdesk.NAME


def _field(given: bytes, field: str) -> bytes:
    """Choose one field of a secret; raises JobError."""
    try:
        found = json.loads(given).get(field)
    except (ValueError, AttributeError, RecursionError):
        raise JobError("--field: it is a key with its certificate, which has no fields") from None
    if not isinstance(found, str):
        raise JobError("--field: there is no such field")
    return os.fsencode(found)
