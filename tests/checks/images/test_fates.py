"""What became of a path is told by the first later layer that touches it or a folder above."""

from __future__ import annotations

import pytest

from checks.images import names
from checks.images.fates import LAYERS, Fate, Fates

PATH = "/app/conf/.env"


def _fates(*layers: tuple[str, ...]) -> Fates:
    """Make them of the names of each layer; a name that ends in a slash is a folder."""
    fates = Fates()
    for layer, found in enumerate(layers):
        for name in found:
            path = names.normal(name)
            hidden = names.whiteout(path)
            if hidden:
                fates.hides(hidden, layer)
            else:
                fates.has(path, layer, folder=name.endswith("/"))
    return fates


@pytest.mark.parametrize(
    ("later", "fate"),
    [
        ("app/conf/.wh..env", Fate("deleted", 1)),
        ("app/.wh.conf", Fate("deleted", 1)),
        (".wh.app", Fate("deleted", 1)),
        ("app/conf/.wh..wh..opq", Fate("deleted", 1)),
        ("app/.wh..wh..opq", Fate("deleted", 1)),
        (".wh..wh..opq", Fate("deleted", 1)),
        ("app/conf/.env", Fate("replaced", 1)),
        ("app/conf/.env/", Fate("replaced", 1)),
        ("app/conf", Fate("replaced", 1)),
        ("app/conf/", None),
        ("app/conf/.wh.env", None),
        ("app/conf/.env.d/.wh..wh..opq", None),
        ("app/conf2/.wh..wh..opq", None),
        ("app/conf/.env2", None),
    ],
)
def test_a_later_layer_hides(later: str, fate: Fate | None) -> None:
    """Whiteouts and what stands in a path's way hide it; what is beside it does not."""
    assert _fates((PATH,), (later,)).of(PATH, 0) == fate


def test_the_own_layer_hides_nothing() -> None:
    """A whiteout hides only what the layers below have, wherever in its layer it stands."""
    fates = _fates(("app/.wh.conf", PATH, "app/.wh..wh..opq"), ("other",))
    assert fates.of(PATH, 0) is None


def test_the_first_of_several_is_told() -> None:
    """A file that was deleted and made again was deleted."""
    fates = _fates((PATH,), ("app/conf/.wh..env",), (PATH,))
    assert fates.of(PATH, 0) == Fate("deleted", 1)
    assert fates.of(PATH, 2) is None


def test_what_is_there_in_the_end() -> None:
    """A path is present where its last layer's file is not hidden."""
    fates = _fates((PATH, "gone"), (".wh.gone",), (PATH,))
    assert fates.present(PATH)
    assert not fates.present("/gone")
    assert not fates.present("/never")


def test_the_last_layer_fits() -> None:
    """The highest layer there may be is told like any other."""
    fates = _fates((PATH,))
    fates.hides(names.Hidden(PATH), LAYERS - 1)
    assert fates.of(PATH, 0) == Fate("deleted", LAYERS - 1)


def test_a_million_names_are_few_bytes() -> None:
    """Names cost eight bytes each, and asking stays fast."""
    fates = Fates()
    for number in range(200_000):
        fates.has(f"/usr/share/{number}", number % LAYERS, folder=False)
    assert len(fates) == 200_000
    assert fates.of("/usr/share/5", 5) is None
