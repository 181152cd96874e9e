"""`hygiene-agent policy`: what a policy file may say."""

from __future__ import annotations

import json
from pathlib import Path

import click

from agent import setup
from checks import policy


@click.group()
def command() -> None:
    """Look at policy files."""


@command.command()
def schema() -> None:
    """Print the JSON Schema of a policy file."""
    click.echo(json.dumps(policy.schema(), indent=2))


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def check(file: Path) -> None:
    """Check a policy FILE without using it."""
    told = setup.load_policy(file)
    click.echo(f"{file}: policy {told.name}, {len(told.waivers)} waivers, fails on {told.fail_on}")
