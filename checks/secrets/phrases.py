"""Tell a passphrase of several words from a text for people."""

from __future__ import annotations

from typing import Final

from checks.lazy import regex

_PHRASE: Final = regex(r"[a-z]{3,12}(?: [a-z]{3,12}){2,9}")
_STRUCTURE: Final = frozenset(
    "about after again all and any are because been before being below but can cannot could did"
    " does each either else every few for from had has have her here his how into its just least"
    " less many may might more most must near neither nor not now off once one only onto other our"
    " out over own per please same shall she should since some still such than that the their them"
    " then there these they this those three through too two under unless until upon use used using"
    " very via was were what when where which while who why will with within without would you your"
    " aan avec como con dans das dein deine dem den der des det die dit ditt ein eine einem einer"
    " est het ihr las les los med mit mot nie nom non nos nova novo nueva nuevo och para passe por"
    " pour que sein son sua sus til tua uma una und une van vom von votre voor vos wir zum"
    " zur".split()
)
"""Words that hold a sentence together, of the languages that labels are written in."""
_SUBJECTS: Final = regex(
    r"(?:access|account|admin|api|auth|cert|chang|choose|client|code|config|confirm|contact|contrase"
    r"|creat|credential|current|database|default|delet|deny|disabl|empty|enabl|enter|error|exist|expir"
    r"|fail|field|file|forg|generat|geheim|group|hash|heslo|hidden|host|input|insert|invalid|kennwort"
    r"|key|length|log|lozink|manag|match|missing|name|need|new|none|number|old|option|parol|pass|path"
    r"|pin|policy|prompt|protect|provid|random|refer|repeat|replac|requir|reset|retype|root|same|saved"
    r"|secret|secur|see|select|senha|server|service|set|shar|show|sign|store|string|strong|system|text"
    r"|token|type|unknown|updat|user|valid|value|verif|wachtwoord|warn|word|wrong)"
)
"""How a word begins that speaks of credentials, of settings or to the reader."""

_OF_APPLICATION: Final = regex(r"[a-z]{4}(?: [a-z]{4}){3}")
_PROMPTS: Final = frozenset(
    "auth code copy from here into must pass pick that this type with word your".split()
)


def is_of_application(value: str) -> bool:
    """Know the form in which Google shows the password of an application, from words of a label."""
    return bool(_OF_APPLICATION.fullmatch(value)) and _PROMPTS.isdisjoint(value.split(" "))


def is_passphrase(value: str) -> bool:
    """Say whether a value is words drawn at random: three or more, none that makes a sentence.

    All are of small letters with one blank between; a label ("enter your password", "managed by
    the cluster") has a word of grammar or speaks of what it labels.
    """
    if not _PHRASE.fullmatch(value):
        return False
    words = value.split(" ")
    return _STRUCTURE.isdisjoint(words) and not any(_SUBJECTS.match(word) for word in words)
