"""Tell from a key path whether the value under it is meant to be a credential.

The last word of a name is its head noun: `password_file` is a file, `db_password` a password.
"""

from __future__ import annotations

import enum
import re
from functools import lru_cache
from typing import Final

from checks.lazy import regex


class Kind(enum.IntEnum):
    """What a name promises about its value."""

    NONE = 0
    VAGUE = 1
    """A word that may stand for a credential or for its name (`secret`, `auth`, `key`)."""
    TOKEN = 2
    """A key, token or secret made by a machine."""
    PASS = 3
    """`pass` or `pw` alone or behind a word of its own: a password in configuration."""
    PASSWORD = 4
    """Something a person may have chosen."""


_SPLIT: Final = regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_PASSWORD: Final = frozenset(
    "bindpw cleartextpassword credentialpassword dbpass dbpasswd dbpassword dbpw dbpwd keypass"
    " kennwort ldappassword ldappasswd masterauth passcode authtok passphrase passwd password"
    " passwort plaintextpasswd pskpass psw pswd pwd requirepass rootpass rootpassword rootpw"
    " secretpassword senha sharedpass storepass trustpass userpass userpassword wpapassphrase"
    " contrasena motdepasse pasword authpass bindpasswd bindpassword smtppass adminpassword adminpw"
    " adminpass diepass dnpass psksecret recvpass requiredsecret rocommunity rwcommunity"
    " sendpass snmpcommunity enablepassword".split()
)
_PASSWORD_TAIL: Final = regex(
    r"(?:password|passwd|passphrase|passwort|pwd|userpass|dbpass|bindpw|rootpw|storepass|keypass"
    r"|(?:bind|security)credentials?|shared(?:secret|key)|w(?:ep|ifi|lan|pa)key)$"
)
_PROGRAMS: Final = frozenset(
    "chpass chpasswd gpasswd htpasswd kpasswd ldappasswd lppasswd mkpasswd nispasswd smbpasswd"
    " vncpasswd yppasswd update-passwd grpasswd opasswd base-passwd debian-passwd sshpass"
    " keepass bypass compass trespass surpass encompass onepass lastpass multipass singlepass"
    " lowpass highpass bandpass allpass pypass xpass multipass sysbypass nopass askpass getpass"
    " ssh-askpass renderpass subpass firstpass secondpass fastpass slowpass onepass twopass"
    " fullpass datapass".split()
)
"""Programs and words that only end like a credential."""
_SHORT_PASSWORD: Final = frozenset({"pass", "pw", "psk", "clave", "mdp"})

_TOKEN: Final = frozenset(
    "accesskey accesstoken apikey apitoken appkey appsecret authkey authtoken bearertoken"
    " clientsecret cookiesecret encryptionkey jwtsecret licensekey masterkey privatekey"
    " refreshtoken rndckey secretaccesskey secretkey secretkeybase sessionsecret sharedkey"
    " sharedsecret signingkey signingsecret tokensecret webhooksecret authsecret accountkey"
    " accesssecret consumersecret hmackey hmacsecret integrationkey storagekey primarykeysecret"
    " deploykey subscriptionkey sharedaccesskey apisecret servicekey adminkey bottoken"
    " personalaccesstoken readtoken writetoken hashsecret securitykey sessionkey aeskey datakey"
    " tokenkey keybase64 jwtkey deskey cipherkey cryptkey cryptokey secretid regcode apihash"
    " erlangcookie encryptkey".split()
)
_TOKEN_TAIL: Final = regex(
    r"(?:apikey|apisecret|apitoken|accesskey|accesstoken|authtoken|authkey|clientsecret"
    r"|secretkey|secretaccesskey|privatekey|encryptionkey|signingkey|masterkey|sharedkey"
    r"|secretkeybase|sessionsecret|sharedsecret|accountkey|webhooksecret|jwtsecret|licensekey"
    r"|appsecret|secrettoken|cookiesecret|secretid|erlangcookie|apihash|encryptkey)$"
)
_WORDPRESS: Final = regex(r"^(?:secure)?(?:auth|loggedin|nonce)(?:key|salt)$")
_SALTED: Final = frozenset("auth cookie hash hasher in jwt nonce password secret session".split())
"""Words in front of `salt` that make it one of a site, to be kept secret."""
_CONTAINERS: Final = frozenset(
    "apikeys api_keys bearer credentials github-oauth gitlab-oauth gitlab-token passwords secrets"
    " tokens access_tokens accesstokens port_password".split()
)
"""Names of maps whose values are credentials under names of their own."""
_TOP: Final = Kind.PASSWORD
_ROOTS: Final = frozenset({"postgres", "root", "mysql", "replicator", "sa"})
"""Accounts that a map of passwords has as its keys: `password: {postgres: x}`."""
_PROXY_USER: Final = regex(
    r"(?:^|/)(?:inbounds?|inboundDetour)/.*/clients/[^/]*/?id$"
    r"|(?:^|/)outbounds?/.*/vnext/.*/users/[^/]*/?id$"
)
"""Where V2Ray and Xray have the id of a user of VMess or VLESS, which is all that lets one in."""
_COMMUNITIES: Final = frozenset("ro rw snmp trap".split())
"""Words in front of `community` that make it the password of SNMP 1 and 2c."""
_PASS_TAIL: Final = regex(r"[a-z]{2,}(?:pass|pw)$")
_VAGUE: Final = frozenset(
    {"secret", "token", "credential", "credentials", "auth", "community", "encrypt", "key", "skey"}
)
_VAGUE_TAIL: Final = regex(r"(?:secret|token|credentials?)$")

