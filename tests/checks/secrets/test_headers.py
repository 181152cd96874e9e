"""Headers give the secret of their scheme or name."""

from __future__ import annotations

import base64

import pytest

from checks.model import Entry
from checks.secrets import headers


def found(value: str, key: str = "x") -> list[str]:
    entry = Entry((key,), value, 1)
    return [e.value for e in headers.credentials(entry, lambda _: 1)]


@pytest.mark.parametrize("template", ["Basic {}", "a: b\nAuthorization: basic {}\n", '"Basic {}"'])
def test_basic_gives_the_password(template: str) -> None:
    """Behind the first colon of what is decoded."""
    text = base64.b64encode(b"bob:x:y").decode()
    assert found(template.format(text)) == ["x:y"]


@pytest.mark.parametrize("text", ["Basic YWJj", "Basic ====", "Basic auth", "basic \x00", "Basic "])
def test_basic_that_decodes_to_no_pair_gives_nothing(text: str) -> None:
    """Words behind "basic" are no credentials."""
    assert found(text, "Authorization") == []


def test_a_header_must_be_named_like_a_credential() -> None:
    """Other headers are left alone."""
    assert found("X-Auth-Token: abc") == ["abc"]
    assert found("Content-Length: 12") == []
    assert found("X-Auth-Token: two words") == []


def test_what_a_mail_client_sends_gives_the_password() -> None:
    """Behind the last NUL; the user is the subject."""
    text = base64.b64encode(b"\0bob\0x:y").decode()
    entry = Entry(("send",), f"AUTH PLAIN {text}", 4)
    assert [(e.value, e.subject) for e in headers.credentials(entry, lambda _: 4)] == [
        ("x:y", "bob")
    ]
    assert found("AUTH PLAIN LOGIN") == []
    assert found(f"PLAIN {text}") == []


def test_a_pair_in_base64_is_decoded() -> None:
    """Nothing else is one."""
    assert headers.decoded_pair(base64.b64encode(b"bob:x:y").decode()) == ("bob", "x:y")
    assert headers.decoded_pair(base64.b64encode(b"bob").decode()) == ("", "")
    assert headers.decoded_pair("bob:x") == ("", "")
