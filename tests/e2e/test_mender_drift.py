"""Fifty kinds of drift of real servers' files, while a client asks all the time."""

from __future__ import annotations

import os
import socket
import stat
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.e2e.daemon import until
from tests.e2e.keyservers import Apache, Haproxy, Nginx
from tests.e2e.mending import AT_ONCE, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Hygiene
    from tests.e2e.keyservers import Server

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
_ALONE: Final = 5
"""Kinds that are tried one by one, each put back once; the others come several at once."""
_TOGETHER: Final = 8


class _Parts(NamedTuple):
    """What a server's configuration is made of beside its file. text: with a line "other 2"."""

    ending: str
    text: str
    include: tuple[str, str]
    """What the file has in place of what, to read the folder of parts."""


PARTS: Final[dict[type[Server], _Parts]] = {
    Nginx: _Parts(
        ".conf",
        "# part {name}\nmap $host $part_{number} {{\n  default 1;\n  other 2;\n}}\n",
        ("http {", "http {{ include {folder}/*.conf;"),
    ),
    Apache: _Parts(
        ".conf",
        "# part {name}\n<IfDefine Part{number}>\n  Define other 2;\n  other 2;\n</IfDefine>\n",
        ("SSLEngine on", "SSLEngine on\nInclude {folder}/*.conf"),
    ),
    Haproxy: _Parts(
        ".cfg",
        "# part {name}\nbackend part_{number}\n  timeout server 2s # default\n  # other 2;\n",
        ("", ""),
    ),
}


def _line(path: Path) -> str:
    lines = path.read_text().splitlines(keepends=True)
    return next(line for line in lines if "other 2" in line)


def _replaced(path: Path, data: bytes) -> None:
    beside = path.with_name("edited")
    beside.write_bytes(data)
    beside.rename(path)


def _slowly(path: Path) -> None:
    with path.open("ab") as file:
        for _ in range(5):
            file.write(b"# more\n")
            file.flush()
            time.sleep(0.05)


def _again_and_again(path: Path) -> None:
    for i in range(40):
        _replaced(path, b"# %d\n" % i)
        time.sleep(0.01)


