"""Make what the fuzzer starts from, anew each time: no key lies in the repository."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from typing import TYPE_CHECKING

import zstandard
from cryptography.hazmat.primitives import serialization as how
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import pkcs12

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXTS = (
    "[db]\nuser = app\npassword = x1\n",
    "a:\n  - name: DB_PASSWORD\n    value: 'x1'\nkind: Secret\ndata:\n  k: eDE=\n",
    '{"a": {"password": "x\\u00311"}, "b": [1, null, "y"]}',
    "<a password='x1'><b name=\"secret\">y &amp; z</b><![CDATA[q]]></a>",
    "export DB_PASSWORD=x1; mysql -u app -px1 <<EOF\nq\nEOF\ncurl -u a:b https://h/\n",
    'resource "a" "b" {\n  password = "x1"\n  t = <<-E\n  y\n  E\n}\n',
    "FROM a\nENV A=b C='d'\nRUN --mount=type=secret,id=x echo \\\n  y\n",
    "CREATE USER a IDENTIFIED BY 'x1'; INSERT INTO users (name, password) VALUES ('a', 'b');",
    "machine h login a password x1\nh:5432:*:a:x1\nroot:$6$ab$cd:19000:0:99999:7:::\n",
    "upstream = https://a:x1@h/p?token=y\nServer=h;User Id=a;Password=x1;\n",
    "'a' => 'b', \"password\" => \"x1\" . $c, define('K', 'v');\npassword: str = f'{x}'\n",
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA\n{SSHA}YWJj\npbkdf2_sha256$1000$a$b=\n",
    "dn: cn=a\nuserPassword:: eDE=\n description\n",
    "x {\n  y \"z\";\n  password 'x1';\n}\n* * * * * root mysqldump -px1 a\n",
    "version: 1\nwaivers:\n  - check: a\n    path: '*'\n    until: 2030-01-01\n",
    "provider: a\nrules:\n  - id: a\n    trigger: abc\n    examples: ['{{alnum 9}}']\n",
)


def of(target: str) -> Iterator[bytes]:
    """Give starting inputs for a target, without the bytes that choose among variants."""
    if target == "archives":
        yield from _archives()
    elif target == "keys":
        yield from _keys()
    elif target == "policy":
        yield from _metadata()
    elif target == "tls":
        yield from _flights()
    else:
        yield from (text.encode() for text in _TEXTS)
    if target == "inspect":
        yield from _keys()
    if target == "text":
        yield from (_TEXTS[0].encode(codec) for codec in ("utf-16", "utf-32", "utf-16-be"))


def _metadata() -> Iterator[bytes]:
    """Parts of what a role may say, and a whole root with a key that is none."""
    yield b'{"version": 2, "expires": "2030-01-01T00:00:00Z", "spec_version": "1.0.31"}'
    yield b'{"targets": {"policy/base/1.json": {"length": 2, "hashes": {"sha256": "00"}}}}'
    yield b'{"meta": {"snapshot.json": {"version": 1}, "targets.json": {"version": 1}}}'
    yield b'{"keys": {}, "roles": {"root": {"keyids": ["00"], "threshold": 1}}}'
    yield b'{"delegations": {"keys": {}, "roles": []}, "consistent_snapshot": false}'
    yield b'{"signed": {"_type": "root"}, "signatures": [{"keyid": "00", "sig": "00"}]}'


def _archives() -> Iterator[bytes]:
    plain, tar, packed = _TEXTS[0].encode() * 3, io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as made:
        info = tarfile.TarInfo("folder/é" * 20)
        info.size = len(plain)
        made.addfile(info, io.BytesIO(plain))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a.txt", plain)
        zipped.writestr("b.tar", tar.getvalue())
    yield from (packed.getvalue(), tar.getvalue()[:3072])
    for squeeze in (gzip.compress, bz2.compress, lzma.compress, zstandard.compress):
        yield squeeze(plain)
        yield squeeze(tar.getvalue())
    yield lzma.compress(plain, lzma.FORMAT_ALONE)
    yield b"!<arch>\n" + b"a/".ljust(48) + b"6".ljust(10) + b"`\nsecret"
    yield b"070701" + b"0" * 104 + b"TRAILER!!!\0\0\0\0"


def _flights() -> Iterator[bytes]:
    """Hellos, a first flight, messages to be encrypted, and words of other protocols."""
    session = bytes((32, *range(32)))
    old = b"\3\3" + bytes(32) + b"\0\xc0\x2f\0\0\x09\0\x10\0\5\0\3\2h2"
    new = b"\3\3" + bytes(32) + session + b"\x13\1\0\0\x0c\0\x2b\0\2\3\4\0\x33\0\2\0\x17"
    again = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    chain = b"\x0b\0\0\x0a\0\0\7\0\0\4leaf"
    curve = b"\x0c\0\0\x0b\3\0\x17\1\4\4\1\0\3sig"
    for body in (old, new, new.replace(bytes(32), again, 1)):
        first = b"\2" + len(body).to_bytes(3, "big") + body
        flight = first + chain + curve + b"\x0e\0\0\0" if body is old else first
        yield b"\x16\3\3" + len(flight).to_bytes(2, "big") + flight
    yield b"\x15\3\3\0\2\1\x70\x15\3\3\0\2\2\x28"
    yield b"\x80\x23\4\0\1\0\2\0\4\0\6\0\x10leaf\7\0\xc0\1\0\x80" + bytes(16)
    for message in (
        b"\x08\0\0\x0b\0\x09\0\x10\0\5\0\3\2h2",
        b"\x0b\0\0\x0d\0\0\0\x09\0\0\4leaf\0\0",
        b"\x0d\0\0\3\0\0\0",
        b"\4\0\0\x1b" + bytes(8) + b"\1n\0\6ticket\0\x08\0\x2a\0\4\0\0\x40\0",
        b"\x18\0\0\1\1",
    ):
        yield b"\2" + (len(message) - 1).to_bytes(2, "big") + message + b"\1\0\1\1\0"
    yield from (b"\0* OK hi\r\na OK go\r\n", b"\0220-a\r\n220 b\r\n250 STARTTLS\r\n220 c\r\n")


def _keys() -> Iterator[bytes]:
    for key in (ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()):
        for form in (how.PrivateFormat.PKCS8, how.PrivateFormat.OpenSSH):
            yield key.private_bytes(how.Encoding.PEM, form, how.NoEncryption())
        yield key.private_bytes(how.Encoding.DER, how.PrivateFormat.PKCS8, how.NoEncryption())
        secret = how.BestAvailableEncryption(b"changeit")
        yield key.private_bytes(how.Encoding.PEM, how.PrivateFormat.PKCS8, secret)
    key = ec.generate_private_key(ec.SECP256R1())
    hidden = how.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(10).build(b"changeit")
    yield pkcs12.serialize_key_and_certificates(b"a", key, None, None, hidden)
    yield b"\xfe\xed\xfe\xed" + bytes((0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 97)) + bytes(60)
    yield b"\x05\x02" + bytes((0, 0, 0, 30, 0, 1, 0, 1, 97, 0, 1, 98)) + bytes(30)
    yield b"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPublic-Lines: 1\nAAAA\n"
