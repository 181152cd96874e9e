"""`hygiene-agent baseline`: accept what is there now, so that only new findings count."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from typing import TYPE_CHECKING

import click

from agent import (
    audit,
    home,
    imageoptions,
    options,
    policysource,
    reporting,
    scanning,
    setup,
    writing,
)
from agent.auditlog import AuditError, Said
from checks import suppress

if TYPE_CHECKING:
    from pathlib import Path

    from agent.imageoptions import Subject
    from agent.policysource import Source


@click.command()
@imageoptions.option
@click.option(
    "--output", "-o", type=options.FILE, required=True, help="The baseline file to write."
)
@policysource.option
@options.RULES
def command(subject: Subject, output: Path, policy: Source, rules: tuple[Path, ...]) -> None:
    """Write a baseline of the findings under PATHS, or in an image.

    It holds check, path and a slow salted hash of each value: no secret, no key. Give it to
    `scan --baseline`. Paths are kept relative to the baseline file, those in an image or a root as
    they are there.
    """
    empty = suppress.Baseline(format="hygiene-agent/baseline/1", salt=secrets.token_hex(16))
    choice = setup.Choice(subject.paths, policy, output, rules, taking=empty)
    job = setup.job(choice._replace(image=subject.image, root=subject.root))
    with reporting.progress(quiet=False) as progress:
        scanned = scanning.run(job._replace(progress=progress))
    entries = tuple(scanned.accepted)
    data = suppress.write_baseline(suppress.Baseline(empty.format, empty.salt, entries))
    writing.write(output, [data.decode()])
    _note(output, data, len(set(entries)))
    click.echo(f"{output}: {len(set(entries))} accepted findings")


def _note(output: Path, data: bytes, count: int) -> None:
    """Note in the audit log what was accepted, where there is a place for one."""
    said = Said(
        "baseline taken",
        str(output.absolute()),
        f"{count} findings, sha256 {hashlib.sha256(data).hexdigest()}",
    )
    try:
        chain = audit.of_command(home.folder(os.environ, os.geteuid()))
        chain.append(said, time.time())
        chain.close()
    except AuditError as error:
        click.echo(f"hygiene-agent: not in the audit log: {error}", err=True)
