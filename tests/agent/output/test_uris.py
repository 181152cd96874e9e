"""Paths become URI references that lead back to the same bytes."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st

from agent.output.uris import Base


def test_base_is_the_common_folder() -> None:
    """The roots' common folder is the base, and a root that is a file gives its folder."""
    assert Base.of(("/srv/a", "/srv/b"), ()).folder == "/srv"
    assert Base.of(("/srv/a",), ("/srv/a/x",)).folder == "/srv/a"
    assert Base.of(("/srv/a.zip",), ("/srv/a.zip!/x",)).folder == "/srv"
    assert Base.of(("/srv", "src"), ()).folder == ""
    assert Base.of((), ()).folder == ""


def test_absolute_base_is_a_file_uri() -> None:
    """An absolute base has a URI that ends in a slash, a relative one a description."""
    assert Base("/srv/a b").ids == {"SCANROOT": {"uri": "file:///srv/a%20b/"}}
    assert Base("/").ids == {"SCANROOT": {"uri": "file:///"}}
    assert "uri" not in Base("").ids["SCANROOT"]


def test_paths_are_relative_and_percent_encoded() -> None:
    """Below the base a path is relative; special and odd bytes are encoded."""
    base = Base("/srv")
    assert base.locate("/srv/a b/c:d%.zip!/e\udcff") == {
        "uri": "a%20b/c%3Ad%25.zip!/e%FF",
        "uriBaseId": "SCANROOT",
    }
    assert base.locate("/srvx/a") == {"uri": "file:///srvx/a"}
    assert Base("").locate("./src/a.py") == {"uri": "src/a.py", "uriBaseId": "SCANROOT"}
    assert Base("").locate("/etc/a") == {"uri": "file:///etc/a"}
    assert Base("/").locate("/etc/a") == {"uri": "etc/a", "uriBaseId": "SCANROOT"}


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: raw.strip(b"/.")))
def test_encoding_can_be_undone(raw: bytes) -> None:
    """The bytes of any name come back."""
    name = raw.decode("utf-8", "surrogateescape").lstrip("/")
    uri = Base("/srv").locate(f"/srv/{name}")["uri"]
    assert unquote_to_bytes(uri) == name.encode("utf-8", "surrogateescape")


def test_a_root_of_elsewhere_has_no_uri() -> None:
    """Paths in an image are relative to its root, which is no file of this host."""
    base = Base.of(("app.tar",), ("/etc/a",), "the root of image app.tar")
    assert base.locate("/etc/a") == {"uri": "etc/a", "uriBaseId": "SCANROOT"}
    assert base.ids == {"SCANROOT": {"description": {"text": "the root of image app.tar"}}}
