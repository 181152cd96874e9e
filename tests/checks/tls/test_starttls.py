"""Having a server change to TLS: the words of each protocol, and what is no agreement."""

from __future__ import annotations

import contextlib
import os
import pwd
import runpy
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import hello, starttls
from checks.tls.answer import Answer
from checks.tls.hello import ClientHello
from checks.tls.numbers import TLS12_CURVES, Version
from checks.tls.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager

    from tests.checks.tls.serving import Made

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
made, free_port = _SERVING["made"], _SERVING["free_port"]
MOST = 16 * 1024


def mysql(flags: int = 0xFFFF, *, version: int = 10, name: bytes = b"10.11.6-MariaDB\0") -> bytes:
    """Write the greeting of a server of MySQL's protocol."""
    body = bytes((version,)) + name + b"\1\0\0\0" + b"saltsalt\0" + flags.to_bytes(2, "little")
    body += b"\x2d\2\0" + bytes(20)
    return len(body).to_bytes(3, "little") + b"\0" + body


def talk(protocol: str, replies: Iterable[bytes], cut: int = 1 << 16) -> tuple[list[bytes], bytes]:
    """Give what is said between replies that come in pieces, and what is said last."""
    dialogue = starttls.dialogue(protocol)
    said = [next(dialogue)]
    for reply in replies:
        for at in range(0, len(reply), cut):
            try:
                more = dialogue.send(reply[at : at + cut])
            except StopIteration as end:
                assert reply is list(replies)[-1]
                assert at + cut >= len(reply)
                return said, end.value
            if more:
                said.append(more)
    raise AssertionError("goes on")


