"""Options become a job, and what is wrong with a file is told in one line without its content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent import policyfile, rulecache, setup
from agent.policysource import Source
from checks.errors import HygieneError, PolicyError, RuleError
from checks.model import Severity
from checks.policy import Policy
from checks.secrets import advice

DEEP = "[" * 200_000
BAD_YAML = {
    "a binary": b"\x00\xff\xfe\x00",
    "a control character": b"name: \x01\n",
    "a date out of range": b"waivers: [{until: 2026-99-99}]\n",
    "a key given twice": b"name: a\nname: b\n",
    "a list as a key": b"? [a, b]\n: c\n",
    "a mapping as a key": b"? {a: b}\n: c\n",
    "a number without end": b"version: " + b"9" * 5000,
    "a tag that makes objects": b"name: !!python/object/apply:os.getcwd []\n",
    "an alias": b"name: &a x\nother: *a\n",
    "an alias bomb": b"a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
    "an open bracket": b"name: [\n",
    "deep nesting": DEEP.encode(),
    "deep nesting, closed": (DEEP + "]" * len(DEEP)).encode(),
    "two documents": b"name: a\n---\nname: b\n",
}


def _refused(error: HygieneError, path: Path) -> None:
    """Check that an error is one line that starts with the file's name."""
    assert str(error).startswith(f"{path}: ")
    assert "\n" not in str(error)
    assert len(str(error)) < len(str(path)) + 200


@pytest.mark.parametrize("data", BAD_YAML.values(), ids=BAD_YAML)
def test_a_file_that_is_not_fit_yaml_is_refused(tmp_path: Path, data: bytes) -> None:
    """Policies and rules are strict YAML, whatever the library would make of them."""
    path = tmp_path / "given.yaml"
    path.write_bytes(data)
    with pytest.raises(PolicyError) as policy:
        policyfile.load(path)
    with pytest.raises(RuleError) as rules:
        setup.rule_texts([path])
    _refused(policy.value, path)
    _refused(rules.value, path)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("nmae: x", "nmae"),
        ("version: 2", "version"),
        ("fail_on: terrible", "fail_on"),
        ("name: 3", "name"),
        ("files: {exclude: 3}", "files.exclude"),
        ("files: {seconds_per_file: 0}", "files.seconds_per_file"),
        ("archives: {depth: 99}", "archives.depth"),
        ("secrets: {severity: {weak-password: awful}}", "secrets.severity"),
        ("waivers: [{check: '*'}]", "waivers[0]"),
        ("waivers: [{check: x, path: x, owner: '', reason: x, until: 2030-01-01}]", "owner"),
        ("waivers: [{check: x, path: x, owner: x, reason: x, until: soon}]", "until"),
        ("just text", "expected names and values"),
        ("- a list", "expected names and values"),
        ("", "expected names and values"),
        ("user:pass:word: x", "line 1: a key must be a plain name"),
    ],
)
def test_a_wrong_policy_names_the_place(tmp_path: Path, text: str, place: str) -> None:
    """The error says in which file and at which key."""
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError) as caught:
        policyfile.load(path)
    _refused(caught.value, path)
    assert place in str(caught.value)


def test_a_right_policy_is_read(tmp_path: Path) -> None:
    """What is not said keeps its default; no file at all is the built-in policy."""
    path = tmp_path / "policy.yaml"
    path.write_text("name: web\nfail_on: high\nfiles: {exclude: ['/srv/*']}\n")
    told = policyfile.load(path)
    assert (told.name, told.threshold, told.files.exclude) == ("web", Severity.HIGH, ("/srv/*",))
    assert told.archives == Policy().archives
    assert policyfile.load(None) == Policy()


