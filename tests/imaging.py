"""Make images by hand, as builders leave them: OCI layouts and both forms of `docker save`."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": lambda data: gzip.compress(data, 6, mtime=0),
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}
_MEDIA = "application/vnd.oci.image"


class Made(NamedTuple):
    """An image in parts. layers: tar archives, the lowest first; config: without its rootfs."""

    layers: Sequence[bytes]
    config: Mapping[str, Any]
    compression: str = "plain"


def sha(data: bytes) -> str:
    """Give a digest as images write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """Describe a member of a layer; fields: of TarInfo."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def layer(*members: tuple[tarfile.TarInfo, bytes] | tuple[str, bytes]) -> bytes:
    """Write a layer of what `member` gives, or of (name, content)."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for one in members:
            info, data = member(*one) if isinstance(one[0], str) else one
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def made(
    *layers: bytes, steps: Sequence[str] = (), compression: str = "plain", **config: object
) -> Made:
    """Describe an image. steps: `created_by` of each layer; config: what runs, `Env` say."""
    history = [{"created_by": step} for step in steps]
    told = {"architecture": "amd64", "os": "linux", "config": config, "history": history}
    return Made(layers, told, compression)


def documents(image: Made) -> dict[str, bytes]:
    """Give the blobs of an image by their names in a layout, and its index."""
    packed = [COMPRESS[image.compression](one) for one in image.layers]
    rootfs = {"type": "layers", "diff_ids": [sha(one) for one in image.layers]}
    config = json.dumps({**image.config, "rootfs": rootfs}).encode()
    suffix = "" if image.compression == "plain" else f"+{image.compression}"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"mediaType": f"{_MEDIA}.config.v1+json", **_named(config)},
            "layers": [
                {"mediaType": f"{_MEDIA}.layer.v1.tar{suffix}", **_named(one)} for one in packed
            ],
        }
    ).encode()
    entry = {"mediaType": f"{_MEDIA}.manifest.v1+json", **_named(manifest)}
    return {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode(),
        **{blob(one): one for one in (*packed, config, manifest)},
    }


def _named(data: bytes) -> dict[str, Any]:
    return {"digest": sha(data), "size": len(data)}


def blob(data: bytes) -> str:
    """Give the name of a blob in a layout."""
    return f"blobs/{sha(data).replace(':', '/')}"


def docker_old(image: Made) -> dict[str, bytes]:
    """Give the files of `docker save` before version 25: a folder a layer, links for copies."""
    rootfs = {"type": "layers", "diff_ids": [sha(one) for one in image.layers]}
    config = json.dumps({**image.config, "rootfs": rootfs}).encode()
    name = sha(config).partition(":")[2]
    ids = [
        hashlib.sha256(f"{at}".encode() + one).hexdigest() for at, one in enumerate(image.layers)
    ]
    saved = {"Config": f"{name}.json", "RepoTags": ["app:1"]}
    files = {f"{name}.json": config}
    files |= {f"{one}/layer.tar": data for one, data in zip(ids, image.layers, strict=True)}
    saved["Layers"] = [f"{one}/layer.tar" for one in ids]
    return {**files, "manifest.json": json.dumps([saved]).encode()}


def docker_new(image: Made) -> dict[str, bytes]:
    """Give the files of `docker save` from version 25 on: an OCI layout and a manifest.json."""
    files = documents(image)
    index = json.loads(files["index.json"])
    manifest = json.loads(files[_place(index["manifests"][0])])
    layers = [_place(one) for one in manifest["layers"]]
    saved = {"Config": _place(manifest["config"]), "RepoTags": ["app:1"], "Layers": layers}
    return {**files, "manifest.json": json.dumps([saved]).encode()}


def _place(named: Mapping[str, Any]) -> str:
    return f"blobs/{named['digest'].replace(':', '/')}"


def archive(files: Mapping[str, bytes], path: Path) -> Path:
    """Write the files of an image as one archive."""
    path.write_bytes(layer(*files.items()))
    return path


def folder(files: Mapping[str, bytes], path: Path) -> Path:
    """Write the files of an image as a folder."""
    for name, data in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return path
