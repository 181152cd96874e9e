"""One file of a disk: whole, in pieces or as an archive, under limits, with what is suppressed."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
import threading
import time
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from checks.files import CHUNK, OVERLAP
from checks.model import Inconclusive, Severity
from checks.policy import ArchivePolicy, Policy, SecretsPolicy
from checks.redact import FingerprintKey
from checks.scan import Scanner
from checks.scanned import Orders, Result
from checks.secrets.keyfaults import Place
from checks.secrets.templates import render
from checks.suppress import Accepted, Baseline

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from checks.inspect import Inspector

    Scan = Callable[..., Result]
    MakePassword = Callable[[str], str]

PASSWORD = "embedded-password"
KEY = FingerprintKey(random.Random(1).randbytes(32))
TOKEN = render("{{crc32-base62 ghp_}}", "a token of the tests")
GITHUB = "github-personal-access-token"
FILLER = b"nothing to see on this line at all\n"


@pytest.fixture
def scan(inspector: Inspector) -> Scan:
    """Give a function that scans one file under orders."""

    def scanned(path: Path | str, policy: Policy | None = None, **orders: Any) -> Result:  # noqa: ANN401 - the fields of Orders
        told = Orders(policy or Policy(), (KEY,))._replace(**orders)
        result = Result()
        Scanner(inspector, told).file(str(path), result)
        return result

    return scanned


def places(result: Result) -> list[tuple[str, int]]:
    """Give check and line of the findings."""
    return sorted((one.check, one.location.line) for one in result.findings)


def reasons(result: Result) -> list[str]:
    """Give why something was not looked at."""
    return [one.reason for one in result.inconclusive]


def archived(files: dict[str, bytes]) -> bytes:
    """Make a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def private_key() -> bytes:
    """Make a key in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_file_is_looked_at_and_counted(scan: Scan, folder: Path, password: str) -> None:
    """The finding has place, access and mask; the counts say what was read."""
    path = folder / "app.ini"
    path.write_text(f"[db]\npassword = {password}\n")
    path.chmod(0o640)
    result = scan(path)
    [found] = result.findings
    assert (found.check, found.location.line, found.location.key_path) == (
        PASSWORD,
        2,
        "db.password",
    )
    assert found.access is not None
    assert found.access.mode == 0o640
    size = path.stat().st_size
    assert (result.files, result.bytes, result.text_bytes, reasons(result)) == (1, size, size, [])
    path.write_text("[db]\nuser = bob\n")
    assert scan(path).findings == []


def test_what_has_no_content_is_counted(scan: Scan, folder: Path) -> None:
    """Empty files, links, FIFOs and vanished files are not applicable, and no fault."""
    (folder / "empty").touch()
    (folder / "link").symlink_to("empty")
    os.mkfifo(folder / "fifo")
    (folder / "binary").write_bytes(b"\x7fELF" + random.Random(1).randbytes(999))
    kinds = {"empty": "empty", "link": "link", "fifo": "fifo", "gone": "vanished"}
    for name, kind in {**kinds, "binary": "binary"}.items():
        result = scan(folder / name)
        assert (result.not_applicable, result.inconclusive) == ({kind: 1}, []), name


def test_what_cannot_be_read_is_inconclusive(
    scan: Scan, folder: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    """A closed file and a failing one are unseen, never clean."""
    folder.chmod(0o755)
    (folder / "closed").write_text("x")
    (folder / "closed").chmod(0)
    with unprivileged():
        refused = scan(folder / "closed")
    assert reasons(refused) == ["permission denied"]
    assert (refused.files, reasons(scan("/proc/self/mem"))) == (0, ["cannot be read"])


@pytest.mark.parametrize("shift", [-40, -20, -9, -1, 0, 1, 30])
def test_a_secret_on_a_border_of_pieces_is_found_once(
    scan: Scan, folder: Path, password: str, shift: int
) -> None:
    """Wherever the border falls, value and line are whole and are told once."""
    secret = f"db_password = '{password}'\n".encode()
    before = (FILLER * (CHUNK // len(FILLER) + 1))[: CHUNK + shift - len(secret) // 2 - 1] + b"\n"
    path = folder / "large.conf"
    path.write_bytes(before + secret + FILLER * 1000)
    result = scan(path)
    [found] = result.findings
    assert found.location.line == before.count(b"\n") + 1
    assert found.evidence is not None
    assert found.evidence.length == len(password)
    assert (result.files, result.degraded) == (1, 1)
    assert result.bytes == path.stat().st_size


def test_every_piece_of_a_large_file_is_looked_at(
    scan: Scan, folder: Path, make_password: MakePassword
) -> None:
    """First, middle and last line of three pieces; a value of several places is told once."""
    values = [make_password(str(number)) for number in range(3)]
    rows = [f"db_password = '{value}'\n".encode() for value in values]
    gap = FILLER * (CHUNK // len(FILLER))
    (folder / "large.conf").write_bytes(gap.join([*rows, rows[0]]))
    lines = [1 + number * (gap.count(b"\n") + 1) for number in range(3)]
    assert places(scan(folder / "large.conf")) == [(PASSWORD, line) for line in lines]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_a_large_wide_text_is_read_to_its_end(
    scan: Scan, folder: Path, password: str, encoding: str
) -> None:
    """Later pieces have no byte-order mark of their own and are read like the first."""
    text = "a line of words, ещё слова\n" * 330_000 + f"db_password = '{password}'\n"
    data = (
        ("\ufeff" + text).encode("utf-16-be") if encoding == "utf-16-be" else text.encode(encoding)
    )
    (folder / "large.conf").write_bytes(data)
    result = scan(folder / "large.conf")
    [found] = result.findings
    assert found.evidence is not None
    assert (found.evidence.length, found.location.line) == (len(password), 330_001)
    assert result.not_applicable == {}


def test_a_private_key_on_a_border_is_found_once(scan: Scan, folder: Path) -> None:
    """The overlap of two pieces holds a whole key."""
    key = private_key()
    before = FILLER * ((CHUNK - len(key) // 2) // len(FILLER))
    (folder / "large.log").write_bytes(before + key + FILLER * 1000)
    result = scan(folder / "large.log")
    assert places(result) == [("embedded-private-key", before.count(b"\n") + 1)]
    assert reasons(result) == []


def test_a_large_binary_counts_once(scan: Scan, folder: Path) -> None:
    """However many pieces it has, it is one file, and its tokens are found."""
    noise = random.Random(3).randbytes(CHUNK)
    (folder / "large").write_bytes(b"\x7fELF" + noise + b"\0" + TOKEN.encode() + b"\0" + noise)
    result = scan(folder / "large")
    assert [one.check for one in result.findings] == [GITHUB]
    assert (result.not_applicable, result.files) == ({"binary": 1}, 1)


def test_a_sparse_file_takes_no_time(scan: Scan, folder: Path, password: str) -> None:
    """Ten gigabytes of nothing with one line in the middle."""
    path = folder / "sparse.conf"
    with path.open("wb") as file:
        file.seek(5 << 30)
        file.write(f"db_password = '{password}'\n".encode())
        file.truncate(10 << 30)
    if path.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("this file system has no holes")
    begun = time.process_time()
    assert [one.check for one in scan(path).findings] == [PASSWORD]
    assert time.process_time() - begun < 2


def test_a_file_that_is_cut_meanwhile_is_inconclusive(scan: Scan, folder: Path) -> None:
    """What a writer takes away while it is being read is not called clean."""
    path = folder / "large.log"
    stop = threading.Event()

    def cut() -> None:
        while not stop.wait(0.001):
            os.truncate(path, 100)
            os.truncate(path, 5 * CHUNK)

    path.write_bytes(FILLER)
    os.truncate(path, 5 * CHUNK)
    writer = threading.Thread(target=cut)
    writer.start()
    try:
        results = [scan(path) for _ in range(20)]
    finally:
        stop.set()
        writer.join()
    assert {reason for one in results for reason in reasons(one)} <= {"changed while being read"}
    assert all(one.files == 1 for one in results)


def test_members_of_archives_are_looked_at(scan: Scan, folder: Path, password: str) -> None:
    """A zip file, a tar file and a zip within it give findings at their members."""
    member = f"[db]\npassword = {password}\n".encode()
    inner = archived({"etc/app.ini": member, "etc/plain.ini": b"[db]\nuser = bob\n"})
    (folder / "a.zip").write_bytes(inner)
    with tarfile.open(folder / "b.tar.gz", "w:gz") as tar:
        for name, data in (("in.zip", inner), ("app.ini", member)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    one, two = scan(folder / "a.zip"), scan(folder / "b.tar.gz")
    assert [found.location.path for found in one.findings] == [f"{folder}/a.zip!/etc/app.ini"]
    assert sorted(found.location.path for found in two.findings) == [
        f"{folder}/b.tar.gz!/app.ini",
        f"{folder}/b.tar.gz!/in.zip!/etc/app.ini",
    ]
    assert (one.files, one.members, two.members) == (1, 2, 3)
    assert {found.location.line for found in one.findings + two.findings} == {2}


def test_archives_may_be_left_closed(scan: Scan, folder: Path, password: str) -> None:
    """When the policy says so, an archive is a binary like any other."""
    (folder / "a.zip").write_bytes(archived({"app.ini": f"password = {password}\n".encode()}))
    closed = scan(folder / "a.zip", Policy(archives=ArchivePolicy(enabled=False)))
    assert (closed.findings, closed.members) == ([], 0)
    assert len(scan(folder / "a.zip").findings) == 1


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (ArchivePolicy(depth=1), "nested too deep"),
        (ArchivePolicy(members=2), "members"),
        (ArchivePolicy(member_mib=1), "larger than the limit"),
        (ArchivePolicy(total_mib=1), ""),
        (ArchivePolicy(ratio=2), ""),
    ],
)
def test_what_is_over_a_limit_is_inconclusive(
    scan: Scan, folder: Path, limits: ArchivePolicy, reason: str
) -> None:
    """Each limit of the policy holds, is named, and leaves the rest of the scan whole."""
    rng = random.Random(5)
    rows = b"".join(rng.randbytes(4).hex().encode() + FILLER for _ in range(50_000))
    deep = archived({"in.zip": archived({"a": b"x", "b": b"y", "c": rows})})
    (folder / "a.zip").write_bytes(deep)
    assert reasons(scan(folder / "a.zip")) == []
    limited = reasons(scan(folder / "a.zip", Policy(archives=limits)))
    assert limited
    assert reason in limited[0]


def test_a_bomb_is_inconclusive_and_cheap(scan: Scan, folder: Path, password: str) -> None:
    """Gigabytes of zeros in kilobytes are given up early; what came before them stays."""
    bomb = gzip.compress(bytes(32 << 20), 9)
    (folder / "bomb.gz").write_bytes(gzip.compress(bomb * 60, 9))
    first = {"app.ini": f"password = {password}\n".encode(), "bomb": bytes(200 << 20)}
    (folder / "bomb.zip").write_bytes(archived(first))
    begun = time.process_time()
    assert scan(folder / "bomb.gz").inconclusive
    mixed = scan(folder / "bomb.zip")
    assert time.process_time() - begun < 10
    assert [one.check for one in mixed.findings] == [PASSWORD]
    assert mixed.inconclusive


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_damaged_archive_is_inconclusive(scan: Scan, folder: Path, cut: float) -> None:
    """A truncated archive is told, whatever could be read of it."""
    whole = archived({f"{n}.bin": random.Random(n).randbytes(900) for n in range(9)})
    (folder / "a.zip").write_bytes(whole[: int(len(whole) * cut)])
    assert scan(folder / "a.zip").inconclusive


def test_a_large_archive_is_read_from_the_disk(scan: Scan, folder: Path, password: str) -> None:
    """An archive over the size of one piece is opened where it lies."""
    noise = random.Random(4).randbytes(CHUNK)
    (folder / "a.zip").write_bytes(
        archived({"noise": noise, "app.ini": f"password = {password}\n".encode()})
    )
    result = scan(folder / "a.zip")
    assert [one.location.path for one in result.findings] == [f"{folder}/a.zip!/app.ini"]
    assert result.bytes == (folder / "a.zip").stat().st_size > CHUNK


def test_a_disabled_check_is_listed_but_does_not_count(
    scan: Scan, folder: Path, password: str
) -> None:
    """What the policy turns off is suppressed by the policy, and only that."""
    (folder / "a.ini").write_text(f"password = {password}\ntoken = {TOKEN}\n")
    told = Policy(name="web", secrets=SecretsPolicy(disable=(PASSWORD,)))
    result = scan(folder / "a.ini", told)
    assert places(result) == [(GITHUB, 2)]
    [suppressed] = result.suppressed
    assert (suppressed.finding.check, suppressed.suppression.kind) == (PASSWORD, "policy")
    assert "web" in suppressed.suppression.reason


def test_a_policy_sets_severities(scan: Scan, folder: Path, password: str) -> None:
    """A check's severity is the policy's; the others keep theirs."""
    (folder / "a.ini").write_text(f"password = {password}\ntoken = {TOKEN}\n")
    told = Policy(secrets=SecretsPolicy(severity={PASSWORD: "info"}))
    before = {one.check: one.severity for one in scan(folder / "a.ini").findings}
    after = {one.check: one.severity for one in scan(folder / "a.ini", told).findings}
    assert after == before | {PASSWORD: Severity.INFO}
    assert before[PASSWORD] is Severity.HIGH


def marked(password: str, encoding: str = "utf-8") -> bytes:
    """Make a file with a marked and an unmarked password."""
    text = (
        f"# hygiene: allow {PASSWORD} a sample for the tests\n"
        f"password = {password}\n"
        f"db_password = {password}x  # hygiene: allow weak-password no\n"
    )
    return text.encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_marks_count_only_when_they_are_believed(
    scan: Scan, folder: Path, password: str, encoding: str
) -> None:
    """A marked finding is listed with its reason; a mark for another check does nothing."""
    (folder / "a.ini").write_bytes(marked(password, encoding))
    believing, doubting = scan(folder / "a.ini", marks=True), scan(folder / "a.ini")
    assert places(doubting) == [(PASSWORD, 2), (PASSWORD, 3)]
    assert places(believing) == [(PASSWORD, 3)]
    [suppressed] = believing.suppressed
    assert (suppressed.suppression.kind, suppressed.suppression.reason) == (
        "mark",
        "a sample for the tests",
    )
    assert suppressed.suppression.owner


def test_a_mark_hides_no_second_value_on_its_line(scan: Scan, folder: Path, password: str) -> None:
    """Two values on a marked line are both reported: the mark cannot say which it allows."""
    mark = f"# hygiene: allow {PASSWORD} a sample"
    (folder / "one.env").write_text(f"DB_PASSWORD={password} {mark}\n")
    (folder / "two.yml").write_text(
        f"[{{password: {password}}}, {{password: {password}y}}]  {mark}\n"
    )
    assert places(scan(folder / "one.env", marks=True)) == []
    assert places(scan(folder / "two.yml", marks=True)) == [(PASSWORD, 1)] * 2


def test_marks_count_in_later_pieces(scan: Scan, folder: Path, password: str) -> None:
    """In a large file the rows of a piece are its own."""
    data = FILLER * ((CHUNK + OVERLAP) // len(FILLER)) + marked(password)
    (folder / "large.conf").write_bytes(data)
    lines = data.count(b"\n")
    result = scan(folder / "large.conf", marks=True)
    assert places(result) == [(PASSWORD, lines)]
    assert [one.finding.location.line for one in result.suppressed] == [lines - 1]


def test_a_baseline_holds_what_was_there_and_nothing_new(
    scan: Scan, folder: Path, make_password: MakePassword
) -> None:
    """Moved lines do not matter; a new value at the same place and an old one elsewhere count."""
    old, new = make_password("old"), make_password("new")
    path = folder / "sub/a.ini"
    path.parent.mkdir()
    path.write_text(f"[db]\npassword = {old}\n")
    accepted = Accepted(Baseline("hygiene-agent/baseline/1", "ab" * 16))
    took = scan(path, accepted=accepted, taking=True, base=str(folder))
    assert [(one.check, one.path) for one in took.accepted] == [(PASSWORD, "sub/a.ini")]
    assert old not in msgspec.json.encode(took.accepted).decode()
    baseline = Accepted(Baseline("hygiene-agent/baseline/1", "ab" * 16, tuple(took.accepted)))

    def scanned(file: Path, text: str) -> tuple[int, int]:
        file.write_text(text)
        result = scan(file, accepted=baseline, base=str(folder))
        return len(result.findings), len(result.suppressed)

    assert scanned(path, f"[db]\npassword = {old}\n") == (0, 1)
    assert scanned(path, f"; moved\n\n[db]\nuser = bob\npassword = {old}\n") == (0, 1)
    assert scanned(path, f"[db]\npassword = {new}\n") == (1, 0)
    assert scanned(folder / "other.ini", f"[db]\npassword = {old}\n") == (1, 0)


def test_a_place_makes_a_key_a_fault(scan: Scan, folder: Path) -> None:
    """A closed key file is right on a host and wrong in a checkout."""
    (folder / "web.key").write_bytes(private_key())
    (folder / "web.key").chmod(0o600)
    assert scan(folder / "web.key").findings == []
    [found] = scan(folder / "web.key", place=Place.CHECKOUT).findings
    assert (found.check, found.location.line) == ("embedded-private-key", 1)


def test_a_certificate_is_read_beside_its_key(inspector: Inspector, folder: Path) -> None:
    """What is no certificate gives no public half, and what is gone gives nothing."""
    (folder / "plain.crt").write_text("no certificate")
    scanner, result = Scanner(inspector, Orders(Policy(), (KEY,))), Result()
    scanner.certificate(str(folder / "plain.crt"), result)
    scanner.certificate(str(folder / "gone.crt"), result)
    assert result.certificates == [(str(folder / "plain.crt"), "")]
    scanner.certificate("/proc/self/mem", result)
    assert result.inconclusive == [Inconclusive("/proc/self/mem", "cannot be read", "EIO")]


def test_a_flood_of_findings_is_cut_and_told(scan: Scan, folder: Path) -> None:
    """A file made of findings does not fill the report; others keep their room."""
    rows = "".join(f"password{n} = 'x7!{n:06}Q'\n" for n in range(12_000))
    (folder / "a.ini").write_text(rows)
    result = scan(folder / "a.ini")
    assert len(result.findings) == 10_000
    assert reasons(result)[-1] == "finding flood"


def test_a_name_that_is_not_utf8_is_scanned(scan: Scan, folder: Path, password: str) -> None:
    """The finding of such a file can be counted, described and told apart."""
    path = os.fsdecode(os.path.join(os.fsencode(folder), b"caf\xe9.ini"))
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"password = {password}\n")
    [found] = scan(path).findings
    assert found.location.path == path
