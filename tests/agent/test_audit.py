"""Audit logs: what was noted stays as it was, and whatever else happens to a log is found."""

from __future__ import annotations

import errno
import itertools
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import actor, audit, auditlog
from agent.audit import Chain
from agent.auditlog import START, AuditError, Head, Said
from agent.audittrail import Trail
from agent.diary import Diary
from agent.events import Kind
from agent.ledger import Ledger, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.events import Event

NAME = "watcher"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / NAME / "published" / audit.NAME


def write(path: Path, count: int, name: str = NAME) -> list[Head]:
    """Write so many entries; give the head after each."""
    chain = Chain(path, name)
    heads = [chain.append(Said("act", f"s{n}", "r"), 100.0 + n).head for n in range(count)]
    chain.close()
    return heads


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


# Writing


def test_entries_follow_each_other_over_restarts(path: Path) -> None:
    """A log that was opened anew goes on; each entry says who, what and of what."""
    heads = [*write(path, 2), *write(path, 3)]
    found = list(audit.entries(path))
    assert [one.sequence for one in found] == [1, 2, 3, 4, 5]
    assert [one.head for one in found] == heads
    assert [one.before for one in found] == [START.sha256, *(head.sha256 for head in heads[:-1])]
    assert (found[2].act, found[2].subject, found[2].at) == ("act", "s0", 100.0)
    assert (found[0].actor.uid, found[0].actor.pid) == (os.geteuid(), os.getpid())
    assert found[0].actor.executable == os.readlink("/proc/self/exe")
    assert path.stat().st_mode & 0o777 == 0o640
    seen = audit.examine(path, NAME, {heads[2]})
    assert (seen.head, seen.faults, seen.met) == (heads[-1], (), frozenset({heads[2]}))


def test_an_entry_can_be_checked_by_other_means(path: Path) -> None:
    """Its hash is the SHA-256 of its line up to the hash, closed by a brace."""
    write(path, 1)
    line = path.read_text().rstrip("\n")
    body = line.rpartition(',"sha256":')[0] + "}"
    digest = subprocess.run(
        ["sha256sum"], input=body.encode(), capture_output=True, check=True
    ).stdout
    assert digest.decode().split()[0] == json.loads(line)["sha256"]


def test_hostile_texts_do_not_leave_their_line(path: Path) -> None:
    """Line feeds, escapes, surrogates and length come out as printable text of one line."""
    chain = Chain(path, NAME)
    chain.append(Said("a\n{}", "\x1b[2J\udcff\u202e", "x" * 100_000), 1)
    chain.append(Said("b"), float(2))
    chain.close()
    assert len(lines(path)) == 2
    assert max(map(len, lines(path))) < auditlog.LONGEST
    [one, _] = audit.entries(path)
    assert (one.act, one.subject) == ("a\\n{}", "\\x1b[2J\\xff\\u202e")
    assert not audit.examine(path, NAME).faults


def test_several_writers_do_not_mix_their_lines(path: Path) -> None:
    """As when two commands of one user run at once."""
    fork = multiprocessing.get_context("fork")
    several = [fork.Process(target=write, args=(path, 50)) for _ in range(4)]
    for one in several:
        one.start()
    for one in several:
        one.join()
    seen = audit.examine(path, NAME)
    assert (seen.head.sequence, seen.faults, seen.healed) == (200, (), 0)


def test_a_file_that_others_can_write_is_refused(path: Path, tmp_path: Path) -> None:
    """As are links, pipes and further names of another file."""
    write(path, 1)
    path.chmod(0o660)
    with pytest.raises(AuditError, match="only this user"):
        Chain(path, NAME)
    path.chmod(0o640)
    other = tmp_path / "other"
    os.link(path, other)
    with pytest.raises(AuditError, match="only this user"):
        Chain(path, NAME)
    other.unlink()
    write(path, 1)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(AuditError):
        Chain(tmp_path / "link", NAME)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(AuditError):
        Chain(tmp_path / "fifo", NAME)


