"""Manual pages and completions are made of the commands, all of them."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType


@pytest.fixture(scope="module")
def documents(script: Callable[[str], ModuleType]) -> ModuleType:
    """The script that writes them."""
    return script("documents")


@pytest.fixture(scope="module")
def made(documents: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What it wrote."""
    folder = tmp_path_factory.mktemp("documents")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1")
        documents.main(folder)
        yield folder


def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    for below in (command.commands if isinstance(command, click.Group) else {}).items():
        yield from walk(f"{name}-{below[0]}", below[1])


def test_every_command_has_a_page(documents: ModuleType, made: Path) -> None:
    """There is a page for each command and subcommand, and no other; each names all its options."""
    commands = dict(walk("hygiene-agent", documents.whole()))
    assert {"hygiene-agent-scan", "hygiene-agent-policy-show"} <= commands.keys()
    pages = {one.name.removesuffix(".1.gz"): one for one in (made / "man").iterdir()}
    assert pages.keys() == commands.keys()
    for name, path in pages.items():
        text = gzip.decompress(path.read_bytes()).decode().replace("\\-", "-")
        for option in commands[name].params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.opts[-1] in text, (name, option.opts)
        assert "..." not in text.split(".SH SYNOPSIS")[0], name


def test_pages_are_sound(made: Path) -> None:
    """The formatter has nothing to say about any page, and something about a broken one."""
    pages = [gzip.decompress(one.read_bytes()) for one in (made / "man").iterdir()]
    assert not _warnings(b"\n".join(pages))
    assert _warnings(pages[0] + b"\n.XX broken\n")


def _warnings(page: bytes) -> bytes:
    words = ("groff", "-man", "-ww", "-Tutf8", "-z", "-Kutf8")
    return subprocess.run(words, input=page, capture_output=True, check=True).stderr


def test_pages_are_the_same_each_time(documents: ModuleType, made: Path, tmp_path: Path) -> None:
    """What is written depends on nothing but the commands."""
    documents.main(tmp_path)
    for one in made.rglob("*.*"):
        assert one.read_bytes() == (tmp_path / one.relative_to(made)).read_bytes()


def test_bash_completes(made: Path) -> None:
    """Bash completes a command's name by our script and command, and nothing where none fits."""
    assert "scan" in _completed(made, "sc")
    assert not _completed(made, "zzz").strip()


def _completed(made: Path, word: str) -> str:
    """Call the function that the script registers as bash does."""
    ask = (
        f". {made}/completions/hygiene-agent.bash; COMP_WORDS=(hygiene-agent {word}); COMP_CWORD=1;"
        f' _hygiene_agent_completion hygiene-agent {word} hygiene-agent; echo "${{COMPREPLY[@]}}"'
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    words, environ = ["bash", "-c", ask], os.environ | {"PATH": path}
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=True)
    return done.stdout


def test_an_unknown_shell_is_refused(documents: ModuleType) -> None:
    """There is no script for a shell that click does not know."""
    for shell in ("bash", "fish", "zsh"):
        assert "hygiene-agent" in documents.completion(shell)
    with pytest.raises(ValueError, match="csh"):
        documents.completion("csh")
