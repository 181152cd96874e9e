"""Frame an HTML page that loads nothing and in which nothing foreign can act.

The page's own policy (CSP) allows its one style sheet and its one script, each by its hash, and
nothing else, so that a hostile name could not act even if it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Final, NamedTuple

from agent.output.charts import escape
from agent.report import TOOL

_HEAD: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""


class Frame(NamedTuple):
    """What may act in a page: its style sheet, and a script unless that is ""."""

    style: str
    script: str = ""

    def policy(self) -> str:
        """Give the page's Content-Security-Policy."""
        script = f" script-src '{_hash(self.script)}';" if self.script else ""
        style = f" style-src '{_hash(self.style)}';"
        return f"default-src 'none';{style}{script} base-uri 'none'; form-action 'none'"

    def begin(self, title: str) -> str:
        """Give the page up to its body; the title needs no escaping."""
        told = f"{TOOL}: {escape(title)}"
        return _HEAD.format(policy=self.policy(), title=told, style=self.style)

    def end(self, version: str = "") -> str:
        """Give the page's foot and all after it."""
        tool = f"{TOOL} {escape(version)}".rstrip()
        script = f"<script>{self.script}</script>\n" if self.script else ""
        said = f"<footer>{tool}. No value is repeated in this page.</footer>\n"
        return f"{said}{script}</body>\n</html>\n"


def asset(package: str, name: str) -> str:
    """Read a style sheet or a script that is installed in a package."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
