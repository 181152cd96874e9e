"""What a server was started with: its main files and its OpenSSL's, and nothing else of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from checks.tls import running
from checks.tls.running import Started


@pytest.mark.parametrize(
    ("software", "line", "expected"),
    [
        ("nginx", "nginx", []),
        ("nginx", "nginx: worker process", []),
        ("nginx", "nginx: master process nginx -c /srv/a.conf -g daemon off;", ["/srv/a.conf"]),
        ("nginx", "nginx -p /srv/n -c conf/a.conf", ["/srv/n/conf/a.conf"]),
        ("nginx", "nginx -c", []),
        ("apache", "apache2 -DFOREGROUND -f /srv/a.conf", ["/srv/a.conf"]),
        ("apache", "httpd -d /srv/web -f conf/a.conf", ["/srv/web/conf/a.conf"]),
        ("haproxy", "haproxy -Ws -f /srv/a.cfg -f /srv/b.cfg", ["/srv/a.cfg", "/srv/b.cfg"]),
        ("lighttpd", "lighttpd -D -f/srv/a.conf", ["/srv/a.conf"]),
        ("caddy", "caddy run --config=/srv/Caddyfile", ["/srv/Caddyfile"]),
        ("caddy", "caddy run --config /srv/a.json", ["/srv/a.json"]),
        ("caddy", "caddy run", ["Caddyfile"]),
        ("caddy", "caddy version", []),
        ("dovecot", "dovecot -F -c /srv/d.conf", ["/srv/d.conf"]),
        ("postfix", "master -w -c /srv/postfix", ["/srv/postfix/main.cf"]),
        ("postgresql", "postgres -D /srv/pg", ["/srv/pg/postgresql.conf"]),
        ("postgresql", "postgres -D /srv/pg -c config_file=/etc/p.conf", ["/etc/p.conf"]),
        ("postgresql", "postgres -D /srv/pg --config-file=/etc/p.conf", ["/etc/p.conf"]),
        ("postgresql", "postgres -c ssl=on", []),
        ("slapd", "slapd -f /srv/slapd.conf", []),
    ],
)
def test_the_main_files_of_a_command_line(software: str, line: str, expected: list[str]) -> None:
    """As each server reads its own options; an option without a word behind it names none."""
    raw = line.encode() if line.startswith("nginx:") else line.replace(" ", "\0").encode()
    assert list(running.mains(software, running.command(raw + b"\0"))) == expected


def test_of_an_environment_one_variable_is_taken() -> None:
    """The first one that has exactly its name."""
    assert running.variable(b"A=b\0XOPENSSL_CONF=/no\0OPENSSL_CONF=/srv/o.cnf\0") == "/srv/o.cnf"
    assert running.variable(b"OPENSSL_CONF_DIR=/no\0") == ""
    assert running.variable(b"") == ""


def test_a_process_that_runs_and_one_that_does_not() -> None:
    """Relative names are those of its working folder; of what is gone nothing is said."""
    words = [sys.executable, "-c", "print(flush=True); input()", "-f", "a.cfg"]
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd="/usr",
        env=os.environ | {"OPENSSL_CONF": "/srv/o.cnf"},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # until then the kernel may not have its command line yet
        found = running.started(process.pid, "haproxy")
        usual = running.started(process.pid, "slapd")
        process.communicate(b"\n")
    assert found == (Started("haproxy", "/usr/a.cfg", "/srv/o.cnf"),)
    assert usual == (Started("slapd", "", "/srv/o.cnf"),)
    assert running.started(process.pid, "haproxy") == ()
