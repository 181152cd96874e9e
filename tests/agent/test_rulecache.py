"""A compiled form is believed only when it is ours, whole, and does what the rules say."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent import home, rulecache
from checks.errors import RuleError
from checks.secrets import engine as engines
from checks.secrets import rules as rule_files
from checks.secrets.templates import render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_RULE = """
provider: Example
rules:
  - id: {name}-token
    title: Example token
    severity: high
    trigger: '{prefix}_[0-9a-z]{{4}}'
    pattern: '{prefix}_[0-9a-z]{{24}}'
    fix: Revoke it.
    examples: ['{prefix}_{{{{loweralnum 24}}}}']
"""
NOBODY = 65534
OURS = [("one.yaml", _RULE.format(name="one", prefix="exone"))]
OTHERS = [("two.yaml", _RULE.format(name="two", prefix="extwo"))]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A state folder in which our rules are compiled."""
    folder = tmp_path / "state"
    rulecache.load(OURS, folder)
    return folder


def _file(base: Path) -> Path:
    [path] = (base / "cache").glob("rules-*")
    return path


def _finds(engine: engines.Engine, prefix: str) -> bool:
    data = render(prefix + "_{{loweralnum 24}}", "a test").encode()
    return any(engine.tokens(data, engine.hits(data).pairs))


def _compiled(files: Sequence[tuple[str, str]]) -> tuple[list[rule_files.Rule], bytes]:
    rules = rule_files.load(files)
    return rules, engines.compile_rules(rules)


def _plant(path: Path, rules: list[rule_files.Rule], database: bytes) -> None:
    """Put a form with a right digest in place."""
    content = msgspec.msgpack.encode({"rules": rules, "database": database})
    path.write_bytes(home.sealed(content, path.name))


def _database_of_others(path: Path) -> None:
    _plant(path, _compiled(OURS)[0], _compiled(OTHERS)[1])


def _rules_of_others(path: Path) -> None:
    _plant(path, _compiled(OTHERS)[0], _compiled(OURS)[1])


def _no_database(path: Path) -> None:
    _plant(path, _compiled(OURS)[0], b"")


def _no_rules(path: Path) -> None:
    path.write_bytes(home.sealed(b"\xc1 not MessagePack", path.name))


def _form_of_others(path: Path) -> None:
    """Put the whole form of other rules in this one's place: its digest is right, not its name."""
    folder = path.parent.parent.parent / "others"
    rulecache.load(OTHERS, folder)
    shutil.copy(_file(folder), path)


def _flipped(where: float) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[int(where * (len(data) - 1))] ^= 4
        path.write_bytes(data)

    return flip


def _cut(where: float) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, int(where * path.stat().st_size))


def _link(path: Path) -> None:
    path.rename(path.with_name("kept"))
    path.symlink_to("kept")


DAMAGE: dict[str, Callable[[Path], None]] = {
    "cut to nothing": _cut(0),
    "cut in half": _cut(0.5),
    "cut at its end": _cut(0.999),
    "database of other rules": _database_of_others,
    "flipped in its digest": _flipped(0),
    "flipped in its middle": _flipped(0.5),
    "flipped in its end": _flipped(1),
    "form of other rules": _form_of_others,
    "group can write": lambda path: path.chmod(0o620),
    "link": _link,
    "no database": _no_database,
    "no rules": _no_rules,
    "others can read": lambda path: path.chmod(0o604),
    "rules of others": _rules_of_others,
}


def test_a_form_is_compiled_once(base: Path) -> None:
    """The second time the kept form is read, not written again."""
    before = _file(base).stat()
    assert _finds(rulecache.load(OURS, base).engine, "exone")
    after = _file(base).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert after.st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_form_that_is_not_ours_is_made_anew(base: Path, damage: Callable[[Path], None]) -> None:
    """Whatever was done to it, the engine finds what the rules say, and the file is right again."""
    path = _file(base)
    good = path.read_bytes()
    damage(path)
    engine = rulecache.load(OURS, base).engine
    assert [rule.id for rule in engine.rules] == ["one-token"]
    assert (_finds(engine, "exone"), _finds(engine, "extwo")) == (True, False)
    assert not path.is_symlink()
    assert home.read(path) == good


