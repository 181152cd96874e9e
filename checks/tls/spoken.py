"""Find out what a port speaks: an inquiry of one to three connections. Sans I/O.

First it waits for a greeting, for whoever speaks first would log our hello as an attack; then it
says hello in TLS. A protocol that waits for the client's word, such as PostgreSQL's, is tried first
where port or program suggest it. The inquiry is a generator: it gives steps, takes what was heard.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from checks.tls import greetings, hello, starttls
from checks.tls.answer import Answer
from checks.tls.hello import ClientHello
from checks.tls.numbers import TLS12_CURVES, Version
from checks.tls.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Generator

    Inquiry = Generator["Step", "Heard", "Spoken"]

CONNECTIONS: Final = 3
"""No inquiry opens more: a further one is answered by silence."""
GREETING: Final = 0.15
"""Seconds to wait for a greeting where nothing suggests one."""
PATIENCE: Final = 1.0
"""Seconds to wait for the next piece of an answer."""
_RECORDS: Final = (b"\x15", b"\x16")
"""Alert and handshake."""
_HEAD: Final = 4096
_SUITES: Final = (
    *(0x1301, 0x1302, 0x1303, 0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9, 0xC009, 0xC00A),
    *(0xC013, 0xC014, 0x009E, 0x009F, 0x0033, 0x0039, 0x009C, 0x009D, 0x003C, 0x002F, 0x0035),
    *(0x000A, 0x0005, 0x0004),
)
"""Something for every server; one that likes none of them says so in TLS."""


class Kind(enum.StrEnum):
    """What came of it."""

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"
    OTHER = "other"
    SILENT = "silent"
    CLOSED = "closed"
    RESET = "reset"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


class Spoken(msgspec.Struct, frozen=True):
    """What a port speaks. protocol: its name where it is known; connections: how many it took.

    plain: a known protocol that offers no TLS; other: it talks, and it is no TLS. All kinds from
    silent on settle nothing: there may be TLS.
    """

    kind: Kind
    protocol: str = ""
    detail: str = ""
    connections: int = 0

    @property
    def settled(self) -> bool:
        """It is known whether the port speaks TLS."""
        return self.speaks_tls or self.kind in {Kind.PLAIN, Kind.OTHER}

    @property
    def speaks_tls(self) -> bool:
        """There is TLS, from the start or once it is asked for."""
        return self.kind in {Kind.TLS, Kind.STARTTLS}


class Step(NamedTuple):
    """What to do next: send, on a new connection if FRESH, then wait PATIENCE seconds at most."""

    said: bytes = b""
    patience: float = PATIENCE
    fresh: bool = False


class Heard(NamedTuple):
    """What came: bytes, or why none did (a kind that settles nothing)."""

    data: bytes = b""
    end: Kind | None = None


def inquiry(random: bytes, *, port: int, hint: str = "", server_name: str = "") -> Inquiry:
    """Begin an inquiry. random: 32 fresh bytes; hint: as `greetings.suggestion` guesses."""
    hellos = _hellos(random, server_name)
    if port in greetings.TLS_PORTS:
        return (yield from _says_hello(hellos, fresh=True))
    wait = PATIENCE if hint and hint not in greetings.WAITING else GREETING
    heard = yield Step(patience=wait, fresh=True)
    if heard.data:
        return (yield from _greeted(heard.data, hint))
    if heard.end is not Kind.SILENT:
        return Spoken(heard.end or Kind.SILENT)
    if hint not in greetings.WAITING:
        return (yield from _says_hello(hellos, fresh=False))
    spoken, _ = yield from _upgrade(hint, b"")
    if spoken.settled and spoken.protocol in {*starttls.PROTOCOLS} - {hint}:
        return (yield from _again(spoken.protocol))
    if spoken.settled:
        return spoken
    return (yield from _says_hello(hellos[: CONNECTIONS - 1], fresh=True))


def _hellos(random: bytes, server_name: str) -> tuple[bytes, ...]:
    """Write a hello of today, one that a server of 1999 understands, and one of SSL 2.

    The random ends in two line ends: a server that reads lines answers at once, with its error.
    """
    random = random[:28] + b"\r\n\r\n"
    modern = ClientHello(
        Version.TLS13,
        _SUITES,
        random,
        groups=TLS12_CURVES[:4],
        server_name=server_name,
        session=random[::-1],
        lowest=Version.TLS10,
    )
    old = ClientHello(Version.SSL3, _SUITES[3:], random)
    try:
        first = hello.write(modern)
    except UnicodeError:  # no host can have such a name
        first = hello.write(modern._replace(server_name=""))
    return first, hello.write(old), hello.write_ssl2(random[:16])


def _says_hello(hellos: tuple[bytes, ...], *, fresh: bool) -> Inquiry:
    """Say hello, in older ways to who hangs up; who is silent may wait for the whole of SSL 2's."""
    spoken = Spoken(Kind.SILENT)
    for said in hellos:
        if spoken.kind is Kind.SILENT and said == hellos[1]:
            continue
        spoken = yield from _hello(said, fresh=fresh)
        if spoken.settled or spoken.kind in {Kind.REFUSED, Kind.UNREACHABLE}:
            break
        fresh = True
    if spoken.kind is Kind.PLAIN and spoken.protocol in starttls.PROTOCOLS:
        return (yield from _again(spoken.protocol))
    return spoken


