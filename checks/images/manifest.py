"""Decode the documents of an image into frozen values; anything strange is one ImageError.

OCI image-spec: image-index.md, manifest.md, config.md. Keys that are not known do not matter.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, TypeVar

import msgspec

from checks.errors import ImageError
from checks.lazy import regex

_DIGEST: Final = regex(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")
_T = TypeVar("_T")


class Platform(msgspec.Struct, frozen=True):
    """What an image runs on."""

    architecture: str = ""
    os: str = ""
    variant: str | None = None

    @property
    def label(self) -> str:
        """Write it as "linux/arm64/v8"."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """A pointer to a blob by its digest."""

    digest: str
    media_type: str = ""
    platform: Platform | None = None
    annotations: dict[str, str] | None = None
    artifact_type: str | None = None


class Listing(msgspec.Struct, frozen=True):
    """An index, or the list of several platforms that Docker's own format has."""

    manifests: tuple[Descriptor, ...]


class Manifest(msgspec.Struct, frozen=True):
    """One image: configuration and layers, the lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


class Saved(msgspec.Struct, frozen=True):
    """One image in the manifest.json of `docker save`; layers are names in the archive."""

    config: str = msgspec.field(name="Config")
    layers: tuple[str, ...] = msgspec.field(name="Layers")
    tags: tuple[str, ...] | None = msgspec.field(name="RepoTags", default=None)


class RootFs(msgspec.Struct, frozen=True):
    """The digests of the layers as they are when decompressed."""

    diff_ids: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """One step of the build; empty_layer: it changed no file."""

    created_by: str | None = None
    comment: str | None = None
    empty_layer: bool = False


class Config(msgspec.Struct, frozen=True):
    """An image's configuration, as far as layers and platforms are concerned."""

    architecture: str = ""
    os: str = ""
    variant: str | None = None
    rootfs: RootFs = RootFs()
    history: tuple[Step, ...] | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Give the steps of the build, the first one first."""
        return self.history or ()


def decode(data: bytes, kind: type[_T], name: str) -> _T:
    """Decode a document; raises ImageError, which repeats nothing of it."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise ImageError(f"{name}: {_place(str(error))}") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ImageError(f"{name}: not JSON") from error


def _place(error: str) -> str:
    """Keep of msgspec's words what it expected; where may name what stands in the document."""
    return f"not what it should be ({error.partition(' - at')[0].lower()})"


def plain(data: bytes, name: str) -> dict[str, Any]:
    """Decode an object whatever it holds; raises ImageError."""
    return decode(data, dict[str, Any], name)


def blob_name(digest: str, name: str) -> str:
    """Give the place of a blob in a layout; raises ImageError for what is no digest."""
    if not _DIGEST.fullmatch(digest):
        raise ImageError(f"{name}: names a digest that is none")
    algorithm, _, value = digest.partition(":")
    return f"blobs/{algorithm}/{value}"


def verified(data: bytes, digest: str, name: str) -> bytes:
    """Give DATA where it has the digest; raises ImageError."""
    blob_name(digest, name)
    algorithm, _, value = digest.partition(":")
    if hashlib.new(algorithm, data).hexdigest() != value:
        raise ImageError(f"{name}: its digest does not match")
    return data
