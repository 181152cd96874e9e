"""Ask a role as a command does: put a request, wait for what it says, and end by that. EDGE."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from agent import powers, requests, rolestatus, snapshot
from agent.requests import RequestError
from agent.rolestatus import RoleStatus
from checks.printable import printable

if TYPE_CHECKING:
    from agent.requests import Answer, Request
    from agent.settings import Settings

NOT_DONE: Final = 1
NO_ANSWER: Final = 3
"""Exit statuses of a command that asked; 0 is done."""


def ask(
    told: Settings, role: str, request: Request, seconds: float, *, look: float = math.inf
) -> Answer | None:
    """Ask a role and wait, as `wait` does; None also where it cannot be asked, which is said."""
    try:
        put(told, role, request)
    except RequestError as error:
        _say(request, f"{role} cannot be asked: {error}")
        return None
    return wait(told, role, request, seconds, look=look)


def put(told: Settings, role: str, request: Request) -> None:
    """Put a request before a role; raises RequestError."""
    requests.put(Path(powers.folder(told, role)), request)


def wait(
    told: Settings, role: str, request: Request, seconds: float, *, look: float = math.inf
) -> Answer | None:
    """Give the answer to a request; None where none came in time, which is said.

    look: seconds after which, again and again, nothing is waited for unless the role runs; not for
    a role that shows nothing of itself while it works.
    """
    published = Path(powers.published(told, role))
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if answer := requests.wait(published, request, min(left, look)):
            return answer
        if not _runs(published):
            break
    _say(request, f"{role} does not answer; it will when it runs")
    return None


def end(answer: Answer | None, about: str = "") -> NoReturn:
    """Show an answer, behind what it is about, and end with its exit status."""
    if answer is None:
        raise click.exceptions.Exit(NO_ANSWER)
    shown = printable(answer.result)
    click.echo(f"{about}: {shown}" if about else shown)
    raise click.exceptions.Exit(0 if answer.done else NOT_DONE)


def _say(request: Request, what: str) -> None:
    click.echo(printable(f"{request.act} {request.subject}: {what}"), err=True)


def _runs(published: Path) -> bool:
    status = snapshot.read(published / rolestatus.STATUS, RoleStatus)
    if status is None or status.stopped:
        return False
    return time.time() - status.at < rolestatus.STALE
