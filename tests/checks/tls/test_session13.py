"""Whole handshakes of TLS 1.3 with OpenSSL's server, and with a peer that breaks the protocol."""

from __future__ import annotations

import datetime
import itertools
import os
import random
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from checks.tls import secrets13
from checks.tls.answer import LIMIT
from checks.tls.hello import ClientHello
from checks.tls.numbers import TLS13_GROUPS, Alert, Version
from checks.tls.session13 import Session
from checks.tls.wire import WireError, vector

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import SimpleNamespace

    from tests.checks.tls.peer13 import Peer
    from tests.checks.tls.serving import Made

    Serve = Callable[..., AbstractContextManager[int]]
    Converse = Callable[..., None]
    Connect = Callable[..., tuple[Session, Peer]]

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
converse, gnutls, made = _SERVING["converse"], _SERVING["gnutls"], _SERVING["made"]
peer13, s_server = _SERVING["peer13"], _SERVING["s_server"]
SUITES = (
    "AES_128_GCM_SHA256 AES_256_GCM_SHA384 CHACHA20_POLY1305_SHA256 AES_128_CCM_SHA256"
    " AES_128_CCM_8_SHA256"
).split()
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
SHOWN = (
    "certificates", "staple", "scheme", "proved", "alpn", "asks_certificate", "tickets",
    "early_data", "alert", "finished", "closed", "data",
)  # fmt: skip


def asking(**changes: Any) -> ClientHello:  # noqa: ANN401 - fields of a hello
    hello = ClientHello(
        Version.TLS13,
        secrets13.SUITES,
        os.urandom(32),
        groups=TLS13_GROUPS,
        server_name="localhost",
        session=os.urandom(32),
    )
    return hello._replace(**changes)


def has_page(session: Session) -> bool:
    return b"</pre>" in session.data


def shown(session: Session) -> dict[str, object]:
    return {name: getattr(session, name) for name in SHOWN}


@pytest.fixture
def connect(made: Callable[[str], Made], peer13: SimpleNamespace) -> Connect:
    """Give a session that has said its hello, and the peer that heard it."""

    def connected(*, suite: int = 0x1301, **changes: Any) -> tuple[Session, Peer]:  # noqa: ANN401 - fields of a hello
        one = made("p256")
        session, peer = Session(asking(**changes)), peer13.Peer(one.key, one.der, suite=suite)
        peer.hear(session.start())
        return session, peer

    return connected


@pytest.fixture
def established(connect: Connect) -> Connect:
    """Give both ends of a finished handshake."""

    def both(**changes: Any) -> tuple[Session, Peer]:  # noqa: ANN401 - fields of a hello
        session, peer = connect(**changes)
        peer.take(session.receive(peer.hello() + peer.flight()))
        return session, peer

    return both


# With OpenSSL


@pytest.mark.parametrize("name", SUITES)
def test_each_suite_carries_a_session(name: str, s_server: Serve, converse: Converse) -> None:
    """Both directions are protected as the suite says: the page that is asked for arrives."""
    session = Session(asking())
    with s_server("-www", "-ciphersuites", f"TLS_{name}") as port:
        converse(session, port, REQUEST, has_page)
    assert session.data.startswith(b"HTTP/1.0 200")
    assert session.proved is True
    assert session.hello is not None
    assert session.tickets == 2


@pytest.mark.parametrize(
    ("name", "group"), {"X25519": 29, "P-256": 23, "P-384": 24, "P-521": 25, "X448": 30}.items()
)
def test_each_group_is_agreed_on(
    name: str, group: int, s_server: Serve, converse: Converse
) -> None:
    """A group without a share of ours is agreed on by a retry."""
    session = Session(asking())
    with s_server("-groups", name) as port:
        converse(session, port)
    assert session.finished
    assert session.hello is not None
    assert session.hello.group == group
    assert (session._retry is not None) == (group != 29)


