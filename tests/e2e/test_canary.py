"""A secret is never repeated: plant values, run everything, search all that was written for them.

The corpus gives a file of every format with values that stand nowhere else. Looked for is each
value and every piece of it of 8 characters, plain, reversed and in the usual encodings. A piece
that the same place has under another seed too is part of a fixed prefix or of a format, not of the
secret; pieces of hexadecimal digits only are looked for from 16 on, since fingerprints are such.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import random
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from agent import setup
from checks import catalog
from checks.errors import HygieneError
from checks.inspect import Inspector
from checks.secrets import judge
from checks.spotted import Document, finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.scanning import Job
    from tests.conftest import Hygiene

GENERATE = Path(__file__).parents[1] / "corpus" / "generate.py"
NARROW, WIDE = 8, 16
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


def _pieces(value: str) -> Iterator[str]:
    for plain in _plain(value):
        if len(plain) < NARROW:
            continue
        for form in _written(plain):
            for at in range(len(form) - NARROW + 1):
                piece = form[at : at + NARROW]
                if _HEX.fullmatch(piece):
                    piece = form[at : at + WIDE]
                if len(piece) == NARROW or len(piece) == WIDE:
                    yield piece


class Search:
    """Finds the values of LABELS, but for what OTHERS, made alike, have in common with them."""

    def __init__(self, labels: Iterable[Label], others: Iterable[Label] = ()) -> None:
        common = {piece for label in others for piece in _pieces(label.value)}
        self._owners = {
            piece.encode("utf-8", "surrogateescape"): label
            for label in labels
            for piece in _pieces(label.value)
            if piece not in common
        }

    def leaks(self, data: bytes) -> list[Label]:
        """Give the labels of which a piece stands in DATA."""
        found = set()
        for width in (NARROW, WIDE):
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
        if not row["kind"].endswith("weak")  # words that everybody knows, ours too
    ]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """The corpus with values that stand nowhere else."""
    base = tmp_path_factory.mktemp("canaries")
    labels, others = (_generated(base / seed, seed) for seed in _SEEDS)
    return Planted(base / "planted", labels, Search(labels, others))


@pytest.fixture(scope="module")
def job(state: Path) -> Iterator[Job]:
    """A scan's engine and key, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYGIENE_AGENT_STATE", str(state))
        yield setup.job(setup.Choice((".",)))


# That the search would find a leak


SAMPLE = Label("x", "strong", "Vx7!tq" + "".join(random.Random(5).choices("ghkmnpzKQW~5", k=14)))


@pytest.mark.parametrize(
    "leak",
    [
        SAMPLE.value,
        SAMPLE.value[3:11],
        SAMPLE.value[-8:],
        SAMPLE.value[::-1],
        urllib.parse.quote(SAMPLE.value, safe=""),
        SAMPLE.value.encode().hex(),
        SAMPLE.value.encode()[::-1].hex(),
        SAMPLE.value.encode().hex().upper(),
        base64.b64encode(SAMPLE.value.encode()).decode(),
        base64.b64encode(b"user:" + SAMPLE.value.encode()).decode(),
        base64.b64encode(b"some:" + SAMPLE.value.encode() + b" more").decode(),
    ],
)
def test_the_search_finds_a_leak(leak: str) -> None:
    """Whatever form it takes and whatever surrounds it."""
    data = random.Random(6).randbytes(5000)
    search = Search([SAMPLE])
    assert search.leaks(data) == []
    assert search.leaks(data[:999] + leak.encode() + data[999:]) == [SAMPLE]


def test_the_search_allows_what_is_fixed() -> None:
    """A prefix that all tokens of an issuer have is no part of the secret; what follows is."""
    ours, other = (Label("x", "T", "prefix_of_issuer_" + tail) for tail in ("aZ3kQ9mW", "7YtR2pLx"))
    search = Search([ours], [other])
    assert search.leaks(b"prefix_of_issuer_") == []
    assert search.leaks(b"_aZ3kQ9m") == [ours]


def test_the_search_reaches_into_what_is_encoded() -> None:
    """Of a value that is base64 itself, what it encodes is looked for too."""
    label = Label("x", "basic deploy strong", base64.b64encode(b"deploy:Vx7!tqRm29pKz").decode())
    assert Search([label]).leaks(b"...Vx7!tqRm...") == [label]


def test_every_planted_value_is_found_where_it_stands(planted: Planted) -> None:
    """The corpus itself is full of leaks: the search finds nearly all values in its files."""
    data = b"\n".join(path.read_bytes() for path in planted.files())
    long = {label for label in planted.labels if len(label.value) >= WIDE}
    assert len(long) > 400
    assert len(long - set(planted.search.leaks(data))) < len(long) // 20  # UTF-16, split tokens


# What is written


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif", "html"])
def test_no_output_repeats_a_secret(
    hygiene: Hygiene, planted: Planted, tmp_path: Path, form: str
) -> None:
    """Neither the report nor the summary nor standard error, for any format of the corpus."""
    done = hygiene("scan", planted.folder, "--format", form, "--output", tmp_path / "report")
    report = (tmp_path / "report").read_bytes()
    assert report.count(b"embedded-") > 400
    assert planted.search.leaks(report) == []
    assert planted.search.leaks((done.stdout + done.stderr).encode()) == []


def test_no_state_repeats_a_secret(hygiene: Hygiene, planted: Planted) -> None:
    """Key and cache hold nothing of what was scanned."""
    assert hygiene("scan", planted.folder).returncode == 1
    kept = [path for path in hygiene.state.rglob("*") if path.is_file()]
    assert len(kept) >= 2
    for path in kept:
        assert planted.search.leaks(path.read_bytes()) == []


