"""Hold this process's token for Vault: got, renewed, got again, and given back. EDGE.

The token is in memory only. It is renewed at two thirds of its life, unless nobody wants it before
its end and a login gives another. Once it cannot live much longer, or Vault does not know it any
more, there is another login. A login that failed is tried again after waits that grow, however many
keys ask for it meanwhile.

Lives are measured by a clock that nobody sets, and that goes on while the machine sleeps.
"""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Final, TypeVar

from agent.vault import lease
from agent.vault.client import Client
from agent.vault.errors import VaultError, Why
from agent.vault.login import Login, granted, repeatable, way

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.keysettings import VaultSettings
    from agent.vault.client import Question
    from agent.vault.login import Grant

T = TypeVar("T")
_LOOK: Final = 300.0
"""Seconds after which a token that needs nothing is looked at again."""
_SHORT: Final = 0.5
"""A renewal that gives less than this share of the first life: its longest life is near."""


def uptime() -> float:
    """Give the seconds since this machine started, those it slept included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Session:
    """What is asked with the token of this process; not for several threads at once."""

    def __init__(
        self, settings: VaultSettings, host: str, clock: Callable[[], float] = uptime
    ) -> None:
        """Keep how to log in; the network is first used by `ask` or `keep`. Raises VaultError."""
        self._settings, self._host, self._clock = settings, host, clock
        self._client = Client(settings)
        self._way = way(settings, self._client)
        self._again = repeatable(settings)
        self._grant: Grant | None = None
        self._first, self._begins = 0, 0.0
        self._mute = False
        self._failed: tuple[Why, str] | None = None
        self._failures, self._not_before = 0, 0.0
        self.logins = 0

    def __repr__(self) -> str:
        """Say where, and whether there is a token."""
        return f"<Session {self._settings.address} {'with' if self._grant else 'without'} token>"

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self._client.requests

    def keep(self, wanted: float = 0.0) -> float:
        """Do what the token needs now; give the seconds after which it needs something again.

        wanted: seconds until somebody asks, at the earliest; a token that ends before, and that can
        be had again, is left to end. Raises VaultError. A token that could not be renewed is good
        for `ask` until it ends.
        """
        if self._grant and self._again and self._clock() + wanted > self._ends(self._grant):
            return min(max(wanted, 1.0), _LOOK)
        grant = self._ready()
        if self._due(grant) <= self._clock():
            grant = self._tried(lambda: self._renewed(grant))
        left = self._due(grant) - self._clock()
        return min(max(left, 1.0), _LOOK)

    def ask(self, kind: type[T], question: Question) -> T:
        """Give the answer to a question as KIND, after a login where need be; raises VaultError."""
        grant = self._ready()
        try:
            return self._client.ask(kind, question, grant.token)
        except VaultError as error:
            if error.why is not Why.DENIED or not self._gone(grant):
                raise
        grant = self._ready()
        try:
            return self._client.ask(kind, question, grant.token)
        except VaultError as error:
            # Else each question that is denied would cost a login.
            self._mute = error.why is Why.DENIED and not self._knows(grant.token)
            raise

    def tell(self, question: Question) -> None:
        """Have something done whose answer says no more than that; raises VaultError."""
        self._client.tell(question, self._ready().token)

    def hurry(self) -> None:
        """Let the next login or renewal be tried at once, however often it failed before."""
        self._not_before = 0.0

    def close(self) -> None:
        """Let go of the token; if so set, Vault forgets it, and all that hangs on it."""
        grant, self._grant = self._grant, None
        if grant and grant.ours and self._settings.revoke:
            with contextlib.suppress(VaultError):
                self._client.tell(lambda vault: vault.auth.token.revoke_self(), grant.token)
        self._client.close()

    def _ready(self) -> Grant:
        """Give a token that is good, after a login where there is none; raises VaultError."""
        if self._grant is None or self._clock() >= self._ends(self._grant):
            return self._tried(self._logged_in)
        if self._way.changed():
            with contextlib.suppress(VaultError):  # the one before it is still good
                self._tried(self._logged_in)
        return self._grant

    def _tried(self, get: Callable[[], Grant]) -> Grant:
        """Get a token, but not soon again where that failed; raises VaultError."""
        now = self._clock()
        if self._failed and now < self._not_before:
            why, text = self._failed
            raise VaultError(why, text, self._not_before - now, asked=False)
        try:
            grant = get()
        except VaultError as error:
            self._failures += 1
            self._failed = error.why, str(error)
            later = self._clock()  # it may have taken as long as the wait
            self._not_before = lease.again(self._host, "token", self._failures, later, error.after)
            raise
        self._failed, self._failures = None, 0
        self._grant, self._begins = grant, now
        return grant

    def _logged_in(self) -> Grant:
        grant = self._way.grant()
        self._first, self._mute = grant.life, False
        self.logins += 1
        return grant

    def _renewed(self, grant: Grant) -> Grant:
        """Have it live longer, or log in anew where that is not to be had; raises VaultError."""
        if grant.renewable:
            told = self._longer(grant)
            if told and (not told.life or told.life >= self._first * _SHORT):
                return told
        return self._logged_in()

    def _longer(self, grant: Grant) -> Grant | None:
        """Renew it; None where Vault does not do so."""
        try:
            told = self._client.ask(
                Login, lambda vault: vault.auth.token.renew_self(), token=grant.token
            )
        except VaultError as error:
            if error.why is Why.DENIED:
                return None
            raise
        return granted(told)

    def _gone(self, grant: Grant) -> bool:
        """Say whether Vault does not know the token any more, and forget it then."""
        if self._mute or self._knows(grant.token):
            return False
        self._grant = None
        return True

    def _knows(self, token: str) -> bool:
        """Say whether a token may ask about itself, which all can that are not made otherwise."""
        try:
            self._client.tell(lambda vault: vault.auth.token.lookup_self(), token)
        except VaultError as error:
            return error.why is not Why.DENIED
        return True

    def _due(self, grant: Grant) -> float:
        """Say when it needs something."""
        if not grant.life or not grant.ours:
            return math.inf
        return lease.renewal(self._host, "token", self._begins, self._ends(grant))

    def _ends(self, grant: Grant) -> float:
        return self._begins + grant.life if grant.life else math.inf
