"""Write what a package is made of, as CycloneDX 1.6, from what was put into it.

    python sbom.py NAME VERSION LOCK SITE-PACKAGES [SOURCES]

The result is printed. Python packages are those in SITE-PACKAGES, with the hashes of LOCK, what
their own SBOMs name, and the copies of OpenSSL that their libraries say they are. SOURCES is the
list of what the interpreter was built from.
"""

from __future__ import annotations

import os
import re
import sys
import uuid
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME_AND_HASHES = re.compile(r"(?m)^([a-z0-9._-]+)==\S+.*\\\n((?: +--hash=\S+(?: \\)?\n)+)")
_OPENSSL = re.compile(rb"OpenSSL (\d+\.\d+\.\d+[a-z]?) +\d+ [A-Z][a-z]{2} \d{4}\0")
_LICENSES = LicenseFactory()
_AFFERO = "License :: OSI Approved :: GNU Affero General Public License v3"


def bom(name: str, version: str, lock: str, packages: Path, sources: str = "") -> Bom:
    """Describe a package. lock, sources: the texts of the files."""
    root = Component(name=name, version=version, type=ComponentType.APPLICATION, bom_ref=name)
    root.licenses.add(_LICENSES.make_from_string("Apache-2.0"))
    made = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_OID, lock + sources + name + version))
    made.metadata.component = root
    made.metadata.timestamp = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    made.components.update(_built(sources))
    hashes = dict(_NAME_AND_HASHES.findall(lock))
    for one in distributions(path=[str(packages)]):
        if _canonical(one.name) != "hygiene-agent":
            made.components.add(_python(one, hashes[_canonical(one.name)], packages))
    made.register_dependency(root, made.components)
    return made


def _built(sources: str) -> Iterator[Component]:
    """Give the interpreter and its libraries."""
    for line in sources.splitlines():
        if not line.startswith("#"):
            digest, name, version, licence, _ = line.split()
            one = Component(name=name, version=version, type=ComponentType.LIBRARY, bom_ref=name)
            one.hashes.add(_hash(digest))
            one.licenses.add(_LICENSES.make_from_string(licence))
            one.purl = PackageURL("generic", None, name, version)
            yield one


def _python(told: Distribution, hashes: str, packages: Path) -> Component:
    name = _canonical(told.name)
    where = PackageURL("pypi", None, name, told.version)
    one = Component(name=name, version=told.version, purl=where, bom_ref=str(where))
    if licence := _licence(told):
        one.licenses.add(_LICENSES.make_from_string(licence))
    one.external_references.update(_files(where, hashes))
    for part in (*_declared(told, packages), *_recognised(told, packages)):
        part.bom_ref.value = f"{where}/{part.bom_ref.value or part.name}"
        one.components.add(part)
    return one


def _files(where: PackageURL, hashes: str) -> Iterator[ExternalReference]:
    kind = ExternalReferenceType.DISTRIBUTION
    for number, value in enumerate(sorted(re.findall(r"sha256:([0-9a-f]{64})", hashes))):
        url, note = XsUri(f"{where}#{number}"), "one of the files that the lock allows"
        yield ExternalReference(type=kind, url=url, comment=note, hashes=[_hash(value)])


def _hash(value: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=value)


def _licence(told: Distribution) -> str:
    known = told.metadata
    if _AFFERO in known.get_all("Classifier", []):
        return "AGPL-3.0-only"
    return known.get("License-Expression") or known.get("License") or ""


def _declared(told: Distribution, packages: Path) -> Iterator[Component]:
    """Give what the wheel's own SBOMs name (PEP 770)."""
    for file in told.files or []:
        if "sboms" in file.parts and file.suffix == ".json":
            for part in Bom.from_json(loads((packages / file).read_text())).components:
                part.components.clear()
                yield part


def _recognised(told: Distribution, packages: Path) -> Iterator[Component]:
    """Give the copies of OpenSSL in a wheel's libraries."""
    seen = set()
    for file in told.files or []:
        if ".so" in file.name and (packages / file).is_file():
            seen.update(_OPENSSL.findall((packages / file).read_bytes()))
    for version in sorted(seen):
        text = version.decode()
        where = PackageURL("generic", None, "openssl", text)
        yield Component(name="openssl", version=text, purl=where, bom_ref=str(where))


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def text(made: Bom) -> str:
    """Give its JSON; raises ValueError where that is not what the schema of CycloneDX says."""
    output = JsonV1Dot6(made)
    written = output.output_as_string(indent=1)
    if error := JsonStrictValidator(output.schema_version).validate_str(written):
        raise ValueError(error)
    return written + "\n"


def main(name: str, version: str, lock: str, packages: str, *sources: str) -> None:
    """Print the SBOM of a package."""
    given = "".join(Path(one).read_text() for one in sources)
    print(text(bom(name, version, Path(lock).read_text(), Path(packages), given)), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
