r"""A syslog server: RFC 5424 over TLS (RFC 5425), a message an event. EDGE.

    <109>1 2026-06-01T12:00:00.000Z HOST hygiene-agent ROLE KIND
    [origin software="hygiene-agent" swVersion="..."][hygiene@32473 event="..." ...] {OCSF}

Syslog has no acknowledgement. A batch counts as delivered when the other side's kernel has all of
it and the connection stands; if it breaks before that, the whole batch is sent again. What that
kernel had and its program lost is found out by the next digest. An event that is longer than
`longest` bytes is shortened as `ocsf.short` says.
"""

from __future__ import annotations

import array
import datetime
import fcntl
import select
import socket
import ssl
import termios
import time
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from agent import ocsf, tlsdial
from agent.output.jsonout import text
from agent.sinks import Delivered, Retry, SinkError
from agent.tlsdial import DialError, Identity, Target
from checks.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from agent.events import Event, Host
    from agent.sinks import Batch, Outcome
    from agent.tlsdial import Timed

_Seconds = Annotated[int, msgspec.Meta(ge=1, le=600)]
_File = Annotated[str, msgspec.Meta(pattern="^(/|$)", max_length=4096)]
_PORT: Final = 6514
"""RFC 5425 4.1."""
_EXAMPLE: Final = 32473
"""RFC 5612: an enterprise number that stands for none."""
_SEVERITIES: Final = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}
"""OCSF's to RFC 5424 6.2.1's: informational 6, notice 5, warning 4, error 3, critical 2."""
_LEAST: Final = 4096
_SETTLING: Final = 0.5
"""Seconds that a server has to turn away a new connection after the handshake: with TLS 1.3 it
looks at our certificate when we believe to be done (RFC 8446 4.4.2)."""
_LOOK: Final = 0.01
_HEEDED: Final = 64
"""Reads at a time of what the other side says unasked."""
_FREE_WORD: Final = 255
"""RFC 5424 6: bytes of HOSTNAME; APP-NAME takes 48, PROCID 128, MSGID 32."""
_VALUE: Final = 128
"""Bytes of a value in the structured data, so that all of them leave room for the message."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """host and port: the server; name: what its certificate has to be for, "" for `host`.

    facility: RFC 5424's number, 13 is "log audit"; longest: bytes of one message; enterprise: whose
    number stands in the id of our structured data. connect and write: seconds each may take.
    """

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = _PORT
    name: Annotated[str, msgspec.Meta(max_length=255)] = ""
    ca: _File = ""
    certificate: _File = ""
    key: _File = ""
    facility: Annotated[int, msgspec.Meta(ge=0, le=23)] = 13
    longest: Annotated[int, msgspec.Meta(ge=_LEAST, le=1 << 20)] = 8192
    enterprise: Annotated[int, msgspec.Meta(ge=1, le=1 << 32)] = _EXAMPLE
    connect: _Seconds = 10
    write: _Seconds = 60


def open(settings: Settings, _name: str, _state: Path) -> Syslog:  # noqa: A001 - what every sink offers
    """Make the sink; raises SinkError."""
    if settings.key and not settings.certificate:
        raise SinkError("key: expected a certificate with it")
    return Syslog(settings)


class Syslog:
    """The server, over one connection that is kept."""

    def __init__(self, settings: Settings) -> None:
        """Keep where to go; the network is first used by `deliver`."""
        self._settings = settings
        self._target = Target(settings.host, settings.port, settings.name or settings.host)
        self._identity = Identity(settings.ca, settings.certificate, settings.key)
        self._connection: Timed | None = None

    def deliver(self, batch: Batch) -> Outcome:
        """Send the events, and see them out of this host's kernel."""
        frames = b"".join(framed(event, batch.host, self._settings) for event in batch.events)
        try:
            connection = self._connected()
            connection.within(self._settings.write)
            connection.sendall(frames)
            self._drain(connection)
            _heed(connection)
        except DialError as error:
            self.close()
            return Retry(str(error))
        except (OSError, ValueError) as error:
            self.close()
            return Retry(tlsdial.why(error))
        return Delivered()

    def _connected(self) -> Timed:
        """Give the connection that is kept, or a new one where that has broken."""
        if self._connection is not None:
            try:
                _heed(self._connection)
            except OSError:
                self.close()
            else:
                return self._connection
        made = tlsdial.dial(self._target, self._identity, self._settings.connect)
        self._connection = made
        end = time.monotonic() + _SETTLING
        while (left := end - time.monotonic()) > 0:
            if _is_readable(made, left):
                _heed(made)
        return made

    def _drain(self, connection: Timed) -> None:
        """Wait until the other side's kernel has everything; raises OSError."""
        end = time.monotonic() + self._settings.write
        waiting = array.array("i", [0])
        while True:
            # tcp(7): SIOCOUTQ, which is TIOCOUTQ, counts what is not acknowledged.
            fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, waiting)
            if not waiting[0]:
                return
            if time.monotonic() > end:
                raise TimeoutError("timed out")
            _heed(connection)
            time.sleep(_LOOK)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            tlsdial.drop(self._connection)
            self._connection = None


def _is_readable(connection: Timed, seconds: float) -> bool:
    waiter = select.poll()
    waiter.register(connection, select.POLLIN)
    return bool(waiter.poll(seconds * 1000))


def _heed(connection: Timed) -> None:
    """Read what the other side says unasked, session tickets and alerts; raises OSError at its end.

    A syslog server has nothing to say: data is read and forgotten.
    """
    if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, "connection broken")
    for _ in range(_HEEDED):
        if not _is_readable(connection, 0):
            return
        connection.within(_LOOK)
        try:
            if not connection.recv(4096):
                raise ConnectionError("closed by the other side")
        except (TimeoutError, ssl.SSLWantReadError):
            return


def framed(event: Event, host: Host, settings: Settings) -> bytes:
    """Give one message with its length before it (RFC 5425 4.3)."""
    head = _head(event, host, settings)
    message = head + b" " + ocsf.short(event, host, max(settings.longest - len(head) - 1, 0))
    return b"%d %s" % (len(message), message)


def _head(event: Event, host: Host, settings: Settings) -> bytes:
    priority = settings.facility * 8 + _SEVERITIES[ocsf.severity(event)]
    words = (
        f"<{priority}>1",
        _moment(event.at),
        _word(host.name, _FREE_WORD),
        "hygiene-agent",
        _word(event.role, 128),
        _word(event.kind.value, 32),
        _structured(event, host, settings.enterprise),
    )
    return " ".join(words).encode()


def _moment(at: float) -> str:
    try:
        moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return "-"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(told: str, longest: int) -> str:
    """Give a word of printable ASCII, "-" for none (RFC 5424 6)."""
    return "".join(char if "!" <= char <= "~" else "_" for char in told[:longest]) or "-"


def _structured(event: Event, host: Host, enterprise: int) -> str:
    ids = {"event": event.id, "kind": event.kind.value, "host": host.id, "image": host.image}
    if event.finding is not None:
        ids |= {"finding": event.finding.identity, "check": event.finding.check}
    ours = " ".join(f'{name}="{_value(told)}"' for name, told in ids.items() if told)
    version = f' swVersion="{_value(host.version[:32])}"' if host.version else ""
    return f'[origin software="hygiene-agent"{version}][hygiene@{enterprise} {ours}]'


def _value(told: str) -> str:
    """Escape a value (RFC 5424 6.3.3), one line and not too long."""
    safe = printable(text(told)).encode()[:_VALUE].decode(errors="ignore")
    return safe.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