def test_a_group_that_was_not_offered_is_refused(s_server: Serve, converse: Converse) -> None:
    """Where no group is shared there is an alert and no session."""
    session = Session(asking(groups=(29, 23)))
    with s_server("-groups", "X448") as port:
        converse(session, port)
    assert (session.alert, session.finished) == (Alert.HANDSHAKE_FAILURE, False)
    assert session.certificates == ()


@pytest.mark.parametrize(
    ("kind", "scheme"),
    {"rsa": 0x0806, "p256": 0x0403, "p384": 0x0503, "ed25519": 0x0807, "ed448": 0x0808}.items(),
)
def test_the_key_of_the_certificate_is_proved(
    kind: str, scheme: int, s_server: Serve, converse: Converse, made: Callable[[str], Made]
) -> None:
    """Every kind of key signs the handshake, and the certificate is the one that was set up."""
    session = Session(asking(schemes=(scheme,)))
    with s_server(kind=kind) as port:
        converse(session, port)
    assert (session.scheme, session.proved) == (scheme, True)
    assert session.certificates == (made(kind).der,)


def test_a_kind_of_key_that_the_server_has_not_is_refused(
    s_server: Serve, converse: Converse
) -> None:
    """A server with an RSA key only refuses who takes Ed25519 only."""
    session = Session(asking(schemes=(0x0807,)))
    with s_server() as port:
        converse(session, port)
    assert session.alert == Alert.HANDSHAKE_FAILURE
    assert (session.finished, session.proved) == (False, None)


@pytest.mark.parametrize(
    ("option", "alerts"),
    {"-verify": {None, Alert.CLOSE_NOTIFY}, "-Verify": {Alert.CERTIFICATE_REQUIRED}}.items(),
)
def test_a_request_for_a_certificate_is_seen(
    option: str, alerts: set[int | None], s_server: Serve, converse: Converse
) -> None:
    """A server may ask for a client's certificate, and may insist on one."""
    session = Session(asking())
    with s_server("-www", option, "1") as port:
        converse(session, port, REQUEST, has_page)
    assert (session.finished, session.asks_certificate) == (True, True)
    assert session.alert in alerts
    assert bool(session.data) == (option == "-verify")


def test_a_server_that_asks_for_no_certificate_is_not_said_to(
    s_server: Serve, converse: Converse
) -> None:
    """Without -verify there is no request, and no early data, staple or protocol either."""
    session = Session(asking(alpn=("h2",), staple=True))
    with s_server("-www") as port:
        converse(session, port, REQUEST, has_page)
    assert session.asks_certificate is False
    assert (session.early_data, session.staple, session.alpn) == (0, b"", "")


def test_tickets_and_early_data_are_seen(s_server: Serve, converse: Converse) -> None:
    """The bytes of early data that a ticket allows are those of the server."""
    session = Session(asking())
    with s_server("-early_data", "-max_early_data", "4321", "-num_tickets", "3") as port:
        converse(session, port, done=lambda one: one.tickets == 3)
    assert (session.tickets, session.early_data) == (3, 4321)


def test_the_application_protocol_is_seen(s_server: Serve, converse: Converse) -> None:
    """The protocol is the one that both know."""
    session = Session(asking(alpn=("h2", "http/1.1")))
    with s_server("-alpn", "http/1.1,h2") as port:
        converse(session, port)
    assert session.alpn == "http/1.1"


def test_a_stapled_answer_is_seen(
    s_server: Serve, converse: Converse, made: Callable[[str], Made], tmp_path: Path
) -> None:
    """The OCSP answer is the server's, and comes only to who asked for it."""
    one, now = made("p256"), datetime.datetime.now(datetime.UTC)
    leaf = x509.load_der_x509_certificate(one.der)
    answer = (
        ocsp.OCSPResponseBuilder()
        .add_response(leaf, leaf, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, now, None, None, None)
        .responder_id(ocsp.OCSPResponderEncoding.HASH, leaf)
        .sign(one.key, hashes.SHA256())
    )
    encoded, path = answer.public_bytes(Encoding.DER), tmp_path / "answer.der"
    path.write_bytes(encoded)
    with s_server("-status_file", str(path), kind="p256") as port:
        for asked in (True, False):
            session = Session(asking(staple=asked))
            converse(session, port)
            assert session.finished
            assert session.staple == (encoded if asked else b"")


