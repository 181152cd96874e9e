"""Credentials planted in nginx are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import nginx
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "nginx.conf",
        "http {\n server {\n  proxy_set_header Authorization @@;\n }\n}\n",
        "double",
        ("http", "server", "proxy_set_header", "Authorization"),
    ),
    (
        "sites-enabled/a",
        "server {\n set $db_password @@;\n}\n",
        "double",
        ("server", "set", "db_password"),
    ),
    ("nginx/conf.d/a.conf", "env DB_PASSWORD=@@;\n", "word", ("env", "DB_PASSWORD")),
    (
        "nginx/conf.d/a.conf",
        "location ~ \\.php$ { fastcgi_param DB_PASSWORD @@; }\n",
        "single",
        ("location ~ \\.php$", "fastcgi_param", "DB_PASSWORD"),
    ),
    (
        "nginx/a.conf",
        "location / { if ($http_x_token != @@) { return 403; } }\n",
        "double",
        ("location /", "if", "x_token"),
    ),
    (
        "nginx/a.conf",
        '# { "\nsecure_link_secret\n @@;\n',
        "word",
        ("secure_link_secret",),
        Role.SECRET,
    ),
    (
        "nginx/a.conf",
        'secure_link_md5 "$secure_link_expires$uri${remote_addr} @@";\n',
        "word",
        ("secure_link_md5",),
        Role.SECRET,
    ),
    (
        "sites-enabled/b",
        "<VirtualHost *:80>\n SetEnv DB_PASSWORD @@\n</VirtualHost>\n",
        "double",
        ("VirtualHost *:80", "SetEnv", "DB_PASSWORD"),
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(nginx, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(nginx, template, "# ") == []


def test_only_a_part_of_the_request_is_compared_with_a_credential() -> None:
    """A header, an argument and a cookie are; a variable and a path are not."""
    found = list(nginx.parse("if ($arg_key = k7Q2) { return 403; }\n"))
    assert [(e.keys, e.value) for e in found if e.keys[-1] == "key"] == [(("if", "key"), "k7Q2")]
    for other in ("$request_method = POST", "-f $request_filename", "$http_key ~* k7Q2"):
        text = f"if ({other}) {{ return 403; }}\n"
        assert [e.keys[-1] for e in nginx.parse(text)] == ["return"]