def _linked(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def _hard(path: Path) -> None:
    path.unlink()
    path.hardlink_to(
        "/etc/hostname"
        if os.stat("/etc").st_dev == path.parent.stat().st_dev
        else path.with_name(f"00{path.suffix}")
    )


def _made(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


def _socket(path: Path) -> None:
    short = Path("/tmp") / f"hygiene-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(short))
    short.rename(path)


RESTORED: Final[dict[str, Callable[[Path], object]]] = {
    "line appended": lambda p: p.write_text(p.read_text() + "# x\n"),
    "line in front": lambda p: p.write_text("# x\n" + p.read_text()),
    "line removed": lambda p: p.write_text(p.read_text().replace(_line(p), "")),
    "line twice": lambda p: p.write_text(p.read_text().replace(_line(p), _line(p) * 2)),
    "lines in another order": lambda p: p.write_text(
        "".join(sorted(p.read_text().splitlines(keepends=True)))
    ),
    "one byte": lambda p: p.write_text(p.read_text().replace("other 2", "other 3")),
    "emptied": lambda p: p.write_text(""),
    "truncated": lambda p: os.truncate(p, 10),
    "wholly other": lambda p: p.write_text("events {}\n"),
    "syntax error": lambda p: p.write_text("map {"),
    "unknown directive": lambda p: p.write_text("nonsense on;\n"),
    "include of elsewhere": lambda p: p.write_text("include /etc/hostname;\n"),
    "carriage returns": lambda p: p.write_bytes(p.read_bytes().replace(b"\n", b"\r\n")),
    "a byte order mark": lambda p: p.write_bytes(b"\xef\xbb\xbf" + p.read_bytes()),
    "no last line end": lambda p: p.write_text(p.read_text().rstrip("\n")),
    "one line end more": lambda p: p.write_text(p.read_text() + "\n"),
    "spaces at ends": lambda p: p.write_text(p.read_text().replace("\n", " \n")),
    "tabs": lambda p: p.write_text(p.read_text().replace("  ", "\t")),
    "NUL at the end": lambda p: p.write_bytes(p.read_bytes() + b"\0"),
    "binary": lambda p: p.write_bytes(os.urandom(5000)),
    "not UTF-8": lambda p: p.write_bytes(b"# \xff\xfe\n" + p.read_bytes()),
    "very large": lambda p: p.write_bytes(b"# x\n" * 2_000_000),
    "sparse": lambda p: os.truncate(p, 1 << 22),
    "replaced by a rename": lambda p: _replaced(p, b"# other\n"),
    "replaced by the same": lambda p: (_replaced(p, p.read_bytes()), p.chmod(0o600)),
    "written slowly": _slowly,
    "replaced again and again": _again_and_again,
    "removed": lambda p: p.unlink(),
    "renamed away": lambda p: p.rename(p.with_name("away")),
    "removed and made empty": lambda p: (p.unlink(), p.touch()),
    "everybody may write": lambda p: p.chmod(0o666),
    "only the owner": lambda p: p.chmod(0o600),
    "nobody at all": lambda p: p.chmod(0),
    "may be run": lambda p: p.chmod(0o755),
    "set user id": lambda p: p.chmod(0o4644),
    "set group id": lambda p: p.chmod(0o2644),
    "sticky": lambda p: p.chmod(0o1644),
    "another owner": lambda p: os.chown(p, 65534, 0),
    "another group": lambda p: os.chown(p, 0, 65534),
    "owner, group, mode": lambda p: (os.chown(p, 65534, 65534), p.chmod(0o777)),
    "content and mode": lambda p: (p.write_text("# x\n"), p.chmod(0o666)),
    "a link to passwd": lambda p: _linked(p, "/etc/passwd"),
    "a link to nothing": lambda p: _linked(p, "/nowhere"),
    "a link to itself": lambda p: _linked(p, p.name),
    "a link to a sibling": lambda p: _linked(p, f"00{p.suffix}"),
    "a link out of the folder": lambda p: _linked(p, "../../../../../../etc/hostname"),
    "another name of a file": _hard,
}
REPORTED: Final[dict[str, Callable[[Path], object]]] = {
    "a folder": lambda p: _made(p, lambda q: q.mkdir()),
    "a pipe": lambda p: _made(p, os.mkfifo),
    "a socket": lambda p: _made(p, _socket),
    "a device": lambda p: _made(p, lambda q: os.mknod(q, 0o20666, os.makedev(1, 3))),
}
UNTOUCHED: Final[dict[str, Callable[[Path], object]]] = {
    "only touched": lambda p: p.touch(),
    "replaced by a copy": lambda p: _replaced(p, p.read_bytes()),
}


def _parts(world: World) -> dict[str, Path]:
    """Give each kind of drift a file of its own, which the server reads."""
    told = PARTS[type(world.server)]
    folder = world.managed / "parts"
    folder.mkdir()
    world.approved = world.approved.replace(told.include[0], told.include[1].format(folder=folder))
    world.conf.write_text(world.approved)
    files = {}
    for number, name in enumerate([*RESTORED, *REPORTED, *UNTOUCHED]):
        files[name] = folder / f"{number:02}{told.ending}"
        files[name].write_text(told.text.format(name=name, number=number))
    return files


@pytest.fixture(params=[Nginx, Apache, Haproxy])
def world(hygiene: Hygiene, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(hygiene, tmp_path, request.param)
    yield made
    made.end()


def test_each_kind_of_drift_ends_as_policy_says(world: World) -> None:
    """What can come back is as approved soon; the rest is told; the service never stops."""
    files = _parts(world)
    approved = {path: path.read_text() for path in files.values()}
    wanted = {
        str(path): world.wanted | {"content": text, "endpoints": []}
        for path, text in approved.items()
    }
    world.serve({str(world.conf): world.wanted} | wanted)
    client = world.client()
    took = []
    kinds = list(RESTORED | UNTOUCHED)
    for i, name in enumerate(kinds):
        at = time.time()
        (RESTORED | UNTOUCHED)[name](files[name])
        if i < _ALONE:
            until(lambda n=name: world.restored(files[n]))
            took.append(world.restored(files[name]) - at)
        elif i % _TOGETHER == 0:
            until(lambda n=i: all(_is_approved(files[one], approved) for one in kinds[: n + 1]))
    until(lambda: all(_is_approved(files[one], approved) for one in kinds))
    for name, drift in REPORTED.items():
        drift(files[name])
    until(
        lambda: (
            {("managed-not-restored", files[name].name) for name in REPORTED}
            <= world.findings().keys()
        )
    )
    client.end()
    assert client.failed == []
    assert Path("/etc/hostname").exists()
    assert [len(world.noted("restored", files[name])) for name in kinds[:_ALONE]] == [1] * _ALONE
    assert statistics.median(took) < AT_ONCE


def _is_approved(path: Path, approved: dict[Path, str]) -> bool:
    status = path.lstat() if path.is_file() and not path.is_symlink() else None
    if status is None or path.read_bytes() != approved[path].encode():
        return False
    return (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, 0, 0o644)
