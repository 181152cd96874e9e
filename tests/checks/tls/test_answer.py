"""What servers answer: recorded hellos and alerts, real servers, and bytes that are no TLS."""

from __future__ import annotations

import itertools
import random
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import hello, suites
from checks.tls.answer import LIMIT, Answer, KeyExchange, read_exchange, read_hello
from checks.tls.hello import ClientHello
from checks.tls.numbers import TLS12_CURVES, TLS13_GROUPS, Alert, Extension, Version
from checks.tls.wire import Reader, WireError, number, take_record, vector

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.checks.tls.serving import Made

    Serve = Callable[..., AbstractContextManager[int]]
    Flight = Callable[..., bytes]

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
made, flight = _SERVING["made"], _SERVING["flight"]
s_server, gnutls = _SERVING["s_server"], _SERVING["gnutls"]

# Recorded on loopback from OpenSSL 3.0.19 and GnuTLS 3.7.9; only what was sent in clear.
OPENSSL12 = (
    "160303004602000042030310cc09be42e81a0393a07babe79b3d0a74bd308530285bf9444f574e4752440100002f"
    "00001aff01000100002300000010000500030268320016000000170000"
)
OPENSSL10 = (
    "160301004502000041030166d4184abe07ff10124f8042f0086a8fb0d64e7ea1fe37cf444f574e4752440000c014"
    "000019ff01000100000b000403000102002300000016000000170000"
)
OPENSSL13 = (
    "160303007a0200007603032bcd52975a1f7fd341a2531d6b423ac7ebb471c2c54f9fdbf55779f741db919520"
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f130100002e002b000203040033"
    "0024001d0020e905f01d39d9e05e11994c7d9caf303a5b38859b110e3541f9b301db7dd1cf71"
)
OPENSSL_RETRY = (
    "1603030058020000540303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c20"
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f130100000c002b000203040033"
    "0002001d"
)
GNUTLS_RETRY = (
    "1603030058020000540303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c20"
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f130100000c00330002001d002b"
    "00020304"
)
GNUTLS_RC4 = (
    "1603010055020000510301103a5f955fba4e3c044a6958b5f4343744e972eb8cf08352444f574e4752440020"
    "ccec31d753f3fff4f9a56c30c05b3d8fb4f8c6f1bdea12a600bdf9040160e353000500000900230000ff010001"
    "00"
)
UNRECOGNIZED_WARNING = "15030300020170"
ALERTS = {
    "15030100020250": Alert.INTERNAL_ERROR,
    "15030300020246": Alert.PROTOCOL_VERSION,
    "15030200020256": Alert.INAPPROPRIATE_FALLBACK,
    "15030300020270": Alert.UNRECOGNIZED_NAME,
    "15030300020228": Alert.HANDSHAKE_FAILURE,
    "15030000020100": Alert.CLOSE_NOTIFY,
}


def answered(*recorded: str | bytes) -> Answer:
    answer = Answer()
    answer.feed(b"".join(bytes.fromhex(one) if isinstance(one, str) else one for one in recorded))
    return answer


def server_hello(
    version: Version = Version.TLS12,
    suite: int = 0x002F,
    tail: bytes = b"",
    *,
    random_bytes: bytes = bytes(32),
) -> bytes:
    body = number(version, 2) + random_bytes + b"\0" + number(suite, 2) + b"\0" + tail
    return b"\2" + vector(body, 3)


def record(body: bytes, kind: int = 22, version: Version = Version.TLS12) -> bytes:
    return number(kind, 1) + number(version, 2) + vector(body, 2)


def shown(answer: Answer) -> tuple[object, ...]:
    return (
        answer.hello, answer.certificates, answer.exchange, answer.staple, answer.alert,
        answer.ssl2_ciphers, answer.done,
    )  # fmt: skip


# Recorded


