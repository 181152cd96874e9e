"""`keys import`: from a file of this host into Vault, to its server, and off the disk."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent import audit, options, settings
from agent.auditlog import Said
from checks.printable import printable

if TYPE_CHECKING:
    from agent.importing.taking import Plan
    from agent.settings import Settings

_REFUSED: Final = 1
_LATE: Final = 3
_NOT_ERASED: Final = (
    "This does not erase it from the disk, from backups or from images: a key that was on a disk\n"
    "should be rotated. Put another pair into Vault; the keeper takes it up by itself."
)


@click.command("import")
@click.argument("path", metavar="FILE")
@click.option("--line", type=click.IntRange(0), default=0, help="The line that the secret is on.")
@click.option("--finding", default="", help="Its identity, where `scan` found more than one.")
@click.option("--name", required=True, help="What the key is to be called.")
@click.option("--to", required=True, metavar="MOUNT/PATH", help="Where in the KV engine.")
@click.option("--certificate", default="", help="Of the key, where it is not in FILE.")
@click.option("--chain", default="", help="The certificates above it, where they are in neither.")
@click.option("--token-file", help="Your own token for Vault, in a private file; else it is asked.")
@click.option("--deliver", default="", metavar="PATH", help="Where the keeper is to put it.")
@click.option("--action", default="", help="The action that has it taken up.")
@click.option("--at", default="", metavar="ADDRESS:PORT", help="Who has to serve it.")
@click.option("--write", is_flag=True, help="Put the entry into keys.d beside the bootstrap file.")
@click.option("--prove", is_flag=True, help="Wait until the keeper has it, and it is served.")
@click.option("--wait", type=click.IntRange(1, 86_400), default=600, help="Seconds for that.")
@click.option("--remove", is_flag=True, help="Once it is proven, remove FILE without a question.")
@options.SETTINGS
def command(  # noqa: PLR0913 - one parameter an option, by name
    path: str,
    file: Path,
    to: str,
    token_file: str | None,
    *,
    write: bool,
    prove: bool,
    wait: int,
    remove: bool,
    **more: object,
) -> None:
    """Store the key or password that stands in FILE in Vault, and have the keeper deliver it.

    FILE is a private key with its certificate, or a file in which `scan` finds one secret, or the
    one that --line or --finding names; nobody types it. Nothing in Vault is written over, and what
    was stored is read back. With --prove this waits until the server serves that very certificate;
    only then FILE may be removed.

    Exit status: 0 done, 1 not removed, 2 refused, 3 not delivered or not served in time.
    """
    from agent.importing import storing, taking

    _protect()
    if remove and not prove:
        raise click.UsageError("--remove: only with --prove")
    told = settings.load(file)
    asked = taking.Asked(file=path, **more)  # type: ignore[arg-type]  # click gives each its type
    plan = taking.plan(asked, told, storing.place(to))
    if prove and plan.taken.made and plan.key.prove is None:
        raise click.UsageError("--prove: who has to serve it? --at ADDRESS:PORT")
    version = _stored(told, plan, token_file)
    _give(plan, file if write else None)
    if prove:
        _proven(told, plan, version, wait)
        _leave(told, plan, remove=remove)


def _protect() -> None:
    """Keep what is read out of core dumps and swap; say where that is not possible."""
    from agent.vault import memory

    for warning in memory.protect():
        click.echo(f"hygiene-agent: {warning}", err=True)


def _stored(told: Settings, plan: Plan, token_file: str | None) -> int:
    """Store it as the person who asks for it; gives the version."""
    from agent.importing import storing
    from agent.importing.token import token

    with contextlib.closing(storing.Store(told.vault, token(token_file))) as store:
        version = store.put(plan.where, plan.taken.fields)
    click.echo(f"{plan.where}: version {version}, read back, is what stands in {_path(plan)}")
    _note(told, "key imported", plan.name, f"{plan.where} version {version}")
    return version


def _give(plan: Plan, file: Path | None) -> None:
    """Put its entry beside the bootstrap FILE, or print it."""
    from agent.importing import entries

    if not plan.text:
        click.echo(f"{plan.name}: its entry is there, and stays as it is")
    elif file is not None:
        click.echo(f"{entries.write(file, plan.name, plan.text)}: written")
        hint = "its server's configuration has to name the place that it is delivered to"
        click.echo(f"Start the keeper anew, which reads its keys when it starts; {hint}.")
    else:
        click.echo(f"For the bootstrap file, below `keys`:\n\n  {plan.name}:")
        click.echo("".join(f"    {line}\n" for line in plan.text.splitlines()))


def _proven(told: Settings, plan: Plan, version: int, seconds: int) -> None:
    from agent.importing import proof

    try:
        proof.wait(told, plan, version, seconds)
    except proof.LateError as error:
        click.echo(f"hygiene-agent: {error}\n{_path(plan)} is left where it is", err=True)
        raise click.exceptions.Exit(_LATE) from None
    place = plan.key.prove
    served = f", and served at {place.address}" if plan.taken.made and place else ""
    click.echo(f"{plan.name}: delivered{served}")


def _leave(told: Settings, plan: Plan, *, remove: bool) -> None:
    """Remove the file, where that does no harm and is wanted."""
    from agent.importing import leaving

    path = _path(plan)
    try:
        doubt = leaving.doubt(plan)
        if not remove:
            if not sys.stdin.isatty():
                click.echo(f"{path}: left; --remove removes it. {doubt}".rstrip())
                return
            if not click.confirm(f"{doubt} Remove {path}?".lstrip()):
                return
        leaving.remove(plan.taken.read)
    except leaving.LeavingError as error:
        click.echo(f"hygiene-agent: {error}", err=True)
        raise click.exceptions.Exit(_REFUSED) from None
    _note(told, "file removed", plan.taken.read.path, f"imported as {plan.name}")
    click.echo(f"{path}: removed. {doubt}".rstrip() + f"\n{_NOT_ERASED}")


def _path(plan: Plan) -> str:
    return printable(plan.taken.read.path)


def _note(told: Settings, act: str, subject: str, result: str) -> None:
    if wrong := audit.note(Path(told.state), Said(act, subject, result), time.time()):
        click.echo(f"hygiene-agent: not in the audit log: {wrong}", err=True)
