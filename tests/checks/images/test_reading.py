"""An image is followed from its index to its layers, and every digest on the way counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from checks.errors import ImageError
from checks.images import reading
from checks.images.choosing import Wanted
from checks.images.store import Image
from tests import imaging
from tests.checks.images.conftest import FORMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from checks.images.reading import Described
    from tests.imaging import Made

LAYERS = (imaging.layer(("a", b"1")), imaging.layer(("b", b"2")))
HERE = Wanted(machine="x86_64")


def read(path: Path, wanted: Wanted = HERE) -> Described:
    with Image(str(path)) as image:
        return reading.read(image.store, wanted)


def archived(files: dict[str, bytes], folder: Path) -> Described:
    return read(imaging.archive(files, folder / "image.tar"))


def index(*entries: object) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": entries}).encode()


def entries(files: dict[str, bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(files["index.json"])["manifests"]
    return found


@pytest.mark.parametrize("form", FORMS)
def test_every_form_names_the_same_layers(write: Callable[[Made, str], Path], form: str) -> None:
    """All forms of one image give its layers in their order with the digests of their content."""
    found = read(write(imaging.made(*LAYERS, steps=["one", "two"]), form))
    assert [one.diff_id for one in found.layers] == [imaging.sha(one) for one in LAYERS]
    assert [one.created_by for one in found.config.steps] == ["one", "two"]
    assert found.unseen == ()


def test_the_same_layer_twice_is_a_link(folder: Path) -> None:
    """An old `docker save` has a link in place of a layer's second copy."""
    files = imaging.docker_old(imaging.made(LAYERS[0], LAYERS[0]))
    first, second = json.loads(files["manifest.json"])[0]["Layers"]
    del files[second]
    link = imaging.member(second, type=b"2", linkname=f"../{first}")
    path = folder / "image.tar"
    path.write_bytes(imaging.layer(*files.items(), link))
    with Image(str(path)) as image:
        there = [image.store.blob(one.name) for one in reading.read(image.store, HERE).layers]
    assert there[0] is not None
    assert there[0] == there[1]


def test_the_platform_is_chosen(folder: Path) -> None:
    """Of several platforms the one asked for counts, else this machine's."""
    files: dict[str, bytes] = {}
    named = []
    for architecture in ("arm64", "amd64"):
        image = imaging.made(imaging.layer((architecture, b"x")))
        config = {**image.config, "architecture": architecture}
        some = imaging.documents(image._replace(config=config))
        named += [
            {**one, "platform": {"os": "linux", "architecture": architecture}}
            for one in entries(some)
        ]
        files |= some
    files["index.json"] = index(*named)
    path = imaging.archive(files, folder / "image.tar")
    for wanted, architecture in (
        (HERE, "amd64"),
        (Wanted(machine="aarch64"), "arm64"),
        (Wanted("linux/arm64", "x86_64"), "arm64"),
    ):
        assert read(path, wanted).config.architecture == architecture
    with pytest.raises(
        ImageError, match="no image for linux/s390x, but for linux/amd64, linux/arm64"
    ):
        read(path, Wanted("linux/s390x"))


def test_the_only_platform_is_taken(folder: Path) -> None:
    """An image for another machine is looked at where it is the only one."""
    files = imaging.documents(imaging.made(*LAYERS))
    assert len(archived(files, folder).layers) == 2
    assert len(read(folder / "image.tar", Wanted(machine="riscv64")).layers) == 2


def test_attestations_are_no_images(folder: Path) -> None:
    """What buildx puts beside an image is passed by."""
    files = imaging.documents(imaging.made(*LAYERS))
    beside = {**entries(files)[0], "digest": imaging.sha(b"x"), "platform": {"os": "unknown"}}
    files["index.json"] = index(beside, *entries(files))
    assert len(archived(files, folder).layers) == 2


def test_an_index_within_an_index(folder: Path) -> None:
    """An index that names another leads to its images."""
    files = imaging.documents(imaging.made(*LAYERS))
    inner = files["index.json"]
    files[imaging.blob(inner)] = inner
    files["index.json"] = index({"digest": imaging.sha(inner)})
    assert len(archived(files, folder).layers) == 2


def test_further_images_are_told(folder: Path) -> None:
    """Of several images one is looked at, and the others are told as not seen."""
    files = imaging.documents(imaging.made(*LAYERS))
    other = imaging.documents(imaging.made(LAYERS[1]))
    files |= {**other, "index.json": index(*entries(files), *entries(other))}
    assert archived(files, folder).unseen == ("1 further images of the archive",)


