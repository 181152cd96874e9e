"""What a finding says to write into a server's configuration mends it in the real server."""

from __future__ import annotations

import contextlib
import json
import runpy
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from checks.tls import fixing, mending, profilefile
from checks.tls.remedies import Kind, Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.model import Finding
    from tests.checks.tls.conftest import Issued
    from tests.checks.tls.snippets.conftest import Bench
    from tests.conftest import Hygiene

_SERVING = runpy.run_path(str(Path(__file__).parents[1] / "serving.py"))
SUITES = "ALL:eNULL:@SECLEVEL=0"
WEAK = {
    "apache": f"""\
SSLProtocol -all +TLSv1 +TLSv1.1 +TLSv1.2
SSLCipherSuite {SUITES}
SSLHonorCipherOrder off
SSLOpenSSLConfCmd Groups P-224:P-256
Header always set Strict-Transport-Security "max-age=100"
""",
    "caddy": """\
protocols tls1.2 tls1.2
ciphers TLS_RSA_WITH_AES_128_CBC_SHA TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
""",
    "dovecot": f"""\
ssl_min_protocol = TLSv1
ssl_cipher_list = {SUITES}
ssl_curve_list = P-224:P-256
ssl_prefer_server_ciphers = no
""",
    "haproxy": f"""\
ssl-default-bind-options ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.2
ssl-default-bind-ciphers {SUITES}
ssl-default-bind-curves P-224:P-256
""",
    "lighttpd": f"""\
ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1", "MaxProtocol" => "TLSv1.2", \
"CipherString" => "{SUITES}", "Groups" => "P-224:P-256", "Options" => "-ServerPreference")
setenv.add-response-header = ("Strict-Transport-Security" => "max-age=100")
""",
    "nginx": f"""\
ssl_protocols TLSv1 TLSv1.1 TLSv1.2;
ssl_ciphers {SUITES};
ssl_ecdh_curve P-224:P-256;
ssl_prefer_server_ciphers off;
add_header Strict-Transport-Security "max-age=100" always;
""",
    "postfix": """\
smtpd_tls_protocols = !TLSv1.3
smtpd_tls_eecdh_grade = auto
tls_eecdh_auto_curves = secp224r1 prime256v1
""",
    "postgresql": f"""\
ssl_min_protocol_version = 'TLSv1'
ssl_max_protocol_version = 'TLSv1.2'
ssl_ciphers = '{SUITES}'
ssl_prefer_server_ciphers = off
""",
}
MORE = {
    "caddy": 'header Strict-Transport-Security "max-age=100"',
    "haproxy": 'http-after-response set-header Strict-Transport-Security "max-age=100"',
}
OLD = {"tls-1.0", "tls-1.1", "tls-1.3-missing"}
SUITE_FAULTS = {"tls-cipher-anonymous", "tls-cipher-cbc", "tls-no-forward-secrecy"}
FOUND = {
    "apache": OLD
    | {"tls-cipher-cbc", "tls-no-forward-secrecy", "tls-group-weak", "http-hsts-short"}
    | {"tls-server-preference"},
    "caddy": {"tls-1.3-missing", "tls-no-forward-secrecy", "http-hsts-short"},
    "dovecot": {"tls-1.0", "tls-1.1", "tls-cipher-cbc", "tls-no-forward-secrecy"}
    | {"tls-cipher-null", "tls-server-preference"},
    "haproxy": OLD | SUITE_FAULTS | {"tls-cipher-null", "tls-group-weak", "http-hsts-short"},
    "lighttpd": OLD
    | {"tls-cipher-cbc", "tls-no-forward-secrecy", "tls-group-weak", "http-hsts-short"}
    | {"tls-server-preference"},
    "nginx": OLD
    | SUITE_FAULTS
    | {"tls-cipher-null", "tls-group-weak", "http-hsts-short", "tls-server-preference"},
    "postfix": OLD | SUITE_FAULTS | {"tls-group-weak", "tls-server-preference"},
    "postgresql": OLD | SUITE_FAULTS | {"tls-cipher-null", "tls-server-preference"},
}
BY_HAND = {"tls-pq-missing"}
"""What needs another library than this machine may have."""


