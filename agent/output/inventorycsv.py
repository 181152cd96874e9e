"""Write an inventory as CSV (RFC 4180) that a spreadsheet can open without running any of it.

One table of all rows, their kind in the first column, or a table of each kind. Every cell is
quoted; what a spreadsheet would take for a formula gets an apostrophe before it, also behind the
characters at which one may cut a cell. Several values in a cell are parted by "; ".
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from agent import inventory as model
from agent.output import words
from checks.lazy import regex
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from agent.inventory import Inventory

    Cell = str | int | bool | None | Iterable[str]
    Row = Mapping[str, Cell]

_FORMULA: Final = regex(r"(\A|[;,|\"])([ \t]*)(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet may begin a formula (OWASP, CSV injection), full-width signs included."""
_LONGEST: Final = 32_000
"""Characters; a spreadsheet's cell takes 32,767."""
_COMMON: Final = ("host", "taken")
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "listeners": ("address", "port", "speaks", "tls", "software", "executable", "unit", "user",
                  "pids", "used_by"),
    "suites": ("protocol", "suite", "key_exchange", "authentication", "cipher", "bits",
               "forward_secrecy", "used_by", "purpose", "groups", "list_complete", "software",
               "unit", "configuration"),
    "certificates": ("subject", "names", "issuer", "chain", "not_before", "not_after", "days",
                     "days_left", "key", "signature", "self_signed", "faults", "used_by", "purpose",
                     "software", "unit", "path", "configuration", "key_path", "sha256", "spki"),
    "keys": ("key", "path", "form", "encrypted", "owner", "group", "mode", "readers",
             "certificates", "used_by", "configuration", "proved", "spki"),
    "absent": ("path", "configuration"),
    "not-looked-at": ("path", "reason", "detail"),
}  # fmt: skip
"""The columns of each table behind host and time."""


def render(inventory: Inventory) -> Iterator[str]:
    """Give one table of all kinds; a column means the same in each."""
    columns = dict.fromkeys(column for some in TABLES.values() for column in some)
    yield _line(("kind", *_COMMON, *columns))
    for name in TABLES:
        for row in _rows(inventory, name):
            yield _line((name, *_common(inventory), *(row.get(column, "") for column in columns)))


def table(inventory: Inventory, name: str) -> Iterator[str]:
    """Give the table of one kind, with its head where it has no row."""
    columns = TABLES[name]
    yield _line((*_COMMON, *columns))
    for row in _rows(inventory, name):
        yield _line((*_common(inventory), *(row[column] for column in columns)))


def _common(inventory: Inventory) -> tuple[str, str]:
    return inventory.host or inventory.root, inventory.taken


def _line(cells: Iterable[Cell]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(map(_cell, cells))
    return buffer.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    told = value if isinstance(value, str) else "; ".join(value)
    return _FORMULA.sub(r"\1\2'", printable(told, longest=_LONGEST))


def _rows(inventory: Inventory, name: str) -> Iterator[Row]:
    return _ROWS[name](inventory)


def _listeners(inventory: Inventory) -> Iterator[Row]:
    for one in inventory.listeners:
        yield {
            "address": one.address,
            "port": one.port,
            "speaks": one.speaks,
            "tls": one.tls,
            "software": one.owner.software,
            "executable": one.owner.executable,
            "unit": one.owner.unit,
            "user": one.owner.user,
            "pids": map(str, one.pids),
            "used_by": one.endpoints,
        }


def _suites(inventory: Inventory) -> Iterator[Row]:
    """Give a row for each suite at each endpoint."""
    endpoints = {one.place: one for one in inventory.endpoints}
    for suite in inventory.suites:
        for one in (endpoints[place] for place in suite.endpoints):
            yield {
                "protocol": suite.protocol,
                "suite": suite.name,
                "key_exchange": suite.exchange,
                "authentication": suite.authentication,
                "cipher": suite.cipher,
                "bits": suite.bits if suite.name else "",
                "forward_secrecy": suite.forward_secrecy if suite.name else "",
                "used_by": one.place,
                "purpose": model.purpose(one),
                "groups": one.groups,
                "list_complete": one.complete,
                "software": one.owner.software,
                "unit": one.owner.unit,
                "configuration": one.files,
            }


def _certificates(inventory: Inventory) -> Iterator[Row]:
    endpoints = {one.place: one for one in inventory.endpoints}
    for row in inventory.certificates:
        known = row.certificate
        users = [endpoints[place] for place in row.served]
        yield {
            "subject": known.subject,
            "names": known.names,
            "issuer": known.issuer,
            "chain": known.issuers,
            "not_before": known.not_before,
            "not_after": known.not_after,
            "days": row.days,
            "days_left": row.days_left,
            "key": known.key,
            "signature": known.signature,
            "self_signed": known.self_signed,
            "faults": row.faults,
            "used_by": row.served,
            "purpose": dict.fromkeys(map(model.purpose, users)),
            "software": dict.fromkeys(one.owner.software for one in users if one.owner.software),
            "unit": dict.fromkeys(one.owner.unit for one in users if one.owner.unit),
            "path": row.files,
            "configuration": row.named,
            "key_path": row.keys,
            "sha256": known.sha256,
            "spki": known.spki,
        }


def _keys(inventory: Inventory) -> Iterator[Row]:
    """Give a row for each file of each key."""
    for row in inventory.keys:
        for file in row.files:
            who = file.access
            yield {
                "key": row.key,
                "path": file.path,
                "form": file.form,
                "encrypted": file.encrypted,
                "owner": (who.owner or str(who.uid)) if who else "",
                "group": (who.group or str(who.gid)) if who else "",
                "mode": f"{who.mode:04o}" if who else "",
                "readers": words.readers(who),
                "certificates": row.certificates,
                "used_by": row.endpoints,
                "configuration": file.named,
                "proved": file.proved,
                "spki": row.spki,
            }


def _absent(inventory: Inventory) -> Iterator[Row]:
    for one in inventory.absent:
        yield {"path": one.path, "configuration": one.named}


def _not_looked_at(inventory: Inventory) -> Iterator[Row]:
    for one in inventory.inconclusive:
        yield {"path": one.path, "reason": one.reason, "detail": one.detail}


_ROWS: Final[Mapping[str, Callable[[Inventory], Iterator[Row]]]] = {
    "listeners": _listeners,
    "suites": _suites,
    "certificates": _certificates,
    "keys": _keys,
    "absent": _absent,
    "not-looked-at": _not_looked_at,
}
