"""Turn the options that commands share into a job: policy, keys, engine, baseline. EDGE."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from agent import __version__, given, home, policysource, profiling, rulecache, scanning
from agent.policysource import Source
from agent.report import CheckInfo
from checks import catalog, suppress
from checks.errors import PolicyError, RuleError
from checks.model import Severity
from checks.printable import printable
from checks.scanned import Orders
from checks.secrets import advice
from checks.secrets.keyfaults import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.imagetarget import Target
    from checks.policy import Policy
    from checks.secrets.engine import Engine

_BASELINE_LIMIT: Final = 64 * 1024 * 1024


class Choice(NamedTuple):
    """The options of a scan as given."""

    paths: tuple[str, ...]
    policy: Source = Source()
    baseline: Path | None = None
    rules: tuple[Path, ...] = ()
    jobs: int = 0
    marks: bool | None = None
    taking: suppress.Baseline | None = None
    image: Target | None = None
    root: str = ""


def rule_texts(more: Sequence[Path | tuple[str, str]]) -> list[tuple[str, str]]:
    """Give the built-in rule files and MORE; raises RuleError for a file that is not YAML."""
    return [
        *catalog.rule_files(),
        *(_rule_text(one) if isinstance(one, Path) else one for one in more),
    ]


def policy_rules(told: Policy, beside: Path) -> list[Path | tuple[str, str]]:
    """Give the rules of a policy: those written out in it, and files in the folder beside it."""
    return [
        beside / one if isinstance(one, str) else (f"secrets.rules[{i}]", json.dumps(one))
        for i, one in enumerate(told.secrets.rules)
    ]


def _rule_text(path: Path) -> tuple[str, str]:
    from agent import yamlfile

    data = given.read(path, RuleError)
    yamlfile.decode(path, data, RuleError)  # stricter than what the rules are made with
    try:
        return str(path), data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RuleError(f"{path}: not UTF-8") from error


def job(choice: Choice) -> scanning.Job:
    """Wire a scan; raises PolicyError or RuleError."""
    (told, beside), editions = policysource.found(choice.policy)
    base = home.folder(os.environ, os.geteuid())
    key, warning = home.host_key(base)
    if warning:
        click.echo(f"hygiene-agent: {warning}", err=True)
    texts = rule_texts([*policy_rules(told, beside), *choice.rules])
    baseline = choice.taking or _baseline(choice.baseline)
    marks = _marks(choice, told)
    foreign = bool(choice.image or choice.root)
    orders = Orders(
        policy=told,
        keys=(key,),
        marks=marks,
        marking=None
        if foreign or choice.marks is not None or told.marks is not None
        else os.geteuid(),
        accepted=suppress.Accepted(baseline) if baseline else None,
        base=str((choice.baseline or Path("x")).resolve().parent),
        place=Place.IMAGE if foreign else Place.HOST,
        within=choice.root.rstrip("/"),
        foreign=foreign,
        roots=() if foreign else choice.paths,
        taking=choice.taking is not None,
    )
    matching = rulecache.load(texts, base)
    named = {*told.secrets.disable, *told.secrets.severity}
    for name in sorted(named.difference(check_infos(matching.engine))):
        # No error: a policy for a fleet may name what only newer agents know.
        click.echo(f"hygiene-agent: policy: no check is called {printable(name)}", err=True)
    return scanning.Job(
        roots=_roots(choice),
        orders=orders,
        engine=matching.engine,
        formats=matching.formats,
        processes=choice.jobs or scanning.processes(),
        version=__version__,
        image=choice.image,
        root=choice.root,
        profiles=profiling.wanted((), told, beside) if foreign else (),
        editions=editions,
    )


def _roots(choice: Choice) -> tuple[str, ...]:
    if choice.image is not None:
        return (choice.image.path,)
    return (choice.root.rstrip("/") or "/",) if choice.root else choice.paths


def infos(job: scanning.Job) -> dict[str, CheckInfo]:
    """Give what is known about every check that a job may come to."""
    known = check_infos(job.engine)
    if not job.image and not job.root:
        return known
    from agent import tlsscan

    return tlsscan.check_infos() | known


def check_infos(engine: Engine) -> dict[str, CheckInfo]:
    """Give what is known about every check: the built-in ones and the rules of the engine."""
    infos = {
        check: CheckInfo(known.title, known.severity, known.fix, known.references)
        for check, known in advice.CHECKS.items()
    }
    for rule in engine.rules:
        infos[rule.id] = CheckInfo(
            rule.title, Severity.named(rule.severity), rule.fix, rule.references
        )
    return infos


def _baseline(path: Path | None) -> suppress.Baseline | None:
    if path is None:
        return None
    data = given.read(path, PolicyError, _BASELINE_LIMIT)
    try:
        return suppress.read_baseline(data)
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error


def _marks(choice: Choice, told: Policy) -> bool:
    """Say whether marks count: when asked for, by the policy, or on a tree of the user's own."""
    if choice.marks is not None:
        return choice.marks
    if told.marks is not None:
        return told.marks
    user = os.geteuid()
    if choice.image or choice.root:  # whoever built it said so, and not who asks
        return False
    return user != 0 and all(_owned(path, user) for path in choice.paths)


def _owned(path: str, user: int) -> bool:
    try:
        return os.stat(path).st_uid == user
    except OSError:
        return False
