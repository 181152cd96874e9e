"""Name a fault of our own by its kind and place, never by its text, which may repeat a secret."""

from __future__ import annotations

import os


def where(error: BaseException) -> str:
    """Give "ValueError at judge.py:120", the innermost place."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    kind = type(error).__name__
    if trace is None:
        return kind
    return f"{kind} at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
