"""What each role may do: the table that roles confine themselves by, and people are shown. EDGE.

A role's folder below the state folder is its own; of it others may read `journal` and `published`,
which is why what others must not read, such as fingerprint keys, is beside these. Landlock allows
whole folders and counts no addresses: that the prober connects to this host alone is kept by its
code and, under systemd, by its unit.
"""

from __future__ import annotations

import errno
import glob
import os
import socket
import sys
import sysconfig
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from agent.capabilities import Capability
from agent.confine import Confinement
from agent.keysettings import CredentialDelivery, ExecDelivery, FileDelivery, HaproxyDelivery
from checks.tls import deepenv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.settings import Settings

ROLES: Final = ("courier", "keeper", "mender", "prober", "watcher")
"""Each has a folder of its own, as has the supervisor where there is one."""
SUPERVISOR: Final = "supervisor"
JOURNAL: Final = "journal"
PUBLISHED: Final = "published"
REQUESTS: Final = "requests"
AUDIT: Final = "audit"
"""In the state folder: what commands did."""
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""The variable that names the folder of a unit's credentials (systemd.exec(5))."""
_CONFIGURATION: Final = "/etc/hygiene-agent"
_INTERNET: Final = (int(socket.AF_INET), int(socket.AF_INET6))
_HOST: Final = (
    "/etc/machine-id",
    "/etc/os-release",
    "/usr/lib/os-release",
    "/var/lib/dbus/machine-id",
)
_USERS: Final = ("/etc/group", "/etc/nsswitch.conf", "/etc/passwd")
_NAMES: Final = (
    *("/etc/gai.conf", "/etc/host.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/services"),
    *("/run/NetworkManager", "/run/resolvconf", "/run/systemd/resolve"),
)
_ROOTS: Final = (
    *("/etc/ca-certificates", "/etc/pki/ca-trust", "/etc/pki/tls/certs", "/etc/pki/trust"),
    *("/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf"),
    *("/usr/local/share/ca-certificates", "/usr/share/ca-certificates", "/usr/share/pki"),
    "/var/lib/ca-certificates",
)
_LIBRARIES: Final = ("/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib", "/usr/lib64")
_LOADERS: Final = ("/lib/ld-*.so*", "/lib64/ld-*.so*")
_NOT_OURS: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
"""A unit sees the folders of others on a read-only file system."""


_MENDING: Final = (Capability.CAP_CHOWN, Capability.CAP_DAC_OVERRIDE, Capability.CAP_FOWNER)
"""To give a file the owner and mode that were approved, whoever has it now."""


class Role(NamedTuple):
    """One row. purpose: why it has what it has; kept: by what else it is limited, in words."""

    purpose: str
    confinement: Callable[[Settings], Confinement]
    kept: str = ""


def of(role: str, settings: Settings) -> Confinement:
    """Give what a role may do on this host; role: a key of TABLE."""
    return TABLE[role].confinement(settings)


def folder(settings: Settings, role: str) -> str:
    """Give the folder that is a role's own."""
    return os.path.join(settings.state, role)


def published(settings: Settings, role: str) -> str:
    """Give the folder of what a role lets the others read."""
    return os.path.join(folder(settings, role), PUBLISHED)


def acting(settings: Settings) -> tuple[str, str]:
    """Give where path units wait for the keeper to ask, and where they leave what came of it.

    Both are beside the keeper's folder: the first is the keeper's to write, the second root's.
    """
    above = os.path.dirname(settings.vault.folder.rstrip("/"))
    return os.path.join(above, "actions"), os.path.join(above, "results")


def prepare(settings: Settings, roles: Iterable[str] = ROLES) -> None:
    """Make the folders of roles, before any of them is confined: one not there is not allowed.

    Those that this user may not make are left to who may. Raises OSError.
    """
    own = [folder(settings, role) for role in roles]
    inside = [os.path.join(one, name) for one in own for name in (JOURNAL, PUBLISHED, REQUESTS)]
    audit = os.path.join(settings.state, AUDIT)
    keys = (settings.vault.folder,) if settings.keeps else ()
    for path in (
        settings.state,
        *own,
        *inside,
        audit,
        *keys,
    ):  # from the top down
        try:
            os.makedirs(path, mode=0o750, exist_ok=True)
        except OSError as error:
            if error.errno not in _NOT_OURS:
                raise


def _watcher(settings: Settings) -> Confinement:
    return Confinement(
        read=("/",),
        write=(folder(settings, "watcher"),),
        fork=True,
        pairs=True,
        capabilities=(Capability.CAP_DAC_READ_SEARCH,),
        memory=settings.budget.memory,
        files=1024,
    )


