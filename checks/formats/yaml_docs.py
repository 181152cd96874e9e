"""YAML, also where a template engine writes it: names, first look, and the text made readable.

Values of reference tags (`!vault`, `!Ref`, ...) are left out, aliases are never followed; a value
with a template expression shows the expression as written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import templated
from checks.formats.conventions import OF_SECRETS
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.model import Entry

GENERIC: Final = True
NAMES: Final = (
    "*.kubeconfig",
    "*.sls",
    "*.yaml",
    "*.yaml.*",
    "*.yml",
    "*.yml.*",
    ".gem/credentials",
    ".gemrc",
    ".kube/config",
    "group_vars/*",
    "host_vars/*",
    "kubeconfig",
    "kubelet.conf",
    "kubernetes/*.conf",
    *OF_SECRETS,
    "super-admin.conf",
)
ALWAYS: tuple[str, ...] = OF_SECRETS

_START: Final = regex(r"(?:(?>#[^\n]*\n|\s))*+(?:---(?:\s|$)|apiVersion:)")
_CLOUD: Final = regex(r"(?:#[^\n]*\n)?#cloud-config\s")
_REFUSED: Final = regex(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
"""What libyaml refuses, and what it takes for a line break that nobody else does."""
_DIRECTIVES: Final = 64


def sniff(head: str) -> bool:
    """Know a document marker, a Kubernetes object or cloud-init data at the beginning."""
    return (_START.match(head) or _CLOUD.match(head)) is not None


def parse(text: str) -> Iterator[Entry]:
    """Give the entries of all documents; raises FormatError where the text stops being YAML."""
    if text.count("\n%TAG") > _DIRECTIVES:
        message = "yaml with too many directives"
        raise FormatError(message)
    from checks.formats import yamlevents

    yield from templated.entries(_REFUSED.sub("\ufffd", text), yamlevents.events)
