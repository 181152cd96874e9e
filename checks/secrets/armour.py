"""Read what stands between BEGIN and END, however a configuration file has quoted it."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPE: Final = regex(
    rb"\\{1,4}(?:[nrt/]|u00(?:0[aAdD9]|2[bBfF]|3[dD])|012|015|x0[aAdD])"
    rb"|&#(?:10|13|x0?[aAdD]);|%(?:0[aAdD9]|20|2[bBfFcC]|3[aAdD])"
)
_HEADER: Final = regex(r"([A-Za-z][A-Za-z0-9-]{1,40}): ?(.*)", re.DOTALL)
_HEADER_VALUE: Final = regex(r"[A-Z0-9][A-Z0-9-]*,[0-9A-Za-z]+")
_BASE64: Final = regex(rb"[A-Za-z0-9+/]+=*|=[A-Za-z0-9+/=]*")
_PLAIN: Final = regex(rb"[ \t]*[A-Za-z0-9+/]{4,}={0,2}[ \t]*[\r\n]*")
_GLUE: Final = frozenset((b"", b"+", b".", b"&", b"_", b"|", b"#", b"*", b"//", b">", b"-"))
_CODE: Final = frozenset((b"vbCrLf", b"vbLf", b"vbNewLine"))
_MARKS: Final = b"\"'`,;()[]\\"
_QUOTES: Final = b"\"'`"
_PLACEHOLDER: Final = regex(rb"\.\.|\xe2\x80\xa6|\*\*|<|\{\{|[$%]\{|\[")


class Inside(NamedTuple):
    """headers: as written; body: the decoded base64; used: bytes of the text that belong to it.

    clean: nothing foreign was met; dummy: what was met is a placeholder ("...", "<key>").
    """

    headers: tuple[tuple[str, str], ...]
    body: bytes
    used: int
    clean: bool
    dummy: bool

    def __repr__(self) -> str:
        """Leave the contents out: they may be a key."""
        return f"<Inside {len(self.body)} bytes>"


def lines(text: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, int]]:
    """Give each logical line, without PREFIX and outer blanks, and where its physical line ends.

    Escapes that stand for a line break (JSON, XML, URL, source code) break the line too.
    """
    end, strange = 0, bool(prefix.strip())
    for physical in text.splitlines(keepends=True):
        end += len(physical)
        if not strange and _PLAIN.fullmatch(physical):
            yield physical.strip(), end
            continue
        for logical in unescaped(physical).splitlines():
            bare = logical.removeprefix(prefix) if prefix else logical
            yield bare.strip(), end


def unescaped(text: bytes) -> bytes:
    """Undo the escapes that JSON, XML, URLs and source code put into an armoured text."""
    if not any(sign in text for sign in (b"\\", b"%", b"&")):
        return text
    return _ESCAPE.sub(_character, text)


def _character(found: re.Match[bytes]) -> bytes:
    escape = found.group().lstrip(b"\\")
    if escape in (b"n", b"r", b"/"):
        return b"/" if escape == b"/" else b"\n"
    if escape == b"t":
        return b" "
    if escape in (b"012", b"015") or escape.startswith(b"&"):
        return b"\n"
    code = int(escape.lstrip(b"%ux"), 16)
    return b"\n" if code in (10, 13) else bytes((code,))


def read(text: bytes, prefix: bytes = b"", *, hexadecimal: bool = False) -> Inside:
    """Read headers and body, line by line, until something foreign is met."""
    headers: list[tuple[str, str]] = []
    pieces: list[bytes] = []
    used, foreign, continued = 0, b"", False
    for line, end in lines(text, prefix):
        if pieces and _PLAIN.fullmatch(line):
            pieces.append(line)
            used = end
            continue
        rest = line
        if not pieces:
            bare = line.strip(_MARKS)
            header = None if continued else _header(bare)
            if header or continued:
                continued = (header[1] if header else bare.decode("latin-1")).endswith("\\")
                rest = _keep(header, headers)
        foreign = _collect(rest, pieces)
        if foreign:
            break
        used = end
    body = _decoded(b"".join(pieces), hexadecimal=hexadecimal)
    return Inside(tuple(headers), body, used, not foreign, bool(_PLACEHOLDER.search(foreign)))


def _header(line: bytes) -> tuple[str, str] | None:
    found = _HEADER.fullmatch(line.decode("latin-1"))
    return (found[1], found[2]) if found else None


def _keep(header: tuple[str, str] | None, headers: list[tuple[str, str]]) -> bytes:
    """Keep a header; give the rest of its line where newlines became blanks (RFC 1421 headers)."""
    if header is None:
        return b""
    if header[0] not in {"Proc-Type", "DEK-Info"}:
        headers.append(header)
        return b""
    words = f"{header[0]}: {header[1]}".split()
    while len(words) > 1 and words[0] in {"Proc-Type:", "DEK-Info:"}:
        value = _HEADER_VALUE.search(words[1])
        headers.append((words[0][:-1], value.group() if value else ""))
        words = words[2:]
    return " ".join(words).encode("latin-1")


def _collect(line: bytes, pieces: list[bytes]) -> bytes:
    """Add the base64 words of a line to PIECES; give the first word that is none, or b""."""
    for word in line.split():
        bare = _bare(word)
        if bare in _GLUE or bare in _CODE:
            continue
        if not _BASE64.fullmatch(bare):
            return word
        pieces.append(bare)
    return b""


def _bare(word: bytes) -> bytes:
    """Take quotes and the signs that join quoted texts off a word."""
    if word[:1] in b"+.&" and word[1:2] and word[1:2] in _QUOTES:
        word = word[1:]
    word = word.rstrip(b",;)]\\")
    if word[-1:] in b"+.&" and word[-2:-1] and word[-2:-1] in _QUOTES:
        word = word[:-1]
    return word.strip(_MARKS)


def _decoded(text: bytes, *, hexadecimal: bool) -> bytes:
    if hexadecimal:
        digits = re.match(rb"[0-9A-Fa-f]*", text)
        even = digits.group() if digits else b""
        return bytes.fromhex(even[: len(even) & ~1].decode())
    # What follows the first "=" is padding or an OpenPGP checksum (RFC 9580 6.1).
    text = text.partition(b"=")[0]
    text = text[: len(text) - (len(text) % 4 == 1)]
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))
