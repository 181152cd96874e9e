"""Carrying: everything, in order, until the sink has it, whatever the sink or the disk does."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from agent import courier, journal, packing
from agent.courier import Carrier
from agent.events import Event, Health, Host, Kind
from agent.journal import Record, Writer
from agent.sinks import Delivered, Refused, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.sinks import Batch, Outcome

HOST = Host(id="h", name="h")
ONE, TWO = "a" * 32, "b" * 32


def record(stream: str, number: int) -> Record:
    event = Event(
        id=f"{stream}-{number}",
        at=1.0,
        role="watcher",
        kind=Kind.HEALTH,
        health=Health(component="c", state="s"),
    )
    return Record(number, packing.pack(event))


class Place:
    """A place where reports go, which answers as a function says."""

    def __init__(self, answer: Callable[[Batch], Outcome] | None = None) -> None:
        self.answer = answer or (lambda _: Delivered())
        self.tries: list[list[str]] = []
        self.taken: list[str] = []
        self.closed = False

    def deliver(self, batch: Batch) -> Outcome:
        ids = [event.id for event in batch.events]
        self.tries.append(ids)
        outcome = self.answer(batch)
        if isinstance(outcome, Delivered):
            self.taken += ids
        return outcome

    def close(self) -> None:
        self.closed = True


class Folders:
    """Journals of roles, and carriers of a sink."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.folders = [str(base / role / "journal") for role in ("watcher", "prober")]
        self._carriers: list[Carrier] = []

    def write(self, role: int, stream: str, *numbers: int) -> Writer:
        writer = Writer(self.folders[role], stream)
        writer.append([record(stream, number) for number in numbers])
        writer.close()
        return writer

    def carry(self, place: Place) -> Carrier:
        carrier = Carrier("siem", place, HOST, self.folders, self.base)
        self._carriers.append(carrier)
        carrier.start()
        return carrier

    def stop(self) -> None:
        for carrier in self._carriers:
            carrier.stop(5)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Folders]:
    made = Folders(tmp_path)
    yield made
    made.stop()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def ids(stream: str, *numbers: int) -> list[str]:
    return [f"{stream}-{number}" for number in numbers]


def test_everything_in_order_and_once(host: Folders) -> None:
    """What several roles wrote arrives in the order of each; what comes later too, by waking."""
    host.write(0, ONE, *range(1, 1201))
    host.write(1, TWO, 1, 2)
    place = Place()
    carrier = host.carry(place)
    until(lambda: len(place.taken) == 1202)
    host.write(1, TWO, 3)
    carrier.wake()
    until(lambda: len(place.taken) == 1203)
    assert [one for one in place.taken if one.startswith("a")] == ids(ONE, *range(1, 1201))
    assert [one for one in place.taken if one.startswith("b")] == ids(TWO, 1, 2, 3)
    until(lambda: carrier.cursors == {ONE: 1200, TWO: 3})
    assert carrier.progress.delivered == 1203
    assert carrier.progress.at > 0


def test_a_role_that_says_much_does_not_silence_another(host: Folders) -> None:
    """Between the batches of one role the others get theirs."""
    host.write(0, ONE, *range(1, 3001))
    host.write(1, TWO, 1)
    place = Place()
    host.carry(place)
    until(lambda: len(place.taken) == 3001)
    assert place.taken.index(f"{TWO}-1") < 1501


def test_a_restart_goes_on_where_it_was(host: Folders) -> None:
    """A new process delivers what is new; with a damaged cursor everything once more."""
    host.write(0, ONE, 1, 2)
    first = Place()
    carrier = host.carry(first)
    until(lambda: carrier.cursors == {ONE: 2})
    host.stop()
    assert first.closed
    assert courier.stored(host.base, "siem") == {ONE: 2}
    host.write(0, ONE, 3)
    second = Place()
    again = host.carry(second)
    until(lambda: again.cursors == {ONE: 3})
    assert second.taken == ids(ONE, 3)
    host.stop()
    (host.base / "cursor-siem").write_bytes(b"\x00" * 50)
    third = Place()
    host.carry(third)
    until(lambda: third.taken == ids(ONE, 1, 2, 3))


def test_a_sink_that_is_away_is_tried_again(host: Folders) -> None:
    """The same events are tried until they are taken; meanwhile it shows why they are not."""
    host.write(0, ONE, 1, 2)
    answers = iter([Retry("timed out"), Retry("HTTP 503", 0.2)])
    place = Place(lambda _: next(answers, Delivered()))
    carrier = host.carry(place)
    until(lambda: carrier.progress.failing == "timed out")
    assert carrier.progress.since > 0
    assert carrier.cursors == {}
    until(lambda: carrier.cursors == {ONE: 2})
    assert place.tries == [ids(ONE, 1, 2)] * 3
    assert (carrier.progress.failing, carrier.progress.since) == ("", 0)


def test_it_waits_as_long_as_it_was_asked_to(host: Folders) -> None:
    """A pause that the other side asks for is kept."""
    host.write(0, ONE, 1)
    answers = iter([Retry("HTTP 429", 2.5)])
    place = Place(lambda _: next(answers, Delivered()))
    began = time.monotonic()
    host.carry(place)
    until(lambda: place.taken == ids(ONE, 1))
    assert time.monotonic() - began >= 2.5


