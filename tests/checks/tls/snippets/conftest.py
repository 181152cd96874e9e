"""Real servers whose configuration takes snippets in, and what the look says of them."""

from __future__ import annotations

import contextlib
import datetime
import os
import pwd
import runpy
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from checks.tls import fixing, judging, look, sites
from checks.tls.facts import Target
from checks.tls.faults import Context
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cryptography.x509 import ExtensionType

    from checks.model import Finding
    from checks.tls.profilefile import Profile
    from tests.checks.tls.conftest import Issued, Maker

_SERVING = runpy.run_path(str(Path(__file__).parents[1] / "serving.py"))
_SETUPS = runpy.run_path(str(Path(__file__).with_name("setups.py")))
KINDS, MASTER = _SETUPS["KINDS"], _SETUPS["MASTER"]
NAME = "localhost"
MODULES = "/usr/lib/apache2/modules"
HERE = "#HERE"
"""Where a snippet is pasted; one may be told another place by how its lines begin."""

_OF_ROOT = ("dovecot", "postfix")
_LOADED = "mpm_event authz_core ssl headers socache_shmcb dir rewrite".split()
_ADDING = ("ssl-default-bind-options",)
"""Directives that add up."""
_PAIRED = ("add_header", "ssl_conf_command", "sslopensslconfcmd", "http-after-response")
"""Directives that are told apart by their second word."""


