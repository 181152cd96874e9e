"""SpamAssassin: rules are prose and expressions; only logins of databases are credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "spamassassin/*.cf", "spamassassin/*/*.cf", "spamassassin/*.pre", ".spamassassin/user_prefs",
    "user_prefs.template", "local.cf", "updates_spamassassin_org/*.cf",
)  # fmt: skip

_SETTING: Final = regex(
    r"\s*((?:user_scores|bayes|user_awl|txrep|auto_welcomelist|awl)_\w+|\w+_(?:password|dsn|api_?key))\s+(\S.*)\Z"
)


def parse(text: str) -> Iterator[Entry]:
    """Give the settings of databases and services under (name,)."""
    for line in payload(numbered(text)):
        found = _SETTING.match(line.text)
        if found:
            role = Role.SECRET if found[1].endswith("_password") else Role.NAMED
            yield Entry((found[1],), found[2].strip(), line.number, role)
