"""Loaded by tests and the fuzzer: a TUF repository whose every key is at hand, and its store.

Whoever holds a key can be played: what is published can be changed, signed by anyone, and served.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
import json
from typing import TYPE_CHECKING, Any

from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from agent.stores import AbsentError, StoreError, TooLongError, checked

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = 1_780_000_000.0
HOUR = 3600.0
LIVES = {"root": 365 * 24 * HOUR, "targets": 90 * 24 * HOUR, "snapshot": 168 * HOUR}
KINDS: dict[str, type[Any]] = {
    "root": Root,
    "timestamp": Timestamp,
    "snapshot": Snapshot,
    "targets": Targets,
}


class Shelf:
    """A store of files in memory: bytes are given, an error is raised."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | StoreError] = {}
        self.asked: list[str] = []
        self.date: float | None = None

    def fetch(self, name: str, most: int) -> bytes:
        self.asked.append(name)
        held = self.files.get(checked(name), AbsentError(f"{name}: not there"))
        if isinstance(held, Exception):
            raise held
        if len(held) > most:
            raise TooLongError(f"{name}: more than {most} bytes")
        return held

    def close(self) -> None:
        """Nothing is open."""


class Repository:
    """Its metadata as it will be published next, by role, and the signers of each role."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now
        self.shelf = Shelf()
        counts = {"root": 3, "timestamp": 1, "snapshot": 1, "targets": 2}
        self.signers = {role: [made() for _ in range(n)] for role, n in counts.items()}
        self.signed: dict[str, Any] = {role: kind() for role, kind in KINDS.items()}
        for role, signers in self.signers.items():
            for signer in signers:
                self.signed["root"].add_key(signer.public_key, role)
        self.signed["root"].roles["root"].threshold = 2
        self.signed["root"].roles["targets"].threshold = 2
        self.publish("root")
        self.put("policy/base/1.json", b"{}")
        self.publish("targets", "snapshot", "timestamp")

    @property
    def pin(self) -> bytes:
        """The root that a host is given."""
        held = self.shelf.files["metadata/1.root.json"]
        assert isinstance(held, bytes)
        return held

    def put(self, path: str, content: bytes, custom: object = None) -> None:
        """Have a target; it is served at once, and known with the next targets."""
        file = TargetFile.from_data(path, content, ["sha256"])
        if custom is not None:
            file.unrecognized_fields["custom"] = custom
        self.signed["targets"].targets[path] = file
        folder, _, name = path.rpartition("/")
        self.shelf.files[f"targets/{folder}/{file.hashes['sha256']}.{name}"] = content

    def publish(self, *roles: str, by: Iterable[CryptoSigner] | None = None) -> None:
        """Sign roles anew and serve them, each as what it says of itself."""
        for role in roles:
            signed = self.signed[role]
            life = LIVES.get(role, 24 * HOUR)
            signed.expires = datetime.datetime.fromtimestamp(self.now + life, datetime.UTC)
            self.serve(role, self.bytes_of(role, by))

    def bytes_of(self, role: str, by: Iterable[CryptoSigner] | None = None) -> bytes:
        """Give a role's metadata as it would be published."""
        return self.sign(self.signed[role], self.signers[role] if by is None else by)

    @staticmethod
    def sign(signed: Any, by: Iterable[CryptoSigner]) -> bytes:  # noqa: ANN401 - any role's
        """Give metadata signed by some keys."""
        metadata = Metadata(signed)
        metadata.signatures.clear()
        for signer in by:
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def forged(self, role: str, said: object) -> bytes:
        """Give metadata that says anything at all, rightly signed; as JSON, where that can be."""
        told = encode_canonical(said).encode()
        signatures = [signer.sign(told).to_dict() for signer in self.signers[role]]
        return json.dumps({"signed": said, "signatures": signatures}).encode()

    def serve(self, role: str, data: bytes) -> None:
        """Serve bytes as the current version of a role, and have those above name them."""
        version = self.signed[role].version
        name = "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"
        self.shelf.files[f"metadata/{name}"] = data
        if role == "targets":
            self.signed["snapshot"].meta["targets.json"] = MetaFile(version)
        elif role == "snapshot":
            self.signed["timestamp"].snapshot_meta = MetaFile.from_data(version, data, ["sha256"])

    def next(self, *roles: str) -> None:
        """Publish a newer version of roles."""
        for role in roles:
            self.signed[role].version += 1
            self.publish(role)

    def rotate(self, *roles: str) -> None:
        """Publish a root by which other keys sign the roles; the old ones are forgotten."""
        root = self.signed["root"]
        old = list(self.signers["root"])
        for role in roles:
            for signer in self.signers[role]:
                root.revoke_key(signer.public_key.keyid, role)
            self.signers[role] = [made() for _ in self.signers[role]]
            for signer in self.signers[role]:
                root.add_key(signer.public_key, role)
        root.version += 1
        self.publish("root", by=[*old, *self.signers["root"]] if "root" in roles else old)

    @contextlib.contextmanager
    def attacked(self) -> Any:  # noqa: ANN401 - a generator that contextlib wraps
        """Let what is published meanwhile be gone afterwards, keys and all."""
        files, signed, signers = self.shelf.files, self.signed, self.signers
        now, self.shelf.files = self.now, dict(files)
        self.signed, self.signers = copy.deepcopy(signed), dict(signers)
        try:
            yield self
        finally:
            self.shelf.files, self.signed, self.signers, self.now = files, signed, signers, now


def made() -> CryptoSigner:
    """Make a key."""
    return CryptoSigner.generate_ed25519()
