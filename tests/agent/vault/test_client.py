"""Whatever a server does, it costs little time and memory and ends in one error of our own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from agent import settings
from agent.settings import SettingsError
from agent.vault.client import Client, Told
from agent.vault.errors import VaultError, Why
from tests.agent.vault.hostile import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.keysettings import VaultSettings
    from tests.agent.vault.conftest import Vault
    from tests.agent.vault.hostile import Hostile

    Connect = Callable[..., Client]
    Reach = Callable[..., VaultSettings]

WELL = answer(200, {"data": {"value": "x"}})


class Data(Told, frozen=True):
    value: str


class Answered(Told, frozen=True):
    data: Data


def _ask(client: Client, token: str = "") -> Answered:
    return client.ask(Answered, lambda vault: vault.adapter.get("/v1/secret/data/web"), token)


def _change(client: Client) -> Answered:
    return client.ask(
        Answered, lambda vault: vault.adapter.post("/v1/pki/issue/web", json={"a": 1})
    )


def _fails(client: Client) -> VaultError:
    with pytest.raises(VaultError) as caught:
        _ask(client)
    return caught.value


@pytest.fixture
def connect(reach: Reach) -> Iterator[Connect]:
    """Make clients of the misbehaving server, and have them let go of their connections."""
    with contextlib.ExitStack() as made:

        def client(**more: object) -> Client:
            found = Client(reach(**more))
            made.callback(found.close)
            return found

        yield client


@pytest.fixture
def client(connect: Connect) -> Client:
    return connect()


def test_a_good_answer_is_given(hostile: Hostile, client: Client) -> None:
    """What is well is given as what was asked for, over one connection that is kept."""
    hostile.says(WELL)
    assert [_ask(client).data.value for _ in range(3)] == ["x"] * 3
    assert (hostile.connections, client.requests) == (1, 3)
    assert hostile.heard[0].line == "GET /v1/secret/data/web HTTP/1.1"


def test_a_change_is_asked_once(hostile: Hostile, client: Client) -> None:
    """What changes something goes over a new connection, and is not asked again if that breaks."""
    hostile.says(WELL, WELL, b"")
    hostile.script[2] = (b"", "cut")
    _ask(client)
    assert _change(client).data.value == "x"
    with pytest.raises(VaultError) as caught:
        _change(client)
    assert caught.value.why is Why.AWAY
    assert (hostile.connections, len(hostile.heard)) == (3, 3)
    assert json.loads(hostile.heard[1].body) == {"a": 1}


def test_namespace_and_token_go_with_a_question(hostile: Hostile, connect: Connect) -> None:
    """The namespace goes with each, a token with its own question only."""
    hostile.says(WELL)
    client = connect(namespace="team/a")
    _ask(client, "of-one")
    _ask(client)
    first, second = (one.headers for one in hostile.heard)
    assert (first["x-vault-token"], first["x-vault-namespace"]) == ("of-one", "team/a")
    assert "x-vault-token" not in second
    assert second["x-vault-namespace"] == "team/a"
    assert second["x-vault-request"] == "true"


def test_the_environment_changes_nothing(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, connect: Connect
) -> None:
    """Neither token nor address, proxy nor trust are taken from the environment or a home."""
    (tmp_path / ".vault-token").write_text("planted")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login planted password planted\n")
    told = {"VAULT_TOKEN": "planted", "VAULT_ADDR": "https://127.0.0.1:1", "HOME": str(tmp_path)}
    proxies = {"HTTPS_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}
    trust = {"REQUESTS_CA_BUNDLE": "/nowhere", "VAULT_CACERT": "/nowhere", "VAULT_NAMESPACE": "x"}
    log = {"SSLKEYLOGFILE": str(tmp_path / "keys")}
    for name, value in {**told, **proxies, **trust, **log}.items():
        monkeypatch.setenv(name, value)
    hostile.says(WELL)
    assert _ask(connect()).data.value == "x"
    assert "planted" not in str(hostile.heard)
    assert "x-vault-namespace" not in hostile.heard[0].headers
    assert not (tmp_path / "keys").exists()


STATUSES = [
    (400, ["invalid role or secret ID"], Why.DENIED, "the role id or the secret id"),
    (400, ["x is not allowed by this role"], Why.DENIED, "the role does not allow a name"),
    (401, [], Why.DENIED, "does not allow"),
    (403, ["permission denied"], Why.DENIED, "does not allow"),
    (404, [], Why.ABSENT, "no such thing"),
    (404, ["no handler for route"], Why.ABSENT, "no engine"),
    (412, [], Why.AWAY, "behind"),
    (418, [], Why.BROKEN, "failed"),
    (429, [], Why.LIMITED, "too often"),
    (500, ["local node not active"], Why.BROKEN, "failed"),
    (501, [], Why.SEALED, "not set up"),
    (502, [], Why.AWAY, "cannot reach"),
    (503, ["Vault is sealed"], Why.SEALED, "is sealed"),
    (503, ["maintenance"], Why.AWAY, "does not serve"),
    (504, [], Why.AWAY, "cannot reach"),
]


@pytest.mark.parametrize("case", STATUSES, ids=str)
def test_a_status_says_why(
    hostile: Hostile, client: Client, case: tuple[int, list[str], Why, str]
) -> None:
    """Each status that is not good is one kind of error, named with what was asked for."""
    status, errors, why, text = case
    hostile.says(answer(status, {"errors": errors}))
    error = _fails(client)
    assert error.why is why
    assert str(error).startswith("secret/data/web: ")
    assert text in str(error)
    assert error.after == 0


@pytest.mark.parametrize(
    ("told", "after"),
    [("7", 7), ("999999", 3600), ("9" * 4000, 3600), ("soon", 0), ("-1", 0), ("٣", 0), ("", 0)],
)
def test_how_long_to_wait_is_told(
    hostile: Hostile, client: Client, told: str, after: float
) -> None:
    """Retry-After counts in seconds, up to an hour."""
    hostile.says(answer(429, {}, f"Retry-After: {told}"))
    hostile.script[0] = (hostile.script[0][0], "")
    error = _fails(client)
    assert (error.why, error.after) == (Why.LIMITED, after)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(hostile: Hostile, client: Client, status: int) -> None:
    """The token never goes where a server points to."""
    hostile.says(answer(status, {}, f"Location: {hostile.address}/v1/elsewhere"))
    assert _fails(client).why is Why.REFUSED
    assert len(hostile.heard) == 1


DEEP = b'{"data":' + b"[" * 200_000
NONSENSE = {
    "empty": b"",
    "text": b"<html>hello</html>",
    "half": b'{"data": {"value": "x"',
    "list": b"[]",
    "null": b"null",
    "number": b"7",
    "data of a wrong type": b'{"data": []}',
    "value of a wrong type": b'{"data": {"value": 7}}',
    "no value": b'{"data": {}}',
    "deep": DEEP,
    "deep and whole": DEEP + b"]" * 200_000 + b"}",
    "a long number": b'{"data": ' + b"9" * 100_000 + b"}",
    "not a number": b'{"data": NaN}',
    "not UTF-8": b'{"data": {"value": "\xff"}, \xff}',
    "of other letters": '{"data": {"value": 7}}'.encode("utf-16"),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_said_to_be(hostile: Hostile, client: Client, kind: str) -> None:
    """A good status with anything but the answer is a broken Vault, and nothing is repeated."""
    hostile.says(answer(200, NONSENSE[kind]))
    error = _fails(client)
    assert error.why is Why.BROKEN
    assert str(error).startswith("secret/data/web: ")
    assert len(str(error)) < 100


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_beside_a_bad_status_is_passed_over(
    hostile: Hostile, client: Client, kind: str
) -> None:
    """What comes with a bad status may be anything."""
    hostile.says(answer(403, NONSENSE[kind]))
    assert _fails(client).why is Why.DENIED


def test_an_answer_that_breaks_off_is_none(hostile: Hostile, client: Client) -> None:
    """Half an answer is not believed, even if what came of it reads well."""
    body = b'{"data": {"value": "x"}}'
    hostile.says(answer(200, body + b" ")[:-1], then="cut")
    assert _fails(client).why in {Why.AWAY, Why.BROKEN}
    hostile.says(b"HTTP/1.1 200 OK\r\nContent-Le", then="cut")
    assert _fails(client).why in {Why.AWAY, Why.BROKEN}
    hostile.says(b"\x16\x03 nonsense\r\n\r\n", then="cut")
    assert _fails(client).why is Why.BROKEN


def test_a_long_answer_is_not_read(hostile: Hostile, client: Client) -> None:
    """One of more than a mebibyte is refused, told or not, and not kept in memory."""
    long = b'{"data": {"value": "x"}}' + b" " * (1024 * 1024)
    hostile.says(answer(200, long))
    tracemalloc.start()
    try:
        assert "longer than" in str(_fails(client))
        hostile.says(b"HTTP/1.1 200 OK\r\n\r\n ", then="flood")
        assert "longer than" in str(_fails(client))
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()
    hostile.says(answer(200, long[: 1024 * 1024]))
    assert _ask(client).data.value == "x"


@pytest.mark.parametrize(
    ("said", "then"),
    [
        (b"", "wait"),
        (b"H", "wait"),
        (b"HTTP/1.1 200 OK\r\nX: x", "drip"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n ", "drip"),
        (b"HTTP/1.1 503 no\r\nContent-Length: 9999\r\n\r\n ", "drip"),
    ],
)
def test_a_slow_server_holds_nobody(
    hostile: Hostile, said: bytes, then: str, connect: Connect
) -> None:
    """An answer has to be whole in time, however much of it keeps coming."""
    hostile.says(said, then=then)
    client = connect(timeout=2)
    began = time.monotonic()
    error = _fails(client)
    assert error.why in {Why.SLOW, Why.BROKEN, Why.AWAY}
    assert error.why is Why.SLOW or said.startswith(b"HTTP/1.1 503")
    assert time.monotonic() - began < 30  # two seconds, and a busy machine


def test_nobody_there_is_away(hostile: Hostile, connect: Connect) -> None:
    """A port where nobody listens, and a name that does not exist, are a Vault that is away."""
    hostile.stop()
    assert _fails(connect()).why is Why.AWAY
    assert _fails(connect(address="https://nowhere.invalid:8200")).why is Why.AWAY


def test_a_stranger_is_refused(hostile: Hostile, connect: Connect) -> None:
    """A server whose certificate is of no trusted authority, or of another name, hears nothing."""
    hostile.says(WELL)
    assert _fails(connect(ca="")).why is Why.REFUSED
    elsewhere = hostile.address.replace("127.0.0.1", "127.0.0.2")
    assert _fails(connect(address=elsewhere)).why in {Why.REFUSED, Why.AWAY}
    assert hostile.heard == []
    assert _ask(connect()).data.value == "x"


def test_only_tls_is_spoken(reach: Reach) -> None:
    """Without TLS the token would be everybody's."""
    with pytest.raises(VaultError, match=r"vault\.address: expected https"):
        Client(reach(address=""))
    with pytest.raises(SettingsError, match=r"vault\.address: expected str"):
        settings.from_mapping({"version": 1, "vault": {"address": "http://127.0.0.1:8200"}})


