"""Find the layers of an image, and what digests they should have. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.errors import HygieneError, ImageError
from checks.images import manifest, reading
from checks.images.look import Source
from checks.images.store import Image
from checks.model import Inconclusive
from checks.unpack.kinds import HEAD, kind

if TYPE_CHECKING:
    from checks.images.choosing import Wanted
    from checks.images.reading import LayerNamed
    from checks.images.store import Store
    from checks.scanned import Result

_PLAIN = frozenset({"", "tar"})


def base(path: str, wanted: Wanted) -> frozenset[str]:
    """Give what the layers of a base image are, by digest; raises ImageError."""
    try:
        with Image(path) as image:
            return reading.contents(reading.read(image.store, wanted).layers)
    except OSError as error:
        raise ImageError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def layer(store: Store, named: LayerNamed, number: int, total: Result) -> Source | None:
    """Find a layer; one that is missing or strange is told in TOTAL."""
    name = f"layer {number}, {short(named)}" if short(named) else f"layer {number}"
    try:
        blob = store.blob(named.name)
        head = blob.raw().peek(HEAD) if blob else b""
    except OSError as error:
        why = (error.strerror or "").lower()
        total.inconclusive.append(Inconclusive(name, "cannot be read", why))
        return None
    except HygieneError as error:
        total.inconclusive.append(Inconclusive(name, str(error)))
        return None
    if blob is None:
        total.inconclusive.append(Inconclusive(name, "layer is not in the archive"))
        return None
    digest, content = (_believable(one, name, total) for one in (named.digest, named.diff_id))
    plain = kind(head, "") in _PLAIN
    told = {digest: "the manifest"} | ({content: "the configuration"} if plain else {})
    digests = tuple((one, who) for one, who in told.items() if one)
    return Source(blob, digests, "" if plain else content, name)


def short(named: LayerNamed) -> str:
    """Give a layer's digest as `docker history` and people shorten it."""
    return (named.digest or named.diff_id)[:19]


def _believable(digest: str, name: str, total: Result) -> str:
    """Give a digest, "" for none and for what is none, which is told."""
    if not digest:
        return ""
    try:
        manifest.blob_name(digest, name)
    except ImageError as error:
        total.inconclusive.append(Inconclusive(name, str(error)))
        return ""
    return digest
