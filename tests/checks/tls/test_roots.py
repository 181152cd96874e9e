"""The host's roots: read with limits, and Mozilla's told from those that were added."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

import pytest

from checks.tls import certificate, roots
from checks.tls.roots import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from tests.checks.tls.conftest import Issued, Maker


def _write(path: Path, *found: Issued) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# roots\n" + "".join(ssl.DER_cert_to_PEM_cert(one.der) for one in found))


@pytest.fixture(scope="module")
def added(maker: Maker) -> Issued:
    return maker.authority("Added By The Administrator")


def _key(one: Issued) -> str:
    return certificate.key_digest(one.der)


def test_debian_s_own_roots_are_public(tmp_path: Path, root: Issued, added: Issued) -> None:
    """On Debian only what lies in Mozilla's folder is public."""
    _write(tmp_path / "bundle", root, added, root)
    _write(tmp_path / "mozilla" / "root.crt", root)
    layout = Layout(str(tmp_path / "bundle"), public=(str(tmp_path / "mozilla"),))
    found = roots.read(layouts=[layout])
    assert found.path == str(tmp_path / "bundle")
    assert found.trusted == (root.der, added.der)
    assert found.public == {_key(root)}
    assert found.unseen == ()


def test_elsewhere_all_but_the_added_are_public(
    tmp_path: Path, root: Issued, added: Issued
) -> None:
    """Where additions have a folder, what is not there is public; in DER or in PEM."""
    _write(tmp_path / "bundle", root, added)
    anchors = tmp_path / "anchors"
    anchors.mkdir()
    (anchors / "ours.der").write_bytes(added.der)
    (anchors / "folder").mkdir()
    layout = Layout(str(tmp_path / "bundle"), added=(str(anchors), str(tmp_path / "none")))
    assert roots.read(layouts=[layout]).public == {_key(root)}


def test_without_such_folders_nothing_is_public(tmp_path: Path, root: Issued) -> None:
    """A bundle alone does not tell whose its roots are."""
    _write(tmp_path / "bundle", root)
    layout = Layout(str(tmp_path / "bundle"), added=(str(tmp_path / "none"),))
    found = roots.read(layouts=[layout])
    assert found.trusted == (root.der,)
    assert found.public == frozenset()


def test_a_given_file_replaces_the_store(tmp_path: Path, root: Issued, added: Issued) -> None:
    """Of a file that was asked for the roots are public that the host knows as such."""
    _write(tmp_path / "bundle", root, added)
    _write(tmp_path / "mozilla" / "root.crt", root)
    _write(tmp_path / "given.pem", added)
    layout = Layout(str(tmp_path / "bundle"), public=(str(tmp_path / "mozilla"),))
    found = roots.read(str(tmp_path / "given.pem"), [layout])
    assert found.trusted == (added.der,)
    assert found.public == frozenset()


def test_a_host_without_roots_is_told(tmp_path: Path) -> None:
    """No store is unseen, and so is one that was asked for and is not there."""
    assert roots.read(layouts=[Layout(str(tmp_path / "none"))]).unseen
    assert roots.read(str(tmp_path / "none")).unseen == (
        f"roots: {tmp_path / 'none'}: No such file or directory",
    )


def test_a_file_without_a_certificate_is_told(tmp_path: Path, root: Issued) -> None:
    """Without roots nothing can be said about trust, which is not the same as trusting."""
    _write(tmp_path / "empty")
    found = roots.read(str(tmp_path / "empty"))
    assert found.trusted == ()
    assert found.unseen == (f"roots: {tmp_path / 'empty'}: has no certificate in it",)
    _write(tmp_path / "one", root)
    assert roots.read(str(tmp_path / "one")).unseen == ()


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    """FIFOs do not block, and long files are not read."""
    os.mkfifo(tmp_path / "fifo")
    assert "no regular file" in roots.read(str(tmp_path / "fifo")).unseen[0]
    with (tmp_path / "long").open("wb") as file:
        file.truncate(9 * 1024 * 1024)
    assert "longer than" in roots.read(str(tmp_path / "long")).unseen[0]


def test_one_broken_certificate_does_not_hide_the_next(tmp_path: Path, root: Issued) -> None:
    """What is no certificate is told by its place, and the rest of the file is read."""
    for broken in (root._replace(der=b"\0" + root.der), root._replace(der=root.der[:40])):
        _write(tmp_path / "broken", broken, root)
        found = roots.read(str(tmp_path / "broken"))
        assert found.trusted == (root.der,)
        assert found.unseen == (f"roots: {tmp_path / 'broken'}: certificate 1 cannot be read",)


def test_an_unreadable_addition_makes_nothing_public(tmp_path: Path, root: Issued) -> None:
    """A root that may have been added is not called public."""
    _write(tmp_path / "bundle", root)
    (tmp_path / "anchors").mkdir()
    (tmp_path / "anchors" / "broken.der").write_bytes(b"\x30\x82")
    found = roots.read(
        layouts=[Layout(str(tmp_path / "bundle"), added=(str(tmp_path / "anchors"),))]
    )
    assert found.public == frozenset()
    assert found.unseen


def test_this_host_s_store_is_read() -> None:
    """The real store of the host that runs the tests is read whole."""
    found = roots.read()
    assert len(found.trusted) > 50
    assert found.unseen == ()
    assert all(certificate.read(one).extensions is not None for one in found.trusted)


def test_a_folder_with_links_that_lead_nowhere_is_read(tmp_path: Path, root: Issued) -> None:
    """They are passed over, and so is one that leads in a circle."""
    _write(tmp_path / "bundle", root)
    _write(tmp_path / "mozilla" / "root.crt", root)
    (tmp_path / "mozilla" / "gone.crt").symlink_to("/nowhere")
    (tmp_path / "mozilla" / "circle.crt").symlink_to("circle.crt")
    layout = Layout(str(tmp_path / "bundle"), public=(str(tmp_path / "mozilla"),))
    found = roots.read(layouts=[layout])
    assert (found.public, found.unseen) == ({_key(root)}, ())
