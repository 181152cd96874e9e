"""Tell by at most three connections whether anything about an endpoint has changed."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final

from checks.tls import secrets13, suites
from checks.tls.hello import ClientHello
from checks.tls.numbers import TLS12_CURVES, TLS13_GROUPS, Version
from checks.tls.session13 import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.tls.answer import ServerHello
    from checks.tls.asking import Asking, Reply
    from checks.tls.facts import Target

_LOWEST: Final = (Version.TLS12, Version.TLS11)
"""A hello of TLS 1.1 is answered with any version below, by a server that has one."""


def fingerprint(asking: Asking, target: Target, entropy: Callable[[int], bytes]) -> str:
    """Give a digest of what the endpoint chooses and shows; "" where any answer was unclear.

    The same set-up gives the same digest; another certificate, version, suite, group or order of
    preference another one. What none of these shows is left to the daily full look.
    """
    session = Session(_modern(target, entropy))
    session.proving = False
    first = asking.converse(session)
    if first.unclear is not None:
        return ""
    parts = [_chosen(session.hello), *map(_digest, session.certificates)]
    for version in _LOWEST:
        reply = asking.ask(_classic(version, target, entropy))
        if reply.unclear is not None:
            return ""
        parts += _shown(reply)
    return _digest("\n".join(parts).encode())


def _modern(target: Target, entropy: Callable[[int], bytes]) -> ClientHello:
    return ClientHello(
        Version.TLS13,
        secrets13.SUITES,
        entropy(32),
        groups=TLS13_GROUPS,
        server_name=target.server_name,
        session=entropy(32),
    )


def _classic(version: Version, target: Target, entropy: Callable[[int], bytes]) -> ClientHello:
    codes = _codes(version)
    return ClientHello(
        version, codes, entropy(32), groups=TLS12_CURVES, server_name=target.server_name
    )


@cache
def _codes(version: Version) -> tuple[int, ...]:
    return tuple(code for code, suite in suites.known().items() if suite.fits(version))


def _shown(reply: Reply) -> list[str]:
    exchange = reply.answer.exchange
    group = f"{exchange.group} {exchange.prime.bit_length()}" if exchange else "-"
    certificates = map(_digest, reply.answer.certificates)
    return [_chosen(reply.hello), group, f"{reply.answer.alert}", *certificates]


def _chosen(hello: ServerHello | None) -> str:
    if hello is None:
        return "refused"
    return f"{int(hello.version)} {hello.suite} {hello.group} {sorted(hello.extensions)}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