def _again(protocol: str) -> Inquiry:
    """Listen again to who greets later than others and took our words amiss."""
    heard = yield Step(fresh=True)
    if heard.data:
        return (yield from _greeted(heard.data, protocol))
    return Spoken(heard.end or Kind.SILENT, protocol)


def _hello(said: bytes, *, fresh: bool) -> Inquiry:
    answer, head = Answer(), b""
    step = Step(said, fresh=fresh)
    while not answer.done and answer.hello is None:
        heard = yield step
        if heard.end is Kind.SILENT and head:
            return Spoken(Kind.SILENT, detail="no whole answer in time")
        if heard.end:
            return _no_hello(head) if head else Spoken(heard.end)
        head = (head + heard.data)[:_HEAD]
        try:
            answer.feed(heard.data)
        except WireError:
            return _no_hello(head)
        step = Step()
    if head.startswith(_RECORDS) or answer.ssl2_ciphers is not None:
        return Spoken(Kind.TLS)
    return Spoken(Kind.OTHER)


def _no_hello(head: bytes) -> Spoken:
    """Name who answered without a hello; what begins like TLS may be a server in trouble."""
    if head.startswith(_RECORDS):
        return Spoken(Kind.CLOSED, detail="breaks off the handshake")
    names = greetings.protocols(head)
    return Spoken(Kind.PLAIN, names[0]) if names else Spoken(Kind.OTHER)


def _greeted(data: bytes, hint: str) -> Inquiry:
    """Go on with a server that spoke first: TLS from the start is ruled out."""
    while not greetings.is_whole(data):
        heard = yield Step()
        if heard.end:
            return Spoken(heard.end, detail="no whole greeting in time")
        data += heard.data
    if greetings.turns_away(data):
        return Spoken(Kind.CLOSED, detail="turns clients away")
    spoken = Spoken(Kind.OTHER)
    for name in greetings.protocols(data, hint):
        spoken, last = Spoken(Kind.PLAIN, name), b""
        if name in starttls.PROTOCOLS:
            spoken, last = yield from _upgrade(name, data)
        if spoken.kind is not Kind.PLAIN or last.startswith(b"250"):  # it did take our EHLO
            break
    return spoken


def _upgrade(protocol: str, got: bytes) -> Generator[Step, Heard, tuple[Spoken, bytes]]:
    """Ask for TLS in the protocol's own words; got: its greeting. Gives the last answer too."""
    dialogue = starttls.dialogue(protocol)
    said, begins = next(dialogue), greetings.WAITING.get(protocol)
    while True:
        if not got:
            heard = yield Step(said)
            if heard.end:
                return Spoken(heard.end, protocol), b""
            got = heard.data
        if begins and not got.startswith(begins):
            return _instead(got), got
        last, got, begins = got, b"", None
        try:
            said = dialogue.send(last)
        except StopIteration:
            return Spoken(Kind.STARTTLS, protocol), last
        except WireError as error:
            return Spoken(Kind.PLAIN, protocol, str(error)), last


def _instead(got: bytes) -> Spoken:
    """Name who answered in another protocol than was suggested; it may be TLS if it is no other."""
    names = greetings.protocols(got)
    return Spoken(Kind.PLAIN, names[0]) if names else Spoken(Kind.CLOSED)