def _reader(settings: Settings) -> Confinement:
    return Confinement(
        read=(*interpreter(), *_process(), *_there(_USERS)),
        memory=settings.budget.memory,
        files=64,
        expendable=True,
    )


def _prober(settings: Settings) -> Confinement:
    read, execute, write = _deep()
    return Confinement(
        read=(
            *(*interpreter(), *_configuration(settings), *_there((*_HOST, *_USERS, *_ROOTS))),
            *("/proc", *_there(("/sys/fs/cgroup",)), *read),
            *(published(settings, "courier"), published(settings, "watcher")),
        ),
        write=(folder(settings, "prober"), *write),
        execute=execute,
        connect=True,
        families=(*_INTERNET, int(socket.AF_NETLINK)),
        fork=bool(execute),
        pairs=bool(execute),
        memory=settings.budget.memory,
        files=1024,
    )


def _courier(settings: Settings) -> Confinement:
    read, write = _sinks(settings)
    others = [role for role in ROLES if role != "courier"]
    supervisor = os.path.join(folder(settings, SUPERVISOR), JOURNAL)
    audit = os.path.join(settings.state, AUDIT)
    return Confinement(
        read=(
            *(*_online(settings), *read, *_store(settings)),
            *_there((audit, supervisor, published(settings, SUPERVISOR))),
            *(os.path.join(folder(settings, role), JOURNAL) for role in others),
            *(published(settings, role) for role in others),
        ),
        write=(folder(settings, "courier"), *write),
        connect=True,
        families=_INTERNET,
        udp=True,
        memory=settings.budget.memory,
        files=256,
    )


def _keeper(settings: Settings) -> Confinement:
    actions, results = acting(settings)
    others = ("prober", "watcher", SUPERVISOR)
    asked = [os.path.join(folder(settings, role), REQUESTS) for role in others]
    each = [one for key in settings.keys.values() for one in key.deliver]
    beside = [os.path.dirname(one.path) for one in each if isinstance(one, FileDelivery)]
    # Whether a file may be swapped; of which unit who asks for a credential is.
    seen = ("/proc/self", "/proc/swaps") if beside else ()
    fetched = any(isinstance(one, CredentialDelivery) for one in each)
    serving = any(isinstance(one, CredentialDelivery | ExecDelivery) for one in each)
    local = serving or any(isinstance(one, HaproxyDelivery) for one in each)
    return Confinement(
        read=(
            *(*_online(settings), *_vault(settings), published(settings, "courier")),
            *(published(settings, "prober"), published(settings, "watcher")),
            *_there((published(settings, SUPERVISOR), results, *seen)),
            *(_there(("/proc", "/sys/fs/cgroup")) if fetched else ()),
        ),
        write=(
            folder(settings, "keeper"),
            *_there((settings.vault.folder, actions, *asked, *beside)),
        ),
        connect=True,
        sockets=_there((settings.vault.folder,)) if serving else (),
        families=(*_INTERNET, int(socket.AF_UNIX)) if local else _INTERNET,
        udp=True,
        memory=settings.budget.memory,
        files=256,
    )


def _mender(settings: Settings) -> Confinement:
    actions, results = acting(settings)
    asked = [os.path.join(folder(settings, role), REQUESTS) for role in ("prober", SUPERVISOR)]
    return Confinement(
        read=(
            *(*interpreter(), *_process(), *_actor(), *_configuration(settings)),
            *_there((*_HOST, *_USERS, published(settings, "courier"))),
            *_there((published(settings, "prober"), published(settings, SUPERVISOR), results)),
        ),
        write=(folder(settings, "mender"), *_there((actions, *asked))),
        links=_there(settings.mend.folders),
        capabilities=_MENDING,
        memory=settings.budget.memory,
        files=256,
    )


def _supervisor(settings: Settings) -> Confinement:
    """Join what the roles may do: no process can allow another what it may not do itself."""
    parts = [of(role, settings) for role in ROLES]
    return Confinement(
        read=_joined(one.read for one in parts),
        write=(settings.state, *_joined(one.write[1:] for one in parts)),
        execute=_joined(one.execute for one in parts),
        connect=True,
        sockets=_joined(one.sockets for one in parts),
        links=_joined(one.links for one in parts),
        families=tuple(sorted({family for one in parts for family in one.families})),
        udp=True,
        fork=True,
        pairs=True,
        capabilities=(
            Capability.CAP_DAC_READ_SEARCH,
            *(_MENDING if settings.mend.folders else ()),
        ),
        memory=settings.budget.memory,
        files=1024,
    )


