"""One key: what is fit is delivered, taken up and proven; otherwise the one before comes back."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.vault import advice
from agent.vault.errors import VaultError, Why
from agent.vault.material import Material, MaterialError, Values
from agent.vault.record import Record, State
from tests.agent.vault.keeping import NOW, bench, got, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.vault.got import Got
    from tests.agent.vault.keeping import Bench

AWAY = VaultError(Why.AWAY, "cannot be reached")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory."""
    made = Path(tempfile.mkdtemp(prefix="hygiene-", dir="/dev/shm"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def one(folder: Path) -> Bench:
    return bench(folder)


def serving(one: Bench, what: Material | Values, version: str = "1") -> Record:
    """Have it serve something."""
    one.source.says = got(what, version)
    record = one.turn()
    assert (record.state, record.fault) == (State.SERVED, "")
    return record


def test_what_is_fit_is_delivered_taken_up_and_proven(one: Bench) -> None:
    """Everywhere and once; the record says which it is, until when, and that it was proven."""
    what = made()
    record = serving(one, what)
    assert one.contents == {what.pem}
    assert (one.server.serves, one.server.reloads) == (what.pem, 1)
    assert (record.version, record.sha256, record.ends) == ("1", what.sha256, what.ends)
    assert (record.got, record.proven, record.failures) == (NOW, NOW, 0)
    assert not one.keeping.turn(NOW + 0.5)
    assert one.source.known == [""]


def test_values_are_json_and_nothing_of_them_is_in_the_record(one: Bench) -> None:
    """A user and a password are no certificate: nothing is proven, and no hash is kept."""
    record = serving(one, Values({"user": "u", "password": "p\udc80"}))
    assert {json.loads(each)["password"] for each in one.contents} == {"p\udc80"}
    assert (record.sha256, record.ends) == ("", 0)
    assert one.server.reloads == 1


def test_what_has_not_changed_is_left_alone(one: Bench) -> None:
    """It is asked for by the version that is held; nothing is written, nothing reloaded."""
    serving(one, made())
    before = [place.path.stat().st_ino for place in one.places]
    record = one.turn(NOW + 60)
    assert one.source.known == ["", "1"]
    assert (one.server.reloads, [place.path.stat().st_ino for place in one.places]) == (1, before)
    assert NOW + 60 < record.due <= NOW + 120


def test_a_longer_life_of_the_same_is_no_new_delivery(one: Bench) -> None:
    """A lease that was renewed ends later; what is served stays as it is."""
    what = Values({"password": "p"})
    one.source.says = got(what, "1", ends=NOW + 100)
    one.turn()
    renewed = got(what, "1", ends=NOW + 900)
    one.source.get = lambda _known, _now: renewed  # type: ignore[method-assign]  # as a lease does
    record = one.turn(NOW + 60)
    assert (record.ends, record.state, one.server.reloads) == (NOW + 900, State.SERVED, 1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (AWAY, advice.AWAY),
        (MaterialError("the key is no private key"), advice.UNFIT),
        (got(made("other.example.net"), "2"), advice.UNFIT),
        (got(made(days=(-9, -1)), "2"), advice.UNFIT),
        (got(made(days=(1, 9)), "2"), advice.UNFIT),
    ],
    ids=["away", "no key", "another name", "over", "not begun"],
)
def test_what_is_not_to_be_had_or_not_fit_changes_nothing(
    one: Bench, fault: object, said: str
) -> None:
    """The one before is served on, and nobody is asked to reload; that it is mended is seen."""
    what = made()
    serving(one, what)
    right, one.source.says = one.source.says, fault  # type: ignore[assignment]  # any of them
    record = one.turn()
    assert (record.state, record.fault, record.failures) == (State.KEPT, said, 1)
    assert record.why
    assert (one.contents, one.server.reloads) == ({what.pem}, 1)
    one.source.says = right
    record = one.turn()
    assert (record.state, record.fault, record.why, record.failures) == (State.SERVED, "", "", 0)


@pytest.mark.parametrize("fault", [AWAY, MaterialError("no key")])
def test_where_nothing_is_served_that_is_said(one: Bench, fault: VaultError) -> None:
    """Nothing is delivered, and the waits grow; who is served again is told as such."""
    one.source.says = fault
    waits = [one.turn().due - NOW for _ in range(12)]
    assert one.keeping.record.state is State.FAILED
    assert one.contents == {b""}
    assert waits[0] <= 2
    assert 4 < waits[3] < 300 <= waits[11] <= 600
    serving(one, made())


def test_it_waits_as_long_as_vault_asks(one: Bench) -> None:
    """Who was told to come back later does not come earlier."""
    one.source.says = VaultError(Why.LIMITED, "asked too often", after=900.0)
    assert one.turn().due >= NOW + 900
    one.source.says = VaultError(Why.LIMITED, "asked too often")
    assert one.turn().due < NOW + 900


@pytest.mark.parametrize("broken", [0, 1])
def test_where_one_place_refuses_all_have_the_one_before(one: Bench, broken: int) -> None:
    """What was put into the other places already is put back; the server serves on."""
    first, second = made(), made()
    serving(one, first)
    one.places[broken].breaks = [True]
    one.source.says = got(second, "2")
    record = one.turn()
    assert (record.state, record.fault) == (State.KEPT, advice.UNDELIVERED)
    assert record.why.endswith(".pem: broken")
    assert (one.contents, one.server.serves) == ({first.pem}, first.pem)
    assert (one.turn().version, one.contents) == ("2", {second.pem})


@pytest.mark.parametrize(
    ("does", "said"), [("fails", advice.NOT_TAKEN_UP), ("nothing", advice.NOT_SERVED)]
)
def test_what_is_not_taken_up_or_not_served_is_put_back(one: Bench, does: str, said: str) -> None:
    """A reload that fails, and one that changes nothing: the one before is delivered again."""
    first, second = made(), made()
    serving(one, first)
    one.server.does = [does]
    one.source.says = got(second, "2")
    record = one.turn()
    assert (record.state, record.fault, record.version) == (State.KEPT, said, "1")
    assert (one.contents, one.server.serves) == ({first.pem}, first.pem)
    assert (one.turn().version, one.server.serves) == ("2", second.pem)


def test_what_could_not_be_put_back_is_put_back_later(one: Bench) -> None:
    """Also where Vault gives nothing meanwhile: what failed its proof does not stay."""
    first, second = made(), made()
    serving(one, first)
    one.server.does = ["fails"]
    one.places[0].breaks = [False, True]
    one.source.says = got(second, "2")
    assert one.turn().fault == advice.NOT_TAKEN_UP
    assert [place.content for place in one.places] == [second.pem, first.pem]
    one.source.says = AWAY
    assert one.turn().fault == advice.AWAY
    assert (one.contents, one.server.serves) == ({first.pem}, first.pem)
    reloads = one.server.reloads
    one.turn()
    assert one.server.reloads == reloads


def test_the_first_one_stays_where_it_is(one: Bench) -> None:
    """Its server may be waiting for it; it is served as soon as somebody takes it up."""
    what = made()
    one.server.does = ["fails", "nothing"]
    one.source.says = got(what, "1")
    for fault in (advice.NOT_TAKEN_UP, advice.NOT_SERVED):
        record = one.turn()
        assert (record.state, record.fault, record.version) == (State.FAILED, fault, "")
        assert (one.contents, one.server.serves) == ({what.pem}, b"")
    record = one.turn()
    assert (record.state, record.version, one.server.serves) == (State.SERVED, "1", what.pem)


def test_what_a_place_has_lost_is_delivered_again(one: Bench) -> None:
    """Before anything is due, and nobody reloads; other places are not touched."""
    what = made()
    serving(one, what)
    before = one.places[1].path.stat().st_ino
    one.places[0].path.unlink()
    assert not one.keeping.turn(NOW + 0.5)
    assert one.contents == {what.pem}
    assert (one.places[1].path.stat().st_ino, one.server.reloads) == (before, 1)


def test_a_place_that_cannot_be_looked_at_keeps_no_other_from_it(one: Bench) -> None:
    """What the second one lost is delivered again though the first one is in trouble."""
    what = made()
    serving(one, what)
    for place in one.places:
        place.path.unlink()
    one.places[0].unseen = True
    one.keeping.turn(NOW + 0.5)
    assert [place.content for place in one.places] == [b"", what.pem]


def test_after_a_restart_all_places_have_it_and_vault_is_not_asked(
    one: Bench, folder: Path
) -> None:
    """Receivers that forget, such as a socket of ours, have it again; nobody reloads."""
    what = made()
    record = serving(one, what)
    for place in one.places:
        place.path.unlink()
    again = bench(folder, record, what)
    assert not again.keeping.turn(NOW + 0.5)
    assert (again.contents, again.source.known, again.server.reloads) == ({what.pem}, [], 0)
    assert again.keeping.record == record


def test_a_record_without_its_key_is_nothing(folder: Path) -> None:
    """After a start of the machine everything is fetched, whatever the disk says."""
    record = Record(name="web", state=State.SERVED, version="7", due=math.inf)
    one = bench(folder, record, None)
    assert one.keeping.record == Record(name="web")
    serving(one, made(), "7")
    assert one.source.known == [""]


def test_a_wait_begins_when_vault_failed(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that took as long as the wait is not asked at once again."""

    def late(_known: str, _now: float) -> Got | None:
        time.sleep(1.1)
        raise AWAY

    monkeypatch.setattr(one.source, "get", late)
    assert one.turn().due > NOW + 2


def test_the_end_gives_back_what_vault_made_for_us(one: Bench) -> None:
    """Once, and what Vault says to it is nobody's trouble."""
    one.keeping.close()
    assert one.source.released == 1

    def refuse() -> None:
        raise AWAY

    one.source.release = refuse  # type: ignore[method-assign]  # Vault is away
    one.keeping.close()


# Whatever happens

WHATS = [made() for _ in range(6)]
UNFIT = made("other.example.net")


BREAKS = st.lists(st.booleans(), max_size=3)
DOES = st.lists(st.sampled_from(["", "fails", "nothing"]), max_size=3)
GIVEN = st.sampled_from(["new", "new", "new", "unchanged", "away", "no key", "unfit"])
STEPS = st.lists(
    st.tuples(GIVEN, st.sampled_from(WHATS), st.tuples(BREAKS, BREAKS), DOES),
    min_size=3,
    max_size=12,
)


@settings(max_examples=200)
@given(STEPS)
def test_what_is_delivered_is_the_last_that_passed_everything(
    steps: list[tuple[str, Material, tuple[list[bool], list[bool]], list[str]]],
) -> None:
    """Or the very first; whatever is given, refused or not taken up, also while putting back."""
    with tempfile.TemporaryDirectory(prefix="hygiene-", dir="/dev/shm") as folder:
        one = bench(Path(folder))
        passed: Material | None = None
        for number, (given_, what, breaks, does) in enumerate(steps):
            one.source.says = {
                "new": got(what, str(number)),
                "unchanged": None,
                "away": AWAY,
                "no key": MaterialError("no key"),
                "unfit": got(UNFIT, str(number)),
            }[given_]
            for place, some in zip(one.places, breaks, strict=True):
                place.breaks = some.copy()
            one.server.does = does.copy()
            good = given_ == "new" and not any((*breaks[0], *breaks[1], *does))
            before = one.keeping.record.version
            if good or one.turn().version != before:
                assert one.turn().version == str(number) if good else given_ == "new"
                passed = what
                assert (one.contents, one.server.serves) == ({what.pem}, what.pem)
            assert UNFIT.pem not in {*one.contents, one.server.serves}
        _settle(one)
        if passed:
            assert (one.contents, one.server.serves) == ({passed.pem}, passed.pem)
            assert one.keeping.record.sha256 == passed.sha256
        else:
            assert one.contents <= {b"", *(each.pem for each in WHATS)}


def _settle(one: Bench) -> None:
    """Have nothing broken any more, and Vault away."""
    for place in one.places:
        place.breaks = []
    one.server.does = []
    one.source.says = AWAY
    one.turn()


DAY = 86_400.0


def test_a_clock_set_back_voids_what_was_planned(one: Bench) -> None:
    """What failed by a clock that was ahead is tried again when it is right, not a day later."""
    serving(one, made())
    one.source.says = AWAY
    assert one.turn(NOW + DAY).due > NOW + DAY
    asked = len(one.source.known)
    assert one.keeping.turn(NOW)
    assert len(one.source.known) == asked + 1
    assert not one.keeping.turn(NOW - 1)
    assert len(one.source.known) == asked + 1


@pytest.mark.parametrize(
    ("planned", "asks"),
    [({"due": NOW + 30}, 0), ({"due": NOW + DAY}, 1), ({"due": NOW + 30, "failures": 3}, 1)],
)
def test_a_start_voids_what_nobody_knows_the_clock_of(
    one: Bench, folder: Path, planned: dict[str, float], asks: int
) -> None:
    """A look at a version that lies too far ahead, and a wait after failures."""
    what = made()
    record = msgspec.structs.replace(serving(one, what), **planned)
    again = bench(folder, record, what)
    again.source.says = one.source.says
    again.keeping.turn(NOW)
    assert again.source.known == ["1"] * asks


def test_what_comes_from_elsewhere_is_another_one(one: Bench, folder: Path) -> None:
    """With other settings of the source its version says nothing; what it had can be put back."""
    what, other = made(), made()
    record = msgspec.structs.replace(serving(one, what), source="of before")
    again = bench(folder, record, what)
    again.source.says = got(other, "1")
    again.server.does = ["fails"]
    assert again.turn().state is State.KEPT
    assert (again.source.known, again.contents) == ([""], {what.pem})
    assert again.turn().state is State.SERVED
    assert again.contents == {other.pem}


@pytest.mark.parametrize("asks", [False, True], ids=["between looks", "at a look"])
@pytest.mark.parametrize("ends", [False, True], ids=["", "its end at a look"])
def test_what_is_lost_for_long_is_told_until_it_is_there(
    one: Bench, *, asks: bool, ends: bool
) -> None:
    """A place that cannot be given what it lost is a fault after some seconds, and then none.

    Whether or not Vault is asked in the same turn, and says that there is nothing newer.
    """

    def turned(now: float, *, asks: bool) -> Record:
        due = 0 if asks else NOW + 60
        one.keeping.record = msgspec.structs.replace(one.keeping.record, due=due)
        assert one.keeping.turn(now) == asks
        return one.keeping.record

    serving(one, made())
    one.places[1].unseen = True
    assert turned(NOW + 1, asks=asks).fault == ""
    for now in (NOW + 7, NOW + 8):
        record = turned(now, asks=asks)
        told = (record.state, record.fault, record.failures)
        assert told == (State.FAILED, advice.UNDELIVERED, 0)
        assert record.why == "two.pem: cannot be looked at"
    one.places[1].unseen = False
    record = turned(NOW + 9, asks=ends)
    assert (record.state, record.fault, record.why) == (State.SERVED, "", "")


def test_what_was_told_of_a_place_is_told_after_a_start(one: Bench, folder: Path) -> None:
    """Not ended by it, nor by a look, while that place is without what it is given."""
    what = made()
    told = {"state": State.FAILED, "fault": advice.UNDELIVERED}
    again = bench(folder, msgspec.structs.replace(serving(one, what), **told), what)
    again.source.says = one.source.says
    again.places[1].breaks = [True]
    assert again.turn().fault == advice.UNDELIVERED
    assert (again.turn().state, again.keeping.record.fault) == (State.SERVED, "")


def test_a_lost_place_that_is_given_the_next_one_is_well(one: Bench) -> None:
    """What could not be looked at and takes what is new is not told of."""
    serving(one, made())
    one.places[1].unseen = True
    one.keeping.turn(NOW + 1)
    one.source.says = got(made(), "2")
    record = one.turn(NOW + 7)
    assert (record.state, record.fault, record.version) == (State.SERVED, "", "2")


def test_a_server_that_took_up_something_else_meanwhile_is_told(one: Bench) -> None:
    """What was put in the place of what was delivered, and taken up, makes way for it again."""
    what, other = made(), made()
    serving(one, what)
    place = one.places[0].path
    place.unlink()
    place.write_bytes(other.pem)
    place.chmod(0o600)
    one.server.act("web")
    one.keeping.turn(NOW + 1)
    assert (one.server.serves, one.contents) == (what.pem, {what.pem})
    place.unlink()
    one.server.serves, one.server.does = other.pem, ["fails", "fails"]
    one.keeping.turn(NOW + 2)
    assert one.keeping.record.fault == advice.NOT_TAKEN_UP
    assert one.turn().fault == advice.NOT_TAKEN_UP
    one.turn()
    assert (one.server.serves, one.keeping.record.fault) == (what.pem, "")


def test_who_did_not_ask_has_not_failed_again(one: Bench) -> None:
    """While there is no token each look waits for the next login, and not longer each time."""
    serving(one, made())
    one.source.says = VaultError(Why.SEALED, "Vault is sealed", after=20.0)
    assert one.turn().failures == 1
    one.source.says = VaultError(Why.SEALED, "Vault is sealed", after=20.0, asked=False)
    for _ in range(9):
        record = one.turn()
        assert (record.failures, record.fault) == (1, advice.AWAY)
        assert 20 < record.due - NOW <= 22


def test_it_is_asked_more_often_towards_the_end(one: Bench) -> None:
    """With a minute left no wait is over half a minute; with days left it may be ten."""
    serving(one, what := made())
    one.source.says = AWAY
    for _ in range(20):
        one.turn()
    assert one.turn().due - NOW > 200
    late = what.ends - 60
    assert one.turn(late).due - late <= 30
