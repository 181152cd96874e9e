"""Tell what a running server was started with: its main file and its OpenSSL's. EDGE.

Of a process's command line the options that name a main file are taken, of its environment the one
variable OPENSSL_CONF; nothing else of either is kept. What lives in another root is left alone: its
paths mean other files.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls import procfs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_MOST_MAINS: Final = 16
_MOST_ASKED: Final = 4
_VARIABLE: Final = b"\0OPENSSL_CONF="
_TITLE: Final = "nginx: master process "
"""What nginx puts before its own command line (setproctitle)."""


class Started(NamedTuple):
    """A running server. software: as in `checks/tls/servers`; main, openssl: "" for the usual."""

    software: str
    main: str = ""
    openssl: str = ""


def started(pid: int, software: str, proc: str = "/proc") -> tuple[Started, ...]:
    """Give each main file of a process; () where it lives in another root or is not seen."""
    folder = f"{proc}/{pid}"
    words = command(procfs.content(f"{folder}/cmdline"))
    if not words or not _shares_root(folder):
        return ()
    openssl = variable(procfs.content(f"{folder}/environ"))
    home = procfs.link(f"{folder}/cwd") or "/"
    found = list(mains(software, words))[:_MOST_MAINS] or [""]
    return tuple(Started(software, _absolute(home, main), openssl) for main in found)


def is_elsewhere(pids: Sequence[int], proc: str = "/proc") -> bool:
    """Say whether processes live in another root, as those of containers do."""
    return bool(pids) and not any(_shares_root(f"{proc}/{pid}") for pid in pids[:_MOST_ASKED])


def command(line: bytes) -> tuple[str, ...]:
    """Take a command line apart; nginx writes its own over it, with blanks."""
    text = line.decode("utf-8", "surrogateescape")
    first, *others = text.rstrip("\0").split("\0")
    if first.startswith(_TITLE):
        return tuple(first.removeprefix(_TITLE).split(" "))
    return (first, *others) if first else ()


def variable(environment: bytes) -> str:
    """Give the value of OPENSSL_CONF, "" without it."""
    _, _, rest = (b"\0" + environment).partition(_VARIABLE)
    return rest.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def mains(software: str, words: Sequence[str]) -> Iterator[str]:
    """Give the main files that a command line names, as it names them."""
    read = _READERS.get(software)
    if read:
        yield from (name for name in read(words[1:]) if name)


def _nginx(words: Sequence[str]) -> Iterable[str]:
    prefix = next(_values(words, "-p"), "")
    return (posixpath.join(prefix, name) for name in _values(words, "-c"))


def _apache(words: Sequence[str]) -> Iterable[str]:
    home = next(_values(words, "-d"), "")
    return (posixpath.join(home, name) for name in _values(words, "-f"))


def _haproxy(words: Sequence[str]) -> Iterable[str]:
    return _values(words, "-f")


def _caddy(words: Sequence[str]) -> Iterable[str]:
    named = list(_values(words, "--config", "-config", "-c"))
    return named or (["Caddyfile"] if "run" in words else [])


def _dovecot(words: Sequence[str]) -> Iterable[str]:
    return _values(words, "-c")


def _postfix(words: Sequence[str]) -> Iterable[str]:
    return (posixpath.join(name, "main.cf") for name in _values(words, "-c"))


def _postgresql(words: Sequence[str]) -> Iterable[str]:
    said = (*_values(words, "-c"), *(word.removeprefix("--") for word in words if word[:2] == "--"))
    named = [
        one.partition("=")[2] for one in said if one.startswith(("config_file=", "config-file="))
    ]
    return named or (posixpath.join(home, "postgresql.conf") for home in _values(words, "-D"))


def _values(words: Sequence[str], *options: str) -> Iterator[str]:
    """Give what stands behind an option, as its own word, after "=" or glued to a short one."""
    for word, following in zip(words, (*words[1:], ""), strict=False):  # of no words too
        if word in options:
            yield following
        for option in options:
            if option.startswith("--") and word.startswith(f"{option}="):
                yield word.removeprefix(f"{option}=")
            elif len(option) == 2 and word.startswith(option) and word != option:
                yield word.removeprefix(option)


_READERS: Final[Mapping[str, Callable[[Sequence[str]], Iterable[str]]]] = {
    "apache": _apache,
    "caddy": _caddy,
    "dovecot": _dovecot,
    "haproxy": _haproxy,
    "lighttpd": _haproxy,
    "nginx": _nginx,
    "postfix": _postfix,
    "postgresql": _postgresql,
}


def _absolute(home: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(home, path)) if path else ""


def _shares_root(folder: str) -> bool:
    """Say whether a process sees the files that we see; where that is hidden it is taken to."""
    try:
        return os.path.samestat(os.stat(f"{folder}/root/"), os.stat("/"))
    except OSError:
        return True
