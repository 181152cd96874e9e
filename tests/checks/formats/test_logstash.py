"""Credentials planted in Logstash are read back to the letter, with keys, line and role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import logstash

if TYPE_CHECKING:
    from collections.abc import Callable

PLANTED = [
    (
        "logstash.conf",
        'output {\n elasticsearch { hosts => ["h"] user => "u"\n password => @@ }\n}\n',
        "double",
        ("output", "elasticsearch", "password"),
    ),
    (
        "logstash/conf.d/a.conf",
        'output { http { headers => { "Authorization" => @@ } } }\n',
        "single",
        ("output", "http", "headers", "Authorization"),
    ),
]


@pytest.mark.parametrize(("name", "template", "notation", "keys"), PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    expect: Callable[..., None], name: str, template: str, notation: str, keys: tuple[str, ...]
) -> None:  # fmt: skip
    """Every credential comes out once, exact, under its keys and at its line."""
    expect(logstash, name, template, notation, keys)


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    silent: Callable[..., None], template: str
) -> None:
    """No comment is taken for a setting."""
    silent(logstash, template, "# ")
