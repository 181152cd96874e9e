"""Look at plain HTTP beside HTTPS: whether a server sends its visitors on. EDGE."""

from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import msgspec

from checks.tls import fixing, judging, plain, software
from checks.tls.answer import NOT_TLS
from checks.tls.checks import http
from checks.tls.facts import Target
from checks.tls.spoken import Kind
from checks.tls.summary import Owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.endpoints import Heard
    from checks.model import Finding
    from checks.tls.facts import EndpointFacts
    from checks.tls.faults import Context, Fault
    from checks.tls.listeners import Listener
    from checks.tls.pace import Paces
    from checks.tls.profilefile import Profile

_AT_ONCE: Final = 8
_HTTPS, _HTTP = 443, 80


def findings(
    heard: Sequence[Heard],
    asked: Sequence[EndpointFacts],
    context: Context,
    paces: Paces,
    wanted: Sequence[Profile] = (),
) -> list[Finding]:
    """Judge the plain ports of servers that have HTTPS.

    heard: this host's listeners; without them asked decides: the endpoints that were asked for;
    wanted: profiles they are to keep.
    """
    targets = list(dict.fromkeys(_beside(heard, asked) if heard else _of(asked)))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(lambda one: plain.observe(one, paces.of(one.host, one.port)), targets)
        seen = [facts for facts in answers if facts]
    found: dict[Target, list[Fault]] = {}
    for facts in sorted(seen, key=lambda one: bool(one.target.server_name)):
        # What a port does under any name need not be told under each.
        if not found.get(msgspec.structs.replace(facts.target, server_name="")):
            faults = list(http.judge(facts, context))
            broken = judging.violations(facts, context, faults, wanted)
            found[facts.target] = [*faults, *broken]
    servers = {facts.target: _server(facts, heard) for facts in seen}
    return [
        judging.described(
            fault,
            _place(target),
            judging.known()[fault.check],
            mended=fixing.mended(fault, servers[target]),
        )
        for target, faults in found.items()
        for fault in faults
    ]


def _server(facts: EndpointFacts, heard: Sequence[Heard]) -> fixing.Server:
    """Say what answers there, as far as its process or its banner tells."""
    here = (facts.target.host, facts.target.port)
    owner = next((o.owner for o in heard if (o.listener.door, o.listener.port) == here), Owner())
    banner = facts.http.server if facts.http else ""
    named = software.of_endpoint((), owner.software, banner)
    return fixing.Server(named, owner.unit)


def _beside(heard: Sequence[Heard], asked: Sequence[EndpointFacts]) -> Iterator[Target]:
    """Give the plain listeners of processes that speak TLS too, under each of their names."""
    speaking = [one.listener for one in heard if one.spoken and one.spoken.speaks_tls]
    for one in heard:
        spoken, listener = one.spoken, one.listener
        if spoken and (spoken.kind, spoken.protocol) == (Kind.PLAIN, "http"):
            doors = {(o.door, o.port) for o in speaking if _is_one_server(o, listener)}
            for facts in asked:
                if (facts.target.host, facts.target.port) in doors:
                    yield Target(listener.door, listener.port, facts.target.server_name)


def _is_one_server(first: Listener, second: Listener) -> bool:
    """Say whether a plain listener, the second, is of the same server and seen from as far."""
    if first.family != second.family or (_is_local(second) and not _is_local(first)):
        return False
    if first.pids and second.pids:
        return not set(first.pids).isdisjoint(second.pids)
    return bool(first.unit) and first.unit == second.unit


def _is_local(listener: Listener) -> bool:
    """Say whether nobody but this host reaches a listener: what it says travels on no wire."""
    return ipaddress.ip_address(listener.address).is_loopback


def _of(asked: Sequence[EndpointFacts]) -> Iterator[Target]:
    """Give what was asked for and speaks something else, and the plain port that goes with 443."""
    for facts in asked:
        target = facts.target
        if target.starttls:
            continue
        if not facts.speaks_tls and any(NOT_TLS in why for why in facts.unseen):
            yield target
        elif facts.speaks_tls and target.port == _HTTPS:
            yield msgspec.structs.replace(target, port=_HTTP)


def _place(target: Target) -> str:
    return f"http://{target}" + (f"/{target.server_name}" if target.server_name else "")