def test_a_server_of_an_older_version_is_not_taken_for_one(
    s_server: Serve, converse: Converse
) -> None:
    """A server that stops at TLS 1.2 sends an alert."""
    session = Session(asking())
    with s_server("-no_tls1_3") as port:
        converse(session, port)
    assert (session.alert, session.finished) == (Alert.PROTOCOL_VERSION, False)


@pytest.mark.parametrize("priority", ["NORMAL", "NORMAL:-GROUP-ALL:+GROUP-SECP384R1"])
def test_gnutls_is_understood_as_well(
    priority: str, gnutls: Serve, converse: Converse, made: Callable[[str], Made]
) -> None:
    """Another implementation, which echoes what it is sent, with and without a retry."""
    session = Session(asking())
    with gnutls(priority) as port:
        converse(session, port, b"hear\n", lambda one: b"hear\n" in one.data)
    assert session.data == b"hear\n"
    assert session.proved is True
    assert session.certificates == (made("rsa").der,)


# With a peer that follows the script


@pytest.mark.parametrize("suite", secrets13.SUITES)
def test_the_scripted_peer_speaks_the_protocol(connect: Connect, suite: int) -> None:
    """The control of all that follows: unspoiled, the handshake is finished and proved."""
    session, peer = connect(suite=suite)
    said = peer.take(session.receive(peer.hello() + peer.flight()))
    assert (session.finished, session.proved) == (True, True)
    assert [kind for kind, _ in said] == [22]
    peer.take(session.send(b"question"))
    session.receive(peer.seal(23, b"answer"))
    assert session.data == b"answer"


@pytest.mark.parametrize("group", [513, 514, 0x11EB, 0x11EC, 0x11ED])
def test_a_post_quantum_server_is_understood(group: int, connect: Connect) -> None:
    """A server that speaks one post-quantum group only asks for a share of it in a retry."""
    session, peer = connect()
    peer.hear(session.receive(peer.retry(group)))
    assert set(peer.shares) == {group}
    session.receive(peer.hello(group) + peer.flight())
    assert (session.finished, session.proved) == (True, True)


def test_a_cookie_comes_back(connect: Connect) -> None:
    """A retry with a cookie alone is answered with the cookie and the same share."""
    session, peer = connect()
    share = peer.shares
    asked = session.receive(peer.retry(cookie=b"crumbs"))
    peer.hear(asked)
    assert peer.shares == share
    assert vector(b"crumbs", 2) in asked
    session.receive(peer.hello() + peer.flight())
    assert session.finished


def test_middleboxes_may_see_a_change_of_cipher(connect: Connect, peer13: SimpleNamespace) -> None:
    """A change_cipher_spec amid the handshake means nothing; after it, it is wrong."""
    session, peer = connect()
    session.receive(peer13.CHANGED + peer.hello() + peer13.CHANGED)
    session.receive(peer13.CHANGED + peer.flight())
    assert session.finished
    with pytest.raises(WireError, match="changes its cipher"):
        session.receive(peer13.CHANGED)


def test_messages_may_be_cut_into_any_records(connect: Connect, peer13: SimpleNamespace) -> None:
    """A flight of a byte a record, each with padding, is the same flight."""
    session, peer = connect()
    session.receive(peer.hello())
    told = peer13.ENCRYPTED_EXTENSIONS + peer13.certificates(*peer.chain)
    told += peer.verify(upon=told)
    told += peer.finished(told)
    for at in range(len(told)):
        session.receive(peer.seal(22, told[at : at + 1]))
    assert (session.finished, session.proved) == (True, True)


