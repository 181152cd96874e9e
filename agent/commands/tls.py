"""`hygiene-agent tls`: test TLS servers as they really are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent import (
    __version__,
    deeptier,
    endpoints,
    options,
    policysource,
    profiling,
    reporting,
    tlsscan,
    together,
)
from checks.model import Severity
from checks.tls import starttls

if TYPE_CHECKING:
    from agent.policysource import Source


@click.command()
@options.TARGETS
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Only read the server configuration below this unpacked root.",
)
@click.option("--server-name", "-n", default="", help="Name to ask for; HOST if it is a name.")
@click.option(
    "--starttls", type=click.Choice(sorted(starttls.PROTOCOLS)), help="Begin in this protocol."
)
@policysource.option
@click.option(
    "--profile",
    multiple=True,
    metavar="NAME|FILE",
    help="A standard to keep (see: hygiene-agent policy profiles).",
)
@click.option(
    "--trust",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Trust the roots in this PEM file instead of this host's.",
)
@click.option("--all-suites", is_flag=True, help="List every cipher suite of every version.")
@click.option("--deep", is_flag=True, help="Have sslyze try known attacks: 600 connections each.")
@options.form(reporting.FORMATS)
@options.OUTPUT
@options.FAIL_ON
@click.option("--quiet", "-q", is_flag=True, help="Print no summary.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option, by name
    targets: tuple[str, ...],
    root: Path | None,
    server_name: str,
    starttls: str | None,
    policy: Source,
    profile: tuple[str, ...],
    trust: Path | None,
    all_suites: bool,  # noqa: FBT001 - click passes by name
    deep: bool,  # noqa: FBT001 - click passes by name
    form: str | None,
    output: Path | None,
    fail_on: str | None,
    quiet: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """Test TLS servers: protocols, suites, keys, certificates, what they say in HTTP.

    Without HOST:PORT every listener of this host that speaks TLS is found and tested.
    """
    told, beside = policysource.holding(policy)
    asked = tuple(
        endpoints.Endpoint(endpoints.target(text, server_name, starttls or "")) for text in targets
    )
    found, files = together.find(asked, str(root or ""), told.tls.exclude)
    wanted = profiling.wanted(profile, told, beside)
    roots = str(trust or "")
    deeper = bool(found.endpoints) and (deep or told.tls.deep)
    tier = deeptier.prepared(told.tls.deep_seconds) if deeper else deeptier.DeepTier()
    report = tlsscan.run(
        tlsscan.Job(found, files, told, __version__, all_suites, wanted, roots, tier)
    )
    reporting.give(report, form, output, tlsscan.check_infos(), quiet=quiet)
    threshold = Severity.named(fail_on) if fail_on else told.threshold
    raise click.exceptions.Exit(report.exit_status(threshold))
