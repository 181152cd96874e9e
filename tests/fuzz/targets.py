"""What is fuzzed: each target takes bytes and lets only the errors of `checks.errors` be raised."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import pkgutil
import runpy
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from checks import (
    archives,
    catalog,
    formats,
    inspect,
    keyfiles,
    policy,
    redact,
    spotted,
    suppress,
    text,
)
from checks.errors import HygieneError
from checks.model import Access, Entry, Role
from checks.secrets import (
    commands,
    engine,
    hashes,
    judge,
    keyfaults,
    places,
    rules,
    templates,
    values,
)
from checks.secrets.notsecret import why_not
from checks.tls import hello, proof, records12, secrets13, session12, starttls
from checks.tls.answer import LIMIT, Answer
from checks.tls.numbers import TLS13_GROUPS, Version
from checks.tls.session13 import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    Target = Callable[[bytes], None]

SECONDS: Final = 2.0
"""What a target may take for LONGEST bytes; more is a fault, whatever the answer."""
LONGEST: Final = 64 * 1024
_MOST_ENTRIES: Final = 200_000
_KNOWN: Final = 20
"""A value of so many characters does not stand in a report by chance."""
_VARIED: Final = 8
_ACCESS: Final = Access(0, 0, 0o644)
_KEY: Final = redact.FingerprintKey(bytes(32))
_PATHS: Final = (
    "app.conf", "a.yaml", "a.json", "a.toml", "a.ini", ".env", "a.xml", "main.tf", "Dockerfile",
    "a.service", "etc/crontab", "a.sh", "a.py", "a.sql", "a.properties", ".netrc", "etc/shadow",
    "nginx.conf", "haproxy.cfg", "a.js", "a.php", "id_rsa", "a.pem", "a.p12", "a.jks", "a.keytab",
    "a.kdbx", "docker-compose.yml", "a.ldif", "wp-config.php", ".bash_history", "README.md", "a",
)  # fmt: skip
_LIMITS: Final = archives.Limits(
    depth=3, members=50, total_bytes=1 << 20, member_bytes=1 << 18, ratio=100
)


@cache
def _parsers() -> list[Any]:
    names = sorted(info.name for info in pkgutil.iter_modules(formats.__path__))
    modules = [importlib.import_module(f"checks.formats.{name}") for name in names]
    return [module for module in modules if hasattr(module, "parse")]


@cache
def _inspector() -> inspect.Inspector:
    loaded = rules.load(catalog.rule_files())
    made = engine.Engine(loaded, engine.compile_rules(loaded))
    return inspect.Inspector(made, catalog.Formats())


def load() -> None:
    """Import what is otherwise imported at first use, so that a fuzzer can watch it."""
    _parsers()
    for name in (
        "commands",
        "keystores",
        "keyfaults",
        "pem",
        "keys",
        "pgp",
        "jks",
        "ppk",
        "proofs",
    ):
        importlib.import_module(f"checks.secrets.{name}")


def _string(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _chosen(data: bytes) -> tuple[Any, bytes]:
    """Take the format from the first byte or, in a kept case, from its name and a zero byte."""
    name, zero, payload = data.partition(b"\0")
    named = [one for one in _parsers() if one.__name__.rpartition(".")[2].encode() == name]
    if named and zero:
        return named[0], payload
    return _parsers()[data[0] % len(_parsers())], data[1:]


def formats_(data: bytes) -> None:
    """Parse with the format that the first byte chooses."""
    module, payload = _chosen(data)
    content = _string(payload)
    if hasattr(module, "sniff"):
        module.sniff(content[:4096])
    for number, entry in enumerate(module.parse(content)):
        assert all(isinstance(key, str) for key in entry.keys)
        assert isinstance(entry.value, str)
        assert 0 <= entry.line <= content.count("\n") + 1
        if number > _MOST_ENTRIES:
            return


def inspect_(data: bytes) -> None:
    """Look at a document whose path the first byte chooses, and describe what is found."""
    path = "/srv/" + _PATHS[data[0] % len(_PATHS)]
    document = spotted.Document(path, data[1:], _ACCESS)
    looked = _inspector().look(document)
    for one in looked.spotted[:100]:
        described = json.dumps(msgspec.to_builtins(spotted.finding(one, document, (_KEY,))))
        shown = json.dumps(one.value)[1:-1]
        telling = len(shown) >= _KNOWN and len(set(shown)) > _VARIED
        assert not telling or shown not in described, "a value is repeated"


def archives_(data: bytes) -> None:
    """Open an archive under small limits."""
    name = ("a.tar", "a.lzma", "a.Z", "a.zip")[data[0] % 4]
    for member in archives.members(name, io.BytesIO(data[1:]), _LIMITS, archives.Budget()):
        repr(member)


def keys(data: bytes) -> None:
    """Look for armoured keys and for a keystore of the kind that the first byte chooses."""
    path = "/srv/" + _PATHS[data[0] % len(_PATHS)]
    where = (path, data[1:], _ACCESS, (0, 0), keyfaults.Place.HOST)
    keyfiles.in_text(*where)
    keyfiles.in_keystore(*where)
    keyfiles.first_certificate(data[1:])


def hashes_(data: bytes) -> None:
    """Classify a password hash and judge it."""
    facts = hashes.classify(_string(data[1:]), "crypt" if data[0] & 1 else "")
    if facts is not None:
        list(keyfaults.judge_hash(facts, _ACCESS))


def values_(data: bytes) -> None:
    """Look into a value, a command line and an entry with the role that the first byte chooses."""
    content = _string(data[1:])
    roles = list(Role)
    entry = Entry(("db", "password" if data[0] & 64 else "url"), content, 1)
    entry = entry._replace(role=roles[data[0] % len(roles)])
    list(values.inner(entry))
    list(commands.credentials(content, 1))
    list(judge.judge(entry, places.Place(path="/srv/a.conf", loose=bool(data[0] & 128))))
    why_not(content, strict=bool(data[0] & 32))
    places.is_document(content)
    redact.shown(content)


def text_(data: bytes) -> None:
    """Decode a text and number its lines."""
    content = text.read(data)
    if content is not None:
        assert isinstance(content.string, str)
        numbers = text.Lines(content.data)
        for offset in range(0, len(content.data), 97):
            assert numbers.at(offset) == content.data.count(b"\n", 0, offset) + 1


def rules_(data: bytes) -> None:
    """Read a rule file, a template, a policy, a baseline or marks."""
    content = data[1:].decode("utf-8", "replace")
    readers: list[Callable[[], object]] = [
        lambda: rules.parse("fuzz", content),
        lambda: templates.render(content, "seed"),
        lambda: policy.from_mapping(_json(content)),
        lambda: suppress.read_baseline(data[1:]),
        lambda: [suppress.mark_at(content.split("\n"), n, "x") for n in range(20)],
    ]
    readers[data[0] % len(readers)]()


@cache
def _peer(name: str = "peer13.py") -> tuple[Any, Any, bytes]:
    """Give what a scripted server of the tests has, its key, and a certificate of that."""
    from cryptography.hazmat.primitives.asymmetric import ec

    path = Path(__file__).parent.parent / "checks" / "tls" / name
    key = ec.generate_private_key(ec.SECP256R1())
    return runpy.run_path(str(path)), key, made_certificate(key)


def made_certificate(key: Any) -> bytes:  # noqa: ANN401 - any private key
    """Make a certificate of a key."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes as digests
    from cryptography.hazmat.primitives.serialization import Encoding

    name = x509.Name([])
    day = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, day, day)
    return built.sign(key, digests.SHA256()).public_bytes(Encoding.DER)


