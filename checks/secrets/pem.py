"""Find armoured keys and certificates in any text, however quoted, wrapped or cut off."""

from __future__ import annotations

import contextlib
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError, LimitError
from checks.lazy import regex
from checks.secrets import armour, base64blocks, bech32, der

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

AGE: Final = "AGE-SECRET-KEY"
PPK: Final = "PuTTY-User-Key-File-"
NEBULA: Final = "NEBULA "
OPENVPN: Final = "OpenVPN Static key V1"
SSH2: Final = "SSH2 ENCRYPTED PRIVATE KEY"
CERTIFICATES: Final = frozenset(("CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE"))

MOST: Final = 4096
"""More blocks than this in one file are not looked at; LimitError says so."""
LONGEST: Final = 1 << 18
"""Bytes from BEGIN on; the armour of an RSA key of 16384 bits has 13,000."""
_SHORTEST: Final = 32
"""Bytes: the smallest private key in use, a P-256 or Ed25519 one, takes 48."""
_VARIETY: Final = 16
"""Different byte values: 32 random bytes have about 30, "AAAA..." has one."""

_HINTS: Final = (b"-----BEGIN", b"---- BEGIN SSH2", PPK.encode(), AGE.encode(), *base64blocks.HINTS)
_MARKER: Final = regex(
    rb"-----(?P<side>BEGIN|END)(?: |%20|\+)(?P<label>[A-Za-z0-9 .+%-]{3,60}?)-----"
    rb"|---- (?P<side2>BEGIN|END) (?P<label2>SSH2 ENCRYPTED PRIVATE KEY) ----"
    rb"|(?P<ppk>PuTTY-User-Key-File-[23]): "
    rb"|(?P<mac>Private-MAC: [0-9a-f]{40,64})"
    rb"|(?P<age>AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58,200})"
)


class PemBlock(NamedTuple):
    """One armoured object.

    label: the words after BEGIN, or AGE, or PPK with the version; offset and line (1-based): where
    it begins in the data; raw: its bytes as they stand there; body: what the armour decodes to
    (for PPK its lines, for age its text); whole: nothing is missing at its end; layers: how often
    it was base64-encoded as a whole.
    """

    label: str
    offset: int
    line: int
    raw: bytes
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    whole: bool = True
    layers: int = 0

    def __repr__(self) -> str:
        """Name the block without its contents."""
        return f"<PemBlock {self.label} line {self.line}, {len(self.body)} bytes>"

    @property
    def private(self) -> bool:
        """Whether it is a private key rather than a certificate."""
        return self.label not in CERTIFICATES

    @property
    def escaped(self) -> bool:
        """Whether it was written on one line, so that no tool can load it from there."""
        return self.layers > 0 or (self.label != AGE and b"\n" not in self.raw.strip())


def find(data: bytes) -> Iterator[PemBlock]:
    """Give the private keys and certificates in the order of their offsets.

    Public keys, parameters and requests are passed over, and so is what documentation shows for a
    key: bodies that are too short, not base64, not of the structure that the label promises.
    Raises LimitError after MOST blocks.
    """
    if not any(hint in data for hint in _HINTS):
        return
    line, last = 1, 0
    for number, block in enumerate(_merged(data)):
        if number == MOST:
            raise LimitError(f"more than {MOST} keys and certificates in one file")
        line += data.count(b"\n", last, block.offset)
        last = block.offset
        yield block._replace(line=line)


def first(data: bytes, *, private: bool) -> PemBlock | None:
    """Give the first private key, or the first certificate, of a file, which is what servers take.

    None too where there are more than MOST blocks before it.
    """
    with contextlib.suppress(LimitError):
        return next((block for block in find(data) if block.private is private), None)
    return None


def _merged(data: bytes) -> list[PemBlock]:
    """Take one more than may be given, so that the caller sees the limit passed."""
    blocks: list[PemBlock] = []
    for block in chain(_direct(data), _wrapped(data)):
        blocks.append(block)
        if len(blocks) > 2 * MOST:
            break
    return sorted(blocks, key=lambda block: block.offset)


