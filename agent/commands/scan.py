"""`hygiene-agent scan`: look for embedded credentials in files, trees and images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent import imageoptions, options, policysource, reporting, scanning, setup, writing
from agent.attest import options as attestoptions
from checks.model import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from agent.attest.options import Attesting
    from agent.imageoptions import Subject
    from agent.policysource import Source


@click.command()
@imageoptions.option
@policysource.option
@click.option("--baseline", "-b", type=options.FILE, help="Findings accepted before do not count.")
@options.form(reporting.FORMATS)
@options.OUTPUT
@options.FAIL_ON
@options.RULES
@click.option("--marks/--no-marks", default=None, help="Believe inline marks in the files.")
@attestoptions.option
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Processes; one a processor.")
@click.option("--quiet", "-q", is_flag=True, help="Print no summary and no progress.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option, by name
    subject: Subject,
    policy: Source,
    baseline: Path | None,
    form: str | None,
    output: Path | None,
    fail_on: str | None,
    rules: tuple[Path, ...],
    marks: bool | None,  # noqa: FBT001 - click passes by name
    attesting: Attesting | None,
    jobs: int | None,
    quiet: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """Look for embedded credentials in every file under PATHS, or in an image.

    A value is never shown: only a mask, its length and a fingerprint that is the same wherever the
    value stands on this host.
    """
    choice = setup.Choice(subject.paths, policy, baseline, rules, jobs or 0, marks)
    job = setup.job(choice._replace(image=subject.image, root=subject.root))
    threshold = Severity.named(fail_on) if fail_on else job.orders.policy.threshold
    begun = attesting.begin() if attesting else None
    with reporting.progress(quiet=quiet) as progress:
        report = scanning.run(job._replace(progress=progress)).report
    try:
        attested = begun.signed(job, report, threshold) if begun else ""
    finally:
        reporting.give(report, form, output, setup.infos(job), quiet=quiet)
    if begun:
        writing.write(begun.file, [attested])
    raise click.exceptions.Exit(report.exit_status(threshold))
