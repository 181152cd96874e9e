"""A name says what its value is by its last word; the traps are names that only sound like it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.secrets.names import Kind, kind, own_name, words

PASSWORDS = """password PASSWORD Password passwd DB_PASSWORD dbPassword db-password password1
    spring.datasource.password MYSQL_ROOT_PASSWORD PGPASSWORD requirepass masterauth bindpw rootpw
    olcRootPW userPassword passphrase keyPassword storePassword password_prod passwordProd
    javax.net.ssl.keyStorePassword wpa_psk db_pass SMTP_PASS admin_pw pwd kennwort senha
    ansible_password ansible_ssh_pass password_value new_password WORDPRESS_DB_PASSWORD
    snmp_community ro_community _SNMPCOMMUNITY bindCredential requiredSecret
    root_password_again enable_password wifi_key wpa_key shared_key turn_shared_secret
    DB_CLAVE PASSWORD_BD password_mysql api_password_http db_pasword""".split()
SHORT = "pass pw psk pass123 mypass ansible_become_pass clave mdp bdd_mdp".split()
TOKENS = """api_key apiKey APIKEY X-Api-Key secret_key SECRET_KEY SECRET_KEY_BASE client_secret
    clientSecret access_token refresh_token auth_token aws_secret_access_key AWS_SECRET_ACCESS_KEY
    private_key encryption_key master_key license_key account_key session_secret
    cookie_secret webhook_secret jwt_secret JWT_SECRET_KEY JWT_SIGNING_KEY SIGNING_KEY hmac_key
    VAULT_TOKEN GITHUB_TOKEN AUTH_KEY SECURE_AUTH_SALT des_key crypt_key api_hash
    RABBITMQ_ERLANG_COOKIE AtRestEncryptKey app_secret_jwt""".split()
VAGUE = "secret token key skey credential credentials auth community".split()
NONE = """password_file passwordFile DB_PASSWORD_FILE password_hash password_policy passwordless
    password_min_length min_password_length password_encryption PasswordAuthentication
    password_reset_url show_password forgot_password password_expires is_password passwordLabel
    password_command passwordField passwords bypass compass passport passenger passive
    access_key_id AWS_ACCESS_KEY_ID client_id token_type token_url tokenizer max_tokens csrf_token
    next_page_token nextToken secret_name secretName secretRef existingSecret secretKeyRef
    imagePullSecrets private_key_path public_key publicKey primary_key foreign_key sort_key
    cache_key partition_key hotkey keyboard monkey credentials_file author authority username user
    name host url email port login account value default chpasswd sshpass keepass signingkey
    user.signingKey shared_key_file wifi_key_mgmt enable_password_auth enclave autoclave
    clave_length""".split()
TABLE = [
    *((name, Kind.PASSWORD) for name in PASSWORDS),
    *((name, Kind.PASS) for name in SHORT),
    *((name, Kind.TOKEN) for name in TOKENS),
    *((name, Kind.VAGUE) for name in VAGUE),
    *((name, Kind.NONE) for name in NONE),
]


@pytest.mark.parametrize(("name", "expected"), TABLE)
def test_a_name_promises_what_its_head_noun_says(name: str, expected: Kind) -> None:
    """`db_password` is a password, `password_file` a file."""
    assert kind((name,)) is expected
    assert kind(("outer", "[0]", name)) is expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("password", "value"), Kind.PASSWORD),
        (("password", "@value"), Kind.PASSWORD),
        (("password", "#text"), Kind.PASSWORD),
        (("password", "default"), Kind.PASSWORD),
        (("password", "[0]"), Kind.PASSWORD),
        (("password", "name"), Kind.NONE),
        (("password", "length"), Kind.NONE),
        (("value",), Kind.NONE),
        ((), Kind.NONE),
    ],
)
def test_neutral_leaves_take_the_name_above(keys: tuple[str, ...], expected: Kind) -> None:
    """A leaf that says nothing passes on what its parent says; a leaf with a meaning does not."""
    assert kind(keys) is expected


def test_a_map_of_passwords_is_keyed_by_accounts() -> None:
    """The account of a database under `password` has one, any other member of it has none."""
    assert kind(("postgresql", "password", "postgres")) is Kind.PASSWORD
    assert kind(("postgresql", "password", "length")) is Kind.NONE
    assert kind(("postgresql", "port", "postgres")) is Kind.NONE


def test_the_innermost_name_is_the_own_one() -> None:
    """List positions and neutral words are skipped; attributes lose their mark."""
    assert own_name(("a", "@password")) == "password"
    assert own_name(("a", "b", "[3]")) == "b"
    assert own_name(("[0]",)) == "[0]"
    assert own_name(()) == ""


def test_words_part_at_case_digits_and_signs() -> None:
    """However a name is spelled, its words are the same."""
    for name in ("dbRootPassword", "DB_ROOT_PASSWORD", "db-root.password", "DbRoot Password"):
        assert words(name) == ["db", "root", "password"]
    assert words("TLSKeyPassword2") == ["tls", "key", "password", "2"]
    assert words("…") == []


@given(st.lists(st.text(max_size=30), max_size=4))
def test_any_key_path_has_a_kind(keys: list[str]) -> None:
    """No name is a fault."""
    assert kind(tuple(keys)) in Kind


def test_a_sentence_or_a_blob_is_no_name() -> None:
    """Very long names promise nothing and cost nothing."""
    begun = time.process_time()
    for unit in ("password_", "aA", "_", "A", "a1", "ref.", "пароль"):
        assert kind((unit * 200_000,)) is Kind.NONE
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("jwt", "secret"), Kind.TOKEN),
        (("Jwt", "Key"), Kind.TOKEN),
        (("Connector", "@secret"), Kind.PASSWORD),
        (("inputs", "snmp", "community"), Kind.PASSWORD),
        (("snmp_*", "env.community"), Kind.PASSWORD),
        (("volumes", "secret"), Kind.VAGUE),
        (("forum", "community"), Kind.VAGUE),
        (("redis", "key"), Kind.VAGUE),
    ],
)
def test_a_vague_word_is_read_with_what_it_stands_in(keys: tuple[str, ...], expected: Kind) -> None:
    """The secret of `jwt` is a `jwt_secret`; elsewhere the word stays vague."""
    assert kind(keys) is expected
