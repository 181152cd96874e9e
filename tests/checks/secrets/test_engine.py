"""Candidates come in linear time, floods are told, only a database that proves itself is used."""

from __future__ import annotations

import importlib
import random
import string
import time

import pytest

from checks import catalog
from checks.errors import RuleError
from checks.secrets import engine as engines
from checks.secrets import rules
from checks.secrets.engine import CAP, FIRST_RULE, WINDOW, Engine, compile_rules
from checks.secrets.rules import Rule
from checks.secrets.templates import render
from checks.secrets.triggers import Trigger

GITHUB = "github-personal-access-token"
TOKEN = render("{{crc32-base62 ghp_}}", "a token of the tests")


def rule(number: int = 1, **fields: object) -> Rule:
    """Make a rule of a provider that does not exist."""
    given = {
        "id": f"made-up-{number}",
        "title": "Made-up token",
        "severity": "high",
        "trigger": f"tk{number}_",
        "pattern": f"tk{number}_[a-z0-9]{{8,400}}",
        "fix": "Revoke it.",
        "examples": (f"tk{number}_{{{{loweralnum 20}}}}",),
    }
    return Rule(**(given | fields))  # type: ignore[arg-type]  # fields of a rule


def made(*of: Rule) -> Engine:
    """Compile rules."""
    return Engine(of, compile_rules(of))


def tokens(engine: Engine, data: bytes) -> list[tuple[str, str, int]]:
    """Give rule, value and offset of all confirmed tokens."""
    return [
        (one.rule.id, one.value, one.offset) for one in engine.tokens(data, engine.hits(data).pairs)
    ]


def test_a_token_is_confirmed_at_its_offset(engine: Engine) -> None:
    """The value is the whole token and nothing around it; one with a wrong checksum is none."""
    data = f"first line\nuser: bob, token: {TOKEN}; end\n".encode()
    assert tokens(engine, data) == [(GITHUB, TOKEN, data.index(TOKEN.encode()))]
    last = "A" if TOKEN[-1] != "A" else "B"
    assert tokens(engine, data.replace(TOKEN.encode(), (TOKEN[:-1] + last).encode())) == []


@pytest.mark.parametrize("around", ["{}", '"{}"', "x={}\n", "%3D{}", "\\n{}", "\xff{}\xff", "_{}"])
def test_what_stands_around_a_token_does_not_hide_it(engine: Engine, around: str) -> None:
    """Quotes, escapes and bytes of other encodings end a token; letters and digits do not."""
    data = around.encode("latin-1").replace(b"{}", TOKEN.encode())
    assert [value for _, value, _ in tokens(engine, data)] == [TOKEN]
    assert tokens(engine, b"x" + TOKEN.encode()) == []
    assert tokens(engine, TOKEN.encode() + b"x") == []


def test_every_occurrence_is_a_token(engine: Engine) -> None:
    """The same value at three places is confirmed three times, in order."""
    data = " and ".join([TOKEN] * 3).encode()
    step = len(TOKEN) + 5
    assert [offset for _, _, offset in tokens(engine, data)] == [0, step, 2 * step]


def test_a_token_does_not_show_its_value(engine: Engine) -> None:
    """The representation names rule and place."""
    data = TOKEN.encode()
    [found] = list(engine.tokens(data, engine.hits(data).pairs))
    assert repr(found) == f"<Token {GITHUB} at 0>"


def test_a_context_rule_needs_its_name(engine: Engine) -> None:
    """A value without a prefix counts behind the issuer's name only."""
    contexts = [one for one in engine.rules if one.context]
    assert contexts
    for one in contexts[:20]:
        data = render(one.examples[0], one.id).encode()
        values = [value for id_, value, _ in tokens(engine, data) if id_ == one.id]
        assert values, one.id
        alone = f"value = {values[0]}\n".encode()
        assert one.id not in {id_ for id_, _, _ in tokens(engine, alone)}


def test_a_token_at_the_end_of_a_look_ahead_is_whole() -> None:
    """A hit that comes to nothing does not cut a token that stands thousands of bytes later."""
    engine = made(rule())
    for gap in range(7780, 8200, 7):
        token = "tk1_" + "a" * 400
        data = b"tk1_ " + b"." * gap + token.encode() + b" end"
        assert [value for _, value, _ in tokens(engine, data)] == [token], gap


def test_a_rule_matches_no_more_than_the_engine_looks_at(engine: Engine) -> None:
    """Every pattern has a greatest length, and it fits behind its trigger."""
    parser = importlib.import_module("re._parser")
    for rule in engine.rules:
        assert parser.parse(rule.confirm.pattern).getwidth()[1] <= rule.longest, rule.id
    assert {rule.longest for rule in engine.rules} == {512, 4096}


