"""Read the clear-text head of an OpenSSH private key (PROTOCOL.key of OpenSSH)."""

from __future__ import annotations

from typing import Final, NamedTuple

from checks.errors import FormatError
from checks.secrets import costs
from checks.secrets.cursor import Cursor

_MAGIC: Final = b"openssh-key-v1\0"


class Container(NamedTuple):
    """The head: is it encrypted and how, the type and blob of the public key, is it whole."""

    encrypted: bool
    kdf: costs.Kdf | None
    type: str
    public: bytes
    whole: bool

    @property
    def hardware(self) -> bool:
        """Whether the private key is in a FIDO token and the file holds only its handle."""
        return self.type.startswith("sk-")


def read(body: bytes) -> Container:
    """Read the decoded body; raises FormatError when it is not of this format."""
    if not body.startswith(_MAGIC):
        raise FormatError("OpenSSH private key: not of version 1")
    cursor = Cursor(body, len(_MAGIC))
    cipher, kdf, options = cursor.string(), cursor.string(), cursor.string()
    if cursor.number(4) != 1:
        raise FormatError("OpenSSH private key: expected one key")
    public = cursor.string()
    name = Cursor(public).string()[:64].decode("ascii", "replace")
    return Container(cipher != b"none", _kdf(kdf, options), name, public, _whole(cursor))


def _whole(cursor: Cursor) -> bool:
    return cursor.left >= 4 and cursor.number(4) <= cursor.left


def _kdf(name: bytes, options: bytes) -> costs.Kdf | None:
    if name == b"none":
        return None
    if name != b"bcrypt":
        return costs.Kdf("unknown", cheap=False, weak=False)
    cursor = Cursor(options)
    cursor.string()  # the salt
    return costs.bcrypt(cursor.number(4))
