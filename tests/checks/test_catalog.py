"""Formats and rules are found by listing their folders; the most specific name wins."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import checks.formats
from checks import catalog
from checks.catalog import Formats
from checks.errors import FormatError
from checks.model import Entry
from checks.secrets import rules

if TYPE_CHECKING:
    from types import ModuleType

MODULES = [
    importlib.import_module(f"checks.formats.{info.name}")
    for info in pkgutil.iter_modules(checks.formats.__path__)
]
FORMATS = [module for module in MODULES if hasattr(module, "NAMES")]
SAMPLES = [
    "",
    "\n",
    "\0",
    "a",
    "=",
    "{",
    "}",
    "[a",
    "<a",
    "'",
    '"',
    "\\",
    "- a: [",
    "a=b\n[c]\nd: e\n",
    "password = x\r\n",
    "é: \ud800",
    "# only a comment",
]


@pytest.fixture(scope="module")
def known() -> Formats:
    """Give all formats."""
    return Formats()


def format_of(known: Formats, path: str, head: bytes = b"") -> str:
    """Name the format of a path, else of the first bytes."""
    form = known.of(path, head).format or known.sniffed(head.decode())
    return form.__name__.rpartition(".")[2] if form else ""


@pytest.mark.parametrize("module", FORMATS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_format_keeps_the_interface(module: ModuleType) -> None:
    """Names are lower-case globs, each once; ALWAYS is some of them; parse gives entries."""
    names = module.NAMES
    assert isinstance(names, tuple)
    assert [name for name in names if name != name.lower() or name.startswith("/")] == []
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert set(getattr(module, "ALWAYS", ())) <= set(names)
    assert (module.__doc__ or "").strip()
    if hasattr(module, "CODE"):
        assert module.CODE is True
        assert list(module.parse_line("", 1)) == []
    if hasattr(module, "sniff"):
        assert not module.sniff("")


@pytest.mark.parametrize("module", FORMATS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_format_reads_or_refuses_any_text(module: ModuleType) -> None:
    """What is no text of the format gives entries or a FormatError, with lines within the text."""
    for sample in SAMPLES:
        found: list[Any] = []
        line, reason = 0, ""
        try:
            found.extend(module.parse(sample))
        except FormatError as error:
            line, reason = error.line, error.reason
        assert 0 <= line <= sample.count("\n") + 2, sample  # the line behind the end
        assert len(sample) < 2 or sample not in reason
        assert all(isinstance(one, Entry) for one in found)
        assert all(1 <= one.line <= sample.count("\n") + 1 for one in found), sample


def test_no_two_formats_claim_one_name() -> None:
    """Each glob belongs to one module, so that the order of the modules does not matter."""
    claims: dict[str, list[str]] = {}
    for module in FORMATS:
        for name in module.NAMES:
            claims.setdefault(name, []).append(module.__name__)
    assert {name: where for name, where in claims.items() if len(where) > 1} == {}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/etc/app/settings.YAML", "yaml_docs"),
        ("/srv/app/config.json", "json_docs"),
        ("/root/.docker/config.json", "json_docs"),
        ("/etc/systemd/system/app.service", "systemd"),
        ("/home/a/.netrc", "netrc"),
        ("netrc.txt", ""),
        ("/etc/nginx/nginx.conf", "nginx"),
        ("/etc/shadow", "shadow"),
        ("/home/a/shadow.txt", ""),
        ("/etc/fstab", "fstab"),
        ("Dockerfile", "dockerfile"),
        ("/srv/app/Dockerfile.prod", "dockerfile"),
        (".env", "env"),
        (".env.production", "env"),
        ("/srv/nothing.known", ""),
        ("", ""),
    ],
)
def test_the_most_specific_name_wins(known: Formats, path: str, expected: str) -> None:
    """A folder in a glob outranks a name, a name an ending; what no glob fits has no format."""
    assert format_of(known, path) == expected


def test_deeper_and_longer_globs_rank_first(known: Formats) -> None:
    """Every glob leads to its own module unless a more specific one fits the same path."""
    ranks = {name: (-name.count("/"), -len(name), name) for m in FORMATS for name in m.NAMES}
    for name, rank in ranks.items():
        found = known.of(re.sub(r"\[.*?\]|[*?]", "0", name), b"").format
        assert found is not None, name
        assert any(ranks[other] <= rank for other in found.NAMES), (name, found.__name__)


@pytest.mark.parametrize(
    ("path", "head", "expected"),
    [
        ("run", b"#!/bin/sh\nx=1\n", "shell"),
        ("run", b"#!/usr/bin/env bash\n", "shell"),
        ("run", b"#!/usr/bin/python3\n", "code"),
        ("deploy.conf", b"#!/bin/sh\nx=1\n", "shell"),
        ("run", b"x=1\n", ""),
    ],
)
def test_the_first_line_names_a_script(
    known: Formats, path: str, head: bytes, expected: str
) -> None:
    """An interpreter's line says more than the name; without one a bare name says nothing."""
    assert format_of(known, path, head) == expected


def test_a_hostile_name_costs_nothing(known: Formats) -> None:
    """A key or member name of a million dots is looked at as far as a name can go."""
    begun = time.process_time()
    for number in range(20):
        known.of("." * 1_000_000 + str(number), b"")
        known.of("a." * 500_000 + f"{number}.yaml", b"")
    assert time.process_time() - begun < 1
    assert known.of("a." * 500_000 + "yaml", b"").format is not None


def test_rule_files_are_sorted_and_all_load() -> None:
    """Every YAML file of the folder is a rule file, in the order of their names."""
    found = list(catalog.rule_files())
    names = [name for name, _ in found]
    assert names == sorted(path.name for path in catalog.RULES.iterdir())
    assert len(rules.load(found)) > 400
