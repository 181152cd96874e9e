"""Find every format and rule file by listing its folder, sorted. EDGE."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

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


class Named(NamedTuple):
    """The format that a name promises."""

    format: Format | None
    always: bool
    """Such files are parsed whatever their words."""
    code: bool
    dialect: bool
    """Its files have words of their own, so that no pattern knows them all."""


_UNKNOWN: Final = Named(None, always=False, code=False, dialect=False)


def _named(module: Format, *, always: bool) -> Named:
    code = hasattr(module, "CODE")
    return Named(module, always, code, dialect=not code and not hasattr(module, "GENERIC"))


class _Glob(NamedTuple):
    """One glob; the lowest rank of those that match wins: the most specific."""

    rank: tuple[int, int, str]
    named: Named
    whole: bool
    """Its folder and its ending, or the file's name, are all it says."""
    script: bool
    """A file with an interpreter in its first line may be of this format."""
    parent: str
    """The glob without its last component, "" where any folder will do."""

    name: str
    """Its last component."""

    def fits(self, folder: str) -> bool:
        """Say whether a folder is one of those that the glob names."""
        if _WILD.search(self.parent):
            return _compiled(self.parent).search(folder) is not None
        return not self.parent or f"/{folder}".endswith(f"/{self.parent}")

    def takes(self, name: str) -> bool:
        """Say whether the glob's last component is true of a file's name."""
        first, star, last = self.name.partition("*")
        if _WILD.search(first + last):
            return _compiled(self.name).match(name) is not None
        if not star:
            return name == first
        # To compile an expression would take longer than a run asks it.
        return (
            len(name) >= len(first) + len(last) and name.startswith(first) and name.endswith(last)
        )


def _rank(glob: _Glob) -> tuple[int, int, str]:
    return glob.rank


class _Likely(NamedTuple):
    """What a folder and an ending leave to be asked, best first; settled: the best one matches."""

    globs: list[_Glob]
    settled: bool
    code: bool
    placed: bool
    """One of them names a folder."""


class _Globs:
    """Globs filed under what a path must have, so that few are tried on a path."""

    def __init__(self, pairs: Iterator[tuple[str, Format]]) -> None:
        self._filed: dict[str, list[_Glob]] = {}
        self._loose: list[_Glob] = []
        for glob, module in pairs:
            named = _named(module, always=glob in getattr(module, "ALWAYS", ()))
            place = _place(glob)
            parent, _, name = glob.rpartition("/")
            rank = (-glob.count("/"), -len(glob), glob)
            one = _Glob(rank, named, name in {place, "*"}, hasattr(module, "sniff"), parent, name)
            (self._filed.setdefault(place, []) if place else self._loose).append(one)
        self._nested = [
            (max(_WILD.split(one.parent), key=len).strip("/"), one)
            for one in self._loose
            if one.parent
        ]
        # Most names hold none of the literal parts of the loose globs.
        cores = {max(_WILD.split(one.rank[2].rpartition("/")[2]), key=len) for one in self._loose}
        few = sorted(c for c in cores - {""} if not any(o in c for o in cores - {"", c}))
        self._core = re.compile("|".join(map(re.escape, few)) or r"(?!)")

    def find(self, path: str) -> _Glob | None:
        """Give the most specific glob that a lower-case path fits."""
        folder, _, name = path.rpartition("/")
        dot = name.find(".")
        likely = self._likely(folder, name[dot:] if dot >= 0 else "")
        special = self._filed.get(name, [])
        if not likely.code and self._core.search(name):
            special = special + self._loose
        if not special and likely.settled:
            return likely.globs[0] if likely.globs else None
        special = [one for one in special if one.fits(folder)]
        found = (one for one in special + likely.globs if one.takes(name))
        return min(found, key=_rank, default=None)

    def _likely(self, folder: str, suffixes: str) -> _Likely:
        """Give the globs that a path may fit by its folder and the endings of its name."""
        near, ending = self._near(folder), self._ending(suffixes)
        return self._placed(folder, suffixes) if near or ending.placed else ending

    @lru_cache(maxsize=4096)  # noqa: B019 - one object lives as long as the process
    def _placed(self, folder: str, suffixes: str) -> _Likely:
        ending = self._ending(suffixes)
        here = [one for one in ending.globs if one.fits(folder)]
        return _likely([*self._near(folder), *here], code=ending.code)

    @lru_cache(maxsize=1024)  # noqa: B019 - one object lives as long as the process
    def _near(self, folder: str) -> list[_Glob]:
        """Give the globs that a file fits by its folder, if it fits them by its name too."""
        last = folder[folder.rfind("/") + 1 :] + "/"
        near = self._filed.get(last, []) + [one for core, one in self._nested if core in folder]
        return [one for one in near if one.fits(folder)]

    @lru_cache(maxsize=4096)  # noqa: B019 - one object lives as long as the process
    def _ending(self, suffixes: str) -> _Likely:
        """Give the globs filed under the endings in ".a.b": *.a.b, *.b and *.a.*."""
        pieces = suffixes.split(".")
        found: list[_Glob] = []
        for number in range(1, len(pieces)):
            found += self._filed.get("*." + ".".join(pieces[number:]), ())
            if number < len(pieces) - 1:
                found += self._filed.get(f"*.{pieces[number]}.*", ())
        return _likely(found, code=len(found) == 1 and found[0].named.code)


def _likely(globs: list[_Glob], *, code: bool) -> _Likely:
    globs = sorted(globs, key=_rank)
    settled = not globs or globs[0].whole
    return _Likely(globs, settled, code, placed=any(one.parent for one in globs))


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
            return _UNKNOWN
        if data[:2] == b"#!" and not glob.script:
            return glob.named._replace(always=False, dialect=False) if glob.named.code else _UNKNOWN
        return glob.named

    def sniffed(self, head: str) -> Format | None:
        """Give the format that recognises the first 4096 characters of a text."""
        return next((module for sniff, module in self._sniffers if sniff(head)), None)
