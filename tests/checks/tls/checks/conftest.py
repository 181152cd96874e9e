"""A sound TLS 1.2 and 1.3 endpoint to spoil, and short ways to judge one."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import pytest

from checks.tls import suites
from checks.tls.facts import Accepted, EndpointFacts, Target
from checks.tls.faults import Context
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.tls.faults import Fault

    class Judge(Protocol):
        """A module of checks."""

        def judge(self, facts: EndpointFacts, context: Context) -> Iterator[Fault]:
            """Find the faults."""
            ...


_SOUND = EndpointFacts(
    target=Target("127.0.0.1", 443),
    versions={v: v in {Version.TLS12, Version.TLS13} for v in Version},
    suites=(Accepted(Version.TLS13, 0x1301), Accepted(Version.TLS12, 0xC02F)),
    complete=True,
    groups=(0x11EC, 29),
    curves=(29, 23),
    compression=False,
    secure_renegotiation=True,
    client_renegotiation=False,
    extended_master_secret=True,
    early_data=0,
)
_CONTEXT = Context(datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC))


@pytest.fixture
def endpoint() -> Callable[..., EndpointFacts]:
    """Give a sound endpoint with what is said of it; versions are named as spoken ones."""

    def made(*versions: Version, **known: Any) -> EndpointFacts:  # noqa: ANN401 - any field
        if versions:
            known["versions"] = {version: version in versions for version in Version}
        return msgspec.structs.replace(_SOUND, **known)

    return made


@pytest.fixture
def faults() -> Callable[[Judge, EndpointFacts], list[Fault]]:
    """Judge facts by a module."""
    return lambda module, facts: list(module.judge(facts, _CONTEXT))


@pytest.fixture
def ids() -> Callable[[Judge, EndpointFacts], set[str]]:
    """Name the checks that facts fail; each of them at most once."""

    def found(module: Judge, facts: EndpointFacts) -> set[str]:
        names = [fault.check for fault in module.judge(facts, _CONTEXT)]
        assert len(names) == len(set(names))
        return set(names)

    return found


@pytest.fixture
def accepted() -> Callable[..., tuple[Accepted, ...]]:
    """Give suites by their names, agreed on with one version."""
    by_name = {suite.name: suite.code for suite in suites.known().values()}

    def made(version: Version, *names: str) -> tuple[Accepted, ...]:
        return tuple(Accepted(version, by_name[name]) for name in names)

    return made
