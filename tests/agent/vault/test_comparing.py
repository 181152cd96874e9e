"""Leaks that Vault holds, values that were changed since, certificates that were replaced."""

from __future__ import annotations

import pytest

from agent.found import Found, Leak, ServedKey
from agent.served import Served, Shown
from agent.vault import comparing, holding
from agent.vault.comparing import Former, Match
from agent.vault.holding import Holding, Version
from checks.model import Severity
from checks.redact import FingerprintKey
from tests.agent.vault.authority import issue

KEY = FingerprintKey(b"k" * 32, careful=True)
OLD, NEW = "8c1f0b7e" * 4 + "a", "5d92e6f3" * 4 + "b"


def secret(place: str, *values: str, newest: int = 0) -> Holding:
    """Give a secret with a value in each of its versions, from the first on."""
    versions = {n: holding.version({"password": v}, KEY) for n, v in enumerate(values, 1)}
    return Holding(place, newest or len(values), versions)


def leak(value: str, *, identity: str = "i1", removed: bool = False) -> Leak:
    mark = KEY.of(value).value
    return Leak(identity=identity, mark=mark, path="/etc/a.yml", line=3, removed=removed)


def match(version: int) -> Match:
    return Match(identity="i1", place="secret/app", field="password", version=version)


# The same value


def test_a_leak_is_known_by_the_newest_version_that_holds_it() -> None:
    """A version in use counts before one that is not, wherever it is; another value is unknown."""
    app, other = secret("secret/app", OLD, OLD, NEW), secret("secret/other", OLD)
    assert comparing.matches(Found(key=KEY.id, leaks=(leak(OLD),)), [app]) == {"i1": match(2)}
    [found] = comparing.matches(Found(key=KEY.id, leaks=(leak(OLD),)), [other, app]).values()
    assert (found.place, found.version) == ("secret/other", 1)
    assert comparing.matches(Found(key=KEY.id, leaks=(leak("f" + OLD),)), [app]) == {}


def test_what_stands_in_a_file_is_told_with_its_version() -> None:
    """What is in use matters more than what was changed; what was taken out is told no more."""
    app = secret("secret/app", OLD, NEW)
    leaks = (leak(OLD), leak(NEW, identity="i2"), leak(NEW, identity="i3", removed=True))
    found = Found(key=KEY.id, leaks=leaks)
    old, new = comparing.on_disk(found, comparing.matches(found, [app]), [app])
    assert (old.severity, new.severity) == (Severity.LOW, Severity.HIGH)
    assert old.message.endswith("secret/app version 1 of 2, field password")
    assert new.message.endswith("secret/app version 2, the newest, field password")
    assert (old.location.path, old.location.line) == ("/etc/a.yml", 3)
    assert old.identity != new.identity
    assert OLD not in repr(old)


@pytest.mark.parametrize(
    ("known", "leaked", "newer"),
    [
        ([secret("secret/app", OLD, NEW)], 1, 2),
        ([secret("secret/app", OLD)], 1, 0),
        ([secret("secret/app", OLD, OLD)], 1, 0),
        ([secret("secret/app", OLD, NEW, OLD)], 1, 0),
        ([secret("secret/app", OLD, NEW), secret("secret/b", OLD)], 1, 0),
        ([secret("secret/app", OLD, NEW), secret("secret/b", OLD, NEW)], 1, 2),
        ([secret("secret/app", OLD, NEW, newest=3)], 1, 0),
        ([Holding("secret/app", 2, {2: holding.version({"password": NEW}, KEY)})], 1, 0),
        ([secret("secret/app", OLD, "changeme")], 1, 0),
        (
            [
                Holding(
                    "secret/app", 2, {1: holding.version({"password": OLD}, KEY), 2: Version({})}
                )
            ],
            1,
            0,
        ),
        ([secret("secret/b", OLD, NEW)], 1, 0),
        ([], 1, 0),
    ],
    ids=[
        "another value",
        "no newer version",
        "the same value again",
        "put back later",
        "in use elsewhere",
        "changed elsewhere too",
        "the newest was deleted",
        "what leaked cannot be read",
        "replaced by what is not compared",
        "the field is gone",
        "another secret",
        "nothing known",
    ],
)
def test_a_value_was_changed_only_where_another_one_is_in_its_place(
    known: list[Holding], leaked: int, newer: int
) -> None:
    """A higher number alone is no proof: nothing is closed that may still be in use."""
    assert comparing.changed(match(leaked), known) == newer


# An older key


def shown(sha256: str = "c1", spki: str = "k1", at: float = 10.0) -> Served:
    return Served((Shown(place="tls://127.0.0.1:443", sha256=sha256, spki=spki, at=at),))


def test_what_only_older_versions_hold_was_replaced() -> None:
    """By its certificate, and a key without one by itself; a key that was certified anew is not."""
    renewed = {
        1: Version({}, frozenset({"k1"}), frozenset({"c1"})),
        2: Version({}, frozenset({"k1"}), frozenset({"c2"})),
        3: Version({}, frozenset({"k3"})),
    }
    web = Holding("secret/web", 3, renewed)
    assert {what: one.version for what, one in comparing.replaced([web]).items()} == {
        "c1": "1",
        "c2": "2",
    }
    [found] = comparing.stale(shown(), comparing.replaced([web]), [ServedKey("/etc/k.pem", "k1")])
    assert found.message.endswith(
        "secret/web version 1, its key in /etc/k.pem; Vault has version 3"
    )
    assert found.location.path == "tls://127.0.0.1:443"
    bare = Holding(
        "secret/web", 2, {1: Version({}, frozenset({"k1"})), 2: Version({}, frozenset({"k2"}))}
    )
    assert [*comparing.replaced([bare])] == ["k1"]
    assert comparing.replaced([web._replace(newest=4)]) == {}


def test_only_what_is_shown_since_then_is_stale() -> None:
    """A look from before the renewal says nothing; what is new is not stale."""
    former = {"c1": Former(place="web", version="3", newer="4", since=20.0)}
    assert [*comparing.stale(shown(at=19.0), former, ())] == []
    assert len([*comparing.stale(shown(at=21.0), former, ())]) == 1
    assert [*comparing.stale(shown("c2", "k2", at=21.0), former, ())] == []


def test_a_key_is_known_by_the_newest_version_that_has_it() -> None:
    """Only public halves are told."""
    web = Holding(
        "secret/web",
        2,
        {1: Version({}, frozenset({"k1", "k2"})), 2: Version({}, frozenset({"k2"}))},
    )
    assert {str(one) for one in comparing.vaulted([web])} == {
        "secret/web version 1 of 2",
        "secret/web version 2, the newest",
    }


# What is kept of a version


def test_a_version_is_kept_as_fingerprints_and_public_halves() -> None:
    """Of texts alone; what may be guessed is left out; no value is in it."""
    leaf = issue("web", names=["www.example.net"])
    fields = {
        "p": OLD,
        "padded": f" {NEW}\n",
        "pin": "1234",
        "n": 7,
        "key": leaf.private,
        "crt": leaf.pem,
    }
    found = holding.version(fields, KEY)
    assert found.marks[KEY.of(OLD).value] == "p"
    assert found.marks[KEY.of(NEW).value] == "padded"
    assert KEY.of("1234").value not in found.marks
    [spki] = found.keys
    assert found.marks[KEY.of(spki).value] == "key"
    assert len(found.certificates) == 1
    assert OLD not in repr(found)
    hostile = {"key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" * 50}
    assert holding.version(hostile, KEY).keys == frozenset()