def test_ordinary_text_is_no_flood(engine: Engine) -> None:
    """Ten megabytes of text with a candidate here and there are scanned in one go."""
    text = b"ordinary words of a log without anything to see\n" * 200_000
    data = text + f"db_password = '{TOKEN}'\n".encode()
    begun = time.process_time()
    found = engine.hits(data)
    assert time.process_time() - begun < 2
    assert not found.flooded
    assert {int(Trigger.QUOTED)} <= {number for number, _ in found.pairs}


@pytest.mark.parametrize("unit", [b"passwd=", b"passwd=x ", b'password="x"\n', b"://a:b@c "])
def test_a_flood_is_capped_and_told(engine: Engine, unit: bytes) -> None:
    """Ten megabytes of nothing but candidates take less than two seconds."""
    data = unit * (10_000_000 // len(unit))
    begun = time.process_time()
    found = engine.hits(data)
    assert time.process_time() - begun < 2
    assert found.flooded
    assert len(found.pairs) <= CAP * (len(data) // WINDOW + 1)
    ends = [end for _, end in found.pairs]
    assert ends == sorted(ends)


def test_many_candidates_apart_are_all_taken(engine: Engine) -> None:
    """A large text with thousands of tokens, few a window, loses none at any window's edge."""
    values = [render("{{crc32-base62 ghp_}}", str(number)) for number in range(2500)]
    gaps = random.Random(1)
    data = "\n".join(value + " " * gaps.randrange(500, 1500) for value in values).encode()
    found = engine.hits(data)
    assert len(found.pairs) >= 4096 // 2
    assert not found.flooded
    assert [value for _, value, _ in tokens(engine, data * 2)] == values * 2


def test_hostile_fragments_take_linear_time(engine: Engine) -> None:
    """64 KB of what nearly is a token cost no rule half a second, and all of them few."""
    total = 0.0
    for number, one in enumerate(engine.rules):
        sample = render(one.examples[0], one.id).encode()
        end = next(end for found, end in engine.hits(sample).pairs if found == FIRST_RULE + number)
        fragment = sample[:end] if number % 2 else sample[:-1] + b'"'
        data = (fragment * (65536 // len(fragment) + 1))[:65536]
        pairs = engine.hits(data).pairs
        begun = time.process_time()
        list(engine.tokens(data, pairs))
        spent = time.process_time() - begun
        total += spent
        assert spent < 0.5, one.id
    assert total < 10


def test_one_long_word_takes_linear_time(engine: Engine) -> None:
    """64 KB without any separator, of every alphabet a token may have, cost next to nothing."""
    for alphabet in (
        string.ascii_letters + string.digits,
        "0123456789abcdef",
        "A",
        "eyJ",
        "-_.",
        '="',
    ):
        data = "".join(random.Random(2).choices(alphabet, k=65536)).encode()
        begun = time.process_time()
        list(engine.tokens(data, engine.hits(data).pairs))
        assert time.process_time() - begun < 1, alphabet


def test_a_damaged_database_is_refused() -> None:
    """What the library can tell from a database does not load."""
    good = compile_rules([rule()])
    assert Engine([rule()], good).rules == (rule(),)
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    for bad in (b"", b"x" * 500, good[:40], good[:-1], bytes(flipped)):
        with pytest.raises(RuleError, match="does not load"):
            Engine([rule()], bad)


def test_a_database_of_other_rules_is_refused() -> None:
    """A well-formed database that misses an example is not believed."""
    forged = compile_rules([rule(2)])
    with pytest.raises(RuleError, match="misses an example of made-up-1"):
        Engine([rule(1)], forged)
    with pytest.raises(RuleError, match="misses an example of made-up-1"):
        Engine([rule(1), rule(2)], compile_rules([rule(2), rule(1)]))
    with pytest.raises(RuleError, match="misses an example"):
        Engine([rule(1), rule(2)], compile_rules([rule(1)]))


def test_a_trigger_that_cannot_be_compiled_is_a_rule_error() -> None:
    """Hyperscan has no look-around; its refusal is one of ours."""
    with pytest.raises(RuleError, match="Hyperscan refuses"):
        compile_rules([rule(trigger="(?<=a)tk1_")])
    assert compile_rules([])


def test_the_key_of_a_cache_changes_with_the_rules() -> None:
    """Other rules have another key; the same have the same."""
    assert engines.key(b"one") == engines.key(b"one") != engines.key(b"two")
    assert len(engines.key(b"")) == 24


def test_built_in_rules_are_one_database(engine: Engine) -> None:
    """Rules are sorted by id, so that the numbers of their patterns are the same every time."""
    ids = [one.id for one in engine.rules]
    assert ids == sorted(ids) == [one.id for one in rules.load(catalog.rule_files())]
