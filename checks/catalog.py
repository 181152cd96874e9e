"""Find every format and rule file by listing its folder, sorted. EDGE."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from functools import cached_property, lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

import msgspec

from checks import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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


class _Sniffing(Format, Protocol):
    def sniff(self, head: str) -> bool: ...


def rule_files() -> Iterator[tuple[str, str]]:
    """Give name and text of every rule file of the package."""
    with os.scandir(RULES) as entries:
        found = sorted((e.name, e.path) for e in entries if e.name.endswith(".yaml"))
    for name, path in found:
        with open(path, encoding="utf-8") as file:
            yield name, file.read()


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """One glob of a format: what can be told of a file by its name before the format is loaded."""

    glob: str
    module: str
    always: bool
    """Such files are parsed whatever their words."""
    code: bool
    dialect: bool
    """Its files have words of their own, so that no pattern knows them all."""
    script: bool
    """A file with an interpreter in its first line may be of this format."""


class Index(msgspec.Struct, frozen=True, array_like=True):
    """All globs, and the formats that recognise a text by its first lines, in order."""

    globs: list[Listed]
    sniffers: list[str]


def index() -> Index:
    """Load every format once and list what they know of names."""
    modules = [_loaded(info.name) for info in pkgutil.iter_modules(formats.__path__)]
    modules = [module for module in modules if hasattr(module, "NAMES")]
    return Index(
        [_listed(glob, module) for module in modules for glob in module.NAMES],
        [_short(module) for module in modules if hasattr(module, "sniff")],
    )


def key() -> str:
    """Name the state of the folder of formats: an index is good for no other."""
    with os.scandir(formats.__path__[0]) as entries:
        found = [(e.name, e.stat()) for e in entries if e.name.endswith(".py")]
    return repr(sorted((name, status.st_size, status.st_mtime_ns) for name, status in found))


def _listed(glob: str, module: Format) -> Listed:
    code = hasattr(module, "CODE")
    return Listed(
        glob,
        _short(module),
        always=glob in getattr(module, "ALWAYS", ()),
        code=code,
        dialect=not code and not hasattr(module, "GENERIC"),
        script=hasattr(module, "sniff"),
    )


def _short(module: Format) -> str:
    return module.__name__.rpartition(".")[2]


def _loaded(name: str) -> Format:
    return cast("Format", importlib.import_module(f"{formats.__name__}.{name}"))


class Named:
    """The format that a name promises; it is loaded when it is asked for."""

    def __init__(self, module: str, *, always: bool, code: bool, dialect: bool) -> None:
        """Keep what is known; module: "" for none."""
        self._module = module
        self.always = always
        self.code = code
        self.dialect = dialect

    @property
    def claimed(self) -> bool:
        """Say whether a format claims the name; none is loaded for that."""
        return bool(self._module)

    @cached_property
    def format(self) -> Format | None:
        """The format's module, None where no format claims the name."""
        return _loaded(self._module) if self._module else None

    @cached_property
    def unsettled(self) -> Named:
        """The same format, of a file that its name alone says less of."""
        return Named(self._module, always=False, code=self.code, dialect=False)


_UNKNOWN: Final = Named("", always=False, code=False, dialect=False)


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
        if not _is_simple(self.name):
            return _compiled(self.name).match(name) is not None
        first, star, last = self.name.partition("*")
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

    def __init__(self, listed: Iterable[Listed]) -> None:
        self._filed: dict[str, list[_Glob]] = {}
        self._loose: list[_Glob] = []
        names: dict[tuple[str, bool], Named] = {}
        for this in listed:
            glob, kind = this.glob, (this.module, this.always)
            if (named := names.get(kind)) is None:
                named = names[kind] = Named(
                    this.module, always=this.always, code=this.code, dialect=this.dialect
                )
            place = _place(glob)
            parent, _, name = glob.rpartition("/")
            rank = (-glob.count("/"), -len(glob), glob)
            one = _Glob(rank, named, name in {place, "*"}, this.script, parent, name)
            (self._filed.setdefault(place, []) if place else self._loose).append(one)
        self._nested = [
            (max(_WILD.split(one.parent), key=len).strip("/"), one)
            for one in self._loose
            if one.parent
        ]
        # Most names hold none of the literal parts of the loose globs.
        cores = {max(_WILD.split(one.rank[2].rpartition("/")[2]), key=len) for one in self._loose}
        self._core = _one_of(c for c in cores - {""} if not any(o in c for o in cores - {"", c}))

    def find(self, path: str) -> _Glob | None:
        """Give the most specific glob that a lower-case path fits."""
        folder, _, name = path.rpartition("/")
        dot = name.find(".")
        suffixes = name[dot:] if dot >= 0 else ""
        likely = self._ending(suffixes)
        if likely.placed or self._is_special(folder):
            likely = self._placed(folder, suffixes)
        special = self._filed.get(name, [])
        if not likely.code and self._core.search(name):
            special = special + self._loose
        if not special and likely.settled:
            return likely.globs[0] if likely.globs else None
        special = [one for one in special if one.fits(folder)]
        found = (one for one in special + likely.globs if one.takes(name))
        return min(found, key=_rank, default=None)

    @lru_cache(maxsize=4096)  # noqa: B019 - one object lives as long as the process
    def _placed(self, folder: str, suffixes: str) -> _Likely:
        """Give the globs that a path may fit by its folder and the endings of its name."""
        ending = self._ending(suffixes)
        last = folder[folder.rfind("/") + 1 :] + "/"
        near = self._filed.get(last, []) + [one for core, one in self._nested if core in folder]
        globs = [one for one in near + ending.globs if one.fits(folder)]
        return _likely(globs, code=ending.code)

    @lru_cache(maxsize=16)  # noqa: B019 - files of one folder come together
    def _is_special(self, folder: str) -> bool:
        """Say whether globs that name folders may be true of a folder."""
        last = folder[folder.rfind("/") + 1 :] + "/"
        return last in self._filed or any(core in folder for core, _ in self._nested)

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


def _one_of(literals: Iterable[str]) -> re.Pattern[str]:
    """Make an expression of literals, by their first characters: a search tries fewer of them."""
    groups = (
        re.escape(first) + f"(?:{'|'.join(re.escape(one[1:]) for one in group)})"
        for first, group in groupby(sorted(literals), key=itemgetter(0))
    )
    return re.compile("|".join(groups) or r"(?!)")


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


@lru_cache(maxsize=4096)
def _is_simple(glob: str) -> bool:
    """Say whether a glob has at most one star and no other sign."""
    return not _WILD.search(glob.replace("*", "", 1))


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

    def __init__(self, known: Index | None = None) -> None:
        """Take an index of the formats, or make it."""
        known = known or index()
        self._names = _Globs(known.globs)
        self._known = known

    @cached_property
    def _sniffers(self) -> list[tuple[Callable[[str], bool], Format]]:
        modules = [cast("_Sniffing", _loaded(name)) for name in self._known.sniffers]
        return [(module.sniff, module) for module in modules]

    def of(self, path: str, data: bytes) -> Named:
        """Give the format of a file by its name; of a script only what its first line agrees to."""
        glob = self._names.find(path[-_LONGEST:].lower())
        if glob is None:
            return _UNKNOWN
        if data[:2] == b"#!" and not glob.script:
            return glob.named.unsettled if glob.named.code else _UNKNOWN
        return glob.named

    def sniffed(self, head: str) -> Format | None:
        """Give the format that recognises the first 4096 characters of a text."""
        return next((module for sniff, module in self._sniffers if sniff(head)), None)
