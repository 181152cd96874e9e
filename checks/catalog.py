"""Find every format and rule file by listing its folder, sorted. EDGE."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from checks import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.model import Entry

RULES = Path(__file__).parent / "secrets" / "rules"


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


class _Globs(NamedTuple):
    """Globs sorted by how fast they are tried."""

    exact: dict[str, Format]
    suffix: dict[str, Format]
    other: list[tuple[re.Pattern[str], Format]]

    def find(self, path: str) -> Format | None:
        name = path.rpartition("/")[2]
        if name in self.exact:
            return self.exact[name]
        for pattern, module in self.other:
            if pattern.search(path):
                return module
        while "." in name:
            name = name.partition(".")[2]
            if name in self.suffix:
                return self.suffix[name]
        return None


def _sorted_globs(pairs: Iterator[tuple[str, Format]]) -> _Globs:
    globs = _Globs({}, {}, [])
    for glob, module in sorted(
        pairs, key=lambda pair: (-pair[0].count("/"), -len(pair[0]), pair[0])
    ):
        rest = glob[2:]
        if not re.search(r"[*?\[/]", glob):
            globs.exact[glob] = module
        elif glob.startswith("*.") and not re.search(r"[*?\[/]", rest):
            globs.suffix[rest] = module
        else:
            globs.other.append((re.compile(_translate(glob)), module))
    return globs


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
        return _sorted_globs((glob, module) for module in self._all for glob in module.NAMES)

    @cached_property
    def _always(self) -> _Globs:
        return _sorted_globs(
            (glob, module) for module in self._all for glob in getattr(module, "ALWAYS", ())
        )

    @cached_property
    def _sniffers(self) -> list[tuple[Callable[[str], bool], Format]]:
        return [(module.sniff, module) for module in self._all if hasattr(module, "sniff")]

    def always(self, path: str) -> Format | None:
        """Give the format of a file that is parsed even when no pattern fires."""
        return self._always.find(path.lower())

    def of(self, path: str, head: str) -> Format | None:
        """Give the format of a file by its path or else by its first 4096 characters."""
        named = self._names.find(path.lower())
        if named is not None:
            return named
        return next((module for sniff, module in self._sniffers if sniff(head)), None)
