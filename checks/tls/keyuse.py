"""Judge the private keys that server configurations name: who reaches them, what they belong to.

The same ids and words as for keys that a scan finds; here the configuration says which key and
which certificate belong together, so that nothing has to be guessed from names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.model import Severity
from checks.secrets import advice, keyfaults, keypairs
from checks.secrets.advice import CheckText
from checks.secrets.keys import KeyFacts
from checks.tls.config import Setting
from checks.tls.faults import Fault
from checks.tls.siting import Located
from checks.tls.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from checks.model import Access

CHECKS: Final[Mapping[str, CheckText]] = {
    "key-on-disk": CheckText(
        "Private key on a disk",
        Severity.INFO,
        "a private key is kept on a disk",
        "Have the key delivered from Vault to a file system in memory, such as /run.",
        "What is on a disk is in backups, in images and on disks that are thrown away.",
    ),
    **{check: advice.CHECKS[check] for check in ("key-mismatch", "key-permissions", "key-shared")},
}
_UNREAD: Final = KeyFacts("other")
_ONE_EACH: Final = "Give each host a key and a certificate of its own."


class KeyFile(NamedTuple):
    """A file that a configuration names for a key.

    inode: (device, inode); facts: None where it could not be read; lasting: it outlives a restart.
    """

    path: str
    inode: tuple[int, int]
    access: Access
    facts: KeyFacts | None
    lasting: bool = True


class Use(NamedTuple):
    """A certificate and its key, as a host has them.

    host: where its server's configuration sets it up; leaf, spki: SHA-256 of the certificate and
    of its public key in hex, "" where it could not be read.
    """

    host: Setting
    certificate: Setting
    leaf: str
    spki: str
    key: KeyFile


def judge(uses: Sequence[Use]) -> Iterator[Located]:
    """Find the faults of keys, each at its file."""
    for key in {use.key.inode: use.key for use in reversed(uses)}.values():
        yield from _kept(key)
    for use in uses:
        yield from _misfits(use)
    for known in _by_key(uses):
        yield from _shared(known)


def _kept(key: KeyFile) -> Iterator[Located]:
    facts = key.facts or _UNREAD
    for fault in keyfaults.judge(facts, key.access):
        if fault.check == "key-permissions":
            right = fault.message.partition(" can ")[2].partition(" ")[0]  # read or replace
            fact = f"{facts.spki} {right}"
            yield _at(key, Fault(fault.check, fault.message, fact, fault.severity, fault.fix))
    if key.lasting:
        how = "encrypted" if facts.encrypted else "not encrypted"
        how = how if key.facts else "could not be read"
        said = f"the private key lies in a file on a disk ({how})"
        yield _at(key, Fault("key-on-disk", said, facts.spki))


def _misfits(use: Use) -> Iterator[Located]:
    spki = use.key.facts.spki if use.key.facts else ""
    if spki and use.spki and spki != use.spki:
        place = f"{use.certificate.path}:{use.certificate.line}"
        said = (
            f"the private key does not fit the certificate in {use.certificate.value} that {place}"
            " names with it: the server cannot start with them"
        )
        yield _at(use.key, Fault("key-mismatch", said, f"{spki} {use.spki}"))


def _by_key(uses: Iterable[Use]) -> Iterator[list[Use]]:
    """Group the uses of each key that could be read."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        if use.key.facts and use.key.facts.spki:
            found.setdefault(use.key.facts.spki, []).append(use)
    yield from found.values()


def _shared(uses: Sequence[Use]) -> Iterator[Located]:
    """Tell of one key in several files or certificates; of hosts with one certificate, mildly."""
    first = min((use.key for use in uses), key=lambda key: key.path)  # where a scan tells it
    spki = first.facts.spki if first.facts else ""
    files = {use.key.inode: use.key.path for use in reversed(uses)}
    fitting = [use for use in uses if use.spki == spki]
    leaves = {use.leaf for use in fitting}
    hosts = {(use.host.path, use.host.line) for use in fitting}
    if len(files) > 1:
        paths = tuple(sorted(files.values()))
        fault = keypairs.shared_fault(keypairs.SharedKey(spki, paths))
        yield _at(first, Fault(fault.check, fault.message, spki, fault.severity, fault.fix))
    elif len(leaves) > 1:
        said = f"one private key stands behind {len(leaves)} certificates: {_hosts(hosts)}"
        yield _at(first, Fault("key-shared", said, spki, None, _ONE_EACH))
    elif len(hosts) > 1:
        said = f"{len(hosts)} hosts have one certificate and its key in common: {_hosts(hosts)}"
        yield _at(first, Fault("key-shared", said, spki, Severity.INFO, _ONE_EACH))


def _hosts(hosts: Iterable[tuple[str, int]]) -> str:
    return listed(f"{path}:{line}" for path, line in sorted(hosts))


def _at(key: KeyFile, fault: Fault) -> Located:
    return Located(fault, Setting("", "", key.path, 0))
