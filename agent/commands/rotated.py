"""`hygiene-agent rotated`: tell the daemon that a leaked value was changed at its service."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from agent import asking, audit, options, powers, rolestatus, settings, snapshot
from agent.auditlog import AuditError, Said
from agent.requests import Rotated
from agent.rolestatus import Findings
from checks.errors import HygieneError
from checks.lazy import regex

if TYPE_CHECKING:
    from agent.settings import Settings

_PATIENCE: Final = 10.0
_IDENTITY: Final = regex(r"[0-9a-f]{8,32}")
_WHOLE: Final = 32


class _UnknownError(HygieneError):
    """No finding that this can be."""


class _Known(NamedTuple):
    """A finding by its identity, and the role that keeps it."""

    role: str
    identity: str


@click.command()
@click.argument("identity")
@options.SETTINGS
@click.option(
    "--role",
    type=click.Choice(powers.ROLES),
    help="The role that keeps the finding, where it is not listed.",
)
def command(identity: str, file: Path, role: str | None) -> None:
    """Say that the leaked value behind the finding IDENTITY was changed at its service.

    A leak that was taken out of its file stays one until then. IDENTITY, or its first 8 digits or
    more, is what `hygiene-agent status --findings` shows. The role answers within seconds.

    Exit status: 0 resolved, 1 refused, 3 not answered yet: it will be when the role runs.
    """
    told = settings.load(file)
    known = _find(told, identity, role)
    request = Rotated(identity=known.identity)
    asking.put(told, known.role, request)
    _note(Path(told.state), known, request.id)
    asking.end(asking.wait(told, known.role, request, _PATIENCE), known.identity)


def _find(told: Settings, identity: str, role: str | None) -> _Known:
    """Find who keeps a finding; raises _UnknownError."""
    if _IDENTITY.fullmatch(identity) is None:
        raise _UnknownError("identity: expected 8 to 32 hexadecimal digits")
    found = sorted({known for known in _published(told) if known.identity.startswith(identity)})
    if role is not None:
        found = [known for known in found if known.role == role]
        if not found and len(identity) == _WHOLE:
            return _Known(role, identity)
    if len(found) == 1:
        return found[0]
    if found:
        raise _UnknownError(
            f"identity: {len(found)} findings begin like this\nhint: give more of it"
        )
    raise _UnknownError(
        "identity: no finding that is published\nhint: hygiene-agent status --findings lists them;"
        " of one that is left out give all of it and --role"
    )


def _published(told: Settings) -> list[_Known]:
    """List the findings that the roles publish."""
    known: list[_Known] = []
    for role in powers.ROLES:
        path = Path(powers.published(told, role)) / rolestatus.FINDINGS
        listed = snapshot.read(path, Findings)
        both = (*listed.open, *listed.removed) if listed else ()
        known += [_Known(role, one.identity) for one in both]
    return known


def _note(state: Path, known: _Known, request: str) -> None:
    """Note who asked; whoever may ask and not write here is noted by the role."""
    try:
        chain = audit.of_command(state)
        chain.append(Said("rotated", known.identity, f"asked {known.role}: {request}"), time.time())
        chain.close()
    except AuditError as error:
        click.echo(f"hygiene-agent: not in the audit log: {error}", err=True)
