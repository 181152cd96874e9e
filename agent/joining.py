"""Join what was gathered of a host into its inventory: keys and certificates by fingerprint."""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.inventory import (
    Absent,
    CertificateRow,
    Inventory,
    KeyFile,
    KeyRow,
    ListenerRow,
    SuiteRow,
)
from checks.keyfiles import KeySeen
from checks.tls import suites
from checks.tls.numbers import Version
from checks.tls.spoken import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agent.endpoints import Heard
    from agent.inventory import Gathered, Held
    from agent.report import Report
    from checks.tls.keyuse import KeyFile as NamedKey
    from checks.tls.keyuse import Use
    from checks.tls.spoken import Spoken
    from checks.tls.summary import CertificateSummary, EndpointSummary

    Grouped = Mapping[str, tuple[str, ...]]

_DAY: Final = datetime.timedelta(days=1)
_WORDS: Final = {
    Kind.TLS: "TLS",
    Kind.STARTTLS: "STARTTLS",
    Kind.PLAIN: "without TLS",
    Kind.OTHER: "without TLS",
}


def joined(gathered: Gathered) -> Inventory:
    """Make the inventory; rows are in a fixed order, certificates by the end of their life."""
    report = gathered.report
    endpoints = _endpoints(report)
    keys = _known_keys(gathered.keys, gathered.uses)
    certificates = _certificates(gathered, endpoints, keys)
    return Inventory(
        version=report.version,
        host=gathered.host,
        root=gathered.root,
        taken=report.started,
        seconds=gathered.seconds,
        below=gathered.below,
        listeners=tuple(_listeners(gathered.heard, endpoints)),
        endpoints=endpoints,
        suites=_suites(endpoints),
        certificates=certificates,
        keys=_keys(keys, certificates),
        absent=tuple(Absent(path, named) for path, named in _grouped(gathered.missing).items()),
        inconclusive=tuple(dict.fromkeys((*report.inconclusive, *gathered.unseen))),
    )