_OWNERS: Final = frozenset(
    "account admin amqp app auth backup bind broker cert client cifs cluster database db"
    " encrypt ftp git http imap ipmi jdbc key keystore ldap login mail master mongo mqtt mssql"
    " mysql net oracle pg pgsql pop pop3 postgres postgresql proxy rabbit rabbitmq radius redis"
    " repl replication root sasl server service smb smtp snmp sql ssh ssl store sudo svc tls"
    " user vnc vpn web wifi wpa zip".split()
)
"""Words in front of `pass` or `pw` that leave no doubt."""

_DROPPED_TAILS: Final = frozenset(
    "admin again base64 b64 backup bytes clear cleartext current data decoded default dev"
    " development env local master new old override plain plaintext preprod previous primary prod"
    " production qa raw readonly replica root secondary slave stage staging str string test"
    " testing text uat user v val value bd bdd db ftp imap jwt ldap mongo mssql mysql oracle pgsql"
    " postgres postgresql rabbitmq redis smtp sftp ssh telegram wifi http https mqtt".split()
)
"""Words behind the head noun that do not change what it is: `db_password_prod`, `PASSWORD_DB`."""

_PLAIN_MEMBERS: Final = frozenset(
    "algorithm algo alg audience enabled expiry file id issuer key_id keyid kid length name"
    " path prefix provider region role scope scopes ttl type url user username version".split()
)
_PUBLIC: Final = frozenset({"public", "pub"})
_NEVER: Final = frozenset({"signingkey", "user.signingkey"})
"""Git's name for the id of a public key; `SIGNING_KEY` of others is a secret."""
_KEY_PREFIXES: Final = frozenset(
    "cache composite default dict foreign gpg group hot host index json lookup manager map meta"
    " natural object partition pgp primary property redis registry repo repository row schema"
    " shortcut sort ssh surrogate translation unique".split()
)
"""Words in front of `key` that make it a name or a public thing."""
_TOKEN_PREFIXES: Final = frozenset(
    "ancestor cancel cancellation child comment continuation csrf current cursor delimiter eof"
    " first idempotency last lex lookahead next number open page pagination parent peek prev"
    " previous public punctuation start string sync syntax task type xsrf".split()
)
"""Words in front of `token` or `key` that make it no credential."""

_VERBS: Final = frozenset(
    "allow always ask can change check clear confirm disable display enable enforce expire"
    " expired force forget forgot generate get has hide ignore invalid is lost max min missing"
    " need needs new no prompt random read remember repeat request require required reset reveal"
    " send show skip support supports toggle validate verify wrong".split()
)
"""A name that begins with a verb says what happens to a password, not what it is."""

_REFERRING: Final = regex(r"(?:^|[._\-])(?:existing|from|ref|reference)(?:[._\-]|$)", re.IGNORECASE)


_REFERRERS: Final = frozenset({"checksum", "digest", "existing", "sha256", "sha512"})
"""A name that begins with one of these points at a credential, or tells whether it changed."""