def test_what_is_refused_does_not_hold_up_the_rest(host: Folders) -> None:
    """Of a batch with events that are never taken the others arrive, in order; it is counted."""
    host.write(0, ONE, *range(1, 101))
    bad = set(ids(ONE, 7, 64))
    place = Place(
        lambda batch: Refused("HTTP 422") if bad & {one.id for one in batch.events} else Delivered()
    )
    carrier = host.carry(place)
    until(lambda: carrier.cursors == {ONE: 100})
    assert place.taken == [f"{ONE}-{number}" for number in range(1, 101) if number not in {7, 64}]
    assert (carrier.progress.delivered, carrier.progress.refused) == (98, 2)
    assert carrier.progress.refusal == "HTTP 422"
    assert len(place.tries) < 40


def test_a_sink_that_refuses_everything_loses_nothing(host: Folders) -> None:
    """Where nothing at all is taken it is set up wrongly: the events wait until that is mended."""
    host.write(0, ONE, 1, 2)
    place = Place(lambda _: Refused("HTTP 400"))
    carrier = host.carry(place)
    until(lambda: carrier.progress.failing == "everything is refused: HTTP 400")
    assert carrier.cursors == {}
    place.answer = lambda _: Delivered()
    until(lambda: place.taken == ids(ONE, 1, 2))
    assert carrier.progress.refused == 0


def test_a_fault_of_a_sink_ends_nothing(host: Folders) -> None:
    """A sink that fails in a way nobody thought of is tried again; its words are not shown."""
    host.write(0, ONE, 1)
    faults = [ValueError("a secret")]
    failing: set[str] = set()

    def answer(_: Batch) -> Outcome:
        if faults:
            raise faults.pop()
        return Delivered()

    def failed() -> bool:
        failing.add(carrier.progress.failing)
        return any(one.startswith("ValueError at test_courier.py:") for one in failing)

    place = Place(answer)
    carrier = host.carry(place)
    until(failed)
    until(lambda: place.taken == ids(ONE, 1))
    assert not any("secret" in one for one in failing)


def test_damage_is_passed_over_and_counted(host: Folders) -> None:
    """What cannot be read in a journal is counted once, and what is behind it arrives."""
    for first in (1, 2001, 4001):
        host.write(0, f"{first:032x}", *range(first, first + 3))
    middle = sorted((host.base / "watcher" / "journal").iterdir())[1]
    data = bytearray(middle.read_bytes())
    data[-5] ^= 0xFF
    middle.write_bytes(data)
    place = Place()
    carrier = host.carry(place)
    until(lambda: len(place.taken) == 8)
    assert carrier.progress.damaged == 1
    carrier.wake()
    time.sleep(0.1)
    assert carrier.progress.damaged == 1


def test_a_record_that_is_no_event_is_counted(host: Folders) -> None:
    """A record that holds something else is left out, and that is not kept quiet."""
    writer = Writer(host.folders[0], ONE)
    writer.append([record(ONE, 1), Record(2, b"\xc1 no event"), record(ONE, 3)])
    writer.close()
    place = Place()
    carrier = host.carry(place)
    until(lambda: carrier.cursors == {ONE: 3})
    assert place.taken == ids(ONE, 1, 3)
    assert carrier.progress.damaged == 1


def test_a_segment_that_goes_while_it_is_read_is_no_damage(host: Folders) -> None:
    """A writer may delete what was listed a moment ago."""
    host.write(0, ONE, 1)
    reading = journal.read(host.folders[0], ONE, 0)
    found = next(iter(reading))
    assert isinstance(found, Record)
    [segment] = (host.base / "watcher" / "journal").iterdir()

    def gone() -> Iterator[Record | journal.Damage]:
        listed = journal.read(host.folders[0], ONE, 0)
        segment.unlink()
        yield from listed

    assert list(gone()) == []


DECODING = """
import sys, threading
sys.setswitchinterval(1e-6)
from agent import envelope, ocsf, packing
from agent.events import Event, Host, Kind
event, start = Event(id="a-1", at=1.0, role="r", kind=Kind.HEALTH), threading.Barrier(8)
packed, line = packing.pack(event), ocsf.line(event, Host(id="h", name="h"))
def decode():
    start.wait()
    assert packing.unpack(packed, Event) == envelope.unwrap(line).event
for thread in [threading.Thread(target=decode) for _ in range(8)]:
    thread.start()
"""


def test_the_first_events_may_come_to_many_threads_at_once() -> None:
    """Carriers of several sinks decode their first events together; msgspec crashed at that."""
    for _ in range(10):
        words = [sys.executable, "-c", DECODING]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")  # a thread's failure ends no process


def test_a_sink_that_never_answers_is_left_behind(host: Folders) -> None:
    """Stopping waits as long as it may, and no longer; the events are still to be delivered."""
    host.write(0, ONE, 1)
    hold = threading.Event()

    def answer(_: Batch) -> Outcome:
        hold.wait(20)
        return Retry("stopped")

    place = Place(answer)
    carrier = host.carry(place)
    until(lambda: place.tries == [ids(ONE, 1)])
    began = time.monotonic()
    carrier.stop(0.2)
    assert time.monotonic() - began < 2
    hold.set()
    host.stop()
    assert courier.stored(host.base, "siem") == {}
