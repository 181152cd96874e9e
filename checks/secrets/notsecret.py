"""Say why a value that stands where a secret could stand is none: the exact knowledge.

Every reason is a word for the counts of a scan: reference, encrypted, placeholder, switch, path,
address, label, locked, name, public, type, hash, pattern, option, call.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.secrets import hashes, phrases

if TYPE_CHECKING:
    from collections.abc import Callable

_SWITCHES: Final = frozenset(
    "true false yes no on off y n t f 0 1 enabled disabled enable disable always never auto"
    " automatic manual optional required require on_create on_change on_failure if-needed prompt"
    " ask sudo su plain plaintext cleartext clear encrypted md5 sha1 sha256 sha512 bcrypt crypt"
    " ssha scram-sha-256 basic digest bearer oauth oauth2 ldap ntlm kerberos gssapi peer ident"
    " trust reject cert jwt saml oidc local remote any all inherit allow deny permit forbid"
    " optional prohibit-password without-password forced-commands-only none null nil undefined"
    " nan n/a na empty unset env file vault keyring keychain session memory external internal"
    " static dynamic random generated sufficient requisite include nullok default_empty pam"
    " files compat sss systemd db nis winbind last first strict relaxed low medium high aes"
    " des".split()
)
_TYPES: Final = frozenset(
    "string str text bytes int integer number bool boolean object array map list char varchar"
    " varchar(255) uuid hidden input password_field any secretstr securestring sensitive"
    " secret_text string? optional<string> byte".split()
)

_REFERENCE: Final = regex(
    r"""
    \$\{[^{}]*\} | \$\([^()]*\) | \$\{\{
    | \{\{(?![^{}]{0,120}[ |]d(?:efault)?\([ ]?["'][^"'])(?![ ]?["'][^"']+["'][ ]?\|)
      (?:(?!\{\{).)*?\}\}
    | \{%(?:(?!\{%).)*?%\} | <%(?:(?!<%).)*?%> | \#\{[^{}]*\} | %\([\w.]{1,80}+\)[sd]
    | ^%\w+%$ | ^%[a-z]/ | ^@@?[\w.\-]+@@?$ | ^\$\$?[A-Z_][A-Z0-9_]*$ | ^\$(?:\d\d?|[@*])$
    | ^\$env: | ^`.*`$ | ^`[a-z]+$
    | ^\$\$[\w\-]+\$\$$ | ^__\w+__$ | ^\$\[.*\]$ | ^\$\w+\.\w+
    | ^!(?:vault|Ref|Sub|GetAtt|ENV|env_var|secret|include)\b
    | ^(?:var|local|data|module|each|path|random_\w+|aws_\w+|azurerm_\w+|google_\w+)\.[A-Za-z_]
    | ^\(?(?:os\.)?(?:environ|getenv)\b | ^process\.env\b | ^(?:env|ENV|System\.getenv)[\[(.]
    | ^secrets?\.[A-Za-z_] | ^(?:inputs|vars|github|steps|matrix|needs|parameters)\.[A-Za-z_]
    | \blookup\( | \b(?:hiera|query|ref|getsecret|get_secret|reference|concat)\(
    | ^(?:vault|ssm|secretsmanager|awssm|asm|azkv|akv|gcpsm|sm|kms|op|bws|doppler|ref\+\w+|secret
        |resolve|keyvault|env|file|fd|cred|credential|keyring|pass|exec|cmd|systemd-creds):
    | resolve:(?:ssm|secretsmanager) | ^arn:aws[\w\-]*: | ^projects/[^/]+/secrets/
    | @Microsoft\.KeyVault\( | ^\[(?:parameters|variables|reference|concat|listKeys)\(
    | ^%\{[^}]*\}$ | \{\$[A-Z][\w.]*\} | ^<\#.*\#>$ | ^\#\(.*\)\#$ | ^\(\(.*\)\)$
    | ^&?\w+\.getProperty\( | ^credentialsJSON:
    """,
    re.VERBOSE | re.DOTALL,
)
_ENCRYPTED: Final = regex(
    r"""
    ^ENC[\[(\ ] | ^\$ANSIBLE_VAULT; | ^\{cipher\} | ^-----BEGIN\ (?:PGP\ MESSAGE|AGE\ ENCRYPTED)
    | ^age-encryption\.org | ^vault:v\d+: | ^AQICAH | ^AgA[A-Za-z0-9+/]{200,}
    | ^AgB[A-Za-z0-9+/]{200,}
    | ^\{AES(?:256|-)?[^}]*\} | ^\{[A-Za-z0-9+/]{20,}={0,2}\}$ | ^crypt[v:]\w* | ^gAAAAA[\w\-]{60,}
    | ^\$encrypted\$ | ^sops: | ^k8s:enc: | ^jasypt: | ^encrypted:
    """,
    re.VERBOSE,
)
_PLACEHOLDER: Final = regex(
    r"""
    ^<[^<>]*>$ | ^\[[^\[\]]*\]$ | ^\{[\w\-. ]*\}$ | ^\(.*\)$ | ^%[-\w]*[sd](?:\\n)?$
    | ^:\w+$ | ^\?+$ | ^@[A-Za-z_]+$
    | ^[xX*.\-_#•?$]+$ | ^x{3,} | x{4,}$ | \*{3,} | \.{3}$ | ^\.{3}
    | ^(?:todo|tbd|fixme|redacted|removed|hidden|masked|censored|obfuscated|scrubbed|sanitized)\b
    | (?:place[_\- ]?holder|replace[_\- ]?(?:me|this|with|it)|insert[_\- ]?\w{0,40}?[_\- ]?here)
    | ^(?:insert|replace|enter|put|fill|add|set|type|use|choose|pick|provide|specify|paste)
      [_\- ](?:a|an|your|the|here|in|my|me|some|this|with|strong|own)\b
    | ^(?:your|my|our|the|some|any|an?)(?:[_\- ](?:[a-z]{2,}|\d+))+\W*$ | [_\- ]here$
    | ^(?:goes|change)[_\- ]here | ^change[_\- ](?:me|this|it)(?![a-z])
    | ^(?:example|dummy|fake|mock|foo|bar|baz|foobar|blah|something|whatever|sample)
      (?:(?>[_\-. ]?(?:pass\w*+|secret|key|token|pwd|value|\d++)))*+$
    | (?:^|[_\-. ])example(?:[_\-. ]|$) | EXAMPLE(?:KEY|TOKEN|SECRET)?$
    | ^(?:no|not)[_\- ](?:set|used|needed|required|real|a[_\- ])
    | \b(?:never|not)[_\- ](?:be[_\- ])?used$
    | ^your(?:pass|secret|token|key|api|user|db|own|access|client|strong)\w*
    | ^my(?:pass|secret|token|key|api)\w*$
    | ^(?:the|this)(?:pass|secret|token|key)\w*$ | [_\-]your[_\-] | ^1234\.\.\.
    | ^abc(?:def|123)?\.\.\.
    | ^\#\s | ^(?-i:[A-Z]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN)(?:_[A-Z][A-Z\d]*)+)$
    | ^(?-i:(?:(?:SERVER|CLIENT|PEER|PRE_?SHARED|PRIV(?:ATE)?|SECRET)_?)+KEY)$
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PATH: Final = regex(r"^(?:file://|~?/|\.{1,2}/|[A-Za-z]:[\\/]|%[a-z]/)[\w.+@%{}$~\-/\\ ]*$")
_FILE_NAME: Final = regex(
    r"^[\w.\-/]+\.(?:pem|key|crt|cer|txt|json|ya?ml|conf|cfg|ini|p12|pfx|jks|db|env|secret|token|gpg"
    r"|asc|pub|py|sh|html?|php|js|css|properties|xml|log|passwd|pwd|kdbx|service|socket)$",
    re.IGNORECASE,
)
_ADDRESS: Final = regex(
    r"^[A-Za-z][\w+.\-]*://|^[\w.+\-]+@[\w\-]+\.[\w.\-]+$|^\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?$"
    r"|^unix:[/@]|^\d{1,5}/(?:tcp|udp|sctp|dccp)$"
)
_PUBLIC: Final = regex(
    r"^(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-|sk-(?:ssh|ecdsa))"
    r"|^-----BEGIN (?:PUBLIC|CERTIFICATE|RSA PUBLIC)"
    r"|^(?:sha(?:1|256|384|512)|md5|h1)[-:=]|^age1[0-9a-z]{50,}$|^MII[BC]IjANBg"
)
_RULES: Final = regex(r"^[a-z_]+(?::[\w,]+)?(?:\|[a-z_]+(?::[\w,.]+)?)+$")
"""Validation rules of a form: `required|min:12`."""
_STRONG: Final = r"(?:\\[bdswBDSW.]|\[(?:\^|a-z|0-9|A-Z)|\{\d+(?:,\d*)?\})"
_SIGN: Final = rf"(?:{_STRONG}|[\])][*+?]|\.[*+])"
_EXPRESSION: Final = regex(rf"\(\?[:=!<P]|{_STRONG}.*?{_SIGN}|{_SIGN}.*?{_STRONG}", re.DOTALL)
"""What only a regular expression has; of the lesser signs two, as one stands in many passwords."""
_IDENTIFIER: Final = regex(r"^[A-Za-z_][A-Za-z]*(?:[._\-/:][A-Za-z]+)*(?:[._\-]v?\d{1,2})?$")
_CREDENTIAL_WORD: Final = regex(
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|cred(?:ential)?s?|api[_\-.]?key|key|auth)"
    r"(?:$|[._\-/:A-Z])|(?:Pass(?:word)?|Secret|Token|Key)$",
    re.IGNORECASE,
)
_CALL: Final = regex(
    r"""
    ^[A-Za-z_][\w.:]*\((?:.*\)[;,]?|[\w.]*,\s.*|["'][\w.\-/:\ ]*["']?,?)$
    | ^[A-Za-z_][A-Za-z_.:]*\([A-Za-z_.]*$
    | ^(?:new|function|lambda|async|await|return)\b | ^[\w.]+\[.*\](?:\.\w+)*$
    | ^\(?[\w,\s]*+\)?\s*+=> | \s=>\s | ^&[A-Za-z_][\w.:>\-]*[,;)]*$ | ^\*\w+$
    """,
    re.VERBOSE,
)
"""A call, whole or cut at the end of its line, an index, a function, an address."""
_OPTION: Final = regex(r"^--(?:$|[a-z\d]+(?:-[a-z\d]+)*(?:[= ]|$))|^[A-Za-z]+=$")
"""A long option, as people write them, or the name of one that takes its value from elsewhere."""
_VERSION: Final = regex(r"^(?:[\^~]|[<>=]=?[ ]?)\d+(?:\.[\dx*]+){0,2}(?:-[\w.]+)?$|^\d+\.\d+\.\d+$")
"""A version or a range of versions, as lists of packages have them."""
_LOCKED: Final = frozenset({"!", "!!", "!*", "*!", "*LK*", "*NP*"})
"""What stands in place of a hash so that no password fits."""
_LABEL_WORDS: Final = regex(r"^[^\W\d_]+(?:['\u2019\-][^\W\d_]+)*[.,:;!?…]*$")


def why_not(value: str, *, strict: bool = False) -> str:
    """Give the reason why VALUE is no secret, or "" if it may be one.

    strict: the format itself says that here stands a secret, so only references, encrypted values
    and unmistakable placeholders are believed to be none.
    """
    if not value:
        return "empty"
    for reason, test in _CERTAIN:
        if test(value):
            return reason
    if strict:
        return ""
    for reason, test in _LIKELY:
        if test(value):
            return reason
    return ""


def _is_label(value: str) -> bool:
    """Words for people: at least two, all of letters ("Enter your password:")."""
    if value[-1] in ":?…" and value[:-1].isalpha():
        return True
    words = value.split()
    if len(words) < 2 or phrases.is_of_application(value) or phrases.is_passphrase(value):
        return False
    plain = sum(1 for word in words if _LABEL_WORDS.match(word))
    return plain >= max(2, 0.6 * len(words))


def _is_name(value: str) -> bool:
    """Recognise an identifier that names a credential (`mysql-root-password`)."""
    return len(value) > 3 and bool(
        _IDENTIFIER.match(value)
        and _CREDENTIAL_WORD.search(value)
        and re.search(r"[._\-/:]|[a-z][A-Z]", value)
    )


def _is_path(value: str) -> bool:
    if _FILE_NAME.match(value):
        return True
    return bool(_PATH.match(value)) and (
        value.count("/") + value.count("\\") > 1 or len(value) < 12
    )


def _is_switch(value: str) -> bool:
    return value.lower().strip("\"'") in _SWITCHES


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.search(value[:4096]) is not None


_CERTAIN: Final[tuple[tuple[str, Callable[[str], bool]], ...]] = (
    ("reference", _matches(_REFERENCE)),
    ("encrypted", _matches(_ENCRYPTED)),
    ("placeholder", _matches(_PLACEHOLDER)),
    ("locked", lambda value: value in _LOCKED),
)
_LIKELY: Final[tuple[tuple[str, Callable[[str], bool]], ...]] = (
    ("switch", _is_switch),
    ("option", _matches(_OPTION)),
    ("type", lambda value: value.lower() in _TYPES or _RULES.match(value) is not None),
    ("version", _matches(_VERSION)),
    ("address", _matches(_ADDRESS)),
    ("public", _matches(_PUBLIC)),
    ("path", _is_path),
    ("pattern", _matches(_EXPRESSION)),
    ("call", _matches(_CALL)),
    ("hash", lambda value: hashes.classify(value) is not None),
    ("label", _is_label),
    ("name", _is_name),
)
