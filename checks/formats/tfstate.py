"""Terraform state: JSON in which the type of a resource says which attributes are credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import json_docs
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("*.tfstate", "*.tfstate.*")
ALWAYS: tuple[str, ...] = NAMES

_BY_TYPE: Final = {
    "aws_iam_access_key": {"secret", "ses_smtp_password_v4"},
    "aws_iam_user_login_profile": {"password"},
    "aws_secretsmanager_secret_version": {"secret_string"},
    "azuread_application_password": {"value"},
    "azuread_service_principal_password": {"value"},
    "azurerm_key_vault_secret": {"value"},
    "cloudflare_api_token": {"value"},
    "github_actions_secret": {"plaintext_value"},
    "gitlab_deploy_token": {"token"},
    "gitlab_project_variable": {"value"},
    "google_secret_manager_secret_version": {"secret_data"},
    "google_service_account_key": {"private_key"},
    "grafana_api_key": {"key"},
    "rabbitmq_user": {"password"},
    "random_password": {"result"},
    "vault_approle_auth_backend_role_secret_id": {"secret_id"},
    "vault_token": {"client_token"},
}
"""Attributes that the providers' documentation calls sensitive; older states do not list them."""


def parse(text: str) -> Iterator[Entry]:
    """Give the entries of the JSON text, those attributes as secrets; raises FormatError."""
    secrets: set[str] = set()
    for entry in filter(_is_named, json_docs.parse(text)):
        keys = entry.keys
        if len(keys) == 3 and keys[0] == "resources" and keys[2] == "type":
            secrets = _BY_TYPE.get(entry.value, set())
        attribute = keys[-1] in secrets and keys[-2:-1] == ("attributes",)
        yield entry._replace(role=Role.SECRET) if attribute else entry


def _is_named(entry: Entry) -> bool:
    """Leave out the value of a document that is one scalar."""
    return bool(entry.keys)