@pytest.mark.skipif(bool(os.geteuid()), reason="only root gives files away")
def test_a_form_of_somebody_else_is_made_anew(base: Path) -> None:
    """A file of another user is replaced by one of ours."""
    path = _file(base)
    os.chown(path, NOBODY, -1)
    assert _finds(rulecache.load(OURS, base).engine, "exone")
    assert path.stat().st_uid == os.geteuid()


@pytest.mark.parametrize("base", ["/dev/null/state", "/proc/state"])
def test_a_scan_without_a_cache_works(base: str) -> None:
    """Where nothing can be kept, rules are compiled for the run."""
    assert _finds(rulecache.load(OURS, Path(base)).engine, "exone")


def test_a_folder_that_others_can_write_keeps_nothing(tmp_path: Path) -> None:
    """Rules are compiled for the run, and nothing is put where others could replace it."""
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o777)
    assert _finds(rulecache.load(OURS, tmp_path).engine, "exone")
    assert os.listdir(folder) == []


def test_other_rules_are_another_form(base: Path) -> None:
    """A changed text or name never meets the old form."""
    old = _file(base).name
    engine = rulecache.load(OTHERS, base).engine
    assert (_finds(engine, "exone"), _finds(engine, "extwo")) == (False, True)
    changed = [(OURS[0][0], OURS[0][1].replace("Revoke it.", "Revoke it now."))]
    assert rulecache.load(changed, base).engine.rules[0].fix == "Revoke it now."
    assert old not in {path.name for path in (base / "cache").iterdir()}


def test_only_the_newest_forms_are_kept(base: Path) -> None:
    """Old forms go, so that upgrades do not fill the disk."""
    for number in range(4):
        rulecache.load([(f"{number}.yaml", OURS[0][1])], base)
    assert len(list((base / "cache").iterdir())) == 2


def test_a_bad_rule_is_refused_and_not_kept(tmp_path: Path) -> None:
    """An expression that Hyperscan does not take is an error, every time."""
    bad = [("bad.yaml", OURS[0][1].replace("exone_[0-9a-z]{4}'", "exone(?=x)'"))]
    for _ in range(2):
        with pytest.raises(RuleError):
            rulecache.load(bad, tmp_path)
    assert not (tmp_path / "cache").exists()


def test_a_name_that_is_not_text_is_a_name(tmp_path: Path) -> None:
    """Rule files may lie at paths that are not UTF-8."""
    assert _finds(rulecache.load([("\udcff.yaml", OURS[0][1])], tmp_path).engine, "exone")


def test_for_one_that_stays_another_process_compiles(tmp_path: Path) -> None:
    """What compiling takes ends with that process; a form that is there needs none."""
    ran = [_children()]
    for _ in range(2):
        assert _finds(rulecache.load(OURS, tmp_path, apart=True).engine, "exone")
        ran.append(_children())
    assert ran[0] < ran[1] == ran[2]
    assert _file(tmp_path).is_file()


@pytest.mark.parametrize("base", ["/dev/null/state", "/proc/state"])
def test_one_that_stays_works_without_a_cache(base: str) -> None:
    """Where the other process can keep nothing, rules are compiled here."""
    assert _finds(rulecache.load(OURS, Path(base), apart=True).engine, "exone")


def test_one_that_stays_hears_of_a_bad_rule(tmp_path: Path) -> None:
    """The other process ends without a word, and the error is met here."""
    bad = [("bad.yaml", OURS[0][1].replace("exone_[0-9a-z]{4}'", "exone(?=x)'"))]
    with pytest.raises(RuleError):
        rulecache.load(bad, tmp_path, apart=True)


def _children() -> int:
    """Give the pages that ended children of this process touched."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
