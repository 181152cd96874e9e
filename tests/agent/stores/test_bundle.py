"""A store in one tar archive: what is in it by name, and nothing of what else it may say."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import stores
from agent.policy.belief import Seen, Why
from agent.policy.trust import Client, RefusedError
from agent.settings import StoreSettings
from agent.stores import AbsentError, AwayError, StoreError, TooLongError
from agent.stores.bundle import Bundle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.stores import Store
    from tests.agent.policy.published import Repository

FILES = {"metadata/1.root.json": b"root", "targets/a%2Fb/1.json": b"x" * 2000, "empty": b""}


def _packed(files: Mapping[str, object], kind: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=kind) as tar:
        for name, data in files.items():
            assert isinstance(data, bytes)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def _opened(path: Path) -> Store:
    return stores.open(StoreSettings(url=f"bundle://{path}"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.tar"
    path.write_bytes(_packed(FILES))
    return path


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("before", ["", "./"])
def test_a_file_comes_whole(kind: int, before: str, path: Path) -> None:
    """Of every kind of tar, long names included, up to the length that is allowed."""
    long = "targets/" + "y" * 90 + "/" + "z" * 90 + ".json"
    path.write_bytes(
        _packed({before + name: one for name, one in (FILES | {long: b"l"}).items()}, kind)
    )
    store = _opened(path)
    for name, content in FILES.items():
        assert store.fetch(name, len(content)) == content
    assert store.fetch(long, 1) == b"l"
    with pytest.raises(TooLongError):
        store.fetch("targets/a%2Fb/1.json", 1999)
    with pytest.raises(AbsentError):
        store.fetch("metadata/2.root.json", 10)
    assert store.date is None


def test_a_bundle_is_believed_as_a_store_is(repository: Repository, tmp_path: Path) -> None:
    """With a timestamp that lives for long, where that is allowed; changed, it is refused."""
    path = tmp_path / "policy.tar"
    path.write_bytes(_packed(repository.shelf.files))

    def client() -> Client:
        return Client(
            _opened(path),
            tmp_path / "copies",
            repository.pin,
            minimum={},
            longest=None,
            now=lambda: repository.now,
        )

    view = client().refresh(Seen())
    assert client().content(view.targets["policy/base/1.json"]) == b"{}"
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":7'))
    with pytest.raises(RefusedError) as caught:
        client().refresh(Seen())
    assert caught.value.why == Why.UNSIGNED


def test_links_in_it_lead_nowhere(path: Path) -> None:
    """A link, a device or a folder of the right name is no file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE)):
            member = tarfile.TarInfo(f"metadata/{number}")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    path.write_bytes(packed.getvalue())
    for number in range(3):
        with pytest.raises(AbsentError):
            _opened(path).fetch(f"metadata/{number}", 10_000)


@pytest.mark.parametrize("kind", ["none", "pipe", "folder", "sparse", "text", "cut"])
def test_what_is_no_bundle(kind: str, path: Path) -> None:
    """It is not waited for, and not read without an end; a cut one gives nothing half."""
    data = path.read_bytes()
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "sparse":
        path.touch()
        os.truncate(path, 1 << 40)
    elif kind != "none":
        path.write_bytes(b"no archive at all" * 100 if kind == "text" else data[:2500])
    with pytest.raises(AwayError):
        _opened(path).fetch("targets/a%2Fb/1.json", 10_000)


@given(data=st.data())
def test_any_bytes(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is in the file, a content or our own error comes of it."""
    right = _packed(FILES)[:6000]
    start = data.draw(st.integers(0, len(right)))
    path = tmp_path_factory.getbasetemp() / "any.tar"
    path.write_bytes(right[:start] + data.draw(st.binary(max_size=60)) + right[start + 40 :])
    for name in FILES:
        try:
            assert len(Bundle(str(path)).fetch(name, 2000)) <= 2000
        except StoreError:
            continue


def test_settings_that_cannot_work() -> None:
    """It is a file of this host."""
    with pytest.raises(StoreError, match=r"store\.url"):
        stores.open(StoreSettings(url="bundle://other/x.tar"))
