"""No token, secret id, key or password is in any error, representation, log record or traceback."""

from __future__ import annotations

import base64
import itertools
import json
import logging
import secrets
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.keysettings import AppRoleLogin, KvSource, LeaseSource, PkiSource, TokenLogin
from agent.vault.material import Material
from agent.vault.session import Session
from agent.vault.sources import source
from checks.errors import HygieneError
from tests.agent.vault.authority import issue
from tests.agent.vault.hostile import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.keysettings import VaultSettings
    from tests.agent.vault.conftest import Vault
    from tests.agent.vault.hostile import Hostile

NAME = "www.example.net"
SOURCES = (
    KvSource(path="web"),
    KvSource(path="web", fields={"password": "password"}),
    PkiSource(role="web", names=(NAME,)),
    PkiSource(role="web", names=(NAME,), local=False),
    LeaseSource(path="database/creds/app", fields={"password": "password"}),
)


class Canaries:
    """Secrets made for the run, and what they look like in what is shown."""

    def __init__(self) -> None:
        self.token, self.secret_id, self.password, self.lease = (
            f"canary-{secrets.token_hex(16)}" for _ in range(4)
        )
        self.leaf = issue(NAME, names=[NAME])

    def search(self, *texts: str) -> None:
        """Fail if one is found, as it is or in base64."""
        lines = self.leaf.private.splitlines()[1:-1]
        plain = [self.token, self.secret_id, self.password, self.lease, *lines]
        coded = [base64.b64encode(one.encode()).decode()[:-4] for one in plain]
        for text in texts:
            assert not [one for one in (*plain, *coded) if one in text]


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


def _shown(error: BaseException) -> str:
    """Give all that an error shows of itself: text, arguments, and the traceback of all causes."""
    whole = "".join(traceback.format_exception(error))
    return f"{error}{error!r}{error.args}{whole}"


def _everything(caplog: pytest.LogCaptureFixture) -> str:
    records = (f"{one.getMessage()}{one.__dict__}" for one in caplog.records)
    return "".join(records) + caplog.text


def _echoes(canaries: Canaries) -> list[bytes]:
    """Give answers that repeat all they can, beside statuses and types of all kinds."""
    leaf = canaries.leaf
    said = [canaries.token, canaries.secret_id, canaries.password, leaf.private]
    errors = {"errors": said, "data": {"data": {"password": canaries.password}}}
    statuses = [answer(one, errors, f"X-Said: {said[0]}") for one in (400, 403, 404, 429, 500, 503)]
    moved = answer(307, errors, f"Location: https://{canaries.token}@127.0.0.1/")
    odd: list[object] = [
        said,
        {"data": said},
        {"data": {"creation_path": canaries.secret_id}},
        {"data": {"data": said, "metadata": {"version": said[0]}}},
        {"data": {"current_version": canaries.token, "versions": {canaries.token: said}}},
        {"data": {"certificate": canaries.password, "serial_number": said[0]}},
        {
            "data": {
                "certificate": leaf.pem,
                "serial_number": "aa",
                "private_key": leaf.private[:90],
            }
        },
        {"lease_id": canaries.lease, "lease_duration": canaries.token, "data": said},
        {"lease_id": canaries.lease, "lease_duration": 60, "data": {"password": [said]}},
        {"auth": {"client_token": f"{canaries.token}\r\n", "lease_duration": 60}},
    ]
    broken = [
        f"HTTP/1.1 {canaries.token}\r\n\r\n".encode(),
        canaries.token.encode() + b"\r\n\r\n",
        answer(200, said)[:-1],
    ]
    return [*statuses, moved, *(answer(200, one) for one in odd), *broken]


def test_what_a_server_repeats_is_shown_nowhere(
    hostile: Hostile,
    reach: Callable[..., VaultSettings],
    canaries: Canaries,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """A server that throws all it knows back, in answers of all kinds, makes nothing shown."""
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "id"
    path.touch(mode=0o600)
    path.write_text(canaries.secret_id)
    login = AppRoleLogin(role_id="r", secret_id_file=str(path))
    wrapped = AppRoleLogin(
        role_id="r", secret_id_file=str(path), wrapped=True, creation_path="auth/approle/x"
    )
    entered = {"client_token": canaries.token, "lease_duration": 3600, "renewable": True}
    good, failed = answer(200, {"auth": entered}), 0
    for said, settings, way in itertools.product(_echoes(canaries), SOURCES, (login, wrapped)):
        session = Session(reach(login=way, timeout=20), "host")
        one = source(settings, session)
        hostile.says(*([good] if way is login else []), said, then="cut")
        try:
            got = one.get("", time.time())
            canaries.search(repr(got), f"{one} {one!r} {session!r} {session.__dict__}")
        except HygieneError as error:
            failed += 1
            canaries.search(_shown(error), f"{one} {one!r} {session!r}")
        session.close()
    assert failed > 100
    canaries.search(_everything(caplog))


def test_what_goes_well_is_shown_nowhere(
    vault: Vault, canaries: Canaries, caplog: pytest.LogCaptureFixture
) -> None:
    """A real login, a key, a certificate and values: what is shown of them has no secret in it."""
    caplog.set_level(logging.DEBUG)
    settings = vault.approle(revoke=True)
    login: Any = settings.login
    canaries.secret_id = Path(login.secret_id_file).read_text().strip()
    leaf = canaries.leaf
    fields = {"key": leaf.private, "certificate": leaf.pem, "password": canaries.password}
    vault.root.secrets.kv.v2.create_or_update_secret("canary", secret=fields)
    caplog.clear()  # what the test itself asks is not meant
    session = Session(settings, "host")
    told = session.ask(dict[str, Any], lambda hvac: hvac.auth.token.lookup_self())
    canaries.token = told["data"]["id"]
    shown = [repr(session), str(vars(session)), repr(session._client)]
    for fields in ({}, {"password": "password"}):
        got = source(KvSource(path="canary", fields=fields), session).get("", time.time())
        assert got
        shown += [repr(got), str(got), f"{got.what}", json.dumps(got, default=repr)]
        with pytest.raises(TypeError):
            msgspec.json.encode(got)
    for local in (True, False):
        made = source(PkiSource(role="web", names=(NAME,), local=local), session)
        got = made.get("", time.time())
        assert got
        assert isinstance(got.what, Material)
        shown += [repr(got), str(vars(made))]
        lines = got.what.key.decode().splitlines()[1:-1]
        assert not [line for line in lines for text in shown if line in text]
    session.close()
    canaries.search(*shown, _everything(caplog))


def test_a_token_in_a_file_is_shown_nowhere(
    vault: Vault, canaries: Canaries, caplog: pytest.LogCaptureFixture
) -> None:
    """A token that Vault does not know, and a file that holds no token, are not repeated."""
    caplog.set_level(logging.DEBUG)
    for content in (canaries.token, f"{canaries.token} {canaries.password}"):
        settings = vault.settings(login=TokenLogin(token_file=vault.file(content)))
        session = Session(settings, "host")
        with pytest.raises(HygieneError) as caught:
            session.keep()
        canaries.search(_shown(caught.value), repr(session), str(vars(session)))
        session.close()
    canaries.search(_everything(caplog))


def test_the_search_finds(canaries: Canaries) -> None:
    """The canaries would be found."""
    line = canaries.leaf.private.splitlines()[1]
    for text in (
        f"x{canaries.token}x",
        base64.b64encode(canaries.password.encode()).decode(),
        line,
    ):
        with pytest.raises(AssertionError):
            canaries.search("nothing", text)
