"""`hygiene-agent audit`: what the agent and its administrators did, and whether that is whole."""

from __future__ import annotations

import heapq
import json
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from agent import audit, auditlog, options, settings
from agent.auditlog import AuditError
from agent.output.statusjson import moment
from checks.printable import printable

if TYPE_CHECKING:
    from agent.audit import Verdict
    from agent.auditlog import Entry, Head

_CHANGED: Final = 1
_UNREADABLE: Final = 3
_LATEST: Final = 253_402_300_799.0


@click.group()
def command() -> None:
    """Look at the audit logs: one of each role, one of the commands of each user."""


@command.command()
@options.SETTINGS
@click.option(
    "--head",
    "heads",
    multiple=True,
    metavar="SEQUENCE:HASH",
    help="An entry known elsewhere, as from a report, that has to be in one of the logs.",
)
def verify(file: Path, heads: tuple[str, ...]) -> None:
    """Check every log: that nothing was changed, removed, added or swapped.

    That its end was cut off shows only beside a head that somebody else kept: every report carries
    them. Exit status: 0 whole, 1 changed, 3 a log cannot be read, or there is none.
    """
    wanted = [_head(text) for text in heads]
    verdicts, unread = _verdicts(Path(settings.load(file).state), wanted)
    for verdict in verdicts:
        click.echo(_line(verdict))
        for fault in verdict.faults:
            click.echo(f"  {printable(fault)}", err=True)
    met = frozenset[auditlog.Head]().union(*(verdict.met for verdict in verdicts))
    lacking = [head for head in wanted if head not in met]
    for head in lacking:
        click.echo(f"entry {head} is in no log: one was cut off or made anew", err=True)
    if lacking or any(verdict.faults for verdict in verdicts):
        raise click.exceptions.Exit(_CHANGED)
    raise click.exceptions.Exit(_UNREADABLE if unread or not verdicts else 0)


def _head(text: str) -> Head:
    try:
        return auditlog.head(text)
    except AuditError as error:
        raise click.BadParameter(str(error), param_hint="--head") from error


def _verdicts(state: Path, wanted: list[Head]) -> tuple[list[Verdict], int]:
    """Go through all logs; give also how many could not be read."""
    verdicts, unread = [], 0
    try:
        places = audit.places(state)
    except AuditError as error:
        click.echo(f"hygiene-agent: {error}", err=True)
        return [], 1
    for chain, path in places.items():
        try:
            verdicts.append(audit.examine(path, chain, wanted))
        except AuditError as error:
            click.echo(f"hygiene-agent: {error}", err=True)
            unread += 1
    if not places:
        click.echo(f"hygiene-agent: {state}: no audit log", err=True)
    return verdicts, unread


def _line(verdict: Verdict) -> str:
    """Say in one line how a log is."""
    if verdict.faults:
        return f"{verdict.chain}: changed, up to entry {verdict.head}"
    notes = [f"{verdict.healed} torn lines healed"] if verdict.healed else []
    notes += ["its last line is not whole"] if verdict.torn else []
    return "".join((f"{verdict.chain}: whole, {verdict.head}", *(f"; {note}" for note in notes)))


@command.command()
@options.SETTINGS
@click.option("--chain", help="Of this log only.")
@click.option(
    "--last", type=click.IntRange(1, 100_000), default=50, show_default=True, help="Entries."
)
@click.option(
    "--format", "-f", "form", type=click.Choice(("json", "text")), default="text", help="text."
)
def show(file: Path, chain: str | None, last: int, form: str) -> None:
    """Show the last entries of all logs, in the order of their times; json: one a line."""
    places = audit.places(Path(settings.load(file).state))
    if chain is not None and chain not in places:
        raise click.BadParameter(f"expected one of {', '.join(places)}", param_hint="--chain")
    ends = [
        deque(audit.entries(path), last)
        for name, path in places.items()
        if chain is None or name == chain
    ]
    merged = heapq.merge(*ends, key=lambda one: (one.at, one.chain, one.sequence))
    for one in deque(merged, last):
        click.echo(_as_json(one) if form == "json" else _as_text(one))


def _as_json(one: Entry) -> str:
    return json.dumps(msgspec.to_builtins(one), ensure_ascii=True, separators=(",", ":"))


def _as_text(one: Entry) -> str:
    """Say when, who, what; every text in an entry is hostile."""
    who = one.actor
    login = f" (login {who.login})" if who.login >= 0 else ""
    by = " ".join(filter(None, (f"uid {who.uid}{login}", f"pid {who.pid}", who.unit)))
    at = moment(min(max(one.at, 0.0), _LATEST)) or "?"
    what = " ".join(filter(None, (one.act, one.subject)))
    result = f": {one.result}" if one.result else ""
    return printable(f"{at}  {one.chain} {one.sequence}  {by}  {what}{result}")
