"""`hygiene-agent inventory`: listeners, protocols, suites, certificates and keys in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent import endpoints, gathering, joining, options, policysource, reporting
from agent.writing import OutputError

if TYPE_CHECKING:
    from agent.policysource import Source

_SOMETHING = click.Path(exists=True)
_STANDARDS = """\b
For the inventories of PCI DSS 4.0.1, as csv into a folder:
  4.2.1.1 trusted keys and certificates
          certificates.csv: issuer, end of life, kind and strength of the
          key, purpose, where used, key file
          keys.csv: kind and strength, file, owner, who can read it
  12.3.3  cipher suites and protocols in use
          suites.csv: protocol, suite, strength, purpose, where used
"""


@click.command(epilog=_STANDARDS)
@options.TARGETS
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False),
    help="Read the server configuration and keys of this unpacked root, where nothing runs.",
)
@click.option(
    "--keys", "-k", multiple=True, type=_SOMETHING, help="Look for keys below this path; /etc."
)
@policysource.option
@options.form(reporting.INVENTORY_FORMATS)
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    help="Write to FILE, or to FOLDER/ a csv file for each table; the text to the terminal.",
    metavar="FILE",
)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but what was asked for.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option, by name
    targets: tuple[str, ...],
    root: str | None,
    keys: tuple[str, ...],
    policy: Source,
    form: str | None,
    output: str | None,
    quiet: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """List keys and certificates, and the protocols and suites in use.

    Of this host: every listener with its program and unit, every suite that a TLS endpoint
    accepts, the certificates that are served or that server configuration names, and the private
    keys, joined with their certificates by the SHA-256 of the public key. With HOST:PORT only
    these endpoints, and the keys.

    Exit status: 0, or 3 where something could not be looked at, which is listed.
    """
    where = _destination(output)
    asked = tuple(endpoints.Endpoint(endpoints.target(text, "", "")) for text in targets)
    with reporting.progress(quiet=quiet) as progress:
        wanted = gathering.Wanted(asked, root or "", keys, policy, progress)
        inventory = joining.joined(gathering.gather(wanted))
    reporting.give_inventory(inventory, form, where, quiet=quiet)
    raise click.exceptions.Exit(3 if inventory.inconclusive else 0)


def _destination(output: str | None) -> Path | None:
    """Give the path to write to; one that ends in a slash is made a folder."""
    if output is None:
        return None
    path = Path(output)
    if output.endswith("/"):
        try:
            path.mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror}") from error
    return path
