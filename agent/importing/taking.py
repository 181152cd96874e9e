"""What is to be brought into Vault, and what the bootstrap file is to say of it. EDGE."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.importing import entries, finding, pairing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.importing.finding import Read
    from agent.importing.storing import Place
    from agent.keysettings import KeySettings
    from agent.settings import Settings
    from agent.vault.material import Material
    from checks.secrets.pem import PemBlock

_FIELD: Final = "value"
"""What a secret that is no key has its value under."""


class Asked(NamedTuple):
    """What a person wants: the secret on a line of a file, or of a finding, under a name.

    certificate, chain: files, "" for none; deliver: where the keeper is to put it, "" for its own
    folder; action, at: how it is taken up, and who has to serve it, "" for neither.
    """

    file: str
    line: int
    finding: str
    name: str
    certificate: str
    chain: str
    deliver: str
    action: str
    at: str


class Taken(NamedTuple):
    """What was taken. fields: of the secret in Vault; made: the key to be served, None for none."""

    read: Read
    blocks: list[PemBlock]
    fields: Mapping[str, str]
    made: Material | None

    def __repr__(self) -> str:
        """Leave the values out."""
        return f"<Taken of {self.read!r}>"


class Plan(NamedTuple):
    """What is to be done. key: its entry; text: of the entry, "" where that stands already."""

    name: str
    where: Place
    taken: Taken
    key: KeySettings
    text: str


def plan(asked: Asked, told: Settings, where: Place) -> Plan:
    """Look at everything before anything is changed; raises HygieneError."""
    taken = take(asked, told)
    raw = entry(asked, told, where, taken.made)
    standing = entries.standing(told, asked.name, where)
    key = standing or entries.made(asked.name, raw)
    return Plan(asked.name, where, taken, key, "" if standing else entries.text(raw))


def take(asked: Asked, told: Settings) -> Taken:
    """Find what is meant, with the certificates that belong to it; raises HygieneError."""
    read = finding.read(asked.file)
    secret = finding.chosen(read, told, asked.line, asked.finding)
    blocks = finding.blocks(read)
    if secret.block is None:
        return Taken(read, blocks, {_FIELD: secret.value}, None)
    more = [finding.read(one) for one in (asked.certificate, asked.chain) if one]
    every = [*blocks, *(block for one in more for block in finding.blocks(one))]
    made = pairing.paired(secret.block, every, (), time.time())
    return Taken(read, blocks, pairing.fields(made), made)


def entry(asked: Asked, told: Settings, where: Place, made: Material | None) -> dict[str, Any]:
    """Say what the bootstrap file is to say of it, as it would be decoded."""
    beside = f"{told.vault.folder}/{asked.name}{'.pem' if made else ''}"
    raw: dict[str, Any] = {
        "source": entries.source(where, {} if made else {_FIELD: _FIELD}),
        "deliver": [{"kind": "file", "path": asked.deliver or beside}],
    }
    if asked.action:
        raw["action"] = asked.action
    if asked.at and made:
        name = next(iter(pairing.names(made)), "")
        raw["prove"] = {"address": asked.at} | ({"name": name} if name else {})
    return raw
