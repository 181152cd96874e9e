"""Whole sessions of TLS 1.0 to 1.2 with OpenSSL, with GnuTLS, and with a peer that breaks rules."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.tls import records12, suites
from checks.tls.answer import LIMIT
from checks.tls.hello import ClientHello
from checks.tls.numbers import Alert, Extension, Version
from checks.tls.session12 import Session
from checks.tls.wire import WireError, vector

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.checks.tls.peer12 import Peer
    from tests.checks.tls.serving import Made

    Serve = Callable[..., AbstractContextManager[int]]
    Converse = Callable[..., None]
    Connect = Callable[..., tuple[Session, Peer]]

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
converse, gnutls, made = _SERVING["converse"], _SERVING["gnutls"], _SERVING["made"]
s_server = _SERVING["s_server"]
PEER = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("peer12.py"))))
WEAK = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-min_protocol", "TLSv1", "-no_tls1_3")
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
VERSIONS = (Version.TLS12, Version.TLS11, Version.TLS10)
SHOWN = ("certificates", "staple", "scheme", "proved", "alpn", "asks_certificate", "tickets")


def asking(version: Version = Version.TLS12, **changes: Any) -> ClientHello:  # noqa: ANN401 - fields of a hello
    hello = ClientHello(
        version,
        records12.readable(version),
        os.urandom(32),
        groups=(29, 23, 24, 25, 30),
        server_name="localhost",
    )
    return hello._replace(**changes)


def session(version: Version = Version.TLS12, **changes: Any) -> Session:  # noqa: ANN401 - fields of a hello
    return Session(asking(version, **changes), os.urandom)


def has_page(one: Session) -> bool:
    return b"</pre>" in one.data.lower()


@pytest.fixture
def connect(made: Callable[[str], Made]) -> Connect:
    """Give a session that has said its hello, and the peer that heard it."""

    def connected(*, suite: int = 0xC02B, **changes: Any) -> tuple[Session, Peer]:  # noqa: ANN401 - fields of a hello
        one = made("p256")
        ours, peer = session(**changes), PEER.Peer(one.key, one.der, suite=suite)
        peer.take(ours.start())
        return ours, peer

    return connected


@pytest.fixture
def established(connect: Connect) -> Connect:
    """Give both ends of a finished handshake."""

    def both(*more: tuple[int, bytes], bound: bytes | None = b"") -> tuple[Session, Peer]:
        ours, peer = connect()
        peer.take(ours.receive(peer.flight(*more, bound=bound)))
        ours.receive(peer.finish())
        assert ours.finished
        return ours, peer

    return both


# With real servers


@pytest.fixture(scope="module", params=["rsa", "p256"])
def weak(request: pytest.FixtureRequest, s_server: Serve) -> Any:  # noqa: ANN401 - port and kind
    """Give the port of a server that takes everything, and the kind of its key."""
    with s_server("-www", *WEAK, kind=request.param) as port:
        yield port, "RSA" if request.param == "rsa" else "ECDSA"


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.label)
def test_each_suite_carries_a_session(
    weak: tuple[int, str], version: Version, converse: Converse
) -> None:
    """In every version each suite protects both directions: the page that is asked for arrives."""
    port, kind = weak
    codes = [c for c in records12.readable(version) if suites.of(c).authentication == kind]
    assert len(codes) > 1
    for code in codes:
        one = session(version, suites=(code,))
        converse(one, port, REQUEST, has_page)
        assert one.data.startswith(b"HTTP/1.0 200"), suites.of(code).name
        assert one.proved is True
        assert one.hello is not None
        assert (one.hello.version, one.hello.suite) == (version, code)


def test_a_suite_that_the_server_has_no_key_for_is_refused(
    weak: tuple[int, str], converse: Converse
) -> None:
    """There is an alert and no session."""
    port, kind = weak
    codes = records12.readable(Version.TLS12)
    others = tuple(code for code in codes if suites.of(code).authentication != kind)
    one = session(suites=others)
    converse(one, port)
    assert (one.finished, one.alert, one.certificates) == (False, Alert.HANDSHAKE_FAILURE, ())


@pytest.mark.parametrize("group", [29, 23, 24, 25, 30])
def test_each_group_is_agreed_on(weak: tuple[int, str], group: int, converse: Converse) -> None:
    """Every curve that a share can be made for leads to the same secret on both sides."""
    port, kind = weak
    groups = (group,) if kind == "RSA" or group == 23 else (group, 23)  # that of the key too
    one = session(groups=groups, suites=tuple(records12.readable(Version.TLS12)[:10]))
    converse(one, port)
    assert one.finished


@pytest.mark.parametrize("scheme", [0x0201, 0x0401, 0x0501, 0x0601, 0x0804, 0x0806])
def test_the_key_of_the_certificate_is_proved(
    s_server: Serve, scheme: int, converse: Converse, made: Callable[[str], Made]
) -> None:
    """Each scheme of a signature is understood, and the certificate is the one that was set up."""
    one = session(schemes=(scheme,), suites=(0xC02F,))
    with s_server(*WEAK) as port:
        converse(one, port)
    assert (one.scheme, one.proved, one.finished) == (scheme, True, True)
    assert one.certificates == (made("rsa").der,)


@pytest.mark.parametrize(
    ("priority", "agreed"),
    [("NORMAL", {22, 23}), ("NORMAL:%NO_ETM", {23}), ("NORMAL:%NO_EXTENSIONS", {22})],
)
def test_what_strengthens_a_session_may_lack(
    gnutls: Serve, priority: str, agreed: set[int], converse: Converse
) -> None:
    """CBC is read with the MAC under it or over it, with the extended master secret or without."""
    one = session(suites=(0xC013,))
    with gnutls(f"{priority}:-VERS-TLS1.3") as port:
        converse(one, port, b"hello\r\n", lambda s: b"hello" in s.data)
    assert one.hello is not None
    assert {22, 23}.intersection(one.hello.extensions) == agreed
    assert bytes(one.data).startswith(b"hello")


@pytest.mark.parametrize("option", ["-verify", "-Verify"])
def test_a_request_for_a_certificate_is_seen(
    option: str, s_server: Serve, converse: Converse
) -> None:
    """A server may ask for a client's certificate, and whoever insists gets no session."""
    one = session()
    with s_server("-www", "-no_tls1_3", option, "1") as port:
        converse(one, port, REQUEST, has_page)
    assert one.asks_certificate is True
    assert one.finished is (option == "-verify")


