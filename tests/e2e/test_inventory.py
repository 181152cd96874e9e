"""`hygiene-agent inventory` as people run it, against a real nginx with keys in files."""

from __future__ import annotations

import csv
import json
import os
import runpy
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Hygiene

_SERVING = runpy.run_path(
    str(Path(__file__).parents[1] / "checks" / "tls" / "serving.py"), run_name="serving"
)
made = _SERVING["made"]

NGINX = """
pid {base}/nginx.pid;
error_log {base}/error.log;
daemon off;
events {{}}
http {{
  access_log off;
  ssl_protocols TLSv1.2 TLSv1.3;
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name a.example;
    ssl_certificate {base}/etc/ssl/a.pem;
    ssl_certificate_key {base}/etc/ssl/private/a.key;
  }}
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name b.example;
    ssl_certificate {base}/etc/ssl/b.pem;
    ssl_certificate_key {base}/etc/ssl/private/b.key;
  }}
}}
"""
UNUSED = """
events {{}}
http {{
  server {{
    listen 127.0.0.1:1 ssl;
    server_name c.example;
    ssl_certificate /etc/ssl/c.pem;
    ssl_certificate_key /etc/ssl/private/c.key;
  }}
  server {{ listen 127.0.0.1:1 ssl; server_name d.example; ssl_certificate /etc/ssl/gone.pem; }}
}}
"""


class Host(NamedTuple):
    """A root with an nginx that runs on its files, and the text of its private keys."""

    root: Path
    port: int
    secrets: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        return f"tls://{self.place}"


def _lay(root: Path, name: str, one: Any) -> None:  # noqa: ANN401 - of a module found by path
    (root / f"etc/ssl/{name}.pem").write_bytes(Path(one.certificate).read_bytes())
    key = root / f"etc/ssl/private/{name}.key"
    key.write_bytes(Path(one.private).read_bytes())
    key.chmod(0o600)


@pytest.fixture(scope="module")
def host(made: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Serves a and b; its files name c as well, and lie beside a key of nobody's."""
    root, port = tmp_path_factory.mktemp("host"), _SERVING["free_port"]()
    for folder in ("etc/nginx", "etc/ssl/private", "etc/lone", "elsewhere"):
        (root / folder).mkdir(parents=True)
    kinds = {"a": "rsa", "b": "p256", "c": "p384"}
    for name, kind in kinds.items():
        _lay(root, name, made(kind))
    closed = made("p384").key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(os.urandom(16).hex().encode())
    )
    (root / "etc/ssl/private/c.key").write_bytes(closed)
    (root / "etc/lone/lone.key").write_bytes(Path(made("ed25519").private).read_bytes())
    (root / "elsewhere/a.key").write_bytes(Path(made("rsa").private).read_bytes())
    running = root / "nginx.conf"
    running.write_text(NGINX.format(base=root, port=port))
    inside = NGINX.format(base="", port=port).rstrip().removesuffix("}")
    extra = UNUSED.format().partition("http {\n")[2]
    (root / "etc/nginx/nginx.conf").write_text(inside + extra)
    keys = [Path(made(kind).private).read_text() for kind in (*kinds.values(), "ed25519")]
    lines = [line for key in keys for line in key.splitlines() if "-----" not in line]
    with _SERVING["running"](["nginx", "-p", str(root), "-c", str(running)], port):
        yield Host(root, port, tuple(line for line in lines if len(line) > 32))


def taken(hygiene: Hygiene, *words: str | Path, status: int = 0) -> dict[str, Any]:
    done = hygiene("inventory", *words, "--format", "json")
    assert (done.returncode, done.stderr) == (status, "")
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["complete"] == (status == 0)
    return found


