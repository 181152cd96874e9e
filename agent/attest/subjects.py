"""Say what a scan was about: an image by its digests, or trees by theirs. EDGE."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from agent.attest import trees
from checks.attest.statement import Subject
from checks.errors import AttestationError, ImageError
from checks.images import choosing, manifest, reading, store
from checks.images.store import Image
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.imagetarget import Target
    from agent.scanning import Job
    from checks.images.reading import Described
    from checks.images.store import Store

_DOCUMENTS: Final = ("", "/index.json", "/manifest.json")
"""Of an image in a folder; its blobs are named by their digests."""
_LONGEST: Final = 1000


def of(job: Job, told: str, before: int) -> tuple[Subject, ...]:
    """Give the subjects of a scan that began at BEFORE, in nanoseconds since 1970.

    told: NAME@sha256:HEX is believed as it is; of a NAME and of "" the digest is what is there.
    Raises AttestationError.
    """
    name, _, digest = told.partition("@sha256:")
    if digest:
        return (_subject(name, digest),)
    if job.image is not None:
        return tuple(_image(job.image, name or job.image.path, before))
    if name and len(job.roots) > 1:
        raise AttestationError("attestation: expected one path for one subject")
    return tuple(_subject(name or root, trees.digest(root, before)) for root in job.roots)


def _subject(name: str, digest: str) -> Subject:
    return Subject(name=printable(name, longest=_LONGEST), digest={"sha256": digest})


def _image(target: Target, name: str, before: int) -> Iterator[Subject]:
    """Give an image by its manifest, where it has one, and by its configuration."""
    try:
        _settled(target.path, before)
        with Image(target.path) as image:
            described = reading.read(image.store, target.wanted)
            found = _manifest(image.store, described)
        _settled(target.path, before)
    except (ImageError, OSError) as error:
        raise AttestationError(f"{printable(target.path)}: cannot be attested: {error}") from error
    config = hashlib.sha256(described.document).hexdigest()
    if found:
        yield _subject(name, found)
        name = f"{name}#config"
    yield _subject(name, config)


def _settled(path: str, before: int) -> None:
    for one in map(os.fsencode, (path + name for name in _DOCUMENTS)):
        if os.path.exists(one):
            trees.settled(one, os.stat(one), before)


def _manifest(files: Store, described: Described) -> str:
    """Give SHA-256 of the manifest that names what was read, "" for an image without any."""
    for data in _manifests(files):
        told = manifest.decode(data, manifest.Manifest, "manifest")
        algorithm, _, value = told.config.digest.partition(":")
        same = [one.digest for one in told.layers] == [one.digest for one in described.layers]
        if same and hashlib.new(algorithm, described.document).hexdigest() == value:
            return hashlib.sha256(data).hexdigest()
    return ""


def _manifests(files: Store) -> Iterator[bytes]:
    """Give every manifest that the index leads to, itself or by others; each is as it is named."""
    index = store.read(files, "index.json")
    todo, seen = [] if index is None else [index], set[str]()
    while todo:
        for one in manifest.decode(todo.pop(), manifest.Listing, "index").manifests:
            if not choosing.is_image(one) or one.digest in seen:
                continue
            seen.add(one.digest)
            data = store.read(files, manifest.blob_name(one.digest, "manifest")) or b""
            manifest.verified(data, one.digest, "manifest")
            if "manifests" in manifest.plain(data, "manifest"):
                todo.append(data)
            else:
                yield data
