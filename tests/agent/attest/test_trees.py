"""The digest of a tree is that of its content, wherever and by whomever it was unpacked."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from agent.attest import trees
from checks.errors import AttestationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _tree(folder: Path) -> Path:
    top = folder / "root"
    (top / "etc/conf.d").mkdir(parents=True)
    (top / "etc/app.conf").write_text("a = 1\n")
    (top / "etc/conf.d/b\nc").write_bytes(b"\0" * 3_000_000)
    (top / "etc/link").symlink_to("/nowhere")
    os.mkfifo(top / "etc/pipe")
    return top


def _now() -> int:
    """Give a moment after all that was written so far, in the kernel's coarse clock."""
    time.sleep(0.02)
    return time.time_ns()


def _digest(top: Path) -> str:
    return trees.digest(str(top), _now())


def test_the_digest_is_what_its_description_says(tmp_path: Path) -> None:
    """The records of the module's text, made by hand, have the same hash."""
    top = tmp_path / "root"
    top.mkdir()
    (top / "a").mkdir(mode=0o755)
    (top / "a/x").write_text("1")
    (top / "a.b").write_text("2")
    (top / "l").symlink_to("a")
    os.chmod(top / "a/x", 0o4755)
    os.chmod(top / "a.b", 0o600)
    one, two, link = (hashlib.sha256(data).hexdigest() for data in (b"1", b"2", b"a"))
    mode = (top / "a").stat().st_mode & 0o7777
    records = [
        f"d {mode:04o} - /a",
        f"- 4755 {one} /a/x",
        f"- 0600 {two} /a.b",
        f"l 0777 {link} /l",
    ]
    told = "".join(f"{record}\0" for record in records).encode()
    assert _digest(top) == hashlib.sha256(told).hexdigest()
    assert trees.digest(str(top / "a.b"), _now()) == two


def test_a_copy_has_the_same_digest(tmp_path: Path) -> None:
    """Times, the order of names on the disk and the place do not count."""
    top = _tree(tmp_path)
    copy = tmp_path / "elsewhere"
    for path in (copy, copy / "etc", copy / "etc/conf.d"):
        path.mkdir(mode=0o755)
        path.chmod((top / path.relative_to(copy)).stat().st_mode & 0o7777)
    os.mkfifo(copy / "etc/pipe")
    for name in ("etc/link", "etc/conf.d/b\nc", "etc/app.conf"):
        shutil.copyfile(top / name, copy / name, follow_symlinks=False)
    os.utime(copy / "etc/app.conf", (0, 0))
    assert _digest(copy) == _digest(top)
    assert _digest(tmp_path / "root/../root") == _digest(top)


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda top: (top / "etc/app.conf").write_text("a = 2\n"),
    "a mode": lambda top: (top / "etc/app.conf").chmod(0o4755),
    "a folder's mode": lambda top: (top / "etc/conf.d").chmod(0o777),
    "a name": lambda top: (top / "etc/app.conf").rename(top / "etc/app.cong"),
    "a name's line": lambda top: (top / "etc/conf.d/b\nc").rename(top / "etc/conf.d/b c"),
    "a link": lambda top: _replace(top / "etc/link", lambda path: path.symlink_to("/other")),
    "a kind": lambda top: _replace(top / "etc/pipe", lambda path: path.touch()),
    "a folder more": lambda top: (top / "var").mkdir(),
    "a file more": lambda top: (top / "usr").write_text("not the folder of the attestation"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_change_is_another_digest(tmp_path: Path, what: str) -> None:
    """Whatever is there, and how, counts."""
    top = _tree(tmp_path)
    before = _digest(top)
    CHANGES[what](top)
    if what == "a file more":
        (top / "usr").rename(top / "usr2")
    assert _digest(top) != before


def test_the_attestation_itself_does_not_count(tmp_path: Path) -> None:
    """It can be put into what it is about; what lies beside it counts."""
    top = _tree(tmp_path)
    before = _digest(top)
    place = top / trees.ATTESTATION.lstrip("/")
    place.parent.mkdir(parents=True)
    place.write_text("{}")
    assert _digest(top) == before
    place.with_name("other").write_text("{}")
    assert _digest(top) != before


def test_what_changed_meanwhile_has_no_digest(tmp_path: Path) -> None:
    """A file or folder that was touched after the scan began is named."""
    top = _tree(tmp_path)
    began = _now()
    time.sleep(0.02)
    (top / "etc/app.conf").chmod(0o600)
    with pytest.raises(AttestationError, match=r"app\.conf: changed while it was scanned"):
        trees.digest(str(top), began)
    assert _digest(top)


def test_what_is_not_there_has_no_digest(tmp_path: Path) -> None:
    """A missing root, and one that is neither file nor folder, are named."""
    with pytest.raises(AttestationError, match="absent: No such file"):
        trees.digest(str(tmp_path / "absent"), _now())
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AttestationError, match="neither a file nor a folder"):
        trees.digest(str(tmp_path / "pipe"), _now())


def test_a_deep_tree_has_a_digest(tmp_path: Path) -> None:
    """A thousand folders in each other exhaust no stack."""
    top = tmp_path / "root"
    top.mkdir()
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    assert len(_digest(top)) == 64
    subprocess.run(["rm", "-r", top], check=True)  # Python's own way to remove it would recurse
