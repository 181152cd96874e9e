"""Keys are found where configurations name them, and no other file is opened."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from checks.tls.config import Pair, Setting, Site
from checks.tls.keyfinding import Finder
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from checks.tls.keyuse import Use
    from tests.checks.tls.conftest import Issued, Maker

PLACE = Setting("server", "", "/etc/nginx/nginx.conf", 1)


def site(*pairs: tuple[str, str]) -> Site:
    """Make a site that names certificates and their keys."""
    named = (Pair(Setting("c", c, PLACE.path, 2), Setting("k", k, PLACE.path, 3)) for c, k in pairs)
    return Site(server="nginx", place=PLACE, pairs=tuple(named))


def private(issued: Issued, password: bytes = b"") -> str:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return str(issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode())


def found(root: Path, *pairs: tuple[str, str], live: bool = False) -> list[Use]:
    with RootTree(str(root)) as tree:
        return list(Finder(tree, live=live).uses(site(*pairs)))


@pytest.fixture
def issued(maker: Maker, tmp_path: Path) -> Issued:
    """Put a certificate, its key, and both in one file, below a root."""
    made = maker.make()
    text = ssl.DER_cert_to_PEM_cert(made.der)
    (tmp_path / "a.pem").write_text(text)
    (tmp_path / "a.key").write_text(private(made))
    (tmp_path / "both").write_text(text + private(made))
    return made


def test_a_pair_is_read_and_joined_by_its_key(tmp_path: Path, issued: Issued) -> None:
    """Two files, or one file with both; through links that stay inside."""
    (tmp_path / "link").symlink_to("/a.key")
    pairs = (("/a.pem", "/a.key"), ("/both", "/both"), ("/a.pem", "/link"))
    for one in found(tmp_path, *pairs):
        assert one.leaf == issued.sha256
        assert one.key.facts
        assert one.key.facts.spki == one.spki != ""
        assert one.host == PLACE
    status = (tmp_path / "a.key").stat()
    first, _, last = found(tmp_path, *pairs)
    assert first.key.inode == last.key.inode == (status.st_dev, status.st_ino)
    assert last.key.path == "/link"


def test_what_holds_no_key_is_no_key(tmp_path: Path, issued: Issued) -> None:
    """Nor is a file that is not there, nor one outside of the root."""
    (tmp_path / "text").write_text("ssl_certificate /a;")
    (tmp_path / "out").symlink_to("../../../../etc/passwd")
    assert found(tmp_path, *(("/a.pem", f"/{name}") for name in ("text", "none", "out"))) == []
    assert found(tmp_path, ("/none", "/a.key"))[0].leaf == ""
    assert found(tmp_path, ("/a.key", "/a.key"))[0].spki == ""


def test_an_encrypted_key_gives_nothing_away(tmp_path: Path, issued: Issued, password: str) -> None:
    """It is a key all the same, and no passphrase is tried."""
    (tmp_path / "a.key").write_text(private(issued, password.encode()))
    (one,) = found(tmp_path, ("/a.pem", "/a.key"))
    assert one.key.facts
    assert (one.key.facts.encrypted, one.key.facts.spki) == (True, "")


def test_groups_are_those_of_the_root(tmp_path: Path, issued: Issued) -> None:
    """A number means what the root's own files say."""
    (tmp_path / "etc").mkdir()
    gid = (tmp_path / "a.key").stat().st_gid
    (tmp_path / "etc/group").write_text(f"others:x:77:\nkeepers:x:{gid}:a,b\nbroken\n")
    (one,) = found(tmp_path, ("/a.pem", "/a.key"))
    assert (one.key.access.gid, one.key.access.group) == (gid, "keepers")


@pytest.mark.skipif(not os.path.ismount("/dev/shm"), reason="no file system in memory here")
def test_what_lies_in_memory_does_not_last(maker: Maker, tmp_path: Path) -> None:
    """On a live host only; where an image was unpacked to says nothing."""
    made = maker.make()
    place = Path("/dev/shm") / f"hygiene-{os.getpid()}.key"
    try:
        place.write_text(private(made))
        assert [one.key.lasting for one in found(Path("/"), ("/c", str(place)), live=True)] == [
            False
        ]
        assert [one.key.lasting for one in found(Path("/"), ("/c", str(place)))] == [True]
    finally:
        place.unlink()