def test_what_a_server_has_not_is_not_said_of_it(s_server: Serve, converse: Converse) -> None:
    """Without the options there is no request, no ticket, no staple and no protocol."""
    one = session(alpn=("h2",), staple=True)
    with s_server("-www", "-no_ticket") as port:
        converse(one, port, REQUEST, has_page)
    assert one.finished
    assert (one.asks_certificate, one.tickets, one.staple, one.alpn) == (False, 0, b"", "")


def test_tickets_and_the_application_protocol_are_seen(s_server: Serve, converse: Converse) -> None:
    """Both are seen where they are."""
    one = session(alpn=("h2", "http/1.1"))
    with s_server("-alpn", "http/1.1") as port:
        converse(one, port)
    assert (one.tickets, one.alpn) == (1, "http/1.1")


# Renegotiation


def renegotiating(converse: Converse, one: Session, port: int) -> bool | None:
    """Ask for a second handshake once the first is done."""

    class Renegotiating:
        """A session whose first request is for another handshake."""

        def __getattr__(self, name: str) -> object:
            return getattr(one, name)

        def send(self, _: bytes) -> bytes:
            return one.renegotiate()

    def done(_: object) -> bool:
        return one.renegotiated is not None and not one.renegotiating

    converse(Renegotiating(), port, b"again", done)
    return one.renegotiated


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.label)
@pytest.mark.parametrize(("option", "expected"), [((), False), (("-client_renegotiation",), True)])
def test_renegotiation_is_seen_where_it_is_allowed(
    s_server: Serve,
    converse: Converse,
    version: Version,
    option: tuple[str, ...],
    expected: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """OpenSSL takes part in a second handshake where its option says so, and else says no."""
    one = session(version)
    with s_server(*WEAK, *option) as port:
        assert renegotiating(converse, one, port) is expected
    assert not one.closed


@pytest.mark.parametrize(
    "priority", ["%SAFE_RENEGOTIATION", "%UNSAFE_RENEGOTIATION", "%DISABLE_SAFE_RENEGOTIATION"]
)
def test_renegotiation_is_seen_bound_to_its_connection_or_not(
    gnutls: Serve, converse: Converse, priority: str
) -> None:
    """GnuTLS's server takes part, with RFC 5746 and without."""
    one = session()
    with gnutls(f"NORMAL:-VERS-TLS1.3:{priority}") as port:
        assert renegotiating(converse, one, port) is True
    assert one.hello is not None
    bound = Extension.RENEGOTIATION_INFO in one.hello.extensions
    assert bound is (priority != "%DISABLE_SAFE_RENEGOTIATION")


def test_a_second_handshake_is_whole_and_bound_to_the_first(established: Connect) -> None:
    """It says what both sides finished by, and goes on to new keys that carry data."""
    ours, peer = established()
    before = (peer.theirs, peer.ours)
    peer.take(ours.renegotiate())
    assert peer.asked[Extension.RENEGOTIATION_INFO] == vector(before[0], 1)
    assert 0x00FF not in peer.suites
    old = peer.writing
    peer.take(ours.receive(peer.flight(bound=b"".join(before))))
    assert (ours.renegotiated, ours.renegotiating) == (True, True)
    ours.receive(peer.finish())
    assert (ours.renegotiated, ours.renegotiating) == (True, False)
    assert peer.writing is not old
    ours.receive(peer.seal(PEER.DATA, b"after"))
    assert bytes(ours.data) == b"after"


@pytest.mark.parametrize("bound", [None, b"", bytes(24)])
def test_a_second_handshake_that_is_bound_to_another_is_refused(
    established: Connect, bound: bytes | None
) -> None:
    """RFC 5746 3.5: the client has to break off."""
    ours, peer = established()
    peer.take(ours.renegotiate())
    with pytest.raises(WireError, match="another"):
        ours.receive(peer.flight(bound=bound))
    assert ours.closed


@pytest.mark.parametrize("level", [b"\x01", b"\x02"])
def test_no_renegotiation_is_no_end_unless_it_is_fatal(established: Connect, level: bytes) -> None:
    """After the warning the first session goes on."""
    ours, peer = established()
    peer.take(ours.renegotiate())
    ours.receive(peer.seal(PEER.ALERT, level + b"\x64"))
    assert (ours.renegotiated, ours.closed) == (False, level == b"\x02")
    if not ours.closed:
        ours.receive(peer.seal(PEER.DATA, b"on"))
        assert bytes(ours.data) == b"on"


def test_who_hangs_up_takes_part_in_nothing(established: Connect) -> None:
    """The end of the connection is a refusal, the lack of any answer is none."""
    ours, peer = established()
    peer.take(ours.renegotiate())
    assert ours.renegotiated is None
    ours.receive(peer.seal(PEER.DATA, b"still there"))
    assert ours.renegotiated is None
    ours.ended()
    assert ours.renegotiated is False


def test_one_renegotiation_is_the_most(established: Connect, connect: Connect) -> None:
    """Neither a second one nor one amid a handshake is begun, nor what a server wishes."""
    ours, peer = established()
    assert ours.receive(peer.seal(PEER.HANDSHAKE, PEER.HELLO_REQUEST * 3)) == b""
    ours.renegotiate()
    with pytest.raises(WireError):
        ours.renegotiate()
    early, _ = connect()
    with pytest.raises(WireError):
        early.renegotiate()


# With the peer


EXTENDED = (int(Extension.EXTENDED_MASTER_SECRET), b"")


@pytest.mark.parametrize("more", [(), (EXTENDED,)])
def test_a_handshake_ends_in_a_session(
    connect: Connect, more: tuple[tuple[int, bytes], ...]
) -> None:
    """With the extended master secret and without, with a staple and a ticket."""
    ours, peer = connect(staple=True)
    said = peer.say(
        peer.hello(*more),
        PEER.certificates(*peer.chain, b"issuer"),
        PEER.status(b"staple"),
        peer.exchange(),
        PEER.REQUEST,
        PEER.DONE,
    )
    peer.take(ours.receive(said))
    assert not ours.finished
    ours.receive(peer.finish(PEER.ticket(b"opaque")))
    assert (ours.finished, ours.proved, ours.staple, ours.tickets) == (True, True, b"staple", 1)
    assert ours.certificates == (*peer.chain, b"issuer")
    assert ours.asks_certificate
    assert peer.take(ours.send(b"x" * 20_000)) == [
        (PEER.DATA, b"x" * 16_384),
        (PEER.DATA, b"x" * 3_616),
    ]
    assert peer.take(ours.close()) == [(PEER.ALERT, b"\x01\x00")]


def test_a_wrong_signature_proves_nothing(connect: Connect) -> None:
    """A share that was signed for another connection is told as such."""
    ours, peer = connect()
    exchange = peer.exchange(random=bytes(32))
    ours.receive(peer.say(peer.hello(), PEER.certificates(*peer.chain), exchange, PEER.DONE))
    assert ours.proved is False


def test_before_the_end_of_the_handshake_nothing_is_sent(connect: Connect) -> None:
    """Application data wait for the server's Finished; a close does not."""
    ours, peer = connect()
    with pytest.raises(WireError):
        ours.send(b"early")
    assert ours.close() == b"\x15\x03\x01\x00\x02\x01\x5a\x15\x03\x01\x00\x02\x01\x00"
    peer.take(ours.receive(peer.flight()))
    with pytest.raises(WireError):
        ours.send(b"early")
    assert peer.take(ours.close()) == [(PEER.ALERT, b"\x01\x00")]


def flights(peer: Peer) -> dict[str, bytes]:
    """Give flights that break a rule, in clear."""
    hello, chain = peer.hello(), PEER.certificates(*peer.chain)
    exchange, done = peer.exchange(), PEER.DONE
    record = peer.seal
    suite = PEER.message(2, b"\x03\x03" + PEER.RANDOM + b"\0\x13\x01\0")
    unread = PEER.message(2, b"\x03\x03" + PEER.RANDOM + b"\0\xc0\x11\0")
    squeezed = PEER.message(2, b"\x03\x03" + PEER.RANDOM + b"\0\xc0\x2b\1")
    return {
        "no hello": record(22, chain),
        "two hellos": record(22, hello + hello),
        "a hello of TLS 1.3": record(22, peer.hello(version=b"\x03\x04")),
        "a hello of SSL 3": record(22, peer.hello(version=b"\x03\x00")),
        "a suite that was not offered": record(22, suite),
        "a suite that cannot be read": record(22, unread),
        "compression": record(22, squeezed),
        "a binding to another handshake": record(22, peer.hello(bound=bytes(12))),
        "no certificate": record(22, hello + exchange),
        "an empty chain": record(22, hello + PEER.certificates()),
        "an empty certificate": record(22, hello + PEER.certificates(b"")),
        "no half of the agreement": record(22, hello + chain + done),
        "an exchange cut off": record(22, hello + chain + PEER.message(12, exchange[4:20])),
        "an exchange with more": record(22, hello + chain + PEER.message(12, exchange[4:] + b"x")),
        "a curve without a name": record(22, hello + chain + PEER.message(12, b"\x01" + bytes(9))),
        "a group that was not offered": record(
            22, hello + chain + PEER.message(12, b"\3\0\x17\0" + exchange[-9:]) + done
        ),
        "a Finished at once": record(
            22, hello + chain + exchange + done + PEER.message(20, bytes(12))
        ),
        "a change at once": record(20, b"\1"),
        "data in clear": record(22, hello) + record(23, b"data"),
        "an alert amid a message": record(22, hello[:9]) + record(21, b"\1\0"),
        "a message that is too long": record(22, b"\x0b\xff\xff\xff"),
        "a record that is too long": b"\x16\x03\x03\xff\xff",
        "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "a record of an unknown kind": record(24, b"heartbeat"),
        "an alert cut off": record(21, b"\2"),
    }  # fmt: skip


NAMES = tuple(flights(PEER.Peer(PEER.ec.generate_private_key(PEER.ec.SECP256R1()), b"x")))


@pytest.mark.parametrize("name", NAMES)
def test_a_flight_that_breaks_a_rule_is_refused(connect: Connect, name: str) -> None:
    """Nothing but WireError comes of it, no session, and nothing more is taken."""
    ours, peer = connect(groups=(29,), suites=(*records12.readable(Version.TLS12), 0xC011))
    with pytest.raises(WireError):
        ours.receive(flights(peer)[name])
    assert (ours.finished, ours.closed) == (False, True)
    assert ours.receive(peer.flight()) == b""


def test_a_session_finishes_only_by_what_fits(connect: Connect) -> None:
    """A Finished over other messages, one in the old keys and a spoiled one are all refused."""
    for spoil in ("other", "clear", "spoiled"):
        ours, peer = connect()
        peer.take(ours.receive(peer.flight()))
        if spoil == "other":
            peer.transcript += b"x"
        said = peer.seal(22, peer.finished()) if spoil == "clear" else peer.finish()
        if spoil == "spoiled":
            said = said[:-1] + bytes([said[-1] ^ 1])
        with pytest.raises(WireError):
            ours.receive(said)
        assert not ours.finished


@pytest.mark.parametrize("kind", [2, 4, 11, 14, 20])
def test_what_was_shown_does_not_change_after_the_handshake(
    established: Connect, kind: int
) -> None:
    """Nothing but a wish for a new handshake may come later on."""
    ours, peer = established()
    before = [getattr(ours, name) for name in SHOWN]
    with pytest.raises(WireError):
        ours.receive(peer.seal(PEER.HANDSHAKE, PEER.message(kind, bytes(12))))
    assert [getattr(ours, name) for name in SHOWN] == before


def test_no_peer_is_read_without_end(established: Connect) -> None:
    """Warnings, wishes and data end at the limit."""
    ours, peer = established()
    flood = b"".join(peer.seal(PEER.DATA, bytes(10_000)) for _ in range(LIMIT // 10_000 + 1))
    ours.receive(flood[: LIMIT // 2])
    with pytest.raises(WireError, match="more than"):
        ours.receive(flood[LIMIT // 2 :])
    assert 0 < len(ours.data) <= LIMIT


def test_the_pieces_in_which_bytes_come_do_not_matter(connect: Connect) -> None:
    """Byte by byte comes to the same as at once."""
    ours, peer = connect()
    said = b"".join(ours.receive(bytes([byte])) for byte in peer.flight(EXTENDED))
    peer.take(said)
    for byte in peer.finish():
        ours.receive(bytes([byte]))
    assert ours.finished


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.integers(0, 600), st.binary(max_size=200))
def test_any_bytes_after_any_part_of_a_flight_raise_wire_errors_only(
    connect: Connect, cut: int, tail: bytes
) -> None:
    """Whatever follows a valid beginning, there is no other error and no session."""
    ours, peer = connect()
    try:
        ours.receive(peer.flight()[:cut] + tail)
    except WireError:
        assert ours.closed
    assert not ours.finished