@pytest.mark.parametrize("name", sorted(WEAK))
def test_each_snippet_mends_its_finding(bench: Callable[..., Bench], name: str) -> None:
    """Pasted alone, each takes its finding away and leaves a server that starts."""
    one = bench(name)
    one.write(WEAK[name], more=MORE.get(name, ""))
    weak, found = one.text, one.look()
    assert FOUND[name] <= found.keys()
    assert all(found[check].snippet for check in FOUND[name])
    for snippet, checks in by_snippet(found).items():
        one.text = weak
        one.paste(snippet)
        assert checks.isdisjoint(one.look()), snippet


def by_snippet(found: dict[str, Finding]) -> dict[str, set[str]]:
    """Give what is said to be mended by the same lines."""
    groups: dict[str, set[str]] = {}
    for check, one in found.items():
        if one.snippet and check not in BY_HAND:
            groups.setdefault(one.snippet, set()).add(check)
    return groups


SINGLE = [
    ("nginx", "tls-early-data", "ssl_protocols TLSv1.2 TLSv1.3;\nssl_early_data on;"),
    ("nginx", "http-hsts-missing", "ssl_protocols TLSv1.2 TLSv1.3;"),
    ("apache", "http-hsts-missing", "SSLProtocol all"),
    ("lighttpd", "http-hsts-missing", ""),
    ("postgresql", "tls-group-weak", "ssl_ecdh_curve = 'secp224r1'"),
]


@pytest.mark.parametrize(("name", "check", "lines"), SINGLE)
def test_a_fault_of_its_own_is_mended(
    bench: Callable[..., Bench], name: str, check: str, lines: str
) -> None:
    """Faults that shut others out are mended too, and the server's files need not be known."""
    one = bench(name)
    one.write(lines)
    found = one.look(with_files=False)
    one.paste(found[check].snippet)
    assert check not in one.look()


PROFILES = ("bsi-tr-02102-2", "mozilla-intermediate", "mozilla-modern", "nist-800-52r2")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ["apache", "haproxy", "nginx"])
def test_a_profile_is_kept_after_its_snippets(
    bench: Callable[..., Bench], name: str, profile: str
) -> None:
    """Each line mends the rule it is told for, and all together leave no rule of theirs broken."""
    one, wanted = bench(name), profilefile.shipped(profile)
    one.write(WEAK[name], more=MORE.get(name, ""))
    found = {key: f for key, f in one.look(wanted).items() if f.check == "profile-violation"}
    mended = {key: f.snippet for key, f in found.items() if f.snippet}
    assert len(mended) >= 3
    for snippet in mended.values():
        one.paste(snippet)
    left = {key: f for key, f in one.look(wanted).items() if f.check == "profile-violation"}
    assert not mended.keys() & left.keys(), [left[key].message for key in mended if key in left]
    assert all(not f.snippet for f in left.values()), left


@pytest.mark.parametrize("name", sorted(WEAK))
def test_a_chain_is_completed(
    bench: Callable[..., Bench], name: str, root: Issued, middle: Issued
) -> None:
    """The command that goes with the lines makes the very file in the order the server wants."""
    one = bench(name, middle, ())
    one.write(SOUND.get(name, ""))
    (one.home / "intermediate.pem").write_text(ssl.DER_cert_to_PEM_cert(middle.der))
    found = one.look()["cert-chain-incomplete"]
    (command,) = [line for line in found.snippet.splitlines() if " && mv " in line]
    assert str(one.home) in command
    subprocess.run(["sh", "-euc", command.removeprefix("# ")], check=True, cwd=one.home)
    if one.user:
        shutil.chown(one.home / "site.pem", one.user)
    one.paste("\n".join(line for line in found.snippet.splitlines() if line != command))
    assert "cert-chain-incomplete" not in one.look()


SOUND = {"haproxy": "ssl-default-bind-options ssl-min-ver TLSv1.2", "caddy": ""}


def test_a_word_of_a_bind_line_is_taken_away_as_told(bench: Callable[..., Bench]) -> None:
    """Without that the lines in global change nothing, with it they do."""
    one = bench("haproxy")
    bound = " ssl-min-ver TLSv1.0 ciphers ALL:@SECLEVEL=0"
    one.write("", bind=bound)
    weak, found = one.text, one.look()
    assert f"Take ssl-min-ver at {one.file}:" in found["tls-1.0"].fix
    assert f"Take ciphers at {one.file}:" in found["tls-no-forward-secrecy"].fix
    one.paste(found["tls-1.0"].snippet)
    assert "tls-1.0" in one.look()
    one.text = weak.replace(bound, "")
    one.paste(found["tls-1.0"].snippet)
    one.paste(found["tls-no-forward-secrecy"].snippet)
    assert not {"tls-1.0", "tls-no-forward-secrecy"} & one.look().keys()