def test_a_lock_that_is_never_let_go_does_not_hold_us_up(path: Path) -> None:
    """After a while it is an error, and nothing was written."""
    import fcntl

    write(path, 1)
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        chain = Chain(path, NAME)
        with pytest.raises(AuditError, match=os.strerror(errno.EAGAIN)):
            chain.append(Said("late"), 1)
    chain.append(Said("late"), 2)
    chain.close()
    assert [one.at for one in audit.entries(path)] == [100.0, 2.0]


# Healing


@pytest.mark.parametrize("kept", [1, 30, -2, -1])
def test_a_torn_line_is_healed_by_an_entry_of_its_own(path: Path, kept: int) -> None:
    """The log says how long it was and what its hash is, and is whole; the entry itself is lost."""
    first, _ = write(path, 2)
    one, two = lines(path)
    path.write_bytes(one + two[:kept])
    assert audit.examine(path, NAME).torn
    write(path, 1)
    seen = audit.examine(path, NAME)
    assert seen.faults == ()
    acts = [entry.act for entry in audit.entries(path)]
    if kept == -1:  # only its line feed was missing
        assert (acts, seen.healed) == (["act", "act", "act"], 0)
    else:
        assert (acts, seen.healed) == (["act", "healed", "act"], 1)
        assert list(audit.entries(path))[1].before == first.sha256


def test_zeros_that_a_power_cut_left_are_healed(path: Path) -> None:
    """A file may have got its length and not its content."""
    write(path, 1)
    with path.open("ab") as file:
        file.write(bytes(300))
    write(path, 1)
    seen = audit.examine(path, NAME)
    assert (seen.faults, seen.healed, seen.head.sequence) == ((), 1, 3)


def test_on_a_full_disk_nothing_is_half_written(path: Path) -> None:
    """An entry is there as a whole or not at all, and the next one follows the last whole one."""
    write(path, 3)
    size = path.stat().st_size
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            chain = Chain(path, NAME)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))
            with pytest.raises(AuditError):
                chain.append(Said("full"), 1)
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert path.stat().st_size == size
    write(path, 1)
    seen = audit.examine(path, NAME)
    assert (seen.head.sequence, seen.faults, seen.healed) == (4, (), 0)


