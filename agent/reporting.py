"""Give a report to a person or a file; show progress while a scan runs. EDGE."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import time
from typing import TYPE_CHECKING, Final, cast

import click

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from agent.report import CheckInfo, Report
    from checks.scan import Result

FORMATS: Final = {
    "html": ("html", "render"),
    "json": ("jsonout", "render_json"),
    "jsonl": ("jsonout", "render_jsonl"),
    "sarif": ("sarif", "render"),
    "text": ("text", "render"),
}
"""Module and function of each form; only the one that is asked for is loaded."""
_SUFFIXES: Final = {
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".jsonl": "jsonl",
    ".sarif": "sarif",
}
_PATIENCE: Final = 1.5
"""Seconds after which a scan shows its progress."""


def _chunks(
    form: str, report: Report, infos: Mapping[str, CheckInfo], **how: object
) -> Iterable[str]:
    module, name = FORMATS[form]
    render = getattr(importlib.import_module(f"agent.output.{module}"), name)
    return cast("Iterable[str]", render(report, infos, **how))


class OutputError(HygieneError):
    """A report that could not be written."""


def give(
    report: Report,
    form: str | None,
    output: Path | None,
    infos: Mapping[str, CheckInfo],
    *,
    quiet: bool,
) -> None:
    """Print the report, or write it to OUTPUT in the form its name says and print the summary."""
    if output is None:
        _print(report, form or "text", infos)
        return
    form = form or _SUFFIXES.get(output.suffix.lower(), "text")
    try:
        descriptor = _create(output)
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(_chunks(form, report, infos))
    except OSError as error:
        message = f"{output}: {error.strerror}"
        raise OutputError(message) from error
    if not quiet:
        _print(report, "text", infos)


def _print(report: Report, form: str, infos: Mapping[str, CheckInfo]) -> None:
    if form != "text":
        chunks = _chunks(form, report, infos)
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        width = _width() if sys.stdout.isatty() else 100
        chunks = _chunks("text", report, infos, colour=colour, width=width)
    for chunk in chunks:
        click.echo(chunk, nl=False, color=True)


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def _create(output: Path) -> int:
    """Open a file for writing; through a link only below /dev, where nobody else lays one."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    if not output.is_relative_to("/dev"):
        flags |= os.O_NOFOLLOW
    try:
        return os.open(output, flags, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OutputError(f"{output}: is a link") from error
        raise


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
