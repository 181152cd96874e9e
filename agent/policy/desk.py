"""What whoever works on a store has before them: the folder, the keys, the time. EDGE."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Targets

from agent.policy import editions, effective, keyring, repository, roots, signing, source
from agent.policy.repository import Repository
from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from tuf.api.metadata import Signed, TargetFile

    from agent.policy.keyring import Keyring
    from agent.policy.layers import Layer
    from agent.policy.repository import Published
    from agent.policy.source import Source


class DeskError(HygieneError):
    """What cannot be signed or published as things stand."""


class Compared(NamedTuple):
    """The newest edition of each published layer; all targets before and after a publication."""

    layers: dict[str, Layer]
    before: dict[str, TargetFile]
    after: dict[str, TargetFile]


class Desk:
    """A policy's folder, its keys, and one moment.

    Metadata is due to be made anew when less than a third of its time is left.
    """

    def __init__(self, folder: Path, ring: Keyring, now: datetime) -> None:
        """Read signing.yaml; raises SigningError."""
        self.folder, self.ring, self.now = folder, ring, now
        self.signing = signing.load(folder)
        self.repository = Repository(folder)
        self.names = {
            keyring.public(known).keyid: name for name, known in self.signing.keys.items()
        }

    @cached_property
    def said(self) -> Source:
        """What the folder says, read once; raises PolicyError."""
        return source.read(self.folder)

    def until(self, role: str) -> datetime:
        """Give the time until which a role's metadata holds that is made now."""
        return self.now + timedelta(days=getattr(self.signing.days, role))

    def is_due(self, signed: Signed) -> bool:
        """Say whether less than a third of its time is left."""
        whole = timedelta(days=getattr(self.signing.days, signed.type))
        return signed.expires - self.now < whole / 3

    def staged_root(self, published: Published) -> Metadata[Root] | None:
        """Give the root of trust that comes next; one that is served already waits no more."""
        staged = self.repository.staged(Root)
        served = published.root.signed.version if published.root else 0
        if staged is None or staged.signed.version <= served:
            return None
        if staged.signed.version != served + 1:
            raise DeskError(f"staged root {staged.signed.version}: expected version {served + 1}")
        return staged

    def staged_targets(self, published: Published) -> Metadata[Targets] | None:
        """Give the targets that come next."""
        staged = self.repository.staged(Targets)
        return (
            staged
            if staged and staged.signed.version == repository.after(published.targets)
            else None
        )

    def wanted(self, published: Published, root: Root) -> Targets | None:
        """Give the targets that have to be signed; None where those that are served do.

        Raises PolicyError for a folder that cannot be published.
        """
        said, served = self.said, published.targets
        known: Mapping[str, TargetFile] = served.signed.targets if served else {}
        version = repository.after(served)
        targets = editions.following(known, said.layers, said.rollouts, version)
        good = served and repository.signed(root, served) and not self.is_due(served.signed)
        if good and targets == known:
            return None
        return Targets(version=version, expires=self.until("targets"), targets=targets)

    def layers(self) -> dict[str, Layer]:
        """Give the layers as the folder has them."""
        return {name: effective.layer(name, one) for name, one in self.said.layers.items()}

    def compared(self) -> Compared:
        """Give what is published, and the targets that follow if this folder is."""
        served = self.repository.published().targets
        known = served.signed.targets if served else {}
        content = self.repository.content
        before = {
            layer: effective.layer(layer, content(offers[0].target))
            for layer, offers in editions.of(known).items()
        }
        said, version = self.said, repository.after(served)
        after = editions.following(known, said.layers, said.rollouts, version)
        return Compared(before, known, after)

    def agrees(self, staged: Metadata[Targets] | None, wanted: Targets) -> bool:
        """Say whether what was staged is what is wanted, and holds long enough."""
        if staged is None or self.is_due(staged.signed):
            return False
        same = staged.signed.version == wanted.version
        return same and staged.signed.targets == wanted.targets and not staged.signed.delegations

    def sign(self, metadata: Metadata[Any], name: str) -> None:
        """Add a signature; raises what opening and using the key raises."""
        signer = self.ring.signer(name, self.signing.known(name))
        try:
            metadata.sign(signer, append=True)
        except UnsignedMetadataError as error:
            if isinstance(error.__cause__, HygieneError):
                raise error.__cause__ from error
            raise DeskError(f"key {name}: cannot sign") from error

    def may_sign(self, metadata: Metadata[Any], name: str, *trusted: Root | None) -> bool:
        """Say whether a key counts for metadata by any of these roots of trust."""
        keyid = keyring.public(self.signing.known(name)).keyid
        return any(keyid in root.roles[metadata.signed.type].keyids for root in trusted if root)

    def sign_here(self, metadata: Metadata[Any], root: Root) -> None:
        """Sign with keys that are at hand until there are enough; raises DeskError."""
        role = root.roles[metadata.signed.type]
        names = [self.names[keyid] for keyid in role.keyids if keyid in self.names]
        here = [name for name in names if self.ring.has(name, self.signing.known(name))]
        for name in here[: role.threshold]:
            self.sign(metadata, name)
        if not repository.signed(root, metadata):
            shown = ", ".join(roots.shown(keyid, self.names) for keyid in role.keyids)
            raise DeskError(
                f"{metadata.signed.type}: needs {role.threshold} keys of {shown}\n"
                f"hint: {self.ring.folder} has {len(here)} of them: --keys FOLDER"
            )

    def lacking(self, metadata: Metadata[Any], *trusted: Root | None) -> list[str]:
        """Say which signatures are missing, and who can give them; nothing where none is."""
        payload, role = metadata.signed_bytes, metadata.signed.type
        results = [
            root.get_verification_result(role, payload, metadata.signatures)
            for root in trusted
            if root
        ]
        return list(
            dict.fromkeys(
                f"{len(one.signed)} of {one.threshold} signatures"
                f"{self._by(', by', one.signed)}{self._by('; can sign:', one.unsigned)}"
                for one in results
                if not one.verified
            )
        )

    def _by(self, what: str, keys: Iterable[str]) -> str:
        shown = ", ".join(roots.shown(keyid, self.names) for keyid in keys)
        return f"{what} {shown}" if shown else ""
