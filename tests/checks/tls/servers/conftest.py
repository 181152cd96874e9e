"""Configurations in a root of their own, and the real servers that run them on loopback."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from checks.tls.facts import Target
from checks.tls.look import observe
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from checks.tls.config import Site
    from checks.tls.facts import EndpointFacts
    from checks.tls.numbers import Version

_COMMANDS = {
    "apache": ("apache2", ("-DFOREGROUND", "-f")),
    "haproxy": ("haproxy", ("-db", "-f")),
    "lighttpd": ("lighttpd", ("-D", "-f")),
    "nginx": ("nginx", ("-e", "stderr", "-g", "daemon off;", "-c")),
}
_PATIENCE = 10.0


class Live(NamedTuple):
    """A certificate with its key, their files, and how to run and ask real servers."""

    folder: Path
    certificate: Path
    key: Path
    both: Path
    run: Callable[[str, str], contextlib.AbstractContextManager[Path]]

    def port(self) -> int:
        """Give a port of loopback that nobody listens on."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return int(free.getsockname()[1])

    def ask(self, site: Site, name: str = "") -> EndpointFacts:
        """Look at the first address of a site."""
        host, _, port = site.listens[0].rpartition(":")
        return observe(Target(host, int(port), name or next(iter(site.names), "")))

    def versions(self, site: Site) -> tuple[Version, ...]:
        """Give the versions that the real server speaks there."""
        seen = self.ask(site).versions
        return tuple(sorted(version for version, yes in seen.items() if yes))


def read_sites(server: str, root: Path, main: str) -> list[Site]:
    """Give the sites of a configuration below a root."""
    module = importlib.import_module(f"checks.tls.servers.{server}")
    with RootTree(str(root)) as tree:
        return list(module.sites(tree, main))


@pytest.fixture
def sites(tmp_path: Path) -> Callable[..., list[Site]]:
    """Give a function that writes files below a root and reads the first one's sites."""

    def read(server: str, files: Mapping[str, str | bytes]) -> list[Site]:
        for path, text in files.items():
            file = tmp_path / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_sites(server, tmp_path, next(iter(files)))

    return read


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a certificate, its key, and both in one file."""
    folder = tmp_path_factory.mktemp("pem")
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, today - day, today + day)
    certificate = built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for file, content in (("crt", certificate), ("key", private), ("pem", certificate + private)):
        (folder / f"site.{file}").write_bytes(content)
    return folder


@pytest.fixture
def live(pem: Path) -> Live:
    """Give real servers to be run with configurations of a test's own."""
    files = [pem / f"site.{end}" for end in ("crt", "key", "pem")]
    return Live(pem, *files, _run)


@contextlib.contextmanager
def _run(server: str, path: str) -> Iterator[Path]:
    """Run a server in the foreground with a file until the block ends."""
    program, arguments = _COMMANDS[server]
    found = shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert found, "packaging/test installs it"
    with (
        (Path(path).parent / "server.log").open("wb") as log,
        subprocess.Popen([found, *arguments, path], stdout=log, stderr=log) as process,
    ):
        try:
            _wait(Path(path).read_text(), process)
            yield Path(path).parent / "server.log"
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _wait(text: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until all that a configuration names on loopback answers."""
    end = time.monotonic() + _PATIENCE
    for port in sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", text))):
        while time.monotonic() < end:
            assert process.poll() is None, f"the server ended with {process.returncode}"
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", int(port)), 1).close()
                break
            time.sleep(0.02)
        else:
            pytest.fail("the server does not answer")
