"""Scan one image: open it, look at its layers in parallel, say where everything came from. EDGE."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from agent import imagesources, rootlook, scanning
from agent.buffers import Buffers
from agent.imageload import Loader
from agent.imageplaces import Places
from agent.pool import AHEAD, Pool
from checks import keyfiles
from checks.errors import ImageError
from checks.images import documents, look, parts, reading
from checks.images.fates import Fates
from checks.images.merged import Merged
from checks.images.store import Blob, Image
from checks.model import Inconclusive, Suppressed, Suppression
from checks.scanned import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.imagetarget import Target
    from agent.scanning import Job
    from checks.images.reading import Described
    from checks.images.store import Store
    from checks.model import Finding

_UNREAD = "image not understood"


def look_at(job: Job, target: Target) -> Result:
    """Scan an image; what of it cannot be looked at is part of the result.

    Raises ImageError where the base or the platform that was asked for is not there.
    """
    total = Result(not_applicable=Counter())
    base = imagesources.base(target.base, target.wanted) if target.base else None
    try:
        with Image(target.path) as image:
            described = reading.read(image.store, target.wanted)
            for why in described.unseen:
                total.inconclusive.append(Inconclusive(target.path, "not looked at", why))
            _Scan(job, described, total).run(image.store, base)
    except ImageError as error:
        if target.wanted.platform:
            raise ImageError(f"{target.path}: {error}") from error
        total.inconclusive.append(Inconclusive(target.path, _UNREAD, str(error)))
    except OSError as error:
        total.inconclusive.append(Inconclusive(target.path, "cannot be read", _why(error)))
    if target.ignore_base:
        _ignore_base(total)
    return total


def _why(error: OSError) -> str:
    return (error.strerror or "").lower()


class _Scan:
    """One image on its way through the processes."""

    def __init__(self, job: Job, described: Described, total: Result) -> None:
        self._job = job
        self._described = described
        self._total = total
        self._fates = Fates()
        self._merged = Merged(self._fates)
        self._pieces: set[tuple[str, str, int, str]] = set()

    def run(self, store: Store, base: frozenset[str] | None) -> None:
        layers = [
            imagesources.layer(store, layer, number, self._total)
            for number, layer in enumerate(self._described.layers, 1)
        ]
        buffers = Buffers(self._job.processes * AHEAD + 1)
        try:
            self._share(layers, buffers)
        finally:
            buffers.close()
        self._drop_hidden_keys()
        self._join_keys()
        rootlook.judge(self._merged, "image root", self._job, self._total)
        self._place(layers, base)

    def _share(self, layers: list[look.Source | None], buffers: Buffers) -> None:
        """Have every part looked at by one of the processes."""
        job, total = self._job, self._total
        texts = list(documents.each(self._described.document))
        held = [look.Source(Blob(number, 0, 0)) for number in buffers.descriptors]
        sources: list[look.Source | None] = [*layers, *held]
        scanner = look.PartScanner(scanning.scanner(job), sources, texts)
        pool = Pool(scanner.part, job.processes, job.orders.policy.files.seconds_per_file)
        kept = self._fates, self._merged
        loader = Loader(layers, buffers, job.orders.policy, kept, total)
        for result in pool.run_batches(loader.batches(texts, lambda: pool.in_use)):
            result.inconclusive = [_named(why) for why in result.inconclusive]
            if loader.pieced:
                result.findings = self._once(result.findings, loader.pieced)
            scanning.add(total, result)
            if job.progress is not None:
                job.progress(total)

    def _once(self, found: Iterable[Finding], pieced: set[tuple[int, str]]) -> list[Finding]:
        """Leave out what another piece of the same file gave, too."""
        kept: list[Finding] = []
        for finding in found:
            where = finding.location
            if where.layer and (int(where.layer), where.path) in pieced:
                mark = (where.layer, where.path, where.line, finding.identity)
                if mark in self._pieces:
                    continue
                self._pieces.add(mark)
            kept.append(finding)
        return kept

    def _drop_hidden_keys(self) -> None:
        """Keep the keys and certificates that whoever runs the image sees."""
        self._total.keys = [
            msgspec.structs.replace(key, path=path)
            for key in self._total.keys
            if (path := self._seen(key.path))
        ]
        self._total.certificates = [
            (path, spki)
            for told, spki in self._total.certificates
            if spki and (path := self._seen(told))
        ]

    def _seen(self, told: str) -> str:
        layer, path = look.untagged(told)
        return "" if self._fates.of(path.partition("!/")[0], layer) else path

    def _join_keys(self) -> None:
        scanner, result = scanning.scanner(self._job), Result(not_applicable={})
        access = {key.path: key.access for key in self._total.keys}
        for path, spki, fault in keyfiles.joined(self._total.keys, self._total.certificates):
            scanner.fault(path, spki, fault, result, access[path])
        scanning.add(self._total, result)

    def _place(self, layers: list[look.Source | None], base: frozenset[str] | None) -> None:
        """Say of every finding where it came from."""
        bad = {why.path for why in self._total.inconclusive}
        sound = frozenset(n for n, one in enumerate(layers) if one and one.name not in bad)
        places = Places(self._described, self._fates, self._merged.layer_of, base, sound)
        self._total.findings = [places.placed(one) for one in self._total.findings]
        self._total.suppressed = [
            msgspec.structs.replace(one, finding=places.placed(one.finding))
            for one in self._total.suppressed
        ]


def _named(why: Inconclusive) -> Inconclusive:
    """Call a part that broke its reader by its path."""
    part = parts.decoded(why.path)
    if part is None:
        return why
    return msgspec.structs.replace(why, path=part.path, detail=why.detail)


def _ignore_base(total: Result) -> None:
    """Set apart what the base image has: nobody who builds on it can mend it here."""
    why = Suppression("base", "", "in the base image")
    apart = [one for one in total.findings if one.origin and one.origin.base]
    total.findings = [one for one in total.findings if not (one.origin and one.origin.base)]
    total.suppressed += [Suppressed(one, why) for one in apart]
