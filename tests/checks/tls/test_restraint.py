"""Who is left alone, and for how long."""

from __future__ import annotations

import msgspec
import pytest

from checks.tls.listeners import Listener
from checks.tls.restraint import HOUR, Exclusions, Rate, Restraint, Withheld
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
    "glob",
    ["127.0.0.1:22", "*:22", "127.*", "/usr/sbin/sshd", "/usr/sbin/*", "ssh.service", "ssh*"],
)
def test_exclusions_come_first(glob: str) -> None:
    """Whoever is named in any way is not asked; whoever is not is."""
    named = msgspec.structs.replace(ONE, executable="/usr/sbin/sshd", unit="ssh.service")
    other = Listener(
        address="192.0.2.1",
        port=443,
        family=4,
        inodes=(9,),
        uid=0,
        executable="/opt/nginx",
        unit="nginx.service",
    )
    memory, excluded = Restraint(), Exclusions(("nowhere", glob))
    assert memory.withheld(named, 0, excluded) is Withheld.EXCLUDED
    assert memory.withheld(other, 0, excluded) is None


@pytest.mark.parametrize("glob", ["[::1]:443", "::1:443", "*:443"])
def test_an_address_of_six_may_be_in_brackets(glob: str) -> None:
    """Both ways to write it are understood; another address is another listener."""
    six = msgspec.structs.replace(TWO, address="::1", family=6)
    assert Exclusions((glob,)).name(six)
    assert not Exclusions(("[::2]:443", "")).name(six)


def test_what_was_found_out_is_known_until_the_socket_changes() -> None:
    """With TLS or without; what was not settled is not known, and TLS is no reason to be spared."""
    memory, plain = Restraint(), Spoken(Kind.PLAIN, "http")
    memory.learned(ONE, plain, 0)
    assert memory.known(ONE) == plain
    assert memory.known(msgspec.structs.replace(ONE, inodes=(8,))) is None
    memory.learned(TWO, Spoken(Kind.TLS), 0)
    assert memory.known(TWO) == Spoken(Kind.TLS)
    assert memory.withheld(TWO, 0) is None
    memory.learned(TWO, Spoken(Kind.SILENT), 0)
    assert memory.known(TWO) is None
    assert memory.known(msgspec.structs.replace(TWO, port=1)) is None


def test_a_burst_goes_at_once_and_the_rest_is_spread() -> None:
    """After the burst each connection waits for its turn; a pause fills the burst again."""
    rate = Rate(per_second=10, burst=5)
    assert [rate.take(100.0) for _ in range(6)] == [0, 0, 0, 0, 0, 0]
    assert [round(rate.take(100.0), 3) for _ in range(3)] == [0.1, 0.2, 0.3]
    assert rate.take(200.0) == 0
    assert [rate.take(200.0) for _ in range(5)] == [0] * 5
    assert rate.take(200.0) > 0


def test_who_limits_connections_is_asked_slowly_from_then_on() -> None:
    """First a second of quiet, then few a second, fewer each time but never none."""
    rate = Rate()
    rate.take(100.0)
    rate.slow(100.0)
    assert rate.take(100.0) == 1.0
    assert rate.take(101.0) == pytest.approx(0.125)
    assert rate.take(200.0) == 0
    for _ in range(9):
        rate.slow(200.0)
    rate.take(201.0)
    assert rate.take(201.0) == pytest.approx(1.0)


def test_memory_survives_as_text() -> None:
    """The caller may keep it in a file."""
    memory = Restraint()
    memory.learned(ONE, Spoken(Kind.PLAIN), 0)
    memory.failed(TWO, 5)
    again = msgspec.json.decode(msgspec.json.encode(memory), type=Restraint)
    assert again == memory


def test_who_speaks_tls_is_known_until_its_socket_changes() -> None:
    """It may be asked, but what it speaks need not be found out again."""
    memory = Restraint()
    told = Spoken(Kind.TLS)
    memory.learned(ONE, told, 0)
    assert memory.known(ONE) == told
    assert memory.withheld(ONE, 1) is None
    assert memory.known(msgspec.structs.replace(ONE, inodes=(8,))) is None
    memory.forget(ONE)
    assert memory.known(ONE) is None
