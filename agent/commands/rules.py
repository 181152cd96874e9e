"""`hygiene-agent rules`: list the rules and prove them."""

from __future__ import annotations

from pathlib import Path

import click

from agent import setup
from checks.errors import RuleError
from checks.secrets import prove
from checks.secrets import rules as rule_files


@click.group()
def command() -> None:
    """List the rules, or prove rule files."""


@command.command("list")
def list_() -> None:
    """List every rule: id, severity, title."""
    rules = rule_files.load(setup.rule_texts(()))
    for rule in rules:
        click.echo(f"{rule.id:45} {rule.severity:9} {rule.title}")
    providers = len({rule.provider for rule in rules})
    click.echo(f"{len(rules)} rules of {providers} providers", err=True)


@command.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
def check(files: tuple[Path, ...]) -> None:
    """Prove rule FILES, or the built-in rules, by their examples and counterexamples."""
    texts = setup.rule_texts(files)[-len(files) :] if files else setup.rule_texts(())
    rules = rule_files.load(texts)
    problems = [problem for rule in rules for problem in prove.problems(rule)]
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        message = f"{len(problems)} problems in {len(rules)} rules"
        raise RuleError(message)
    click.echo(f"{len(rules)} rules prove themselves")