TABLE: Final = {
    "courier": Role("brings reports to the sinks, fetches policy", _courier),
    "keeper": Role("holds the token for Vault, delivers keys", _keeper),
    "mender": Role(
        "puts managed files back",
        _mender,
        kept="writes below the folders of the bootstrap file, what the signed policy says",
    ),
    "prober": Role(
        "asks this host's own TLS servers",
        _prober,
        kept="its code, and its unit where systemd has it, keep it to this host's own addresses",
    ),
    "reader": Role(
        "looks into the files that a watcher opened and handed over",
        _reader,
        kept="reads what Python may still load, no file of its own choice",
    ),
    SUPERVISOR: Role(
        "starts the roles where no systemd does",
        _supervisor,
        kept="has what its roles need, since no process can have more than the one that started it",
    ),
    "watcher": Role(
        "opens every file, parses none",
        _watcher,
        kept="is the only one that may open other users' files",
    ),
}


def interpreter() -> tuple[str, ...]:
    """Give what Python and its libraries may still be loaded from; none of it belongs to a user."""
    ours = {os.path.dirname(sys.modules[name].__path__[0]) for name in ("agent", "checks")}
    packages = [sys.modules[name].__path__[0] for name in ("agent", "checks")]
    paths = sysconfig.get_paths()
    python = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    python += [path for path in sys.path if path not in ours]
    return _there(dict.fromkeys([*python, *packages, *_LIBRARIES]))


def _process() -> tuple[str, ...]:
    """Give what a process reads to know itself: its size, its unit, who logged in."""
    return _there(("/proc/self/cgroup", "/proc/self/loginuid", "/proc/self/statm"))


def _actor() -> tuple[str, ...]:
    """Give what a process reads to know who started it, for its audit log."""
    return _there(("/proc/self/cgroup", "/proc/self/loginuid"))


def _configuration(settings: Settings) -> tuple[str, ...]:
    """Give our own files; of the policy its folder, since what it names is beside it.

    A policy that was replaced by a rename, as it should be, is then still one that may be read.
    """
    policy = settings.policy
    named = (policy, os.path.realpath(policy)) if policy else ()
    parents = [os.path.dirname(path) for path in named]
    beside = [
        parent if parent != "/" else path for parent, path in zip(parents, named, strict=True)
    ]
    return _there(dict.fromkeys((_CONFIGURATION, *beside)))


def _online(settings: Settings) -> tuple[str, ...]:
    """Give what who speaks to other hosts reads: names, roots, its own credentials."""
    credentials = os.environ.get(CREDENTIALS, "")
    given = (*_HOST, *_USERS, *_NAMES, *_ROOTS, *((credentials,) if credentials else ()))
    return (*interpreter(), *_process(), *_actor(), *_configuration(settings), *_there(given))


def _sinks(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give what sinks read and write: `path` is written beside, every other path is read."""
    read: list[str] = []
    write: list[str] = []
    for sink in settings.sinks.values():
        for name, value in sink.items():
            if isinstance(value, str) and value.startswith("/"):
                (write if name == "path" else read).append(value)
    parents = [os.path.dirname(path) for path in write]
    beside = [
        parent if parent != "/" else path for parent, path in zip(parents, write, strict=True)
    ]
    return _there(dict.fromkeys(read)), tuple(dict.fromkeys(beside))


def _store(settings: Settings) -> tuple[str, ...]:
    """Give what pulling policy reads: the root of trust, who we are, a store that is a folder."""
    told = settings.store
    url = urlsplit(told.url)
    place = (unquote(url.path),) if url.scheme == "file" else ()
    named = (told.root, told.ca, told.certificate, told.key, told.token_file)
    return _there((*place, *(os.path.realpath(path) for path in named if path)))


def _vault(settings: Settings) -> tuple[str, ...]:
    """Give what reaching Vault reads: whom to believe, who we are."""
    told, login = settings.vault, settings.vault.login
    files = (getattr(login, "secret_id_file", ""), getattr(login, "token_file", ""))
    named = (told.ca, told.certificate, told.key, *files)
    return _there(os.path.realpath(path) for path in named if path)


def _deep() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Give what running sslyze takes, where it is installed: to read, to run, to write."""
    python = deepenv.location(os.environ, sys.prefix)
    if not os.path.isfile(python):
        return (), (), ()
    real = os.path.realpath(python)
    home, base = (os.path.dirname(os.path.dirname(one)) for one in (python, real))
    loaders = [path for pattern in _LOADERS for path in sorted(glob.glob(pattern))]
    read = (home, os.path.join(base, "lib"), "/dev/random", "/dev/urandom")
    return _there(read), (real, *loaders), ("/dev/null",)


def _there(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(path for path in paths if os.path.isabs(path) and os.path.exists(path))


def _joined(several: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Join lists of paths; below "/" there is nothing that need be named."""
    paths = dict.fromkeys(path for one in several for path in one)
    return ("/",) if "/" in paths else tuple(paths)
