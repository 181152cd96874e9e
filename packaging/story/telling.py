"""Say what happens, and wait for what has to happen first."""

from __future__ import annotations

import shlex
import textwrap
import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_Seen = TypeVar("_Seen")
_PATIENCE: Final = 90.0
_WIDTH: Final = 96


def act(title: str) -> None:
    """Say what the next act shows."""
    print()
    say(title, "")


def say(text: str, indent: str = "   ") -> None:
    """Tell the visitor what happens, at most 96 columns wide."""
    deeper = indent + "   " * (not indent)
    print(_wrapped(text, indent, deeper, ""), flush=True)


def command(words: Iterable[str]) -> None:
    """Show a command as it could be typed."""
    print(_wrapped(shlex.join(words), "   $ ", "       ", " \\"), flush=True)


def quote(text: str) -> None:
    """Show what a command answered."""
    for line in text.splitlines():
        print(f"     {line}", flush=True)


def _wrapped(text: str, first: str, later: str, end: str) -> str:
    lines = textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{end}\n".join(lines)


def until(true: Callable[[], object], what: str) -> None:
    """Wait until something is so; raises SystemExit, since a story that sticks is over."""
    end = time.monotonic() + _PATIENCE
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"story: waited {_PATIENCE:.0f} s in vain for {what}")
        time.sleep(0.2)


def settled(look: Callable[[], _Seen], seconds: float = 3.0) -> _Seen:
    """Look until the same was seen for so many seconds; raises SystemExit as `until` does."""
    seen, since = look(), time.monotonic()

    def is_settled() -> bool:
        nonlocal seen, since
        if (now := look()) != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > seconds

    until(is_settled, "things to settle")
    return seen
