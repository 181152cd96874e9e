"""Read the root certificates that a host trusts, and which of them browsers trust too. EDGE.

Debian, Alpine and their kin keep Mozilla's roots in a folder of their own. Fedora, RHEL and SUSE
keep what the administrator added in one; the rest is Mozilla's. Where neither is there, no root
is called public.
"""

from __future__ import annotations

import binascii
import contextlib
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
    unseen: list[str] = []
    trusted = dict.fromkeys(_certificates(chosen, unseen))
    if not trusted and not unseen:
        unseen.append(f"roots: {chosen}: has no certificate in it")
    public = _public(layout, trusted, unseen) if layout else ()
    return Roots(chosen, tuple(trusted), frozenset(_keys(public)), tuple(unseen))


def _public(layout: Layout, trusted: Iterable[bytes], unseen: list[str]) -> Iterable[bytes]:
    """Give the trusted roots that are among Mozilla's, or are not among the added ones."""
    if layout.public:
        mozilla = frozenset(_below(layout.public, unseen))
        return [one for one in trusted if one in mozilla]
    if not any(os.path.isdir(folder) for folder in layout.added):
        return ()
    added = frozenset(_below(layout.added, unseen))
    # Where an added root cannot be read, it would be taken for a public one.
    return () if unseen else [one for one in trusted if one not in added]


def _keys(encoded: Iterable[bytes]) -> Iterator[str]:
    for one in encoded:
        with contextlib.suppress(FormatError):
            yield certificate.key_digest(one)


def _below(folders: Iterable[str], unseen: list[str]) -> Iterator[bytes]:
    """Give the certificates of the files right in some folders; what is not there is passed over.

    p11-kit files, which only systems write there, are none of PEM and give nothing.
    """
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except FileNotFoundError:
            continue
        except OSError as error:
            unseen.append(f"roots: {folder}: {error.strerror}")
            continue
        for name in names[:_MOST_FILES]:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                yield from _certificates(path, unseen)
        if len(names) > _MOST_FILES:
            unseen.append(f"roots: {folder}: more than {_MOST_FILES} files")


def _certificates(path: str, unseen: list[str]) -> Iterator[bytes]:
    """Give the certificates of a PEM or DER file, each without what may stand behind it."""
    try:
        data = _read(path)
    except OSError as error:
        unseen.append(f"roots: {path}: {error.strerror}")
        return
    except LimitError as error:
        unseen.append(f"roots: {path}: {error}")
        return
    in_der = data[:1] == bytes([der.SEQUENCE])
    for number, text in enumerate([data] if in_der else _PEM.findall(data), 1):
        try:
            encoded = der.read(text if in_der else binascii.a2b_base64(text)).raw
            certificate.subject_key(encoded)
        except (FormatError, binascii.Error):
            unseen.append(f"roots: {path}: certificate {number} cannot be read")
        else:
            yield encoded


def _read(path: str) -> bytes:
    """Read a regular file, through links; raises LimitError for a long one or another kind."""
    descriptor = os.open(path, _FLAGS)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise LimitError("is no regular file")
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise LimitError(f"is longer than {_MOST_BYTES} bytes")
    return data
