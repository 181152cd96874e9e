"""Read the root certificates that a host trusts, and which of them browsers trust too. EDGE.

Debian, Alpine and their kin keep Mozilla's roots in a folder of their own. Fedora, RHEL and SUSE
keep what the administrator added in one; the rest is Mozilla's. Where neither is there, no root
is called public.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError, LimitError
from checks.lazy import regex
from checks.secrets import der
from checks.tls import certificate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_MOST_BYTES: Final = 8 * 1024 * 1024
"""Of one file; a bundle has 250,000."""
_MOST_FILES: Final = 2048
"""Of one folder."""
_PEM: Final = regex(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([^-]*)-----END ")
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class Layout(NamedTuple):
    """Where a family of systems keeps its roots. public, added: folders, some of them or none."""

    bundle: str
    public: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


LAYOUTS: Final = (
    Layout("/etc/ssl/certs/ca-certificates.crt", public=("/usr/share/ca-certificates/mozilla",)),
    Layout(
        "/etc/pki/tls/certs/ca-bundle.crt",
        added=(
            "/etc/pki/ca-trust/source",
            "/etc/pki/ca-trust/source/anchors",
            "/usr/share/pki/ca-trust-source",
            "/usr/share/pki/ca-trust-source/anchors",
        ),
    ),
    Layout(
        "/var/lib/ca-certificates/ca-bundle.pem",
        added=("/etc/pki/trust/anchors", "/usr/share/pki/trust/anchors"),
    ),
)
"""Debian, Ubuntu, Alpine, Arch; Fedora, RHEL; SUSE. The first bundle that is there counts."""


class Roots(NamedTuple):
    """What a host trusts.

    path: the bundle, "" where none was found; trusted: DER, each once; public: SHA-256 in hex of
    the keys that are Mozilla's; unseen: what could not be read, a line each.
    """

    path: str = ""
    trusted: tuple[bytes, ...] = ()
    public: frozenset[str] = frozenset()
    unseen: tuple[str, ...] = ()


def read(path: str = "", layouts: Sequence[Layout] = LAYOUTS) -> Roots:
    """Read the host's roots, or those of the PEM file at PATH."""
    layout = next((one for one in layouts if os.path.exists(one.bundle)), None)
    chosen = path or (layout.bundle if layout else "")
    if not chosen:
        return Roots(unseen=("roots: this host has no store of root certificates",))
    reader = _Reader()
    trusted = dict.fromkeys(reader.certificates(chosen))
    if not trusted and not reader.unseen:
        reader.unseen.append(f"roots: {chosen}: has no certificate in it")
    public = _public(layout, trusted, reader) if layout else ()
    keys = frozenset(reader.keys[one] for one in public)
    return Roots(chosen, tuple(trusted), keys, tuple(reader.unseen))


def _public(layout: Layout, trusted: Iterable[bytes], reader: _Reader) -> Iterable[bytes]:
    """Give the trusted roots that are among Mozilla's, or are not among the added ones."""
    if layout.public:
        mozilla = frozenset(reader.below(layout.public))
        return [one for one in trusted if one in mozilla]
    if not any(os.path.isdir(folder) for folder in layout.added):
        return ()
    added = frozenset(reader.below(layout.added))
    # Where an added root cannot be read, it would be taken for a public one.
    return () if reader.unseen else [one for one in trusted if one not in added]


class _Reader:
    """Reads files of certificates; most of them stand in two files, letter by letter the same.

    keys: SHA-256 in hex of the key of each certificate that was read.
    """

    def __init__(self) -> None:
        self.keys: dict[bytes, str] = {}
        self.unseen: list[str] = []
        self._known: dict[bytes, bytes] = {}

    def below(self, folders: Iterable[str]) -> Iterator[bytes]:
        """Give the certificates of the files right in some folders; what is not there is no loss.

        p11-kit files, which only systems write there, are none of PEM and give nothing.
        """
        for folder in folders:
            try:
                with os.scandir(folder) as entries:
                    found = sorted((entry.name, _is_file(entry)) for entry in entries)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.unseen.append(f"roots: {folder}: {error.strerror}")
                continue
            for name, is_file in found[:_MOST_FILES]:
                if is_file:
                    yield from self.certificates(os.path.join(folder, name))
            if len(found) > _MOST_FILES:
                self.unseen.append(f"roots: {folder}: more than {_MOST_FILES} files")

    def certificates(self, path: str) -> Iterator[bytes]:
        """Give the certificates of a PEM or DER file, each without what may stand behind it."""
        try:
            data = _read(path)
        except OSError as error:
            self.unseen.append(f"roots: {path}: {error.strerror}")
            return
        except LimitError as error:
            self.unseen.append(f"roots: {path}: {error}")
            return
        in_der = data[:1] == bytes([der.SEQUENCE])
        for number, text in enumerate([data] if in_der else _PEM.findall(data), 1):
            try:
                yield self._known.get(text) or self._certificate(text, in_der=in_der)
            except (FormatError, binascii.Error):
                self.unseen.append(f"roots: {path}: certificate {number} cannot be read")

    def _certificate(self, text: bytes, *, in_der: bool) -> bytes:
        encoded = text if in_der else binascii.a2b_base64(text)
        encoded = encoded[: der.extent(encoded)]
        self.keys[encoded] = hashlib.sha256(certificate.glance(encoded).key).hexdigest()
        self._known[text] = encoded
        return encoded


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads nowhere, or in a circle
        return False


def _read(path: str) -> bytes:
    """Read a regular file, through links; raises LimitError for a long one or another kind."""
    descriptor = os.open(path, _FLAGS)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise LimitError("is no regular file")
        if status.st_size > _MOST_BYTES:
            raise LimitError(f"is longer than {_MOST_BYTES} bytes")
        return file.read(status.st_size)
