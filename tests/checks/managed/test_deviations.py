"""What a managed path may be found to be, and what is said of it."""

from __future__ import annotations

import hashlib
import secrets
import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.managed import deviations, shown
from checks.managed.facts import FILE, FOLDER, LINK, NOTHING, Seen
from checks.managed.wanted import Assertion, Managed
from checks.model import Access, Entry

PATH = "/etc/nginx/nginx.conf"
TEXT = "user www-data;\nhttp {\n  ssl_protocols TLSv1.2 TLSv1.3;\n}\n"


def _file(text: str, mode: int = 0o644) -> Seen:
    data = text.encode()
    access = Access(uid=0, gid=0, mode=mode, owner="root", group="root")
    return Seen(FILE, access, hashlib.sha256(data).hexdigest(), data)


def _checks(wanted: Managed, seen: Seen, managed: tuple[str, ...] = (PATH,)) -> list[str]:
    return [one.check for one in deviations.judge(PATH, wanted, seen, managed)]


@pytest.mark.parametrize(
    ("wanted", "seen", "expected"),
    [
        (Managed(content=TEXT), _file(TEXT), []),
        (Managed(content=TEXT), _file(TEXT + "x"), ["managed-changed"]),
        (Managed(content=TEXT), Seen(NOTHING), ["managed-missing"]),
        (Managed(content=TEXT), Seen(LINK, target="/tmp/evil"), ["managed-changed"]),
        (Managed(content=TEXT), Seen(FOLDER), ["managed-changed"]),
        (Managed(content=TEXT), Seen("special"), ["managed-changed"]),
        (Managed(sha256="0" * 64), _file(TEXT), ["managed-changed"]),
        (Managed(mode="0640"), _file(TEXT), ["managed-mode"]),
        (Managed(mode="0644"), _file(TEXT), []),
        (Managed(owner="root", group="root"), _file(TEXT), []),
        (Managed(owner="mail"), _file(TEXT), ["managed-mode"]),
        (Managed(link="/x"), Seen(LINK, target="/x"), []),
        (Managed(link="/x"), Seen(LINK, target="/y"), ["managed-changed"]),
        (Managed(link="/x"), _file(TEXT), ["managed-changed"]),
        (Managed(absent=True), Seen(NOTHING), []),
        (Managed(absent=True), _file(TEXT), ["managed-extra"]),
        (Managed(only=True), Seen(FOLDER, names=("nginx.conf",)), ["managed-extra"]),
        (Managed(content=TEXT, immutable=True), _file("x"), ["immutable-changed"]),
        (Managed(content=TEXT, mode="0600"), _file("x"), ["managed-changed", "managed-mode"]),
    ],
)
def test_each_way_to_differ_has_its_check(wanted: Managed, seen: Seen, expected: list[str]) -> None:
    """And what is as approved has none."""
    assert _checks(wanted, seen) == expected


def test_a_folder_may_hold_what_is_managed_and_nothing_else() -> None:
    """Of a folder above managed paths nothing is said."""
    folder = Seen(FOLDER, names=("a.conf", "b.conf", "sub"))
    managed = (PATH, f"{PATH}/a.conf", f"{PATH}/sub/c.conf")
    found = deviations.judge(PATH, Managed(only=True), folder, managed)
    assert [one.path for one in found] == [f"{PATH}/b.conf"]


def test_assertions_name_the_key_and_the_line() -> None:
    """A value that is allowed, or may be absent, is no deviation."""
    entries = [
        Entry(("http", "ssl_protocols"), "TLSv1.2  TLSv1.3", 3),
        Entry(("http", "server", "ssl_protocols"), "TLSv1", 9),
    ]
    wanted = (
        Assertion("http.*ssl_protocols", ("TLSv1.2 TLSv1.3", "TLSv1.3")),
        Assertion("http.server_tokens", ("off",)),
        Assertion("http.etag", ("off",), absent=True),
    )
    found = list(deviations.asserted(PATH, wanted, entries))
    assert [(one.line, one.fact) for one in found] == [
        (9, "http.*ssl_protocols"),
        (0, "http.server_tokens"),
    ]
    assert len({deviations.finding(one).identity for one in found}) == 2


def test_the_identity_stays_when_the_line_moves() -> None:
    """And another path has another one."""
    moved = [deviations.Deviation("managed-changed", PATH, "", line) for line in (1, 2)]
    assert len({deviations.finding(one).identity for one in moved}) == 1
    other = deviations.finding(deviations.Deviation("managed-changed", "/etc/other", ""))
    assert other.identity != deviations.finding(moved[0]).identity


def test_a_difference_shows_set_up_and_no_secret() -> None:
    """Words that the approved content has or everybody knows are shown, all else is dots."""
    secret = secrets.token_urlsafe(20)
    found = TEXT.replace("TLSv1.2 TLSv1.3", f"TLSv1 {secret}").encode()
    differs = shown.difference(TEXT.encode(), found)
    assert differs is not None
    assert (differs.line, secret in differs.words) == (3, False)
    assert "found `ssl_protocols TLSv1" in differs.words
    assert "approved `ssl_protocols TLSv1.2 TLSv1.3;`" in differs.words


def test_a_secret_in_the_approved_content_is_not_shown_either() -> None:
    """A line that names one shows nothing but how it is set up."""
    secret = "".join(secrets.choice(string.ascii_lowercase) for _ in range(8))
    approved = f"user x;\nproxy_set_header Authorization {secret};\n".encode()
    differs = shown.difference(approved, b"user x;\nproxy_set_header Other;\n")
    assert differs is not None
    assert secret not in differs.words
    random = secrets.token_hex(8) + "a1"
    differs = shown.difference(f"a;\nvalue {random};\n".encode(), b"a;\nvalue b;\n")
    assert differs is not None
    assert random not in differs.words


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_two_contents_can_be_compared(one: bytes, other: bytes) -> None:
    """Alike gives nothing, other texts give a line that is there."""
    differs = shown.difference(one, other)
    if one == other or b"\0" in one + other:
        assert differs is None
    elif differs is not None:
        assert 1 <= differs.line <= max(one.count(b"\n"), other.count(b"\n")) + 1
        assert "\n" not in differs.words


@pytest.mark.parametrize(
    "says",
    [
        {"content": "x", "sha256": "0" * 64},
        {"absent": True, "only": True},
        {"sha256": "0" * 64, "answer": "restore"},
        {"content": "x", "answer": "restore", "action": "nginx"},
        {"base64": "?", "answer": "restore"},
        {"content": "x" * (1024 * 1024 + 1)},
        {"file": "nginx.conf"},
        {"mode": "9999"},
    ],
)
def test_a_wish_that_says_two_things_is_refused(says: dict[str, object]) -> None:
    """And a plain one is not."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(says, Managed)
    assert msgspec.convert({"content": "x", "answer": "restore"}, Managed).approved == b"x"
