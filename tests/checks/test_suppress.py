"""Suppressed findings stay listed; a new value is never hidden by an old decision."""

from __future__ import annotations

import datetime
import json
import random
import time
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import suppress
from checks.errors import PolicyError
from checks.model import Confidence, Evidence, Finding, Fingerprint, Location, Severity
from checks.policy import Waiver
from checks.suppress import Accepted, Baseline, Entry, Mark

FORMAT: Literal["hygiene-agent/baseline/1"] = "hygiene-agent/baseline/1"
SALT = "00112233445566778899aabbccddeeff"
TODAY = datetime.date(2027, 3, 31)
CHECK = "embedded-password"


def made(seed: int) -> str:
    """Make a value."""
    return random.Random(seed).randbytes(9).hex()


def taken(*places: tuple[str, str, str], salt: str = SALT) -> Baseline:
    """Take a baseline of (check, path, value)."""
    hashing = Accepted(Baseline(FORMAT, salt))
    entries = [Entry(check, path, hashing.slow_hash(value)) for check, path, value in places]
    return Baseline(FORMAT, salt, tuple(entries))


def found(path: str = "/etc/app.ini", check: str = CHECK, fingerprint: str = "f1") -> Finding:
    """Make a finding."""
    return Finding(
        check,
        Severity.HIGH,
        Confidence.HIGH,
        Location(path, 3),
        "m",
        "f",
        Evidence("••••••••", 9, (Fingerprint("k", "other"), Fingerprint("k2", fingerprint))),
    )


def waiver(until: datetime.date = TODAY, **fields: str) -> Waiver:
    """Make a waiver that covers `found()`."""
    given_ = {"check": CHECK, "path": "/etc/*", "owner": "o", "reason": "r"} | fields
    return Waiver(until=until, **given_)


def test_a_baseline_is_read_as_it_was_written() -> None:
    """Writing sorts and joins equal entries; reading gives them back."""
    baseline = taken(
        (CHECK, "b.ini", made(1)), (CHECK, "a.ini", made(2)), (CHECK, "b.ini", made(1))
    )
    read = suppress.read_baseline(suppress.write_baseline(baseline))
    assert read.entries == tuple(sorted(set(baseline.entries)))
    assert (read.format, read.salt) == (FORMAT, SALT)
    empty = suppress.write_baseline(Baseline(FORMAT, SALT))
    assert suppress.read_baseline(empty) == Baseline(FORMAT, SALT)


def test_a_baseline_has_an_entry_a_line_and_no_value() -> None:
    """Two branches that each add a line merge by line; no secret stands in the file."""
    values = [made(seed) for seed in range(5)]
    old = taken(*((CHECK, f"{n}.ini", value) for n, value in enumerate(values[:4])))
    new = taken(*((CHECK, f"{n}.ini", value) for n, value in enumerate(values)))
    before, after = (suppress.write_baseline(one).decode().split("\n") for one in (old, new))
    assert len(after) == len(before) + 1
    assert not [value for value in values if value in "".join(after)]
    rows = [row.strip() for row in after if '"check"' in row]
    assert rows == sorted(rows)
    assert all(json.loads(row.rstrip(","))["check"] == CHECK for row in rows)


def test_merged_entries_are_read_in_any_order() -> None:
    """The order in which a merge left the lines does not matter."""
    baseline = taken((CHECK, "a", made(1)), (CHECK, "b", made(2)))
    document = json.loads(suppress.write_baseline(baseline))
    document["entries"].reverse()
    accepted = Accepted(suppress.read_baseline(json.dumps(document).encode()))
    assert accepted.holds(CHECK, "a", made(1))
    assert accepted.holds(CHECK, "b", made(2))


def test_only_the_accepted_value_at_its_place_is_held() -> None:
    """Another value, path or check is new; the line is no part of the place."""
    accepted = Accepted(taken((CHECK, "app.ini", made(1))))
    assert accepted.holds(CHECK, "app.ini", made(1))
    assert not accepted.holds(CHECK, "app.ini", made(2))
    assert not accepted.holds(CHECK, "other.ini", made(1))
    assert not accepted.holds("weak-password", "app.ini", made(1))


def test_hashes_are_slow_and_salted() -> None:
    """The same value has another hash under another salt, and one guess costs milliseconds."""
    one, two = Accepted(Baseline(FORMAT, SALT)), Accepted(Baseline(FORMAT, "ff" * 16))
    begun = time.process_time()
    assert one.slow_hash(made(1)) != two.slow_hash(made(1))
    assert time.process_time() - begun > 0.004
    assert len(one.slow_hash("")) == 40
    assert len(one.slow_hash("\udcff\ud800")) == 40


def test_names_that_are_not_utf8_are_kept() -> None:
    """A path with undecodable bytes is written and read back as it was."""
    baseline = taken((CHECK, "caf\udce9.ini", made(1)))
    assert Accepted(suppress.read_baseline(suppress.write_baseline(baseline))).holds(
        CHECK, "caf\udce9.ini", made(1)
    )


GOOD = suppress.write_baseline(taken((CHECK, "a.ini", made(1)))).decode()


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "{}",
        "[]",
        GOOD[:-4],
        GOOD.replace("baseline/1", "baseline/2"),
        GOOD.replace(SALT, "no hex"),
        GOOD.replace('"salt"', '"sold"'),
        GOOD.replace('"check":', '"line":3,"check":'),
        "<<<<<<< HEAD\n" + GOOD,
        GOOD.replace(f'"{CHECK}"', "3"),
        "[" * 100_000,
    ],
)
def test_a_damaged_baseline_is_refused(damaged: str) -> None:
    """Whatever is not wholly a baseline is an error that repeats nothing of it."""
    assert suppress.read_baseline(GOOD.encode()).entries
    with pytest.raises(PolicyError, match="baseline") as caught:
        suppress.read_baseline(damaged.encode())
    assert SALT not in str(caught.value)