def test_two_lists_that_differ_are_told(folder: Path) -> None:
    """A manifest.json that `docker load` would take other layers from is no secret."""
    files = imaging.docker_new(imaging.made(*LAYERS))
    saved = json.loads(files["manifest.json"])
    saved[0]["Layers"].pop()
    files["manifest.json"] = json.dumps(saved).encode()
    assert archived(files, folder).unseen == (
        "index.json and manifest.json do not name the same image",
    )


def _without(files: dict[str, bytes], data: bytes) -> dict[str, bytes]:
    return {name: one for name, one in files.items() if one != data}


FILES = imaging.documents(imaging.made(*LAYERS))
MANIFEST = next(one for one in FILES.values() if b'"schemaVersion"' in one and b'"layers"' in one)
CONFIG = next(one for one in FILES.values() if b'"rootfs"' in one)
DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "neither an index.json nor a manifest.json"),
        ({"index.json": b"not json"}, "index: not JSON"),
        ({"index.json": DEEP}, "index: not"),
        ({"index.json": b'{"manifests": ' + DEEP}, "index: not"),
        ({"index.json": b"[]"}, "index: not what it should be"),
        ({"index.json": b'{"manifests": 7}'}, "index: not what it should be"),
        ({"index.json": b'{"manifests": []}'}, "holds no image"),
        ({"index.json": index({"digest": "sha256:../../etc/passwd"})}, "a digest that is none"),
        ({"index.json": index({"digest": "md5:abc"})}, "a digest that is none"),
        ({"index.json": index({"digest": imaging.sha(b"x")})}, "is not in the archive"),
        (_without(FILES, MANIFEST), "manifest: is not in the archive"),
        (_without(FILES, CONFIG), "image config: is not in the archive"),
        ({**FILES, imaging.blob(MANIFEST): MANIFEST + b" "}, "manifest: its digest does not match"),
        ({**FILES, imaging.blob(CONFIG): CONFIG + b" "}, "image config: its digest does not match"),
        ({"manifest.json": b"[]"}, "holds no image"),
        (
            {"manifest.json": b'[{"Config": "../../etc/hostname", "Layers": []}]'},
            "not in the archive",
        ),
        ({"manifest.json": b'[{"Config": "a.json", "Layers": []}]', "a.json": b"{}"}, "is none"),
        ({"index.json": b"\xff\xfe" * 100}, "index: not JSON"),
        ({"index.json": b" " * (9 << 20)}, "index.json: larger than 8 MiB"),
    ],
)
def test_what_is_no_image(files: dict[str, bytes], why: str, folder: Path) -> None:
    """Every way of being none is one error that says which document it is."""
    with pytest.raises(ImageError, match=why):
        archived(files, folder)


def test_an_index_that_names_itself_ends(folder: Path) -> None:
    """Indexes that lead to nothing but each other are each read once."""
    inner = index({"digest": imaging.sha(b"nowhere"), "platform": {"os": "unknown"}})
    files = {
        "index.json": index(*[{"digest": imaging.sha(inner)}] * 500),
        imaging.blob(inner): inner,
    }
    with pytest.raises(ImageError, match="holds no image"):
        archived(files, folder)


def test_an_endless_chain_of_indexes_ends(folder: Path) -> None:
    """More manifests than any image has are refused."""
    files, inner = dict[str, bytes](), index()
    for _ in range(1_100):
        files[imaging.blob(inner)] = inner
        inner = index({"digest": imaging.sha(inner)})
    with pytest.raises(ImageError, match="more than 1000 manifests"):
        archived({**files, "index.json": inner}, folder)


def test_too_many_layers_are_told(folder: Path) -> None:
    """Of an image of thousands of layers the lowest are read, and the others told as unseen."""
    found = archived(imaging.documents(imaging.made(*[LAYERS[0]] * 1_000)), folder)
    assert len(found.layers) == 256
    assert any("more than 256 layers" in why for why in found.unseen)


def test_a_document_of_two_is_doubtful(folder: Path) -> None:
    """An archive with two files of a document's name could mean either."""
    path = folder / "image.tar"
    path.write_bytes(imaging.layer(*FILES.items(), ("./index.json", b"{}")))
    with pytest.raises(ImageError, match="several of this name"):
        read(path)
