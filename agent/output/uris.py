"""Turn paths into URI references relative to what was scanned, byte by byte."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from agent.output.jsonout import raw
from checks.lazy import regex
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ID: Final = "SCANROOT"
_ENDPOINT: Final = regex(r"(?:[a-z0-9]{2,8}\+)?tls://")
"""What is no path but a place in a network."""
_SAFE: Final = "/!$&'()*+,;=@"
"""RFC 3986 3.3: what may stand in a path segment beside unreserved characters; no colon, which
would make a scheme of the first segment."""


class Base(NamedTuple):
    """The folder that paths are given relative to; "" is the one in which the scan was started.

    inside: what that folder is in where it is none of this host.
    """

    folder: str
    inside: str = ""

    @classmethod
    def of(cls, roots: Sequence[str], paths: Iterable[str], inside: str = "") -> Base:
        """Find the deepest folder that holds all roots; a root that is itself a file is no folder.

        Relative and absolute roots together have none: then absolute paths stay absolute.
        """
        if inside:
            return cls("/", inside)
        kinds = {root.startswith("/") for root in roots}
        if len(kinds) != 1:
            return cls("")
        folder = posixpath.commonpath([posixpath.normpath(root) for root in roots])
        folder = "" if folder == "." else folder
        if folder and any(posixpath.normpath(path.partition("!/")[0]) == folder for path in paths):
            folder = posixpath.dirname(folder)
        return cls(folder)

    @property
    def ids(self) -> dict[str, dict[str, object]]:
        """Give SARIF's originalUriBaseIds (3.14.14): the URI of the base where it is absolute."""
        if self.inside:
            return {_ID: {"description": {"text": printable(self.inside)}}}
        if self.folder.startswith("/"):
            return {_ID: {"uri": f"file://{_quoted(self.folder.rstrip('/'))}/"}}
        where = f"{_quoted(self.folder)} in " if self.folder else ""
        told = f"{where}the folder in which the scan was started"
        return {_ID: {"description": {"text": told}}}

    def locate(self, path: str) -> dict[str, str]:
        """Give SARIF's artifactLocation (3.4): relative to the base, absolute outside of it."""
        if _ENDPOINT.match(path):
            return {"uri": quote(path, safe=f"{_SAFE}:[]%")}
        path = path.removeprefix("./")
        prefix = f"{self.folder.rstrip('/')}/" if self.folder else ""
        if path.startswith(prefix) and not (path.startswith("/") and not prefix):
            return {"uri": _quoted(path[len(prefix) :].lstrip("/")), "uriBaseId": _ID}
        if path.startswith("/"):
            return {"uri": f"file://{_quoted(path)}"}
        return {"uri": _quoted(path), "uriBaseId": _ID}


def _quoted(path: str) -> str:
    return quote(raw(path), safe=_SAFE)
