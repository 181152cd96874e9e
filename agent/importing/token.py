"""Take a person's own token for Vault: from a private file, or typed where nobody sees it. EDGE."""

from __future__ import annotations

import getpass
import os
from typing import Final

from agent import credentials
from agent.credentials import CredentialError, Token

_TERMINAL: Final = "/dev/tty"
_BEARER: Final = "Bearer "


def token(file: str | None) -> str:
    """Give the token of a FILE, or ask for it on the terminal; raises CredentialError."""
    found = credentials.token(file, os.environ) if file else Token(_typed())
    return found.header().removeprefix(_BEARER)


def _typed() -> bytes:
    """Ask on the terminal, and nowhere else: elsewhere it would be shown."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        raise CredentialError("token: no terminal to ask for it\nhint: --token-file FILE") from None
    return getpass.getpass("Token for Vault: ").strip().encode()
