"""Read the small files that a person names: policies, rules, baselines. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from checks.errors import HygieneError

LIMIT: Final = 4 * 1024 * 1024


def read(path: Path, refusal: type[HygieneError], limit: int = LIMIT) -> bytes:
    """Give a file's content; raises REFUSAL with its name, also for more than LIMIT bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        message = f"{path}: {error.strerror or 'cannot be read'}"
        raise refusal(message) from error
    if len(data) > limit:
        message = f"{path}: larger than {limit} bytes"
        raise refusal(message)
    return data
