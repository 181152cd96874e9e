"""What is asked of a server: every field where the standards want it, and nothing besides."""

from __future__ import annotations

import runpy
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import hello
from checks.tls.answer import Answer, read_extensions
from checks.tls.hello import ClientHello
from checks.tls.numbers import TLS12_CURVES, TLS13_GROUPS, Extension, Version
from checks.tls.wire import Reader, WireError, take_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Serve = Callable[..., AbstractContextManager[int]]
    Flight = Callable[[int, bytes], bytes]

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
made, s_server, flight = _SERVING["made"], _SERVING["s_server"], _SERVING["flight"]
RANDOM = bytes(range(32))


class Read(NamedTuple):
    """A ClientHello as a server reads it."""

    record: int
    version: int
    random: bytes
    session: bytes
    suites: tuple[int, ...]
    compressions: bytes
    extensions: dict[int, bytes]


def read(flight: bytes) -> Read:
    """Read the records of a ClientHello."""
    stream, message, versions = bytearray(flight), b"", set()
    while cut := take_record(stream, 1 << 14):
        versions.add(int.from_bytes(cut[0][1:3], "big"))
        message += cut[1]
    assert not stream
    assert message[0] == 1
    reader = Reader(message)
    reader.take(1)
    body = Reader(reader.vector(3))
    reader.end()
    fields = (body.number(2), body.take(32), body.vector(1))
    suites, compressions = Reader(body.vector(2)).numbers(2), body.vector(1)
    extensions = read_extensions(body.vector(2)) if len(body) else {}
    body.end()
    return Read(versions.pop(), *fields, suites, compressions, extensions)


def asked(version: Version = Version.TLS12, **changes: object) -> Read:
    return read(hello.write(ClientHello(version, (0x002F,), RANDOM)._replace(**changes)))  # type: ignore[arg-type]  # fields of a hello


@pytest.mark.parametrize(
    ("version", "record", "field"),
    [
        (Version.SSL3, 0x0300, 0x0300),
        (Version.TLS10, 0x0301, 0x0301),
        (Version.TLS11, 0x0301, 0x0302),
        (Version.TLS12, 0x0301, 0x0303),
        (Version.TLS13, 0x0301, 0x0303),
    ],
)
def test_versions_stand_where_each_belongs(version: Version, record: int, field: int) -> None:
    """A record says at most TLS 1.0, a hello at most TLS 1.2, TLS 1.3 is an extension."""
    said = asked(version)
    assert (said.record, said.version, said.random) == (record, field, RANDOM)
    offered = said.extensions.get(Extension.SUPPORTED_VERSIONS)
    assert offered == (b"\2\3\4" if version is Version.TLS13 else None)


def test_ssl3_gets_no_extensions() -> None:
    """Old servers hang up on them, whatever is asked for."""
    said = asked(Version.SSL3, server_name="a.example", groups=(23,), alpn=("h2",), staple=True)
    assert said.extensions == {}
    assert asked(Version.TLS10, groups=(23,)).extensions


def test_signals_stand_among_the_suites() -> None:
    """RFC 5746's and RFC 7507's values, the first below TLS 1.3 only."""
    assert asked().suites == (0x2F, 0x00FF)
    assert asked(fallback=True).suites == (0x2F, 0x00FF, 0x5600)
    assert asked(Version.TLS13).suites == (0x2F,)
    assert asked(Version.TLS13, lowest=Version.TLS10).suites == (0x2F, 0x00FF)


def test_every_part_is_written_as_asked() -> None:
    """Session, compressions, groups, schemes, protocols, a staple, shares and a cookie."""
    said = asked(
        Version.TLS13,
        session=b"s" * 32,
        compressions=(1, 0),
        groups=(29, 23),
        schemes=(0x0403,),
        alpn=("h2", "http/1.1"),
        staple=True,
        shares=((29, b"p" * 32),),
        cookie=b"c",
    )
    assert (said.session, said.compressions) == (b"s" * 32, b"\1\0")
    assert said.extensions == {
        Extension.SUPPORTED_GROUPS: b"\0\4\0\x1d\0\x17",
        Extension.SIGNATURE_ALGORITHMS: b"\0\2\4\3",
        Extension.ALPN: b"\0\x0c\2h2\x08http/1.1",
        Extension.STATUS_REQUEST: b"\1\0\0\0\0",
        Extension.SUPPORTED_VERSIONS: b"\2\3\4",
        Extension.PSK_KEY_EXCHANGE_MODES: b"\1\1",
        Extension.KEY_SHARE: b"\0\x24\0\x1d\0\x20" + b"p" * 32,
        Extension.COOKIE: b"\0\1c",
    }


def test_lower_versions_may_be_offered_beside() -> None:
    """The versions stand highest first, with the extensions that they know."""
    said = asked(Version.TLS13, lowest=Version.TLS11)
    assert said.extensions[Extension.SUPPORTED_VERSIONS] == b"\6\3\4\3\3\3\2"
    assert Extension.EXTENDED_MASTER_SECRET in said.extensions
    assert Extension.EXTENDED_MASTER_SECRET not in asked(Version.TLS13).extensions


