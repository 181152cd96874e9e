"""Read what must stay secret: tokens and client keys, from private files only. EDGE.

A systemd credential (systemd.exec(5), LoadCredential=) lies in $CREDENTIALS_DIRECTORY, which only
the unit can enter. Any other file has to be this user's or root's and closed to all others. Nothing
that is raised here repeats what was read.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import TYPE_CHECKING, Final

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST: Final = 64 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}")
_TOKEN: Final = re.compile(rb"[A-Za-z0-9\-._~+/]{1,16384}=*")
"""RFC 6750 2.1: what a bearer token is made of."""
_OTHERS: Final = 0o077
_STRANGERS: Final = 0o027
"""Of a credential: systemd may give its group the right to read, as the mask of an ACL."""


class CredentialError(HygieneError):
    """A secret that is not there, or that others could read."""


class Token:
    """A bearer token; shown nowhere."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        """Keep it; raises CredentialError for what cannot be a bearer token."""
        if not _TOKEN.fullmatch(value):
            raise CredentialError("token: not a bearer token (RFC 6750)")
        self._value = value

    def __repr__(self) -> str:
        """Say that there is one."""
        return "<Token>"

    def header(self) -> str:
        """Give the value of the Authorization header."""
        return f"Bearer {self._value.decode('ascii')}"


def path(name: str, environ: Mapping[str, str]) -> str:
    """Give the file of a systemd credential; raises CredentialError.

    The name is not repeated: somebody may have put the secret itself in its place.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder.startswith("/"):
        raise CredentialError("credential: no $CREDENTIALS_DIRECTORY")
    if not _NAME.fullmatch(name):
        raise CredentialError("credential: expected a plain name")
    return os.path.join(folder, name)


def token(file: str, environ: Mapping[str, str]) -> Token:
    """Read a bearer token from a private file; raises CredentialError."""
    with opened(file, environ) as descriptor:
        try:
            return Token(os.read(descriptor, _MOST).strip())
        except OSError as error:
            raise CredentialError(f"{file}: {error.strerror}") from error


@contextlib.contextmanager
def opened(file: str, environ: Mapping[str, str]) -> Iterator[int]:
    """Open a private file, and close it afterwards; raises CredentialError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(file, flags)
    except OSError as error:
        raise CredentialError(f"{file}: {error.strerror}") from error
    try:
        status = os.fstat(descriptor)
        credential = os.path.dirname(file) == environ.get("CREDENTIALS_DIRECTORY")
        closed = not status.st_mode & (_STRANGERS if credential else _OTHERS)
        ours = status.st_uid in {0, os.geteuid()}
        if not (stat.S_ISREG(status.st_mode) and closed and ours):
            raise CredentialError(f"{file}: not a private file of this user")
        yield descriptor
    finally:
        os.close(descriptor)
