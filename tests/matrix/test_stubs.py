"""What no server to be had does, said by stubs: rows 1, 10 and 14, and compression."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import SimpleNamespace

    from tests.checks.tls.serving import Made
    from tests.matrix.conftest import Told
    from tests.matrix.running import Servers
    from tests.matrix.stub_peer import Offered

    Ask = Callable[..., Told]
    Rule = Callable[[SimpleNamespace, Offered, bytes], bytes]
    Stub = Callable[..., AbstractContextManager[int]]

COMPRESSED, STATIC = 0x009D, 0x009C
RC4_40, RC2_40 = 0x0003, 0x0006
HYBRID = 0x11EC
STATIC_ONLY = "tls-no-forward-secrecy"


def _only(version: int, suite: int) -> Rule:
    """Make a rule: agree to one suite of one version, refuse all else."""

    def rule(stubs: SimpleNamespace, asked: Offered, certificate: bytes) -> bytes:
        if asked.version != version or suite not in asked.suites:
            return bytes(stubs.refusal())
        compression = int(suite == COMPRESSED and 1 in asked.compressions)
        return bytes(stubs.flight(version, suite, certificate, compression=compression))

    return rule


def _ssl2(then: int) -> Rule:
    """Make a rule: speak SSL 2, with THEN ciphers; TLS 1.2 where THEN is none."""

    def rule(stubs: SimpleNamespace, asked: Offered, certificate: bytes) -> bytes:
        if asked.version == Version.SSL2:
            return bytes(stubs.greeting_ssl2(certificate, (0x010080, 0x0700C0)[:then]))
        return _only(Version.TLS12, STATIC)(stubs, asked, certificate) if then < 2 else b""

    return rule


def _hybrid(stubs: SimpleNamespace, asked: Offered, _: bytes) -> bytes:
    """Speak TLS 1.3 to who has X25519MLKEM768, and to nobody else."""
    if asked.version != Version.TLS13 or 0x1301 not in asked.suites or HYBRID not in asked.groups:
        return bytes(stubs.refusal())
    return bytes(stubs.retry(asked, 0x1301, HYBRID))


@pytest.mark.parametrize(
    ("rule", "serious", "slight"),
    [
        pytest.param(_ssl2(2), "tls-sslv2", "tls-1.3-missing", id="1 SSL 2 alone"),
        pytest.param(_ssl2(1), f"tls-sslv2 {STATIC_ONLY}", "", id="1 SSL 2 beside TLS 1.2"),
        pytest.param(_ssl2(0), STATIC_ONLY, "", id="1 SSL 2 without a cipher"),
        pytest.param(
            _only(Version.TLS10, RC4_40), "tls-cipher-export tls-1.0", "", id="10 export suite"
        ),
        pytest.param(
            _only(Version.SSL3, RC2_40),
            "tls-cipher-export tls-sslv3 tls-renegotiation-insecure",
            "",
            id="10 export suite of SSL 3",
        ),
        pytest.param(
            _only(Version.TLS12, COMPRESSED), f"tls-compression {STATIC_ONLY}", "", id="compression"
        ),
        pytest.param(_only(Version.TLS12, STATIC), STATIC_ONLY, "", id="no compression"),
    ],
)
def test_a_stub_is_taken_for_what_it_says(
    rule: Rule,
    serious: str,
    slight: str,
    *,
    stub: Stub,
    stubs: SimpleNamespace,
    made: Callable[[str], Made],
    ask: Ask,
) -> None:
    """What it agrees to is told, within seconds, though it hangs up on everything else."""
    began = time.monotonic()
    with stub(lambda asked: rule(stubs, asked, made("rsa").der)) as port:
        told = ask(port)
    assert time.monotonic() - began < 5
    assert told.serious == set(serious.split())
    assert set(slight.split()) <= told.slight
    assert told.left == []
    grave = [one for one in told.report["findings"] if one["check"] == "tls-cipher-export"]
    assert all(one["severity"] == "critical" for one in grave)


def test_a_group_of_tomorrow_is_tls_1_3(stub: Stub, stubs: SimpleNamespace, ask: Ask) -> None:
    """Who speaks X25519MLKEM768 only speaks TLS 1.3; a handshake that was not done is not clean."""
    with stub(lambda asked: _hybrid(stubs, asked, b"")) as port:
        told = ask(port)
    assert (told.serious, told.slight) == (set(), {"tls-pq-only"})
    (endpoint,) = told.report["endpoints"]
    assert [name for name, spoken in endpoint["protocols"].items() if spoken] == ["TLS 1.3"]
    assert endpoint["groups"] == ["X25519MLKEM768"]
    assert [why for why in told.unseen if "certificates of TLS 1.3" in why]


def test_post_quantum_groups_are_listed(servers: Servers, ask: Ask) -> None:
    """The hybrid is listed first, as the server prefers it, and the classical ones behind."""
    with servers.newest() as port:
        (endpoint,) = ask(port).report["endpoints"]
    assert endpoint["groups"][0] == "X25519MLKEM768"
    assert "x25519" in endpoint["groups"]
