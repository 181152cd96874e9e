"""HSTS is judged where HTTP was answered over TLS, a redirect where it was answered without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.tls.checks import http
from checks.tls.facts import Http
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable

YEARS = "max-age=63072000"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, set()),
        (Http(200, YEARS), set()),
        (Http(200, 'Max-Age = "63072000" ; includeSubDomains; preload'), set()),
        (Http(200, "max-age=15552000"), set()),
        (Http(200), {"http-hsts-missing"}),
        (Http(301, None, "https://www.example.org/"), {"http-hsts-missing"}),
        (Http(404), set()),
        (Http(503), set()),
        (Http(404, "max-age=1"), {"http-hsts-short"}),
        (Http(200, "max-age=15551999"), {"http-hsts-short"}),
        (Http(200, "max-age=0"), {"http-hsts-short"}),
        (Http(200, ""), {"http-hsts-missing"}),
        (Http(200, "includeSubDomains"), {"http-hsts-missing"}),
        (Http(200, "max-age=-1"), {"http-hsts-missing"}),
        (Http(200, "max-age=²"), {"http-hsts-missing"}),
        (Http(200, "max-age=63072000; max-age=1"), {"http-hsts-missing"}),
        (Http(200, "max-age=" + "9" * 10_000), set()),
    ],
)
def test_hsts_is_read_as_browsers_do(
    endpoint: Callable, ids: Callable, answer: Http | None, expected: set[str]
) -> None:
    """What browsers ignore is missing; an error page without it says nothing."""
    assert ids(http, endpoint(http=answer)) == expected


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Http(200), True),
        (Http(401), True),
        (Http(302, None, "http://www.example.org/"), True),
        (Http(302, None, "/login"), True),
        (Http(301, None, "https://www.example.org/"), False),
        (Http(308, None, "HTTPS://www.example.org/"), False),
        (Http(403), False),
        (Http(404), False),
        (Http(426), False),
        (Http(200, media="text/html; charset=utf-8"), True),
        (Http(200, media="application/json"), False),
        (Http(200, media="application/problem+json; charset=utf-8"), False),
        (Http(206, media="text/plain; version=0.0.4"), False),
        (Http(200, media="application/openmetrics-text; charset=utf-8"), False),
        (Http(302, None, "/login", media="application/json"), True),
        (None, False),
    ],
)
def test_plain_http_has_to_lead_to_https(
    endpoint: Callable,
    ids: Callable,
    answer: Http | None,
    told: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A page, a question for a password and a redirect elsewhere are faults, a refusal is none."""
    plain = endpoint(versions=dict.fromkeys(Version, False), http=answer)
    assert ids(http, plain) == ({"http-plain-no-redirect"} if told else set())


def test_where_tls_was_not_settled_nothing_is_plain(endpoint: Callable, ids: Callable) -> None:
    """An answer in HTTP from what may speak TLS is judged neither way."""
    unsettled = endpoint(versions=dict.fromkeys(Version, None), http=Http(200))
    assert ids(http, unsettled) == set()


def test_the_age_stands_in_the_message(endpoint: Callable, faults: Callable) -> None:
    """Seconds as they were sent, and days for people."""
    (fault,) = faults(http, endpoint(http=Http(200, "max-age=86400")))
    assert fault.message == "Strict-Transport-Security: max-age of 86400 s (1 days)"


def test_severities_are_those_that_are_promised() -> None:
    """All three are low."""
    assert {check: text.severity.label for check, text in http.CHECKS.items()} == {
        "http-hsts-missing": "low",
        "http-hsts-short": "low",
        "http-plain-no-redirect": "low",
    }
