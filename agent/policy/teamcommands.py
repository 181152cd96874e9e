"""The commands by which a security team keeps its store of policy. EDGE."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from agent.policy.desk import Desk
    from agent.policy.keyring import Keyring
    from agent.policy.staging import Act

FOLDER: Final = click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False)
)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_ROLES: Final = ("root", "targets", "snapshot", "timestamp")
_NONE: Final = "none"


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
    @click.option("--passphrase-file", type=_FILE, help="Private file with the passphrase.")
    @click.option("--token-file", type=_FILE, help="Token of Vault or OpenBao; ~/.vault-token.")
    @functools.wraps(function)
    def command(
        keys: Path | None, passphrase_file: Path | None, token_file: Path | None, **rest: object
    ) -> None:
        function(access=Access(keys, passphrase_file, token_file), **rest)

    return command


def _told(folder: Path, acts: Iterable[Act], *, quiet: bool = False) -> None:
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


def _pairs(told: tuple[str, ...], what: str) -> dict[str, str]:
    """Read options ROLE=VALUE; raises click.UsageError."""
    found = dict(one.partition("=")[::2] for one in told)
    if not all(role in _ROLES and value for role, value in found.items()):
        raise click.UsageError(f"{what}: expected ROLE=VALUE, ROLE one of {', '.join(_ROLES)}")
    return found


def _numbers(told: tuple[str, ...], what: str, most: int) -> dict[str, int]:
    found = _pairs(told, what)
    if not all(one.isdecimal() and 1 <= int(one) <= most for one in found.values()):
        raise click.UsageError(f"{what}: expected ROLE=NUMBER, from 1 to {most}")
    return {role: int(number) for role, number in found.items()}


@click.command()
@FOLDER
@click.option("--role", "roles", multiple=True, metavar="ROLE=KEY,KEY", help="Whose keys sign.")
@click.option("--threshold", multiple=True, metavar="ROLE=N", help="How many of them have to.")
@click.option("--days", multiple=True, metavar="ROLE=N", help="How long what they sign holds.")
@click.option("--unattended", is_flag=True, help="No passphrase for keys that a timer needs.")
@access
def init(  # noqa: PLR0913 - one parameter an option
    folder: Path,
    roles: tuple[str, ...],
    threshold: tuple[str, ...],
    days: tuple[str, ...],
    access: Access,
    *,
    unattended: bool,
) -> None:
    """Begin a store in DIR, which is kept in git; keys are kept elsewhere.

    ROLE is root (trusts keys), targets (signs policy), snapshot or timestamp (sign what is served,
    again and again). Without options the keys are root and root-spare (either does), policy and
    online. Keys that `add-key` wrote down are taken, others are made.
    """
    from agent.policy import founding
    from agent.policy.signing import Days

    named = {role: tuple(names.split(",")) for role, names in _pairs(roles, "--role").items()}
    plan = founding.Plan(
        {role: named.get(role, founding.KEYS[role]) for role in _ROLES},
        _numbers(threshold, "--threshold", 100),
        Days(**_numbers(days, "--days", 3650)),
        unattended,
    )
    ring = access.ring(folder)
    made, acts = founding.begin(folder, plan, ring, now())
    _told(folder, acts)
    if made:
        click.echo(
            f"made in {ring.folder}: {', '.join(made)}; keep copies, root's off this machine"
        )
    click.echo(f"next: write {folder}/base.yaml, then policy sign, then policy publish")


@click.command("add-key")
@FOLDER
@click.argument("name")
@click.option("--unattended", is_flag=True, help="No passphrase: for a key that a timer needs.")
@click.option("--transit", metavar="KEY", help="Take up this key of a transit engine.")
@click.option("--address", default="https://127.0.0.1:8200", help="Where the engine is.")
@click.option("--namespace", default="", help="Of the engine.")
@click.option("--mount", default="transit", help="Of the engine; transit.")
@click.option("--key-version", type=click.IntRange(1), default=1, help="Of the key; 1.")
@click.option("--ca", type=_FILE, help="Who signed the engine's certificate; the system's.")
@access
def add_key(  # noqa: PLR0913 - one parameter an option
    folder: Path,
    name: str,
    access: Access,
    *,
    transit: str | None,
    address: str,
    namespace: str,
    mount: str,
    key_version: int,
    ca: Path | None,
    unattended: bool,
) -> None:
    """Make a key, or take up one of Vault or OpenBao, and write it into signing.yaml.

    It may sign once `init` or `rotate-key` gave it a role.
    """
    from agent.policy import founding, signing
    from agent.policy.staging import Act

    ring = access.ring(folder)
    if transit is None:
        founding.add(folder, name, ring, unattended=unattended)
    else:
        place: dict[str, object] = {
            "address": address,
            "key": transit,
            "version": key_version,
            "mount": mount,
            "namespace": namespace,
            "ca": str(ca.absolute()) if ca else "",
        }
        founding.take_up(folder, name, ring, signing.transit(place))
    _told(folder, [Act("policy key added", name)])


@click.command()
@FOLDER
@click.option("--key", "-k", "names", multiple=True, required=True, help="By its name; repeat.")
@click.option("--anew", is_flag=True, help="Drop signatures of what the folder says no more.")
@access
def sign(folder: Path, names: tuple[str, ...], access: Access, *, anew: bool) -> None:
    """Sign what DIR says now, and any other root of trust that waits.

    Commit staged/ then, for others to add their signatures. Look first: policy diff, policy status.
    """
    from agent.policy import staging

    desk = access.desk(folder)
    _told(folder, staging.sign(desk, names, anew=anew))


@click.command()
@FOLDER
@access
def publish(folder: Path, access: Access) -> None:
    """Serve what has its signatures: DIR/store, for any web server, object store or file share.

    To copy it elsewhere, copy store/targets first, then store/metadata, timestamp.json last. Hosts
    trust from the beginning store/metadata/1.root.json or a newer one.
    """
    from agent.policy import serving

    acts = serving.publish(access.desk(folder))
    _told(folder, acts)
    if not acts:
        click.echo("nothing is new: nothing published")


@click.command("rotate-key")
@FOLDER
@click.argument("role", type=click.Choice(_ROLES))
@click.argument("old")
@click.argument("new")
@click.option("--threshold", type=click.IntRange(1), help="How many keys have to sign from now on.")
@access
def rotate_key(  # noqa: PLR0913 - one parameter an option
    folder: Path, role: str, old: str, new: str, *, threshold: int | None, access: Access
) -> None:
    """Put key NEW in the place of OLD for ROLE; "none" only adds, or only takes away.

    NEW is made by add-key first. Then holders of root keys sign, the old ones and the new ones as
    many as have to each, and publish makes it hold. OLD does not have to sign: it may be lost.
    """
    from agent.policy import keyring, staging
    from agent.policy.roots import Change

    desk = access.desk(folder)
    gone, come = (
        None if name == _NONE else keyring.public(desk.signing.known(name)) for name in (old, new)
    )
    _told(folder, staging.rotate(desk, Change(role, gone, come, threshold)))
    click.echo("next: policy sign, then policy publish")


@click.command()
@FOLDER
@click.option("--quiet", "-q", is_flag=True, help="Print nothing when all went well.")
@access
def refresh(folder: Path, access: Access, *, quiet: bool) -> None:
    r"""Sign that what is served is still the newest: hosts believe that for a day.

    By a timer, every six hours, with a key that has no passphrase (--unattended) or with
    --passphrase-file. cron:

    \b
        7 */6 * * * hygiene-agent policy refresh --quiet --keys /etc/policy-keys /srv/policy

    systemd, policy-refresh.service and policy-refresh.timer:

    \b
        [Service]
        Type=oneshot
        ExecStart=hygiene-agent policy refresh --quiet --keys /etc/policy-keys /srv/policy
        [Timer]
        OnCalendar=00/6:07
        Persistent=true
        [Install]
        WantedBy=timers.target
    """
    from agent.policy import serving

    _told(folder, serving.refresh(access.desk(folder)), quiet=quiet)


@click.command()
@FOLDER
@click.option("--days", type=click.IntRange(1, 3650), required=True, help="How long it holds.")
@click.option("--output", "-o", type=_FILE, required=True, help="The file to write, a tar.")
@access
def bundle(folder: Path, days: int, output: Path, access: Access) -> None:
    """Write what is served into one file, for hosts and image builds that reach no store.

    Hosts check it as they check the store, and take it for so many days.
    """
    from agent.policy import bundling

    _told(folder, bundling.write(access.desk(folder), days, output))


COMMANDS: Final = (add_key, bundle, init, publish, refresh, rotate_key, sign)
