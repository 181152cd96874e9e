"""Every command explains itself, refuses what is wrong in one line, and is what README.md says."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml

from agent import __version__, commands, rulecache, settings, setup, sinks
from agent.cli import cli
from agent.reporting import FORMATS
from agent.vault import advice
from checks import policy
from checks.secrets import prove, rules
from checks.tls import judging, profilefile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Hygiene

README = Path(__file__, "../../../README.md").resolve().read_text()
WRONG = 2


def _commands(
    command: click.Command, *words: str
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Give the command and all below it with the words that call it."""
    yield words, command
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                yield from _commands(below, *words, name)


ALL = dict(_commands(cli))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_explains_itself(
    hygiene: Hygiene, words: tuple[str, ...], option: str
) -> None:
    """Help is complete: a text for the command, one for each option, and exit status 0."""
    done = hygiene(*words, option)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: hygiene-agent " + " ".join(words))
    assert ALL[words].help
    options = [one for one in ALL[words].params if isinstance(one, click.Option)]
    assert all(one.help for one in options)


def test_the_version_is_told(hygiene: Hygiene) -> None:
    """It is the one of the package."""
    assert hygiene("--version").stdout == f"hygiene-agent, version {__version__}\n"


def test_commands_are_found_by_listing_their_folder(hygiene: Hygiene) -> None:
    """Each module is a command and the other way round."""
    names = {info.name for info in pkgutil.iter_modules(commands.__path__)}
    assert names == {words[0] for words in ALL if words}
    for name in names:
        assert isinstance(importlib.import_module(f"agent.commands.{name}").command, click.Command)
    assert hygiene("no-such-command").returncode == WRONG


@pytest.mark.parametrize("check", ["no-such-check", "weak", "", "\x1b[2J", "é"])
def test_an_unknown_check_is_wrong_usage(hygiene: Hygiene, check: str) -> None:
    """`explain` says so, offers what is near and echoes no escape sequence."""
    done = hygiene("explain", check)
    assert (done.returncode, done.stdout) == (WRONG, "")
    assert "not known" in done.stderr
    assert "\x1b" not in done.stderr
    assert ("weak-password" in done.stderr) == (check in {"weak", ""}) or not check


def test_a_check_is_explained(hygiene: Hygiene) -> None:
    """Title, reason, fix and how to allow one."""
    done = hygiene("explain", "embedded-password")
    assert done.returncode == 0
    assert "Password in clear text" in done.stdout
    assert "Fix: " in done.stdout
    assert "hygiene: allow embedded-password" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("policy", "check", "bad.yaml"),
        ("rules", "check", "bad.yaml"),
        ("scan", ".", "--policy", "bad.yaml"),
        ("scan", ".", "--rules", "bad.yaml"),
        ("scan", ".", "--baseline", "bad.yaml"),
        ("baseline", ".", "--output", "b.json", "--policy", "bad.yaml"),
        ("baseline", ".", "--output", "no/b.json"),
    ],
)
def test_a_wrong_file_is_one_line(hygiene: Hygiene, folder: Path, words: tuple[str, ...]) -> None:
    """Exit status 2, the file's name and what is wrong; no traceback, no report."""
    (folder / "bad.yaml").write_text("no: policy\n")
    done = hygiene(*words, cwd=folder)
    assert (done.returncode, done.stdout) == (WRONG, "")
    assert re.fullmatch(r"hygiene-agent: (bad\.yaml|no/b\.json): .+\n", done.stderr)


def test_a_right_policy_is_told_back(hygiene: Hygiene, folder: Path) -> None:
    """`policy check` names what it read."""
    (folder / "policy.yaml").write_text("name: web\nfail_on: high\n")
    done = hygiene("policy", "check", "policy.yaml", cwd=folder)
    assert (done.returncode, done.stdout) == (
        0,
        "policy.yaml: policy web, 0 waivers, fails on high\n",
    )


def test_the_built_in_rules_prove_themselves(hygiene: Hygiene) -> None:
    """`rules check` without a file proves what is shipped; `rules list` names each rule."""
    assert hygiene("rules", "check").returncode == 0
    listed = hygiene("rules", "list").stdout.splitlines()
    assert len(listed) == len(rules.load(setup.rule_texts([])))


def test_a_home_is_not_needed(hygiene: Hygiene, folder: Path, password: str) -> None:
    """A scan works where no state can be kept, and says what that means."""
    (folder / "a.env").write_text(f"DB_PASSWORD={password}\n")
    done = hygiene("scan", folder, env={"HYGIENE_AGENT_STATE": "/dev/null/state"})
    assert done.returncode == 1
    assert done.stderr.startswith("hygiene-agent: fingerprints are for this run only: /dev/null")


# README.md


