"""A session has a good token whenever there is one to be had, and asks for it seldom."""

from __future__ import annotations

import contextlib
import itertools
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.keysettings import AppRoleLogin, TokenLogin
from agent.vault.errors import VaultError, Why
from agent.vault.session import Session, uptime
from tests.agent.vault.hostile import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.keysettings import VaultSettings
    from tests.agent.vault.conftest import Vault
    from tests.agent.vault.hostile import Hostile

    Reach = Callable[..., VaultSettings]
    Begin = Callable[[VaultSettings], Session]


class Clock:
    """A clock that a test puts forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def begin(clock: Clock) -> Iterator[Begin]:
    """Make sessions, and close them."""
    made: list[Session] = []

    def session(settings: VaultSettings) -> Session:
        made.append(Session(settings, "host", clock))
        return made[-1]

    yield session
    for one in made:
        one.close()


def _token(session: Session) -> str:
    """Give the token that a question goes with, as the server names it."""
    told = session.ask(dict[str, Any], lambda vault: vault.auth.token.lookup_self())
    found: str = told["data"]["id"]
    return found


def _alive(vault: Vault, token: str) -> bool:
    found = vault.root.adapter.post(
        "/v1/auth/token/lookup", json={"token": token}, raise_exception=False
    )
    return isinstance(found, dict)


def _read(session: Session) -> object:
    return session.ask(dict[str, Any], lambda vault: vault.adapter.get("/v1/secret/data/web"))


def _fails(session: Session) -> VaultError:
    with pytest.raises(VaultError) as caught:
        _read(session)
    return caught.value


LOGIN = answer(200, {"auth": {"client_token": "s.one", "lease_duration": 60, "renewable": True}})
OTHER = answer(200, {"auth": {"client_token": "s.two", "lease_duration": 60, "renewable": True}})
SHORT = answer(200, {"auth": {"client_token": "s.one", "lease_duration": 20, "renewable": True}})
WELL = answer(200, {"data": {"value": "x"}})
DENIED = answer(403, {"errors": ["permission denied"]})
SEALED = answer(503, {"errors": ["Vault is sealed"]})


@pytest.fixture
def session(reach: Reach, begin: Begin) -> Session:
    return begin(reach(login=AppRoleLogin(role_id="r"), revoke=True))


def _paths(hostile: Hostile) -> list[str]:
    return [one.line.split()[1].removeprefix("/v1/") for one in hostile.heard]


def test_a_login_serves_many_questions(vault: Vault, begin: Begin) -> None:
    """The first question logs in; the token is kept for the next ones."""
    session = begin(vault.approle())
    assert session.requests == 0
    assert _token(session) == _token(session)
    assert (session.requests, session.logins) == (3, 1)


def test_a_token_is_renewed_before_it_ends(vault: Vault, begin: Begin, clock: Clock) -> None:
    """At two thirds of its life, and not before, the same token gets another life."""
    session = begin(vault.approle(token_ttl="600s"))
    first = _token(session)
    assert session.keep() == 300.0
    clock.now += 350
    asked = session.requests
    left = session.keep()
    assert (session.requests, session.logins) == (asked, 1)
    clock.now += left
    assert session.keep() == 300.0
    assert session.requests == asked + 1
    clock.now += 350
    assert _token(session) == first


def test_a_token_that_nobody_wants_in_time_is_left_to_end(
    vault: Vault, begin: Begin, clock: Clock
) -> None:
    """Whoever asks after it logs in; where somebody asks sooner it is renewed."""
    session = begin(vault.approle(token_ttl="600s"))
    first = _token(session)
    for _ in range(10):
        clock.now += session.keep(9000.0)
    assert (session.requests, session.logins) == (2, 1)
    second = _token(session)
    assert (second != first, session.logins) == (True, 2)
    clock.now += 450
    asked = session.requests
    assert session.keep(100.0) == 300.0
    assert (session.requests, session.logins, _token(session)) == (asked + 1, 2, second)


def test_a_token_that_may_not_be_had_again_is_kept(
    vault: Vault, begin: Begin, clock: Clock
) -> None:
    """A wrapped secret id may be good for one login only."""
    session = begin(vault.approle(wrapped=True, token_ttl="600s"))
    first = _token(session)
    for _ in range(10):
        clock.now += session.keep(9000.0)
    assert (_token(session), session.logins) == (first, 1)


def test_a_token_near_its_longest_life_is_replaced(
    hostile: Hostile, session: Session, clock: Clock
) -> None:
    """A renewal that gives much less than the first life is followed by a login."""
    hostile.says(LOGIN, SHORT, OTHER, WELL)
    session.keep()
    clock.now += 45
    session.keep()
    _read(session)
    assert hostile.heard[-1].headers["x-vault-token"] == "s.two"
    assert _paths(hostile)[1] == "auth/token/renew-self"


def test_a_token_that_ended_is_replaced(vault: Vault, begin: Begin, clock: Clock) -> None:
    """After its end, as after a long sleep of the machine, there is another login."""
    session = begin(vault.approle(token_ttl="60s"))
    first = _token(session)
    clock.now += 61
    assert _token(session) != first
    assert session.logins == 2


def test_a_token_that_was_revoked_is_replaced(vault: Vault, begin: Begin) -> None:
    """Where Vault does not know the token any more, the question is asked again with another."""
    vault.root.secrets.kv.v2.create_or_update_secret("web", secret={"a": "b"})
    session = begin(vault.approle())
    first = _token(session)
    vault.root.auth.token.revoke(first)
    assert _read(session)
    assert (_token(session) != first, session.logins) == (True, 2)


def test_what_is_denied_is_no_lost_token(vault: Vault, begin: Begin) -> None:
    """Where the token is good and may not do something, there is no other login."""
    session = begin(vault.approle(token_policies=["default"]))
    first = _token(session)
    assert _fails(session).why is Why.DENIED
    assert (_token(session), session.logins) == (first, 1)


def test_a_token_that_knows_nothing_of_itself_logs_in_once_more(
    hostile: Hostile, session: Session
) -> None:
    """Where it may not look itself up, one more login shows that it was not lost, and no other."""
    hostile.says(LOGIN, DENIED, DENIED, OTHER, DENIED)
    for _ in range(5):
        assert _fails(session).why is Why.DENIED
    assert session.logins == 2
    assert _paths(hostile)[:4] == [
        "auth/approle/login",
        "secret/data/web",
        "auth/token/lookup-self",
        "auth/approle/login",
    ]
    assert len(hostile.heard) == 6 + 4


def test_a_login_that_failed_is_not_repeated_at_once(
    hostile: Hostile, session: Session, clock: Clock
) -> None:
    """However many ask, it is tried again after a wait, which grows; all are told what is wrong."""
    hostile.says(SEALED)
    waits = []
    for number in range(1, 8):
        error = _fails(session)
        assert (error.why, len(hostile.heard)) == (Why.SEALED, number)
        later = _fails(session)
        assert (later.why, str(later), len(hostile.heard)) == (Why.SEALED, str(error), number)
        waits.append(later.after)
        clock.now += later.after
    assert waits[0] <= 2
    assert all(later > earlier / 2 for earlier, later in itertools.pairwise(waits))
    assert waits[-1] > 60
    hostile.says(LOGIN, WELL)
    assert _read(session)


def test_a_wait_begins_when_a_login_failed(hostile: Hostile, reach: Reach) -> None:
    """Not when it was begun: who takes ten seconds to say no is not asked at once again."""
    hostile.says(SEALED)
    settings = reach(login=AppRoleLogin(role_id="r"), revoke=False)
    made = Session(settings, "host", lambda: 1000.0 + 10 * len(hostile.heard))
    with contextlib.closing(made) as session:
        assert _fails(session).why is Why.SEALED
        assert 1 <= _fails(session).after <= 2
    assert len(hostile.heard) == 1


def test_a_login_waits_as_long_as_it_was_told(
    hostile: Hostile, session: Session, clock: Clock
) -> None:
    """Retry-After is kept to."""
    hostile.says(answer(429, {}, "Retry-After: 100"))
    assert _fails(session).after == 100
    clock.now += 100
    assert 0 < _fails(session).after < 2
    assert len(hostile.heard) == 1


def test_an_outage_does_not_cost_the_token(
    hostile: Hostile, session: Session, clock: Clock
) -> None:
    """A renewal that fails for want of an answer is tried again, and the token used meanwhile."""
    hostile.says(LOGIN, SEALED)
    session.keep()
    clock.now += 45
    with pytest.raises(VaultError):
        session.keep()
    hostile.says(WELL)
    assert _read(session)
    assert hostile.heard[-1].headers["x-vault-token"] == "s.one"
    hostile.says(LOGIN, WELL)
    clock.now += 5
    session.keep()
    assert _paths(hostile)[-1] == "auth/token/renew-self"
    clock.now += 50
    assert _read(session)
    assert session.logins == 1


def test_a_login_that_failed_is_tried_again_when_somebody_wants_it(
    hostile: Hostile, session: Session
) -> None:
    """Within its wait nothing is asked, and the error says so; `hurry` ends the wait."""
    hostile.says(SEALED)
    assert _fails(session).asked
    assert not _fails(session).asked
    assert len(hostile.heard) == 1
    session.hurry()
    hostile.says(LOGIN, WELL)
    assert _read(session)


@pytest.mark.parametrize("revoke", [True, False])
def test_a_token_is_revoked_at_the_end_if_so_set(vault: Vault, begin: Begin, revoke: bool) -> None:  # noqa: FBT001 - the case
    """With `revoke` Vault does not know the token after the end; without it does."""
    session = begin(vault.approle(revoke=revoke))
    token = _token(session)
    assert _alive(vault, token)
    session.close()
    assert _alive(vault, token) is not revoke


def test_an_end_without_vault_is_an_end(hostile: Hostile, session: Session) -> None:
    """Closing raises nothing where Vault is away, and asks nothing where there is no token."""
    session.close()
    assert hostile.heard == []
    hostile.says(LOGIN, SEALED)
    session.keep()
    session.close()
    assert _paths(hostile)[-1] == "auth/token/revoke-self"


def test_somebody_elses_token_is_left_alone(vault: Vault, begin: Begin, clock: Clock) -> None:
    """A token of a file is replaced by the next one in it, and is never renewed nor revoked."""
    settings = msgspec.structs.replace(vault.with_token(vault.token(ttl="60s")), revoke=True)
    assert isinstance(settings.login, TokenLogin)
    session = begin(settings)
    first = _token(session)
    clock.now += 50
    assert session.keep() == 300.0
    assert _token(session) == first
    second = vault.token()
    Path(settings.login.token_file).write_text(second)
    assert _token(session) == second
    Path(settings.login.token_file).write_text(f"s.{secrets.token_hex(12)}")
    assert _token(session) == second
    session.close()
    assert _alive(vault, second)


def test_a_session_shows_nothing(hostile: Hostile, session: Session) -> None:
    """It names its server, and no token."""
    hostile.says(LOGIN)
    session.keep()
    assert repr(session) == f"<Session {hostile.address} with token>"


def test_the_clock_goes_on_by_itself() -> None:
    """The clock by which lives are measured never goes back."""
    first = uptime()
    assert uptime() >= first > 0