AGREED: dict[str, list[bytes]] = {
    "smtp": [
        b"220-mx.example ESMTP\r\n220 ready\r\n",
        b"250-mx.example\r\n250-SIZE 1\r\n250 STARTTLS\r\n",
        b"220 2.0.0 go ahead\r\n",
    ],
    "ftp": [b"220-Welcome\r\n 220 is not the end\r\n220 ftp\r\n", b"234 AUTH TLS OK.\r\n"],
    "imap": [b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready.\r\n", b"* BYE no\r\na OK Begin.\r\n"],
    "pop3": [b"+OK ready.\r\n", b"+OK Begin.\r\n"],
    "ldap": [b"\x30\x0c\2\1\1\x78\7\x0a\1\0\4\0\4\0"],
    "mysql": [mysql()],
    "postgres": [b"S"],
    "xmpp": [
        b"<?xml version='1.0'?><stream:stream id='1'><stream:features>"
        b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
        b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ],
}
SAID = {
    "smtp": [b"", b"EHLO localhost\r\n", b"STARTTLS\r\n"],
    "ftp": [b"", b"AUTH TLS\r\n"],
    "imap": [b"", b"a STARTTLS\r\n"],
    "pop3": [b"", b"STLS\r\n"],
    "ldap": [bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"],
    "mysql": [b""],
    "postgres": [bytes.fromhex("0000000804d2162f")],
}


@pytest.mark.parametrize("cut", [1, 7, 1 << 16])
@pytest.mark.parametrize("protocol", AGREED)
def test_a_server_that_agrees_is_understood(protocol: str, cut: int) -> None:
    """Whole or byte by byte, the dialogue ends with the last word and says what the RFCs say."""
    said, last = talk(protocol, AGREED[protocol], cut)
    if protocol in SAID:
        assert said == SAID[protocol]
    assert (protocol == "mysql") == bool(last)


def test_every_protocol_is_tried_here() -> None:
    """No dialogue is without its test; a protocol that is not known is our own error."""
    assert set(AGREED) == set(starttls.PROTOCOLS)
    with pytest.raises(WireError):
        starttls.dialogue("gopher")


def test_mysql_is_asked_by_the_next_packet() -> None:
    """Packet 1 of 32 bytes: capabilities with CLIENT_SSL, a size, a character set, zeros."""
    _, last = talk("mysql", AGREED["mysql"])
    assert last[:4] == b"\x20\0\0\1"
    assert int.from_bytes(last[4:8], "little") == 0x8A00
    assert len(last) == 36


def test_xmpp_asks_for_the_host() -> None:
    """A server that answers for several hosts is told which one; no name can break the XML."""
    for name, to in (("chat.example", b"to='chat.example'"), ("'><x", b"to='localhost'")):
        assert to in next(starttls.dialogue("xmpp", name))


WORDS = [reply for replies in AGREED.values() for reply in replies]
REFUSED = [
    ("smtp", [b"554 no\r\n"]),
    ("smtp", [b"SSH-2.0-OpenSSH_9.2\r\n"]),
    ("smtp", [b"220 a\r\n", b"502 what\r\n"]),
    ("smtp", [b"220 a\r\n", b"250-a\r\n250 HELP\r\n"]),
    ("smtp", [b"220 a\r\n", b"250-a\r\n250 STARTTLS\r\n", b"454 not now\r\n"]),
    ("smtp", [b"220 a\r\n", b"250-a\r\n250 STARTTLS\r\n", b"220 go\r\n220 more\r\n"]),
    ("ftp", [b"220 a\r\n", b"500 what\r\n"]),
    ("ftp", [b"220 a\r\n", b"234 go\r\n234 more\r\n"]),
    ("imap", [b"+OK pop\r\n"]),
    ("imap", [b"* OK hi\r\n", b"a NO not here\r\n"]),
    ("imap", [b"* OK hi\r\n", b"* a OK\r\na BAD what\r\n"]),
    ("imap", [b"* OK hi\r\n", b"a OK go\r\n* CAPABILITY AUTH=PLAIN\r\n"]),
    ("pop3", [b"-ERR no\r\n"]),
    ("pop3", [b"+OK a\r\n", b"-ERR what\r\n"]),
    ("pop3", [b"+OK a\r\n", b"+OK go\r\n+OK more\r\n"]),
    ("ldap", [b"\x30\x0c\2\1\1\x78\7\x0a\1\2\4\0\4\0"]),
    ("ldap", [b"\x30\x0c\2\1\1\x61\7\x0a\1\0\4\0\4\0"]),
    ("ldap", [b"\x30\x0c\2\1\1\x78\7\x02\1\0\4\0\4\0"]),
    ("ldap", [b"\x30\x0c\2\1\1\x78\7\x0a\1\0\4\0\4\0more"]),
    ("ldap", [b"\x30\0"]),
    ("ldap", [b"\x30\x80\0\0"]),
    ("ldap", [b"\x30\x05\2\1\1\x78\x0a"]),
    ("mysql", [mysql(0xF7FF)]),
    ("mysql", [mysql(version=9)]),
    ("mysql", [mysql(name=b"without end")[:20]]),
    ("mysql", [b"\x05\0\0\0\xffHost"]),
    ("mysql", [b"\1\0\0\0\x0a"]),
    ("postgres", [b"N"]),
    ("postgres", [b"E\0\0\0\x0aSFATAL\0"]),
    ("postgres", [b"Smore"]),
    ("xmpp", [b"<stream:stream><stream:features/>"]),
    ("xmpp", [b"<stream:stream><stream:error/></stream:stream>"]),
    ("xmpp", [AGREED["xmpp"][0], b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"]),
    ("xmpp", [AGREED["xmpp"][0], AGREED["xmpp"][1] + b"<message/>"]),
]


@pytest.mark.parametrize(("protocol", "replies"), REFUSED)
def test_what_is_no_agreement_is_refused(protocol: str, replies: list[bytes]) -> None:
    """No, another protocol, and words in clear behind the one that agrees."""
    if protocol == "mysql" and len(replies[0]) == 20:
        replies = [b"\x10\0\0" + replies[0][3:]]
    with pytest.raises(WireError):
        talk(protocol, replies)


@pytest.mark.parametrize("protocol", [p for p in starttls.PROTOCOLS if p != "postgres"])
@pytest.mark.parametrize("piece", [b"\xff", b"220-a\r\n", b"* a\r\n ", b"<a>", b"\x30\x84"])
def test_a_greeting_has_an_end(protocol: str, piece: bytes) -> None:
    """A server that greets for ever is left, whatever it says, before much is kept."""
    dialogue = starttls.dialogue(protocol)
    next(dialogue)
    with pytest.raises(WireError):  # noqa: PT012 - when it is differs
        for _ in range(2 * MOST):
            dialogue.send(piece)


@given(st.sampled_from(starttls.PROTOCOLS), st.data())
def test_random_words_raise_nothing_else(protocol: str, data: st.DataObject) -> None:
    """After any part of a good dialogue anything may be said, in any pieces."""
    dialogue = starttls.dialogue(protocol)
    next(dialogue)
    good = AGREED[protocol][: data.draw(st.integers(0, 2))]
    pieces = st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(WORDS)))
    said = _spoken(dialogue, [*good, *data.draw(pieces)])
    assert all(isinstance(words, bytes) for words in said)


def _spoken(dialogue: Generator[bytes, bytes, bytes], replies: list[bytes]) -> Iterator[bytes]:
    """Give what is said to each reply, the last words included, until it ends or gives up."""
    for reply in replies:
        try:
            yield dialogue.send(reply)
        except StopIteration as end:
            yield end.value
            return
        except WireError:
            return


# Real servers


@pytest.fixture
def postgres(made: Callable[[str], Made]) -> Iterator[Callable[..., AbstractContextManager[int]]]:
    """Run PostgreSQL, which refuses to be root, with TLS or without."""
    user = None if os.geteuid() else "postgres"
    folder = max(Path("/usr/lib/postgresql").glob("*/bin"))
    with tempfile.TemporaryDirectory(prefix="hygiene-") as home:
        for path in (made("rsa").certificate, made("rsa").private):
            shutil.copy(path, home)
        for path in (Path(home), *Path(home).iterdir()):
            path.chmod(0o700)
            if user:
                os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        words = [str(folder / "initdb"), "-D", f"{home}/data", "-A", "trust", "-N"]
        subprocess.run(words, check=True, capture_output=True, user=user)

        def started(*, tls: bool) -> AbstractContextManager[int]:
            port = free_port()
            settings = {
                "port": port,
                "listen_addresses": "127.0.0.1",
                "unix_socket_directories": "",
                "ssl": "on" if tls else "off",
                "ssl_cert_file": f"{home}/rsa.crt",
                "ssl_key_file": f"{home}/rsa.key",
            }
            words = [str(folder / "postgres"), "-D", f"{home}/data"]
            words += [
                word for name, value in settings.items() for word in ("-c", f"{name}={value}")
            ]
            running: AbstractContextManager[int] = _SERVING["running"](words, port, user=user)
            return running

        yield started


DOVECOT = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
listen = 127.0.0.1
protocols = imap pop3
ssl = {tls}
ssl_cert = <{certificate}
ssl_key = <{private}
passdb {{
  driver = static
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""


@pytest.fixture
def dovecot(
    made: Callable[[str], Made],
) -> Callable[..., AbstractContextManager[int]]:
    """Run Dovecot with TLS or without, for IMAP or POP3."""

    @contextlib.contextmanager
    def started(protocol: str, *, tls: bool) -> Iterator[int]:
        ports, one = {"imap": free_port(), "pop3": free_port()}, made("rsa")
        with tempfile.TemporaryDirectory(prefix="hygiene-") as home:
            Path(home).chmod(0o755)
            path = Path(home, "dovecot.conf")
            yes = "yes" if tls else "no"
            path.write_text(DOVECOT.format(home=home, tls=yes, **one._asdict(), **ports))
            words = ["dovecot", "-F", "-c", str(path)]
            with _SERVING["running"](words, ports[protocol]):
                yield ports[protocol]

    return started


def _begin(protocol: str, port: int) -> Answer:
    """Have a server begin TLS and give its answer to a hello."""
    asked = ClientHello(Version.TLS12, (0xC02F,), bytes(32), TLS12_CURVES)
    dialogue, answer = starttls.dialogue(protocol), Answer()
    with socket.create_connection(("127.0.0.1", port), 5) as link:
        link.settimeout(5)
        said = next(dialogue)
        with contextlib.suppress(StopIteration):
            while True:
                link.sendall(said)
                said = dialogue.send(link.recv(1 << 16))
        link.sendall(hello.write(asked))
        while not answer.done and (data := link.recv(1 << 16)):
            answer.feed(data)
    return answer


def test_postgres_begins_tls(postgres: Callable[..., AbstractContextManager[int]]) -> None:
    """PostgreSQL agrees where its configuration has TLS, and only there."""
    with postgres(tls=True) as port:
        answer = _begin("postgres", port)
    assert answer.hello is not None
    assert answer.hello.suite == 0xC02F
    with postgres(tls=False) as port, pytest.raises(WireError):
        _begin("postgres", port)


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_dovecot_begins_tls(
    protocol: str, dovecot: Callable[..., AbstractContextManager[int]]
) -> None:
    """Dovecot agrees where its configuration has TLS, and only there."""
    with dovecot(protocol, tls=True) as port:
        answer = _begin(protocol, port)
    assert answer.hello is not None
    assert answer.hello.suite == 0xC02F
    with dovecot(protocol, tls=False) as port, pytest.raises(WireError):
        _begin(protocol, port)
