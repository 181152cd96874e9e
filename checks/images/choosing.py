"""Choose the image that is meant among those of an index, by its platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.images.manifest import Descriptor

_ATTESTATION: Final = "vnd.docker.reference.type"
_MACHINES: Final = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm/v7",
    "armv6l": "arm/v6",
    "i686": "386",
}


class Wanted(NamedTuple):
    """The platform to look at: "" for the only one there is, else this machine's."""

    platform: str = ""
    machine: str = ""

    @property
    def own(self) -> str:
        """Give this machine's platform in the words of images."""
        return f"linux/{_MACHINES.get(self.machine, self.machine)}"


def is_image(one: Descriptor) -> bool:
    """Say whether an entry is an image, and no attestation or other artifact beside one."""
    unknown = one.platform is not None and one.platform.os == "unknown"
    return not unknown and _ATTESTATION not in (one.annotations or {})


def choose(images: Sequence[tuple[str, Descriptor]], wanted: Wanted) -> list[Descriptor]:
    """Give those of the wanted platform; images: each with its platform; raises ImageError."""
    known = sorted({platform for platform, _ in images})
    if not images:
        raise ImageError("holds no image")
    ask = wanted.platform or (known[0] if len(known) == 1 else wanted.own)
    found = [one for platform, one in images if fits(platform, ask)]
    if not found:
        shown = ", ".join(platform or "unnamed" for platform in known[:20])
        raise ImageError(f"holds no image for {ask}, but for {shown}\nhint: name one by --platform")
    return list({one.digest: one for one in found}.values())


def fits(platform: str, ask: str) -> bool:
    """Say whether "linux/arm64/v8" is what "linux/arm64" asks for."""
    return platform == ask or platform.startswith(f"{ask}/")
