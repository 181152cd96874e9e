"""Floods, huge files, many files and files that change are bounded in time and memory."""

from __future__ import annotations

import functools
import json
import os
import random
import threading
from typing import TYPE_CHECKING

import pytest

from checks.reading import PARSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Hygiene
    from tests.e2e.conftest import Seen

MIB = 1024 * 1024


FLOODS = {
    "a line of passwords": b"passwd=",
    "arguments": b"mysql -p -p -p ",
    "authorization headers": b"Authorization: Basic ",
    "backslashes": b"password='" + b"\\" * 100_000,
    "brackets": b"password={{",
    "certificates": b"-----BEGIN CERTIFICATE-----\n",
    "dollars": b"password=" + b"${" * 50_000,
    "here-documents": b"cat <<EOF\n",
    "keys": b"-----BEGIN RSA PRIVATE KEY-----\n",
    "many passwords": b"passwd = Aa1!5x\n",
    "pairs": b"- name: DB_PASSWORD\n",
    "quotes": b"password='\"",
    "tokens": b"ghp_abcd",
    "urls": b"a://b:c@",
}
_NAMES = ("flood.env", "flood.yaml", "flood.sh", "flood.json", "flood.py", "flood.conf")


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_candidates_costs_little(
    look: Callable[..., Seen], folder: Path, name: str
) -> None:
    """Text made to cost time is bounded in whatever format it claims to be."""
    for file in _NAMES:
        (folder / file).write_bytes(FLOODS[name] * (MIB // 8 // len(FLOODS[name])))
    seen = look(folder)
    assert "took too long" not in seen.reasons
    assert seen.took.cpu < 25


REPEATED = {
    "Dockerfile": ("FROM x\nENV PASSWORD={secret}\nENV A=", 'a"', "\n"),
    "blocks.conf": ("password = {secret}\na {{ b = x; ", "a\\'", "}\n"),
    "comment.tf": ('password = "{secret}"\n/*', "a*", "*/\n"),
    "comments.tf": ('password = "{secret}"\n', "#\n", "\n"),
    "quotes.toml": ('password = "{secret}"\na = """', 'a"', '"""\n'),
    "raw.toml": ("password = '{secret}'\na = '''", "a'", "'''\n"),
    "string.tf": ('password = "{secret}"\na = "', "a$", '"\n'),
    "words.service": ("[Service]\nEnvironment=PASSWORD={secret}\nEnvironment=A=", "a'\\'", "\n"),
}
"""What a file begins with, what it then is full of, and how it ends."""


@pytest.mark.parametrize("name", REPEATED)
def test_what_is_repeated_without_end_costs_little_memory(
    look: Callable[..., Seen], folder: Path, password: str, name: str
) -> None:
    """An expression that could go back to each of millions of pieces would keep them all."""
    begin, piece, end = REPEATED[name]
    begin = begin.format(secret=password)
    times = (PARSED - len(begin) - len(end)) // len(piece)
    (folder / name).write_text(begin + piece * times + end)
    seen = look(folder)
    assert seen.found_in(name)
    assert seen.took.peak < 200 * MIB


def test_ten_million_bytes_of_passwords_take_two_seconds(
    look: Callable[..., Seen], folder: Path
) -> None:
    """The flood that costs seven seconds when every candidate is taken is cut, and counted."""
    (folder / "flood.txt").write_bytes(b"passwd=" * (10 * MIB // 7))
    seen = look(folder)
    assert "candidate flood" in seen.reasons
    assert seen.took.cpu < 3  # 2 when nothing else runs


def test_a_file_of_holes_costs_nothing(
    look: Callable[..., Seen], folder: Path, setting: str
) -> None:
    """Ten gigabytes that are not there are passed over, and what lies between them is found."""
    with (folder / "sparse.env").open("wb") as file:
        for at in (0, 3 << 30, (10 << 30) - 100):
            file.seek(at)
            file.write(b"\n" + setting.encode())
    seen = look(folder)
    assert seen.found_in("sparse.env")[0] == 2
    assert seen.took.seconds < 10
    assert seen.took.peak < 400 * MIB


def test_a_line_of_half_a_gigabyte_is_read_in_pieces(
    look: Callable[..., Seen], folder: Path, password: str
) -> None:
    """Time and memory do not grow with the line, and its end is found."""
    with (folder / "a.json").open("wb") as file:
        file.write(b'{"a": "')
        for _ in range(500):
            file.write(b"lorem ipsum dolor, " * (MIB // 19))
        file.write(f'", "password": "{password}"}}'.encode())
    seen = look(folder)
    assert seen.found_in("a.json") == [1]
    assert seen.took.seconds < 20
    assert seen.took.peak < 400 * MIB


def test_memory_does_not_grow_with_the_number_of_files(hygiene: Hygiene, folder: Path) -> None:
    """A hundred thousand files need hardly more than ten thousand."""
    peaks = []
    for number in range(100):
        (folder / str(number)).mkdir()
        first = folder / str(number) / "0.yaml"
        first.write_text("name: value\n")
        for name in range(1, 1000):
            os.link(first, folder / str(number) / f"{name}.yaml")
        if number in {9, 99}:
            run = hygiene.measured("scan", folder, "--format", "json", timeout=120)
            assert json.loads(run.done.stdout)["summary"]["files"] == number * 1000 + 1000
            peaks.append(run.peak)
    assert peaks[1] < peaks[0] + 20 * MIB


def _disturb(path: Path, rng: random.Random) -> None:
    """Let a path grow, shrink, vanish, come back as another kind, and vanish."""
    path.write_bytes(b"A=1\n" * rng.choice((1, 10_000, 3_000_000)))
    os.truncate(path, rng.choice((0, 5, 9 * MIB)))
    path.unlink()
    rng.choice((path.mkdir, path.touch, functools.partial(path.symlink_to, "/")))()
    (path.rmdir if path.is_dir() and not path.is_symlink() else path.unlink)()


@pytest.fixture
def restless(folder: Path) -> Iterator[Path]:
    """A folder with files that change all the time."""
    stop = threading.Event()

    def change() -> None:
        rng = random.Random(3)
        while not stop.is_set():
            _disturb(folder / f"{rng.randrange(8)}.env", rng)

    thread = threading.Thread(target=change)
    thread.start()
    yield folder
    stop.set()
    thread.join()


def test_files_that_change_under_the_scan_are_no_fault(
    look: Callable[..., Seen], restless: Path
) -> None:
    """Whatever is read or missed, the scan ends well and its neighbour is found."""
    for _ in range(6):
        seen = look(restless)
        reasons = {one["reason"] for one in seen.report["inconclusive"]}
        assert reasons <= {"changed while being read", "not found"}
