"""The bootstrap file: what this host itself decides, and no policy from anywhere can change.

Which trees may be read, where reports may go, which labels the host has. Strict: an unknown name
or a wrong value is refused with its place, what was expected and what was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from agent import yamlfile
from agent.keysettings import Action, KeySettings, VaultSettings
from checks import mismatch
from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_Count = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
_Label = Annotated[str, msgspec.Meta(max_length=256)]
_Version = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_File = Annotated[str, msgspec.Meta(pattern="^(/|$)", max_length=4096)]
_Absolute = Annotated[str, msgspec.Meta(pattern="^/", max_length=4096)]
_Folder = Annotated[str, msgspec.Meta(pattern=r"^(/(?!\.{1,2}(/|$))[^/\x00]+)+/?$")]
KEYS: Final = "keys.d"
"""The folder beside the bootstrap file in which keys may have files of their own."""
_ROOTS: Final = (
    "/etc",
    "/home",
    "/opt",
    "/root",
    "/srv",
    "/tmp",  # noqa: S108 - looked at, not used
    "/usr/local",
    "/var/lib",
    "/var/www",
)
_EXCLUDE: Final = (
    *("/var/lib/hygiene-agent/*", "/var/lib/docker/*", "/var/lib/containerd/*"),
    *("/var/lib/containers/*", "/var/lib/dpkg/*", "/var/lib/apt/*", "/var/lib/rpm/*"),
)


class SettingsError(HygieneError):
    """A bootstrap file that cannot be used; names the key path."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the file."""


class HostSettings(_Strict, frozen=True):
    """What reports call this host. name: "" for its host name; image: what it was made from.

    id: "" for one made from the machine's own id. The image is best named NAME@sha256:HEX; an
    attestation for it lies in the file `attestation`, "" for the one that the image brings.
    """

    id: _Label = ""
    name: _Label = ""
    image: _Label = ""
    attestation: _File = ""
    labels: dict[str, _Label] = {}


class WatchSettings(_Strict, frozen=True):
    """What may be watched. exclude: globs on whole paths, `*` crosses slashes.

    sweep: seconds between two walks that look for what the kernel does not tell.
    """

    enabled: bool = True
    roots: tuple[_Absolute, ...] = _ROOTS
    exclude: tuple[str, ...] = _EXCLUDE
    links: bool = True
    sweep: _Count = 600


class TlsSettings(_Strict, frozen=True):
    """How often TLS listeners are looked at, in seconds. deep: where the policy wants that."""

    enabled: bool = True
    discover: _Count = 30
    fingerprint: _Count = 60
    whole: _Count = 86_400
    deep: _Count = 604_800


class Budget(_Strict, frozen=True):
    """What a role may use. cpu: percent of one core, in any ten seconds; memory: MiB.

    cpu is kept by the watcher together with its readers; the other roles show what they use of it.
    read: MiB a second that the watcher reads; owner: that of it for the files of one user.
    """

    cpu: Annotated[int, msgspec.Meta(ge=1, le=6400)] = 25
    memory: Annotated[int, msgspec.Meta(ge=64, le=1 << 20)] = 512
    read: _Count = 64
    owner: _Count = 32


class MendSettings(_Strict, frozen=True):
    """Where managed files may be put back; nowhere if no folder is named.

    folders: below these; days: for which what stood there before is kept; dry_run: only say what
    would be done.
    """

    folders: tuple[_Folder, ...] = ()
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30
    dry_run: bool = False


class OutboxSettings(_Strict, frozen=True):
    """How much is kept for sinks that are away, for each role that reports."""

    mib: Annotated[int, msgspec.Meta(ge=4, le=1 << 20)] = 64
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 14
    digest: _Count = 14_400


class Minimum(_Strict, frozen=True):
    """Versions of the store's metadata below which nothing is believed, however it is signed."""

    root: _Version = 0
    timestamp: _Version = 0
    snapshot: _Version = 0
    targets: _Version = 0


class StoreSettings(_Strict, frozen=True):
    """The central store of policy. url: its scheme names the kind, https, file or bundle; "": none.

    root: the file with the root of trust (TUF root metadata). every: seconds between two polls;
    probation: seconds in which a new policy has to prove itself; longest: seconds from now beyond
    which no timestamp may expire, so that nobody can be held at an old policy for long. The rest
    is as for the sink `https`.
    """

    url: Annotated[str, msgspec.Meta(pattern="^([a-z]+://.+|)$", max_length=4096)] = ""
    root: _File = ""
    minimum: Minimum = Minimum()
    every: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 300
    probation: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 60
    longest: _Count = 129_600
    ca: _File = ""
    certificate: _File = ""
    key: _File = ""
    token_file: _File = ""
    token_credential: Annotated[str, msgspec.Meta(max_length=128)] = ""
    proxy: Annotated[str, msgspec.Meta(pattern="^(http://|$)", max_length=1024)] = ""


class Settings(_Strict, frozen=True):
    """The whole file. state: the folder in which everything of ours is kept.

    policy: the policy file, "" for the built-in one; store: where it comes from instead, then
    `policy` is what holds until the first one came; sinks: by name, each with `kind` and what its
    kind needs; vault, keys, actions: see `agent.keysettings`; mend: which managed files may be put
    back.
    """

    version: Literal[1]
    host: HostSettings = HostSettings()
    state: _Absolute = "/var/lib/hygiene-agent"
    policy: str = ""
    store: StoreSettings = StoreSettings()
    watch: WatchSettings = WatchSettings()
    tls: TlsSettings = TlsSettings()
    budget: Budget = Budget()
    outbox: OutboxSettings = OutboxSettings()
    sinks: dict[str, dict[str, Any]] = {}
    vault: VaultSettings = VaultSettings()
    keys: dict[str, KeySettings] = {}
    actions: dict[str, Action] = {}
    mend: MendSettings = MendSettings()

    @property
    def keeps(self) -> bool:
        """Whether there is anything for the keeper to do."""
        return bool(self.vault.address and (self.keys or self.vault.known))


def load(path: Path) -> Settings:
    """Read a bootstrap file, and the keys that have files beside it; raises SettingsError."""
    raw = yamlfile.load(path, SettingsError)
    try:
        told = from_mapping(raw)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error
    keys = dict(told.keys)
    for name, key in _beside(path.with_name(KEYS)):
        if name in keys:
            raise SettingsError(f"{path}: keys.{name}: stands in {KEYS} as well")
        keys[name] = key
    return msgspec.structs.replace(told, keys=keys)


def _beside(folder: Path) -> Iterator[tuple[str, KeySettings]]:
    """Read the keys of a folder: NAME.yaml says of the key NAME what `keys` would."""
    try:
        found = sorted(one for one in folder.iterdir() if one.suffix == ".yaml")
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(f"{folder}: {error.strerror}") from error
    for path in found:
        try:
            raw = {"version": 1, "keys": {path.stem: yamlfile.load(path, SettingsError)}}
            yield from from_mapping(raw).keys.items()
        except SettingsError as error:
            said = str(error).removeprefix(f"{path}: ")
            raise SettingsError(f"{path}: {said}") from error


def from_mapping(raw: object) -> Settings:
    """Check a decoded file; raises SettingsError("watch.sweep: expected int, got str")."""
    try:
        return msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(mismatch.explained(raw, str(error), schema(), "settings")) from error


def schema() -> dict[str, Any]:
    """Give the JSON Schema of a bootstrap file."""
    return msgspec.json.schema(Settings)
