"""Configurations in a root of their own, and the real servers that run them on loopback."""

from __future__ import annotations

import contextlib
import importlib
import re
import runpy
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from checks.tls.facts import Target
from checks.tls.look import observe
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from checks.tls.config import Site
    from checks.tls.facts import EndpointFacts
    from checks.tls.numbers import Version
    from tests.checks.tls.serving import Made

_COMMANDS = {
    "apache": ("apache2", ("-DFOREGROUND", "-f")),
    "haproxy": ("haproxy", ("-db", "-f")),
    "lighttpd": ("lighttpd", ("-D", "-f")),
    "nginx": ("nginx", ("-e", "stderr", "-g", "daemon off;", "-c")),
}
_SERVING = runpy.run_path(str(Path(__file__).parents[1] / "serving.py"))
made = _SERVING["made"]


class Live(NamedTuple):
    """A certificate with its key, their files, and how to run and ask real servers."""

    folder: Path
    certificate: Path
    key: Path
    both: Path
    run: Callable[[str, str], contextlib.AbstractContextManager[Path]]

    def port(self) -> int:
        """Give a port of loopback that nobody listens on."""
        port: int = _SERVING["free_port"]()
        return port

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
def pem(made: Callable[[str], Made], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a certificate, its key, and both in one file."""
    folder, one = tmp_path_factory.mktemp("pem"), made("rsa")
    _SERVING["written"](folder, "site", one.key, one.der)
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
    found = shutil.which(program, path=_SERVING["PROGRAMS"])
    assert found, "packaging/test installs it"
    named = re.findall(r"127\.0\.0\.1:(\d+)", Path(path).read_text())
    log = Path(path).parent / "server.log"
    with _SERVING["running"]([found, *arguments, path], *map(int, named), log=log):
        yield log
