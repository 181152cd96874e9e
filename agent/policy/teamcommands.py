"""The commands by which a security team keeps its store of policy. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from agent import options
from agent.policy.teamoptions import FOLDER, ROLES, access, now, numbers, pairs, tell

if TYPE_CHECKING:
    from pathlib import Path

    from agent.policy.teamoptions import Access

_NONE: Final = "none"
_TIMER: Final = """
\b
cron:
  7 */6 * * *  hygiene-agent policy refresh -q --keys /etc/policy-keys /srv/policy

\b
systemd, policy-refresh.service:
  [Service]
  Type=oneshot
  ExecStart=hygiene-agent policy refresh -q --keys /etc/policy-keys /srv/policy

\b
systemd, policy-refresh.timer:
  [Timer]
  OnCalendar=00/6:07
  Persistent=true
  [Install]
  WantedBy=timers.target
"""


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
    """Begin a store in FOLDER, which is kept in git; keys are kept elsewhere.

    ROLE is root (trusts keys), targets (signs policy), snapshot or timestamp (sign what is served,
    again and again). Without options the keys are root and root-spare (either does), policy and
    online. Keys that `add-key` wrote down are taken, others are made.
    """
    from agent.policy import founding
    from agent.policy.signing import Days

    named = {role: tuple(names.split(",")) for role, names in pairs(roles, "--role").items()}
    plan = founding.Plan(
        {role: named.get(role, founding.KEYS[role]) for role in ROLES},
        numbers(threshold, "--threshold", 100),
        Days(**numbers(days, "--days", 3650)),
        unattended,
    )
    ring = access.ring(folder)
    made, acts = founding.begin(folder, plan, ring, now())
    tell(folder, acts)
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
@click.option("--ca", type=options.FILE, help="Who signed the engine's certificate; the system's.")
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
    tell(folder, [Act("policy key added", name)])


@click.command()
@FOLDER
@click.option("--key", "-k", "names", multiple=True, required=True, help="By its name; repeat.")
@click.option("--anew", is_flag=True, help="Drop signatures of what the folder says no more.")
@access
def sign(folder: Path, names: tuple[str, ...], access: Access, *, anew: bool) -> None:
    """Sign what FOLDER says now, and any other root of trust that waits.

    Commit staged/ then, for others to add their signatures. Look first: policy diff, policy status.
    """
    from agent.policy import staging

    desk = access.desk(folder)
    tell(folder, staging.sign(desk, names, anew=anew))


@click.command()
@FOLDER
@access
def publish(folder: Path, access: Access) -> None:
    """Serve what has its signatures: FOLDER/store, for any web server, object store or file share.

    To copy it elsewhere, copy store/targets first, then store/metadata, timestamp.json last. Hosts
    trust from the beginning store/metadata/1.root.json or a newer one.
    """
    from agent.policy import serving

    acts = serving.publish(access.desk(folder))
    tell(folder, acts)
    if not acts:
        click.echo("nothing is new: nothing published")


@click.command("rotate-key")
@FOLDER
@click.argument("role", type=click.Choice(ROLES))
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
    tell(folder, staging.rotate(desk, Change(role, gone, come, threshold)))
    click.echo("next: policy sign, then policy publish")


@click.command(epilog=_TIMER)
@FOLDER
@click.option("--quiet", "-q", is_flag=True, help="Print nothing when all went well.")
@access
def refresh(folder: Path, access: Access, *, quiet: bool) -> None:
    """Sign that what is served is still the newest: hosts believe that for a day.

    By a timer, every six hours, with a key that has no passphrase (--unattended) or with
    --passphrase-file.
    """
    from agent.policy import serving

    tell(folder, serving.refresh(access.desk(folder)), quiet=quiet)


@click.command()
@FOLDER
@click.option("--days", type=click.IntRange(1, 3650), required=True, help="How long it holds.")
@click.option("--output", "-o", type=options.FILE, required=True, help="The file to write, a tar.")
@access
def bundle(folder: Path, days: int, output: Path, access: Access) -> None:
    """Write what is served into one file, for hosts and image builds that reach no store.

    Hosts check it as they check the store, and take it for so many days.
    """
    from agent.policy import bundling

    tell(folder, bundling.write(access.desk(folder), days, output))


COMMANDS: Final = (add_key, bundle, init, publish, refresh, rotate_key, sign)