@given(st.binary(max_size=200))
def test_any_torn_end_is_healed(rest: bytes) -> None:
    """Whatever stands behind the last entry without a line feed at its end."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / audit.NAME
        write(path, 1)
        torn = rest.rstrip(b"\n")
        with path.open("ab") as file:
            file.write(torn)
        write(path, 1)
        seen = audit.examine(path, NAME)
        assert (seen.faults, seen.healed) == ((), int(bool(torn)))


# Tampering


def changed(found: list[bytes]) -> list[bytes]:
    return [found[0], found[1].replace(b'"s1"', b'"sX"'), *found[2:]]


def removed(found: list[bytes]) -> list[bytes]:
    return [found[0], *found[2:]]


def beheaded(found: list[bytes]) -> list[bytes]:
    return found[1:]


def swapped(found: list[bytes]) -> list[bytes]:
    return [found[0], found[2], found[1], *found[3:]]


def repeated(found: list[bytes]) -> list[bytes]:
    return [*found, found[-1]]


def appended(found: list[bytes]) -> list[bytes]:
    return [*found, b'{"act":"made up"}\n']


def garbled(found: list[bytes]) -> list[bytes]:
    return [found[0], b"\xff\x00garbage\n", *found[2:]]


def inserted(found: list[bytes]) -> list[bytes]:
    """Put in an entry that is right in itself, and follows the one before it."""
    first = auditlog.entry(found[0])
    assert first is not None
    made = auditlog.line(NAME, Said("forged"), actor.current(), 1, first.head)
    return [found[0], made, *found[1:]]


def explained(found: list[bytes]) -> list[bytes]:
    """Claim that a line was torn, which was an entry with a successor."""
    first = auditlog.entry(found[0])
    assert first is not None
    why = str(auditlog.Fragment(b"torn"))
    made = auditlog.line(NAME, Said("healed", "x", why), actor.current(), 1, first.head)
    return [found[0], b"torn\n", made, *found[2:]]


def emptied(_found: list[bytes]) -> list[bytes]:
    return [b"\n"]


@pytest.mark.parametrize(
    "tamper",
    [
        changed,
        removed,
        beheaded,
        swapped,
        repeated,
        appended,
        garbled,
        inserted,
        explained,
        emptied,
    ],
)
def test_tampering_is_found(path: Path, tamper: Callable[[list[bytes]], list[bytes]]) -> None:
    """By the log alone, and it stays found when its writer goes on."""
    heads = write(path, 5)
    assert not audit.examine(path, NAME, heads).faults
    path.write_bytes(b"".join(tamper(lines(path))))
    assert audit.examine(path, NAME).faults
    write(path, 1)
    assert audit.examine(path, NAME).faults


@given(st.data())
def test_no_byte_can_be_changed(data: st.DataObject) -> None:
    """In a line that is not the last, each change of one byte is found."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / audit.NAME
        write(path, 3)
        whole = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, whole.rindex(b"\n", 0, -1)))
        whole[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(whole)
        assert audit.examine(path, NAME).faults


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_a_cut_end_shows_beside_a_head_known_elsewhere(path: Path, kept: int) -> None:
    """And by nothing else, once its writer has ended: the log is a good chain."""
    heads = write(path, 5)
    path.write_bytes(b"".join(lines(path)[:kept]))
    seen = audit.examine(path, NAME, {heads[-1]})
    assert (seen.faults, seen.met) == ((), frozenset())


def test_a_log_made_anew_shows_beside_a_head_known_elsewhere(path: Path) -> None:
    """With as many entries and all hashes right."""
    heads = write(path, 3)
    path.unlink()
    chain = Chain(path, NAME)
    for n in range(3):
        chain.append(Said("act", f"s{n}", "nothing to see"), 100.0 + n)
    chain.close()
    seen = audit.examine(path, NAME, {heads[-1]})
    assert (seen.faults, seen.head.sequence, seen.met) == ((), 3, frozenset())


def test_the_log_of_another_writer_is_no_log_of_this_one(path: Path, tmp_path: Path) -> None:
    """Two files cannot be swapped."""
    write(path, 2)
    write(tmp_path / "prober.log", 2, "prober")
    assert audit.examine(tmp_path / "prober.log", NAME).faults
    assert not audit.examine(path, NAME).faults


@pytest.mark.parametrize("how", ["cut", "gone", "replaced"])
def test_a_writer_notes_that_its_log_lost_entries(path: Path, how: str) -> None:
    """A running role says so in the log itself."""
    chain = Chain(path, NAME)
    heads = [chain.append(Said("act", f"s{n}"), n).head for n in range(4)]
    if how == "cut":
        path.write_bytes(b"".join(lines(path)[:2]))
    else:
        path.unlink()
    if how == "replaced":
        write(path, 1)
    chain.append(Said("later"), 9)
    chain.close()
    seen = audit.examine(path, NAME)
    assert seen.faults
    said = [(one.act, one.result) for one in audit.entries(path)][-2:]
    assert said == [("damaged", f"entries gone, up to {heads[-1]}"), ("later", "")]


def test_a_huge_line_and_many_lines_take_little(path: Path) -> None:
    """What is no log at all is gone through in pieces, and few of its faults are kept."""
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(b"x" * 5_000_000 + b"\n")
        file.writelines(itertools.repeat(b"{}\n", 50_000))
    write(path, 1)
    assert 1 <= len(audit.examine(path, NAME).faults) <= 20


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Missing, a folder, a pipe: never an empty log."""
    os.mkfifo(tmp_path / "fifo")
    for name in ("missing", ".", "fifo"):
        with pytest.raises(AuditError):
            audit.examine(tmp_path / name, NAME)


@pytest.mark.parametrize("text", ["", "1", "0:" + "0" * 64, "1:" + "0" * 63, "1:" + "G" * 64])
def test_what_is_no_head_is_refused(text: str) -> None:
    """A number from 1 on, a colon, 64 hexadecimal digits."""
    with pytest.raises(AuditError):
        auditlog.head(text)
    assert auditlog.head("7:" + "a" * 64) == Head(7, "a" * 64)


# A role's own log


def test_what_cannot_be_noted_is_noted_later(tmp_path: Path) -> None:
    """It is a fault of the role meanwhile, and has the time when it happened."""
    faults: dict[str, str] = {}
    folder = tmp_path / "published"
    folder.write_text("in the way")
    diary = Diary(folder, NAME, faults)
    diary.note("started")
    assert list(faults) == ["audit"]
    assert diary.head == ""
    folder.unlink()
    diary.write()
    assert faults == {}
    [one] = audit.entries(folder / audit.NAME)
    assert diary.head == f"1:{one.sha256}"
    assert diary.audit is not None
    assert (diary.audit.chain, diary.audit.sequence) == (NAME, 1)
    diary.close()


# What is told of it


@pytest.fixture
def trail(tmp_path: Path) -> tuple[Trail, Ledger]:
    (tmp_path / "courier").mkdir()
    kept = Ledger(str(tmp_path / "courier" / "state.sqlite"), "courier")
    return Trail(kept, tmp_path), kept


def news(kept: Ledger) -> list[Event]:
    """Give what is to be reported, and forget it."""
    records = kept.waiting(10_000)
    if records:
        kept.written(records[-1].sequence)
    return told(records)


def wrongs(events: list[Event]) -> list[str]:
    return [one.health.detail for one in events if one.health]


def test_each_entry_is_told_once(trail: tuple[Trail, Ledger], path: Path, tmp_path: Path) -> None:
    """Of roles and of commands, with its head; after a restart of who tells, the rest."""
    follow, kept = trail
    heads = write(path, 3)
    chain = audit.of_command(tmp_path)
    chain.append(Said("baseline taken", "/x"), 5)
    chain.close()
    follow.follow(1)
    found = [one.audit for one in news(kept) if one.kind is Kind.AUDIT and one.audit]
    assert sorted((one.chain, one.sequence) for one in found) == [
        (f"cli-{os.geteuid()}", 1),
        *((NAME, n) for n in (1, 2, 3)),
    ]
    assert {one.sha256 for one in found} >= {head.sha256 for head in heads}
    assert all(one.actor and one.actor.uid == os.geteuid() for one in found)
    follow.follow(2)
    assert news(kept) == []
    write(path, 1)
    Trail(kept, tmp_path).follow(3)
    assert [one.audit.sequence for one in news(kept) if one.audit] == [4]


def test_heads_are_told_again(trail: tuple[Trail, Ledger], path: Path) -> None:
    """Without an act, so that who receives can compare."""
    follow, kept = trail
    heads = write(path, 3)
    follow.follow(1)
    news(kept)
    follow.heads(2)
    [event] = news(kept)
    assert event.audit is not None
    assert (event.audit.sequence, event.audit.sha256, event.audit.act) == (*heads[-1], "")


def test_a_long_log_is_told_in_turns(trail: tuple[Trail, Ledger], path: Path) -> None:
    """All of it, in order."""
    follow, kept = trail
    write(path, 1200)
    found: list[int] = []
    for turn in range(4):
        follow.follow(turn)
        part = [one.audit.sequence for one in news(kept) if one.audit]
        assert len(part) <= 500
        found += part
    assert found == list(range(1, 1201))


@pytest.mark.parametrize("tamper", [swapped, removed, repeated, appended, inserted])
def test_tampering_is_told(
    trail: tuple[Trail, Ledger],
    path: Path,
    tamper: Callable[[list[bytes]], list[bytes]],
) -> None:
    """At the next turn where the length differs, and then no more."""
    follow, kept = trail
    write(path, 5)
    follow.follow(1)
    assert wrongs(news(kept)) == []
    path.write_bytes(b"".join(tamper(lines(path))))
    for turn in (2, 3, 4):
        follow.follow(turn)
    follow.heads(5)
    said = wrongs(news(kept))
    assert 1 <= len(said) == len(set(said)) <= 3
    follow.follow(6)
    follow.heads(7)
    assert wrongs(news(kept)) == []


def test_a_log_that_is_gone_or_shorter_is_told(trail: tuple[Trail, Ledger], path: Path) -> None:
    """Whatever its chain says, and what it says now is told from its beginning."""
    follow, kept = trail
    write(path, 5)
    follow.follow(1)
    news(kept)
    path.write_bytes(b"".join(lines(path)[:2]))
    follow.follow(2)
    events = news(kept)
    assert wrongs(events) == ["the log became shorter"]
    assert [one.audit.sequence for one in events if one.audit] == [1, 2]
    path.unlink()
    follow.follow(3)
    follow.follow(4)
    assert wrongs(news(kept)) == ["the log is gone"]
    write(path, 1)
    follow.follow(5)
    assert [one.audit.sequence for one in news(kept) if one.audit] == [1]


def test_a_line_that_is_just_being_written_is_no_fault(
    trail: tuple[Trail, Ledger], path: Path
) -> None:
    """Nor one that was torn and healed."""
    follow, kept = trail
    write(path, 2)
    one, two = lines(path)
    path.write_bytes(one + two[:40])
    follow.follow(1)
    path.write_bytes(one + two[:40] + b"\n")
    follow.follow(2)
    path.write_bytes(one + two)
    follow.follow(3)
    path.write_bytes(one + two + b"{")
    follow.follow(4)
    write(path, 1)
    follow.follow(5)
    events = news(kept)
    assert wrongs(events) == []
    assert [one.audit.act for one in events if one.audit] == ["act", "act", "healed", "act"]


def test_entries_that_were_rewritten_are_told_with_the_heads(
    trail: tuple[Trail, Ledger], path: Path
) -> None:
    """Also where the file is as long as before."""
    follow, kept = trail
    write(path, 3)
    follow.follow(1)
    path.write_bytes(b"".join(changed(lines(path))))
    follow.follow(2)
    follow.heads(3)
    assert len(wrongs(news(kept))) == 1


# The command


def verify(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    file = state / "agent.yaml"
    file.write_text(f"version: 1\nstate: {state}\n")
    command = [sys.executable, "-I", "-m", "agent", "audit", *words, "--settings", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_says_whether_logs_are_whole(tmp_path: Path, path: Path) -> None:
    """0 whole, 1 changed or cut off beside a head, 2 wrong usage, 3 nothing to look at."""
    assert verify(tmp_path, "verify").returncode == 3
    heads = write(path, 4)
    done = verify(tmp_path, "verify", "--head", str(heads[3]), "--head", str(heads[0]))
    assert (done.returncode, done.stdout) == (0, f"watcher: whole, {heads[3]}\n")
    assert verify(tmp_path, "verify", "--head", "nonsense").returncode == 2
    path.write_bytes(b"".join(lines(path)[:3]))
    assert verify(tmp_path, "verify").returncode == 0
    done = verify(tmp_path, "verify", "--head", str(heads[3]))
    assert done.returncode == 1
    assert str(heads[3]) in done.stderr
    path.write_bytes(b"".join(lines(path)[1:]))
    assert verify(tmp_path, "verify").returncode == 1


def test_the_command_shows_the_last_entries(tmp_path: Path, path: Path) -> None:
    """Of all logs by time, safe for a terminal, or one as json."""
    chain = Chain(path, NAME)
    chain.append(Said("a\x1b[2J", "first"), 1)
    chain.append(Said("b", "third"), 3)
    chain.close()
    other = audit.of_command(tmp_path)
    other.append(Said("c", "second"), 2)
    other.close()
    shown = verify(tmp_path, "show").stdout
    assert [line.rpartition(" ")[2] for line in shown.splitlines()] == ["first", "second", "third"]
    assert "\x1b" not in shown
    shown = verify(tmp_path, "show", "--last", "1", "--chain", NAME, "--format", "json").stdout
    assert json.loads(shown)["subject"] == "third"
    assert verify(tmp_path, "show", "--chain", "nobody").returncode == 2
