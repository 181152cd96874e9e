"""Ask Vault or OpenBao by hvac, over a connection of our own. EDGE.

hvac knows the questions. Only an answer that went well ever reaches it, since its errors carry what
was answered; ours never do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import hvac  # type: ignore[import-untyped]  # it has no types
import hvac.exceptions  # type: ignore[import-untyped]  # it has no types
import msgspec
import requests

from agent.vault.errors import VaultError, Why
from agent.vault.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.keysettings import VaultSettings

    Question = Callable[[Any], object]
    """Takes hvac's client and gives what it answers."""

T = TypeVar("T")
_NONSENSE: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What hvac raises where it takes an answer for what it is not."""


class Told(msgspec.Struct, frozen=True):
    """A part of an answer, which may hold secrets; what is not asked for is passed over."""

    def __repr__(self) -> str:
        """Name what it is, and nothing of what it holds."""
        return f"<{type(self).__name__}>"


class Client:
    """One Vault. What is asked goes with the token that is given with it, and no other."""

    def __init__(self, settings: VaultSettings) -> None:
        """Keep whom to ask; the network is first used by a question. Raises VaultError."""
        self._wire = Wire(settings)
        session = requests.Session()
        session.trust_env = False
        session.headers.clear()
        session.adapters.clear()
        session.mount("https://", self._wire)
        # token, cert: what is not given, hvac takes from the environment or ~/.vault-token.
        self._vault = hvac.Client(
            url=settings.address.rstrip("/"),
            token="",
            cert=(),
            verify=True,
            namespace=settings.namespace or None,
            session=session,
            allow_redirects=False,
        )

    def ask(self, kind: type[T], question: Question, token: str = "") -> T:
        """Give the answer to a question, as KIND; raises VaultError."""
        told = self._answered(question, token)
        try:
            return msgspec.convert(told, kind)
        except (msgspec.ValidationError, RecursionError):
            raise self._broken("not what was asked for") from None

    def tell(self, question: Question, token: str = "") -> None:
        """Have something done whose answer says no more than that; raises VaultError."""
        self._answered(question, token)

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self._wire.requests

    def _answered(self, question: Question, token: str) -> object:
        self._vault.token = token
        try:
            return question(self._vault)
        except VaultError as error:
            failed = error
        except (hvac.exceptions.VaultError, requests.RequestException, OSError) as error:
            failed = self._broken(f"could not be asked ({type(error).__name__})")
        except _NONSENSE:
            failed = self._broken("the answer is nonsense")
        finally:
            self._vault.token = ""
        # What lies behind it holds the request, its token, and the answer.
        failed.__context__ = None
        raise failed.with_traceback(None)

    def _broken(self, text: str) -> VaultError:
        return VaultError(Why.BROKEN, f"{self._wire.asked}: {text}")

    def close(self) -> None:
        """Let go of the connection."""
        self._wire.close()