def _wrapped(data: bytes) -> Iterator[PemBlock]:
    for offset, raw, text, layers in base64blocks.find(data):
        for block in _direct(text):
            yield block._replace(offset=offset, raw=raw, layers=layers)


def _direct(data: bytes) -> Iterator[PemBlock]:
    for here, following in pairwise(chain(_MARKER.finditer(data), (None,))):
        if here is None or here["mac"] or b"END" in (here["side"], here["side2"]):
            continue
        if here["age"]:
            block = _age(here)
        elif here["ppk"]:
            block = _ppk(data, here, following)
        else:
            block = _armoured(data, here, following)
        if block:
            yield block


def _label(marker: re.Match[bytes]) -> str:
    label = marker["label"] or marker["label2"] or b""
    return label.replace(b"%20", b" ").replace(b"+", b" ").decode()


def _wanted(label: str) -> bool:
    return label in CERTIFICATES or label == OPENVPN or "PRIVATE KEY" in label


def _armoured(
    data: bytes, here: re.Match[bytes], following: re.Match[bytes] | None
) -> PemBlock | None:
    label = _label(here)
    if not _wanted(label):
        return None
    stop = min(following.start() if following else len(data), here.end() + LONGEST)
    inside = armour.read(
        data[here.end() : stop], _prefix(data, here.start()), hexadecimal=label == OPENVPN
    )
    ended = bool(
        inside.clean
        and following
        and following.start() == stop
        and b"END" in (following["side"], following["side2"])
        and _label(following) == label
    )
    end = following.end() if ended and following else here.end() + inside.used
    block = PemBlock(
        label, here.start(), 0, data[here.start() : end], inside.body, inside.headers, ended
    )
    kept = _genuine(block)
    return None if kept and inside.dummy and not kept.whole else kept


def _prefix(data: bytes, start: int) -> bytes:
    """Give what stands before BEGIN on its line: a comment sign, a diff's "+", an indent."""
    left = max(0, start - 64)
    return data[left:start].rpartition(b"\n")[2] if b"\n" in data[left:start] or not left else b""


def _genuine(block: PemBlock) -> PemBlock | None:
    """Keep a block only if its body is of the structure that its label promises."""
    body = block.body
    if len(body) < _SHORTEST or len(set(body)) < _VARIETY:
        return None
    if "Proc-Type" in dict(block.headers):
        return block
    if block.label == "OPENSSH PRIVATE KEY":
        return block if body.startswith(b"openssh-key-v1\0") else None
    if block.label == SSH2:
        return block if body.startswith(b"\x3f\x6f\xf9\xeb") else None
    if block.label == OPENVPN:
        return block._replace(whole=len(body) == 256)
    if block.label.startswith(NEBULA):
        return block if len(body) in {32, 64} or "ENCRYPTED" in block.label else None
    if block.label.startswith("PGP"):
        return block if body[0] & 0x80 else None
    return _genuine_der(block)


def _genuine_der(block: PemBlock) -> PemBlock | None:
    """Cut a DER body to its own length, which tells better than END whether it is whole."""
    if block.body[0] != der.SEQUENCE:
        return None
    try:
        size = der.extent(block.body)
    except FormatError:
        return None
    # Of a key that is cut in the first half only the public numbers are known.
    if size > 2 * len(block.body) or size < _SHORTEST:
        return None
    return block._replace(body=block.body[:size], whole=size <= len(block.body))


def _age(here: re.Match[bytes]) -> PemBlock | None:
    text = here["age"]
    # age: the prefix is "age-secret-key-" (X25519) or "age-secret-key-pq-" (ML-KEM-768 hybrid).
    return PemBlock(AGE, here.start(), 0, text, text) if bech32.holds(text.decode()) else None


def _ppk(data: bytes, here: re.Match[bytes], following: re.Match[bytes] | None) -> PemBlock | None:
    whole = bool(following and following["mac"])
    end = following.end() if whole and following else min(len(data), here.end() + LONGEST)
    if following and not whole:
        end = min(end, following.start())
    raw = data[here.start() : end]
    body = b"\n".join(line for line, _ in armour.lines(raw, _prefix(data, here.start())))
    block = PemBlock(here["ppk"].decode(), here.start(), 0, raw, body, (), whole)
    return block if b"Private-Lines: " in body else None
