"""OpenSSL's commands about versions."""

from __future__ import annotations

import pytest

from checks.tls.config import Setting
from checks.tls.numbers import Version
from checks.tls.syntax import sslconf


def commands(*pairs: tuple[str, str]) -> list[sslconf.Command]:
    return [sslconf.Command(name, Setting(name, value, "/a", 1)) for name, value in pairs]


@pytest.mark.parametrize(
    ("pairs", "versions"),
    [
        ([], "0123"),
        ([("minprotocol", "TLSv1.2")], "23"),
        ([("minprotocol", "tlsv1.3"), ("minprotocol", "TLSv1.1")], "123"),
        ([("maxprotocol", "TLSv1")], "0"),
        ([("minprotocol", "TLSv1.2"), ("minprotocol", "None")], "0123"),
        ([("protocol", "-ALL, TLSv1.2")], "2"),
        ([("protocol", "-all,+TLSv1.0,TLSv1.3,-TLSv1.3")], "0"),
        ([("protocol", "TLSv1.2")], "0123"),
        ([("protocol", "-unheard,,")], "0123"),
        ([("ciphersuites", "x")], "0123"),
    ],
)
def test_versions_are_what_is_on_between_the_bounds(
    pairs: list[tuple[str, str]], versions: str
) -> None:
    """Each command changes what those before it left."""
    protocols = sslconf.Protocols(sslconf.MODERN)
    protocols.apply(commands(*pairs))
    assert protocols.versions() == tuple(Version(0x0301 + int(minor)) for minor in versions)


def test_the_last_command_counts() -> None:
    """Of several with one meaning, whatever they are called."""
    said = commands(("groups", "A"), ("curves", "B"), ("protocol", "x"))
    found = sslconf.last(said, "curves", "groups")
    assert found
    assert found.value == "B"
    assert sslconf.last(said, "ciphersuites") is None
    assert sslconf.about_protocols(said)
    assert not sslconf.about_protocols(said[:2])