def test_keys_are_updated_as_asked(established: Connect, peer13: SimpleNamespace) -> None:
    """After a KeyUpdate both directions go on with the next keys, ours only if asked to."""
    session, peer = established()
    assert session.receive(peer.seal(22, peer13.UPDATE)) == b""
    peer.writing = peer.writing.updated() if peer.writing else None
    session.receive(peer.seal(23, b"one"))
    reply = session.receive(peer.seal(22, peer13.ASKED_UPDATE))
    peer.writing = peer.writing.updated() if peer.writing else None
    assert peer.take(reply) == [(22, peer13.UPDATE)]
    peer.reading = peer.reading.updated() if peer.reading else None
    session.receive(peer.seal(23, b"two"))
    assert peer.take(session.send(b"three")) == [(23, b"three")]
    assert session.data == b"onetwo"


def test_key_updates_have_an_end(established: Connect, peer13: SimpleNamespace) -> None:
    """A server cannot make us derive keys for ever."""
    session, peer = established()
    for _ in range(32):
        session.receive(peer.seal(22, peer13.ASKED_UPDATE))
        peer.writing = peer.writing.updated() if peer.writing else None
    with pytest.raises(WireError, match="without end"):
        session.receive(peer.seal(22, peer13.UPDATE))


def test_an_alert_closes_the_session(established: Connect) -> None:
    """What comes after an alert is not looked at; user_canceled is none."""
    session, peer = established()
    session.receive(peer.seal(21, bytes((1, Alert.USER_CANCELED))))
    assert (session.alert, session.closed) == (None, False)
    session.receive(peer.seal(21, bytes((1, Alert.CLOSE_NOTIFY))) + b"garbage")
    assert (session.alert, session.closed) == (0, True)
    assert session.receive(b"more") == b""


def test_an_alert_in_clear_is_one_before_anything_was_encrypted(
    connect: Connect, peer13: SimpleNamespace
) -> None:
    """A server that cannot go on after its hello says so in clear; later nobody may."""
    alert = peer13.record(21, bytes((2, Alert.INTERNAL_ERROR)))
    session, peer = connect()
    session.receive(peer.hello() + alert)
    assert session.alert == Alert.INTERNAL_ERROR
    session, peer = connect()
    session.receive(peer.hello() + peer.say(peer13.ENCRYPTED_EXTENSIONS))
    with pytest.raises(WireError, match="in clear"):
        session.receive(alert)


def test_early_data_of_several_tickets_is_the_most(
    established: Connect, peer13: SimpleNamespace
) -> None:
    """Each ticket counts, one without the extension allows nothing."""
    session, peer = established()
    for most in (7, 0x01020304, 9):
        session.receive(peer.seal(22, peer13.ticket((42, most.to_bytes(4, "big")))))
    session.receive(peer.seal(22, peer13.ticket()))
    assert (session.tickets, session.early_data) == (4, 0x01020304)


def test_nothing_is_sent_before_the_handshake_is_finished(connect: Connect) -> None:
    """`send` waits for `finished`, and cuts what is long into records."""
    session, peer = connect()
    with pytest.raises(WireError):
        session.send(b"early")
    peer.take(session.receive(peer.hello() + peer.flight()))
    said = peer.take(session.send(bytes(40_000)))
    assert [len(content) for _, content in said] == [16_384, 16_384, 7232]


# With a peer that breaks the protocol


def _hello(**changes: Any) -> Callable[[Peer, SimpleNamespace], list[bytes]]:  # noqa: ANN401 - fields of a hello
    return lambda peer, _: [peer.hello(**changes)]


def _retries(*many: tuple[int, bytes | None]) -> Callable[[Peer, SimpleNamespace], list[bytes]]:
    return lambda peer, _: [peer.retry(*one) for one in many]


