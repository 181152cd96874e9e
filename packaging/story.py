"""The whole of it in a minute, on one machine: told by `packaging/try`, step by step.

A web server with its key on a disk, a password in a file and a weak set-up; an agent that watches
it, a receiver that it reports to, a store of signed policy, and OpenBao. Then the key moves into
OpenBao, the policy tightens, and the deviations close. All of it lives in one folder, in memory
and on loopback.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import hvac
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Callable

NAME: Final = "shop.example"
_PATIENCE: Final = 90.0
_SHOWN: Final = ("medium", "high", "critical")
_NGINX: Final = """daemon off; worker_processes 1; pid {folder}/nginx.pid; {user}
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp;
  fastcgi_temp_path {folder}/tmp; uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  server {{
    listen 127.0.0.1:{port} ssl; server_name {name};
    ssl_certificate {pem};
    ssl_certificate_key {pem};
    ssl_protocols {protocols};
    ssl_ciphers {ciphers};
    ssl_ecdh_curve {groups};
    add_header Strict-Transport-Security max-age=63072000;
    location / {{ return 200 "hello"; }}
  }}
}}
"""
_WEAK: Final = {
    "protocols": "TLSv1 TLSv1.1 TLSv1.2",
    "ciphers": "ALL:@SECLEVEL=0",
    "groups": "auto",
}
_STRONG: Final = {
    "protocols": "TLSv1.2 TLSv1.3",
    "ciphers": "ECDHE+AESGCM:ECDHE+CHACHA20",
    "groups": "X25519:prime256v1:secp384r1",
}


def say(text: str) -> None:
    """Tell the visitor what happens."""
    print(text, flush=True)


def until(true: Callable[[], object], what: str) -> None:
    """Wait until something is so; raises SystemExit, since a story that sticks is over."""
    end = time.monotonic() + _PATIENCE
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"story: waited too long for {what}")
        time.sleep(0.2)


def free() -> int:
    """Give a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


class Authority:
    """Makes the certificates of the story; they hold for a month."""

    def __init__(self) -> None:
        """Make the authority itself."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "story")])
        self.pem = self._signed(self._subject, self._key, ())

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, names: tuple[str, ...]
    ) -> str:
        now = datetime.datetime.now(datetime.UTC)
        begins, ends = now - datetime.timedelta(days=1), now + datetime.timedelta(days=29)
        number = x509.random_serial_number()
        made = x509.CertificateBuilder(
            self._subject, subject, key.public_key(), number, begins, ends
        )
        made = made.add_extension(
            x509.BasicConstraints(ca=not names, path_length=None), critical=True
        )
        if names:
            told = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            made = made.add_extension(told, critical=False)
        signed = made.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, name: str) -> tuple[str, str]:
        """Make a certificate for a name; gives it and its key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return self._signed(subject, key, (name,)), private.decode()


