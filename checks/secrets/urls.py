"""Find the user and the password in front of a host: URLs and driver addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEME: Final = regex(r"[A-Za-z][A-Za-z0-9+.\-]{0,40}\Z")
_END: Final = regex(r"[\s\"'<>`\\|]")
_HOST: Final = regex(
    r"(?:localhost(?::\d+)?|[\w\-]++(?:(?>\.[\w\-]++))*+:\d+|(?:(?>[\w\-]++\.))++\w++)(?=[/?#,;)\]}]|\Z)"
)
_ALONE: Final = regex(r"[A-Za-z][A-Za-z0-9+.\-]{0,40}://\S{1,1024}\Z")
"""A value that is one URL: then quotes belong to it too."""
_AUTHORITY_END: Final = regex(r"[/?#]")
_DRIVER: Final = regex(
    r"(?:\A|[\s\"'])([^\s:@/\"']{1,64}):([^\s\"']{1,200}?)@(?:(?:tcp[46]?|udp|unix|cloudsql)?\()"
)
_ORACLE: Final = regex(r"jdbc:oracle:\w{1,8}:([^\s/@:\"']{1,64})/([^\s@\"']{1,128})@")
_LONGEST: Final = 1024
_NO_PASSWORD: Final = frozenset({"", "x-oauth-basic"})
_FILLED_IN: Final = ("$", "{", "<", "%(", "#{")
_WEB: Final = frozenset({"http", "https", "git+https", "git+http", "git", "svn+https"})
_TOKEN: Final = regex(r"(?=[^\d]*+\d)[\w.\-%~]{16,}")


class Userinfo(NamedTuple):
    """What stands in front of a host, percent escapes decoded; offset: of the secret's address."""

    user: str
    secret: str
    offset: int

    def __repr__(self) -> str:
        """Leave both out."""
        return f"<Userinfo at {self.offset}>"


def userinfo(text: str) -> Iterator[Userinfo]:
    """Give the credentials of every URL, Go and Oracle data source in a text."""
    if "@" not in text:
        return
    yield from _urls(text)
    for pattern in (_DRIVER, _ORACLE) if "(" in text or "oracle" in text else ():
        for found in pattern.finditer(text):
            if "://" not in found[0]:
                yield Userinfo(found[1], found[2], found.start(2))


def _urls(text: str) -> Iterator[Userinfo]:
    alone = _ALONE.match(text)
    end = len(text) if alone else 0
    start = text.find("://")
    while start >= 0:
        begin, following = start + 3, text.find("://", start + 3)
        scheme = _SCHEME.search(text[max(0, start - 41) : start])
        if begin >= end:
            stop = _END.search(text, begin)
            end = stop.start() if stop else len(text)
        if scheme:
            found = _userinfo(scheme[0].lower(), text[begin : min(end, begin + _LONGEST)])
            if found:
                yield found._replace(offset=begin)
        start = following


def _userinfo(scheme: str, tail: str) -> Userinfo | None:
    end = _AUTHORITY_END.search(tail)
    authority = tail[: end.start()] if end else tail
    front, at, host = authority.rpartition("@")
    if not at:
        front, host = _unescaped(authority, tail)
    if not front or not host:
        return None
    user, colon, secret = front.partition(":")
    if not colon or secret in _NO_PASSWORD:
        is_token = scheme in _WEB and _TOKEN.fullmatch(user) and "sentry" not in host
        return Userinfo("", unquote(user), 0) if is_token else None
    if "[^" in front:  # an expression for URLs
        return None
    return Userinfo(unquote(user), unquote(secret), 0)


def _unescaped(authority: str, tail: str) -> tuple[str, str]:
    """Split at an "@" behind a "/", "?" or "#": no port follows the colon but a host the "@"."""
    user, colon, rest = authority.partition(":")
    if not colon or not user or not rest or rest[0].isdigit() or rest.startswith(_FILLED_IN):
        return "", ""
    at = tail.find("@", len(authority))
    if at < 0:
        return "", ""
    host = _HOST.match(tail, at + 1)
    return (tail[:at], host[0]) if host else ("", "")
