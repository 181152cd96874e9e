"""Set-ups of real servers drawn at random: versions, suites, SECLEVEL, key. Found by path."""

from __future__ import annotations

import contextlib
import runpy
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from checks.tls.numbers import Version

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from tests.checks.tls.serving import Made

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
SERVERS = runpy.run_path(str(Path(__file__).with_name("setups.py")))["SERVERS"]
_VERSIONS = (Version.TLS10, Version.TLS11, Version.TLS12, Version.TLS13)
_SHORT = {
    Version.TLS10: "TLSv1",
    Version.TLS11: "TLSv1.1",
    Version.TLS12: "TLSv1.2",
    Version.TLS13: "TLSv1.3",
}
_WANTED = """
    ALL AES128 AES256 AESCCM AESCCM8 ARIA CAMELLIA CHACHA20 COMPLEMENTOFALL DEFAULT DHE+AES
    DHE+AESGCM ECDHE+AES HIGH MEDIUM SHA1 SHA256 aNULL eNULL kRSA+AES kRSA+AESGCM
""".split()
_UNWANTED = "!ARIA !CAMELLIA !DHE !aNULL !eNULL !kRSA -AES128 -AESGCM -SHA1 -SHA256".split()
_COMMON13 = "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256".split()
"""What OpenSSL offers by itself; without one of them sslyze does not notice TLS 1.3."""
_SUITES13 = [*_COMMON13, "TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_SHA256"]
_GNUTLS = """
    3DES-CBC AES-128-CBC AES-128-CCM AES-128-CCM-8 AES-128-GCM AES-256-CBC AES-256-GCM ARCFOUR-128
    CAMELLIA-128-CBC CAMELLIA-256-CBC CHACHA20-POLY1305 NULL
""".split()
_AGREEMENTS = "ANON-DH ANON-ECDH DHE-RSA ECDHE-ECDSA ECDHE-RSA RSA".split()
_CADDY = """
    TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
    TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 TLS_RSA_WITH_AES_128_CBC_SHA
    TLS_RSA_WITH_AES_128_GCM_SHA256 TLS_RSA_WITH_AES_256_CBC_SHA TLS_RSA_WITH_AES_256_GCM_SHA384
""".split()
_KEYS = ("rsa", "p256", "p384", "ed25519")
_PATHS = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"


class Drawn(NamedTuple):
    """One set-up. suites: as the server's library names them; modern: those of TLS 1.3.

    early_data: where the server has a setting for it.
    """

    server: str
    key: str
    versions: tuple[Version, ...]
    suites: str
    modern: str = _COMMON13[0]
    early_data: bool = False

    @property
    def least(self) -> str:
        return _SHORT[self.versions[0]]

    @property
    def most(self) -> str:
        return _SHORT[self.versions[-1]]

    @property
    def named(self) -> str:
        return " ".join(map(_SHORT.get, self.versions))


class Place(NamedTuple):
    """Where a server has its files; both: key and certificate in one file."""

    folder: Path
    port: int
    certificate: str
    key: str
    both: str


class Running(NamedTuple):
    """Where a server of a set-up is asked."""

    port: int
    starttls: str = ""


def draw(rng: random.Random, server: str) -> Drawn:
    """Draw a set-up of a server in which it speaks at least one of its versions."""
    first = rng.randrange(len(_VERSIONS))
    versions = _VERSIONS[first : rng.randint(first, len(_VERSIONS) - 1) + 1]
    if server == "dovecot":  # it has no setting for the highest
        versions = _VERSIONS[first:]
    if server == "caddy":
        versions = rng.choice([_VERSIONS[2:], _VERSIONS[2:3], _VERSIONS[3:]])
    key = rng.choice(_KEYS if _has_ed25519(server, versions) else _KEYS[:3])
    drawing = {"caddy": _caddy_suites, "gnutls": _priority}.get(server, _string)
    modern = [rng.choice(_COMMON13), *rng.sample(_SUITES13, rng.randint(0, len(_SUITES13)))]
    early = rng.random() < 0.5
    return Drawn(server, key, versions, drawing(rng, versions, key), _joined(modern), early)


def _has_ed25519(server: str, versions: tuple[Version, ...]) -> bool:
    """Say whether a key of Ed25519 may be drawn: there is none before TLS 1.2.

    With GnuTLS in 1.3 only, for OpenSSL's client has not all of its older suites to ask for.
    """
    return versions[0] >= Version.TLS13 if server == "gnutls" else versions[-1] >= Version.TLS12


def _joined(names: list[str]) -> str:
    return ":".join(dict.fromkeys(names))


def _string(rng: random.Random, versions: tuple[Version, ...], key: str) -> str:
    """Draw a cipher string of OpenSSL's that leaves something for every version."""
    words = rng.sample(_WANTED, rng.randint(1, 4)) + rng.sample(_UNWANTED, rng.randint(0, 2))
    rng.shuffle(words)
    kept = "ECDHE-RSA" if key == "rsa" else "ECDHE-ECDSA"
    level = rng.randint(0, 2) if versions[-1] >= Version.TLS12 else 0
    return ":".join([*words, f"{kept}-AES128-GCM-SHA256:{kept}-AES256-SHA:@SECLEVEL={level}"])


def _priority(rng: random.Random, versions: tuple[Version, ...], key: str) -> str:
    """Draw a priority string of GnuTLS's."""
    wanted = [f"+VERS-TLS{version.label.split()[1]}" for version in versions]
    # With NULL and nothing but TLS 1.3 gnutls-serv ends at the first connection.
    known = [name for name in _GNUTLS if name != "NULL" or Version.TLS12 in versions]
    ciphers = rng.sample(known, rng.randint(1, len(known)))
    agreed = rng.sample(_AGREEMENTS, rng.randint(1, len(_AGREEMENTS)))
    kept = "ECDHE-RSA" if key == "rsa" else "ECDHE-ECDSA"
    wanted += [f"+{one}" for one in dict.fromkeys(["AES-128-GCM", "AES-128-CBC", *ciphers])]
    wanted += [f"+{one}" for one in dict.fromkeys([kept, *agreed])]
    return ":".join(["NORMAL:-VERS-ALL:-CIPHER-ALL:-KX-ALL:+MD5:+SHA1", *wanted])


def _caddy_suites(rng: random.Random, _versions: tuple[Version, ...], key: str) -> str:
    kept = "RSA" if key == "rsa" else "ECDSA"
    names = rng.sample(_CADDY, rng.randint(1, len(_CADDY)))
    return " ".join(dict.fromkeys([*names, f"TLS_ECDHE_{kept}_WITH_AES_128_GCM_SHA256"]))


@contextlib.contextmanager
def started(drawn: Drawn, made: Callable[[str], Made]) -> Iterator[Running]:
    """Start the server of a set-up in a folder that its own users can enter."""
    one = made(drawn.key)
    folder = Path(tempfile.mkdtemp(prefix="drawn-"))
    folder.chmod(0o755)
    try:
        files = [shutil.copy(path, folder) for path in (one.certificate, one.private, one.both)]
        place = Place(folder, _SERVING["free_port"](), *files)
        words, starttls = SERVERS[drawn.server](drawn, place)
        program = shutil.which(words[0], path=_SERVING["PROGRAMS"])
        assert program, f"{words[0]}: packaging/test installs it"
        with _SERVING["running"]([program, *words[1:]], place.port) as port:
            yield Running(port, starttls)
    finally:
        shutil.rmtree(folder)
