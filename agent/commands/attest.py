"""`hygiene-agent attest`: check what a scan attested, and show it."""

from __future__ import annotations

import datetime
import re
import time
from typing import TYPE_CHECKING

import click

from agent import given, options
from agent.output import attestationtext
from checks.attest import dsse, judging, publickeys, statement
from checks.errors import AttestationError, HygieneError
from checks.model import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from checks.attest.judging import Wanted
    from checks.attest.publickeys import PublicKey

_BAD = 1
_UNREAD = 3
_FILE = click.argument("file", type=options.FILE)


class _UnreadableError(HygieneError):
    """A file that cannot be read."""


@click.group()
def command() -> None:
    """Check and show what `scan --attest` attested."""


@command.command()
@_FILE
@click.option(
    "--key",
    "keys",
    type=options.FILE,
    multiple=True,
    required=True,
    help="Public key in PEM; repeat: one of them has to have signed it.",
)
@click.option(
    "--subject", default="", metavar="SUBJECT", help="NAME, sha256:HEX or NAME@sha256:HEX."
)
@click.option("--max-age", type=click.IntRange(1), metavar="DAYS", help="How old it may be; any.")
@click.option("--policy-sha256", default="", metavar="HEX", help="Judged by this policy; any.")
@click.option(
    "--fail-on",
    type=click.Choice([one.label for one in Severity]),
    help="No finding may be that severe; as the scan's gate had it.",
)
def verify(  # noqa: PLR0913, PLR0917 - one parameter an option, by name
    file: Path,
    keys: tuple[Path, ...],
    subject: str,
    max_age: int | None,
    policy_sha256: str,
    fail_on: str | None,
) -> None:
    """Say whether FILE attests that its subject passed the gate.

    Exit status: 0 it does, 1 it does not, 2 wrong usage or no public key, 3 it cannot be read.
    """
    if subject and not judging.is_subject(subject):
        raise click.UsageError("--subject: expected NAME, sha256:HEX or NAME@sha256:HEX")
    if policy_sha256 and not re.fullmatch("[0-9a-f]{64}", policy_sha256):
        raise click.UsageError("--policy-sha256: expected 64 hexadecimal digits")
    threshold = Severity.named(fail_on) if fail_on else None
    trusted = [_key(one) for one in keys]
    _tell(file, trusted, judging.Wanted(subject, max_age or 0, policy_sha256, threshold))


def _tell(file: Path, keys: list[PublicKey], wanted: Wanted) -> None:
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    data = _read(file)
    try:
        told, key = judging.believed(data, keys)
        bad = list(judging.faults(told, wanted, now))
    except AttestationError as error:
        bad = [str(error)]
    if bad:
        for one in bad:
            click.echo(f"{file}: not good: {one}")
        raise click.exceptions.Exit(_BAD)
    click.echo(f"{file}: good: {attestationtext.summary(told)}; signed by key {key}")


@command.command()
@_FILE
def show(file: Path) -> None:
    """Print what FILE says, in words; who signed it is not checked.

    Exit status: 0, 1 it is no attestation, 3 it cannot be read.
    """
    data = _read(file)
    try:
        envelope = dsse.read(data)
        told = statement.read(envelope.payload)
    except AttestationError as error:
        click.echo(f"{file}: {error}", err=True)
        raise click.exceptions.Exit(_BAD) from error
    for line in attestationtext.lines(told, envelope):
        click.echo(line)


def _read(file: Path) -> bytes:
    try:
        return given.read(file, _UnreadableError, dsse.LARGEST)
    except _UnreadableError as error:
        click.echo(f"hygiene-agent: {error}", err=True)
        raise click.exceptions.Exit(_UNREAD) from error


def _key(file: Path) -> PublicKey:
    try:
        return publickeys.read(given.read(file, AttestationError, publickeys.LARGEST))
    except AttestationError as error:
        said = str(error).removeprefix(f"{file}: ")
        raise AttestationError(f"{file}: {said}") from error