@pytest.mark.parametrize(
    ("recorded", "version", "suite", "alpn"),
    [
        (OPENSSL12, Version.TLS12, 0x002F, "h2"),
        (OPENSSL10, Version.TLS10, 0xC014, ""),
        (OPENSSL13, Version.TLS13, 0x1301, ""),
        (OPENSSL_RETRY, Version.TLS13, 0x1301, ""),
        (GNUTLS_RETRY, Version.TLS13, 0x1301, ""),
        (GNUTLS_RC4, Version.TLS10, 0x0005, ""),
    ],
)
def test_a_recorded_hello_is_read(recorded: str, version: Version, suite: int, alpn: str) -> None:
    """Version, suite and protocol."""
    answer = answered(recorded)
    assert answer.hello is not None
    assert (answer.hello.version, answer.hello.suite, answer.hello.alpn) == (version, suite, alpn)
    assert answer.hello.raw == bytes.fromhex(recorded)[5:]
    assert answer.done == (version is Version.TLS13)


def test_a_retry_names_its_group_and_a_hello_its_share() -> None:
    """Only a HelloRetryRequest has the random that marks one; both name the group."""
    for recorded in (OPENSSL_RETRY, GNUTLS_RETRY):
        asked = answered(recorded).hello
        assert asked is not None
        assert (asked.retry, asked.group) == (True, 29)
        with pytest.raises(WireError):
            asked.share  # noqa: B018 - a retry has none
    chosen = answered(OPENSSL13).hello
    assert chosen is not None
    assert (chosen.retry, chosen.group, len(chosen.share)) == (False, 29, 32)
    older = answered(OPENSSL12).hello
    assert older is not None
    assert (older.retry, older.group) == (False, 0)


def test_what_the_extensions_say_is_there() -> None:
    """Secure renegotiation, the extended master secret and tickets are seen in a hello."""
    found = answered(OPENSSL12).hello
    assert found is not None
    wanted = {Extension.RENEGOTIATION_INFO, Extension.EXTENDED_MASTER_SECRET}
    assert wanted | {Extension.SESSION_TICKET, Extension.ENCRYPT_THEN_MAC} <= set(found.extensions)
    older = answered(GNUTLS_RC4).hello
    assert older is not None
    assert Extension.EXTENDED_MASTER_SECRET not in older.extensions


@pytest.mark.parametrize(("recorded", "alert"), ALERTS.items())
def test_a_recorded_alert_ends_the_answer(recorded: str, alert: Alert) -> None:
    """A fatal alert and a close are the answer."""
    answer = answered(recorded)
    assert (answer.alert, answer.done, answer.hello) == (alert, True, None)


def test_a_warning_does_not_end_the_answer() -> None:
    """A server may not know the name, and go on with another certificate."""
    answer = answered(UNRECOGNIZED_WARNING)
    assert (answer.alert, answer.done) == (None, False)
    answer.feed(bytes.fromhex(OPENSSL12))
    assert answer.hello is not None


def test_what_follows_is_given_back_once() -> None:
    """Bytes behind the last one that is due belong to the next flight."""
    answer = Answer()
    assert answer.feed(bytes.fromhex(OPENSSL13) + b"next") == b"next"
    assert answer.feed(b"more") == b"more"


# Real servers


def _asked(version: Version, *codes: int, **changes: object) -> bytes:
    groups = TLS13_GROUPS if version is Version.TLS13 else TLS12_CURVES
    asked = ClientHello(version, codes, bytes(32), groups)
    return hello.write(asked._replace(**changes))  # type: ignore[arg-type]  # fields of a hello


WEAK = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-min_protocol", "TLSv1")


