"""Follow an image's index and manifest to its configuration and layers, digest by digest. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import ImageError
from checks.images import choosing, manifest, store
from checks.images.fates import LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.images.choosing import Wanted
    from checks.images.manifest import Config, Descriptor
    from checks.images.store import Store

_INDEXES: Final = 100
"""So many indexes within indexes are read; one may name another, or itself."""
_MANIFESTS: Final = 1_000
_TWO: Final = "index.json and manifest.json do not name the same image"


class LayerNamed(NamedTuple):
    """A layer as the image names it. digest: of the blob, "" in an old `docker save`.

    name: of its file in the store; diff_id: its digest when decompressed, "" where none is named.
    """

    name: str
    digest: str
    diff_id: str
    media_type: str = ""


class Described(NamedTuple):
    """An image before its layers are opened. document: its configuration as it stands.

    unseen: what of it, or beside it, is not looked at.
    """

    config: Config
    document: bytes
    layers: tuple[LayerNamed, ...]
    unseen: tuple[str, ...] = ()


def read(files: Store, wanted: Wanted) -> Described:
    """Read what an image says of itself; raises ImageError or OSError."""
    index = store.read(files, "index.json")
    saved = store.read(files, "manifest.json")
    if index is not None:
        found = _by_index(files, index, wanted)
        if saved is not None and not wanted.platform:
            found = _agreed(found, saved)
    elif saved is not None:
        found = _by_saved(files, saved)
    else:
        raise ImageError("has neither an index.json nor a manifest.json")
    return _checked(found)


def _agreed(found: Described, data: bytes) -> Described:
    """Say where what `docker load` may go by names other layers than the index does."""
    named = [one.layers for one in manifest.decode(data, tuple[manifest.Saved, ...], "manifest")]
    ours = [one.name for one in found.layers]
    if any(list(layers) == ours for layers in named):
        return found
    return found._replace(unseen=(*found.unseen, _TWO))


def _by_index(files: Store, data: bytes, wanted: Wanted) -> Described:
    images = _images(files, data)
    first, *others = choosing.choose([(_platform(files, one), one) for one in images], wanted)
    found = _by_manifest(files, first)
    return found._replace(unseen=(*found.unseen, *_others(len(others))))


def _others(count: int) -> list[str]:
    return [f"{count} further images of the archive"] if count else []


def _images(files: Store, data: bytes) -> list[Descriptor]:
    """Give all images that an index leads to; each blob is read once."""
    found: dict[str, Descriptor] = {}
    seen: set[str] = set()
    todo = [data]
    while todo:
        listing = manifest.decode(todo.pop(), manifest.Listing, "index")
        for one in filter(choosing.is_image, listing.manifests):
            if one.digest in seen:
                continue
            seen.add(one.digest)
            inner = _document(files, one.digest, "manifest")
            if b'"manifests"' in inner and "manifests" in manifest.plain(inner, "manifest"):
                todo.append(inner)
            else:
                found[one.digest] = one
            if len(seen) > _MANIFESTS:
                raise ImageError(f"index: names more than {_MANIFESTS} manifests")
    return list(found.values())


def _platform(files: Store, one: Descriptor) -> str:
    """Give an image's platform: as the index names it, else as its configuration does."""
    if one.platform is not None and one.platform.label:
        return one.platform.label
    config = _by_manifest(files, one).config
    return manifest.Platform(config.architecture, config.os, config.variant).label


def _by_manifest(files: Store, one: Descriptor) -> Described:
    document = _document(files, one.digest, "manifest")
    found = manifest.decode(document, manifest.Manifest, "manifest")
    data = _document(files, found.config.digest, "image config")
    config = manifest.decode(data, manifest.Config, "image config")
    ids = [*config.rootfs.diff_ids, *[""] * len(found.layers)]
    layers = [
        LayerNamed(manifest.blob_name(layer.digest, "manifest"), layer.digest, diff_id, kind)
        for layer, diff_id, kind in zip(
            found.layers, ids, (layer.media_type for layer in found.layers), strict=False
        )
    ]
    return Described(config, data, tuple(layers))


def _document(files: Store, digest: str, name: str) -> bytes:
    data = store.read(files, manifest.blob_name(digest, name))
    if data is None:
        raise ImageError(f"{name}: is not in the archive")
    return manifest.verified(data, digest, name)


def _by_saved(files: Store, data: bytes) -> Described:
    images = manifest.decode(data, tuple[manifest.Saved, ...], "manifest")
    if not images:
        raise ImageError("holds no image")
    first = images[0]
    document = store.read(files, first.config)
    if document is None:
        raise ImageError("image config: is not in the archive")
    _check_name(document, first.config)
    config = manifest.decode(document, manifest.Config, "image config")
    ids = [*config.rootfs.diff_ids, *[""] * len(first.layers)]
    layers = [
        LayerNamed(name, _digest_in(name), diff_id)
        for name, diff_id in zip(first.layers, ids, strict=False)
    ]
    others = {(one.config, one.layers) for one in images} - {(first.config, first.layers)}
    return Described(config, document, tuple(layers), tuple(_others(len(others))))


def _check_name(document: bytes, name: str) -> None:
    """Compare a configuration with the digest that is its name: ID.json, or blobs/sha256/ID."""
    base = name.rpartition("/")[2].removesuffix(".json")
    manifest.verified(document, f"sha256:{base}", "image config")


def _digest_in(name: str) -> str:
    """Give the digest that a layer's name is, "" in the old form, where it is an id."""
    algorithm, _, value = name.removeprefix("blobs/").partition("/")
    return f"{algorithm}:{value}" if name.startswith("blobs/") else ""


def _checked(found: Described) -> Described:
    named, there = len(found.config.rootfs.diff_ids), len(found.layers)
    unseen = list(found.unseen)
    if named != there:
        unseen.append(f"the manifest has {there} layers, the configuration {named}")
    if there > LAYERS:
        unseen.append(f"more than {LAYERS} layers: those above were not looked at")
    return found._replace(layers=found.layers[:LAYERS], unseen=tuple(unseen))


def contents(found: Sequence[LayerNamed]) -> frozenset[str]:
    """Give what the layers are when decompressed, by digest."""
    return frozenset(layer.diff_id for layer in found if layer.diff_id)