def tls_(data: bytes) -> None:
    """Answer a hello, carry on a session in clear or encrypted, or agree on STARTTLS."""
    chosen, said = data[0] % 8, data[1:]
    if chosen == 0:
        _answers(said)
    elif chosen == 1:
        _session_of(_asked(), said)
    elif chosen in {2, 3, 4, 5}:
        _encrypted(said, finished=chosen > 3)
    elif chosen == 6:
        key, certificate = _peer()[1:]
        proof.is_proved(said, 0x0403, said[:70], b"")
        proof.is_proved(
            certificate, int.from_bytes(said[:2], "big"), said[2:], key.curve.name.encode()
        )
    else:
        _agrees(said)


def _asked() -> hello.ClientHello:
    codes = secrets13.SUITES
    return hello.ClientHello(Version.TLS13, codes, bytes(32), TLS13_GROUPS, session=bytes(32))


def _answers(said: bytes) -> None:
    """Feed at once and in pieces: the same comes out, and no more is kept than allowed."""
    seen = []
    for step in (len(said) + 1, 7):
        answer, error = Answer(), ""
        try:
            for at in range(0, len(said), step):
                answer.feed(said[at : at + step])
        except HygieneError as raised:
            error = str(raised)
        shown = (answer.hello, answer.certificates, answer.exchange, answer.alert, answer.done)
        seen.append((shown, error))
        assert len(answer._records) + len(answer._messages) <= LIMIT
    assert seen[0] == seen[1]


def _session_of(asked: hello.ClientHello, said: bytes) -> None:
    session = Session(asked)
    session.start()
    for at in range(0, len(said), 100):
        session.receive(said[at : at + 100])
    assert not session.finished


def _encrypted(said: bytes, *, finished: bool) -> None:
    """Say what the input says in the right keys: kind, length, content, and again.

    After the handshake nothing may change what was shown.
    """
    module, key, certificate = _peer()
    session, peer = Session(_asked()), module["Peer"](key, certificate)
    peer.hear(session.start())
    session.receive(peer.hello())
    if finished:
        session.receive(peer.flight())
    shown = (session.certificates, session.proved, session.alpn)
    while said and not session.closed:
        kind, size = said[0], 1 + int.from_bytes(said[1:3], "big") % 2000
        session.receive(peer.seal((20, 21, 22, 22, 22, 23, 0, 24)[kind % 8], said[3 : 3 + size]))
        said = said[3 + size :]
    assert session.finished == finished
    assert not finished or shown == (session.certificates, session.proved, session.alpn)