@pytest.mark.parametrize(
    ("chosen", "exchange"),
    [
        ((Version.TLS12, 0x002F), None),
        ((Version.TLS12, 0xC02F), KeyExchange(group=23)),
        ((Version.TLS10, 0xC014), KeyExchange(group=23)),
        ((Version.TLS12, 0xC018), KeyExchange(group=23)),
    ],
)
def test_a_first_flight_is_read_to_its_end(
    chosen: tuple[Version, int],
    exchange: KeyExchange | None,
    s_server: Serve,
    flight: Flight,
    made: Callable[[str], Made],
) -> None:
    """The certificate and the curve of the key agreement stand in clear below TLS 1.3."""
    version, suite = chosen
    with s_server(*WEAK) as port:
        answer = answered(flight(port, _asked(version, suite)))
    assert answer.done
    assert answer.exchange == exchange
    anonymous = suites.of(suite).is_anonymous
    assert answer.certificates == (() if anonymous else (made("rsa").der,))


def test_the_prime_of_a_server_is_seen(s_server: Serve, flight: Flight) -> None:
    """DHE shows prime and generator, with a signature and without one."""
    for suite in (0x009E, 0x00A6):
        with s_server(*WEAK) as port:
            exchange = answered(flight(port, _asked(Version.TLS12, suite))).exchange
        assert exchange is not None
        assert exchange.prime.bit_length() >= 1024
        assert exchange.generator == 2
        assert exchange.group == 0


def test_gnutls_is_read_as_well(gnutls: Serve, flight: Flight, made: Callable[[str], Made]) -> None:
    """Another implementation, with a suite that OpenSSL no longer has."""
    priority = "LEGACY:+VERS-TLS1.0:-CIPHER-ALL:+ARCFOUR-128:+SHA1:+ANON-ECDH:%COMPAT"
    with gnutls(priority) as port:
        answer = answered(flight(port, _asked(Version.TLS10, 0x0005)))
        refused = answered(flight(port, _asked(Version.TLS10, 0x002F)))
    assert answer.hello is not None
    assert suites.of(answer.hello.suite).name == "TLS_RSA_WITH_RC4_128_SHA"
    assert answer.certificates == (made("rsa").der,)
    assert (refused.hello, refused.alert) == (None, Alert.HANDSHAKE_FAILURE)


def test_a_stapled_answer_is_seen_below_tls13(
    s_server: Serve, flight: Flight, tmp_path: Path
) -> None:
    """What the server staples comes in a message of its own, to who asks for it."""
    path = tmp_path / "answer.der"
    path.write_bytes(bytes.fromhex("30030a0106"))  # an OCSPResponse of status unauthorized
    with s_server("-status_file", str(path)) as port:
        for asked in (True, False):
            answer = answered(flight(port, _asked(Version.TLS12, 0xC02F, staple=asked)))
            assert answer.done
            assert answer.staple == (path.read_bytes() if asked else b"")


def test_a_server_asked_in_ssl2_refuses(s_server: Serve, flight: Flight) -> None:
    """OpenSSL 3 has no SSL 2 and says so in TLS."""
    with s_server() as port:
        answer = answered(flight(port, hello.write_ssl2(bytes(16))))
    assert answer.ssl2_ciphers is None
    assert answer.alert == Alert.PROTOCOL_VERSION


# Old protocols, written by hand


def ssl2(
    ciphers: bytes = b"\7\0\xc0\1\0\x80", certificate: bytes = b"leaf", kind: int = 4
) -> bytes:
    lengths = number(len(certificate), 2) + number(len(ciphers), 2) + number(16, 2)
    body = number(kind, 1) + b"\0\1\0\2" + lengths + certificate + ciphers + bytes(16)
    return number(0x8000 | len(body), 2) + body


def test_an_ssl2_server_is_read() -> None:
    """Its certificate and the ciphers it shares with us; none at all is an empty tuple."""
    answer = answered(ssl2())
    assert answer.ssl2_ciphers == (0x0700C0, 0x010080)
    assert (answer.certificates, answer.hello, answer.done) == ((b"leaf",), None, True)
    answer = answered(ssl2(b"", b""))
    assert (answer.ssl2_ciphers, answer.certificates) == ((), ())


def test_an_ssl2_error_is_a_refusal() -> None:
    """NO-CIPHER-ERROR ends the answer without ciphers."""
    answer = answered(b"\x80\3\0\0\1")
    assert (answer.alert, answer.ssl2_ciphers) == (Alert.HANDSHAKE_FAILURE, None)


