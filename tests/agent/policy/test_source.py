"""A folder of layers is read strictly, and every layer is tried over what is below it."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from agent.policy import source
from checks.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
provider: Example
rules:
  - id: example-token
    title: Example token
    severity: high
    trigger: 'exa_[0-9]{4}'
    pattern: 'exa_[0-9]{12}'
    fix: Revoke it.
    examples: ['T=exa_123456789012']
    counterexamples: ['exa_1']
"""
PROFILE = "id: ours\ntitle: Ours\nbase: mozilla-intermediate\nwithout: [order]\n"


def _folder(at: Path, **files: str) -> Path:
    for name, text in {"base": "version: 1\n", **files}.items():
        path = at / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return at


def _refused(folder: Path) -> str:
    with pytest.raises(PolicyError) as caught:
        source.read(folder)
    return str(caught.value)


def test_all_layers_are_found(tmp_path: Path) -> None:
    """Base, groups and hosts are layers by their paths; other files are none."""
    files = {"group/role/web": "fail_on: low\n", "host/db1": "fail_on: high\n", "rules/x": "a: 1"}
    told = source.read(_folder(tmp_path, **files))
    assert {name: json.loads(content) for name, content in told.layers.items()} == {
        "base": {"version": 1},
        "group/role/web": {"fail_on": "low"},
        "host/db1": {"fail_on": "high"},
    }


def test_named_files_are_written_out(tmp_path: Path) -> None:
    """Rules and own profiles stand in the layer itself, shipped profiles by name."""
    base = (
        "secrets: {rules: [rules/example.yaml]}\n"
        "tls: {profiles: [mozilla-modern, profiles/ours.yaml]}\n"
    )
    files = {"base": base, "rules/example": RULES, "profiles/ours": PROFILE}
    told = json.loads(source.read(_folder(tmp_path, **files)).layers["base"])
    assert told["secrets"]["rules"][0]["provider"] == "Example"
    assert told["tls"]["profiles"][0] == "mozilla-modern"
    assert told["tls"]["profiles"][1]["id"] == "ours"


def test_a_layer_may_append(tmp_path: Path) -> None:
    """A list under KEY+ is tried behind the one below, and its files are written out too."""
    files = {
        "base": "tls: {profiles: [mozilla-modern]}\n",
        "group/role/web": "tls: {profiles+: [../../profiles/ours.yaml]}\n",
        "profiles/ours": PROFILE,
    }
    told = json.loads(source.read(_folder(tmp_path, **files)).layers["group/role/web"])
    assert told["tls"]["profiles+"][0]["id"] == "ours"


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    """The order of keys in the file does not matter."""
    one = source.read(_folder(tmp_path / "1", base="version: 1\nname: x\n"))
    two = source.read(_folder(tmp_path / "2", base="name: x\nversion: 1\n"))
    assert one == two
    assert one != source.read(_folder(tmp_path / "3", base="name: y\nversion: 1\n"))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("base", "versio: 1\n", "base.yaml: versio: unknown key"),
        ("base", "fail_on: 3\n", "base.yaml: fail_on: expected one of"),
        ("base", "version: 1\nversion: 1\n", "line 2: key given twice"),
        ("base", "a: &x 1\nb: *x\n", "aliases are not allowed"),
        ("base", "secrets: {rules: [absent.yaml]}\n", "secrets.rules[0]: "),
        ("base", "secrets: {rules: [../outside.yaml]}\n", "lies outside"),
        ("base", "secrets: {rules: [/etc/passwd]}\n", "lies outside"),
        ("base", "tls: {profiles: [profiles]}\n", "not a regular file"),
        ("base", "tls: {expiring: .nan}\n", "no form for"),
        ("base", "secrets: {severity: {weak-password: 2027-01-01}}\n", "expected one of"),
        ("host/db1", "waivers+: 1\n", "expected a list"),
        ("host/db1", "fail_on: never\n", "host/db1.yaml: fail_on: expected one of"),
        ("group/role/web", "secrets: 1\n", "expected object"),
        ("host/a b", "fail_on: low\n", "expected the name host/a%20b.yaml"),
        ("rollout", "host/db9: {share: 10}\n", "host/db9: no such layer"),
        ("rollout", "base: {share: 101}\n", "<= 100"),
        ("rollout", "base: {share: 0.5}\n", "whole number of percent"),
        ("rollout", "base: {sharee: 1}\n", "sharee"),
        ("rollout", "base: {from: 2026-12-01T08:00:00}\n", "time with its zone"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    """What is wrong is refused with the file and the place in it."""
    (tmp_path / "outside.yaml").write_text("a: 1\n")
    folder = _folder(tmp_path / "policy", **{name: text})
    (folder / "profiles").mkdir()
    assert told in _refused(folder)


@pytest.mark.parametrize("name", ["host/db1.yml", "group/role.yaml", "group/role/web.txt"])
def test_a_file_that_would_be_passed_over_is_refused(tmp_path: Path, name: str) -> None:
    """A layer under a wrong name is no layer, which nobody would notice."""
    folder = _folder(tmp_path)
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("fail_on: low\n")
    assert name.removesuffix(".yaml") in _refused(folder)
    (folder / name).unlink()
    assert source.read(folder).layers.keys() == {"base"}


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """Nobody publishes what a link in git points to."""
    (tmp_path / "secret.yaml").write_text("fail_on: low\n")
    folder = _folder(tmp_path / "policy")
    (folder / "host").mkdir()
    (folder / "host/db1.yaml").symlink_to(tmp_path / "secret.yaml")
    assert "lies outside" in _refused(folder)


def test_a_rule_that_does_not_prove_itself_is_refused(tmp_path: Path) -> None:
    """Rules are proved by their examples, as `rules check` does."""
    base = "secrets: {rules: [rules/example.yaml]}\n"
    assert source.read(_folder(tmp_path / "1", **{"base": base, "rules/example": RULES}))
    bad = RULES.replace("exa_123456789012", "exa_12345")
    assert "does not match" in _refused(
        _folder(tmp_path / "2", **{"base": base, "rules/example": bad})
    )


def test_an_unfit_profile_is_refused(tmp_path: Path) -> None:
    """A profile is tried as `policy check` does."""
    base = "tls: {profiles: [ours.yaml]}\n"
    bad = PROFILE.replace("[order]", "[absent]")
    assert source.read(_folder(tmp_path / "1", base=base, ours=PROFILE))
    assert "without[0]" in _refused(_folder(tmp_path / "2", base=base, ours=bad))


def test_no_content_is_repeated(tmp_path: Path) -> None:
    """Somebody may name a file of secrets: the error has none of it."""
    secret = secrets.token_hex(12)
    folder = _folder(tmp_path, base="secrets: {rules: [x.yaml]}\n", x=f"{secret}\n")
    assert secret not in _refused(folder)
