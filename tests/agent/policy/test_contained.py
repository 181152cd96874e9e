"""Whatever a signed policy says in whichever field: it opens, runs and reaches nothing by that."""

from __future__ import annotations

import datetime
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from agent import endpoints, profiling, rulecache, setup, tlsscan
from agent.policy import effective
from agent.policy.layers import Layer
from agent.policyfile import Holding
from checks import catalog, policy, suppress
from checks.errors import HygieneError
from checks.inspect import Inspector
from checks.redact import FingerprintKey
from checks.scan import Scanner
from checks.scanned import Orders, Result
from checks.tls import sites

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.rulecache import Matching

DOING = ("open", "os.", "subprocess.", "socket.", "pty.", "ctypes.dlopen", "shutil.", "glob.")
WAIVER = {"check": "a", "path": "b", "owner": "c", "reason": "d", "until": "2030-01-01"}
PLANTED = "planted-by-a-policy"


class Field(NamedTuple):
    """A place in a policy, and how a text is put there."""

    place: str
    wrapped: tuple[str, ...]

    def filled(self, text: str) -> dict[str, Any]:
        """Give a policy that says only this."""
        value: Any = text
        for how in reversed(self.wrapped):
            if how == "[]":
                value = [value]
            else:
                value = {value: value} if how == "{}" else {**WAIVER, how: value}
        for key in reversed(self.place.split(".")):
            value = {key: value}
        return {"version": 1, **value}


def texts(schema: dict[str, Any], node: dict[str, Any], place: str = "") -> Iterator[Field]:
    """Find every place of a policy that takes a text, or something that may hold one."""
    reference = node.get("$ref", "").rpartition("/")[2]
    node = schema["$defs"][reference] if reference else node
    kinds = [node, *node.get("anyOf", ())]
    for kind in kinds:
        told = kind.get("type")
        if told == "string" or "enum" in kind:
            yield Field(place, ())
        elif told == "array":
            yield Field(place, ("[]",))
            if "anyOf" in kind["items"]:
                yield Field(place, ("[]", "{}"))
            inner = schema["$defs"].get(kind["items"].get("$ref", "").rpartition("/")[2], {})
            yield from (Field(place, ("[]", key)) for key in inner.get("properties", {}))
        elif told == "object" and "properties" not in kind:
            yield Field(place, ("{}",))
        for key, inner in kind.get("properties", {}).items():
            yield from texts(schema, inner, f"{place}.{key}".lstrip("."))


FIELDS = sorted(set(texts(policy.schema(), policy.schema())))


class Watch:
    """What this process does, as the interpreter tells it, while it is looked at."""

    def __init__(self) -> None:
        self.looking, self.seen = False, list[str]()
        sys.addaudithook(self._heard)

    def _heard(self, event: str, told: tuple[object, ...]) -> None:
        if self.looking and event.startswith(DOING):
            self.seen.append(f"{event} {told}")


@pytest.fixture(scope="module")
def watch() -> Watch:
    """One for all, since a hook stays."""
    return Watch()


@pytest.fixture(scope="module")
def matching(tmp_path_factory: pytest.TempPathFactory) -> Matching:
    return rulecache.load(setup.rule_texts(()), tmp_path_factory.mktemp("rules"))


def test_every_part_of_a_policy_is_tried() -> None:
    """The places are found by the schema, so that a new one is tried too."""
    places = {field.place for field in FIELDS}
    assert {"name", "files.exclude", "secrets.rules", "tls.profiles", "waivers"} <= places
    assert len(FIELDS) > 15


def works(told: dict[str, Any], matching: Matching, tree: Path) -> None:
    """Do all that roles and scans do by a policy; raises HygieneError for one that is refused."""
    made = effective.made([Layer("base", told)], {"base": 1}, {})
    holding = Holding(effective.policy_of(made), tree)
    setup.rule_texts(setup.policy_rules(*holding))
    profiles = profiling.of_policy(*holding)
    orders = Orders(policy=holding.policy, keys=(FingerprintKey(bytes(32)),), roots=(str(tree),))
    scanner = Scanner(Inspector(matching.engine, catalog.Formats(matching.formats)), orders)
    result = Result()
    scanner.file(str(tree / "a.env"), result)
    today = datetime.date(2026, 11, 22)
    suppress.waive(result.findings, holding.policy.waivers, today)
    job = tlsscan.Job(endpoints.Found(), sites.Seen(), holding.policy, "1", profiles=profiles)
    tlsscan.run(job)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: f"{field.place}{field.wrapped}")
def test_no_field_reaches_out(
    field: Field, watch: Watch, matching: Matching, tmp_path: Path, password: str
) -> None:
    """Paths, addresses, commands: refused, or taken for what they are not."""
    planted = tmp_path / PLANTED
    planted.write_text("version: 1\n")
    (tmp_path / "a.env").write_text(f"DB_PASSWORD={password}\n")
    hostile = (
        *(str(planted), f"../{tmp_path.name}/{PLANTED}", PLANTED, f"file://{planted}"),
        *(f"https://127.0.0.1:9/{PLANTED}", f"$(touch {planted}.2)", f"; touch {planted}.2"),
        *(f"|touch {planted}.2", f"!!python/object/apply:os.system ['touch {planted}.2']"),
    )
    for text in hostile:
        watch.seen.clear()
        watch.looking = True
        try:
            works(field.filled(text), matching, tmp_path)
        except HygieneError:
            continue
        finally:
            watch.looking = False
            assert [one for one in watch.seen if PLANTED in one] == []
            assert [one for one in watch.seen if one.startswith(("socket.", "subprocess."))] == []
    assert not planted.with_name(f"{PLANTED}.2").exists()


def test_what_it_would_see(watch: Watch, tmp_path: Path) -> None:
    """A policy of the host's own does open the files that it names."""
    (tmp_path / PLANTED).write_text("version: 1\n")
    own = policy.from_mapping({"version": 1, "secrets": {"rules": [PLANTED]}})
    watch.looking = True
    setup.rule_texts(setup.policy_rules(own, tmp_path))
    watch.looking = False
    assert any(PLANTED in one for one in watch.seen)
