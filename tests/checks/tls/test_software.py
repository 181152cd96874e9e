"""Which software is behind an endpoint."""

from __future__ import annotations

import pytest

from checks.tls import software


@pytest.mark.parametrize(
    ("sites", "process", "banner", "named"),
    [
        (("nginx",), "haproxy", "Apache", "nginx"),
        ((), "haproxy", "Apache", "haproxy"),
        (("",), "", "Apache/2.4.71 (Debian)", "apache"),
        ((), "", "gunicorn", ""),
        ((), "", "", ""),
    ],
)
def test_the_surest_witness_counts(
    sites: tuple[str, ...], process: str, banner: str, named: str
) -> None:
    """The site that serves there, else the process, else what it says of itself."""
    assert software.of_endpoint(sites, process, banner) == named


@pytest.mark.parametrize(
    ("executable", "command", "unit", "named"),
    [
        ("/usr/sbin/nginx", "", "", "nginx"),
        ("/usr/sbin/apache2 (deleted)", "", "", "apache"),
        ("", "nginx: worker process", "", "nginx"),
        ("/usr/lib/postfix/sbin/master", "master -w", "postfix@-.service", "postfix"),
        ("/usr/bin/python3", "python3", "app.service", ""),
    ],
)
def test_a_process_is_known_by_its_program(
    executable: str, command: str, unit: str, named: str
) -> None:
    """By its file, its title, or its unit where the program's name is anybody's."""
    assert software.of_process(executable, command, unit) == named