def _told(*names: str) -> Callable[[Peer, SimpleNamespace], list[bytes]]:
    """Say messages by name, in one record each."""

    def said(peer: Peer, module: SimpleNamespace) -> list[bytes]:
        records = [peer.hello()]
        for name in names:
            write: dict[str, Callable[[], bytes]] = {
                "extensions": lambda: module.ENCRYPTED_EXTENSIONS,
                "request": lambda: module.REQUEST,
                "certificate": lambda: module.certificates(*peer.chain),
                "no certificate": module.certificates,
                "empty certificate": lambda: module.certificates(b""),
                "verify": peer.verify,
                "finished": peer.finished,
                "ticket": module.ticket,
                "update": lambda: module.UPDATE,
                "hello": lambda: module.message(2, bytes(40)),
                "unknown": lambda: module.message(77, b""),
                "endless": lambda: b"\x0b\xff\xff\xff",
            }
            records.append(peer.say(write[name]()))
        return records

    return said


def _sealed(kind: int, content: bytes) -> Callable[[Peer, SimpleNamespace], list[bytes]]:
    return lambda peer, _: [peer.hello(), peer.seal(kind, content)]


def _before(
    *pairs: tuple[int, bytes], tail: bytes = b""
) -> Callable[[Peer, SimpleNamespace], list[bytes]]:
    """Say EncryptedExtensions with these."""

    def said(peer: Peer, module: SimpleNamespace) -> list[bytes]:
        told = module.message(8, module.extensions(*pairs) + tail)
        return [peer.hello(), peer.flight(before=told)]

    return said


def _clear(kind: int, body: bytes) -> Callable[[Peer, SimpleNamespace], list[bytes]]:
    return lambda peer, module: [peer.hello(), module.record(kind, body)]


def _joined(peer: Peer, module: SimpleNamespace) -> list[bytes]:
    """The ServerHello and what must be encrypted in one record in clear."""
    raw = peer.hello()[5:]
    return [module.record(22, raw + module.ENCRYPTED_EXTENSIONS)]


def _across(peer: Peer, module: SimpleNamespace) -> list[bytes]:
    """A Finished with a ticket behind it in the same record."""
    told = module.ENCRYPTED_EXTENSIONS + module.certificates(*peer.chain)
    first = peer.hello()
    told += peer.verify(upon=told)
    return [first, peer.say(told + peer.finished(told) + module.ticket())]


def _forged(peer: Peer, module: SimpleNamespace) -> list[bytes]:
    told = module.ENCRYPTED_EXTENSIONS + module.certificates(*peer.chain)
    first = peer.hello()
    told += peer.verify(upon=told)
    return [first, peer.say(told + module.message(20, bytes(32)))]


def _changed_suite(peer: Peer, _: SimpleNamespace) -> list[bytes]:
    return [peer.retry(23), peer.hello(23, suite=0x1303, share=b"\x04" + bytes(64))]


