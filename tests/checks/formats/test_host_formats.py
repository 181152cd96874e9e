"""No text, however hostile, makes a reader of host formats fail, stall or grow."""

from __future__ import annotations

import collections
import contextlib
import importlib
import time
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.errors import FormatError

if TYPE_CHECKING:
    from types import ModuleType

    from checks.model import Entry

MODULES: Final = (
    "apache", "asterisk", "bind", "caddy", "calls", "crontab", "directives", "env", "erlang",
    "exim", "fetchmail", "filezilla", "freeradius", "fstab", "grub", "identities", "inspircd",
    "mutt", "netdevice", "netplan", "postgresql", "pppoptions", "realm", "routeros", "spamassassin",
    "tfstate", "junos", "swanctl", "turnserver", "uci",
    "gitcredentials", "haproxy", "htpasswd", "ini", "ipsec", "jaas", "keytables", "kickstart",
    "ldapconf", "ldif", "logstash", "monit", "netrc", "networkmanager", "nginx", "npmrc",
    "openvpn", "pam", "pgpass", "postfix", "ppp", "preseed", "properties", "radius", "redis",
    "sasl", "secretfile", "shadow", "smbcredentials", "smbpasswd", "snmp", "subversion",
    "systemd", "twolines", "userpass", "wireless",
)  # fmt: skip

_SIZE: Final = 1 << 15
_COUNT: Final = 2500
_UNITS: Final = (
    "a", "{", "}", "[", "(", "<a>", '"', "'", "\\", '\\"', " ", "\t", ":", "=", "#", ";", "`",
    "a=", "a:", "a b ", "a=b ", '"a', "'a", "a\\", " #", "${", "=>", ",", "$", "%", "/*", "//",
    'a="b', "x{", "{{", '<<"', "@", "-", "0 ", "* ", "a(", "\n", "\n ", "\\\n", "\ta\n", "é",
)  # fmt: skip
_LINES: Final = (
    "password = x", "password x", "user:x", "machine h password x", "a {", "}", "[a]", "<A b>",
    "u:$6$a$b:1:2:3:4:::", "0 5 * * * root a -p x", 'a "b', "a = 'b", "h:1:d:u:x", "export A='x",
    '{a, <<"b">>},', 'key "k" { secret "x"; };', "Environment=A=b", "a:\\", "-----BEGIN X-----",
    "user a >b", "createUser a SHA b AES c", "K 3", "allow a:b", 'x("y")', ': PSK "x"',
)  # fmt: skip


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"checks.formats.{name}")


def _read(module: ModuleType, text: str) -> list[Entry]:
    found: list[Entry] = []
    with contextlib.suppress(FormatError):
        found.extend(module.parse(text))
    return found


_TEXT: Final = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from([*_UNITS, *_LINES, "\n"]), max_size=40).map("".join),
    st.lists(st.sampled_from(_LINES), max_size=12).map("\n".join),
)


@pytest.mark.parametrize("name", MODULES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=_TEXT)
def test_any_text_gives_entries_or_a_format_error(name: str, text: str) -> None:
    """Whatever the text, entries are well formed and stay within its lines."""
    last = text.count("\n") + 1
    for entry in _read(_module(name), text):
        assert isinstance(entry.value, str)
        assert entry.keys
        assert all(isinstance(key, str) for key in entry.keys)
        assert 1 <= entry.line <= last
        assert entry.value.encode("utf-8", "surrogateescape") is not None


def _hostile() -> list[tuple[str, str]]:
    units = [(f"{unit!r} over and over", unit * (_SIZE // len(unit))) for unit in _UNITS]
    lines = [(f"lines of {line!r}", (line + "\n") * _COUNT) for line in _LINES]
    return units + lines


def _seconds(module: ModuleType, text: str) -> float:
    """Measure the processor time that reading takes, entries thrown away as they come."""
    start = time.process_time()
    with contextlib.suppress(FormatError):
        collections.deque(module.parse(text), maxlen=0)
    return time.process_time() - start


@pytest.mark.parametrize("name", MODULES)
def test_time_is_linear_in_the_text(name: str) -> None:
    """32 KiB of one thing take well under a second each.

    Quadratic reading of as much takes several; the bound is wide for slow machines.
    """
    module = _module(name)
    for what, text in _hostile():
        assert _seconds(module, text) < 1.2, what
