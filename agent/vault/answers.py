"""Believe an answer of Vault, or say in our own words why not. Pure.

What Vault says beside its status may repeat what was sent, a secret id for one: in it only known
reasons are looked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from agent.vault.errors import VaultError, Why

if TYPE_CHECKING:
    from agent.httpsclient import Answer

LONGEST: Final = 1024 * 1024
"""Bytes that an answer may have."""
_LONGEST_WAIT: Final = 3600.0


def good(what: str, answer: Answer) -> Answer:
    """Give an answer back that is whole and went well; raises VaultError for any other."""
    if answer.status not in {200, 204}:
        raise _refusal(what, answer)
    if not answer.whole:
        long = len(answer.body) >= LONGEST
        text = f"is longer than {LONGEST} bytes" if long else "broke off"
        raise VaultError(Why.BROKEN, f"{what}: the answer {text}")
    return answer


def _refusal(what: str, answer: Answer) -> VaultError:
    status, said = answer.status, _said(answer.body)
    why, text = _STATUSES.get(status, (Why.BROKEN, "failed"))
    if 300 <= status < 400:
        why, text = Why.REFUSED, "answers with a redirect, which is not followed"
    elif status == 503 and "sealed" in said:
        why, text = Why.SEALED, "Vault is sealed"
    elif why in {Why.DENIED, Why.ABSENT}:
        text = next((ours for theirs, ours in _KNOWN.items() if theirs in said), text)
    told = answer.headers.get("Retry-After", "").strip()
    after = min(float(told), _LONGEST_WAIT) if told.isdecimal() and told.isascii() else 0.0
    return VaultError(why, f"{what}: {text} (HTTP {status})", after)


class _Errors(msgspec.Struct, frozen=True):
    """What Vault answers beside a status that is not good; shown nowhere."""

    errors: list[str] = []


def _said(body: bytes) -> str:
    """Give its reasons in small letters, only to look for known ones: they may repeat anything."""
    try:
        return "\n".join(msgspec.json.decode(body, type=_Errors).errors).lower()
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return ""


_STATUSES: Final = {
    400: (Why.DENIED, "Vault refuses the request"),
    401: (Why.DENIED, "Vault does not allow it"),
    403: (Why.DENIED, "Vault does not allow it"),
    404: (Why.ABSENT, "there is no such thing"),
    405: (Why.DENIED, "Vault does not do this here"),
    412: (Why.AWAY, "this server is behind the others"),
    429: (Why.LIMITED, "asked too often"),
    501: (Why.SEALED, "Vault is not set up"),
    502: (Why.AWAY, "what stands before Vault cannot reach it"),
    503: (Why.AWAY, "does not serve now"),
    504: (Why.AWAY, "what stands before Vault cannot reach it"),
}
_KNOWN: Final = {
    "not allowed by this role": "the role does not allow a name",
    "invalid role or secret id": "the role id or the secret id is not accepted",
    "invalid role id": "the role id is not accepted",
    "invalid secret id": "the secret id is not accepted",
    "invalid certificate or no client certificate": "our certificate is not accepted",
    "wrapping token is not valid": "the wrapping token is not valid any more",
    "unknown role": "there is no such role",
    "beyond the expiration of the ca": "the authority ends before the certificate would",
    "lease not found": "the lease is over",
    "lease expired": "the lease is over",
    "no handler for route": "no engine is mounted there",
    "check-and-set parameter did not match": "something is there already",
    "unsupported path": "the engine has no such path",
}
"""Reasons of Vault and OpenBao, and what we say of them."""
