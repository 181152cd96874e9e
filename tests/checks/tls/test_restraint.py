"""Who is left alone, and for how long."""

from __future__ import annotations

import msgspec
import pytest

from checks.tls.listeners import Listener
from checks.tls.restraint import HOUR, Exclusions, Restraint, Withheld
from checks.tls.spoken import Kind, Spoken

ONE = Listener(address="127.0.0.1", port=22, family=4, inodes=(7,), uid=0)
TWO = msgspec.structs.replace(ONE, port=443)


@pytest.mark.parametrize("kind", [Kind.PLAIN, Kind.OTHER])
def test_who_speaks_no_tls_is_left_alone_until_its_socket_changes(kind: Kind) -> None:
    """The same sockets are not asked again; new ones, and other listeners, are."""
    memory = Restraint()
    memory.learned(ONE, Spoken(kind), 0)
    assert memory.withheld(ONE, 10 * HOUR) is Withheld.NO_TLS
    assert memory.withheld(msgspec.structs.replace(ONE, inodes=(8,)), 1) is None
    assert memory.withheld(msgspec.structs.replace(ONE, interface=2), 1) is None
    assert memory.withheld(TWO, 1) is None


@pytest.mark.parametrize("kind", [Kind.TLS, Kind.STARTTLS, Kind.SILENT, Kind.RESET])
def test_who_may_speak_tls_is_asked_again(kind: Kind) -> None:
    """Neither TLS nor silence puts a listener aside."""
    memory = Restraint()
    memory.learned(ONE, Spoken(kind, connections=1), 0)
    assert memory.withheld(ONE, 1) is None


def test_a_new_configuration_is_asked_again() -> None:
    """A server may begin to speak TLS on the socket that it has."""
    memory = Restraint()
    memory.learned(ONE, Spoken(Kind.PLAIN), 0)
    memory.forget(ONE)
    assert memory.withheld(ONE, 1) is None


def test_failed_handshakes_are_capped_within_an_hour() -> None:
    """At the cap a listener rests until the oldest failure is an hour old; others do not."""
    memory = Restraint(most=3)
    memory.learned(ONE, Spoken(Kind.SILENT, connections=2), 100)
    assert memory.withheld(ONE, 101) is None
    memory.failed(ONE, 200)
    assert memory.withheld(ONE, 201) is Withheld.CAPPED
    assert memory.withheld(TWO, 201) is None
    assert memory.withheld(ONE, 100 + HOUR - 1) is Withheld.CAPPED
    assert memory.withheld(ONE, 100 + HOUR) is None


def test_memory_is_bounded() -> None:
    """No more failures are kept than count, and nothing of who is gone for an hour."""
    memory = Restraint(most=3)
    memory.failed(ONE, 0, 10**9)
    assert len(memory.places["[127.0.0.1]:22"].failed) == 3
    memory.learned(TWO, Spoken(Kind.PLAIN), 0)
    memory.keep([TWO], 1)
    assert len(memory.places) == 2
    memory.keep([TWO], HOUR)
    assert list(memory.places) == ["[127.0.0.1]:443"]
    memory.keep([], HOUR)
    assert memory.places == {}


@pytest.mark.parametrize(
    "excluded",
    [
        Exclusions(ports=frozenset({22})),
        Exclusions(executables=frozenset({"/usr/sbin/sshd"})),
        Exclusions(units=frozenset({"ssh.service"})),
        Exclusions(places=frozenset({("127.0.0.1", 22)})),
    ],
)
def test_exclusions_come_first(excluded: Exclusions) -> None:
    """Whoever is named in any way is not asked; whoever is not is."""
    named = msgspec.structs.replace(ONE, executable="/usr/sbin/sshd", unit="ssh.service")
    other = msgspec.structs.replace(TWO, executable="/usr/sbin/nginx", unit="nginx.service")
    memory = Restraint()
    assert memory.withheld(named, 0, excluded) is Withheld.EXCLUDED
    assert memory.withheld(other, 0, excluded) is None


def test_memory_survives_as_text() -> None:
    """The caller may keep it in a file."""
    memory = Restraint()
    memory.learned(ONE, Spoken(Kind.PLAIN), 0)
    memory.failed(TWO, 5)
    again = msgspec.json.decode(msgspec.json.encode(memory), type=Restraint)
    assert again == memory
