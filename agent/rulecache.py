"""Give the engine: compiled once, kept on disk, believed only after it proved itself. EDGE."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from agent import __version__, home
from checks import catalog, compiled, lazy
from checks.errors import RuleError
from checks.secrets import engine as engines
from checks.secrets import rules as rule_files
from checks.secrets.rules import Rule  # noqa: TC001 - msgspec resolves it

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


class _Kept(msgspec.Struct):
    rules: list[Rule]
    database: bytes
    formats: catalog.Index
    expressions: dict[bytes, bytes]


class Matching(NamedTuple):
    """What finds candidates and what knows the formats of files."""

    engine: engines.Engine
    formats: catalog.Index


class _Found(NamedTuple):
    matching: Matching
    expressions: dict[bytes, bytes]
    """Forms of our expressions, as `lazy.keep` takes them."""


def load(files: Iterable[tuple[str, str]], base: Path, *, apart: bool = False) -> Matching:
    """Load or compile the engine for these rule files; raises RuleError for a bad rule.

    The kept form is named by a digest of the rules' text, of the library, of the built-in
    expressions and of the folder of formats; one that is damaged, not private or fails its
    examples is compiled anew; apart: by a process of its own, for a caller that stays, since a
    compiler leaves more in memory than what it made. It compiles the few expressions that it comes
    to itself, since the forms of all of them would stay there too.
    """
    texts = list(files)
    digest = hashlib.sha256(
        f"{__version__}\0{compiled.MAKER}\0{catalog.key()}".encode("utf-8", "surrogateescape")
    )
    for name, text in texts:
        digest.update(f"{name}\0{text}\0".encode("utf-8", "surrogateescape"))
    path = base / "cache" / f"rules-{engines.key(digest.digest())}"
    found = _kept(path)
    if found is None and apart:
        _do_apart(lambda: _compiled(texts, path))
        found = _kept(path)
    found = found or _compiled(texts, path)
    if not apart:
        lazy.keep(found.expressions)
    return found.matching


def _compiled(texts: list[tuple[str, str]], path: Path) -> _Found:
    rules = rule_files.load(texts)
    database = engines.compile_rules(rules)
    made = Matching(engines.Engine(rules, database), catalog.index())
    expressions = lazy.forms(rule.confirming for rule in rules)
    try:
        content = msgspec.msgpack.encode(_Kept(rules, database, made.formats, expressions))
        home.write(path, home.sealed(content, path.name))
        _forget_others(path)
    except (home.StateError, OSError):
        pass  # a scan without a cache is slower, not wrong; another may clean up at the same time
    return _Found(made, expressions)


def _do_apart(work: Callable[[], object]) -> None:
    """Do something for what it leaves on disk; whoever goes on sees whether it is there."""
    try:
        pid = os.fork()
    except OSError:
        return
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _kept(path: Path) -> _Found | None:
    try:
        content = home.checked(home.read(path), path.name)
        if content is None:
            return None
        kept = msgspec.msgpack.decode(content, type=_Kept)
        engine = engines.Engine(kept.rules, kept.database)
        return _Found(Matching(engine, kept.formats), kept.expressions)
    except (home.StateError, msgspec.DecodeError, RuleError):
        return None


def _forget_others(path: Path) -> None:
    """Keep the two newest compiled forms: an upgrade and its predecessor may run side by side."""
    others = sorted(path.parent.glob("rules-*"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in others[2:]:
        old.unlink(missing_ok=True)
