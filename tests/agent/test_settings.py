"""The bootstrap file is strict, and says where it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent import settings
from agent.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_least_file_is_whole(tmp_path: Path) -> None:
    """A version is all that has to be said."""
    file = tmp_path / "agent.yaml"
    file.write_text("version: 1\nhost: {labels: {env: prod}}\n")
    told = settings.load(file)
    assert told.host.labels == {"env": "prod"}
    assert "/etc" in told.watch.roots
    assert told.sinks == {}


KEY = {"source": {"kind": "kv", "path": "web/tls"}}
KINDS = "keys.b.source.kind: expected one of kv, lease, pki, got 'x'"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({}, "version: expected a value, got none"),
        ({"version": 2}, "version: expected one of 1, got 2"),
        ({"version": 1, "watc": {}}, "watc: unknown key, expected one of actions, budget, "),
        ({"version": 1, "watch": {"sweep": "x"}}, "watch.sweep: expected int, got 'x'"),
        ({"version": 1, "watch": {"roots": ["etc"]}}, r"watch.roots\[0\]: expected .*, got 'etc'"),
        ({"version": 1, "sinks": {"a": {}, "b": 3}}, "sinks.b: expected object, got 3"),
        ({"version": 1, "host": {"labels": {"a": "b", "c": 7}}}, "host.labels.c: expected str"),
        ({"version": 1, "host": {"labels": {"a": "b" * 300}}}, "host.labels.a: expected str"),
        ({"version": 1, "state": "here"}, "state: expected str"),
        ({"version": 1, "keys": {"a": KEY, "b": {"source": {"kind": "x"}}}}, KINDS),
        ({"version": 1, "keys": {"a": KEY, "b": {}}}, "keys.b.source: expected a value, got none"),
        ({"version": 1, "keys": {"a": KEY, "b": {**KEY, "deliver": [{}]}}}, r"keys.b.deliver\[0\]"),
        ({"version": 1, "vault": {"login": {"kind": "token"}}}, "vault.login.token_file: expected"),
        ([], "settings: expected object, got array"),
    ],
)
def test_a_wrong_file_is_refused_at_its_place(raw: object, said: str) -> None:
    """The message names the key, what was expected and what was found."""
    with pytest.raises(SettingsError, match=said):
        settings.from_mapping(raw)
