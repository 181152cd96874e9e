"""Journals: everything that was written is read, once, in order; damage is told, never decoded."""

from __future__ import annotations

import os
import resource
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import journal
from agent.journal import Damage, JournalError, Record, Writer

if TYPE_CHECKING:
    from collections.abc import Iterable

STREAM = "0123456789abcdef" * 2
OTHER = "f" * 32


def records(first: int, number: int, size: int = 40) -> list[Record]:
    return [Record(n, bytes([n % 251]) * size) for n in range(first, first + number)]


def written(folder: Path, behind: int = 0, stream: str = STREAM) -> list[Record | Damage]:
    return list(journal.read(str(folder), stream, behind))


def write(folder: str, stream: str, several: Iterable[Record]) -> None:
    """Write as a process does that ends then."""
    writer = Writer(folder, stream)
    writer.append(several)
    writer.close()


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.seg"))


def test_what_is_written_is_read_in_order(tmp_path: Path) -> None:
    """A reader that knows how far it was gets what came since."""
    writer = Writer(str(tmp_path), STREAM)
    writer.append(records(1, 5))
    assert written(tmp_path) == records(1, 5)
    writer.append(records(6, 2))
    assert written(tmp_path, 5) == records(6, 2)
    assert written(tmp_path, 7) == []
    assert journal.streams(str(tmp_path)) == [STREAM]


def test_records_from_before_a_crash_are_not_written_twice(tmp_path: Path) -> None:
    """A writer that starts anew passes over what is there."""
    Writer(str(tmp_path), STREAM).append(records(1, 5))
    again = Writer(str(tmp_path), STREAM)
    assert again.last == 5
    again.append(records(3, 5))
    assert written(tmp_path) == records(1, 7)


def test_a_segment_is_closed_when_it_is_full_and_goes_when_it_was_taken(tmp_path: Path) -> None:
    """Only segments that were taken as a whole are deleted, and never the newest."""
    writer = Writer(str(tmp_path), STREAM)
    for number in range(1, 8):
        writer.append(records(number, 1, 600_000))
    assert len(segments(tmp_path)) == 4
    writer.forget({STREAM: 3})
    assert written(tmp_path)[0] == records(3, 1, 600_000)[0]
    writer.forget({STREAM: 7})
    assert len(segments(tmp_path)) == 1
    assert Writer(str(tmp_path), STREAM).last == 7


def test_a_journal_nobody_takes_is_bounded_by_size_and_age(tmp_path: Path) -> None:
    """The oldest segments are given up, with the numbers they had."""
    writer = Writer(str(tmp_path), STREAM)
    for number in range(1, 8):
        writer.append(records(number, 1, 600_000))
    [first, *_] = segments(tmp_path)
    assert writer.crowded(10**9, 0) == []
    assert writer.crowded(3_100_000, 0) == [str(first)]
    assert writer.crowded(10**9, time.time() + 60) == [str(one) for one in segments(tmp_path)[:-1]]
    assert writer.give_up(str(first), {STREAM: 1}) == (1, 2, 2)
    assert written(tmp_path)[0] == records(3, 1, 600_000)[0]


def test_another_stream_is_not_continued(tmp_path: Path) -> None:
    """A role that lost its state begins a new stream; the old one can still be read."""
    Writer(str(tmp_path), STREAM).append(records(5, 3))
    Writer(str(tmp_path), OTHER).append(records(1, 1))
    assert written(tmp_path) == records(5, 3)
    assert written(tmp_path, 0, OTHER) == records(1, 1)
    assert journal.streams(str(tmp_path)) == [STREAM, OTHER]


@settings(max_examples=150)
@given(
    st.lists(st.binary(max_size=60), min_size=1, max_size=12),
    st.data(),
)
def test_a_torn_end_is_cut_off_and_nothing_before_it_is_lost(
    contents: list[bytes], data: st.DataObject
) -> None:
    """Wherever a crash ends a file, what was whole is read, and writing goes on behind it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(name, STREAM, [Record(n, c) for n, c in enumerate(contents, 1)])
        [file] = segments(folder)
        whole = file.read_bytes()
        kept = data.draw(st.integers(0, len(whole)))
        file.write_bytes(whole[:kept] + bytes(data.draw(st.sampled_from([0, 0, 7, 4096]))))
        before = [one for one in written(folder) if isinstance(one, Record)]
        assert before == [Record(n, c) for n, c in enumerate(contents, 1)][: len(before)]
        writer = Writer(name, STREAM)
        assert writer.last == (before[-1].sequence if before else 0)
        writer.append([Record(100, b"after")])
        writer.close()
        assert written(folder) == [*before, Record(100, b"after")]


@settings(max_examples=300)
@given(st.data())
def test_damage_is_never_decoded(data: st.DataObject) -> None:
    """Of a spoiled segment only what checks is read; those behind it are read all the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(name, STREAM, records(1, 6))
        write(name, OTHER, records(7, 1))
        write(name, STREAM, records(8, 2))
        first = segments(folder)[0]
        spoiled = bytearray(first.read_bytes())
        at = data.draw(st.integers(len(b"hygiene-journal-1 ") + 50, len(spoiled) - 1))
        spoiled[at] ^= data.draw(st.integers(1, 255))
        first.write_bytes(spoiled)
        found = written(folder)
        kept = [one for one in found if isinstance(one, Record)]
        assert set(kept) <= {*records(1, 6), *records(8, 2)}
        assert kept[-2:] == records(8, 2)
        assert len([one for one in found if isinstance(one, Damage)]) == 1


