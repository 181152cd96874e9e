"""Say what surrounds a text: documentation and other people's code hold examples."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.formats.conventions import OF_SECRETS
from checks.lazy import regex

if TYPE_CHECKING:
    from checks.model import Access

_DOCUMENT_ENDINGS: Final = regex(
    r"\.(?:md|rst|adoc|txt|html?|po|pot|\d|tex|texi|info|mdx|ipynb|t)$"
)
_DOCUMENTS: Final = regex(
    r"(?:^|(?<!home)/)(?:docs?|man|examples?|samples?|demos?|tests?|testing|testdata|fixtures?"
    r"|specs?|__tests__|mocks?|locales?|i18n|l10n|translations?|lang|test_[^/]+)/"
)
_LIBRARIES: Final = regex(
    r"(?:^|/)(?:node_modules|site-packages|dist-packages|vendor|third_party|include"
    r"|lib/python[\d.]+|share/(?:doc|man|locale|perl5?)|gems|pkg/mod|registry/src)/"
)
"""Where packages and other people's code lie, whichever folder of it is scanned."""
_OWN_HEADERS: Final = regex(r"^(?:[\w\-]+_)?(?:secrets?|credentials)\.(?:h|hpp)$")
"""What a sketch for a board keeps its own in, in a folder called `include` too."""
_DOCUMENT_NAMES: Final = regex(
    r"[._\-](?:example|sample|dist|orig|spec|test)(?:\.[^.]*)?$"
    r"|^(?:test_|readme|changelog|changes|news|copying)"
    r"|(?:^|[._\-])(?:messages|labels|translations?)(?:[_.\-][a-z]{2}(?:[_\-][a-z]{2,4})?)?"
    r"\.(?:properties|json|ya?ml|ini|toml|resx|xlf)$"
)


class Place(NamedTuple):
    """What surrounds an entry: is it a document or example, is it source code, was it guessed."""

    document: bool = False
    code: bool = False
    loose: bool = False
    """The text was read in line mode, so a key may not be one."""
    path: str = ""
    settings: bool = False
    """The path is one of configuration, so `name value` is a likely notation; of source code also
    that a user or a host is set beside: its literals are settings."""
    access: Access | None = None
    beside: bool = False
    """A user or a host is set on a line of source code beside."""
    alone: bool = False
    """The line of source code does nothing but give a literal to a password's variable."""

    @property
    def name(self) -> str:
        """The file's name in lower case."""
        return self.path.rpartition("/")[2].lower()

    @property
    def of_secrets(self) -> bool:
        """Whether Home Assistant or ESPHome keep there what is to be kept, under any name."""
        return self.name in OF_SECRETS


def is_document(path: str, *, claimed: bool = False, root: str = "") -> bool:
    """Say whether a path belongs to documentation, tests, examples or other people's code.

    claimed: a format knows the file's name, so that its ending says nothing more (psk.txt); root:
    the scanned path it lies under: who scans a folder of tests wants to know about it.
    """
    folder, slash, name = path.lower().rpartition("/")
    folder += slash
    inner = folder[len(root) :] if path.startswith(root) else folder
    if _OWN_HEADERS.search(name):
        folder = folder.removesuffix("include/")
    if _among_documents(inner, folder) or _DOCUMENT_NAMES.search(name):
        return True
    return not claimed and _DOCUMENT_ENDINGS.search(name) is not None


@lru_cache(maxsize=1024)
def _among_documents(inner: str, folder: str) -> bool:
    return (_DOCUMENTS.search(inner) or _LIBRARIES.search(folder)) is not None
