"""What a key means in the common configuration schemas: one table, no behaviour.

Keys are compared in lower case. Sources: Kubernetes API reference (Secret, EnvVar,
EncryptionConfiguration), Compose specification, cloud-init module reference, CloudFormation
template anatomy, Azure ARM template syntax, Terraform state format version 4, Docker CLI
`config.json`, and the job keywords of GitLab CI, GitHub Actions, Travis, Drone and CircleCI.
"""

from __future__ import annotations

import enum
import re
from typing import Final

from checks.lazy import regex


class Meaning(enum.Enum):
    """How the value of a key is to be read."""

    NAME = enum.auto()
    """Names the sibling value: `{name: X, value: Y}`."""
    VALUE = enum.auto()
    """Is named by a sibling, or by its container's own key (`variables: X: value: Y`)."""
    KIND = enum.auto()
    """Says what the mapping is."""
    CLEAR_DATA = enum.auto()
    """Holds clear text where the mapping is a Kubernetes Secret."""
    DATA = enum.auto()
    """Holds base64 where the mapping is a Kubernetes Secret."""
    FLAG = enum.auto()
    """True declares the sibling value sensitive."""
    REFERENCE = enum.auto()
    """Points at a value kept elsewhere; nothing below is a value."""
    TRANSPARENT = enum.auto()
    """Wraps a value without naming it."""
    ENVIRONMENT = enum.auto()
    """A list of NAME=VALUE strings."""
    ARGUMENTS = enum.auto()
    """A command line, or a list that is one command line word by word."""
    SCRIPT = enum.auto()
    """A command line, or a list of command lines."""
    SCRIPTS = enum.auto()
    """A mapping whose values are command lines."""
    PROBE = enum.auto()
    """The command line of a Compose health check."""
    CHPASSWD = enum.auto()
    """The cloud-init mapping of passwords to set."""
    CLEAR = enum.auto()
    """A clear-text password of the account described by the mapping."""
    HASHED = enum.auto()
    """A password hash of the account described by the mapping."""
    ACCOUNT = enum.auto()
    """A hash by definition inside `users`, where people put clear text all the same."""
    AUTH = enum.auto()
    """Base64 of user:password in a Docker configuration."""
    KEYFILE = enum.auto()
    """The key of a Kubernetes encryption provider."""
    ATTRIBUTES = enum.auto()
    """The attributes of a Terraform resource instance."""
    SENSITIVE = enum.auto()
    """The paths of those attributes that Terraform holds sensitive."""
    CONTENT = enum.auto()
    """A whole file, whose place and encoding the siblings give (cloud-init, Ansible)."""
    TARGET = enum.auto()
    """Where that file is to lie."""
    ENCODING = enum.auto()
    """How that file is written down."""


_WORDS: Final = {
    Meaning.NAME: """name key parameterkey parameter_key parameter-key parametername optionname
        option_name param-name env-entry-name variable_name question @name @key""",
    Meaning.VALUE: """value parametervalue parameter_value parameter-value optionvalue option_value
        param-value env-entry-value variable_value default defaultvalue default_value val @value
        @connectionstring @default #text""",
    Meaning.KIND: "kind",
    Meaning.CLEAR_DATA: "stringdata",
    Meaning.DATA: "data",
    Meaning.FLAG: "noecho sensitive",
    Meaning.REFERENCE: """valuefrom secretkeyref configmapkeyref fieldref resourcefieldref ref
        fn::getatt fn::importvalue fn::findinmap""",
    Meaning.TRANSPARENT: "<< fn::sub fn::join fn::base64",
    Meaning.ENVIRONMENT: """environment env envs env_vars environment_variables labels literals
        build_args build-args buildargs""",
    Meaning.ARGUMENTS: """command cmd args argv entrypoint exec execstart execstartpre execstartpost
        execstop execstoppost execreload""",
    Meaning.SCRIPT: """script before_script after_script before_install install after_install
        after_success after_failure before_deploy after_deploy run shell raw win_shell win_command
        commands sh bash pwsh powershell inlinescript inline runcmd bootcmd early-commands
        late-commands precommand postcommand execute_command shutdown_command""",
    Meaning.SCRIPTS: "scripts",
    Meaning.PROBE: "test",
    Meaning.CHPASSWD: "chpasswd",
    Meaning.CLEAR: "plain_text_passwd plain-text-passwd",
    Meaning.HASHED: """hashed_passwd hashed-passwd passwordhash password_sha256_hex
        password_double_sha1_hex""",
    Meaning.ACCOUNT: "passwd",
    Meaning.AUTH: "auth",
    Meaning.KEYFILE: "secret",
    Meaning.ATTRIBUTES: "attributes",
    Meaning.SENSITIVE: "sensitive_attributes",
    Meaning.CONTENT: "content",
    Meaning.TARGET: "path dest",
    Meaning.ENCODING: "encoding",
}
_MEANINGS: Final = {word: meaning for meaning, words in _WORDS.items() for word in words.split()}

CONTAINERS: Final = frozenset(
    ("input", "inputs", "output", "outputs", "parameter", "parameters", "variable", "variables")
)
"""Below these a key names the `default` or `value` of the mapping it leads to."""

OF_SECRETS: Final = ("secrets.yaml", "secrets.yml")
"""Files in which Home Assistant and ESPHome keep what is to be kept, under any name."""
PROVIDERS: Final = frozenset({"aescbc", "aesgcm", "secretbox"})
"""Kubernetes encryption providers that keep their key in the file."""

_PLAIN: Final = frozenset(
    "auth-extra-groups ca.crt ca.pem cert crt description tls.crt token-id url.txt account"
    " address addresses alias audience branch branches bucket count database db dbname dialect"
    " dir domain driver email enabled endpoint endpoints env environment expiration expires"
    " expiry from host hostname hosts id issuer level locale login mode name namespace org"
    " organization origin origins path port ports project protocol queue region repo"
    " repository role schema scheme scope scopes server servers size subscription tenant"
    " timeout timezone topic ttl type uri url urls user username version".split()
)
_WORD: Final = regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def is_plain_member(name: str) -> bool:
    """Say whether a member of a Kubernetes Secret only stands beside the credentials: `DB_HOST`."""
    found = _WORD.findall(name)
    return name.lower() in _PLAIN or (
        len(found) > 1 and found[-1].lower() in _PLAIN and found[-2].lower() != "secret"
    )


ASSIGNMENT: Final = regex(r"([A-Za-z_][\w.\-]{0,254})=(.*)", re.DOTALL)
"""One item of an environment list."""

CRYPT: Final = regex(r"\$[0-9a-z-]{1,12}\$.|[*!]|\.?[0-9A-Za-z./]{13}$")
"""How a password field starts that is a crypt(5) hash or a locked account."""


def meaning(key: str) -> Meaning | None:
    """Give the meaning of a key, a qualified one (`ansible.builtin.shell`) by its last part."""
    found = _MEANINGS.get(key.lower())
    if found is None and "." in key and key.startswith("ansible."):
        return _MEANINGS.get(key.rpartition(".")[2])
    return found
