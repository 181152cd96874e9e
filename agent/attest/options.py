"""The options by which a scan is attested, and the attesting itself. EDGE."""

from __future__ import annotations

import functools
import os
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from agent import options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.attest.signers import Access, Signer
    from agent.report import Report
    from agent.scanning import Job
    from checks.model import Severity

_OPTIONS: Final = (
    click.option("--attest", type=options.FILE, help="Attest this scan: in-toto, signed, to FILE."),
    click.option("--attest-key", type=options.FILE, help="Sign with this private key."),
    click.option(
        "--attest-transit",
        metavar="[ADDRESS/]MOUNT/KEY",
        help="Sign with this key of Vault's or OpenBao's transit engine.",
    ),
    click.option(
        "--attest-subject",
        metavar="NAME[@sha256:HEX]",
        default="",
        help="What it is about; what was scanned, by its digest.",
    ),
    click.option("--attest-passphrase-file", type=options.FILE, help="Private file; of the key."),
    click.option("--attest-token-file", type=options.FILE, help="Of Vault; ~/.vault-token."),
    click.option("--attest-ca", type=options.FILE, help="Who signed Vault's certificate."),
    click.option("--attest-namespace", default="", help="Of Vault's engine."),
)


def option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what makes an `Attesting`, or None, which it takes as `attesting`."""

    @functools.wraps(command)
    def wired(  # noqa: PLR0913, PLR0917 - one parameter an option, by name
        attest: Path | None,
        attest_key: Path | None,
        attest_transit: str | None,
        attest_subject: str,
        attest_passphrase_file: Path | None,
        attest_token_file: Path | None,
        attest_ca: Path | None,
        attest_namespace: str,
        **others: object,
    ) -> object:
        access = (attest_key, attest_transit or "", attest_passphrase_file)
        further = (attest_token_file, attest_ca, attest_namespace)
        attesting = _checked(attest, attest_subject, (*access, *further))
        return command(attesting=attesting, **others)

    return functools.reduce(lambda made, one: one(made), reversed(_OPTIONS), wired)


def _checked(file: Path | None, subject: str, access: tuple[Any, ...]) -> Attesting | None:
    if file is None:
        if subject or any(access):
            raise click.UsageError("--attest-...: expected --attest FILE as well")
        return None
    from agent.attest import signers
    from checks.attest import judging

    told = signers.Access(*access)
    if bool(told.file) == bool(told.transit):
        raise click.UsageError("--attest: expected one of --attest-key and --attest-transit")
    if subject and not judging.is_subject(subject):
        raise click.UsageError("--attest-subject: expected NAME or NAME@sha256:HEX")
    return Attesting(file, subject, told)


class Attesting(NamedTuple):
    """An attestation that was asked for."""

    file: Path
    subject: str
    access: Access

    def begin(self) -> Begun:
        """Open the key before anything is scanned; raises HygieneError."""
        from agent.attest import signers

        folder = self.file.absolute().parent
        if not os.path.isdir(folder):
            raise click.UsageError(f"--attest: {folder}: no such folder")
        return Begun(self.file, self.subject, signers.opened(self.access), time.time_ns())


class Begun(NamedTuple):
    """One on its way. began: nanoseconds since 1970, before anything was looked at."""

    file: Path
    subject: str
    signer: Signer
    began: int

    def signed(self, job: Job, report: Report, threshold: Severity) -> str:
        """Sign what a scan saw, before anything is written beside that; raises HygieneError."""
        from agent.attest import predicates, subjects
        from checks.attest import dsse, statement

        about = subjects.of(job, self.subject, self.began)
        told = statement.Statement(about, predicates.made(job, report, threshold))
        payload = statement.write(told)
        return dsse.write(payload, [self.signer.sign(dsse.encoded(payload))])