class Story:
    """Everything that runs, and where it is. folder: on a disk; memory: on tmpfs."""

    def __init__(self, folder: Path, memory: Path, nginx: Path) -> None:
        """Make the folders and choose the ports; nothing runs yet."""
        self.folder, self.memory, self.nginx = folder, memory, nginx
        self.site, self.team = folder / "site", folder / "team"
        for one in (self.site, self.site / "tmp"):
            one.mkdir(parents=True, mode=0o755)
        self.port, self.receiver = free(), free()
        self.authority = Authority()
        self.running: list[subprocess.Popen[bytes]] = []
        self.log = (folder / "log").open("ab")
        self.vault: hvac.Client
        self.agent: subprocess.Popen[bytes]

    # What runs

    def start(self, *words: object, **environ: str) -> subprocess.Popen[bytes]:
        """Start a program that is ended with the story."""
        made = subprocess.Popen(
            [str(word) for word in words],
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, **environ},
        )
        self.running.append(made)
        return made

    def hygiene(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run the command as the visitor would, and show that."""
        shown = " ".join(str(word).replace(f"{self.folder}/", "") for word in words[:4])
        say(f"    $ hygiene-agent {shown}{' ...' if len(words) > 4 else ''}")
        return self.quietly(*words)

    def quietly(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run the command; raises SystemExit where it cannot do what it is told."""
        done = self._run(*words)
        if done.returncode not in (0, 1):
            raise SystemExit(f"story: {words[0]} {words[1]}: {done.stderr}")
        return done

    def _run(self, *words: object) -> subprocess.CompletedProcess[str]:
        command = [_beside("hygiene-agent"), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def end(self) -> None:
        """Stop all that runs, the last first."""
        for one in reversed(self.running):
            one.terminate()
        for one in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.wait(30)
            one.kill()
            one.wait()
        self.log.close()

    # What there is at first

    def serve(self) -> None:
        """Start a web server as there are many: weak, its key on the disk for everyone to read."""
        certificate, private = self.authority.issue(NAME)
        pem = self.site / "tls.pem"
        pem.write_text(private + certificate)
        pem.chmod(0o644)
        word = secrets.token_urlsafe(12)
        (self.site / "app.env").write_text(f"DB_HOST=db1\nDB_USER=shop\nDB_PASSWORD={word}\n")
        self.configure(pem, _WEAK)
        self.start(self.nginx, "-e", "stderr", "-c", self.site / "nginx.conf")
        until(lambda: _listens(self.port), "nginx")

    def configuration(self, pem: Path, how: dict[str, str]) -> str:
        """Give the server's configuration file."""
        user = "user root;" if os.geteuid() == 0 else ""
        place = {"folder": self.site, "port": self.port, "name": NAME, "pem": pem, "user": user}
        return _NGINX.format(**place, **how)

    def configure(self, pem: Path, how: dict[str, str]) -> None:
        """Write the server's configuration file."""
        (self.site / "nginx.conf").write_text(self.configuration(pem, how))

    def reload(self) -> None:
        """Have the server read its configuration anew."""
        subprocess.run(self.command("-s", "reload"), check=True, stderr=self.log)

    def command(self, *words: str) -> list[str]:
        """Give a call of the server's own program."""
        return [str(self.nginx), "-e", "stderr", "-c", str(self.site / "nginx.conf"), *words]

    def keep_secrets(self) -> None:
        """Start OpenBao, in memory, with a login for the agent."""
        token, port = secrets.token_hex(16), free()
        self.start(
            *(_beside("bao"), "server", "-dev-tls", "-dev-no-store-token"),
            *(f"-dev-tls-cert-dir={self.memory}", f"-dev-listen-address=127.0.0.1:{port}"),
            f"-dev-root-token-id={token}",
            HOME=str(self.memory),
        )
        address, ca = f"https://127.0.0.1:{port}", self.memory / "vault-ca.pem"
        until(lambda: ca.exists() and _is_well(address, ca), "OpenBao")
        self.vault = hvac.Client(url=address, token=token, verify=str(ca))
        self.vault.sys.enable_auth_method("approle")
        read = 'path "secret/*" { capabilities = ["read"] }'
        self.vault.sys.create_or_update_policy("agent", read)
        self.vault.auth.approle.create_or_update_approle("web", token_policies=["agent"])
        _private(self.memory / "token", token)
        made = self.vault.auth.approle.generate_secret_id("web")
        _private(self.memory / "secret-id", made["data"]["secret_id"])

    def receive(self) -> None:
        """Start the receiver of reports, which knows hosts by their certificates."""
        for name in ("receiver.example", "shop-1"):
            certificate, private = self.authority.issue(name)
            (self.memory / f"{name}.crt").write_text(certificate)
            _private(self.memory / f"{name}.key", private)
        (self.memory / "story.crt").write_text(self.authority.pem)
        self.start(
            *(_beside("hygiene-agent"), "collect", "serve", "--state", self.folder / "receiver"),
            *("--listen", f"127.0.0.1:{self.receiver}", "--speaks-for", "first"),
            *("--certificate", self.memory / "receiver.example.crt"),
            *("--key", self.memory / "receiver.example.key"),
            *("--client-ca", self.memory / "story.crt"),
        )
        until(lambda: _listens(self.receiver), "the receiver")

    def found_policy(self) -> None:
        """Make a store of policy; its keys have no passphrase, since nobody types here."""
        keys = ("--keys", self.memory / "keys")
        _private(self.memory / "passphrase", secrets.token_hex(16))
        self.keys = (*keys, "--passphrase-file", self.memory / "passphrase")
        self.hygiene("policy", "init", self.team, *self.keys)
        others = [f"*:{port}" for port in _listening() - {self.port}]
        self.policy: dict[str, Any] = {"version": 1, "name": "shop", "tls": {"exclude": others}}
        self.publish()

    def publish(self) -> None:
        """Sign and serve what the policy says now."""
        (self.team / "base.yaml").write_text(json.dumps(self.policy, indent=1))
        self.hygiene("policy", "sign", self.team, "--key", "policy", *self.keys)
        self.hygiene("policy", "publish", self.team, *self.keys)

    def bootstrap(self) -> Path:
        """Write what this host alone decides."""
        file = self.folder / "agent.yaml"
        sink = {
            "kind": "https",
            "url": f"https://127.0.0.1:{self.receiver}/v1/events",
            "ca": str(self.memory / "story.crt"),
            "certificate": str(self.memory / "shop-1.crt"),
            "key": str(self.memory / "shop-1.key"),
        }
        login = {"kind": "approle", "secret_id_file": str(self.memory / "secret-id")}
        role = self.vault.auth.approle.read_role_id("web")["data"]["role_id"]
        told = {
            "version": 1,
            "host": {"name": "shop-1", "labels": {"role": "web"}},
            "state": str(self.folder / "state"),
            "watch": {"roots": [str(self.site)]},
            "tls": {"discover": 2, "fingerprint": 3},
            "store": {
                "url": f"file://{self.team}/store",
                "root": str(self.team / "store/metadata/1.root.json"),
                "every": 2,
                "probation": 5,
            },
            "sinks": {"central": sink},
            "vault": {
                "address": self.vault.url,
                "ca": str(self.memory / "vault-ca.pem"),
                "folder": str(self.memory / "keeper"),
                "login": login | {"role_id": role},
                "known": [{"path": "web"}],
            },
            "actions": {
                "test": {"command": self.command("-t")},
                "reload": {"command": self.command("-s", "reload")},
            },
            "mend": {"folders": [str(self.site)]},
        }
        file.write_text(json.dumps(told, indent=1))
        return file

    def watch(self) -> None:
        """Start the agent."""
        self.agent = self.start(
            _beside("hygiene-agent"), "run", "--settings", self.folder / "agent.yaml"
        )

    # What is seen

    def findings(self) -> dict[str, str]:
        """Give what is open at medium or above, in words by identity."""
        told = (
            "status",
            "--findings",
            "--format",
            "json",
            "--settings",
            self.folder / "agent.yaml",
        )
        with contextlib.suppress(ValueError):
            worst = json.loads(self._run(*told).stdout)["findings"]["worst"]
            return {
                one["identity"]: f"{one['severity']:<8} {one['check']:<24} {self._place(one)}"
                for one in worst
                if one["severity"] in _SHOWN and one["status"] == "open" and self._is_ours(one)
            }
        return {}

    def _is_ours(self, one: dict[str, Any]) -> bool:
        """Leave out other servers of this host: the story is of one."""
        return one["path"].startswith(str(self.site)) or f":{self.port}" in one["path"]

    def _place(self, one: dict[str, Any]) -> str:
        line = f":{one['line']}" if one["line"] else ""
        return one["path"].replace(f"{self.folder}/", "") + line

    def show(self, before: dict[str, str]) -> dict[str, str]:
        """Show what opened and what closed since."""
        now = self.findings()
        for identity, text in sorted(now.items(), key=lambda one: one[1]):
            if identity not in before:
                say(f"    + {text}")
        for identity, text in sorted(before.items(), key=lambda one: one[1]):
            if identity not in now:
                say(f"    - {text}    closed")
        return now


def _private(path: Path, content: str) -> None:
    path.touch(0o600)
    path.write_text(content)


def _beside(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _listening() -> set[int]:
    """Give the ports on which this host listens: the story is of one server alone."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    rows += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    return {int(row[1].rsplit(":", 1)[1], 16) for row in rows if row[3] == "0A"}


def _indented(lines: list[str]) -> str:
    return "\n".join(f"      {line}" for line in lines)


def _is_well(address: str, ca: Path) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{address}/v1/sys/health", verify=ca, timeout=5).ok
    return False


def tell(story: Story) -> None:
    """Tell it from the beginning to the end."""
    say("1. A web server as there are many: its key and a password in files, old protocols.")
    story.serve()
    say("2. A team's store of signed policy, OpenBao, and a receiver of reports.")
    story.keep_secrets()
    story.receive()
    story.found_policy()
    say("3. The agent: it pulls the policy, watches the files and asks the server.")
    file = story.bootstrap()
    story.watch()
    wanted = ("app.env", "tls.pem", "tls-")
    until(lambda: all(one in " ".join(story.findings().values()) for one in wanted), "findings")
    time.sleep(3)
    seen = story.show({})
    say("4. The key goes into OpenBao, comes from there into memory, and is served from there.")
    delivered = story.memory / "keeper" / "web.pem"
    told = ("keys", "import", story.site / "tls.pem", "--name", "web", "--to", "secret/web")
    told += ("--token-file", story.memory / "token", "--deliver", delivered, "--action", "reload")
    told += ("--at", f"127.0.0.1:{story.port}", "--settings", file)
    story.hygiene(*told, "--write")
    story.agent.terminate()
    story.agent.wait(60)
    story.watch()
    until(delivered.exists, "the key")
    story.configure(delivered, _WEAK)
    story.reload()
    done = story.hygiene(*told, "--prove", "--remove")
    say(_indented(done.stdout.splitlines()[-3:]))
    say("   The password goes as well, and was changed where it is used.")
    (story.site / "app.env").write_text("DB_HOST=db1\nDB_USER=shop\n")
    until(lambda: "app.env" not in " ".join(story.findings().values()), "the password's end")
    seen = story.show(seen)
    say("5. The policy tightens: Mozilla's intermediate profile, and a configuration known to be")
    say("   good. The host pulls it, and puts its file back by itself, tested and proven.")
    story.policy["tls"]["profiles"] = ["mozilla-intermediate"]
    (story.team / "nginx.conf").write_text(story.configuration(delivered, _STRONG))
    story.policy["managed"] = {
        str(story.site / "nginx.conf"): {
            "file": "nginx.conf",
            "answer": "prove",
            "test": "test",
            "action": "reload",
            "endpoints": [f"127.0.0.1:{story.port}/{NAME}"],
        }
    }
    story.publish()
    strong = story.configuration(delivered, _STRONG)
    until(lambda: (story.site / "nginx.conf").read_text() == strong, "the known good state")
    until(lambda: not re.search("tls-|managed", " ".join(story.findings().values())), "TLS")
    until(lambda: story.quietly("restore", "list", "--settings", file).stdout, "the list")
    seen = story.show(seen)
    done = story.hygiene("restore", "list", "--settings", file)
    say(_indented(done.stdout.splitlines()))
    say(
        f"   Still open at medium or above: {len(seen)}, for an authority of the story's own, which"
    )
    say("   no client trusts.")


def main() -> None:
    """Tell the story in a folder of ours; arguments: the folder, nginx, where the page goes."""
    folder, nginx, page = (Path(one).resolve() for one in sys.argv[1:4])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    memory = Path(tempfile.mkdtemp(dir="/dev/shm"))
    story = Story(folder, memory, nginx)
    try:
        tell(story)
        time.sleep(6)  # reports are on their way
        story.quietly("collect", "report", "--state", folder / "receiver", "-o", page)
        say(f"6. What the receiver knows of it, as a page: {page}")
    finally:
        story.end()
        shutil.rmtree(memory)
        if "--keep" not in sys.argv:
            shutil.rmtree(folder, ignore_errors=True)
    say("   All the rest was stopped and removed.")


if __name__ == "__main__":
    main()
