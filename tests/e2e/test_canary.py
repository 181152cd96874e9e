"""A secret is never repeated: plant values, run everything, search all that was written for them.

The corpus gives a file of every format with values that stand nowhere else. Looked for is each
value and every piece of it of 8 characters, plain, reversed and in the usual encodings. A piece
that the same place has under another seed too is part of a fixed prefix or of a format, not of the
secret. Pieces of hexadecimal digits only are looked for from 16 on, since fingerprints are such,
and pieces of words from 12 on, since a style sheet has words too.
"""

from __future__ import annotations

import base64
import json
import random
import re
import urllib.parse
from typing import TYPE_CHECKING

import pytest

from agent import policyfile, setup
from checks import catalog
from checks.errors import HygieneError
from checks.inspect import Inspector
from checks.secrets import judge, places, rules
from checks.spotted import Document, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from agent.scanning import Job
    from tests.conftest import Hygiene
    from tests.e2e.conftest import Planted, Search

LONG = 16


@pytest.fixture(scope="module")
def job(state: Path) -> Iterator[Job]:
    """A scan's engine and key, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYGIENE_AGENT_STATE", str(state))
        yield setup.job(setup.Choice((".",)))


# That the search would find a leak


SAMPLE = "Vx7!tq" + "".join(random.Random(5).choices("ghkmnpzKQW~5", k=14))
LEAKS = {
    "whole": SAMPLE,
    "eight characters": SAMPLE[3:11],
    "the last eight characters": SAMPLE[-8:],
    "reversed": SAMPLE[::-1],
    "percent-encoded": urllib.parse.quote(SAMPLE, safe=""),
    "hexadecimal": SAMPLE.encode().hex(),
    "hexadecimal, reversed": SAMPLE.encode()[::-1].hex(),
    "hexadecimal, in capitals": SAMPLE.encode().hex().upper(),
    "base64": base64.b64encode(SAMPLE.encode()).decode(),
    "base64 behind something": base64.b64encode(b"user:" + SAMPLE.encode()).decode(),
    "base64 within something": base64.b64encode(b"a:" + SAMPLE.encode() + b" more").decode(),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_the_search_finds_a_leak(search_for: Callable[..., Search], leak: str) -> None:
    """Whatever form it takes and whatever surrounds it."""
    data = random.Random(6).randbytes(5000)
    assert not search_for(SAMPLE).leaks(data)
    assert search_for(SAMPLE).leaks(data[:999] + leak.encode() + data[999:])


def test_the_search_allows_what_is_fixed(search_for: Callable[..., Search]) -> None:
    """A prefix that all tokens of an issuer have is no part of the secret; what follows is."""
    search = search_for("prefix_of_issuer_aZ3kQ9mW", "T", other="prefix_of_issuer_7YtR2pLx")
    assert not search.leaks(b"prefix_of_issuer_")
    assert search.leaks(b"_aZ3kQ9m")


def test_the_search_reaches_into_what_is_encoded(search_for: Callable[..., Search]) -> None:
    """Of a value that is base64 itself, what it encodes is looked for too."""
    value = base64.b64encode(b"deploy:Vx7!tqRm29pKz").decode()
    assert search_for(value, "basic deploy strong").leaks(b"...Vx7!tqRm...")


def test_every_planted_value_is_found_where_it_stands(planted: Planted) -> None:
    """The corpus itself is full of leaks: the search finds nearly all values in its files."""
    data = b"\n".join(path.read_bytes() for path in planted.files())
    long = {label for label in planted.labels if len(label.value) >= LONG}
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


def test_no_state_repeats_a_secret(hygiene: Hygiene, planted: Planted, tmp_path: Path) -> None:
    """Key and cache are the same to the byte whatever was scanned: nothing of it can be in them."""
    assert hygiene("scan", tmp_path).returncode == 0
    kept = {path: path.read_bytes() for path in hygiene.state.rglob("*") if path.is_file()}
    assert len(kept) >= 2
    assert hygiene("scan", planted.folder).returncode == 1
    after = {path: path.read_bytes() for path in hygiene.state.rglob("*") if path.is_file()}
    assert after == kept


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


def _objects(job: Job, formats: catalog.Formats, document: Document) -> Iterator[object]:
    """Give everything that is made of one file on the way to its findings."""
    looked = Inspector(job.engine, formats).look(document)
    yield from (document, looked, looked.spotted)
    yield from looked.spotted
    yield from (finding(one, document, job.orders.keys) for one in looked.spotted)
    yield from job.engine.tokens(document.data, job.engine.hits(document.data).pairs)
    named = formats.of(document.path, document.data)
    try:
        for entry in named.format.parse(document.data.decode("latin-1")) if named.format else ():
            yield entry
            yield from judge.judge(entry, places.Place())
    except HygieneError as error:
        yield from (error, error.args)


@pytest.fixture(scope="module")
def shown(job: Job, planted: Planted) -> dict[str, bytes]:
    """What each kind of object prints of itself, for all files."""
    texts: dict[str, list[str]] = {}
    formats = catalog.Formats()
    for path in planted.files():
        document = Document(f"/srv/{path.relative_to(planted.folder)}", path.read_bytes())
        for one in _objects(job, formats, document):
            texts.setdefault(type(one).__name__, []).append(f"{one!r} {one!s}")
    return {kind: "\n".join(some).encode("utf-8", "replace") for kind, some in texts.items()}


@pytest.mark.parametrize(
    "kind",
    [
        "Candidate",
        "Document",
        "Entry",
        "Finding",
        "FormatError",
        "Looked",
        "Spotted",
        "Token",
        "list",
    ],
)
def test_no_repr_repeats_a_secret(planted: Planted, shown: dict[str, bytes], kind: str) -> None:
    """Whatever is printed while somebody looks for a fault."""
    assert shown[kind]
    assert planted.search.leaks(shown[kind]) == []


# What is said about files that a person named by mistake


def _rules(path: Path) -> None:
    rules.parse(*setup.rule_texts([path])[-1])


def _baseline(path: Path) -> None:
    setup._baseline(path)


@pytest.mark.parametrize("use", [policyfile.load, _rules, _baseline])
def test_no_mistaken_file_is_repeated(planted: Planted, use: Callable[[Path], object]) -> None:
    """A file of secrets given as a policy, as rules or as a baseline is refused in silence."""
    refused: list[str] = []
    for path in planted.files():
        with pytest.raises(HygieneError) as caught:
            use(path)
        refused.append(f"{caught.value!s} {caught.value!r}")
    assert planted.search.leaks("\n".join(refused).encode("utf-8", "replace")) == []


def test_a_bare_password_given_as_a_policy_is_not_repeated(
    hygiene: Hygiene, folder: Path, search_for: Callable[..., Search]
) -> None:
    """The shortest file of secrets is one line: YAML takes it for a text."""
    path = folder / "password"
    path.write_text(SAMPLE + "\n")
    for words in (
        ("policy", "check", path),
        ("rules", "check", path),
        ("scan", folder, "--policy", path),
        ("scan", folder, "--baseline", path),
        ("scan", folder, "--rules", path),
    ):
        done = hygiene(*words)
        assert done.returncode == 2
        assert not search_for(SAMPLE).leaks((done.stdout + done.stderr).encode()), words


# What names the place of another credential


_OPEN = {
    "git's section of a URL": (
        ".gitconfig",
        '[url "https://dev:{canary}@git.corp.lan/"]\n\tinsteadOf = x\n\tpassword = {password}\n',
    ),
    "a condition of nginx": (
        "etc/nginx/nginx.conf",
        "server {{\n if ($http_x_token != {canary}) {{\n  set $db_password {password};\n }}\n}}\n",
    ),
    "a user of a command": ("a.sh", "mysql -u bob:{canary} -p{password} db\n"),
    "a key of YAML": ("a.yaml", 'users:\n  "bob:{canary}":\n    password: {password}\n'),
}
_SHUT = {
    "a user of YAML": ("a.yaml", 'db: {{user: "bob:{canary}", password: "{password}"}}\n'),
    "a user of JSON": ("a.json", '{{"user": "bob:{canary}", "password": "{password}"}}\n'),
}
_PLACES = [
    *(pytest.param(case, id=name) for name, case in _SHUT.items()),
    *(pytest.param(case, id=name) for name, case in _OPEN.items()),
]


@pytest.mark.parametrize("case", _PLACES)
def test_no_place_repeats_a_secret(
    hygiene: Hygiene,
    folder: Path,
    password: str,
    search_for: Callable[..., Search],
    case: tuple[str, str],
) -> None:
    """The key path and the user of one credential do not tell another one."""
    name, text = case
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.format(canary=SAMPLE[:13], password=password))
    done = hygiene("scan", folder)
    assert done.returncode == 1
    assert not search_for(SAMPLE[:13]).leaks(done.stdout.encode())
