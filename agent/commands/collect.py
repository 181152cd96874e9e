"""`hygiene-agent collect`: take what many hosts report, and show it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from agent import options
from agent.collector import hostlines, view
from agent.collector.hosts import Rule

if TYPE_CHECKING:
    from agent.collector.listener import Address
    from agent.collector.shape import View

_FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)
_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s\[\]:/]+)):([0-9]{1,5})")
_HOUR: Final = 3600.0
_STATE: Final = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/var/lib/hygiene-agent-collector"),
    show_default=True,
    help="Folder in which everything is kept.",
)
_SILENT: Final = click.option(
    "--silent-after",
    type=click.IntRange(1, 10_000),
    default=12,
    show_default=True,
    metavar="HOURS",
    help="A host that said nothing for so long is silent.",
)


class _Serving(click.Group):
    """A group that serves where no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Serving)
def command() -> None:
    """Take what hosts report, keep it, show it.

    Without a command it serves: hygiene-agent collect --listen 0.0.0.0:8440 --certificate FILE
    --key FILE --client-ca FILE.
    """


@command.command()
@click.option(
    "--listen", default="127.0.0.1:8440", show_default=True, help="ADDRESS:PORT for hosts."
)
@click.option("--certificate", type=_FILE, required=True, help="PEM of our certificate and chain.")
@click.option("--key", type=_FILE, required=True, help="PEM of its key.")
@click.option("--client-ca", type=_FILE, required=True, help="PEM of the authorities of hosts.")
@click.option("--crl", type=_FILE, help="PEM of certificates that are revoked.")
@click.option(
    "--speaks-for",
    type=click.Choice([rule.value for rule in Rule]),
    default=Rule.ID.value,
    show_default=True,
    help="A certificate speaks for the host whose id it names, or for the first one it spoke for.",
)
@click.option("--view", help="ADDRESS:PORT for viewers; without it nobody looks from outside.")
@click.option("--viewer-ca", type=_FILE, help="PEM of the authorities of viewers.")
@click.option(
    "--keep-days",
    type=click.IntRange(1, 3650),
    default=90,
    show_default=True,
    help="Days for which closed findings and retired hosts are kept.",
)
@click.option(
    "--most-mib",
    type=click.IntRange(16, 1 << 20),
    default=4096,
    show_default=True,
    help="Size of the file; when it is full, hosts are told to come later.",
)
@click.option(
    "--most-findings",
    type=click.IntRange(100, 10**6),
    default=20_000,
    show_default=True,
    help="Findings kept of one host.",
)
@click.option(
    "--most-connections",
    type=click.IntRange(1, 10**6),
    default=4096,
    show_default=True,
    help="Connections of hosts at one time.",
)
@_STATE
@_SILENT
def serve(  # noqa: PLR0913 - one parameter an option, by name
    *,
    listen: str,
    certificate: Path,
    key: Path,
    client_ca: Path,
    crl: Path | None,
    speaks_for: str,
    view: str | None,
    viewer_ca: Path | None,
    keep_days: int,
    most_mib: int,
    most_findings: int,
    most_connections: int,
    state: Path,
    silent_after: int,
) -> None:
    """Take events from hosts, and let viewers look, both by mutual TLS."""
    from agent.collector import contexts, gate, listener, server, store

    if (view is None) != (viewer_ca is None):
        raise click.UsageError("--view and --viewer-ca: expected both or none")
    looking = listener.Door(_address(view), viewer_ca) if view and viewer_ca else None
    server.run(
        server.Options(
            state=state,
            own=contexts.Own(certificate, key),
            hosts=listener.Door(_address(listen), client_ca),
            view=looking,
            rule=Rule(speaks_for),
            crl=crl,
            limits=store.Limits(most_mib, most_findings, keep_days),
            silent=silent_after * _HOUR,
            bounds=gate.Bounds(connections=most_connections),
        )
    )


def _address(text: str) -> Address:
    from agent.collector import listener

    found = _ADDRESS.fullmatch(text)
    if found is None or int(found[3]) > 65535:
        raise click.UsageError(f"{text}: expected ADDRESS:PORT, such as 0.0.0.0:8440 or [::]:8440")
    return listener.Address(found[1] or found[2], int(found[3]))


@command.command("hosts")
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="What to print; text.",
)
@click.option("--retired", is_flag=True, help="List those that were retired too.")
@_STATE
@_SILENT
def list_hosts(form: str, *, retired: bool, state: Path, silent_after: int) -> None:
    """List the hosts, those that are out of step or silent first."""
    rows = view.hosts(state, time.time(), silent_after * _HOUR, retired=retired)
    if form == "json":
        _print(rows)
        return
    for line in hostlines.lines(rows, time.time()):
        click.echo(line)


@command.command()
@click.option("--host", help="The findings of the host with this id.")
@click.option("--closed", is_flag=True, help="With --host: those that are over too.")
@click.option(
    "--most",
    type=click.IntRange(1, 10**6),
    default=10_000,
    show_default=True,
    help="Rows of each list.",
)
@_STATE
@_SILENT
def show(*, host: str | None, closed: bool, most: int, state: Path, silent_after: int) -> None:
    """Print everything, or one host's findings, as JSON."""
    from agent.collector import detail

    if host is None:
        _print(_all(state, silent_after, most))
        return
    found = detail.findings(state, host, most, closed=closed)
    if found is None:
        raise click.UsageError("no such host; hygiene-agent collect hosts lists them")
    _print(found)


@command.command()
@click.option(
    "--output",
    "-o",
    type=options.FILE,
    required=True,
    help="Where to write the page.",
)
@click.option(
    "--most",
    type=click.IntRange(1, 10**5),
    default=500,
    show_default=True,
    help="Rows of each table.",
)
@_STATE
@_SILENT
def report(*, output: Path, most: int, state: Path, silent_after: int) -> None:
    """Write everything as one HTML page."""
    from agent import writing
    from agent.collector import page

    writing.write(output, page.render(_all(state, silent_after, most)))


def _all(state: Path, silent_after: int, most: int) -> View:
    """Give everything that is kept, as of now; silent_after: in hours; most: rows of each list."""
    return view.view(state, time.time(), silent_after * _HOUR, most)


def _print(what: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(what)))


@command.command()
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True)
@_STATE
def retire(hosts: tuple[str, ...], state: Path) -> None:
    """Leave hosts, by their ids, out of everything until they speak again."""
    from agent.collector import retiring

    unknown = retiring.retire(state, hosts, time.time())
    if unknown:
        raise click.UsageError(f"no such host: {', '.join(unknown)}; the others are retired")
