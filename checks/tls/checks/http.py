"""Faults of what a web server says about HTTPS: HSTS and the way from plain HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.model import Severity
from checks.secrets.advice import CheckText
from checks.tls.faults import Fault
from checks.tls.hsts import max_age

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.facts import EndpointFacts, Http
    from checks.tls.faults import Context

_RFC: Final = "https://www.rfc-editor.org/rfc/rfc6797"

CHECKS: Final[dict[str, CheckText]] = {
    "http-hsts-missing": CheckText(
        "No Strict-Transport-Security",
        Severity.LOW,
        "Strict-Transport-Security is missing",
        "Send Strict-Transport-Security: max-age=63072000 with every answer over TLS.",
        "Whoever sits between can keep a browser on plain HTTP when it comes by an old link.",
        (_RFC,),
    ),
    "http-hsts-short": CheckText(
        "Strict-Transport-Security that is soon forgotten",
        Severity.LOW,
        "Strict-Transport-Security is short",
        "Raise max-age to 63072000 (two years) once the site works over TLS.",
        "A browser that was away for longer than max-age can be kept on plain HTTP again.",
        (_RFC,),
    ),
    "http-plain-no-redirect": CheckText(
        "Plain HTTP without a way to HTTPS",
        Severity.LOW,
        "plain HTTP is not redirected to HTTPS",
        "Answer every plain request with 301 to its address under https://, or close the port.",
        "What is sent over plain HTTP can be read and changed on the way.",
        (_RFC + "#section-7.2",),
    ),
}

_SHORT: Final = 15_552_000
"""180 days, in seconds."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_DAY: Final = 86_400


def judge(facts: EndpointFacts, _context: Context) -> Iterator[Fault]:
    """Find the faults of what an endpoint says in HTTP; nothing where it said nothing.

    Of a plain endpoint's answer it is taken that the site is also there under HTTPS.
    """
    if facts.http is None:
        return
    if facts.speaks_tls:
        yield from _strict(facts.http)
    elif not any(answer is None for answer in facts.versions.values()):
        yield from _plain(facts.http)


def _strict(http: Http) -> Iterator[Fault]:
    """Look at HSTS; an error page is often sent without the headers that other pages have."""
    seconds = None if http.hsts is None else max_age(http.hsts)
    if http.hsts is None and http.status < 400:
        message = f"answers {http.status} without Strict-Transport-Security"
        yield Fault("http-hsts-missing", message, "")
    elif http.hsts is not None and seconds is None:
        message = "sends a Strict-Transport-Security that browsers ignore: no valid max-age"
        yield Fault("http-hsts-missing", message, "")
    elif seconds is not None and seconds < _SHORT:
        message = f"Strict-Transport-Security: max-age of {seconds} s ({seconds // _DAY} days)"
        yield Fault("http-hsts-short", message, "")


def _is_for_programs(media: str) -> bool:
    """Say whether a type of what is sent is JSON or a metrics format, which names its version."""
    kind, _, parameters = media.partition(";")
    return kind.strip().endswith(("json", "openmetrics-text")) or "version=" in parameters


def _plain(http: Http) -> Iterator[Fault]:
    """Look at a plain answer; a page that is refused or not there gives nothing away.

    Nor is what programs read, such as metrics or the word on a server's health, a page of a site.
    """
    if http.status < 300 and _is_for_programs(http.media):
        return
    if http.status in _REDIRECTS and http.location.lower().startswith("https://"):
        return
    if http.status < 400 or http.status == 401:
        to = "elsewhere in plain HTTP" if http.status in _REDIRECTS else "no redirect to https://"
        yield Fault("http-plain-no-redirect", f"answers {http.status}, {to}", "")
