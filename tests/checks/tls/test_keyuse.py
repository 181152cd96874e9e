"""Keys that configurations name: who reaches them, what they belong to, where else they are."""

from __future__ import annotations

import pytest

from checks.model import Access, Severity
from checks.secrets.keys import KeyFacts
from checks.tls import keyuse
from checks.tls.config import Setting
from checks.tls.keyuse import KeyFile, Use

PRIVATE = Access(0, 0, 0o600)


def key(
    path: str,
    spki: str = "k1",
    access: Access = PRIVATE,
    *,
    lasting: bool = False,
    encrypted: bool = False,
) -> KeyFile:
    facts = KeyFacts("rsa", 2048, spki="" if encrypted else spki, encrypted=encrypted)
    return KeyFile(path, (1, hash(path)), access, facts, lasting)


def use(line: int, held: KeyFile, leaf: str = "c1", spki: str = "k1") -> Use:
    place = Setting("server", "", "/etc/nginx/nginx.conf", line)
    return Use(place, Setting("ssl_certificate", "/c.pem", place.path, line + 1), leaf, spki, held)


def told(*uses: Use) -> list[tuple[str, str]]:
    return [(one.fault.check, one.setting.path) for one in keyuse.judge(uses)]


def test_a_sound_key_is_told_of_only_where_it_lies_on_a_disk() -> None:
    """In memory it is as it should be; on a disk that is told for information."""
    assert told(use(1, key("/run/a.key"))) == []
    (found,) = keyuse.judge([use(1, key("/a.key", lasting=True))])
    assert (found.fault.check, found.setting.path) == ("key-on-disk", "/a.key")
    assert keyuse.CHECKS["key-on-disk"].severity is Severity.INFO


@pytest.mark.parametrize(
    ("access", "said"),
    [
        (Access(0, 0, 0o644), ["every user can read"]),
        (Access(0, 0, 0o666), ["every user can read", "every user can replace"]),
        (Access(0, 100, 0o640), ["group 100 can read"]),
        (Access(0, 0, 0o640), []),
        (Access(0, 111, 0o640, group="ssl-cert"), []),
    ],
)
def test_whoever_reaches_a_key_is_told(access: Access, said: list[str]) -> None:
    """Once a right, each a fault of its own, however many hosts name the key."""
    held = key("/a.key", access=access)
    found = [one.fault for one in keyuse.judge([use(1, held), use(5, held)])]
    rights = [fault for fault in found if fault.check == "key-permissions"]
    assert [fault.message.partition(" the private")[0] for fault in rights] == said
    assert len({fault.fact for fault in rights}) == len(said)


def test_a_key_that_cannot_be_read_is_judged_by_its_mode() -> None:
    """Whose it is remains unknown, so that nothing more is said."""
    held = KeyFile("/a.key", (1, 1), Access(0, 0, 0o644), None, lasting=True)
    found = [one.fault for one in keyuse.judge([use(1, held, spki="other")])]
    assert [fault.check for fault in found] == ["key-permissions", "key-on-disk"]
    assert found[1].message.endswith("(could not be read)")


def test_a_key_that_is_not_the_certificates_is_told() -> None:
    """Of an encrypted key, or where no certificate could be read, nothing is known."""
    assert told(use(1, key("/a.key"), spki="k2")) == [("key-mismatch", "/a.key")]
    assert told(use(1, key("/a.key"), spki="k1")) == []
    assert told(use(1, key("/a.key"), leaf="", spki="")) == []
    assert told(use(1, key("/a.key", encrypted=True), spki="k2")) == []


def test_copies_and_certificates_that_share_a_key_are_told() -> None:
    """Two files, or two certificates: a fault. Hosts with one certificate: for information."""
    copies = list(keyuse.judge([use(5, key("/b.key")), use(1, key("/a.key"), "c2")]))
    assert [(o.fault.check, o.fault.severity, o.setting.path) for o in copies] == [
        ("key-shared", Severity.MEDIUM, "/a.key")
    ]
    assert copies[0].fault.message.endswith("in 2 files: /a.key, /b.key")
    held = key("/a.key")
    (twice,) = keyuse.judge([use(1, held, "c1"), use(5, held, "c2")])
    assert twice.fault.severity is None
    (hosts,) = keyuse.judge([use(1, held), use(5, held)])
    assert hosts.fault.severity is Severity.INFO
    assert told(use(1, held), use(1, held)) == []
    assert told(use(1, held), use(5, key("/b.key", "k2"), "c2", "k2")) == []
