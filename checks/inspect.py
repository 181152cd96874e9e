"""Look for credentials in one text: match, confirm, read what deserves it, judge."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec

from checks import keyfiles, text, worth
from checks.lazy import regex
from checks.model import Confidence, Inconclusive
from checks.reading import PARSED, Reader
from checks.secrets import advice, places
from checks.secrets.engine import FIRST_RULE, Engine
from checks.secrets.triggers import IN_LINES, IN_VALUES, Trigger
from checks.spotted import Glance, as_sample, from_fault, from_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from checks.catalog import Formats, Named
    from checks.keyfiles import KeySeen
    from checks.secrets.engine import Hits
    from checks.spotted import Document, Spotted

_FLOOD: Final = "more candidates than are looked at"
_HEAD: Final = 4096
_GENERIC_CHECKS: Final = frozenset(advice.CHECKS)
_KEY: Final = int(Trigger.KEY)
_CERTIFICATE: Final = int(Trigger.CERTIFICATE)
_STRUCTURAL: Final = frozenset({int(Trigger.PAIRED), int(Trigger.CONTAINER), int(Trigger.HASH)})
_WORDY: Final = (
    _STRUCTURAL
    | IN_LINES
    | IN_VALUES
    | {int(t) for t in (Trigger.ARGUMENT, Trigger.VAGUE, Trigger.CALL)}
)
_IN_CODE: Final = _WORDY - {int(Trigger.PAIRED), int(Trigger.VAGUE)}
_QUOTES: Final = frozenset(b"\"'")
_DIALECT: Final = 32 * 1024
"""A file of a dialect up to this size is parsed whatever fires: its words are its own."""

_SHIPPED: Final = regex(r"(?:^|/)usr/(?:include|lib|libexec|share)/")
"""Where packages put what no administrator edits."""
_COMPARED: Final = 256
"""With so many others a value is compared, so that a flood stays linear; past that both count."""
_TELLING: Final = 8
"""A value of so many characters is part of another by no chance."""


class Looked(msgspec.Struct):
    """What looking at a document gave; certificate: it holds one."""

    spotted: list[Spotted] = []
    keys: list[KeySeen] = []
    certificate: bool = False
    inconclusive: list[Inconclusive] = []
    hits: Sequence[tuple[int, int]] = ()
    degraded: bool = False
    binary: bool = False
    content: text.Text | None = None


class Inspector:
    """Looks at documents with one engine and one set of formats."""

    def __init__(self, engine: Engine, formats: Formats) -> None:
        """Keep the engine and the formats; nothing is read."""
        self._engine = engine
        self._formats = formats

    def glance(
        self, path: str, data: bytes, root: Callable[[str], str] = lambda _: ""
    ) -> Glance | None:
        """Match a text that is as it is, for its Document; None when a look would show nothing.

        root: gives that of a Document with a path.
        """
        hits = self._engine.hits(data)
        named = self._formats.of(path, data)
        if named.code or not _certain(named, path, len(data)):
            dull = not hits.pairs or _is_dull(hits, named, path, data, root)
        else:
            dull = False
        return None if dull and not keyfiles.is_keystore(path, data) else Glance(hits, named)

    def look(self, document: Document) -> Looked:
        """Look at one document; never raises for any content."""
        glance = document.glance
        content = text.Text(document.data, "utf-8") if glance else text.read(document.data)
        data = document.data if content is None else content.data
        found = glance.hits if glance else self._engine.hits(data)
        looked = Looked(content=content, binary=content is None, hits=found.pairs)
        if found.flooded:
            looked.inconclusive.append(Inconclusive(document.path, "candidate flood", _FLOOD))
        numbers = {number for number, _ in found.pairs}
        self._keys(document, data, looked, numbers)
        if numbers and max(numbers) >= FIRST_RULE:
            looked.spotted += self._tokens(document, data, found.pairs)
        if content is not None:
            self._words(document, content, looked, numbers)
        return looked

    def _tokens(
        self, document: Document, data: bytes, pairs: Sequence[tuple[int, int]]
    ) -> list[Spotted]:
        numbers = text.Lines(data, document.first_line)
        tokens = self._engine.tokens(data, pairs)
        spotted = [from_token(token, numbers.at(token.offset)) for token in tokens]
        if spotted and places.is_document(document.path, root=document.root):
            spotted = [as_sample(s) if s.confidence < Confidence.HIGH else s for s in spotted]
        return _without_overlaps(spotted)

    def _keys(self, document: Document, data: bytes, looked: Looked, numbers: set[int]) -> None:
        looked.certificate = _CERTIFICATE in numbers
        armoured = _KEY in numbers
        if not armoured and not (document.whole and keyfiles.is_keystore(document.path, data)):
            return
        look = keyfiles.in_text if armoured else keyfiles.in_keystore
        found = look(document.path, data, document.access, document.inode, document.place)
        spotted = [from_fault(key, document.first_line - 1) for key in found.faults]
        if (looked.binary and armoured) or places.is_document(document.path, root=document.root):
            # A sample: one line for it is enough, and what it shares with others means nothing.
            spotted = [as_sample(one) for one in spotted if one.check == "embedded-private-key"]
        else:
            looked.keys = found.seen
        looked.spotted += spotted
        looked.inconclusive += [Inconclusive(document.path, why) for why in found.unseen]

    def _words(
        self, document: Document, content: text.Text, looked: Looked, numbers: set[int]
    ) -> None:
        """Judge what is only known by its name, place or surroundings."""
        glance = document.glance
        named = glance.named if glance else self._formats.of(document.path, content.data)
        if named.code:
            pairs = _in_code(looked.hits, content.data)
            certain = False
        else:
            pairs = (
                [p for p in looked.hits if p[0] in _WORDY or p[0] >= FIRST_RULE] if numbers else []
            )
            certain = document.whole and _certain(named, document.path, len(content.data))
        if not pairs and not certain:
            return
        form = named.format or self._formats.sniffed(
            content.data[:_HEAD].decode("utf-8", "replace")
        )
        if not named.code and form is not None and hasattr(form, "CODE"):
            pairs = _in_code(pairs, content.data)
        if form is None and not worth.shows_on_lines(pairs, document.path):
            return
        matching = (self._engine, self._formats)
        sample = places.is_document(
            document.path, claimed=named.format is not None, root=document.root
        )
        reader = Reader(matching, document, content, sample=sample)
        whole = document.whole and len(content.data) <= PARSED
        if form is None or hasattr(form, "CODE") or not whole:
            candidates = reader.by_line(form, pairs)
        elif certain or worth.deserves(self._engine, content.data, pairs, document=sample):
            candidates = chain(reader.parsed(form), reader.nets(pairs))
        else:
            return
        looked.spotted += _new(candidates, looked.spotted)
        looked.degraded = reader.degraded
        if reader.flooded:
            looked.inconclusive.append(Inconclusive(document.path, "candidate flood", _FLOOD))


def _certain(named: Named, path: str, size: int) -> bool:
    """Say whether a file is parsed whatever fires."""
    if named.always:
        return size <= PARSED
    return named.dialect and size <= _DIALECT and _SHIPPED.search(path) is None


def _is_dull(hits: Hits, named: Named, path: str, data: bytes, root: Callable[[str], str]) -> bool:
    """Say whether a text has no candidates but words that its source or document does not mean."""
    if hits.flooded or not _WORDY.issuperset([number for number, _ in hits.pairs]):
        return False
    pairs = _in_code(hits.pairs, data) if named.code else hits.pairs
    if not pairs:
        return True
    return (
        len(data) <= PARSED
        and places.is_document(path, claimed=named.claimed, root=root(path))
        and worth.is_barren(data, pairs)
    )


def _in_code(hits: Sequence[tuple[int, int]], data: bytes) -> list[tuple[int, int]]:
    """Choose the candidates that source code is asked for: a bare word there is prose or a name."""
    return [
        (number, end)
        for number, end in hits
        if number in _IN_CODE and (number != Trigger.DIRECTIVE or data[end - 1] in _QUOTES)
    ]


class _Tokens:
    """What was found, asked whether a further value is part of it; bounded work for each."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._by_line: dict[int, list[str]] = {}
        self._first: list[str] = []

    def add(self, one: Spotted) -> None:
        if one.value and one.length < 0:  # else the value only stands for a key
            self._values.add(one.value)
            self._by_line.setdefault(one.line, []).append(one.value)
            self._first[_COMPARED:] = []
            self._first.append(one.value)

    def cover(self, one: Spotted) -> bool:
        """Say whether VALUE is known: as it is, as a part on its line, or, if long, anywhere."""
        if one.value in self._values:
            return True
        near = self._by_line.get(one.line, ())[:_COMPARED]
        far = self._first if len(one.value) >= _TELLING else ()
        return any(one.value in value or value in one.value for value in chain(near, far))


def _new(candidates: Iterable[Spotted], known: Iterable[Spotted]) -> list[Spotted]:
    """Leave out what a rule, which knows more, or an earlier reading has found."""
    tokens = _Tokens()
    for one in known:
        tokens.add(one)
    fresh: list[Spotted] = []
    seen: set[tuple[str, int]] = set()
    for one in candidates:
        mark = (one.value, one.line)
        if mark in seen or tokens.cover(one):
            continue
        seen.add(mark)
        fresh.append(one)
        if one.check not in _GENERIC_CHECKS:
            tokens.add(one)
    return fresh


def _without_overlaps(spotted: list[Spotted]) -> list[Spotted]:
    """Of several rules that took the same text, keep the surest: it names the issuer."""
    kept: dict[int, list[Spotted]] = {}
    seen: set[tuple[str, int]] = set()
    for one in sorted(spotted, key=lambda s: (-s.confidence, -s.severity, -len(s.value))):
        on_line = kept.setdefault(one.line, [])
        mark = (one.value, one.line)
        if mark not in seen and not any(one.value in k.value for k in on_line[-_COMPARED:]):
            on_line.append(one)
        seen.add(mark)
    return sorted(chain.from_iterable(kept.values()), key=lambda s: s.line)
