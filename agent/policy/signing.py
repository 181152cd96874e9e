"""Read and write signing.yaml: public halves of keys, where each is, how long all holds. EDGE.

    version: 1
    days: {root: 365, targets: 90, snapshot: 7, timestamp: 1}
    keys:
      alice: {public: HEX}                       # in a file of Alice's
      team: {public: HEX, transit: {address: https://vault:8200, key: policy, version: 1}}

What a key may sign is not said here but in the root metadata, which is signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import msgspec
import yaml

from agent import writing, yamlfile
from checks import mismatch
from checks.errors import HygieneError

if TYPE_CHECKING:
    from pathlib import Path

_T = TypeVar("_T")
FILE: Final = "signing.yaml"
NAME: Final = r"^[a-z0-9][a-z0-9_.\-]{0,63}$"
"""What a key may be called; it is part of a file's name."""
_Days = Annotated[int, msgspec.Meta(ge=1, le=3650)]
_Plain = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.\-]{1,128}$")]
_Folders = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.\-/]{0,256}$")]
_Address = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(https://[A-Za-z0-9.\-\[\]:]+|http://(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?)$",
        max_length=512,
    ),
]
"""A token is sent there, so that it is TLS or this host itself."""


class SigningError(HygieneError):
    """A signing.yaml that cannot be used, or a key that it does not know."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the file."""


class Transit(_Strict, frozen=True):
    """A key in the transit engine of Vault or OpenBao. ca: a file, "" for the system's."""

    address: _Address
    key: _Plain
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31)] = 1
    mount: _Folders = "transit"
    namespace: _Folders = ""
    ca: Annotated[str, msgspec.Meta(max_length=4096)] = ""


class Known(_Strict, frozen=True):
    """One key: its public half, 32 bytes of Ed25519 as hexadecimal digits."""

    public: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    transit: Transit | None = None


class Days(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days what is signed holds. Hosts refuse a timestamp that holds for long."""

    root: _Days = 365
    targets: _Days = 90
    snapshot: _Days = 7
    timestamp: _Days = 1


class Signing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; keys: by name."""

    version: int = 1
    days: Days = Days()
    keys: dict[Annotated[str, msgspec.Meta(pattern=NAME)], Known] = {}

    def known(self, name: str) -> Known:
        """Give a key by its name; raises SigningError."""
        if name not in self.keys:
            known = ", ".join(sorted(self.keys)) or "none"
            raise SigningError(f"key {name}: not in {FILE}, which has {known}")
        return self.keys[name]


def load(folder: Path) -> Signing:
    """Read the file of a folder; raises SigningError."""
    path = folder / FILE
    return _converted(yamlfile.load(path, SigningError), Signing, f"{path}: ")


def transit(raw: dict[str, object]) -> Transit:
    """Check where a key is said to be; raises SigningError."""
    return _converted(raw, Transit, "")


def _converted(raw: object, wanted: type[_T], where: str) -> _T:
    try:
        return msgspec.convert(raw, wanted)
    except msgspec.ValidationError as error:
        told = mismatch.explained(raw, str(error), msgspec.json.schema(wanted), "signing")
        raise SigningError(f"{where}{told}") from error


def add(folder: Path, signing: Signing, name: str, known: Known) -> None:
    """Write a further key into the file; raises OutputError."""
    save(folder, msgspec.structs.replace(signing, keys=signing.keys | {name: known}))


def save(folder: Path, whole: Signing) -> None:
    """Write the file; raises OutputError."""
    text = yaml.safe_dump(msgspec.to_builtins(whole), sort_keys=False)
    writing.write(folder / FILE, [text])
