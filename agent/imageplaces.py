"""Say of a finding in an image which layer and build step brought it, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from checks.images import documents, steps
from checks.model import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.images.fates import Fates
    from checks.images.reading import Described
    from checks.model import Finding

_TEXTS = frozenset({documents.CONFIG, documents.HISTORY})


class Places:
    """Knows the layers of one image."""

    def __init__(
        self,
        described: Described,
        fates: Fates,
        layer_of: Callable[[str], int | None],
        base: frozenset[str] | None,
        sound: frozenset[int],
    ) -> None:
        """Take what is known.

        layer_of: whose file a path of the whole root is; base: what the base's layers are, by
        digest; sound: layers, from 0, that are what the image says they are.
        """
        self._layers = described.layers
        self._made = steps.of_layers(described.config.steps, len(self._layers))
        self._fates = fates
        self._layer_of = layer_of
        self._base = base
        self._sound = sound

    def placed(self, finding: Finding) -> Finding:
        """Give a finding with its layer; one in the configuration has none."""
        where = finding.location
        if where.path in _TEXTS:
            return finding
        outer = where.path.partition("!/")[0]
        layer = int(where.layer) if where.layer else self._layer_of(outer)
        if layer is None:
            return finding
        origin = self._origin(outer, layer, whole=not where.layer)
        label = ", ".join(filter(None, (f"{origin.layer} of {origin.layers}", origin.digest[:19])))
        where = msgspec.structs.replace(where, layer=label)
        return msgspec.structs.replace(finding, location=where, origin=origin)

    def _origin(self, path: str, layer: int, *, whole: bool) -> Origin:
        named, made = self._layers[layer], self._made[layer]
        fate = None if whole else self._fates.of(path, layer)
        return Origin(
            layer=layer + 1,
            layers=len(self._layers),
            digest=named.digest or named.diff_id,
            step=made.number,
            built=made.text,
            fate=fate.word if fate else "",
            by=fate.layer + 1 if fate else 0,
            base=self._in_base(layer),
        )

    def _in_base(self, layer: int) -> bool | None:
        """Say whether a layer is the base's; one that is not what it says it is never is."""
        if self._base is None:
            return None
        return layer in self._sound and self._layers[layer].diff_id in self._base