def test_an_option_of_master_cf_is_taken_away_as_told(bench: Callable[..., Bench]) -> None:
    """A service's own option counts before main.cf, and is named."""
    one = bench("postfix")
    one.write("", options="\n  -o smtpd_tls_protocols=>=TLSv1")
    found = one.look()["tls-1.0"]
    assert f"Take smtpd_tls_protocols at {one.file.with_name('master.cf')}:" in found.fix
    one.write("")
    one.paste(found.snippet)
    assert "tls-1.0" not in one.look()


NOT_HERE = {"lighttpd": {Kind.STAPLE}}
"""What needs a file that the bench has not."""


@pytest.mark.parametrize("name", sorted(WEAK))
def test_a_server_starts_with_all_that_it_may_be_told(
    bench: Callable[..., Bench], name: str
) -> None:
    """Whatever a finding may ask for, the server takes it, and speaks TLS as it says."""
    one = bench(name)
    one.write(SOUND.get(name, ""), more=MORE.get(name, ""))
    for kind, spelling in fixing.known()[name].SPELLINGS.items():
        remedy = mending.usual(kind) or Remedy(kind)
        if kind in NOT_HERE.get(name, ()) or kind is Kind.CHAIN:
            continue
        one.file.parent.mkdir(exist_ok=True)
        one.file.write_text(one.text)
        one.paste(spelling.lines(remedy, one.server().settings))
    assert not {"tls-1.0", "tls-1.1"} & one.look().keys()


@contextlib.contextmanager
def responder(folder: Path, root: Issued, port: int) -> Iterator[None]:
    """Answer by OCSP for the one certificate that the root has issued."""
    key = root.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "ca.key").write_bytes(key)
    (folder / "ca.pem").write_text(ssl.DER_cert_to_PEM_cert(root.der))
    leaf = x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())
    row = f"V\t491231235959Z\t\t{leaf.serial_number:X}\tunknown\t/CN=localhost\n"
    (folder / "index.txt").write_text(row)
    words = ["openssl", "ocsp", "-index", "index.txt", "-port", str(port), "-CA", "ca.pem"]
    words += ["-rsigner", "ca.pem", "-rkey", "ca.key", "-ndays", "1"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, cwd=folder, stdout=quiet, stderr=quiet) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.mark.parametrize("name", ["apache", "nginx"])
def test_an_answer_is_stapled(bench: Callable[..., Bench], name: str, root: Issued) -> None:
    """The server fetches the answer of the authority and sends it along."""
    port = _SERVING["free_port"]()
    address = x509.UniformResourceIdentifier(f"http://127.0.0.1:{port}")
    where = x509.AccessDescription(x509.AuthorityInformationAccessOID.OCSP, address)
    demand = x509.TLSFeature([x509.TLSFeatureType.status_request])
    one = bench(name, root, (root,), (x509.AuthorityInformationAccess([where]), demand))
    one.write("")
    with responder(one.home, root, port):
        one.paste(one.look()["cert-must-staple-missing"].snippet)
        assert "cert-must-staple-missing" not in one.look()


def test_the_command_tells_the_lines(bench: Callable[..., Bench], hygiene: Hygiene) -> None:
    """What a server calls itself is enough to tell its words; every output has them, unbroken."""
    one = bench("nginx")
    one.write(WEAK["nginx"])
    words = ("tls", f"127.0.0.1:{one.port}", "-n", "localhost", "--format")
    with one.running():
        report = json.loads(hygiene(*words, "json").stdout)
        told = {form: hygiene(*words, form).stdout for form in ("text", "html", "sarif")}
    (endpoint,) = report["endpoints"]
    assert endpoint["owner"]["software"] == "nginx"
    snippets = {found["check"]: found["snippet"] for found in report["findings"]}
    assert snippets["tls-1.0"] == "ssl_protocols TLSv1.2 TLSv1.3;"
    assert snippets["tls-cipher-cbc"].startswith("ssl_ciphers ECDHE-")
    for snippet in (snippets["tls-1.0"], snippets["tls-cipher-cbc"]):
        assert all(snippet in text for text in told.values())
