"""`hygiene-agent policy`: what a policy file and a TLS profile may say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent import policyfile, profiling
from checks import policy
from checks.printable import printable
from checks.tls import profilefile

if TYPE_CHECKING:
    from checks.tls.profilefile import AnyRule, Profile

_SCHEMAS = {"policy": policy.schema, "profile": profilefile.schema}


@click.group()
def command() -> None:
    """Look at policy files and TLS profiles."""


@command.command()
@click.argument("kind", type=click.Choice(sorted(_SCHEMAS)), default="policy")
def schema(kind: str) -> None:
    """Print the JSON Schema of a policy file, or of a TLS profile."""
    click.echo(json.dumps(_SCHEMAS[kind](), indent=2))


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def check(file: Path) -> None:
    """Check a policy FILE, and the TLS profiles that it names, without using it."""
    told = policyfile.load(file)
    click.echo(f"{file}: policy {told.name}, {len(told.waivers)} waivers, fails on {told.fail_on}")


@command.command()
@click.argument("profile", metavar="[NAME|FILE]", default="")
def profiles(profile: str) -> None:
    """List the TLS profiles, or check one and show its rules with their clauses.

    One's own is a YAML file; what it may say: hygiene-agent policy schema profile.
    """
    if profile:
        click.echo("\n".join(_shown(profiling.named(profile))))
        return
    for one in map(profilefile.shipped, profilefile.names()):
        click.echo(f"{one.id:22}{one.title} ({len(one.rules)} rules)")


def _shown(profile: Profile) -> list[str]:
    about = {
        "version": profile.version,
        "source": profile.source,
        "read": profile.read,
        "note": profile.note,
    }
    return [
        printable(f"{profile.id}: {profile.title}"),
        *(printable(f"  {name}: {text}") for name, text in about.items() if text),
        *(line for rule in profile.rules for line in _rule(profile, rule)),
        *(printable(f"not judged  {one.clause}: {one.reason}") for one in profile.unjudged),
    ]


def _rule(profile: Profile, rule: AnyRule) -> list[str]:
    since = f", since {rule.since}" if rule.since else ""
    doubt = "" if rule.checked else ", clause not compared with its text"
    head = f"{rule.severity or profile.severity:8}  {rule.id}  {rule.clause}{since}{doubt}"
    return [printable(head), printable(f"          {rule.wanted}")]
