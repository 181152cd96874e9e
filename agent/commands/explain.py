"""`hygiene-agent explain`: what a check means and how to mend what it finds."""

from __future__ import annotations

import os

import click

from agent import home, rulecache, setup, tlsscan
from agent.report import CheckInfo
from agent.vault import advice as keyadvice
from checks.attest import advice as attestadvice
from checks.managed import advice as managedadvice
from checks.secrets import advice
from checks.tls import judging


@click.command()
@click.argument("check")
def command(check: str) -> None:
    """Say what CHECK finds, why it matters and how to mend it."""
    engine = rulecache.load(setup.rule_texts(()), home.folder(os.environ, os.geteuid())).engine
    daemons = keyadvice.CHECKS | managedadvice.CHECKS | attestadvice.CHECKS
    infos = setup.check_infos(engine) | tlsscan.check_infos()
    infos |= {
        name: CheckInfo(one.title, one.severity, one.fix, one.references)
        for name, one in daemons.items()
    }
    if check not in infos:
        near = [name for name in infos if check in name][:8]
        hint = f"\nhint: {', '.join(near)}" if near else "\nhint: hygiene-agent rules list"
        message = f"check {check!r}: not known{hint}"
        raise click.UsageError(message)
    info = infos[check]
    known = advice.CHECKS.get(check) or judging.known().get(check) or daemons.get(check)
    click.echo(f"{check}  ({info.severity.label})\n{info.title}.\n")
    if known is not None:
        click.echo(f"{known.why}\n")
    click.echo(f"Fix: {info.fix}\n")
    marked = (
        ""
        if check in judging.known() | daemons
        else f"put `hygiene: allow {check} REASON` on the line, or "
    )
    click.echo(f"Allow one: {marked}a waiver in the policy.")
    for reference in info.references:
        click.echo(f"See: {reference}")
