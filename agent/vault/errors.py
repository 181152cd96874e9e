"""Say why Vault did not give what was asked for; never what it answered."""

from __future__ import annotations

import enum

from checks.errors import HygieneError


class Why(enum.Enum):
    """What is wrong, as far as it decides what to do about it."""

    SEALED = "sealed"
    """It runs, and gives nothing until its owners open it."""
    AWAY = "away"
    """No answer: it cannot be reached, or what stands before it cannot reach it."""
    SLOW = "slow"
    """No whole answer in time."""
    DENIED = "denied"
    """It says no: the token may not, the login is not accepted, the role does not allow it."""
    ABSENT = "absent"
    """What was asked for is not there, or was deleted."""
    LIMITED = "limited"
    """It was asked too often."""
    BROKEN = "broken"
    """It failed, or answered nonsense."""
    REFUSED = "refused"
    """What we do not believe or do not do: a wrong certificate, a redirect, another's secret id."""


class VaultError(HygieneError):
    """Vault did not give what was asked for.

    why: the kind; after: seconds to wait before the next attempt, 0 where nothing says how long;
    asked: False where it was not asked at all, since it was in vain a short time ago.
    """

    def __init__(self, why: Why, text: str, after: float = 0.0, *, asked: bool = True) -> None:
        """Keep the reason; the text repeats nothing that was sent or answered."""
        super().__init__(text)
        self.why = why
        self.after = after
        self.asked = asked


class WrappingError(VaultError):
    """A wrapped secret id that may be in other hands: its token was used, or is of another origin.

    Whoever runs Vault has to know: unless this host used it, somebody else has the secret id.
    """

    def __init__(self, text: str) -> None:
        """Keep the reason."""
        super().__init__(Why.REFUSED, text)
