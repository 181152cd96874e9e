"""The options that a security team's commands share, and how they tell what they did. EDGE."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from agent import options
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from agent.policy.desk import Desk
    from agent.policy.keyring import Keyring
    from agent.policy.staging import Act

FOLDER: Final = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
ROLES: Final = ("root", "targets", "snapshot", "timestamp")


class Access(NamedTuple):
    """How to get at private keys, as options say."""

    keys: Path | None = None
    passphrase_file: Path | None = None
    token_file: Path | None = None

    def ring(self, folder: Path) -> Keyring:
        """Open the keyring; raises KeyringError where it lies in the folder that is in git."""
        from agent.policy import keyring

        base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        keys = self.keys or Path(base, "hygiene-agent", "keys")
        if keys.resolve().is_relative_to(folder.resolve()):
            raise keyring.KeyringError(f"{keys}: keys do not belong into {folder}")
        token = self.token_file or Path(os.path.expanduser("~/.vault-token"))
        return keyring.Keyring(keys, keyring.Passphrases(self.passphrase_file), token)

    def desk(self, folder: Path) -> Desk:
        """Begin to work on a folder; raises HygieneError."""
        from agent.policy.desk import Desk

        return Desk(folder, self.ring(folder), now())


def now() -> datetime:
    """Read the clock."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time.time(), UTC)


def access(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options by which keys are found, as `access`."""

    @click.option(
        "--keys",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of key files, NAME.pem; ~/.config/hygiene-agent/keys.",
    )
    @click.option("--passphrase-file", type=options.FILE, help="Private file with the passphrase.")
    @click.option(
        "--token-file", type=options.FILE, help="Token of Vault or OpenBao; ~/.vault-token."
    )
    @functools.wraps(function)
    def command(
        keys: Path | None, passphrase_file: Path | None, token_file: Path | None, **rest: object
    ) -> None:
        function(access=Access(keys, passphrase_file, token_file), **rest)

    return command


def tell(folder: Path, acts: Iterable[Act], *, quiet: bool = False) -> None:
    """Say what was done, and note it in the audit log."""
    from agent import audit, home
    from agent.auditlog import Said

    for act in acts:
        if not quiet:
            click.echo(printable(f"{act.did}: {act.about}"))
        said = Said(act.did, str(folder.absolute()), act.about)
        why = audit.note(home.folder(os.environ, os.geteuid()), said, time.time())
        if why:
            click.echo(f"hygiene-agent: not in the audit log: {why}", err=True)


def pairs(told: tuple[str, ...], what: str) -> dict[str, str]:
    """Read options ROLE=VALUE; raises click.UsageError."""
    found = dict(one.partition("=")[::2] for one in told)
    if not all(role in ROLES and value for role, value in found.items()):
        raise click.UsageError(f"{what}: expected ROLE=VALUE, ROLE one of {', '.join(ROLES)}")
    return found


def numbers(told: tuple[str, ...], what: str, most: int) -> dict[str, int]:
    """Read options ROLE=NUMBER, from 1 to a most; raises click.UsageError."""
    found = pairs(told, what)
    if not all(one.isdecimal() and 1 <= int(one) <= most for one in found.values()):
        raise click.UsageError(f"{what}: expected ROLE=NUMBER, from 1 to {most}")
    return {role: int(number) for role, number in found.items()}