@pytest.mark.parametrize(
    "said",
    [
        ssl2(kind=5),
        ssl2(b"\1\2\3\4"),
        ssl2().replace(b"\0\1\0\2", b"\0\1\3\1", 1),
        b"\x80\0\4",
        b"\x80\1\4",
        b"\x80\6\4\0\1\0\2\xff",
        b"\x80\x0b\4\0\1\0\2\xff\xff\0\0\0\0",
        b"\xff\xff\x77",
    ],
)
def test_broken_ssl2_is_refused(said: bytes) -> None:
    """Another message, odd lengths and another version are no SERVER-HELLO."""
    with pytest.raises(WireError):
        answered(said)


def test_ssl3_and_export_are_read() -> None:
    """A hello without extensions that chooses what nobody should have any more."""
    for version, suite in ((Version.SSL3, 0x0005), (Version.TLS10, 0x0003)):
        answer = answered(record(server_hello(version, suite), version=version))
        assert answer.hello is not None
        assert (answer.hello.version, answer.hello.suite) == (version, suite)
        assert (answer.hello.extensions, answer.done) == ({}, False)
    assert suites.of(0x0003).is_export


def test_an_export_key_is_no_key_agreement() -> None:
    """RSA_EXPORT sends a key of its own, which is neither curve nor prime."""
    key = b"\x0c" + vector(vector(bytes(64), 2) + vector(b"\1\0\1", 2), 3)
    done = b"\x0e\0\0\0"
    said = record(server_hello(Version.TLS10, 0x0003) + key + done, version=Version.TLS10)
    answer = answered(said)
    assert (answer.exchange, answer.done) == (None, True)


@pytest.mark.parametrize(
    ("suite", "body", "expected"),
    [
        (0xC02F, b"\3\0\x17" + b"\1\4" + b"\4\1\0\0", KeyExchange(group=23)),
        (0xC018, b"\3\0\x17\1\4", KeyExchange(group=23)),
        (0xC02F, b"\1\0\x17", KeyExchange()),
        (0xC035, b"\0\4hint\3\0\x18\1\4", KeyExchange(group=24)),
        (0x00AA, b"\0\0\0\1\x17\0\1\2\0\1\3", KeyExchange(prime=23, generator=2)),
        (0x0034, b"\0\1\x17\0\1\2\0\1\3", KeyExchange(prime=23, generator=2)),
        (0x002F, b"anything", None),
        (0xFAFA, b"anything", None),
        (0x1301, b"anything", None),
    ],
)
def test_a_key_exchange_is_read_for_its_suite(
    suite: int, body: bytes, expected: KeyExchange | None
) -> None:
    """Curves named or not, primes, hints before them, and suites that have no such message."""
    found = read_hello(server_hello(suite=suite))
    assert read_exchange(Reader(body), found) == expected


def test_a_giant_prime_is_refused() -> None:
    """Nobody has to judge a number of half a million bits."""
    found = read_hello(server_hello(suite=0x0034))
    fits, giant = (vector(b"\xff" * size, 2) for size in (2048, 2049))
    assert read_exchange(Reader(fits + b"\0\1\2\0\1\3"), found) is not None
    for body in (giant + b"\0\1\2\0\1\3", b"\0\1\x17" + giant + b"\0\1\3"):
        with pytest.raises(WireError):
            read_exchange(Reader(body), found)


# Hostile


def _extended(*pairs: tuple[int, bytes]) -> bytes:
    return vector(b"".join(number(kind, 2) + vector(data, 2) for kind, data in pairs), 2)