def by_path(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {file["path"]: {**row, **file} for row in found["keys"] for file in row["files"]}


def test_keys_certificates_and_endpoints_are_joined(hygiene: Hygiene, host: Host) -> None:
    """By what the server proves, not by names: each served certificate has the key of its file."""
    found = taken(hygiene, host.place, "--root", host.root)
    keys = by_path(found)
    served = {row["sha256"]: row for row in found["certificates"] if row["served"]}
    names = {f"{host.endpoint}/a.example": "a", f"{host.endpoint}/b.example": "b"}
    for place, name in names.items():
        (row,) = [row for row in served.values() if place in row["served"]]
        assert row["files"] == [{"path": f"/etc/ssl/{name}.pem"}]
        assert row["keys"] == [{"path": f"/etc/ssl/private/{name}.key"}]
        assert all(line.startswith("/etc/nginx/nginx.conf:") for line in row["named"])
        key = keys[f"/etc/ssl/private/{name}.key"]
        assert (key["certificates"], key["proved"]) == ([row["sha256"]], True)
        assert place in key["endpoints"]
        assert (key["access"]["mode"], key["access"]["readers"]) == ("0600", "owner")
    assert {row["key"] for row in served.values()} == {"RSA 2048", "EC secp256r1"}


def test_what_is_not_served_is_listed_too(hygiene: Hygiene, host: Host) -> None:
    """A certificate that is only named, its encrypted key, a key of nobody's, a file that is gone.

    A key outside the folders that are looked through is not there.
    """
    found = taken(hygiene, host.place, "--root", host.root)
    keys = by_path(found)
    (unused,) = [row for row in found["certificates"] if not row["served"]]
    assert unused["files"] == [{"path": "/etc/ssl/c.pem"}]
    closed = keys["/etc/ssl/private/c.key"]
    assert (closed["certificates"], closed["proved"]) == ([unused["sha256"]], False)
    lone = keys["/etc/lone/lone.key"]
    assert (lone["key"], lone["certificates"], lone["endpoints"]) == ("ed25519", [], [])
    assert [one["path"] for one in found["absent"]] == ["/etc/ssl/gone.pem"]
    assert not any("elsewhere" in path for path in keys)
    more = by_path(taken(hygiene, "--root", host.root, "--keys", host.root / "elsewhere"))
    assert "/elsewhere/a.key" in more


def test_protocols_and_suites_are_whole(hygiene: Hygiene, host: Host) -> None:
    """What nginx was told is what is listed, with where it is used."""
    found = taken(hygiene, host.place, "--root", host.root)
    assert {row["protocol"] for row in found["suites"]} == {"TLS 1.3", "TLS 1.2"}
    assert all(one["complete"] for one in found["endpoints"])
    used = {row["name"]: row["endpoints"] for row in found["suites"]}
    assert f"{host.endpoint}/b.example" in used["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]
    assert used["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]
    assert not [name for name in used if "NULL" in name or "anon" in name]


def test_the_listeners_of_this_host_are_found(hygiene: Hygiene, host: Host) -> None:
    """With their program, also one without TLS; and the key that lies below the path given."""
    with socket.socket() as plain:
        plain.bind(("127.0.0.1", 0))
        plain.listen()
        port = plain.getsockname()[1]
        done = hygiene("inventory", "--keys", host.root / "etc", "--format", "json")
    found = json.loads(done.stdout)
    assert done.returncode == 3  # ours says nothing
    ours = {one["port"]: one for one in found["listeners"]}
    assert (ours[host.port]["tls"], ours[host.port]["speaks"]) == (True, "TLS")
    assert ours[host.port]["owner"]["software"] == "nginx"
    names = ("", "/a.example", "/b.example")  # those that its files have
    assert ours[host.port]["endpoints"] == [f"{host.endpoint}{name}" for name in names]
    assert (ours[port]["tls"], ours[port]["endpoints"]) == (None, [])
    assert any(f":{port}" in one["path"] for one in found["inconclusive"])
    (row,) = [row for row in found["certificates"] if host.endpoint in row["served"]]
    assert [one["path"] for one in row["keys"]] == [str(host.root / "etc/ssl/private/a.key")]


def test_a_key_that_nothing_names_is_found_below_the_path_alone(
    hygiene: Hygiene, host: Host
) -> None:
    """Those that the server's files name are found wherever they are, copies of them are not."""
    lone, named = host.root / "etc/lone", host.root / "etc/ssl/private"
    found = by_path(taken(hygiene, host.place, "--keys", lone))
    assert found.keys() == {f"{lone}/lone.key", f"{named}/a.key", f"{named}/b.key"}
    assert found[f"{lone}/lone.key"]["certificates"] == []
    assert found[f"{named}/a.key"]["endpoints"] == [host.endpoint]


def test_what_could_not_be_looked_at_is_told(hygiene: Hygiene, host: Host) -> None:
    """In every form, and by the exit status."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{closed.getsockname()[1]}"
    words = (place, "--keys", host.root / "etc/lone")
    assert place in taken(hygiene, *words, status=3)["inconclusive"][0]["path"]
    for form in ("text", "csv"):
        done = hygiene("inventory", *words, "--format", form)
        assert done.returncode == 3
        assert place in done.stdout
    assert hygiene("inventory", "nowhere").returncode == 2
    assert hygiene("inventory", "--keys", host.root / "no").returncode == 2


def test_an_auditor_gets_a_folder_of_tables(hygiene: Hygiene, host: Host, tmp_path: Path) -> None:
    """A csv file a table; the folder is made where its name ends in a slash."""
    words = ("inventory", host.place, "--root", host.root, "--quiet")
    done = hygiene(*words, "--output", f"{tmp_path}/new/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with (tmp_path / "new/certificates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["key_path"] for row in rows} == {f"/etc/ssl/private/{name}.key" for name in "abc"}
    assert all(row["purpose"] == "https by nginx" for row in rows if row["used_by"])
    done = hygiene(*words, "--output", tmp_path / "one.csv")
    with (tmp_path / "one.csv").open(newline="") as file:
        kinds = {row["kind"] for row in csv.DictReader(file)}
    assert kinds == {"suites", "certificates", "keys", "absent"}


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_no_key_is_repeated(hygiene: Hygiene, host: Host, form: str) -> None:
    """Of a private key its kind, its place and its public half's digest are told, nothing else."""
    done = hygiene("inventory", host.place, "--root", host.root, "--format", form)
    assert "/etc/ssl/private/a.key" in done.stdout
    assert not [line for line in host.secrets if line[:16] in done.stdout + done.stderr]


def test_metrics_are_written_for_the_textfile_collector(
    hygiene: Hygiene, host: Host, tmp_path: Path
) -> None:
    """Both commands write what Prometheus' own parser reads; the name decides."""
    path = tmp_path / "hygiene.prom"
    for words in (("tls", host.place), ("scan", host.root / "etc")):
        hygiene(*words, "--output", path, "--quiet")
        names = {family.name for family in text_string_to_metric_families(path.read_text())}
        assert "hygiene_agent_last_run_timestamp_seconds" in names
        ends = "hygiene_agent_certificate_not_after_timestamp_seconds"
        assert (ends in names) == (words[0] == "tls")
    assert os.listdir(tmp_path) == ["hygiene.prom"]
