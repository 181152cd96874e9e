"""Write manual pages and shell completions, made from the commands themselves.

    python documents.py FOLDER [SITE-PACKAGES]

The pages are FOLDER/man/*.1.gz; the completions FOLDER/completions/hygiene-agent.{bash,fish,zsh}.
SITE-PACKAGES is a further folder of modules, for an interpreter that has no click-man.
"""

from __future__ import annotations

import gzip
import site
import sys
import tempfile
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from agent import __version__
from agent.cli import cli

_NAME = "hygiene-agent"


def main(folder: Path) -> None:
    """Write all of them below a folder."""
    with tempfile.TemporaryDirectory() as temporary:
        _write_pages(Path(temporary), folder / "man")
    (folder / "completions").mkdir(parents=True, exist_ok=True)
    for shell in ("bash", "fish", "zsh"):
        (folder / "completions" / f"{_NAME}.{shell}").write_text(completion(shell))


def _write_pages(made: Path, folder: Path) -> None:
    from click_man.core import write_man_pages

    write_man_pages(_NAME, whole(), version=__version__, target_dir=str(made))
    folder.mkdir(parents=True, exist_ok=True)
    for page in made.iterdir():  # compressed as Debian wants it: without name and time
        text = page.read_bytes()
        (folder / f"{page.name}.gz").write_bytes(gzip.compress(text, mtime=0))


def whole() -> click.Group:
    """Give our group with every command loaded, each with a text that stands alone in a page."""
    context = click.Context(cli, info_name=_NAME)
    loaded = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    group = click.Group(_NAME, {name: one for name, one in loaded.items() if one}, help=cli.help)
    group.params, group.context_settings = cli.params, cli.context_settings
    _prepare(group)
    return group


def _prepare(command: click.Command) -> None:
    text = (command.help or "").replace("\b\n", "")
    command.help = text.replace("\\", "\\\\").replace("\n.", "\n\\&.")
    command.short_help = " ".join(text.split("\n\n", 1)[0].split()).removesuffix(".")
    for option in command.params:
        if isinstance(option, click.Option) and option.help:
            option.help = option.help.replace("\b\n", "")
    if isinstance(command, click.Group):
        for one in command.commands.values():
            _prepare(one)


def completion(shell: str) -> str:
    """Give the script that has a shell complete our command line."""
    kind = get_completion_class(shell)
    if kind is None:
        raise ValueError(shell)
    return kind(cli, {}, _NAME, "_HYGIENE_AGENT_COMPLETE").source()


if __name__ == "__main__":
    for one in sys.argv[2:]:
        site.addsitedir(one)
    main(Path(sys.argv[1]))
