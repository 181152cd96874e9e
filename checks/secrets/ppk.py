"""Read PuTTY private key files of version 2 and 3 (PuTTY manual, appendix C)."""

from __future__ import annotations

import binascii
import hashlib
import hmac
from typing import Final, NamedTuple

from checks.errors import FormatError
from checks.secrets import costs, crypto

_MOST_LINES: Final = 4096


class Ppk(NamedTuple):
    """A parsed file; the private part stays encrypted if it was."""

    version: int
    algorithm: str
    encryption: str
    kdf: costs.Kdf | None
    comment: bytes
    public: bytes
    private: bytes
    mac: bytes

    def __repr__(self) -> str:
        """Leave the private part out."""
        return f"<Ppk {self.algorithm} version {self.version}>"

    @property
    def encrypted(self) -> bool:
        """Whether a passphrase is needed."""
        return self.encryption != "none"

    def opens(self, passphrase: str) -> bool:
        """Say whether the file's own MAC is right under PASSPHRASE; "" for an unencrypted file.

        Of encrypted files only version 2 is tried: version 3 has Argon2 before it.
        """
        if self.encrypted and (self.version == 3 or len(self.private) % 16):
            return False
        secret = passphrase.encode()
        private = self._decrypted(secret) if self.encrypted else self.private
        parts = (self.algorithm.encode(), self.encryption.encode(), self.comment)
        signed = b"".join(
            len(part).to_bytes(4, "big") + part for part in (*parts, self.public, private)
        )
        if self.version == 3:
            return hmac.compare_digest(hmac.digest(b"", signed, "sha256"), self.mac)
        key = hashlib.sha1(
            b"putty-private-key-file-mac-key" + secret, usedforsecurity=False
        ).digest()
        return hmac.compare_digest(hmac.digest(key, signed, "sha1"), self.mac)

    def _decrypted(self, secret: bytes) -> bytes:
        key = b"".join(
            hashlib.sha1(bytes((0, 0, 0, n)) + secret, usedforsecurity=False).digest()
            for n in (0, 1)
        )
        return crypto.decrypt_cbc("aes", key[:32], bytes(16), self.private)


def read(text: bytes) -> Ppk:
    """Read the file's lines; raises FormatError when a part is missing or not base64."""
    fields: dict[str, bytes] = {}
    lines = iter(text.splitlines()[:_MOST_LINES])
    for line in lines:
        name, colon, value = line.partition(b": ")
        key = name.decode("ascii", "replace")
        if key in {"Public-Lines", "Private-Lines"} and value.isdigit() and len(value) < 5:
            fields[key] = b"".join(next(lines, b"") for _ in range(int(value)))
        elif colon:
            fields.setdefault(key, value)
    return _ppk(fields)


def _ppk(fields: dict[str, bytes]) -> Ppk:
    version = 3 if "PuTTY-User-Key-File-3" in fields else 2
    try:
        encryption = fields["Encryption"].decode("ascii")
        return Ppk(
            version=version,
            algorithm=fields[f"PuTTY-User-Key-File-{version}"].decode("ascii"),
            encryption=encryption,
            kdf=None if encryption == "none" else _kdf(version, fields),
            comment=fields.get("Comment", b""),
            public=binascii.a2b_base64(fields["Public-Lines"]),
            private=binascii.a2b_base64(fields["Private-Lines"]),
            mac=bytes.fromhex(fields["Private-MAC"].decode("ascii")),
        )
    except KeyError:
        raise FormatError("PuTTY key: a part is missing") from None
    except ValueError:
        raise FormatError("PuTTY key: a part is not base64 or hexadecimal") from None


def _kdf(version: int, fields: dict[str, bytes]) -> costs.Kdf:
    if version == 2:
        return costs.Kdf("sha1 1", cheap=True, weak=True)
    names = ("Key-Derivation", "Argon2-Memory", "Argon2-Passes")
    shown = b" ".join(fields.get(name, b"?")[:20] for name in names)
    return costs.Kdf(shown.decode("ascii", "replace").lower(), cheap=False, weak=False)
