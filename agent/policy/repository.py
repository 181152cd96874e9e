"""Keep a store on the disk: what is served, and what still collects signatures. EDGE.

    staged/ROLE.json      the next root or targets metadata; people add signatures one by one
    store/metadata/       N.root.json, N.targets.json, N.snapshot.json, timestamp.json
    store/targets/        SHA256.EDITION.json below the folder of each layer

Rules: what is served is only ever added to, but for timestamp.json, which is replaced last: until
then nobody sees what is new. A root of trust can be seen before, so it is put in place after all
target files, and never written over. Whatever a crash leaves is not referred to and is written over
by the next run. What is read back is believed only as far as its signatures go.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from securesystemslib.exceptions import Error as SignatureError
from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError, SerializationError
from tuf.api.serialization.json import JSONSerializer

from agent import given
from agent.policy import durable
from checks.errors import HygieneError
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tuf.api.metadata import MetaFile

_T = TypeVar("_T", Root, Timestamp, Snapshot, Targets)
_MOST: Final = 64 * 1024 * 1024
_PATIENCE: Final = 10.0
"""Seconds to wait for another one who publishes."""
_ROOT_FILE: Final = regex(r"([1-9][0-9]{0,8})\.root\.json")
TIMESTAMP: Final = "timestamp.json"


class RepositoryError(HygieneError):
    """A store on the disk that cannot be read, believed or written."""


class Published(NamedTuple):
    """What is served now: every root of trust, in order, and the rest once there was any."""

    roots: tuple[Metadata[Root], ...] = ()
    timestamp: Metadata[Timestamp] | None = None
    snapshot: Metadata[Snapshot] | None = None
    targets: Metadata[Targets] | None = None

    @property
    def root(self) -> Metadata[Root] | None:
        """The newest root of trust."""
        return self.roots[-1] if self.roots else None


class News(NamedTuple):
    """What is to be served: all four roles, and the content of new targets by their paths."""

    root: Metadata[Root]
    targets: Metadata[Targets]
    snapshot: Metadata[Snapshot]
    timestamp: Metadata[Timestamp]
    contents: dict[str, bytes]


class Repository:
    """The folders `staged` and `store` of a policy's folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is read yet."""
        self.folder = folder
        self.store = folder / "store"
        self._metadata = self.store / "metadata"
        self._staged = folder / "staged"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Shut out others who stage or publish here; raises RepositoryError after ten seconds."""
        try:
            with durable.alone(self.folder, _PATIENCE) as held:
                if not held:
                    raise RepositoryError(f"{self.folder}: somebody else is publishing it")
                yield
        except OSError as error:
            raise RepositoryError(f"{error.filename or self.folder}: {error.strerror}") from error

    def staged(self, kind: type[_T]) -> Metadata[_T] | None:
        """Give what collects signatures for a role; raises RepositoryError."""
        path = self._staged / f"{kind.type}.json"
        return _decoded(path, kind) if path.exists() else None

    def stage(self, metadata: Metadata[Any]) -> None:
        """Keep metadata that collects signatures, in lines, so that git shows changes well."""
        data = metadata.to_bytes(JSONSerializer(compact=False))
        durable.put(self._staged / f"{metadata.signed.type}.json", data + b"\n")

    def unstage(self, kind: type[_T], served: int) -> None:
        """Forget what collected signatures, up to this version; raises RepositoryError."""
        staged = self.staged(kind)
        if staged and staged.signed.version <= served:
            durable.remove(self._staged / f"{kind.type}.json")

    def published(self) -> Published:
        """Read what is served; raises RepositoryError for what is not signed as it has to be.

        What is over its date is given too: whoever publishes can mend that.
        """
        roots = tuple(self._roots())
        if not (self._metadata / TIMESTAMP).exists():
            return Published(roots)
        if not roots:
            raise RepositoryError(f"{self._metadata}: has no root of trust")
        timestamp = self._believed(roots, self._metadata / TIMESTAMP, Timestamp)
        snapshot = self._referred(roots, Snapshot, timestamp.signed.snapshot_meta)
        if "targets.json" not in snapshot.signed.meta:
            raise RepositoryError(f"{self._metadata}: a snapshot without targets")
        targets = self._referred(roots, Targets, snapshot.signed.meta["targets.json"])
        return Published(roots, timestamp, snapshot, targets)

    def content(self, target: TargetFile) -> bytes:
        """Read an edition that is served; raises RepositoryError for a wrong one."""
        path = self._target(target)
        data = given.read(path, RepositoryError, target.length)
        try:
            target.verify_length_and_hashes(data)
        except TufError as error:
            raise RepositoryError(f"{path}: is not what was signed") from error
        return data

    def publish(self, news: News) -> None:
        """Serve it; raises RepositoryError, and OSError inside `alone`.

        May be killed at any moment and begun anew.
        """
        _prove(news)
        for target in news.targets.signed.targets.values():
            self._put_target(target, news.contents)
        self._put_root(news.root)
        for metadata in (news.targets, news.snapshot):
            self._put(self._numbered(metadata.signed), metadata.to_bytes())
        durable.put(self._metadata / TIMESTAMP, news.timestamp.to_bytes())

    def files(self, published: Published) -> list[Path]:
        """Name the roots of trust, the targets metadata and all targets, sorted."""
        assert published.targets is not None
        metadata: list[Metadata[Any]] = [*published.roots, published.targets]
        targets = published.targets.signed.targets.values()
        numbered = (self._numbered(one.signed) for one in metadata)
        return sorted([*numbered, *map(self._target, targets)])

    def _roots(self) -> Iterator[Metadata[Root]]:
        """Give all roots of trust from the first on, each proved by the one before it."""
        try:
            names = [path.name for path in self._metadata.iterdir()]
        except FileNotFoundError:
            return
        except OSError as error:
            raise RepositoryError(f"{self._metadata}: {error.strerror}") from error
        found = sorted(int(match[1]) for match in map(_ROOT_FILE.fullmatch, names) if match)
        before: Metadata[Root] | None = None
        for expected, number in enumerate(found, 1):
            path = self._metadata / f"{number}.root.json"
            root = _decoded(path, Root)
            if number != expected or root.signed.version != number:
                raise RepositoryError(f"{path}: expected the root of trust {expected}")
            if not root_signed(before, root):
                raise RepositoryError(f"{path}: not signed as it has to be")
            yield root
            before = root

    def _referred(
        self, roots: tuple[Metadata[Root], ...], kind: type[_T], told: MetaFile
    ) -> Metadata[_T]:
        """Read metadata that other metadata names, with its version, length and hash."""
        path = self._metadata / f"{told.version}.{kind.type}.json"
        found = self._believed(roots, path, kind)
        try:
            told.verify_length_and_hashes(given.read(path, RepositoryError, _MOST))
        except TufError as error:
            raise RepositoryError(f"{path}: is not what was signed") from error
        if found.signed.version != told.version:
            raise RepositoryError(f"{path}: expected version {told.version}")
        return found

    def _believed(
        self, roots: tuple[Metadata[Root], ...], path: Path, kind: type[_T]
    ) -> Metadata[_T]:
        """Read metadata; the root before the newest counts too, whose successor may be new."""
        found = _decoded(path, kind)
        if not any(signed(root.signed, found) for root in roots[-2:]):
            raise RepositoryError(f"{path}: not signed as it has to be")
        return found

    def _numbered(self, one: Signed) -> Path:
        return self._metadata / f"{one.version}.{one.type}.json"

    def _target(self, target: TargetFile) -> Path:
        return self.store / "targets" / target.get_prefixed_paths()[0]

    def _put_target(self, target: TargetFile, contents: dict[str, bytes]) -> None:
        if target.path in contents:
            self._put(self._target(target), contents[target.path])
        self.content(target)  # has to be there, and to be right

    def _put_root(self, root: Metadata[Root]) -> None:
        path, data = self._numbered(root.signed), root.to_bytes()
        if path.exists() and given.read(path, RepositoryError, _MOST) != data:
            raise RepositoryError(f"{path}: is there with another content")
        self._put(path, data)

    def _put(self, path: Path, data: bytes) -> None:
        if not path.exists() or given.read(path, RepositoryError, _MOST) != data:
            durable.put(path, data)


def signed(root: Root, metadata: Metadata[Any]) -> bool:
    """Say whether metadata has enough signatures of those that a root of trust names."""
    try:
        root.verify_delegate(metadata.signed.type, metadata.signed_bytes, metadata.signatures)
    except (TufError, SerializationError, SignatureError, ValueError, TypeError):
        return False
    return True


def root_signed(before: Metadata[Root] | None, root: Metadata[Root]) -> bool:
    """Say whether a root of trust has the signatures of its own keys, and of the one before it."""
    return signed(root.signed, root) and (before is None or signed(before.signed, root))


def after(metadata: Metadata[Any] | None) -> int:
    """Give the version that comes after it."""
    return int(metadata.signed.version) + 1 if metadata else 1


def _decoded(path: Path, kind: type[_T]) -> Metadata[_T]:
    data = given.read(path, RepositoryError, _MOST)
    try:
        found: Metadata[Any] = Metadata.from_bytes(data)
    except (DeserializationError, RecursionError) as error:
        raise RepositoryError(f"{path}: not metadata") from error
    if not isinstance(found.signed, kind):
        raise RepositoryError(f"{path}: not metadata of {kind.type}")
    return found


def _prove(news: News) -> None:
    """Refuse to serve what no host would take; raises RepositoryError."""
    for metadata in (news.root, news.targets, news.snapshot, news.timestamp):
        if not signed(news.root.signed, metadata):
            raise RepositoryError(f"{metadata.signed.type}: lacks signatures")
