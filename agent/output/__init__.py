"""Outputs: one module a form, each a pure function from a report to pieces of text.

    def render(report: Report, infos: Mapping[str, CheckInfo]) -> Iterator[str]

The pieces joined are the whole output, encoded as UTF-8; none holds a lone surrogate. What comes
from a scanned host (paths, key paths, owners, reasons) is hostile, and made safe for the form.
"""
