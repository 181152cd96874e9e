"""Files whose one line is a secret: the Erlang cookie, Vault tokens, initial passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats.textlines import numbered, payload
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    ".erlang.cookie", "erlang.cookie", ".vault-token", ".vault_pass", ".vault_pass.txt",
    ".vault-pass", ".vault-pass.txt", ".vault_password", ".vault-password", "vault_pass.txt",
    "vault-password.txt", "vault_password.txt", ".ansible_vault_pass", "initialadminpassword",
    "ldap.secret", "pam_ldap.secret", "libnss-ldap.secret", "mysql.secret", ".mysql_secret",
    "ceph/*.secret", "k3s/server/token", "server/node-token", "etcd/token", ".sshpass",
    "grub.passwd", "ddclient.token", ".consul-token", ".nomad-token", ".influx_token",
    ".s3backer_passwd", "openvpn/askpass", "duplicity.pass", "borg/passphrase",
    ".borg-passphrase", "restic/password", "restic-password", ".restic-password",
    "bitcoin/.cookie", "config/master.key", "config/credentials/*.key", "secrets.yml.key",
    "config/*_master.key", "kadm5.password", "corosync/uidgid.secret", "rabbitmq/cookie",
    "x11vnc/passwd.txt", ".vnc/passwd.txt", "x11vnc.pass", "etc/authd.pass",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_MOST_LINES: Final = 4


def parse(text: str) -> Iterator[Entry]:
    """Give the secret under ("secret",); raises FormatError when there are several lines.

    Comment lines may stand above it; `Password: x` gives what follows the label.
    """
    lines = list(_few(text))
    if not lines:
        return
    number, value = lines[-1]
    if len(lines) > 1:
        raise FormatError("more than one line", number)
    label, colon, rest = value.partition(":")
    if colon and label.lower() in {"password", "token", "secret"}:
        value = rest.strip()
    yield Entry(("secret",), value, number, Role.SECRET)


def _few(text: str) -> Iterator[tuple[int, str]]:
    for count, line in enumerate(payload(numbered(text))):
        if count == _MOST_LINES:
            return
        yield line.number, line.text.strip()
