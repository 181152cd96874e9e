"""Things fail at random, and what is served is never anything but right: a few rounds of many."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.vault.authority import issue
from tests.bench.faults import Trouble, crowd, judge, whole
from tests.e2e.vaulting import NAME, Given, Seen

GIVEN = {"old": Given(0, 0, 30), "new": Given(20, 20, 60)}
WELL = [Seen(10, "old", ""), Seen(22, "old", ""), Seen(24, "new", "")]


def test_a_few_rounds() -> None:
    """A seed's first rounds against real servers, with all that is looked at."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.faults", "--rounds", "4", "--seed", "1"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.findall(r"^4 rounds, (\d+) handshakes, (\d+) certificates", done.stdout, re.MULTILINE)
    handshakes, certificates = map(int, told[0])
    assert handshakes > 50
    assert certificates > 0


def test_all_is_well() -> None:
    """Control: of what follows nothing is so."""
    assert judge(WELL, GIVEN, []) == []


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Seen(11, "", "refused"), "handshakes that failed: refused (1)"),
        (Seen(11, "other", ""), "certificates that Vault did not give (1)"),
        (Seen(31, "old", ""), "over, while a better one could have been served (1)"),
    ],
)
def test_what_is_wrong_is_noticed(seen: Seen, told: str) -> None:
    """Each kind of wrong that a client can see."""
    assert judge([*WELL, seen], GIVEN, []) == [told]


def test_what_could_not_be_served_is_no_fault() -> None:
    """One that is over is told of only where nothing kept a better one away, long enough."""
    over = [Seen(31, "old", "")]
    assert judge(over, GIVEN, [Trouble(19, 32)]) == []
    assert judge(over, GIVEN, [Trouble(1, 19)]) != []
    assert judge(over, {**GIVEN, "new": Given(28, 28, 60)}, []) == []


def test_a_crowd_is_counted() -> None:
    """The most requests within ten seconds, wherever they are."""
    assert crowd([1, 2, 30, 31, 32, 39.9, 50, 70]) == 4
    assert crowd([]) == 0


def test_half_an_object_is_noticed() -> None:
    """A key with its certificate is whole; another's, one of them alone, and a piece are not."""
    one, other = issue("one", names=[NAME]), issue("other", names=[NAME])
    assert whole(one.private + one.pem)
    for half in (other.private + one.pem, one.pem, one.private, (one.private + one.pem)[:-40], ""):
        assert not whole(half)
