"""What a hostile owner of a scanned file may try: to hide, to drown, to break, to speak for others.

Each test plants the attack in files and runs the command; each has its control.
"""

from __future__ import annotations

import json
import os
import random
import string
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Hygiene

CLEAN, FOUND, UNSEEN = 0, 1, 3
HUGE = 9 * 1024 * 1024
"""More than is read at once."""


def _setting(password: str) -> str:
    return f"[db]\npassword = {password}\n"


def _found(report: dict[str, Any]) -> list[tuple[str, int]]:
    return [(finding["check"], finding["line"]) for finding in report["findings"]]


def _token(seed: str) -> str:
    rng = random.Random(seed)
    alphabet = string.ascii_letters + string.digits
    return "zz9Q" + "".join(rng.choice(alphabet) for _ in range(36))


# To hide.


@pytest.mark.parametrize("head", ["RIFF", "ID3", "GIF8", "%PDF-", "MZ\x90"])
def test_a_binary_file_s_first_bytes_do_not_hide_a_text(
    hygiene: Hygiene, folder: Path, password: str, head: str
) -> None:
    """A text that begins like a picture or a program is a text."""
    (folder / "app.ini").write_bytes(f"{head}\n{_setting(password)}".encode("latin-1"))
    status, report = hygiene.report(folder)
    assert (status, _found(report)) == (FOUND, [("embedded-password", 3)])


def test_a_binary_file_stays_one(hygiene: Hygiene, folder: Path) -> None:
    """The control: what is mostly no text is counted as binary."""
    (folder / "picture").write_bytes(b"GIF8" + random.Random(1).randbytes(5000))
    status, report = hygiene.report(folder)
    assert (status, report["summary"]["not_applicable"]) == (CLEAN, {"binary": 1})


def test_zero_bytes_in_front_do_not_hide_a_text(
    hygiene: Hygiene, folder: Path, password: str
) -> None:
    """A log that was cut while its writer went on begins with zeros; its text is looked at."""
    (folder / "app.ini").write_bytes(bytes(70_000) + b"\n" + _setting(password).encode())
    status, report = hygiene.report(folder)
    assert (status, _found(report)) == (FOUND, [("embedded-password", 3)])


@pytest.mark.parametrize("codec", ["utf-16", "utf-32"])
def test_the_end_of_a_large_file_keeps_its_encoding(
    hygiene: Hygiene, folder: Path, password: str, codec: str
) -> None:
    """Only the first piece of a large file has the byte-order mark; the last is decoded too."""
    filling = "; " + "\u043f\u0440\u0438 " * (HUGE // (16 if codec == "utf-32" else 8))
    (folder / "app.ini").write_bytes(f"{filling}\n{_setting(password)}".encode(codec))
    status, report = hygiene.report(folder)
    assert (status, [check for check, _ in _found(report)]) == (FOUND, ["embedded-password"])


def test_a_user_who_is_called_test_is_no_test(
    hygiene: Hygiene, folder: Path, password: str
) -> None:
    """The home of a user called test, docs or man holds no samples; a folder tests does."""
    for name in ("home/test/.env", "project/test/.env"):
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_text(f"DB_PASSWORD={password}\n")
    _, report = hygiene.report(folder)
    found = [(finding["path"], finding["severity"]) for finding in report["findings"]]
    assert found == [
        (str(folder / "home/test/.env"), "high"),
        (str(folder / "project/test/.env"), "low"),
    ]


def test_what_a_zip_does_not_list_is_not_clean(
    hygiene: Hygiene, folder: Path, password: str
) -> None:
    """A member that its archive's directory leaves out is not read, and that is told."""
    for name, content in (("hidden", _setting(password)), ("listed", "nothing here")):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as made:
            made.writestr("app.ini", content)
    assert hygiene.report(folder / "listed.zip")[0] == CLEAN
    hidden = (folder / "hidden.zip").read_bytes()
    local = hidden[: hidden.index(b"PK\x01\x02")]
    (folder / "both.zip").write_bytes(local + (folder / "listed.zip").read_bytes())
    assert hygiene.report(folder / "both.zip")[0] == UNSEEN


def test_a_fifo_that_was_asked_for_is_not_clean(hygiene: Hygiene, folder: Path) -> None:
    """`scan <(command)` looks at nothing, and says so; below a root a FIFO has no content."""
    os.mkfifo(folder / "fifo")
    status, report = hygiene.report(folder / "fifo")
    assert (status, len(report["inconclusive"])) == (UNSEEN, 1)
    assert hygiene.report(folder)[0] == CLEAN


def test_a_short_password_does_not_hide_in_a_token(hygiene: Hygiene, folder: Path) -> None:
    """A value counts as part of another, found before it, only where it stands on its line."""
    rng = random.Random("a key")
    signer = "".join(rng.choice("0123456789abcdef") for _ in range(400))
    part = signer[10:15]
    (folder / "app.ini").write_text(f"[a]\napi_token = {signer}\n\n[db]\npassword = {part}\n")
    _, report = hygiene.report(folder)
    assert 5 in [line for _, line in _found(report)]


def test_a_mark_in_another_user_s_file_says_nothing(
    person: Hygiene, home: Path, password: str
) -> None:
    """Within a folder of one's own only one's own files may ask to be passed over."""
    if os.geteuid():
        pytest.skip("only root can give files away")
    path = home / "app.ini"
    path.write_text(f"[db]\npassword = {password} # hygiene: allow embedded-password fine\n")
    path.chmod(0o644)
    assert person.report(home)[0] == FOUND
    os.chown(path, home.stat().st_uid, -1)
    status, report = person.report(home)
    assert (status, len(report["suppressed"])) == (CLEAN, 1)


# To break.


def test_a_name_that_is_not_utf_8_is_looked_at_like_any_other(
    hygiene: Hygiene, folder: Path, password: str
) -> None:
    """The finding is reported with the bytes of its name, and its neighbours are not lost."""
    for number in range(60):
        (folder / f"app{number}.ini").write_text(_setting(password))
    odd = os.fsencode(folder) + b"/app\xff\xfe.ini"
    Path(os.fsdecode(odd)).write_text(_setting(password))
    status, report = hygiene.report(folder)
    assert (status, len(report["findings"]), report["inconclusive"]) == (FOUND, 61, [])


def test_a_baseline_holds_names_that_are_not_utf_8(
    hygiene: Hygiene, folder: Path, make_password: Callable[[str], str]
) -> None:
    """What was accepted under such a name is suppressed; another value there is not."""
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/app\xff.ini"))
    baseline = folder / "baseline.json"
    odd.write_text(_setting(make_password("one")))
    assert hygiene("baseline", odd, "--output", baseline).returncode == CLEAN
    assert hygiene.report(odd, "--baseline", baseline)[0] == CLEAN
    odd.write_text(_setting(make_password("two")))
    assert hygiene.report(odd, "--baseline", baseline)[0] == FOUND


@pytest.mark.parametrize("form", ["html", "json", "jsonl", "sarif", "text"])
def test_a_name_speaks_to_no_terminal_and_no_browser(
    hygiene: Hygiene, folder: Path, password: str, form: str
) -> None:
    """No escape sequence, no line end and no tag of a file's name reaches an output as it is."""
    name = "a\x1b]0;x\x07\n<img src=x onerror=y>\u202e\udcff.ini"
    (folder / name).write_text(_setting(password))
    done = hygiene("scan", folder, "--format", form)
    assert done.returncode == FOUND
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)
    assert form != "html" or "<img" not in done.stdout


