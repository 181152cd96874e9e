"""`hygiene-agent policy`: what policies and TLS profiles may say, and a central store of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent import options, policyfile, profiling
from agent.policy import teamcommands
from agent.policy.teamoptions import FOLDER, Access
from checks import policy
from checks.printable import printable
from checks.tls import profilefile

if TYPE_CHECKING:
    from agent.policy.differences import Sample
    from checks.tls.profilefile import AnyRule, Profile

_SCHEMAS = {"policy": policy.schema, "profile": profilefile.schema}


@click.group()
def command() -> None:
    """Look at policy files and TLS profiles, and keep a central store of policy."""


for _one in teamcommands.COMMANDS:
    command.add_command(_one)


@command.command()
@click.argument("kind", type=click.Choice(sorted(_SCHEMAS)), default="policy")
def schema(kind: str) -> None:
    """Print the JSON Schema of a policy file, or of a TLS profile."""
    click.echo(json.dumps(_SCHEMAS[kind](), indent=2))


@command.command()
@click.argument("file", metavar="FILE|FOLDER", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Check a policy FILE, and the TLS profiles that it names, without using it.

    Of a store's FOLDER every layer is checked, put over what is below it, with all rules it names.
    """
    if file.is_dir():
        from agent.policy import source

        told = source.read(file)
        click.echo(f"{file}: {len(told.layers)} layers, {len(told.rollouts)} rollouts")
        return
    single = policyfile.load(file)
    click.echo(
        f"{file}: policy {single.name}, {len(single.waivers)} waivers, fails on {single.fail_on}"
    )


@command.command()
@FOLDER
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Of a sample host.")
@click.option("--host", "hosts", multiple=True, help="Name of a sample host with these labels.")
@options.form(["json", "text"])
def diff(folder: Path, labels: tuple[str, ...], hosts: tuple[str, ...], form: str | None) -> None:
    """Show what FOLDER changes in the policies of sample hosts, and which editions go to whom.

    Before is what is published, every edition taken to be everywhere. Without --label and --host:
    any host, one of each group, and every host that has a layer.
    """
    from agent.output import policytext
    from agent.policy import differences, standing

    desk = Access().desk(folder)
    before, known, wanted = desk.compared()
    after = desk.layers()
    asked = _samples(labels, hosts) or differences.samples(sorted(before.keys() | after.keys()))
    groups = differences.groups(before, after, asked)
    offers = list(standing.offered(known, wanted))
    if form == "json":
        told = {"groups": [group.told() for group in groups], "rollout": offers}
        click.echo(json.dumps(told, indent=2))
    else:
        click.echo("\n".join(policytext.differences(groups, offers)))


def _samples(labels: tuple[str, ...], hosts: tuple[str, ...]) -> list[Sample]:
    from agent.policy.differences import Sample

    having = dict(one.partition("=")[::2] for one in labels)
    return [Sample(name, having) for name in hosts or ([""] if labels else [])]


@command.command()
@FOLDER
@options.form(["json", "text"])
def status(folder: Path, form: str | None) -> None:
    """Say how a store stands: versions, ends, whose signatures are missing, what to do next.

    Exit status: 1 where something has ended, so that hosts take nothing new any more.
    """
    import msgspec

    from agent.output import policytext
    from agent.policy import standing

    told = standing.of(Access().desk(folder))
    if form == "json":
        click.echo(json.dumps(msgspec.to_builtins(told), indent=2))
    else:
        click.echo("\n".join(policytext.standing(told)))
    raise click.exceptions.Exit(1 if told.wrong else 0)


@command.command()
@options.SETTINGS
@click.option("--origin", is_flag=True, help="With the layers that each value comes from.")
@options.form(["json", "text"])
def show(file: Path, form: str | None, *, origin: bool) -> None:
    """Show the policy that holds on this host: the store's, its own file, or the built-in one."""
    from agent import settings
    from agent.policy import inforce, showing

    told = inforce.shown(settings.load(file))
    if form == "json":
        click.echo(json.dumps(showing.told(told, origin=origin), indent=2))
    else:
        click.echo("\n".join(showing.lines(told, origin=origin)))


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