def test_no_baseline_repeats_a_secret(hygiene: Hygiene, planted: Planted, tmp_path: Path) -> None:
    """It holds slow salted hashes, and the messages about it hold less."""
    baseline = tmp_path / "baseline.json"
    some = sorted({label.path.partition("/")[0] for label in planted.labels})[::8]
    roots = [planted.folder / name for name in some]
    done = hygiene("baseline", *roots, "--output", baseline)
    assert baseline.read_bytes().count(b'"value"') > 30
    assert planted.search.leaks(baseline.read_bytes()) == []
    assert planted.search.leaks((done.stdout + done.stderr).encode()) == []


def test_no_suppressed_finding_repeats_a_secret(
    hygiene: Hygiene, planted: Planted, tmp_path: Path
) -> None:
    """What a waiver covers is listed like the rest."""
    policy = tmp_path / "policy.yaml"
    waiver = {"check": "*", "path": "*", "owner": "x", "reason": "x", "until": "2199-01-01"}
    policy.write_text(json.dumps({"waivers": [waiver]}))
    done = hygiene("scan", planted.folder, "--policy", policy, "--format", "json")
    assert len(json.loads(done.stdout)["suppressed"]) > 400
    assert planted.search.leaks((done.stdout + done.stderr).encode()) == []


def _broken(path: Path, values: Iterable[str]) -> Iterator[bytes]:
    """Cut a file within each of its values, and take its quotes and brackets away."""
    data = path.read_bytes()
    for value in values:
        at = data.find(value.encode())
        if at >= 0:
            yield data[: at + len(value) * 3 // 4]
    yield re.sub(rb"[\"'}\])]", b"", data)
    yield data.replace(b"\n", b" ")
    yield b"{[(<\"'" + data


def test_no_broken_file_repeats_a_secret(
    hygiene: Hygiene, planted: Planted, tmp_path: Path
) -> None:
    """A parser that gives up says where, not what it read."""
    for path in planted.files():
        name = path.relative_to(planted.folder)
        values = [label.value for label in planted.labels if label.path == str(name)]
        for number, data in enumerate(_broken(path, values[:4])):
            target = tmp_path / str(number) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    done = hygiene("scan", tmp_path, "--format", "json", timeout=120)
    report = json.loads(done.stdout)
    assert report["summary"]["findings"] > 1000
    assert "internal error" not in {one["reason"] for one in report["inconclusive"]}
    assert planted.search.leaks((done.stdout + done.stderr).encode()) == []


# What is said inside the process


def _objects(job: Job, path: Path, name: str) -> Iterator[object]:
    """Give everything that is made of one file on the way to its findings."""
    inspector = Inspector(job.engine, catalog.Formats())
    document = Document(f"/srv/{name}", path.read_bytes())
    looked = inspector.look(document)
    yield from (document, looked, looked.spotted)
    yield from looked.spotted
    yield from (finding(one, document, job.orders.keys) for one in looked.spotted)
    yield from job.engine.tokens(document.data, job.engine.hits(document.data).pairs)
    text = document.data.decode("latin-1")
    form = catalog.Formats().of(document.path, text[:4096])
    try:
        for entry in form.parse(text) if form else ():
            yield entry
            yield from judge.judge(entry, judge.Place())
    except HygieneError as error:
        yield from (error, error.args)


def test_no_repr_repeats_a_secret(job: Job, planted: Planted) -> None:
    """Whatever is printed while somebody looks for a fault: entries, candidates, errors."""
    shown: dict[str, list[str]] = {}
    for path in planted.files():
        for one in _objects(job, path, str(path.relative_to(planted.folder))):
            shown.setdefault(type(one).__name__, []).append(f"{one!r} {one!s}")
    assert {"Candidate", "Document", "Entry", "Finding", "Looked", "Spotted", "Token"} <= set(shown)
    for kind, texts in shown.items():
        assert planted.search.leaks("\n".join(texts).encode("utf-8", "replace")) == [], kind


# What is said about files that a person named by mistake


def _mistaken(path: Path) -> Iterator[HygieneError]:
    """Give what is said when a file of secrets is given as policy, rules and baseline."""
    for use in (
        lambda: setup.load_policy(path),
        lambda: setup.rule_texts([path]),
        lambda: setup.job(setup.Choice((".",), baseline=path)),
        lambda: setup.job(setup.Choice((".",), rules=(path,))),
    ):
        try:
            use()
        except HygieneError as error:
            yield error


def test_no_mistaken_file_is_repeated(
    planted: Planted, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of secrets given as a policy, as rules or as a baseline is refused in silence."""
    monkeypatch.setenv("HYGIENE_AGENT_STATE", str(state))
    refused: list[str] = []
    for path in planted.files():
        refused += [f"{error!s} {error!r}" for error in _mistaken(path)]
    assert len(refused) > 3 * len(planted.files())
    assert planted.search.leaks("\n".join(refused).encode("utf-8", "replace")) == []


def test_a_bare_password_given_as_a_policy_is_not_repeated(hygiene: Hygiene, folder: Path) -> None:
    """The shortest file of secrets is one line: YAML takes it for a text."""
    path = folder / "password"
    search = Search([SAMPLE])
    path.write_text(SAMPLE.value + "\n")
    for words in (
        ("policy", "check", path),
        ("rules", "check", path),
        ("scan", folder, "--policy", path),
        ("scan", folder, "--baseline", path),
        ("scan", folder, "--rules", path),
    ):
        done = hygiene(*words)
        assert done.returncode == 2
        assert search.leaks((done.stdout + done.stderr).encode()) == [], words