def certify(
    folder: Path,
    maker: Maker,
    issuer: Issued,
    behind: Sequence[Issued] = (),
    extra: Sequence[ExtensionType] = (),
) -> Issued:
    """Issue a certificate for localhost and write the files that a server may want."""
    key = rsa.generate_private_key(65537, 2048)
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    names = (NAME, "127.0.0.1")
    issued = maker.make(NAME, issuer, key=key, names=names, life=60, start=start, extra=extra)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    own = ssl.DER_cert_to_PEM_cert(issued.der)
    chain = "".join(ssl.DER_cert_to_PEM_cert(one.der) for one in behind)
    texts = {
        "certificate.pem": own,
        "private.key": private,
        "site.pem": own + chain,
        "whole.pem": own + chain + private,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return issued


class Bench:
    """One server with a set-up of a test's own."""

    def __init__(self, name: str, home: Path, context: Context) -> None:
        self.name = name
        self.home = home
        self.context = context
        self.port: int = _SERVING["free_port"]()
        self.user = "postgres" if name == "postgresql" and not os.geteuid() else None
        self.text = ""

    @property
    def file(self) -> Path:
        folder = self.home / ("data" if self.name == "postgresql" else "conf")
        return folder / KINDS[self.name].file

    def write(self, lines: str, *, more: str = "", bind: str = "", options: str = "") -> None:
        """Set the server up with LINES where TLS is set up, MORE where headers are sent."""
        loaded = "\n".join(f"LoadModule {one}_module {MODULES}/mod_{one}.so" for one in _LOADED)
        self.text = KINDS[self.name].template.format(
            home=self.home, port=self.port, name=NAME, lines=lines, more=more, bind=bind,
            loaded=loaded,
        )  # fmt: skip
        self._prepare(options)

    def _prepare(self, options: str) -> None:
        for part in ("www", "queue", "conf", "mail"):
            (self.home / part).mkdir(exist_ok=True)
        (self.home / "www/index.html").write_text("ok")
        if self.name == "postfix":
            (self.home / "data").mkdir(exist_ok=True)
            shutil.chown(self.home / "data", "postfix")
            text = MASTER.format(port=self.port, options=options) + _SERVING["POSTFIX_SERVICES"]
            (self.home / "conf/master.cf").write_text(text)
        if self.user:
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, pwd.getpwnam(self.user).pw_uid, -1)
            (self.home / "private.key").chmod(0o600)
        if self.name == "postgresql" and not (self.home / "data").exists():
            initdb = str(_postgres() / "initdb")
            words = [initdb, "-D", f"{self.home}/data", "-A", "trust", "-N"]
            subprocess.run(words, check=True, capture_output=True, user=self.user)

    def paste(self, snippet: str) -> None:
        """Put lines where they belong, in place of those that set the same."""
        for line in snippet.splitlines():
            if line.startswith("#"):
                continue
            wanted = _named(line)
            kept = [one for one in self.text.splitlines() if _named(one) != wanted]
            if wanted[0] in _ADDING:
                kept = self.text.splitlines()
            place = max(
                (at for at, one in enumerate(kept) if one.startswith(HERE)),
                key=lambda at: (_fits(kept[at], line), -at),
            )
            self.text = "\n".join([*kept[:place], line, *kept[place:], ""])

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the server with what is written now; it has to begin to listen."""
        self.file.write_text(self.text)
        if self.name == "postfix":
            command = ["postfix", "-c", str(self.file.parent)]
            subprocess.run([*command, "start"], check=True, capture_output=True)
            try:
                yield
            finally:
                subprocess.run([*command, "stop"], check=True, capture_output=True)
            return
        with _SERVING["running"](self._words(), self.port):
            yield

    def _words(self) -> list[str]:
        if self.name == "postgresql":
            words = [str(_postgres() / "postgres"), "-D", str(self.file.parent)]
            return ["setpriv", "--reuid", self.user, *words] if self.user else words
        first, *words = KINDS[self.name].words.format(file=self.file).split()
        program = shutil.which(first, path="/usr/sbin:/usr/bin:/usr/local/bin")
        assert program, "packaging/test installs it"
        return [program, *words]

    def server(self, *, with_files: bool = True) -> fixing.Server:
        """Describe it as the look would."""
        if not with_files:
            return fixing.Server(self.name)
        module = next(one for one in sites.known() if self.name == one.NAME)
        with RootTree("/") as tree:
            found = list(module.sites(tree, str(self.file)))
        return fixing.server(self.name, "", found)

    def look(self, *profiles: Profile, with_files: bool = True) -> dict[str, Finding]:
        """Start it, look at it and give what is found, by check or by broken rule."""
        with self.running():
            target = Target("127.0.0.1", self.port, NAME, KINDS[self.name].starttls)
            facts = look.observe(target, seconds=20, all_suites=bool(profiles))
            server = self.server(with_files=with_files)
        assert facts.speaks_tls, facts.unseen
        found = judging.findings(facts, self.context, profiles, (), server)
        return {_key(one): one for one in found}


def _key(finding: Finding) -> str:
    """Name a finding by its check, and a broken rule by the clause too."""
    if finding.check != "profile-violation":
        return finding.check
    return finding.message.partition(":")[0]


def _named(line: str) -> tuple[str, ...]:
    """Say what a line sets."""
    words = line.replace("=", " = ").replace("+ =", " = ").split()
    first = words[0].lower() if words else ""
    if first in _PAIRED:
        return (first, words[1].lower(), *words[2:3]) if first[:4] == "http" else tuple(words[:2])
    if first == "header":
        return (first, *(word for word in words if word.startswith("Strict")))
    if first == "sslciphersuite":
        return (first, "TLSv1.3" if words[1] == "TLSv1.3" else "")
    if first == "setenv.set-response-header":
        return ("setenv.add-response-header",)
    return (first,) if first and not first.startswith("#") else ("", line)


def _fits(here: str, line: str) -> int:
    """Say how well a place suits a line: 2 for one that names it, 1 for any."""
    beginnings = here.removeprefix(HERE).split()
    return 2 if line.startswith(tuple(beginnings)) and beginnings else int(not beginnings)


def _postgres() -> Path:
    return max(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture
def bench(maker: Maker, root: Issued) -> Iterator[Callable[..., Bench]]:
    """Give a function that makes a bench of a server, with a certificate that is in order."""
    with contextlib.ExitStack() as stack:

        def made(
            name: str,
            issuer: Issued = root,
            behind: Sequence[Issued] = (),
            extra: Sequence[ExtensionType] = (),
        ) -> Bench:
            if name in _OF_ROOT and os.geteuid():
                pytest.skip("only root can start it")
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mended-")))
            home.chmod(0o755)
            certify(home, maker, issuer, behind, extra)
            now = datetime.datetime.now(datetime.UTC)
            return Bench(name, home, Context(now, (root.der,)))

        yield made