BROKEN = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a web page": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "zeros": bytes(64),
    "encrypted data at once": record(b"data", 23),
    "a heartbeat": record(b"\1\0\3abc", 24),
    "a version of another kind": b"\x16\2\0\0\0",
    "a record too long": b"\x16\3\3\xff\xff",
    "a message too long": record(b"\2\xff\xff\xff"),
    "an empty alert": record(b"", 21),
    "half an alert": record(b"\2", 21),
    "a certificate first": record(b"\x0b\0\0\3\0\0\0"),
    "an empty hello": record(b"\2\0\0\0"),
    "a hello cut off": record(b"\2\0\0\x25" + bytes(37)),
    "extensions cut off": record(server_hello(tail=b"\0\5\0\0\0")),
    "an extension twice": record(server_hello(tail=_extended((23, b""), (23, b"")))),
    "a version of one byte": record(server_hello(tail=_extended((43, b"\3")))),
    "a version of many bytes": record(server_hello(tail=_extended((43, bytes(9000))))),
    "no version": record(server_hello(tail=_extended((43, b"")))),
    "an empty protocol list": record(server_hello(tail=_extended((16, b"")))),
    "two protocols": record(server_hello(tail=_extended((16, b"\0\6\2h2\2h3")))),
    "two hellos": record(server_hello() + server_hello(suite=0xC02F)),
    "two certificates": record(server_hello() + b"\x0b\0\0\3\0\0\0" * 2),
    "an empty certificate": record(server_hello() + b"\x0b\0\0\6\0\0\3\0\0\0"),
    "certificates cut off": record(server_hello() + b"\x0b\0\0\6\0\0\3\0\0\1"),
    "a curve cut off": record(server_hello(suite=0xC02F) + b"\x0c\0\0\1\3"),
    "a prime cut off": record(server_hello(suite=0x0033) + b"\x0c\0\0\3\0\5x"),
    "a staple cut off": record(server_hello() + b"\x16\0\0\2\1\0"),
    "more in clear": record(server_hello(tail=_extended((43, b"\3\4"))) + b"\x08\0\0\2\0\0"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_protocol_is_refused(name: str) -> None:
    """Every breach ends in WireError, at the first byte that tells where one can."""
    with pytest.raises(WireError):
        answered(BROKEN[name])


def test_what_is_odd_and_allowed_is_read() -> None:
    """Empty records, HelloRequests, an empty chain, a staple of another kind, unknown messages."""
    said = record(b"") + record(b"\0\0\0\0" * 3) + record(b"\1", 20)
    said += record(server_hello()) + record(b"\x0b\0\0\3\0\0\0") + record(b"\x16\0\0\1\2")
    answer = answered(said + record(b"\x63\0\0\0\x0e\0\0\0"))
    assert (answer.certificates, answer.staple, answer.done) == ((), b"", True)


def test_an_unknown_version_is_a_number() -> None:
    """A hello of a version that nobody has is read, and is of none that is known."""
    said = record(server_hello(tail=_extended((43, b"\x7f\x1c"))))
    found = answered(said).hello
    assert found is not None
    assert found.version == 0x7F1C
    assert not isinstance(found.version, Version)


def test_a_hostile_protocol_name_is_safe_to_show() -> None:
    """Control bytes and bytes that are no text come out escaped."""
    name = b"\x1b[2J\xff"
    said = record(server_hello(tail=_extended((16, vector(vector(name, 1), 2)))))
    found = answered(said).hello
    assert found is not None
    assert found.alpn == "\\x1b[2J\\xff"


ENDLESS = {
    "empty records": record(b""),
    "HelloRequests": record(b"\0\0\0\0"),
    "warnings": record(b"\1\x70", 21),
    "changes of cipher": record(b"\1", 20),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_nothing_goes_on_for_ever(name: str) -> None:
    """Records that mean nothing end at the limit, at once or one by one."""
    piece = ENDLESS[name]
    with pytest.raises(WireError, match="more than a handshake"):
        answered(piece * (LIMIT // len(piece) + 1))
    answer = Answer()
    for _ in range(LIMIT // len(piece)):
        answer.feed(piece)
    assert len(answer._records) + len(answer._messages) < 100
    with pytest.raises(WireError, match="more than a handshake"):
        answer.feed(piece)


def test_a_drip_of_a_long_message_takes_no_time() -> None:
    """A certificate of the longest kind, one byte at a time, is looked at once."""
    chain = b"\x0b" + vector(vector(vector(bytes(200_000), 3), 3), 3)
    said = record(server_hello())
    said += b"".join(record(chain[at : at + 16_000]) for at in range(0, len(chain), 16_000))
    answer = Answer()
    for byte in said:
        answer.feed(bytes((byte,)))
    assert answer.certificates == (bytes(200_000),)
    with pytest.raises(WireError):
        answered(said, bytes(LIMIT))


def _feed(data: bytes, cuts: list[int]) -> tuple[tuple[object, ...], bytes, str, int]:
    """Feed in pieces; give what is shown, what is given back, the error and what is kept."""
    answer, rest = Answer(), b""
    ends = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    try:
        for start, end in itertools.pairwise(ends):
            rest += answer.feed(data[start:end])
    except WireError as error:
        return shown(answer), b"", str(error), 0
    return shown(answer), rest, "", len(answer._records) + len(answer._messages)


PREFIXES = st.sampled_from(
    [
        b"",
        *map(bytes.fromhex, (OPENSSL12, OPENSSL13, OPENSSL_RETRY, GNUTLS_RC4)),
        record(server_hello(suite=0xC02F) + b"\x0b\0\0\x0a\0\0\7\0\0\4leaf"),
        record(server_hello(suite=0x0033) + b"\x0c"),
        ssl2(),
    ]
)
PARTS = st.one_of(
    st.binary(max_size=60),
    st.builds(record, st.binary(max_size=60), st.sampled_from([20, 21, 22, 22, 22])),
    st.builds(
        lambda kind, body: record(number(kind, 1) + vector(body, 3)),
        st.sampled_from([0, 2, 4, 11, 12, 13, 14, 22]),
        st.binary(max_size=60),
    ),
)


@given(PREFIXES, st.integers(0, 400), st.lists(PARTS, max_size=6), st.lists(st.integers(0, 2000)))
def test_any_bytes_in_any_pieces_are_answered(
    prefix: bytes, at: int, parts: list[bytes], cuts: list[int]
) -> None:
    """After every prefix of a recorded answer anything may come, in pieces or not, all the same."""
    data = prefix[: at % (len(prefix) + 1)] + b"".join(parts)
    whole = _feed(data, [])
    assert _feed(data, cuts)[:3] == whole[:3]
    assert _feed(data, list(range(len(data))))[:3] == whole[:3]
    assert whole[3] <= len(data)


def test_the_limit_falls_on_the_same_byte() -> None:
    """What is refused at once is refused byte by byte, and what is read is the same."""
    rng = random.Random(3)
    filler = record(b"\0" * 16_000)
    for size in (LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 9):
        data = (record(server_hello()) + filler * 20)[:size]
        cuts = [rng.randrange(size) for _ in range(50)]
        assert _feed(data, cuts)[:3] == _feed(data, [])[:3]
        assert ("more than" in _feed(data, [])[2]) == (size > LIMIT)


def test_after_an_error_nothing_worse_comes() -> None:
    """Whoever goes on feeding gets answers and WireErrors, and the memory stays within bounds."""
    rng = random.Random(5)
    for _ in range(200):
        answer = Answer()
        for _ in range(20):
            try:
                answer.feed(rng.choice([*BROKEN.values(), rng.randbytes(30)]))
            except WireError:
                continue
        assert len(answer._records) + len(answer._messages) <= LIMIT


def test_a_recording_is_whole() -> None:
    """The recordings here are single records, so that no test reads less than it thinks."""
    recordings = (OPENSSL12, OPENSSL10, OPENSSL13, OPENSSL_RETRY, GNUTLS_RETRY, GNUTLS_RC4, *ALERTS)
    for recorded in recordings:
        stream = bytearray.fromhex(recorded)
        assert take_record(stream, 1 << 14) is not None
        assert stream == b""