def _grouped(pairs: Iterable[tuple[str, str]]) -> Grouped:
    """Give for each first word its second words, each once; both sorted."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        if value:
            found[key].add(value)
    return {key: tuple(sorted(found[key])) for key in sorted(found)}


def _endpoints(report: Report) -> tuple[EndpointSummary, ...]:
    """Give each place once: two sockets may be reached through one door."""
    return tuple({one.place: one for one in reversed(report.endpoints)}.values())[::-1]


def _listeners(
    heard: Iterable[Heard], endpoints: Iterable[EndpointSummary]
) -> Iterator[ListenerRow]:
    through: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for one in endpoints:
        through[one.host, one.port].append(one.place)
    for each in heard:
        yield _listener(each, through[each.listener.door, each.listener.port])


def _listener(heard: Heard, places: Iterable[str]) -> ListenerRow:
    listener, spoken = heard.listener, heard.spoken
    return ListenerRow(
        address=listener.address,
        port=listener.port,
        speaks=_words(spoken),
        tls=spoken.speaks_tls if spoken and spoken.settled else None,
        owner=heard.owner,
        pids=listener.pids,
        endpoints=tuple(places),
    )


def _words(spoken: Spoken | None) -> str:
    """Say what a listener speaks: "TLS", "smtp, STARTTLS", "ssh, without TLS"."""
    if spoken is None:
        return "not asked"
    told = _WORDS.get(spoken.kind, f"not known: {spoken.kind}")
    return f"{spoken.protocol}, {told}" if spoken.protocol else told


def _suites(endpoints: Iterable[EndpointSummary]) -> tuple[SuiteRow, ...]:
    """Give every protocol and suite in use, the newest protocol first."""
    used: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in endpoints:
        listed = {suite.version for suite in one.suites}
        bare = [label for label, on in one.protocols.items() if on and label not in listed]
        for pair in (*((s.version, s.name) for s in one.suites), *((label, "") for label in bare)):
            used[pair].append(one.place)
    ages = {version.label: -version for version in Version}
    ordered = sorted(used, key=lambda pair: (ages.get(pair[0], 0), pair[1]))
    return tuple(_suite(protocol, name, used[protocol, name]) for protocol, name in ordered)


def _suite(protocol: str, name: str, places: Sequence[str]) -> SuiteRow:
    known = suites.by_name().get(name) or suites.Suite(0, name, "")
    return SuiteRow(
        protocol=protocol,
        name=name,
        exchange=known.exchange if name else "",
        authentication=known.authentication if name else "",
        cipher=known.cipher if name else "",
        bits=known.bits if name else 0,
        forward_secrecy=bool(name) and known.has_forward_secrecy,
        endpoints=tuple(dict.fromkeys(places)),
    )


def _certificates(
    gathered: Gathered, endpoints: Sequence[EndpointSummary], keys: Sequence[_Key]
) -> tuple[CertificateRow, ...]:
    seen = [(one, certificate) for one in endpoints for certificate in one.certificates]
    served = _grouped((certificate.sha256, one.place) for one, certificate in seen)
    files = _grouped((held.certificate.sha256, held.path) for held in gathered.held)
    named = _grouped((held.certificate.sha256, held.named) for held in gathered.held)
    key_files = _grouped((key.spki, key.seen.path) for key in keys if key.spki)
    faults = _grouped(
        (one.location.path, one.check)
        for one in gathered.report.findings
        if one.check.startswith("cert-")
    )
    rows = [
        CertificateRow(
            certificate=one,
            days=_days(one.not_before, one.not_after),
            days_left=_days(gathered.report.started, one.not_after),
            served=served.get(one.sha256, ()),
            files=files.get(one.sha256, ()),
            named=named.get(one.sha256, ()),
            keys=key_files.get(one.spki, ()),
            faults=_of(faults, served.get(one.sha256, ())),
        )
        for one in _once((certificate for _, certificate in seen), gathered.held)
    ]
    return tuple(sorted(rows, key=lambda row: (row.certificate.not_after, row.certificate.sha256)))


def _once(
    served: Iterable[CertificateSummary], held: Iterable[Held]
) -> Iterable[CertificateSummary]:
    """Give each certificate once; who serves it knows its issuers."""
    known: dict[str, CertificateSummary] = {}
    for one in (*served, *(one.certificate for one in held)):
        known.setdefault(one.sha256, one)
    return known.values()


def _of(found: Grouped, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({one for name in names for one in found.get(name, ())}))


def _days(first: str, last: str) -> int:
    """Give the whole days between two ISO 8601 times, below 0 where the first is the later."""
    begins, ends = map(datetime.datetime.fromisoformat, (first, last))
    return (ends - begins) // _DAY


class _Key(NamedTuple):
    """A key that was seen. spki: of its public half, or of the certificate it is named with."""

    seen: KeySeen
    spki: str
    named: tuple[str, ...]


def _known_keys(seen: Iterable[KeySeen], uses: Sequence[Use]) -> list[_Key]:
    """Give the keys that were found and those which only configuration names, by path."""
    keys = list(dict.fromkeys(seen))
    inodes = {key.inode for key in keys}
    for use in uses:
        if use.key.inode not in inodes:
            inodes.add(use.key.inode)
            keys.append(_named(use.key))
    beside = {use.key.inode: use.spki for use in reversed(uses) if use.spki}
    named: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for use in uses:
        named[use.key.inode].add(f"{use.host.path}:{use.host.line}")
    ordered = sorted(keys, key=lambda key: (key.path, key.spki))
    return [
        _Key(key, key.spki or beside.get(key.inode, ""), tuple(sorted(named[key.inode])))
        for key in ordered
    ]


def _named(key: NamedKey) -> KeySeen:
    facts = key.facts
    if facts is None:
        return KeySeen(key.path, "", key.inode, "not read", access=key.access)
    return KeySeen(
        key.path, facts.spki, key.inode, "", facts.label, facts.encrypted, access=key.access
    )


def _keys(keys: Iterable[_Key], certificates: Iterable[CertificateRow]) -> tuple[KeyRow, ...]:
    """Give each key once with all its files; one that nothing gives away is known by its file."""
    groups: defaultdict[tuple[str, str], list[_Key]] = defaultdict(list)
    for key in keys:
        groups[key.spki, "" if key.spki else key.seen.path].append(key)
    by_key: defaultdict[str, list[CertificateRow]] = defaultdict(list)
    for row in certificates:
        by_key[row.certificate.spki].append(row)
    return tuple(_key(spki, group, by_key[spki]) for (spki, _), group in groups.items())


def _key(spki: str, group: Sequence[_Key], rows: Sequence[CertificateRow]) -> KeyRow:
    labels = (*(one.seen.key for one in group), *(row.certificate.key for row in rows))
    return KeyRow(
        spki=spki,
        key=next(filter(None, labels), ""),
        files=tuple(map(_file, group)),
        certificates=tuple(row.certificate.sha256 for row in rows),
        endpoints=tuple(sorted({place for row in rows for place in row.served})),
    )


def _file(key: _Key) -> KeyFile:
    seen = key.seen
    return KeyFile(
        path=seen.path,
        form=seen.form,
        encrypted=seen.encrypted,
        proved=bool(seen.spki),
        access=seen.access,
        named=key.named,
    )
