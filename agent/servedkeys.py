"""Join private keys on disks with the servers that serve them and with what Vault holds. Pure.

The same finding `key-on-disk` as for a key that configuration names, with more known about it: on a
host that keeps keys from Vault a key that is served from a disk is one that should be there. Keys
that no configuration names, such as the one a program of one's own serves, are told then too.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from checks.model import Severity
from checks.printable import printable
from checks.tls import judging, keyuse
from checks.tls.faults import Fault
from checks.tls.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agent.configuration import NamedKey
    from agent.served import Served
    from agent.vaulted import Vaulted, VaultedKey
    from checks.keyfiles import KeySeen
    from checks.model import Finding

CHECK: Final = "key-on-disk"
_HELD: Final = (
    "Have it delivered from there (`keys` in the bootstrap file), let the server name the delivered"
    " file, and remove this one."
)


class Facts(NamedTuple):
    """What is known beside the files. places: where each key is served, by its public half.

    vaulted: what Vault holds, by public half; wanted: keys should be in Vault; severity: that the
    policy has for it, None for ours.
    """

    places: Mapping[str, tuple[str, ...]]
    vaulted: Mapping[str, VaultedKey]
    wanted: bool
    severity: Severity | None = None


def facts(
    served: Served, vaulted: Vaulted, *, wanted: bool, severity: Severity | None = None
) -> Facts:
    """Put what others published in order."""
    places: dict[str, dict[str, None]] = {}
    for one in served.certificates:
        places.setdefault(one.spki, {})[one.place] = None
    return Facts(
        {spki: tuple(some) for spki, some in places.items()},
        {one.spki: one for one in vaulted.keys},
        wanted,
        severity,
    )


def judged(said: Sequence[Finding], named: Iterable[NamedKey], known: Facts) -> Iterator[Finding]:
    """Give what was found of keys that configuration names, with what else is known."""
    files = {one.path: one for one in named}
    for finding in said:
        file = files.get(finding.location.path)
        if finding.check == CHECK and known.wanted and file and file.spki in known.places:
            yield _joined(finding, file.spki, known, encrypted=file.encrypted)
        else:
            yield finding


def further(found: Iterable[KeySeen], named: Iterable[NamedKey], known: Facts) -> list[KeySeen]:
    """Choose the keys that are served and that no configuration names."""
    if not known.wanted:
        return []
    inodes = {one.inode for one in named}
    return [one for one in found if one.spki in known.places and one.inode not in inodes]


def described(key: KeySeen, known: Facts) -> Finding:
    """Tell of a key that is served from a disk and that no configuration names."""
    fault = Fault(CHECK, "", key.spki)
    bare = judging.described(fault, key.path, keyuse.CHECKS[CHECK])
    return _joined(bare, key.spki, known, encrypted=key.encrypted)


def _joined(finding: Finding, spki: str, known: Facts, *, encrypted: bool) -> Finding:
    path, held = finding.location.path, known.vaulted.get(spki)
    how = "encrypted" if encrypted else "not encrypted"
    said = f"the private key of {listed(known.places[spki])} lies in a file on a disk ({how})"
    ours = Severity.LOW if encrypted else Severity.MEDIUM
    command = f"hygiene-agent keys import {shlex.quote(path)}"
    mend = (
        f"Run `{printable(command)}`: it puts the key into Vault, delivers it in memory, proves"
        " that the server serves it, and then asks to remove the file."
    )
    return msgspec.structs.replace(
        finding,
        severity=ours if known.severity is None else known.severity,
        message=f"{said}; Vault has it: {printable(str(held))}" if held else said,
        fix=_HELD if held else mend,
    )