def test_a_key_for_others_is_refused(
    hostile: Hostile, trusted: tuple[str, str, str], tmp_path: Path, connect: Connect
) -> None:
    """Our own client key has to be in a private file."""
    hostile.says(WELL)
    key = tmp_path / "key"
    shutil.copy(trusted[2], key)
    key.chmod(0o644)
    error = _fails(connect(certificate=trusted[1], key=str(key)))
    assert error.why is Why.REFUSED
    os.chmod(key, 0o600)
    assert _ask(connect(certificate=trusted[1], key=str(key))).data.value == "x"


def test_an_answer_shows_nothing() -> None:
    """What was answered is not in any representation."""
    told: Any = Answered(Data("hidden"))
    assert [repr(told), repr(told.data), f"{told}"] == ["<Answered>", "<Data>", "<Answered>"]


def test_a_real_server_answers(vault: Vault, connect: Connect) -> None:
    """OpenBao answers as this client expects, and its refusals have their reasons."""
    path = vault.folder.name
    vault.root.secrets.kv.v2.create_or_update_secret(path, secret={"a": "b"})
    client = connect(address=vault.server.address, ca=str(vault.server.ca))
    token = vault.token()

    def read(name: str) -> Callable[[Any], object]:
        return lambda it: it.secrets.kv.v2.read_secret_version(name, raise_on_deleted_version=True)

    assert client.ask(dict[str, Any], read(path), token)["data"]["data"] == {"a": "b"}
    for name, with_token, why in (
        (path, "", Why.DENIED),
        (path, "s.nobody", Why.DENIED),
        ("nowhere", token, Why.ABSENT),
    ):
        with pytest.raises(VaultError) as caught:
            client.tell(read(name), with_token)
        assert caught.value.why is why
