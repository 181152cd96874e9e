"""`keys rotate` and `keys prove`: ask the keeper for another key, the prober what is served."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent import asking, audit, options, powers, proving, settings, snapshot
from agent.auditlog import Said
from agent.requests import Prove, Rotate
from checks.errors import HygieneError
from checks.printable import printable

if TYPE_CHECKING:
    from agent.keysettings import KeySettings
    from agent.requests import Answer
    from agent.settings import Settings
    from agent.vault.record import Record

_KEEPER: Final = "keeper"
_PROBER: Final = "prober"
_PATIENCE: Final = 240.0
"""Seconds for a reload, a proof, and the way back where that fails."""
_LOOK: Final = 5.0
_LONGEST: Final = 600


class KeyNameError(HygieneError):
    """No key of the bootstrap file, or one of which this cannot be asked."""


@click.command()
@click.argument("name")
@options.SETTINGS
def rotate(name: str, file: Path) -> None:
    """Have the key NAME got anew now, though it is not due, and wait for what came of that.

    A certificate is issued anew, a kept secret looked at, a lease taken anew; the lease before ends
    by itself. Only root and who owns the state folder may ask.

    Exit status: 0 done, 1 not, 3 no answer.
    """
    told = settings.load(file)
    known(told, name)
    answer = _asked(told, _KEEPER, request := Rotate(key=name))
    result = answer.result if answer else "no answer"
    said = Said("rotate", name, f"asked {_KEEPER}: {request.id}: {result}")
    if wrong := audit.note(Path(told.state), said, time.time()):
        click.echo(f"hygiene-agent: not in the audit log: {wrong}", err=True)
    asking.end(answer, name)


@click.command()
@click.argument("name")
@options.SETTINGS
def prove(name: str, file: Path) -> None:
    """Have a handshake made where the key NAME is to be served, and compare it with what is kept.

    Exit status: 0 it is served, 1 it is not, 3 no answer, or nothing was got yet.
    """
    told = settings.load(file)
    if (place := known(told, name).prove) is None:
        raise KeyNameError(f"{name}: its entry has no `prove`, so nobody can be asked")
    kept = record(told, name)
    if kept is None or not kept.sha256:
        click.echo(f"{name}: nothing was got yet, or it is no certificate", err=True)
        raise click.exceptions.Exit(asking.NO_ANSWER)
    answer = _asked(told, _PROBER, Prove(address=place.address, name=place.name))
    if answer is None:
        raise click.exceptions.Exit(asking.NO_ANSWER)
    served = answer.done and proving.which(answer.result) == kept.sha256
    shown = printable(answer.result, longest=_LONGEST)
    if answer.done:
        shown = f"sha256 {shown[:16]}{shown.partition(',')[1]}{shown.partition(',')[2]}"
    verdict = "is what is kept" if served else f"is not what is kept: {_short(kept)}"
    click.echo(f"{name}: served at {place.address}: {shown}\n  {verdict}")
    raise click.exceptions.Exit(0 if served else asking.NOT_DONE)


def known(told: Settings, name: str) -> KeySettings:
    """Give a key of the bootstrap file; raises KeyNameError."""
    if name not in told.keys:
        raise KeyNameError(f"{printable(name)}: no such key in the bootstrap file")
    return told.keys[name]


def record(told: Settings, name: str) -> Record | None:
    """Give what the keeper publishes of a key, None where that is nothing."""
    from agent.roles import keeper

    place = Path(powers.published(told, _KEEPER)) / keeper.KEYS
    published = snapshot.read(place, keeper.Published)
    return next((one for one in published.keys if one.name == name), None) if published else None


def served(told: Settings, place: Prove) -> str:
    """Give the SHA-256 of the certificate that the prober sees served, "" for no answer."""
    answer = _asked(told, _PROBER, place)
    return proving.which(answer.result) if answer and answer.done else ""


def _short(kept: Record) -> str:
    from agent.output import statusjson

    begins, ends = (statusjson.moment(one) or "" for one in (kept.begins, kept.ends))
    return f"sha256 {kept.sha256[:16]}, {begins} to {ends}"


def _asked(told: Settings, role: str, request: Rotate | Prove) -> Answer | None:
    """Ask a role and wait, as long as it runs."""
    return asking.ask(told, role, request, _PATIENCE, look=_LOOK)
