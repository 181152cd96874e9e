"""Name the paths of this host that a role needs, as far as they are there. EDGE."""

from __future__ import annotations

import glob
import os
import sys
import sysconfig
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from checks.tls import deepenv

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.settings import Settings

CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""The variable that names the folder of a unit's credentials (systemd.exec(5))."""
_CONFIGURATION: Final = "/etc/hygiene-agent"
HOST: Final = (
    "/etc/machine-id",
    "/etc/os-release",
    "/usr/lib/os-release",
    "/var/lib/dbus/machine-id",
)
USERS: Final = ("/etc/group", "/etc/nsswitch.conf", "/etc/passwd")
_NAMES: Final = (
    *("/etc/gai.conf", "/etc/host.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/services"),
    *("/run/NetworkManager", "/run/resolvconf", "/run/systemd/resolve"),
)
ROOTS: Final = (
    *("/etc/ca-certificates", "/etc/pki/ca-trust", "/etc/pki/tls/certs", "/etc/pki/trust"),
    *("/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf"),
    *("/usr/local/share/ca-certificates", "/usr/share/ca-certificates", "/usr/share/pki"),
    "/var/lib/ca-certificates",
)
_LIBRARIES: Final = ("/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib", "/usr/lib64")
_LOADERS: Final = ("/lib/ld-*.so*", "/lib64/ld-*.so*")


def interpreter() -> tuple[str, ...]:
    """Give what Python and its libraries may still be loaded from; none of it belongs to a user."""
    ours = {os.path.dirname(sys.modules[name].__path__[0]) for name in ("agent", "checks")}
    packages = [sys.modules[name].__path__[0] for name in ("agent", "checks")]
    paths = sysconfig.get_paths()
    python = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    python += [path for path in sys.path if path not in ours]
    return there(dict.fromkeys([*python, *packages, *_LIBRARIES]))


def process() -> tuple[str, ...]:
    """Give what a process reads to know itself: its size, its unit, who logged in."""
    return there(("/proc/self/cgroup", "/proc/self/loginuid", "/proc/self/statm"))


def actor() -> tuple[str, ...]:
    """Give what a process reads to know who started it, for its audit log."""
    return there(("/proc/self/cgroup", "/proc/self/loginuid"))


def configuration(settings: Settings) -> tuple[str, ...]:
    """Give our own files; of the policy its folder, since what it names is beside it.

    A policy that was replaced by a rename, as it should be, is then still one that may be read.
    """
    policy = settings.policy
    named = (policy, os.path.realpath(policy)) if policy else ()
    return there(dict.fromkeys((_CONFIGURATION, *_beside(named))))


def online(settings: Settings) -> tuple[str, ...]:
    """Give what who speaks to other hosts reads: names, roots, its own credentials."""
    credentials = os.environ.get(CREDENTIALS, "")
    given = (*HOST, *USERS, *_NAMES, *ROOTS, *((credentials,) if credentials else ()))
    return (*interpreter(), *process(), *actor(), *configuration(settings), *there(given))


def sinks(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give what sinks read and write: `path` is written beside, every other path is read."""
    read: list[str] = []
    write: list[str] = []
    for sink in settings.sinks.values():
        for name, value in sink.items():
            if isinstance(value, str) and value.startswith("/"):
                (write if name == "path" else read).append(value)
    return there(dict.fromkeys(read)), tuple(dict.fromkeys(_beside(write)))


def store(settings: Settings) -> tuple[str, ...]:
    """Give what pulling policy reads: the root of trust, who we are, a store that is a folder."""
    told = settings.store
    url = urlsplit(told.url)
    place = (unquote(url.path),) if url.scheme == "file" else ()
    named = (told.root, told.ca, told.certificate, told.key, told.token_file)
    return there((*place, *(os.path.realpath(path) for path in named if path)))


def vault(settings: Settings) -> tuple[str, ...]:
    """Give what reaching Vault reads: whom to believe, who we are."""
    told, login = settings.vault, settings.vault.login
    files = (getattr(login, "secret_id_file", ""), getattr(login, "token_file", ""))
    named = (told.ca, told.certificate, told.key, *files)
    return there(os.path.realpath(path) for path in named if path)


def deep() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Give what running sslyze takes, where it is installed: to read, to run, to write."""
    python = deepenv.location(os.environ, sys.prefix)
    if not os.path.isfile(python):
        return (), (), ()
    real = os.path.realpath(python)
    home, base = (os.path.dirname(os.path.dirname(one)) for one in (python, real))
    loaders = [path for pattern in _LOADERS for path in sorted(glob.glob(pattern))]
    read = (home, os.path.join(base, "lib"), "/dev/random", "/dev/urandom")
    return there(read), (real, *loaders), ("/dev/null",)


def there(paths: Iterable[str]) -> tuple[str, ...]:
    """Choose the absolute paths that are there: what is not there cannot be allowed."""
    return tuple(path for path in paths if os.path.isabs(path) and os.path.exists(path))


def _beside(paths: Iterable[str]) -> list[str]:
    """Give the folder of each path, or, where that is the root, the path itself."""
    folders = ((os.path.dirname(path), path) for path in paths)
    return [folder if folder != "/" else path for folder, path in folders]
