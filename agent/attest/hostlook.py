"""Look at the attestation of the image that this host was made from, and judge it. EDGE."""

from __future__ import annotations

import datetime
import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final

import msgspec

from checks.attest import advice, dsse, judging, publickeys
from checks.errors import AttestationError
from checks.model import Confidence, Finding, Location
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.policy import Policy

_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_LONGEST: Final = 600


class Looked(msgspec.Struct, frozen=True):
    """What came of looking."""

    found: tuple[Finding, ...] = ()


def look(path: str, image: str, policy: Policy, now: float) -> Looked:
    """Judge the file PATH, which has to attest IMAGE; now: seconds since 1970."""
    try:
        said = list(_faults(path, image, policy, now))
    except AttestationError as error:
        said = [str(error)]
    except OSError as error:
        said = [f"cannot be read: {error.strerror}"]
    return Looked((_finding(path, image, "; ".join(said)),) if said else ())


def _faults(path: str, image: str, policy: Policy, now: float) -> Iterator[str]:
    if not image:
        yield "nothing says which image this host was made from (host.image)"
        return
    keys = [publickeys.read(one.encode()) for one in policy.image.keys]
    told = judging.believed(_read(path), keys).statement
    wanted = judging.Wanted(image, policy.image.max_age, threshold=policy.threshold)
    at = datetime.datetime.fromtimestamp(now, datetime.UTC)
    yield from judging.faults(told, wanted, at)


def _read(path: str) -> bytes:
    """Read a regular file, and of it no more than what is judged; raises OSError."""
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError as error:
        raise AttestationError("there is none") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise AttestationError("not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(dsse.LARGEST + 1)
    finally:
        os.close(descriptor)


def _finding(path: str, image: str, why: str) -> Finding:
    told = advice.CHECKS[advice.NOT_ATTESTED]
    return Finding(
        check=advice.NOT_ATTESTED,
        severity=told.severity,
        confidence=Confidence.HIGH,
        location=Location(path),
        message=printable(f"{image or 'image'}: {told.message}: {why}", longest=_LONGEST),
        fix=told.fix,
        references=told.references,
        identity=hashlib.sha256(f"{advice.NOT_ATTESTED}\0{path}".encode()).hexdigest()[:32],
    )
