"""Judge set-ups as they stand in files: obsolete protocols, vain settings, groups switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.model import Severity
from checks.secrets.advice import CheckText
from checks.tls.faults import Fault
from checks.tls.numbers import Version
from checks.tls.openssl import deciding, legacy
from checks.tls.wording import version_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.tls.config import Setting, Site
    from checks.tls.openssl import Effective

CHECKS: Final[Mapping[str, CheckText]] = {
    "config-legacy-protocol": CheckText(
        "Configuration that leaves an obsolete protocol on",
        Severity.LOW,
        "the configuration leaves TLS 1.0 or TLS 1.1 on",
        "Name TLS 1.2 and TLS 1.3 alone, and reload the server.",
        "What the library refuses today comes back with another library or a lower SECLEVEL.",
        ("https://www.rfc-editor.org/rfc/rfc8996",),
    ),
    "config-ineffective": CheckText(
        "TLS setting that has no effect",
        Severity.LOW,
        "a TLS setting has no effect",
        "Take the setting out, or put it where the server heeds it.",
        "Who reads the file believes in a protection, or in a compatibility, that is not there.",
    ),
    "config-pq-disabled": CheckText(
        "Setting that switches post-quantum key exchange off",
        Severity.LOW,
        "a list of groups leaves out the post-quantum ones that the library has",
        "Put X25519MLKEM768 first in the list of groups, or leave the list to the library.",
        "Traffic recorded today is read once quantum computers break classical key exchange.",
        ("https://datatracker.ietf.org/doc/draft-ietf-tls-ecdhe-mlkem/",),
    ),
}


_DIGITS: Final = regex(r"[\d.]++")


class Located(NamedTuple):
    """A fault with the setting that it stands in, and whose that is: a name of `servers`, or ""."""

    fault: Fault
    setting: Setting
    server: str = ""


def judge(site: Site, effective: Effective) -> Iterator[Located]:
    """Find the faults of a set-up, each with the setting to change.

    effective: what its library makes of it.
    """
    yield from _legacy(site, effective)
    for vain in effective.ineffective:
        message = f"{vain.setting.name} has no effect as written: {vain.reason}"
        # Without numbers of lines and releases, which change while the fault stays.
        fact = f"{vain.setting.name}: {_DIGITS.sub('', vain.reason)}"
        fault = Fault("config-ineffective", message, fact, fix=vain.fix)
        yield Located(fault, vain.setting, site.server)
    if effective.classical:
        name = effective.classical.name
        message = f"{name} lists classical groups only, which switches X25519MLKEM768 off"
        yield Located(Fault("config-pq-disabled", message, name), effective.classical, site.server)


def _legacy(site: Site, effective: Effective) -> Iterator[Located]:
    """Find versions below TLS 1.2 that a setting, or the lack of one, leaves on."""
    setting, named = deciding(site), legacy(site)
    served = [version for version in effective.protocols if version < Version.TLS12]
    if named:
        place = setting or site.place
        refused = [version for version in named if version not in served]
        fate = f"; the library refuses {version_names(refused)}" if refused else ""
        message = f"{place.name} switches {version_names(named)} on{fate}"
        yield _of_protocol(message, f"{place.name}: {version_names(named)}", place, site.server)
    elif site.protocols is None and served:
        names = version_names(served)
        message = f"nothing bounds the protocols, so that {site.server} serves {names}"
        yield _of_protocol(message, f"{site.server}: {names}", site.place, site.server)


def _of_protocol(message: str, fact: str, place: Setting, server: str) -> Located:
    return Located(Fault("config-legacy-protocol", message, fact), place, server)
