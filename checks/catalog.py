"""Find every format and rule file by listing its folder, sorted. EDGE."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from checks import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.model import Entry

_WILD = re.compile(r"\*|\?|\[[^\]]*\]")
RULES = Path(__file__).parent / "secrets" / "rules"
_LONGEST = 1024
"""So much of a name's end is looked at: a key of a hostile file may be a million dots."""


class Format(Protocol):
    """What a module of `checks/formats` offers; see that package's text."""

    __name__: str
    NAMES: tuple[str, ...]

    def parse(self, text: str) -> Iterator[Entry]:
        """Read a text into entries."""
        ...


def rule_files() -> Iterator[tuple[str, str]]:
    """Give name and text of every rule file of the package."""
    for path in sorted(RULES.glob("*.yaml")):
        yield path.name, path.read_text(encoding="utf-8")


def _modules() -> Iterator[Format]:
    for info in pkgutil.iter_modules(formats.__path__):
        module = importlib.import_module(f"{formats.__name__}.{info.name}")
        if hasattr(module, "NAMES"):
            yield cast("Format", module)


class _Glob(NamedTuple):
    """One glob; the lowest rank of those that match wins: the most specific."""

    rank: tuple[int, int, str]
    module: Format
    always: bool
    sure: bool
    """Its place is all it says: a file name or an ending."""

    def matches(self, path: str) -> bool:
        """Say whether a path that has the glob's place fits it altogether."""
        return self.sure or _compiled(self.rank[2]).search(path) is not None


def _rank(glob: _Glob) -> tuple[int, int, str]:
    return glob.rank


class _Globs:
    """Globs filed under what a path must have, so that few are tried on a path."""

    def __init__(self, pairs: Iterator[tuple[str, Format]]) -> None:
        self._filed: dict[str, list[_Glob]] = {}
        loose: list[_Glob] = []
        for glob, module in pairs:
            always = glob in getattr(module, "ALWAYS", ())
            one = _Glob((-glob.count("/"), -len(glob), glob), module, always, _place(glob) == glob)
            place = _place(glob)
            (self._filed.setdefault(place, []) if place else loose).append(one)
        self._loose = loose
        # Most paths hold none of the literal parts of the loose globs.
        cores = {max(_WILD.split(one.rank[2]), key=len) for one in loose}
        self._core = re.compile("|".join(map(re.escape, sorted(cores))) or r"(?!)")

    def find(self, path: str) -> _Glob | None:
        """Give the most specific glob that a lower-case path fits."""
        folder, _, name = path.rpartition("/")
        near, loose = self._placed(folder)
        special = [*self._filed.get(name, ()), *near]
        dot = name.find(".")
        suffixed = self._suffixed(name[dot:]) if dot >= 0 else ()
        code = len(suffixed) == 1 and hasattr(suffixed[0].module, "CODE")
        if loose or (not code and self._core.search(name)):
            special += self._loose
        if not special and len(suffixed) == 1 and suffixed[0].sure:
            return suffixed[0]
        found = [one for one in (*special, *suffixed) if one.matches(path)]
        return min(found, key=_rank) if found else None

    @lru_cache(maxsize=1024)  # noqa: B019 - one object lives as long as the process
    def _placed(self, folder: str) -> tuple[list[_Glob], bool]:
        """Give the globs filed under a folder, and whether a loose one may fit its files."""
        near = self._filed.get(folder[folder.rfind("/") + 1 :] + "/", [])
        return near, self._core.search(folder) is not None

    @lru_cache(maxsize=4096)  # noqa: B019 - one object lives as long as the process
    def _suffixed(self, suffixes: str) -> tuple[_Glob, ...]:
        """Give the globs filed under the endings in ".a.b": *.a.b, *.b and *.a.*."""
        pieces = suffixes.split(".")
        found: list[_Glob] = []
        for number in range(1, len(pieces)):
            found += self._filed.get("*." + ".".join(pieces[number:]), ())
            if number < len(pieces) - 1:
                found += self._filed.get(f"*.{pieces[number]}.*", ())
        return tuple(found)


@lru_cache(maxsize=4096)
def _place(glob: str) -> str:
    """Name what a path must have: its file name, "*.suffix", "*.part.*" or "folder/"; or ""."""
    parent, _, name = glob.rpartition("/")
    if not _WILD.search(name):
        return name
    tail = re.search(r"\*(\.[^*?\[]+(?:\.\*)?)$", name)
    if tail:
        return "*" + tail[1]
    folder = parent.rpartition("/")[2]
    return folder + "/" if folder and not _WILD.search(folder) else ""


@lru_cache(maxsize=2048)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(_translate(glob))


def _translate(glob: str) -> str:
    """Turn a glob on the path's tail into an expression; `*` and `?` stay within a component."""
    parts = re.split(r"(\*|\?|\[[^\]]*\])", glob)
    body = "".join(
        {"*": "[^/]*", "?": "[^/]"}.get(part, part if part.startswith("[") else re.escape(part))
        for part in parts
    )
    return rf"(?:^|/){body}\Z"


class Named(NamedTuple):
    """The format that a name promises; always: such files are parsed whatever their words."""

    format: Format | None
    always: bool

    @property
    def dialect(self) -> bool:
        """Whether its files have words of their own, so that no pattern knows them all."""
        return self.format is not None and not (
            hasattr(self.format, "GENERIC") or hasattr(self.format, "CODE")
        )


class Formats:
    """All formats, and which of them a file is of."""

    def __init__(self) -> None:
        """List and load the format modules."""
        self._all = list(_modules())

    @cached_property
    def _names(self) -> _Globs:
        return _Globs((glob, module) for module in self._all for glob in module.NAMES)

    @cached_property
    def _sniffers(self) -> list[tuple[Callable[[str], bool], Format]]:
        return [(module.sniff, module) for module in self._all if hasattr(module, "sniff")]

    def of(self, path: str, data: bytes) -> Named:
        """Give the format of a file by its name; of a script only what its first line agrees to."""
        glob = self._names.find(path[-_LONGEST:].lower())
        if glob is None:
            return Named(None, always=False)
        if data.startswith(b"#!") and not hasattr(glob.module, "sniff"):
            is_code = hasattr(glob.module, "CODE")
            return Named(glob.module if is_code else None, always=False)
        return Named(glob.module, always=glob.always)

    def sniffed(self, head: str) -> Format | None:
        """Give the format that recognises the first 4096 characters of a text."""
        return next((module for sniff, module in self._sniffers if sniff(head)), None)