def test_bytes_that_are_no_text_are_refused() -> None:
    """Not UTF-8 is not a baseline."""
    with pytest.raises(PolicyError):
        suppress.read_baseline(b'{"format": "\xff"}')


MARKED = f"hygiene: allow {CHECK} used in tests only"


@pytest.mark.parametrize(
    ("rows", "line", "reason"),
    [
        ([f"password = x  # {MARKED}"], 1, "used in tests only"),
        ([f"# {MARKED}", "password = x"], 2, "used in tests only"),
        ([f"  <!-- {MARKED} -->", "<password>x</password>"], 2, "used in tests only -->"),
        ([f"    // {MARKED}  ", "x"], 2, "used in tests only"),
        ([f"# hygiene: allow {CHECK}\treason"], 1, "reason"),
        ([f"user = x  # {MARKED}", "password = x"], 2, None),
        ([f"# {MARKED}", "", "password = x"], 3, None),
        (["password = x", f"# {MARKED}"], 1, None),
        (["password = x  # hygiene: allow weak-password why not"], 1, None),
        ([f"password = x  # hygiene: allow {CHECK}"], 1, None),
        ([f"password = x  # hygiene: allow {CHECK} "], 1, None),
        ([f"<!-- hygiene: allow {CHECK} -->"], 1, None),
        ([f"/* hygiene: allow {CHECK} */"], 1, None),
        (["password = x  # hygiene: allow * everything"], 1, None),
        ([f"password = x  # Hygiene: Allow {CHECK} r"], 1, None),
        ([f"# hygiene: allow {CHECK}-other reason", "x"], 2, None),
        (["x"], 0, None),
        (["x"], 9, None),
        ([], 1, None),
    ],
)
def test_a_mark_names_check_and_reason(rows: list[str], line: int, reason: str | None) -> None:
    """It counts on the finding's line or alone on the one above, for its check, with a reason."""
    mark = suppress.mark_at(rows, line, CHECK)
    assert mark == (None if reason is None else Mark(CHECK, reason))


def test_two_marks_serve_two_checks_on_one_line() -> None:
    """The mark above counts although the line has a mark for another check."""
    rows = [f"# {MARKED}", "x  # hygiene: allow weak-password also known"]
    assert suppress.mark_at(rows, 2, CHECK) == Mark(CHECK, "used in tests only")
    assert suppress.mark_at(rows, 2, "weak-password") == Mark("weak-password", "also known")
    assert suppress.mark_at(rows, 2, "embedded-secret") is None


@given(st.lists(st.text(max_size=60), max_size=4), st.integers(-2, 6))
def test_any_text_may_be_asked_for_marks(rows: list[str], line: int) -> None:
    """Nothing but a mark is one."""
    assert suppress.mark_at(rows, line, CHECK) is None


def test_marks_are_found_in_linear_time() -> None:
    """Blanks without end behind a check do not slow the search down."""
    rows = [f"hygiene: allow {CHECK}" + " " * 500_000] * 2
    begun = time.process_time()
    for _ in range(200):
        assert suppress.mark_at(rows, 2, CHECK) is None
    assert time.process_time() - begun < 0.5


def test_a_waiver_covers_until_its_last_day() -> None:
    """On its date it still counts, the day after the finding does; it stays listed either way."""
    counted, waived = suppress.waive([found()], [waiver()], TODAY)
    assert not counted
    assert [
        (one.suppression.kind, one.suppression.owner, one.suppression.until) for one in waived
    ] == [("waiver", "o", "2027-03-31")]
    counted, waived = suppress.waive([found()], [waiver()], TODAY + datetime.timedelta(days=1))
    assert (len(counted), waived) == (1, [])


@pytest.mark.parametrize(
    ("fields", "covered"),
    [
        ({}, True),
        ({"path": "/etc/app.ini"}, True),
        ({"path": "/etc/*/x"}, False),
        ({"path": "/ETC/*"}, False),
        ({"path": "/srv/*"}, False),
        ({"path": "*"}, True),
        ({"check": "embedded-*"}, True),
        ({"check": "*"}, True),
        ({"check": "weak-*"}, False),
        ({"fingerprint": "f1"}, True),
        ({"fingerprint": "other"}, True),
        ({"fingerprint": "f2"}, False),
    ],
)
def test_a_waiver_narrows_by_check_path_and_fingerprint(
    fields: dict[str, str], *, covered: bool
) -> None:
    """All that a waiver names must fit; a fingerprint holds it to one value."""
    counted, waived = suppress.waive([found()], [waiver(TODAY, **fields)], TODAY)
    assert (len(waived), len(counted)) == ((1, 0) if covered else (0, 1))


def test_a_fingerprint_needs_evidence() -> None:
    """A finding without a value is not covered by a waiver for one value."""
    bare = Finding(CHECK, Severity.LOW, Confidence.LOW, Location("/etc/x"), "m", "f")
    assert suppress.waive([bare], [waiver(fingerprint="f1")], TODAY)[1] == []
    assert len(suppress.waive([bare], [waiver()], TODAY)[1]) == 1
