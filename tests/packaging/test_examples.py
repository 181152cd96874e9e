"""The examples of packaging/examples: what they call exists, what they write is taken."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml

from agent import settings
from agent.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "packaging" / "examples").iterdir())
_CALL = re.compile(r"hygiene-agent((?: (?:scan|run|tls)\b).*)")
_BOOTSTRAP = re.compile(r"^ *version: 1\n(?: +(?:host|store|sinks): .*\n)+", re.MULTILINE)


def _text(path: Path) -> str:
    return re.sub(r"\\?\n {6,}(?=--)", " ", path.read_text()).replace("\\\n", "")


def _calls() -> Iterator[tuple[str, list[str]]]:
    for path in (*EXAMPLES, ROOT / ".pre-commit-hooks.yaml"):
        for line in _text(path).splitlines():
            if found := _CALL.search(line):
                yield path.name, re.findall(r"[^\s'\",]+", found[1].partition("&&")[0])


@pytest.mark.parametrize(("name", "words"), list(_calls()))
def test_what_an_example_calls_exists(name: str, words: list[str]) -> None:
    """The command, and each of its options."""
    assert name
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known


def test_examples_call_it() -> None:
    """Most of them do, so that a pattern that finds nothing is seen."""
    assert len({name for name, _ in _calls()}) >= 7


def test_an_option_that_is_not_there_is_seen() -> None:
    """The check itself can fail."""
    with pytest.raises(AssertionError):
        test_what_an_example_calls_exists("none", ["scan", "--no-such-option"])


@pytest.mark.parametrize("path", [one for one in EXAMPLES if _BOOTSTRAP.search(one.read_text())])
def test_a_bootstrap_file_that_an_example_writes_is_taken(path: Path) -> None:
    """As the agent reads it, with the variables filled in."""
    [text] = _BOOTSTRAP.findall(path.read_text())
    filled = re.sub(r"\{\{[^}]*\}\}|\$\{\w+\}", "x", text)
    told = settings.from_mapping(yaml.safe_load(textwrap.dedent(filled)))
    assert (told.store.url, bool(told.sinks)) == ("https://policy.example.net/", True)


@pytest.mark.parametrize(
    "path", [one for one in EXAMPLES if one.suffix in {".yml", ".yaml", ".sls"}]
)
def test_yaml_is_yaml(path: Path) -> None:
    """Each is a document with something in it."""
    made: Any = yaml.safe_load(path.read_text())
    assert made


def test_an_unpacked_root_is_gated(tmp_path: Path) -> None:
    """The script ends as the scan does: 1 for a finding, 0 without."""
    script = ROOT / "packaging" / "examples" / "unpacked-root.sh"
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    seen = bin_folder / "hygiene-agent"
    seen.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >"$SEEN"\nexit 1\n')
    seen.chmod(0o755)
    environ = {"PATH": f"{bin_folder}:/usr/bin:/bin", "SEEN": str(tmp_path / "seen")}
    done = subprocess.run([script, tmp_path / "root"], env=environ, check=False)
    assert done.returncode == 1
    said = (tmp_path / "seen").read_text().splitlines()
    assert said == ["scan", "--root", str(tmp_path / "root"), "--fail-on", "high"]
