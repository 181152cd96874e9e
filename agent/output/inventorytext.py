"""Write an inventory for a person at a terminal: a table of listeners, then a block a thing.

No character of a file, a name or a certificate reaches the terminal unescaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent import inventory as model
from agent.output import text, words
from agent.output.text import BOLD, DIM, GOOD, WARNING, Paint
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agent.inventory import CertificateRow, Inventory, KeyFile, KeyRow
    from checks.tls.summary import EndpointSummary

_WIDEST: Final = 40
_INDENT: Final = 6
_LABEL: Final = 12
_SOON: Final = 1 / 3
"""The share of a life from which on its end is shown as near."""


def render(inventory: Inventory, *, colour: bool = False, width: int = 100) -> Iterator[str]:
    """Give the inventory piece by piece; colour, width: as for reports."""
    paint = Paint(width, colour=colour)
    yield from _listeners(inventory, paint)
    yield from _endpoints(inventory, paint)
    yield from _certificates(inventory, paint)
    yield from _keys(inventory, paint)
    yield from _absent(inventory, paint)
    yield from text.not_looked_at(inventory.inconclusive, paint)
    yield from _sum(inventory, paint)


def _heading(title: str, rows: Sequence[object], paint: Paint) -> str:
    return paint(BOLD, f"{title} ({len(rows):,})") + "\n"


def _listeners(inventory: Inventory, paint: Paint) -> Iterator[str]:
    if not inventory.listeners:
        return
    yield _heading("Listeners", inventory.listeners, paint)
    rows = [("address", "speaks", "program", "unit", "user")]
    for one in inventory.listeners:
        host = f"[{one.address}]" if ":" in one.address else one.address
        who = one.owner
        rows.append((f"{host}:{one.port}", one.speaks, who.executable, who.unit, who.user))
    head, *lines = _table(rows)
    yield paint(DIM, f"  {head}") + "\n"
    yield from (f"  {line}\n" for line in lines)
    yield "\n"


def _table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lay out rows in columns; a long cell pushes the rest of its line aside, uncut."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _block(label: str, values: Iterable[str], paint: Paint) -> Iterator[str]:
    """Give values under each other behind their label, nothing where there are none."""
    for value in values:
        yield f"{' ' * _INDENT}{paint(DIM, f'{label:<{_LABEL}}')}{printable(value)}\n"
        label = ""


def _wrapped(label: str, values: Iterable[str], paint: Paint) -> Iterator[str]:
    """Give values one behind the other on as many lines as they take."""
    indent = " " * (_INDENT + _LABEL)
    lines = paint.wrap(", ".join(map(printable, values)), indent, indent)
    yield from _block(label, (line.strip() for line in lines), paint)


def _endpoints(inventory: Inventory, paint: Paint) -> Iterator[str]:
    if not inventory.endpoints:
        return
    yield _heading("TLS endpoints", inventory.endpoints, paint)
    for one in inventory.endpoints:
        yield f"  {printable(one.place)}\n"
        yield from _block("purpose", [model.purpose(one)], paint)
        for label in reversed([*one.protocols]):
            yield from _protocol(one, label, paint)
        yield from _wrapped("groups", one.groups, paint)
        yield from _block("set up in", one.files, paint)
        if not one.complete:
            yield from _block("", [paint(WARNING, "there may be more suites")], paint)
    yield "\n"


def _protocol(one: EndpointSummary, label: str, paint: Paint) -> Iterator[str]:
    """Give a protocol with its suites in the server's order; one that is off is left out."""
    spoken = one.protocols[label]
    if spoken is None:
        yield from _block(label, ["not known"], paint)
    elif spoken:
        names = [suite.name for suite in one.suites if suite.version == label]
        yield from _block(label, names or ["no suite seen"], paint)


def _certificates(inventory: Inventory, paint: Paint) -> Iterator[str]:
    if not inventory.certificates:
        return
    yield _heading("Certificates, the first to end first", inventory.certificates, paint)
    for row in inventory.certificates:
        known = row.certificate
        yield f"  {printable(_called(row))}  {paint(DIM, known.key)}  {_life(row, paint)}\n"
        yield from _wrapped("names", known.names if len(known.names) > 1 else (), paint)
        yield from _block("issuer", ["itself" if known.self_signed else known.issuer], paint)
        yield from _block("served by", row.served, paint)
        yield from _block("file", row.files, paint)
        yield from _block("named in", row.named, paint)
        yield from _block("key", row.keys or [_without_key(inventory)], paint)
        yield from _wrapped("faults", row.faults, paint)
    yield "\n"


def _called(row: CertificateRow) -> str:
    return next(iter(row.certificate.names), "") or row.certificate.subject or "without a name"


def _life(row: CertificateRow, paint: Paint) -> str:
    until = f"until {row.certificate.not_after[:10]}"
    if row.days_left < 0:
        return paint(WARNING, f"{until}, ended {words.plural(-row.days_left, 'day')} ago")
    told = f"{until}, {row.days_left:,} of {words.plural(row.days, 'day')} left"
    return paint(WARNING if row.days_left < row.days * _SOON else GOOD, told)


def _without_key(inventory: Inventory) -> str:
    return f"none found below {', '.join(inventory.below) or 'any folder'}"


def _keys(inventory: Inventory, paint: Paint) -> Iterator[str]:
    if not inventory.keys:
        return
    yield _heading("Keys", inventory.keys, paint)
    names = {row.certificate.sha256: _called(row) for row in inventory.certificates}
    for row in inventory.keys:
        yield f"  {printable(row.key or 'of an unknown kind')}  {_belongs(row, names, paint)}\n"
        for file in row.files:
            yield from _block("file", [file.path], paint)
            yield from _block("", [_kept(file)], paint)
            yield from _block("named in", file.named, paint)
        yield from _block("served by", row.endpoints, paint)
    yield "\n"


def _belongs(row: KeyRow, names: dict[str, str], paint: Paint) -> str:
    if not row.certificates:
        return paint(DIM, "of no certificate that was found")
    told = ", ".join(dict.fromkeys(names[one] for one in row.certificates))
    return printable(f"of {told}")


def _kept(file: KeyFile) -> str:
    parts = [file.form, "encrypted" if file.encrypted else "", words.access(file.access)]
    if not file.proved:
        parts.append("whose it is was not proved")
    return ", ".join(filter(None, parts))


def _absent(inventory: Inventory, paint: Paint) -> Iterator[str]:
    if not inventory.absent:
        return
    yield _heading("Certificate files that are named and not there", inventory.absent, paint)
    for one in inventory.absent:
        yield f"  {printable(one.path)}\n"
        yield from _block("named in", one.named, paint)
    yield "\n"


def _sum(inventory: Inventory, paint: Paint) -> Iterator[str]:
    counted = (
        words.plural(len(inventory.listeners), "listener"),
        words.plural(len(inventory.endpoints), "TLS endpoint"),
        f"{words.plural(len(inventory.certificates), 'certificate')}"
        f" ({sum(not row.keys for row in inventory.certificates):,} without a key)",
        f"{words.plural(len(inventory.keys), 'key')}"
        f" ({sum(not row.certificates for row in inventory.keys):,} without a certificate)",
    )
    where = inventory.host or inventory.root
    yield paint(BOLD, printable(f"{where}, {inventory.taken}: {', '.join(counted)}.")) + "\n"
    if inventory.inconclusive:
        unseen = f"{len(inventory.inconclusive):,} not looked at: see above."
        yield paint(WARNING, f"Not complete: {unseen}") + "\n"
