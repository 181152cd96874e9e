"""What the end-to-end tests share: trees to scan, and a search for canaries in what was written."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.agent.policy import bao
from tests.agent.vault.conftest import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.conftest import Hygiene, Measured

GENERATE = Path(__file__).parents[1] / "corpus" / "generate.py"
NARROW, WORDS, WIDE = WIDTHS = 8, 12, 16
_HEX = re.compile(r"[0-9a-fA-F]*")
_SEEDS = ("planted", "other")


class Label(NamedTuple):
    """A value of the corpus: the file it stands in, its kind, itself."""

    path: str
    kind: str
    value: str


def _plain(value: str) -> Iterator[str]:
    """Give a value and what it decodes to."""
    yield value
    yield from {html.unescape(value), urllib.parse.unquote(value)} - {value}
    try:
        decoded = base64.b64decode(value, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return
    yield decoded
    yield decoded.partition(":")[2]


def _written(value: str) -> Iterator[str]:
    """Give the ways in which a value might be repeated."""
    raw = value.encode()
    yield from (value, value[::-1], html.escape(value), json.dumps(value)[1:-1])
    yield urllib.parse.quote(value, safe="")
    yield from (raw.hex(), raw[::-1].hex(), raw.hex().upper())
    for shift in range(3):  # it may stand anywhere in what was encoded
        code = base64.b64encode(bytes(shift) + raw).decode()
        yield code[shift and 4 : len(code) - (4 if code.endswith("=") else 0)]


def _pieces(label: Label) -> Iterator[str]:
    least = WORDS if label.kind.endswith("words") else NARROW
    for plain in _plain(label.value):
        if len(plain) < NARROW:
            continue
        for form in _written(plain):
            for at in range(len(form)):
                width = WIDE if _HEX.fullmatch(form[at : at + least]) else least
                piece = form[at : at + width]
                blanks = sum(map(str.isspace, piece))  # of indented lines
                if len(piece) == width and blanks < 3:
                    yield piece


class Search:
    """Finds the values of LABELS, but for what OTHERS, made alike, have in common with them."""

    def __init__(self, labels: Iterable[Label], others: Iterable[Label] = ()) -> None:
        common = {piece for label in others for piece in _pieces(label)}
        self._owners = {
            piece.encode("utf-8", "surrogateescape"): label
            for label in labels
            for piece in _pieces(label)
            if piece not in common
        }

    def leaks(self, data: bytes) -> list[Label]:
        """Give the labels of which a piece stands in DATA."""
        found = set()
        for width in WIDTHS:
            seen = {data[at : at + width] for at in range(len(data) - width + 1)}
            found |= {self._owners[piece] for piece in seen & self._owners.keys()}
        return sorted(found)


class Planted(NamedTuple):
    """The corpus on the disk, its values and a search for them."""

    folder: Path
    labels: list[Label]
    search: Search

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


def _generated(into: Path, seed: str) -> list[Label]:
    words = [sys.executable, GENERATE, "--into", into, "--seed", seed]
    done = subprocess.run(words, capture_output=True, check=True, timeout=120)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        Label(row["path"], row["kind"], row["value"])
        for row in rows
        # Weak ones are words that everybody knows, optional ones are no secrets to everybody.
        if not row["optional"] and not row["kind"].endswith("weak")
    ]


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """The corpus with values that stand nowhere else."""
    base = tmp_path_factory.mktemp("canaries")
    labels, others = (_generated(base / seed, seed) for seed in _SEEDS)
    return Planted(base / "planted", labels, Search(labels, others))


@pytest.fixture(scope="session")
def search_for() -> Callable[..., Search]:
    """A search for one value; other: one made alike, whose common parts are no leak."""

    def search(value: str, kind: str = "strong", other: str = "") -> Search:
        return Search([Label("", kind, value)], [Label("", kind, other)])

    return search


@pytest.fixture
def tree(folder: Path, password: str) -> Path:
    """A folder with one password and one file without."""
    tree = folder / "tree"
    tree.mkdir()
    (tree / "app.env").write_text(f"# database\nDB_PASSWORD={password}\n")
    (tree / "plain.txt").write_text("nothing here\n")
    return tree


class Seen(NamedTuple):
    """What a scan gave: exit status, report, and what it took where that was measured."""

    status: int
    report: dict[str, Any]
    took: Measured | None = None

    @property
    def reasons(self) -> str:
        """Why what was not looked at was not."""
        return "; ".join(f"{one['reason']} {one['detail']}" for one in self.report["inconclusive"])

    def found_in(self, name: str) -> list[int]:
        """Give the lines of findings in files whose path contains NAME."""
        return [one["line"] for one in self.report["findings"] if name in one["path"]]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """A real OpenBao."""
    with bao.running(tmp_path_factory.mktemp("bao")) as server:
        yield Vault(server, tmp_path_factory.mktemp("host"))


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder in memory, as /run is."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name)


@pytest.fixture
def setting(password: str) -> str:
    """A line with a password in clear text."""
    return f"DB_PASSWORD={password}\n"


@pytest.fixture
def look(hygiene: Hygiene, setting: str) -> Callable[..., Seen]:
    """Scan a folder with a neighbour that must be found whatever lies beside it."""

    def scan(folder: Path, *roots: Path) -> Seen:
        (folder / "neighbour.env").write_text("\n" + setting)
        took = hygiene.measured("scan", "--format", "json", folder, *roots)
        seen = Seen(took.done.returncode, json.loads(took.done.stdout), took)
        assert seen.found_in("neighbour.env") == [2], "the neighbour was lost"
        assert seen.status == 1
        return seen

    return scan