def _table() -> list[str]:
    """Give the cells of the commands table that name commands."""
    section = README.split("### Commands")[1].split("###")[0]
    rows = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    return [cell for row in rows for cell in re.findall(r"`([^`]+)`", row)]


def test_the_commands_of_the_readme_are_the_commands() -> None:
    """Each command of the table exists with its options, and none is missing there."""
    told = {tuple(re.findall(r"(?<!\S)[a-z][a-z-]*", row.split(" -")[0])): row for row in _table()}
    runnable = {words for words, one in ALL.items() if not isinstance(one, click.Group)}
    assert set(told) == runnable
    for words, row in told.items():
        known = {name for one in ALL[words].params for name in one.opts}
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", row)) <= known
        arguments = [one for one in ALL[words].params if isinstance(one, click.Argument)]
        metavars = re.findall(r"[A-Z]+(?:\.\.\.)?", re.sub(r"-o FILE", "", row))
        assert len(metavars) == len(arguments)
        for metavar, one in zip(metavars, arguments, strict=True):
            names = re.findall(r"[A-Z]+", f"{str(one.name).upper()} {one.metavar or ''}")
            assert metavar.rstrip(".").rstrip("S") in {name.rstrip("S") for name in names}


def test_every_option_in_the_readme_exists() -> None:
    """What README.md shows can be typed."""
    known = {
        name
        for one in ALL.values()
        for option in one.params
        for name in (*option.opts, *option.secondary_opts)
    }
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert shown
    assert shown <= known | {"--help"}


def test_the_forms_in_the_readme_are_the_forms() -> None:
    """The sentence about outputs names each form."""
    sentence = README.split("`scan` writes ")[1].split(":")[0]
    assert set(re.findall(r"`([a-z]+)`", sentence)) == set(FORMATS)


def test_the_checks_in_the_readme_exist(state: Path) -> None:
    """Examples use check ids that `explain` knows."""
    known = setup.check_infos(rulecache.load(setup.rule_texts([]), state).engine)
    shown = set(
        re.findall(r"(?<![\w/-])(?:embedded|weak|empty|key|password|vault)-[a-z-]+", README)
    )
    assert shown
    assert shown <= {*known, *judging.known(), *advice.CHECKS}


def _example(key: str) -> dict[str, Any]:
    """Give the YAML that has a key at its top."""
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    [found] = [raw for raw in map(yaml.safe_load, blocks) if key in raw]
    assert isinstance(found, dict)
    return found


def test_the_policy_in_the_readme_is_one() -> None:
    """It is accepted as it stands."""
    assert policy.from_mapping(_example("waivers")).waivers


def test_the_bootstrap_file_in_the_readme_is_one(tmp_path: Path) -> None:
    """It is accepted, and so are its sinks."""
    told = settings.from_mapping(_example("sinks"))
    assert list(told.sinks) == ["siem", "here"]
    for name, raw in told.sinks.items():
        sinks.make(name, raw, tmp_path).close()


def test_the_rule_in_the_readme_proves_itself() -> None:
    """It is accepted and fires on its example."""
    found = rules.parse("README.md", yaml.safe_dump(_example("provider")))
    assert [problem for rule in found for problem in prove.problems(rule)] == []


def test_the_profile_in_the_readme_is_one() -> None:
    """It changes the one that it names."""
    raw = _example("base")
    ours = {rule.id: rule for rule in profilefile.from_mapping(raw, "README.md").rules}
    base = {rule.id: rule for rule in profilefile.shipped(raw["base"]).rules}
    assert set(raw["without"]) == set(base) - set(ours)
    assert {"groups", "lifetime"} <= {i for i, rule in ours.items() if rule != base.get(i)}


def test_the_exit_codes_in_the_readme_are_those_of_the_help() -> None:
    """The four numbers and their order of precedence stand in both."""
    for words in ("`0` clean", "`1`", "`2` wrong usage or policy", "`3`"):
        assert words in README
    assert cli.help is not None
    assert all(f"{number} " in cli.help for number in range(4))


def test_the_state_folder_is_private(hygiene: Hygiene, tmp_path: Path) -> None:
    """What the command leaves on the disk is the user's alone."""
    own = type(hygiene)(tmp_path / "state", hygiene.command)
    own("explain", "weak-password")
    assert len(list(own.state.rglob("*"))) > 1
    for path in (own.state, *own.state.rglob("*")):
        assert os.lstat(path).st_mode & 0o077 == 0, path


@pytest.mark.parametrize("heavy", ["hyperscan", "yaml", "cryptography.x509", "agent.scanning"])
def test_what_tls_does_not_need_is_not_loaded(heavy: str) -> None:
    """A scan's engine, a reader of policies and one of certificates take half of the start."""
    asked = f"import sys; import agent.commands.tls; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
    told = f"import sys; import {heavy}; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 1
