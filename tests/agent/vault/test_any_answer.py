"""Whatever JSON a server answers, there is an object or an error of our own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.keysettings import AppRoleLogin, KvSource, LeaseSource, PkiSource
from agent.vault.got import Got
from agent.vault.session import Session
from agent.vault.sources import source
from checks.errors import HygieneError
from tests.agent.vault.authority import issue
from tests.agent.vault.hostile import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.keysettings import VaultSettings
    from tests.agent.vault.hostile import Hostile

    AnySource = KvSource | PkiSource | LeaseSource
    Ask = Callable[[AnySource, list[bytes]], object]

LEAF = issue("www.example.net", names=["www.example.net"])
WORDS = [
    *("auth", "client_token", "lease_duration", "renewable", "data", "metadata", "version"),
    *("current_version", "versions", "deletion_time", "destroyed", "1", "errors", "chain"),
    *("certificate", "private_key", "key", "serial_number", "ca_chain", "issuing_ca", "lease_id"),
]
LEAVES: st.SearchStrategy[Any] = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    st.sampled_from([1, 60, "aa", "s.x", LEAF.pem, LEAF.private, "2026-01-01T00:00:00Z"]),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6)
    ),
    max_leaves=20,
)
AUTH = {"client_token": "s.x", "lease_duration": 60, "renewable": True}
SOURCES = (
    KvSource(path="web"),
    KvSource(path="web", fields={"a": "key"}),
    PkiSource(role="web", names=("www.example.net",)),
    PkiSource(role="web", names=("www.example.net",), local=False),
    LeaseSource(path="x/creds/app", fields={"a": "key"}),
)


@pytest.fixture
def ask(hostile: Hostile, reach: Callable[..., VaultSettings]) -> Ask:
    """Have a source take a script of answers behind a good login; gives what comes of it."""

    def get(one: AnySource, script: list[bytes]) -> object:
        session = Session(reach(login=AppRoleLogin(role_id="r")), "host")
        hostile.says(answer(200, {"auth": AUTH}), *script)
        try:
            return source(one, session).get("", time.time())
        except HygieneError as error:
            return error
        finally:
            session.close()

    return get


@pytest.mark.parametrize("one", SOURCES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(JSON, min_size=1, max_size=3), status=st.sampled_from([200, 400, 503]))
def test_any_answer_is_an_object_or_an_error(
    ask: Ask, one: AnySource, pieces: list[object], status: int
) -> None:
    """No answer to a source brings out anything else."""
    found = ask(one, [answer(status, piece) for piece in pieces])
    assert isinstance(found, Got | HygieneError)
    assert str(found).isprintable()


def test_a_good_answer_is_an_object(ask: Ask) -> None:
    """The same way leads to an object where the answers are right."""
    pieces = (
        {"data": {"current_version": 1, "versions": {"1": {}}}},
        {"data": {"data": {"key": LEAF.private}, "metadata": {"version": 1}}},
    )
    assert isinstance(ask(SOURCES[1], [answer(200, piece) for piece in pieces]), Got)