_POSITIONS: Final = frozenset({"[", "#"})
_NEUTRAL: Final = frozenset({"value", "@value", "default"})


def words(name: str) -> list[str]:
    """Split a name into lower-case words at case changes, digits and punctuation."""
    return [word.lower() for word in _SPLIT.findall(name)]


def own_name(keys: tuple[str, ...]) -> str:
    """Give the innermost key that is a name, past list positions and neutral leaf words."""
    for key in reversed(keys):
        if key[:1] not in _POSITIONS and key.lower() not in _NEUTRAL:
            return key.lstrip("@")
    return keys[-1] if keys else ""


def is_owned(name: str) -> bool:
    """Say whether a name has in front of its last word whose password it is (`db_password`)."""
    parts = words(name)
    return len(parts) > 1 and parts[-2] in _OWNERS


def kind(keys: tuple[str, ...]) -> Kind:
    """Classify the value under a key path by its names."""
    own = own_name(keys)
    found = _kind(own)
    if found is Kind.VAGUE and len(keys) > 1:
        found = _in_context(keys, own)
    if found is Kind.NONE and own == "id" and _PROXY_USER.search("/".join(keys)):
        return Kind.TOKEN
    if found is Kind.NONE and len(keys) > 1 and own.lower() in _ROOTS and _kind(keys[-2]) is _TOP:
        return Kind.PASSWORD
    if found is Kind.NONE and len(keys) > 1 and keys[-2].lower() in _CONTAINERS:
        plain = keys[-1].lower() in _PLAIN_MEMBERS or not _PUBLIC.isdisjoint(words(keys[-1]))
        return Kind.NONE if plain else Kind.TOKEN
    return found


def _in_context(keys: tuple[str, ...], own: str) -> Kind:
    """Read a vague word together with what it stands in: `jwt: {secret: x}` is a `jwt_secret`."""
    around = [key.lower() for key in keys[:-1]]
    low = own.lower()
    if (low == "secret" and "connector" in around[-1:]) or (
        words(own)[-1:] == ["community"] and any("snmp" in key for key in around)
    ):
        return Kind.PASSWORD
    whole = "".join(words(around[-1])[-1:]) + low
    return Kind.TOKEN if whole in _TOKEN else Kind.VAGUE


@lru_cache(maxsize=4096)
def _kind(name: str) -> Kind:
    if len(name) > 120 or name.lower() in _PROGRAMS | _NEVER or _REFERRING.search(name):
        return Kind.NONE
    parts = [word for word in words(name) if not word.isdigit()]
    while len(parts) > 1 and parts[-1] in _DROPPED_TAILS:
        parts.pop()
    if not parts:
        return Kind.NONE
    if len(parts) > 1 and parts[0] in _VERBS and parts[0] not in {"new", "reset"}:
        return Kind.PASSWORD if "".join(parts) in _PASSWORD else Kind.NONE
    if parts[0] in _REFERRERS or parts[-1] in {"from", "ref"}:
        return Kind.NONE
    return _by_head(parts)


def _by_head(parts: list[str]) -> Kind:
    head, glued = parts[-1], "".join(parts)
    if not _PUBLIC.isdisjoint(parts):
        return Kind.NONE
    if head in _PASSWORD or _PASSWORD_TAIL.search(glued):
        return Kind.PASSWORD
    if head in _SHORT_PASSWORD:
        return Kind.PASSWORD if len(parts) > 1 and parts[-2] in _OWNERS else Kind.PASS
    if _PASS_TAIL.fullmatch(head):
        return Kind.PASS
    before = parts[-2] if len(parts) > 1 else ""
    if before in _TOKEN_PREFIXES or (head == "key" and before in _KEY_PREFIXES):
        return Kind.NONE
    if head == "community" and before in _COMMUNITIES:
        return Kind.PASSWORD
    if head == "salt":
        return Kind.TOKEN if before in _SALTED else Kind.NONE
    if glued in _TOKEN or _TOKEN_TAIL.search(glued) or _WORDPRESS.search(glued):
        return Kind.TOKEN
    if len(parts) > 1 and head in {"token", "secret"}:
        return Kind.TOKEN
    if head in _VAGUE or _VAGUE_TAIL.search(head):
        return Kind.VAGUE
    return Kind.NONE
