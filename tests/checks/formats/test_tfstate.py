"""The type of a Terraform resource says which attributes are secrets."""

from __future__ import annotations

import json

from checks.formats import tfstate
from checks.model import Role


def _state(kind: str, attribute: str) -> str:
    instance = {"attributes": {"id": "none", attribute: "abc"}, "sensitive_attributes": []}
    return json.dumps(
        {"resources": [{"type": kind, "name": "x", "instances": [instance]}]}, indent=1
    )


def _secrets(text: str) -> list[str]:
    return [entry.keys[-1] for entry in tfstate.parse(text) if entry.role is Role.SECRET]


def test_the_result_of_a_random_password_is_secret() -> None:
    """The same attribute of another resource is not."""
    assert _secrets(_state("random_password", "result")) == ["result"]
    assert _secrets(_state("random_pet", "result")) == []
