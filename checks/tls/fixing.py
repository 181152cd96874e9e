"""Tell what mends a fault in the words of the very server, and where it goes.

A remedy is the same for all servers; `snippets/` has each server's words for it.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from checks.lazy import regex
from checks.tls import mending, snippets
from checks.tls.remedies import Kind, Spelling, always, is_plain_path, stands_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from checks.tls.config import Setting, Site
    from checks.tls.facts import EndpointFacts
    from checks.tls.faults import Fault
    from checks.tls.remedies import Remedy

_UNIT: Final = regex(r"[A-Za-z0-9_@.\-]{1,80}\.service")
_SHOWN: Final = 3
_INEFFECTIVE: Final = "config-ineffective"


class Words(Protocol):
    """What a module of `checks/tls/snippets` offers; see that package's text."""

    NAME: str
    UNITS: tuple[str, ...]
    RELOAD: str
    ASSIGNED: str
    SPELLINGS: Mapping[Kind, Spelling]


class Server(NamedTuple):
    """The server to mend. software: as in `checks/tls/servers`, "" where it is not known.

    unit: its systemd unit, "" where it is not known; place: where the site at fault begins or the
    setting to change stands; settings: those of that site.
    """

    software: str = ""
    unit: str = ""
    place: Setting | None = None
    settings: tuple[Setting, ...] = ()


UNKNOWN: Final = Server()


class Mended(NamedTuple):
    """How to mend a fault. lines: "" where there are none; where: what to do with them."""

    lines: str = ""
    where: str = ""


NOTHING: Final = Mended()


def server(software: str, unit: str, sites: Sequence[Site]) -> Server:
    """Describe the server of an endpoint that one of some sites answers at.

    Of several only the settings that they share are known to count.
    """
    own = [site for site in sites if site.server == software]
    if not own:
        return Server(software, unit)
    shared = frozenset.intersection(*(frozenset(site.settings) for site in own))
    settings = tuple(one for one in own[0].settings if one in shared)
    alone = all(site.place == own[0].place for site in own)
    return Server(software, unit, own[0].place if alone else None, settings)


@cache
def known() -> Mapping[str, Words]:
    """Load every module of the folder, by the server's name."""
    names = sorted(info.name for info in pkgutil.iter_modules(snippets.__path__))
    found = (importlib.import_module(f"{snippets.__name__}.{name}") for name in names)
    return {one.NAME: one for one in (cast("Words", module) for module in found)}


def mended(fault: Fault, server: Server, facts: EndpointFacts | None = None) -> Mended:
    """Tell how a fault is mended in a server; nothing where that is not known."""
    words = known().get(server.software)
    if words is None:
        return NOTHING
    wanted = mending.remedy(fault, facts)
    if fault.check == _INEFFECTIVE:
        wanted = None if fault.fix else _of_settings(server.settings, words)
    return _spelled(wanted, words, server) if wanted else NOTHING


def _spelled(wanted: Remedy, words: Words, server: Server) -> Mended:
    reload = _reload(words, server.unit)
    if wanted.kind is Kind.RELOAD:
        return Mended(reload)
    spelling = _spelling(wanted, words)
    if spelling is None:
        return NOTHING
    lines = spelling.lines(wanted, server.settings)
    if wanted.kind is Kind.KEY_MODE:
        return Mended(lines)
    told = " ".join([f"In {words.NAME}:", *_told(spelling, server), f"Then run: {reload}"])
    return Mended(lines, told)


def _of_settings(settings: Sequence[Setting], words: Words) -> Remedy | None:
    """Give the remedy that takes the place of settings, with the recommended values."""
    for kind, spelling in words.SPELLINGS.items():
        if any(stands_in(one, spelling.replaces) for one in settings):
            return mending.usual(kind)
    return None


def _spelling(remedy: Remedy, words: Words) -> Spelling | None:
    if remedy.kind is Kind.SETTING:
        line = words.ASSIGNED.format(name=remedy.name, value=remedy.value)
        return Spelling(always(line), (remedy.name.lower(),), "the block of the site")
    if remedy.kind is Kind.KEY_MODE:
        return Spelling(_chmod)
    return words.SPELLINGS.get(remedy.kind)


def _chmod(remedy: Remedy, settings: Sequence[Setting]) -> str:
    paths = [one.value for one in settings if is_plain_path(one.value)]
    return "\n".join(f"chmod {remedy.value} {path}" for path in paths)


def _reload(words: Words, unit: str) -> str:
    """Name the unit that the server runs in, where that is surely its own."""
    own = _UNIT.fullmatch(unit) and any(name in unit for name in words.UNITS)
    return words.RELOAD.format(unit=unit.removesuffix(".service") if own else words.UNITS[0])


def _told(spelling: Spelling, server: Server) -> Iterator[str]:
    """Say where lines belong, what they replace, and what would overrule them."""
    there = [one for one in server.settings if stands_in(one, spelling.replaces)]
    above = [one for one in there if _in_file(one, spelling.unless_in)]
    above += [one for one in server.settings if stands_in(one, spelling.overruled)]
    there = [one for one in there if one not in above]
    if spelling.where or there:
        yield f"the lines belong in {_place(spelling, server, there)}."
    if above:
        yield f"Take {_named(above)} away, which would overrule them."
    if spelling.hint:
        yield spelling.hint


def _in_file(setting: Setting, name: str) -> bool:
    return bool(name) and setting.path.rpartition("/")[2] == name


def _place(spelling: Spelling, server: Server, there: list[Setting]) -> str:
    if there:
        return f"the place of {_named(there)}"
    if server.place is None:
        return f"{spelling.where}, in place of any that are like them"
    return f"{spelling.where} (the site is at {server.place.path}:{server.place.line})"


def _named(settings: Sequence[Setting]) -> str:
    """Name settings with their lines: "ssl_protocols at /etc/nginx/nginx.conf:33"."""
    shown = [f"{one.name} at {one.path}:{one.line}" for one in dict.fromkeys(settings)]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
