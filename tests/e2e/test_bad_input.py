"""Hostile and broken input costs its own outcome and nothing else, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Hygiene
    from tests.e2e.conftest import Seen

MIB = 1024 * 1024


# What has no content to look at


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _loop(path: Path) -> None:
    path.symlink_to(path.with_name("b"))
    path.with_name("b").symlink_to(path)


NO_CONTENT: dict[str, tuple[Callable[[Path], None], dict[str, int]]] = {
    "dangling link": (lambda path: path.symlink_to("nowhere"), {"dangling link": 1}),
    "empty file": (Path.touch, {"empty": 1}),
    "fifo": (_fifo, {"fifo": 1}),
    "link to a file": (lambda path: path.symlink_to("neighbour.env"), {"link": 1}),
    "link to its own folder": (lambda path: path.symlink_to("."), {"link": 1}),
    "link to the root": (lambda path: path.symlink_to("/"), {"link": 1}),
    "looping links": (_loop, {"dangling link": 2}),
    "socket": (_socket, {"socket": 1}),
}


@pytest.mark.parametrize(("plant", "kinds"), NO_CONTENT.values(), ids=NO_CONTENT)
def test_what_has_no_content_is_counted(
    look: Callable[..., Seen],
    folder: Path,
    plant: Callable[[Path], None],
    kinds: dict[str, int],
) -> None:
    """It is neither opened nor followed nor held against the scan."""
    plant(folder / "a")
    seen = look(folder)
    assert seen.report["summary"]["not_applicable"] == kinds
    assert seen.reasons == ""


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_as_a_root_is_not_opened(
    look: Callable[..., Seen], folder: Path, path: str
) -> None:
    """What was asked for and is no file was not looked at, and nothing waits for it."""
    os.mkfifo(folder / "fifo")
    seen = look(folder, Path(path), folder / "fifo")
    assert sorted(one["detail"] for one in seen.report["inconclusive"]) == ["device", "fifo"]


def test_roots_that_are_links(hygiene: Hygiene, folder: Path, setting: str) -> None:
    """A link that was named is followed; one that loops or leads nowhere was not seen."""
    (folder / "real").mkdir()
    (folder / "real" / "a.env").write_text(setting)
    (folder / "good").symlink_to("real")
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("missing")
    status, report = hygiene.report(folder / "good", folder / "loop", folder / "nowhere")
    assert status == 1
    assert [one["path"] for one in report["findings"]] == [str(folder / "good" / "a.env")]
    assert {Path(one["path"]).name for one in report["inconclusive"]} == {"loop", "nowhere"}


def test_pseudo_file_systems_are_left_alone(hygiene: Hygiene, folder: Path) -> None:
    """A scan of the root folder would not wander into /proc and /sys."""
    policy = folder / "policy.yaml"
    policy.write_text(json.dumps({"files": {"exclude": ["/[!p]*"]}}))
    status, report = hygiene.report("/", "--policy", policy)
    assert status in {0, 3}
    assert report["summary"]["not_applicable"]["pseudo file system"] >= 1
    assert report["summary"]["files"] < 1000


# Names


def test_names_that_are_no_text_are_found_and_told(
    look: Callable[..., Seen], folder: Path, setting: str
) -> None:
    """A name's bytes are in the report, whatever they are."""
    names = [b"\xff\xfe.env", b"\xc3\x28.env", b"line\nend.env", b"caf\xc3\xa9.env", b" .env"]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_text(setting)
    seen = look(folder)
    assert len(seen.report["findings"]) == len(names) + 1
    assert sum("path_base64" in one for one in seen.report["findings"]) == 2


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif", "html"])
def test_no_name_writes_to_the_terminal(
    hygiene: Hygiene, folder: Path, setting: str, form: str
) -> None:
    """Escape sequences, carriage returns and reordering in names are shown, not sent."""
    hostile = "a\x1b]0;owned\x07\x1b[2J\r\x9b31m\u202e\u2066b.env"
    (folder / hostile).write_text(setting)
    (folder / "k.yaml").write_text("'\x9bkey\u202e password': " + setting.partition("=")[2])
    done = hygiene("scan", folder, "--format", form)
    assert done.returncode == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]", done.stdout)