@pytest.mark.parametrize("kind", ["missing", "folder", "endless"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, kind: str) -> None:
    """A file that is not there, is no file or never ends is an error, soon."""
    path = {"missing": tmp_path / "no", "folder": tmp_path, "endless": Path("/dev/zero")}[kind]
    with pytest.raises(PolicyError) as policy:
        policyfile.load(path)
    with pytest.raises(RuleError) as rules:
        setup.rule_texts([path])
    with pytest.raises(PolicyError) as baseline:
        setup.job(setup.Choice((".",), baseline=path))
    for caught in (policy, rules, baseline):
        _refused(caught.value, path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"not JSON",
        b'{"format": "hygiene-agent/baseline/2", "salt": ""}',
        b'{"format": "hygiene-agent/baseline/1", "salt": "no hex"}',
        b'{"format": "hygiene-agent/baseline/1", "salt": "", "entries": [{}]}',
        b'{"format": "hygiene-agent/baseline/1", "salt": "", "more": 1}',
        b"[" * 1_000_000,
        b"\xff\xfe",
    ],
)
def test_a_wrong_baseline_is_refused(tmp_path: Path, data: bytes) -> None:
    """A file that is no baseline accepts nothing: the scan does not start."""
    path = tmp_path / "baseline.json"
    path.write_bytes(data)
    with pytest.raises(PolicyError) as caught:
        setup.job(setup.Choice((".",), baseline=path))
    _refused(caught.value, path)


def test_rules_come_after_the_built_in_ones(tmp_path: Path) -> None:
    """A person's rule files are added, none is replaced."""
    path = tmp_path / "ours.yaml"
    path.write_text("provider: Ours\nrules: []\n")
    built_in, ours = setup.rule_texts([]), setup.rule_texts([path])
    assert ours == [*built_in, (str(path), path.read_text())]
    assert len(built_in) > 10


def test_rules_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    """YAML in UTF-16 is YAML, but no rule file."""
    path = tmp_path / "ours.yaml"
    path.write_text("provider: Ours\nrules: []\n", encoding="utf-16")
    with pytest.raises(RuleError, match="not UTF-8"):
        setup.rule_texts([path])


def test_rules_of_a_policy_lie_beside_it(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their names are relative to the policy file, not to the working folder."""
    monkeypatch.setenv("HYGIENE_AGENT_STATE", str(state))
    path = tmp_path / "policy.yaml"
    path.write_text("secrets: {rules: [ours.yaml]}\n")
    with pytest.raises(RuleError, match=str(tmp_path / "ours.yaml")):
        setup.job(setup.Choice((".",), policy=Source(path)))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((None, "{}"), os.geteuid() != 0),
        ((None, "marks: true"), True),
        ((None, "marks: false"), False),
        ((True, "marks: false"), True),
        ((False, "marks: true"), False),
    ],
)
def test_option_then_policy_then_owner_decide_on_marks(
    tmp_path: Path,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: tuple[bool | None, str],
    expected: object,
) -> None:
    """The nearest word counts; without any, a person's own tree may carry marks, root's may not."""
    monkeypatch.setenv("HYGIENE_AGENT_STATE", str(state))
    option, text = asked
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    choice = setup.Choice((str(tmp_path),), policy=Source(path), marks=option)
    assert setup.job(choice).orders.marks is expected


def test_every_check_can_be_explained(state: Path) -> None:
    """Built-in checks and all rules have a title, a severity and a fix."""
    engine = rulecache.load(setup.rule_texts([]), state).engine
    infos = setup.check_infos(engine)
    assert set(infos) == set(advice.CHECKS) | {rule.id for rule in engine.rules}
    assert all(info.title and info.fix for info in infos.values())


def test_a_check_that_does_not_exist_is_told(
    tmp_path: Path,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A name in the policy that no check has gives a warning; one that is known gives none."""
    monkeypatch.setenv("HYGIENE_AGENT_STATE", str(state))
    path = tmp_path / "p.yaml"
    path.write_text("name: x\nsecrets: {disable: [weak-pasword], severity: {key-shared: info}}\n")
    setup.job(setup.Choice((str(tmp_path),), policy=Source(path)))
    assert capsys.readouterr().err.splitlines() == [
        "hygiene-agent: policy: no check is called weak-pasword"
    ]
