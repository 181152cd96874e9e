"""An SBOM names everything that was put into a package, and is what the schema says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.packaging.conftest import PACKAGING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

_DIGEST = "ab" * 32
_LOCK = (
    f"a-part==1.0 \\\n    --hash=sha256:{_DIGEST} \\\n    --hash=sha256:{'cd' * 32}\n    # via x\n"
)
_INNER = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "components": [{"type": "library", "name": "inner", "version": "3", "bom-ref": "i"}],
}


@pytest.fixture(scope="module")
def sbom(script: Callable[[str], ModuleType]) -> ModuleType:
    """The script that writes them."""
    return script("sbom")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one package, which has an SBOM of its own and a library with an old OpenSSL."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    about = tmp_path / "A_Part-1.0.dist-info"
    (about / "sboms").mkdir(parents=True)
    (about / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: A_Part\nVersion: 1.0\nLicense-Expression: MIT\n"
    )
    (about / "sboms/inner.cdx.json").write_text(json.dumps(_INNER))
    (tmp_path / "part.so").write_bytes(b"\0OpenSSL 1.1.1w  11 Sep 2023\0OpenSSL %s\0")
    (about / "RECORD").write_text("part.so,,\nA_Part-1.0.dist-info/sboms/inner.cdx.json,,\n")
    return tmp_path


def _told(sbom: ModuleType, packages: Path, sources: str = "") -> dict[str, Any]:
    told: dict[str, Any] = json.loads(sbom.text(sbom.bom("x", "1.2", _LOCK, packages, sources)))
    return told


def test_a_package_is_named_with_what_is_in_it(sbom: ModuleType, packages: Path) -> None:
    """It says a package's version, licence and hashes, and the parts of it that are not Python."""
    told = _told(sbom, packages)
    (part,) = told["components"]
    assert (part["name"], part["version"], part["purl"]) == ("a-part", "1.0", "pkg:pypi/a-part@1.0")
    assert part["licenses"] == [{"license": {"id": "MIT"}}]
    files = [one["hashes"][0]["content"] for one in part["externalReferences"]]
    assert files == [_DIGEST, "cd" * 32]
    inner = {(one["name"], one["version"]) for one in part["components"]}
    assert inner == {("inner", "3"), ("openssl", "1.1.1w")}
    assert told["metadata"]["component"]["version"] == "1.2"


def test_the_interpreter_is_named(sbom: ModuleType, packages: Path) -> None:
    """Each release that the interpreter is built from stands there, with its hash."""
    told = _told(sbom, packages, (PACKAGING / "sources.txt").read_text())
    found = {one["name"]: one for one in told["components"]}
    assert {"openssl", "python3.13", "sqlite3", "zlib"} < found.keys()
    assert len(found["openssl"]["hashes"][0]["content"]) == len(_DIGEST)
    roots = next(one for one in told["dependencies"] if one["ref"] == "x")
    assert len(roots["dependsOn"]) == len(found)


def test_what_is_not_locked_is_refused(sbom: ModuleType, packages: Path) -> None:
    """A package that the lock does not name ends it."""
    with pytest.raises(KeyError):
        sbom.bom("x", "1", _LOCK.replace("a-part", "b-part"), packages)


def test_the_same_comes_out_each_time(sbom: ModuleType, packages: Path) -> None:
    """Nothing in it depends on when it was made; another version is another SBOM."""
    assert _told(sbom, packages) == _told(sbom, packages)
    other = json.loads(sbom.text(sbom.bom("x", "1.3", _LOCK, packages)))
    assert other["serialNumber"] != _told(sbom, packages)["serialNumber"]
