"""Give a report to a person or a file; show progress while a scan runs. EDGE."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from typing import TYPE_CHECKING, Final, cast

import click

from agent import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from agent.inventory import Inventory
    from agent.report import CheckInfo, Report
    from checks.scanned import Result

FORMATS: Final = {
    "html": ("html", "render"),
    "json": ("jsonout", "render_json"),
    "jsonl": ("jsonout", "render_jsonl"),
    "prometheus": ("prometheus", "render"),
    "sarif": ("sarif", "render"),
    "text": ("text", "render"),
}
"""Module and function of each form; only the one that is asked for is loaded."""
INVENTORY_FORMATS: Final = {
    "csv": ("inventorycsv", "render"),
    "json": ("inventoryjson", "render"),
    "text": ("inventorytext", "render"),
}
_SUFFIXES: Final = {
    ".csv": "csv",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".jsonl": "jsonl",
    ".prom": "prometheus",
    ".sarif": "sarif",
}
_PATIENCE: Final = 1.5
"""Seconds after which a scan shows its progress."""


class _Printer:
    """Gives what it was made of in any of its forms."""

    def __init__(self, forms: Mapping[str, tuple[str, str]], *told: object) -> None:
        self._forms = forms
        self._told = told

    def form(self, wanted: str | None, output: Path) -> str:
        """Choose the form that was asked for, or that the name says."""
        named = _SUFFIXES.get(output.suffix.lower(), "text")
        return wanted or (named if named in self._forms else "text")

    def chunks(self, form: str, **how: object) -> Iterable[str]:
        module, name = self._forms[form]
        render = getattr(importlib.import_module(f"agent.output.{module}"), name)
        return cast("Iterable[str]", render(*self._told, **how))

    def show(self, form: str) -> None:
        how: dict[str, object] = {}
        if form == "text":
            colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
            how = {"colour": colour, "width": _width() if sys.stdout.isatty() else 100}
        for chunk in self.chunks(form, **how):
            click.echo(chunk, nl=False, color=True)

    def give(self, form: str | None, output: Path | None, *, quiet: bool) -> None:
        if output is None:
            self.show(form or "text")
            return
        writing.write(output, self.chunks(self.form(form, output)))
        if not quiet:
            self.show("text")


def give(
    report: Report,
    form: str | None,
    output: Path | None,
    infos: Mapping[str, CheckInfo],
    *,
    quiet: bool,
) -> None:
    """Print the report, or write it to OUTPUT in the form its name says and print the summary.

    Raises OutputError where it cannot be written.
    """
    _Printer(FORMATS, report, infos).give(form, output, quiet=quiet)


def give_inventory(
    inventory: Inventory, form: str | None, output: Path | None, *, quiet: bool
) -> None:
    """Print an inventory or write it; into a folder as tables, one file each; see `give`."""
    printer = _Printer(INVENTORY_FORMATS, inventory)
    if output is None or not output.is_dir():
        printer.give(form, output, quiet=quiet)
        return
    if form not in {None, "csv"}:
        raise writing.OutputError(f"{output}: is a folder, which takes csv only")
    from agent.output import inventorycsv

    for name in inventorycsv.TABLES:
        writing.write(output / f"{name}.csv", inventorycsv.table(inventory, name))
    if not quiet:
        printer.show("text")


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[Result], None] | None]:
    """Show how far a long scan is, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    line = _Line()
    try:
        yield line.show
    finally:
        line.clear()


class _Line:
    """One line on stderr, rewritten ten times a second at most."""

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self._drawn = False

    def show(self, total: Result) -> None:
        now = time.monotonic()
        if now - self._started < _PATIENCE or now - self._last < 0.1:
            return
        self._last, self._drawn = now, True
        mib = total.bytes / (1024 * 1024)
        click.echo(
            f"\r\x1b[K{total.files:,} files, {mib:,.0f} MiB, {len(total.findings):,} findings",
            nl=False,
            err=True,
        )

    def clear(self) -> None:
        if self._drawn:
            click.echo("\r\x1b[K", nl=False, err=True)