def tls12(data: bytes) -> None:
    """Carry on a session of TLS 1.2: from its hello, at its end, after it, or amid a second one.

    After the handshake nothing may change what was shown.
    """
    stage, said = data[0] % 4, data[1:]
    module, key, certificate = _peer("peer12.py")
    codes = records12.readable(Version.TLS12)
    asked = hello.ClientHello(Version.TLS12, codes, bytes(32), groups=(29,))
    session, peer = session12.Session(asked, bytes), module["Peer"](key, certificate)
    peer.take(session.start())
    if stage:
        peer.take(session.receive(peer.flight()))
        peer.writing = peer.secrets.directions(bytes)[1] if stage == 1 else None
    if stage > 1:
        session.receive(peer.finish())
    if stage > 2:
        peer.take(session.renegotiate())
    shown = (session.certificates, session.proved, session.alpn)
    while said and not session.closed:
        kind, size = said[0], 1 + int.from_bytes(said[1:3], "big") % 2000
        session.receive(peer.seal((20, 21, 22, 22, 22, 23, 0, 24)[kind % 8], said[3 : 3 + size]))
        said = said[3 + size :]
    assert session.finished == (stage > 1)
    assert stage < 2 or shown == (session.certificates, session.proved, session.alpn)


def _agrees(said: bytes) -> None:
    dialogue = starttls.dialogue(starttls.PROTOCOLS[said[0] % len(starttls.PROTOCOLS)])
    next(dialogue)
    try:
        for at in range(1, len(said), 50):
            dialogue.send(said[at : at + 50])
    except StopIteration:
        return


@cache
def _published() -> Any:  # noqa: ANN401 - what a file of the tests has
    path = Path(__file__).parent.parent / "agent" / "policy" / "published.py"
    repository = runpy.run_path(str(path))["Repository"]()
    repository.rotate("root")
    return repository


def policy_(data: bytes) -> None:
    """Serve metadata, lay a copy of it, or sign what it says; afterwards the right one is taken."""
    from agent.policy.trust import Client, Seen

    repository, role = _published(), ("root", "timestamp", "snapshot", "targets")[data[0] % 4]
    shelf, right = repository.shelf, dict(repository.shelf.files)
    served = {"root": "2.root.json", "timestamp": "timestamp.json"}.get(role, f"1.{role}.json")
    with tempfile.TemporaryDirectory() as name:
        folder, pin = Path(name, "store"), repository.pin
        client = Client(
            shelf, folder, pin, minimum={}, longest=None, now=lambda: float(repository.now)
        )
        if data[0] % 12 < 4:
            shelf.files[f"metadata/{served}"] = data[1:]
        elif data[0] % 12 < 8:
            client.refresh(Seen())
            copy = "root_history/2.root.json" if role == "root" else f"{role}.json"
            (folder / "metadata" / copy).write_bytes(data[1:])
            client = Client(
                shelf, folder, pin, minimum={}, longest=None, now=lambda: float(repository.now)
            )
        else:
            shelf.files[f"metadata/{served}"] = _forged(repository, role, data[1:])
        try:
            with contextlib.suppress(HygieneError):
                client.refresh(Seen())
        finally:
            shelf.files = right
        if data[0] % 12 < 8:
            assert client.refresh(Seen()).versions["targets"] == 1


def _forged(repository: Any, role: str, data: bytes) -> bytes:  # noqa: ANN401 - see above
    """Put the keys of a JSON object over what a role says, and sign it."""
    said, right = _json(data.decode("utf-8", "replace")), repository.signed[role].to_dict()
    try:
        forged: bytes = repository.forged(role, right | said if isinstance(said, dict) else said)
    except Exception:  # noqa: BLE001 - there is JSON that nobody can sign
        return data
    return forged


def _json(content: str) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


TARGETS: Final[dict[str, Target]] = {
    "archives": archives_,
    "formats": formats_,
    "hashes": hashes_,
    "inspect": inspect_,
    "keys": keys,
    "policy": policy_,
    "rules": rules_,
    "text": text_,
    "tls": tls_,
    "tls12": tls12,
    "values": values_,
}


def variants(target: str) -> int:
    """Say among how many variants the first byte of an input chooses."""
    counts = {"formats": len(_parsers()), "inspect": len(_PATHS), "keys": len(_PATHS), "policy": 12}
    return counts.get(target, 8)


def run(target: str, data: bytes) -> None:
    """Give DATA to a target; the program's own errors are answers."""
    if len(data) < 2:
        return
    try:
        TARGETS[target](data)
    except HygieneError:
        return


def amplified(data: bytes) -> bytes:
    """Turn a small input into a long one of the same kind: its middle repeated.

    The first byte says whether, the next two where the middle begins and ends; so a fuzzer that
    tries small inputs also finds what takes more than linear time.
    """
    if len(data) < 4 or data[0] % 4:
        return data[1:]
    head, body = data[3:4], data[4:]
    first, last = sorted((data[1] % (len(body) + 1), data[2] % (len(body) + 1)))
    unit = body[first:last]
    if not unit:
        return head + body
    times = (LONGEST - len(body)) // len(unit)
    return head + body[:first] + unit * max(1, times) + body[last:]