@given(st.binary(max_size=200))
def test_a_hostile_file_is_no_segment(content: bytes) -> None:
    """Random bytes under a segment's name give neither records nor an error."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / f"{1:016x}.seg").write_bytes(content)
        assert written(Path(name)) == []
        assert Writer(name, STREAM).last == 0


def test_links_and_fifos_are_not_opened(tmp_path: Path) -> None:
    """Whoever can write in the folder leads a reader nowhere."""
    Writer(str(tmp_path / "real"), STREAM).append(records(1, 1))
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / f"{1:016x}.seg").symlink_to(segments(tmp_path / "real")[0])
    os.mkfifo(folder / f"{2:016x}.seg")
    (folder / "x.seg").write_text("x")
    assert written(folder) == []


def test_a_disk_without_room_loses_nothing(tmp_path: Path) -> None:
    """What could not be written is refused, and is written when there is room."""
    writer = Writer(str(tmp_path), STREAM)
    writer.append(records(1, 2))
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (segments(tmp_path)[0].stat().st_size + 30, limits[1])
    )
    try:
        with pytest.raises(JournalError, match="File too large"):
            writer.append(records(3, 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert written(tmp_path) == records(1, 2)
    writer.append(records(3, 1))
    assert written(tmp_path) == records(1, 3)


def test_a_killed_writer_leaves_whole_records(tmp_path: Path) -> None:
    """Killed at any moment it left a beginning of what it wrote; the next writer completes it."""
    for moment in range(12):
        child = os.fork()
        if child == 0:
            writer = Writer(str(tmp_path), STREAM)
            for number in range(writer.last + 1, writer.last + 10**6):
                writer.append(records(number, 1, 3000))
            os._exit(0)
        time.sleep(0.01 + moment / 400)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = written(tmp_path)
        assert [one.sequence for one in found if isinstance(one, Record)] == [
            *range(1, len(found) + 1)
        ]
    assert len(written(tmp_path)) > 12


def test_a_record_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """A reader could not tell it from damage."""
    with pytest.raises(JournalError, match="too long"):
        Writer(str(tmp_path), STREAM).append([Record(1, b"x" * (journal.LONGEST + 1))])


def test_a_reader_misses_nothing_while_segments_are_deleted_under_it(tmp_path: Path) -> None:
    """A segment that goes between being listed and being read takes no other one with it."""
    taken = tmp_path / "taken"
    folder = tmp_path / "journal"
    taken.write_text("0")
    folder.mkdir()
    for number in range(1, 300):  # so that listing takes its time
        (folder / f"{number:016x}.seg").write_bytes(b"hygiene-journal-1 " + OTHER.encode())
    child = os.fork()
    if child == 0:
        writer = Writer(str(folder), STREAM)
        for number in range(1, 10**6):
            writer.append(records(number, 1, 700_000))
            writer.forget({STREAM: int(taken.read_text() or 0)})
        os._exit(0)
    try:
        last, end = 0, time.monotonic() + 3
        while time.monotonic() < end:
            for one in written(folder, last):
                assert isinstance(one, Record)
                assert one.sequence == last + 1
                last = one.sequence
            taken.write_text(str(last))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert last > 20


def test_a_stray_name_hides_no_segment(tmp_path: Path) -> None:
    """Something that is named nearly like a segment is passed over."""
    for number in range(100):
        (tmp_path / f"z{number:015}.seg").write_text("x")
    writer = Writer(str(tmp_path), STREAM)
    for number in range(1, 5):
        writer.append(records(number, 1, 600_000))
    assert [one.sequence for one in written(tmp_path) if isinstance(one, Record)] == [1, 2, 3, 4]


def test_a_reader_without_descriptors_takes_nothing_for_damage(tmp_path: Path) -> None:
    """It raises, and reads everything when it has some; control: what is there is read."""
    Writer(str(tmp_path), STREAM).append(records(1, 5))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 1, limits[1]))  # enough to list
    try:
        with pytest.raises(OSError, match="Too many open files"):
            written(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert written(tmp_path) == records(1, 5)


def test_tries_on_a_full_disk_leave_nothing_behind(tmp_path: Path) -> None:
    """A segment that could not even be begun is gone again."""
    writer = Writer(str(tmp_path), STREAM)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        for _ in range(5):
            with pytest.raises(JournalError):
                writer.append(records(1, 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert segments(tmp_path) == []
    writer.append(records(1, 1))
    assert written(tmp_path) == records(1, 1)
