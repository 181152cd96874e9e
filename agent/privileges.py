"""Show what each role may do on this host, from the table that the roles confine themselves by."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, Final

from agent import confine, confinements, hostpaths

if TYPE_CHECKING:
    from agent.confine import Confinement
    from agent.settings import Settings

FORMS: Final = ("json", "text")
_WIDTH: Final = 9
_PYTHON: Final = "Python and its libraries"
_ALWAYS: Final = (
    "no role: makes core dumps, is traced, gains privileges, opens namespaces, mounts, loads code"
    " into the kernel, signals processes that it did not start"
)


def lines(settings: Settings, form: str = "text") -> list[str]:
    """Give what `run --explain-privileges` prints; form: one of FORMS."""
    table = {role: confinements.of(role, settings) for role in sorted(confinements.TABLE)}
    if form == "json":
        told = {role: _described(role, what) for role, what in table.items()}
        whole = {"roles": told, "missing": confine.missing()}
        return json.dumps(whole, indent=2, sort_keys=True).splitlines()
    shown = [line for role, what in table.items() for line in _shown(role, what)]
    return [*shown, _ALWAYS, *(f"not here: {one}" for one in confine.missing())]


def _shown(role: str, what: Confinement) -> list[str]:
    """Show one role: a line for each kind of power."""
    told = _described(role, what)
    parts = [("reads", _read(told["reads"])), ("writes", told["writes"]), ("runs", told["runs"])]
    parts += [("starts", [told["starts"]]), ("network", told["network"])]
    parts += [("holds", told["capabilities"])]
    limits = f"{what.memory} MiB of data, {what.files} descriptors"
    return [
        f"{role}: {told['purpose']}",
        *(line for name, values in parts for line in _listed(name, values)),
        *_listed("limits", [limits]),
        *(_listed("note", [told["note"]]) if told["note"] else ()),
        "",
    ]


def _read(paths: list[str]) -> list[str]:
    """Name one folder for all, and one thing for all that Python needs."""
    if "/" in paths:
        return ["/"]
    python = set(hostpaths.interpreter())
    return [*(path for path in paths if path not in python), _PYTHON]


def _listed(name: str, values: list[str]) -> list[str]:
    """Put the first value behind its name, the others below it."""
    names = [name, *("" for _ in values[1:])]
    return [f"  {one:<{_WIDTH}} {value}" for one, value in zip(names, values or ["-"], strict=True)]


def _described(role: str, what: Confinement) -> dict[str, Any]:
    """Put one role's powers into words."""
    row = confinements.TABLE[role]
    return {
        "purpose": row.purpose,
        "note": row.kept,
        "reads": sorted({*what.read, *what.write, *what.links, *what.execute}),
        "writes": sorted({*what.write, *what.links}),
        "runs": sorted(what.execute),
        "starts": "processes and threads" if what.fork else "threads only",
        "network": _network(what),
        "capabilities": sorted(one.name for one in what.capabilities),
        "memory_mib": what.memory,
        "descriptors": what.files,
    }


def _network(what: Confinement) -> list[str]:
    """Say what may go out and come in; nothing where no socket may be made."""
    families = {socket.AddressFamily(one) for one in what.families}
    told = ["TCP to any port"] if what.connect else []
    told += ["UDP"] if what.udp else []
    told += ["TCP from others"] if what.bind else []
    told += ["the kernel (netlink)"] if socket.AF_NETLINK in families else []
    return told + (["local sockets"] if socket.AF_UNIX in families else [])
