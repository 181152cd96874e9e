"""Compare distinguished names as clients do: without regard to case, blanks and string types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.secrets import der

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMON_NAME: Final = bytes.fromhex("550403")
_CODECS: Final = {0x0C: "utf-8", 0x12: "ascii", 0x13: "ascii", 0x16: "ascii", 0x14: "latin-1",
                  0x1C: "utf-32-be", 0x1E: "utf-16-be"}  # fmt: skip
"""How each ASN.1 string type is encoded."""


def key(name: bytes) -> str:
    """Give a text that is the same for names that RFC 5280 7.1 calls the same.

    Takes the DER of a Name; one that cannot be read equals only itself, byte for byte.
    """
    try:
        parts = sorted(f"{oid.hex()}={_folded(text)!r}" for oid, text in _attributes(name))
    except FormatError:
        return name.hex()
    return "\n".join(parts)


def common_name(name: bytes) -> str:
    """Give the last common name in the DER of a Name, "" where there is none to be read."""
    try:
        found = [text for oid, text in _attributes(name) if oid == _COMMON_NAME]
    except FormatError:
        return ""
    return found[-1] if found else ""


def _attributes(name: bytes) -> Iterator[tuple[bytes, str]]:
    for relative in der.read(name).children:
        for attribute in relative.children:
            fields = attribute.children
            if len(fields) != 2:
                raise FormatError("name: an attribute without a value")
            yield fields[0].value, _text(fields[1])


def _text(value: der.Node) -> str:
    codec = _CODECS.get(value.tag)
    if codec is None:
        return value.raw.hex()
    return value.value.decode(codec, "backslashreplace")


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