BROKEN: dict[str, Callable[[Peer, SimpleNamespace], list[bytes]]] = {
    "another version": _hello(version=b"\x03\x03"),
    "a version of many bytes": _hello(version=b"\x03\x04" * 3000),
    "an unknown version": _hello(version=b"\x7f\x1c"),
    "a suite that was not offered": _hello(suite=0x1304),
    "a suite of TLS 1.2": _hello(suite=0xC02F),
    "a group that was not offered": _hello(group=30, share=bytes(56)),
    "a group without a share of ours": _hello(group=23, share=b"\x04" + bytes(64)),
    "no point": _hello(share=bytes(32)),
    "a short share": _hello(share=b"\1" * 31),
    "an empty share": _hello(share=b""),
    "a retry of the same group": _retries((29, None)),
    "a retry of a group that was not offered": _retries((30, None)),
    "a retry of an unknown group": _retries((0x6399, None)),
    "a retry of nothing": _retries((0, None)),
    "a retry with an empty cookie": _retries((0, b"")),
    "a second retry": _retries((23, None), (24, None)),
    "a second retry with a cookie": _retries((0, b"a"), (0, b"b")),
    "a retry with a suite that was not offered": lambda peer, _: [peer.retry(23, suite=0x1304)],
    "another suite after the retry": _changed_suite,
    "a cookie too long to come back": _retries((0, bytes(65_400))),
    "a certificate in clear": _clear(22, bytes.fromhex("0b000004")),
    "data in clear": _clear(23, b""),
    "messages in clear behind the hello": _joined,
    "an unknown content": _clear(99, b"abc"),
    "a wrong change of cipher": _clear(20, b"\2"),
    "an empty change of cipher": _clear(20, b""),
    "a record too long": lambda peer, _: [peer.hello(), b"\x17\x03\x03\xff\xff"],
    "an empty record": _clear(23, b""),
    "a short record": _clear(23, bytes(5)),
    "padding only": _sealed(0, b""),
    "an empty message record": _sealed(22, b""),
    "an empty alert": _sealed(21, b""),
    "half an alert": _sealed(21, b"\2"),
    "an encrypted change of cipher": _sealed(20, b"\1"),
    "data before the Finished": _sealed(23, b"x"),
    "no data before the Finished": _sealed(23, b""),
    "an alert amid a message": lambda peer, _: [
        peer.hello(), peer.seal(22, b"\x08\0\0"), peer.seal(21, b"\2\x28"),
    ],
    "a forged Finished": _forged,
    "a ticket behind the Finished": _across,
    "no EncryptedExtensions": _told("certificate"),
    "a second hello": _told("hello"),
    "an unknown message": _told("unknown"),
    "an endless message": _told("extensions", "endless"),
    "two EncryptedExtensions": _told("extensions", "extensions"),
    "two requests": _told("extensions", "request", "request"),
    "a late request": _told("extensions", "certificate", "request"),
    "no certificate": _told("extensions", "no certificate"),
    "an empty certificate": _told("extensions", "empty certificate"),
    "two certificates": _told("extensions", "certificate", "certificate"),
    "a certificate after its proof": _told("extensions", "certificate", "verify", "certificate"),
    "a proof of no certificate": _told("extensions", "verify"),
    "a Finished without a proof": _told("extensions", "certificate", "finished"),
    "a Finished without a certificate": _told("extensions", "finished"),
    "a Finished at once": _told("finished"),
    "an early ticket": _told("extensions", "ticket"),
    "an early update": _told("extensions", "update"),
    "an extension twice": _before((16, b"\0\3\2h2"), (16, b"\0\3\2h2")),
    "bytes behind the extensions": _before(tail=b"x"),
    "a protocol cut off": _before((16, b"\0\3\5h2")),
    "two protocols": _before((16, b"\0\6\2h2\2h3")),
    "no protocol": _before((16, b"")),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_protocol_is_refused(name: str, connect: Connect, peer13: SimpleNamespace) -> None:
    """Every breach ends in WireError and never in a finished session."""
    session, peer = connect(groups=(29, 23, 24, 0x6399), suites=(0x1301, 0x1302, 0x1303))
    records = BROKEN[name](peer, peer13)
    with pytest.raises(WireError):  # noqa: PT012 - which record it is differs
        for one in records:
            session.receive(one)
    assert not session.finished


AFTER: dict[str, Callable[[SimpleNamespace], bytes]] = {
    "a request": lambda module: module.REQUEST,
    "a certificate": lambda module: module.certificates(b"other"),
    "EncryptedExtensions": lambda module: module.message(8, module.extensions((16, b"\0\3\2h2"))),
    "a second Finished": lambda module: module.message(20, bytes(32)),
    "a hello": lambda module: module.message(2, bytes(40)),
    "a HelloRequest": lambda module: module.message(0, b""),
    "an odd update": lambda module: module.message(24, b"\2"),
    "an empty update": lambda module: module.message(24, b""),
    "a long update": lambda module: module.message(24, bytes(9)),
    "something behind an update": lambda module: module.UPDATE + module.ticket(),
    "a ticket cut off": lambda module: module.message(4, bytes(9)),
    "a ticket with more": lambda module: module.message(4, module.ticket()[4:] + b"x"),
    "early data of three bytes": lambda module: module.ticket((42, b"\1\1\1")),
    "early data of many bytes": lambda module: module.ticket((42, bytes(9000))),
    "an extension twice": lambda module: module.ticket((42, bytes(4)), (42, bytes(4))),
    "nothing": lambda _: b"",
}


@pytest.mark.parametrize("name", AFTER)
def test_what_was_shown_does_not_change_after_the_handshake(
    name: str, established: Connect, peer13: SimpleNamespace
) -> None:
    """Only tickets and updates may come later; nothing may put another certificate in place."""
    session, peer = established()
    before = shown(session)
    with pytest.raises(WireError):
        session.receive(peer.seal(22, AFTER[name](peer13)))
    assert shown(session) == before | {"closed": True}
    assert session.certificates == peer.chain


def test_a_flipped_bit_does_not_pass(connect: Connect) -> None:
    """Wherever a bit of the encrypted flight is turned, the session does not finish."""
    rng = random.Random(1)
    for _ in range(40):
        session, peer = connect()
        session.receive(peer.hello())
        spoiled = bytearray(peer.flight())
        spoiled[rng.randrange(5, len(spoiled))] ^= 1 << rng.randrange(8)
        with pytest.raises(WireError):
            session.receive(bytes(spoiled))
        assert not session.finished


@pytest.mark.parametrize("scheme", [0x0403, 0x0503, 0x0804, 0x0807, 0x0905])
def test_a_false_proof_is_told(
    scheme: int, connect: Connect, made: Callable[[str], Made], peer13: SimpleNamespace
) -> None:
    """A server that shows another's certificate finishes, and does not prove it."""
    session, peer = connect()
    first = peer.hello()
    told = peer13.ENCRYPTED_EXTENSIONS + peer13.certificates(made("p384").der)
    told += peer.verify(scheme=scheme, upon=told)
    session.receive(first + peer.say(told + peer.finished(told)))
    assert (session.finished, session.proved, session.scheme) == (True, False, scheme)


@pytest.mark.parametrize("shown_first", [b"no certificate at all", b"\x30\x03\x02\x01\x01"])
def test_what_cannot_be_checked_is_not_proved(
    shown_first: bytes, connect: Connect, peer13: SimpleNamespace
) -> None:
    """A certificate that is none leaves the question open."""
    session, peer = connect()
    first = peer.hello()
    told = peer13.ENCRYPTED_EXTENSIONS + peer13.certificates(shown_first)
    told += peer.verify(upon=told)
    session.receive(first + peer.say(told + peer.finished(told)))
    assert (session.finished, session.proved) == (True, None)


def test_a_hostile_protocol_name_is_safe_to_show(connect: Connect, peer13: SimpleNamespace) -> None:
    """Control bytes and bytes that are no text come out escaped."""
    session, peer = connect()
    name = b"h\x1b[31m\xff\xe2\x80\xae"
    told = peer13.message(8, peer13.extensions((16, vector(vector(name, 1), 2))))
    session.receive(peer.hello() + peer.flight(before=told))
    assert session.alpn == "h\\x1b[31m\\xff\\u202e"


ENDLESS: dict[str, Callable[[Peer, SimpleNamespace], bytes]] = {
    "tickets": lambda peer, module: peer.seal(22, module.ticket()),
    "empty data": lambda peer, _: peer.seal(23, b""),
    "data": lambda peer, _: peer.seal(23, bytes(9000)),
    "cancellations": lambda peer, _: peer.seal(21, b"\1\x5a"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_nothing_goes_on_for_ever(name: str, established: Connect, peer13: SimpleNamespace) -> None:
    """Records that are each allowed end at the limit, and take no more memory than it."""
    session, peer = established()
    piece = ENDLESS[name](peer, peer13)
    for _ in range((LIMIT - session._size) // len(piece)):
        session.receive(piece)
        piece = ENDLESS[name](peer, peer13)
    with pytest.raises(WireError, match="more than is read"):
        session.receive(piece)
    assert len(session.data) + len(session._records) + len(session._messages) <= LIMIT


def test_changes_of_cipher_have_an_end(connect: Connect, peer13: SimpleNamespace) -> None:
    """So do records that mean nothing."""
    session, peer = connect()
    session.receive(peer.hello())
    with pytest.raises(WireError, match="more than is read"):
        session.receive(peer13.CHANGED * LIMIT)


# Cut and spoiled anyhow


def _feed(session: Session, data: bytes, cuts: list[int]) -> tuple[object, bytes, str]:
    """Feed in pieces; give what is shown in the end, all replies and the error's text."""
    reply, ends = b"", [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    try:
        for start, end in itertools.pairwise(ends):
            reply += session.receive(data[start:end])
    except WireError as error:
        return shown(session), b"", str(error)
    return shown(session), reply, ""


def _script(peer: Peer, module: SimpleNamespace, steps: list[tuple[int, bytes]]) -> bytes:
    """Turn choices into records: valid flights, sealed messages of any kind, and garbage."""
    said = b""
    for choice, content in steps:
        kind = choice % 8
        if kind == 0 and peer.writing is None:
            said += peer.hello()
        elif peer.writing is None:
            said += module.record((20, 21, 22, 23)[choice % 4], content)
        elif kind == 1:
            said += peer.flight()
        elif kind in {2, 3}:
            message = (8, 11, 13, 15, 20, 4, 24, 2)[choice // 8 % 8]
            said += peer.say(module.message(message, content))
        elif kind == 4:
            said += peer.seal((20, 21, 22, 23, 0)[choice // 8 % 5], content)
        else:
            said += module.record((20, 21, 22, 23, 24)[choice // 8 % 5], content)
    return said


STEPS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=60)), max_size=8)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([(0, b""), (1, b"")], b"", [1, 2, 3])
@example([(0, b""), (1, b""), (8 * 6 + 2, b"\1")], b"\x17\x03\x03\0\1x", [])
@given(STEPS, st.binary(max_size=80), st.lists(st.integers(0, 5000), max_size=6))
def test_nothing_but_wire_errors_comes_out(
    connect: Connect,
    peer13: SimpleNamespace,
    steps: list[tuple[int, bytes]],
    tail: bytes,
    cuts: list[int],
) -> None:
    """Valid parts, forged ones and garbage, cut anyhow: WireError or the same as fed by bytes."""
    session, peer = connect()
    share = session._shares
    data = _script(peer, peer13, [(0, b""), *steps]) + tail
    first = _feed(session, data, cuts)
    for pieces in ([], list(range(len(data)))):
        again = Session(session._asked)
        again._shares, again._asked = share, session._asked
        again.start()
        assert _feed(again, data, pieces) == first


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.integers(0, 10_000), st.lists(st.integers(0, 5000), max_size=4))
def test_a_valid_beginning_and_then_anything(
    connect: Connect, garbage: bytes, at: int, cuts: list[int]
) -> None:
    """After every prefix of a valid handshake random bytes raise nothing but WireError."""
    session, peer = connect()
    whole = peer.hello() + peer.flight()
    data = whole[: at % (len(whole) + 1)] + garbage
    seen, _, _ = _feed(session, data, cuts)
    assert isinstance(seen, dict)
    assert len(session._records) + len(session._messages) <= LIMIT


def test_the_limit_falls_on_the_same_byte(connect: Connect) -> None:
    """One byte at a time or all at once, what is too much is refused and the rest understood."""
    for size in (LIMIT, LIMIT + 1):
        errors = []
        for piece in (size, 1000):
            session, peer = connect()
            data = (peer.hello() + peer.flight()).ljust(size, b"\x16")
            try:
                for at in range(0, size, piece):
                    session.receive(data[at : at + piece])
            except WireError as error:
                errors.append(str(error))
            assert session.finished
        assert len(set(errors)) == 1


def test_shares_are_made_for_what_is_known_only(connect: Connect) -> None:
    """The first known group gets a share; without any the server has to say which it wants."""
    session, peer = connect(groups=(0x6399, 24, 29))
    assert set(peer.shares) == {24}
    session, peer = connect(groups=(0x11EC, 513))
    assert peer.shares == {}
    peer.hear(session.receive(peer.retry(513)))
    assert set(peer.shares) == {513}
