"""The policy of one run: a file, a store, an offline bundle of one, or the built-in one. EDGE.

A store and a bundle are believed by the root of trust that goes with them, exactly as the daemon
believes them; how far is kept from run to run where this user's folder is.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import click

from agent import home, options, policyfile
from agent.policyfile import Holding
from checks.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable

_NOWHERE: Final = Path("/nonexistent")


class Source(NamedTuple):
    """Where a policy comes from: at most one of file, store (an address) and bundle.

    root: the file with the root of trust; labels: of the host or image that is looked at.
    """

    file: Path | None = None
    store: str = ""
    bundle: Path | None = None
    root: Path | None = None
    labels: tuple[str, ...] = ()


def option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that make a `Source`, which it takes as `policy`."""

    @functools.wraps(command)
    def wired(
        policy: Path | None,
        store: str | None,
        bundle: Path | None,
        root_of_trust: Path | None,
        label: tuple[str, ...],
        **others: object,
    ) -> object:
        source = Source(policy, store or "", bundle, root_of_trust, label)
        return command(policy=_checked(source), **others)

    return functools.reduce(lambda made, one: one(made), reversed(_OPTIONS), wired)


_OPTIONS: Final = (
    options.POLICY,
    click.option("--store", metavar="URL", help="Pull the policy from this store instead."),
    click.option("--bundle", type=options.FILE, help="Take it from an offline bundle instead."),
    click.option("--root-of-trust", type=options.FILE, help="The root of trust of either."),
    click.option(
        "--label", metavar="NAME=VALUE", multiple=True, help="Take the layer of this group."
    ),
)


def _checked(source: Source) -> Source:
    given = [one for one in (source.file, source.store, source.bundle) if one]
    if len(given) > 1:
        raise click.UsageError("expected one of --policy, --store and --bundle")
    if bool(source.store or source.bundle) != (source.root is not None):
        raise click.UsageError("--store and --bundle go with --root-of-trust, and it with them")
    for label in source.labels:
        if not label.partition("=")[1]:
            raise click.UsageError("--label: expected NAME=VALUE")
    return source


class Found(NamedTuple):
    """A policy, and of a store's the edition of each layer."""

    holding: Holding
    editions: tuple[tuple[str, int], ...] = ()


def holding(source: Source) -> Holding:
    """Give the policy; raises PolicyError, for a store too that is not there or not believed."""
    return found(source).holding


def found(source: Source) -> Found:
    """Give the policy with its editions, like `holding`."""
    if source.root is None:
        return Found(policyfile.holding(source.file))
    from agent.events import Host
    from agent.policy import effective
    from agent.policy.pulled import Store
    from agent.settings import StoreSettings

    bundled = f"bundle://{quote(str(source.bundle.absolute()))}" if source.bundle else ""
    told = StoreSettings(url=source.store or bundled, root=str(source.root.absolute()))
    labels = dict(one.split("=", 1) for one in source.labels)
    pulled = Store(told, Host(id="", name="", labels=labels), _folder(told.url)).poll({})
    if pulled.made is None:
        refused = f"{pulled.refused}: " if pulled.refused else ""
        raise PolicyError(f"{told.url}: {refused}{pulled.why}")
    editions = tuple(sorted(pulled.editions.items()))
    return Found(Holding(effective.policy_of(pulled.made), _NOWHERE), editions)


def _folder(url: str) -> Path:
    """Give the folder in which is kept how far a store was believed."""
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    place = home.folder(os.environ, os.geteuid()) / "stores" / name
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PolicyError(f"{place}: {error.strerror}") from error
    return place
