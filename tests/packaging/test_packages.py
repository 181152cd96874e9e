"""Packages hold what there is, and are what the system's own tools take."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import agent
from agent import settings
from tests.packaging.conftest import PACKAGING

_TOP = PACKAGING.parent
_PROJECT = tomllib.loads((_TOP / "pyproject.toml").read_text())["project"]
_EXTRAS = _PROJECT["optional-dependencies"]
_TOOLS = [*(PACKAGING / "lock/tools.in").read_text().split("\n")[1:-1]]
_LOCKS = {"agent": _PROJECT["dependencies"], "deep": _EXTRAS["deep"], "tools": _TOOLS}


def _oldest_glibc() -> str:
    found = re.search(r"(?m)^oldest_glibc=(.*)$", (PACKAGING / "environment.sh").read_text())
    assert found
    return found[1]


def _locked(name: str) -> dict[str, tuple[str, list[str]]]:
    """Give the version and the hashes of each package in a lock."""
    found = {}
    for block in re.split(r"(?m)^(?=[a-z])", (PACKAGING / f"lock/{name}.txt").read_text())[1:]:
        package, version = block.split()[0].split("==")
        found[package] = version, re.findall(r"--hash=sha256:([0-9a-f]{64})\b", block)
    return found


@pytest.mark.parametrize("name", _LOCKS)
def test_locks_cover_what_is_needed(name: str) -> None:
    """Each dependency that the project names is locked, in a version that it allows, by hashes."""
    locked = _locked(name)
    for needed in map(Requirement, _LOCKS[name]):
        version, _ = locked[canonicalize_name(needed.name)]
        assert needed.specifier.contains(version), needed
    assert all(hashes for _, hashes in locked.values())
    assert "hygiene-agent" not in locked


def test_what_is_locked_is_what_wheels_need() -> None:
    """Nothing that a locked package needs is missing: it is installed without looking."""
    locked = _locked("agent")
    environment = {"extra": "", "python_version": "3.13", "python_full_version": "3.13.0"}
    for name in locked:
        for line in distribution(name).requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate(environment):
                assert canonicalize_name(needed.name) in locked, f"{name} needs {needed}"


def _config(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PACKAGING / name).read_text())
    return loaded


@pytest.mark.parametrize("name", ["nfpm.yaml", "nfpm-deep.yaml"])
def test_packages_name_files_that_are_there(name: str) -> None:
    """What a package takes from the sources is there, and the scripts can be run."""
    config = _config(name)
    for one in config["contents"]:
        if one.get("src", "").startswith("packaging/"):
            assert (_TOP / one["src"]).is_file(), one
    for path in config.get("scripts", {}).values():
        assert os.access(_TOP / path, os.X_OK), path
        subprocess.run(["sh", "-n", _TOP / path], check=True)


def test_every_unit_is_packaged() -> None:
    """Each file of systemd/ but its README goes into the package."""
    named = [one.get("src", "") for one in _config("nfpm.yaml")["contents"]]
    kinds = next(
        re.search(r"\{(.*)\}", one) for one in named if one.startswith("systemd/") and "{" in one
    )
    assert kinds
    for path in (_TOP / "systemd").iterdir():
        kind = path.suffix.removeprefix(".")
        assert kind in {"md", *kinds[1].split(",")} or f"systemd/{path.name}" in named, path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all packages, as nfpm makes them of a build with next to nothing in it."""
    folder = tmp_path_factory.mktemp("built")
    for name in ("packaging", "systemd"):
        (folder / name).symlink_to(_TOP / name)
    names = [
        f"stage/{one}" for one in ("changelog.gz", "deep/x", "hygiene-agent/bin/hygiene-agent")
    ]
    names += [f"stage/hygiene-agent{one}.cdx.json" for one in ("", "-deep")]
    names += [f"documents/completions/hygiene-agent.{one}" for one in ("bash", "fish", "zsh")]
    for name in (*names, "documents/man/hygiene-agent.1.gz"):
        (folder / "build" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGING / "start", folder / "build" / name)
    told = {"NFPM_ARCH": "amd64", "VERSION": agent.__version__, "OLDEST_GLIBC": _oldest_glibc()}
    for config in ("nfpm.yaml", "nfpm-deep.yaml"):
        for kind in ("deb", "rpm"):
            nfpm = Path(sys.executable).with_name("nfpm")
            words = (nfpm, "package", "-f", PACKAGING / config, "-p", kind, "-t", folder)
            subprocess.run(
                words, cwd=folder, env=os.environ | told, check=True, capture_output=True
            )
    return folder


def _deb(built: Path, name: str, option: str) -> str:
    path = built / f"{name}_{agent.__version__}_amd64.deb"
    return subprocess.run(
        ["dpkg-deb", option, path], capture_output=True, text=True, check=True
    ).stdout


def test_a_deb_is_whole(built: Path) -> None:
    """The units, users, folders and the command stand where systemd and people look for them."""
    listed = {
        line.split()[5]: line.split() for line in _deb(built, "hygiene-agent", "-c").splitlines()
    }
    for path in (_TOP / "systemd").glob("*.service"):
        assert f"./usr/lib/systemd/system/{path.name}" in listed
    for path in ("sysusers.d", "tmpfiles.d"):
        assert f"./usr/lib/{path}/hygiene-agent.conf" in listed
    assert listed["./usr/bin/hygiene-agent"][-1] == "../lib/hygiene-agent/bin/hygiene-agent"
    assert listed["./usr/lib/hygiene-agent/bin/hygiene-agent"][0] == "-rwxr-xr-x"
    assert {line[1] for line in listed.values()} == {"root/root"}
    about = _deb(built, "hygiene-agent", "-f")
    assert f"libc6 (>= {_oldest_glibc()})" in about
    assert "AGPL" not in about
    assert "./usr/lib/hygiene-agent/deep/x" not in listed
    assert "/deep/x" in _deb(built, "hygiene-agent-deep", "-c")


def test_the_bootstrap_file_is_the_administrators(built: Path) -> None:
    """It is the one file that an upgrade leaves alone; the agent takes it as it comes."""
    path = built / f"hygiene-agent_{agent.__version__}_amd64.deb"
    told = subprocess.run(
        ["dpkg-deb", "-I", path, "conffiles"], capture_output=True, check=True
    ).stdout
    assert told.split() == [b"/etc/hygiene-agent/agent.yaml"]
    assert settings.load(PACKAGING / "agent.yaml") == settings.from_mapping({"version": 1})


def test_the_container_takes_what_is_built() -> None:
    """The container's recipe names this version, and the archive by the name that it gets."""
    text = (PACKAGING / "Containerfile").read_text()
    assert f"ARG VERSION={agent.__version__}\n" in text
    assert "dist/hygiene-agent-${VERSION}-linux-${MACHINE}.tar.gz" in text
    assert "name=hygiene-agent-$version-linux-$machine" in (PACKAGING / "build").read_text()


def test_the_readme_tells_the_oldest_glibc() -> None:
    """README.md says on which glibc the packages run, as what is built is compared with."""
    assert f"glibc {_oldest_glibc()}" in (PACKAGING / "README.md").read_text()