def test_a_deep_tree_is_walked_to_its_end(look: Callable[..., Seen], folder: Path) -> None:
    """Folders within folders cost no recursion; a path beyond the kernel's limit was not seen."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 100, dir_fd=here)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    seen = look(folder)
    assert "name too long" in seen.reasons


# Texts


_DEEP = 200_000
_PASSWORD = "@PASSWORD@"
"""Stands for the password in the texts below, in whatever encoding."""
_SETTING = f"DB_PASSWORD={_PASSWORD}\n".encode()
_COLON = f"password: {_PASSWORD}\n".encode()
_EQUALS = f'password = "{_PASSWORD}"\n'.encode()
_JSON = f'{{"password": "{_PASSWORD}",\n"a": '.encode()
_XML = f"\n<l>\n<password>{_PASSWORD}</password>\n".encode()
_ALIASES = b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)
)
_ENTITIES = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
_UTF16 = f"\ufeffDB_PASSWORD={_PASSWORD}\n".encode("utf-16-le")
TEXTS: dict[str, tuple[str, bytes]] = {
    "alias bomb": ("a.yaml", b"a0: &a0 [x, x]\n" + _ALIASES + _COLON),
    "billion laughs": (
        "a.xml",
        b'<!DOCTYPE l [<!ENTITY a0 "ha">' + _ENTITIES + b"]>" + _XML + b"<x>&a11;</x></l>",
    ),
    "byte-order mark alone": ("a.conf", b"\xff\xfe"),
    "deep HCL": ("a.tf", _EQUALS + b"a {\n" * 50_000),
    "deep JSON": ("a.json", _JSON + b"[" * _DEEP),
    "deep JSON objects": ("a.json", _JSON + b'{"a":' * _DEEP + b"1" + b"}" * (_DEEP + 1)),
    "deep TOML": ("a.toml", _EQUALS + b"a = " + b"[" * _DEEP),
    "deep TOML keys": ("a.toml", _EQUALS + b"a." * _DEEP + b"a = 1\n"),
    "deep XML": ("a.xml", _XML + b"<a>" * _DEEP),
    "deep YAML": ("a.yaml", _COLON + b"a: " + b"[" * _DEEP),
    "deep YAML blocks": ("a.yaml", _COLON + b"".join(b" " * n + b"a:\n" for n in range(3000))),
    "deep shell": ("a.sh", b"#!/bin/sh\n" + _EQUALS.replace(b" = ", b"=") + b"$(" * 50_000),
    "external entity": (
        "a.xml",
        b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + _XML + b"<x>&x;</x></l>",
    ),
    "half a surrogate": ("a.conf", _UTF16 + b"\x00\xd8\x00"),
    "line ends of all kinds": ("a.env", b"\r\n\n" + _SETTING + b"\r\x0b\x0c\x85"),
    "NUL bytes": ("a.env", b"A=1\0" + _SETTING + b"\0B=2\0"),
    "no last line end": ("a.env", _SETTING.rstrip()),
    "odd UTF-16": ("a.conf", _UTF16 + b"\x00"),
    "one long line": (
        "a.json",
        _JSON + b'"' + b"x" * (5 * MIB) + f'", "password": "{_PASSWORD}"}}'.encode(),
    ),
    "a hundred thousand keys": ("a.yaml", _COLON + b"here: there\n" * 100_000),
}
NOTHING_IN_IT = {"byte-order mark alone"}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_breaks_parsers_hides_nothing(
    look: Callable[..., Seen], folder: Path, password: str, name: str
) -> None:
    """What stands in it in plain sight is found, and soon."""
    file, data = TEXTS[name]
    for encoding in ("utf-8", "utf-16-le"):
        data = data.replace(_PASSWORD.encode(encoding), password.encode(encoding))
    (folder / file).write_bytes(data)
    seen = look(folder)
    assert seen.reasons == ""
    assert bool(seen.found_in(f"/{file}")) == (name not in NOTHING_IN_IT)