@pytest.mark.parametrize(
    ("name", "sent"),
    {
        "www.example.org": b"www.example.org",
        "WWW.Example.org.": b"www.example.org",
        "my_host.internal": b"my_host.internal",
        "localhost": b"localhost",
        "bücher.example": b"xn--bcher-kva.example",
        "a" * 63 + ".b": b"a" * 63 + b".b",
        "v4.10.0.0.1.example": b"v4.10.0.0.1.example",
    }.items(),
)
def test_a_host_is_asked_for_by_name(name: str, sent: bytes) -> None:
    """A server is asked for by its name in ASCII, without the last dot."""
    assert hello.host_name(name) == sent
    listed = asked(server_name=name).extensions[Extension.SERVER_NAME]
    assert listed.endswith(b"\0" + len(sent).to_bytes(2, "big") + sent)


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "a..b", "10.0.0.1", "127.1", "::1", "[::1]", "fe80::1%eth0", "2001:db8::7",
        "::ffff:10.0.0.1", "a" * 64 + ".b", "x" * 300, "*.example.org", "a b", "a\nb", "a\0b",
        "é" * 63, "\udcff.example", "\ud800", "xn--\udc80", "http://a/", "~^regex$", "\u3002",
        "\uff11.\uff12",
    ],
)  # fmt: skip
def test_what_is_no_host_name_is_not_sent(name: str) -> None:
    """An address, a wildcard, an endless label and garbage raise nothing and name no server."""
    assert hello.host_name(name) == b""
    assert Extension.SERVER_NAME not in asked(server_name=name).extensions


@given(st.text())
def test_any_name_can_be_given(name: str) -> None:
    """What is sent is always a name in ASCII of at most 253 bytes."""
    sent = hello.host_name(name)
    assert len(sent) <= 253
    assert sent.isascii()
    assert b"*" not in sent
    assert not sent.rpartition(b".")[2].isdigit()


@pytest.mark.parametrize(
    "changes",
    [
        {"alpn": ("x" * 256,)},
        {"session": bytes(256)},
        {"cookie": bytes(1 << 16)},
        {"groups": (1 << 16,)},
        {"suites": tuple(range(1 << 15))},
        {"cookie": bytes(65_500)},
        {"shares": ((29, bytes(1 << 16)),)},
    ],
)
def test_what_does_not_fit_is_our_own_error(changes: dict[str, object]) -> None:
    """A part that its length cannot say ends in WireError."""
    with pytest.raises(WireError):
        asked(Version.TLS13, **changes)


def test_a_protocol_may_have_any_letters() -> None:
    """A protocol's name that is not ASCII is written as UTF-8, as RFC 7301 wants."""
    assert asked(alpn=("é\ud800",)).extensions[Extension.ALPN] == b"\0\4\3\xc3\xa9?"


def test_a_long_hello_goes_in_several_records() -> None:
    """No record is longer than 16384 bytes, and the message comes together again."""
    said = asked(Version.TLS13, cookie=bytes(40_000))
    assert said.extensions[Extension.COOKIE][2:] == bytes(40_000)


def test_ssl2_is_asked_for_every_cipher() -> None:
    """RFC 6101 E: a header of two bytes, the lengths, seven ciphers and the challenge."""
    said = hello.write_ssl2(b"c" * 16)
    reader = Reader(said)
    assert reader.number(2) == 0x8000 | (len(said) - 2)
    assert (reader.number(1), reader.number(2)) == (1, 2)
    assert [reader.number(2) for _ in range(3)] == [21, 0, 16]
    assert len(set(Reader(reader.take(21)).numbers(3))) == 7
    assert reader.rest() == b"c" * 16


@pytest.mark.parametrize(
    ("version", "suite", "groups"),
    [
        (Version.TLS13, 0x1301, TLS13_GROUPS),
        (Version.TLS12, 0xC02F, TLS12_CURVES),
        (Version.TLS11, 0xC014, TLS12_CURVES),
        (Version.TLS10, 0x002F, ()),
    ],
)
def test_a_real_server_understands_each_hello(
    version: Version, suite: int, groups: tuple[int, ...], s_server: Serve, flight: Flight
) -> None:
    """OpenSSL agrees to exactly what was asked, with names, protocols and staple in the hello."""
    said = ClientHello(
        version,
        (suite,),
        RANDOM,
        groups,
        server_name="localhost",
        alpn=("h2",),
        staple=True,
        compressions=(0,) if version is Version.TLS13 else (1, 0),
    )
    answer = Answer()
    with s_server("-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1", "-alpn", "h2") as port:
        answer.feed(flight(port, hello.write(said)))
    assert answer.hello is not None
    assert (answer.hello.version, answer.hello.suite) == (version, suite)
    assert answer.hello.compression == 0


def test_the_server_name_arrives() -> None:
    """Python's own server sees the name that was asked for, and none for an address."""
    seen: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _socket, name, _context: seen.append(name)
    for name in ("www.example.org", "127.0.0.1"):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            codes = (0xC02F, 0xC02B)
            said = ClientHello(Version.TLS12, codes, RANDOM, TLS12_CURVES, server_name=name)
            ours.sendall(hello.write(said))
            ours.shutdown(socket.SHUT_WR)
            with pytest.raises(ssl.SSLError):  # it has no certificate
                context.wrap_socket(theirs, server_side=True)
    assert seen == ["www.example.org", None]
