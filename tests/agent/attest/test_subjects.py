"""A scan is about exactly what was looked at."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest

from agent.attest import subjects, trees
from agent.imagetarget import Target
from checks.attest.statement import Subject
from checks.errors import AttestationError
from checks.images.choosing import Wanted
from tests import imaging

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.scanning import Job

    Write = Callable[[dict[str, bytes], Path], Path]

HEX = "ab" * 32
ONE = imaging.made(imaging.layer(("a", b"1")), imaging.layer(("b", b"2")))
TWO = imaging.made(imaging.layer(("a", b"1")), architecture="arm64")


class _Job(NamedTuple):
    """Of a job what is asked for here."""

    roots: tuple[str, ...] = ()
    image: Target | None = None


def _of(
    told: str = "",
    began: int | None = None,
    roots: tuple[str, ...] = (),
    image: Target | None = None,
) -> tuple[Subject, ...]:
    time.sleep(0.02)  # the kernel's clock for files is coarse
    before = time.time_ns() if began is None else began
    return subjects.of(cast("Job", _Job(roots, image)), told, before)


def _target(path: Path, platform: str = "linux/amd64") -> Target:
    return Target(str(path), Wanted(platform, "x86_64"))


def _digests(files: dict[str, bytes]) -> tuple[str, str]:
    """Give the digests of manifest and configuration, as the index leads to them."""
    digest = json.loads(files["index.json"])["manifests"][0]["digest"]
    manifest = json.loads(files[f"blobs/{digest.replace(':', '/')}"])
    return digest.partition(":")[2], manifest["config"]["digest"].partition(":")[2]


@pytest.mark.parametrize("write", [imaging.archive, imaging.folder])
def test_an_image_is_known_by_manifest_and_configuration(tmp_path: Path, write: Write) -> None:
    """As the registry and `docker images` know it, in a folder or in an archive."""
    files = imaging.documents(ONE)
    manifest, config = _digests(files)
    path = write(files, tmp_path / "app")
    found = _of("app:1", image=_target(path))
    assert found == (
        Subject(name="app:1", digest={"sha256": manifest}),
        Subject(name="app:1#config", digest={"sha256": config}),
    )
    assert _of(image=_target(path))[0].name == str(path)


def test_an_old_archive_is_known_by_its_configuration(tmp_path: Path) -> None:
    """`docker save` before version 25 has no manifest that a registry knows."""
    files = imaging.docker_old(ONE)
    path = imaging.archive(files, tmp_path / "app.tar")
    config = next(data for name, data in files.items() if name != "manifest.json")
    digest = hashlib.sha256(config).hexdigest()
    assert _of("app", image=_target(path, "")) == (Subject(name="app", digest={"sha256": digest}),)


def test_of_several_images_it_is_the_one_that_was_scanned(tmp_path: Path) -> None:
    """An index within the index leads to two; the platform says which."""
    one, two = imaging.documents(ONE), imaging.documents(TWO)
    entries = [json.loads(one["index.json"])["manifests"][0] for one in (two, one)]
    for entry, arch in zip(entries, ("arm64", "amd64"), strict=True):
        entry["platform"] = {"os": "linux", "architecture": arch}
    inner = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    entry = {"digest": imaging.sha(inner), "size": len(inner)}
    outer = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    files = two | one | {imaging.blob(inner): inner, "index.json": outer}
    path = imaging.folder(files, tmp_path / "app")
    for platform, of in (("linux/amd64", one), ("linux/arm64", two)):
        assert _of(image=_target(path, platform))[0].digest["sha256"] == _digests(of)[0]


def test_what_was_told_is_believed(tmp_path: Path) -> None:
    """Who pushes the image later knows its digest, whatever was scanned."""
    told = _of(f"web@sha256:{HEX}", roots=(str(tmp_path / "absent"),))
    assert told == (Subject(name="web", digest={"sha256": HEX}),)


def test_trees_are_known_by_their_digests(tmp_path: Path) -> None:
    """Each root is a subject; one name is no name for two."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text(name)
    roots = (str(tmp_path / "a"), str(tmp_path / "b"))
    found = _of(roots=roots)
    assert [one.name for one in found] == list(roots)
    assert found[0].digest != found[1].digest
    assert found[0].digest == {"sha256": trees.digest(roots[0], time.time_ns())}
    assert _of("web", roots=roots[:1])[0].name == "web"
    with pytest.raises(AttestationError, match="expected one path"):
        _of("web", roots=roots)


def test_an_image_that_changed_meanwhile_is_none(tmp_path: Path) -> None:
    """Also one that is replaced by another whole one."""
    began = time.time_ns()
    time.sleep(0.02)
    path = imaging.archive(imaging.documents(ONE), tmp_path / "app.tar")
    with pytest.raises(AttestationError, match="changed while it was scanned"):
        _of(began=began, image=_target(path))


def test_what_is_no_image_is_not_attested(tmp_path: Path) -> None:
    """It is named, and the reason given."""
    (tmp_path / "app.tar").write_text("no image")
    with pytest.raises(AttestationError, match=r"app\.tar: cannot be attested: .*archive"):
        _of(image=_target(tmp_path / "app.tar"))