def test_half_a_character_in_a_value_breaks_nothing(
    hygiene: Hygiene, folder: Path, password: str
) -> None:
    r"""JSON can say "\ud800", which no encoding can; the file is still looked at to its end."""
    values = {"a": {"password": password + "\ud800"}, "b": {"password": password}}
    (folder / "app.json").write_text(json.dumps(values, indent=1))
    status, report = hygiene.report(folder)
    assert (status, len(report["findings"]), report["inconclusive"]) == (FOUND, 2, [])


# To make it repeat a secret.


def test_a_token_in_the_user_s_place_is_not_repeated(
    hygiene: Hygiene, folder: Path, password: str
) -> None:
    """A user is named in the message, unless the name is itself as random as a token."""
    token = _token("user")
    (folder / "app.conf").write_text(f"a = https://{token}:{password}@h.net/x\n")
    (folder / "b.conf").write_text(f"a = https://carol:{password}@h.net/x\n")
    _, report = hygiene.report(folder)
    messages = [finding["message"] for finding in report["findings"]]
    assert any("carol" in message for message in messages)
    assert token not in json.dumps(report)


@pytest.mark.parametrize("times", [1, 8])
def test_a_token_in_a_key_path_is_not_repeated(
    hygiene: Hygiene, folder: Path, password: str, times: int
) -> None:
    """A key that is a secret of its own is shortened, also one that is too long to be shown."""
    token = _token("key") * times
    (folder / "app.yaml").write_text(f"{token}:\n  plain_name:\n    password: {password}\n")
    _, report = hygiene.report(folder)
    [finding] = report["findings"]
    assert finding["key_path"].endswith("plain_name.password")
    assert token[:40] not in json.dumps(report)


# To drown.


@pytest.mark.parametrize("between", [" ", "\n"])
def test_many_tokens_take_linear_time(hygiene: Hygiene, folder: Path, between: str) -> None:
    """Twice as many tokens and passwords take about twice as long, on one line or on many."""
    took = []
    for count in (3000, 6000):
        pairs = (f"k{n}_token={_token(str(n))}{between}" for n in range(count))
        (folder / "app.conf").write_text("".join(pairs))
        begun = time.monotonic()
        hygiene.report(folder)
        took.append(time.monotonic() - begun)
    assert took[1] < 3 * took[0] + 2


def test_a_flood_of_findings_is_cut_and_told(
    hygiene: Hygiene, folder: Path, make_password: Callable[[str], str]
) -> None:
    """One file may not fill the memory of those who read reports; the next file is unharmed."""
    rows = (f"db{n}_password = {make_password(str(n))}\n" for n in range(11_000))
    (folder / "a.conf").write_text("".join(rows))
    (folder / "b.conf").write_text(f"password = {make_password('b')}\n")
    status, report = hygiene.report(folder)
    assert (status, len(report["findings"])) == (FOUND, 10_001)
    assert "finding flood" in [one["reason"] for one in report["inconclusive"]]
