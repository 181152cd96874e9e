"""Make the values that templates name by kind: passwords as people and programs make them, tokens.

A kind is a word, or a wrapper word followed by a kind: `b64 human`, `basic deploy strong`,
`oneline pem-rsa`, `pct strong-full`, `xml strong-full`, `T crc32-base62 ghp_`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import string
import urllib.parse
import uuid
from typing import TYPE_CHECKING

import keymaterial

from checks.secrets import templates

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

WEAK = (
    "changeme", "admin123", "password", "letmein", "P@ssw0rd", "123456", "qwerty123",
    "secret", "welcome1", "admin", "password1", "passw0rd", "test123", "iloveyou",
)  # fmt: skip
WORDS = (
    "copper", "harbor", "falcon", "meadow", "timber", "orbit", "velvet", "saddle", "anchor",
    "pepper", "winter", "summer", "glacier", "marble", "tunnel", "rocket", "lantern", "canyon",
    "walnut", "bishop", "cactus", "dragon", "ember", "fiddle", "garnet", "hazel", "indigo",
)  # fmt: skip
SIMPLE, QUOTED = "!@^*-_+.=~", "!@#$%^&*-_=+.,:;?~/|<>"
CRYPT = "./" + string.digits + string.ascii_uppercase + string.ascii_lowercase
ALNUM = string.ascii_letters + string.digits


def make(kind: str, rng: random.Random) -> str:
    """Give a value of KIND; raises ValueError for a kind that does not exist."""
    word, _, rest = kind.partition(" ")
    if word in _WRAPPERS and rest:
        return _WRAPPERS[word](rest, rng)
    if word in _PLAIN and not rest:
        return _PLAIN[word](rng)
    stem = word.rstrip(string.digits)
    if stem in _SIZED and stem != word and not rest:
        return _draw(_SIZED[stem], int(word[len(stem) :]), rng)
    message = f"kind {kind!r}: not known"
    raise ValueError(message)


def _draw(alphabet: str, length: int, rng: random.Random) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def _strong(specials: str, rng: random.Random) -> str:
    """Draw 16 to 24 characters with two specials inside, a letter first, a letter or digit last."""
    body = [*_draw(specials, rng.randint(2, 3), rng), *_draw(string.digits, 2, rng)]
    body += [rng.choice(string.ascii_lowercase), rng.choice(string.ascii_uppercase)]
    body += _draw(ALNUM, rng.randint(8, 15), rng)
    rng.shuffle(body)
    return rng.choice(string.ascii_letters) + "".join(body) + rng.choice(ALNUM)


def _human(rng: random.Random) -> str:
    while True:
        number = rng.choice((str(rng.randint(1990, 2025)), str(rng.randint(10, 999))))
        made = rng.choice(WORDS).capitalize() + number + rng.choice("!!.*-+")
        if 8 <= len(made) <= 14:
            return made


def _short(rng: random.Random) -> str:
    made = [rng.choice(s) for s in (string.ascii_lowercase, string.ascii_uppercase, string.digits)]
    made += _draw(ALNUM, rng.randint(2, 4), rng)
    rng.shuffle(made)
    return "".join(made)


def _words(rng: random.Random) -> str:
    chosen = rng.sample(WORDS, 3)
    number = str(rng.randint(10, 99))
    dashed = "-".join([*chosen[: rng.randint(2, 3)], number])
    return rng.choice((dashed, "".join(w.capitalize() for w in chosen[:2]) + number))


def _raw(size: int, rng: random.Random) -> str:
    return base64.b64encode(rng.randbytes(size)).decode()


def _jwt(rng: random.Random) -> str:
    head = {"alg": "HS256", "typ": "JWT"}
    body = {"iss": "https://auth.corp.lan/", "sub": _draw(string.digits, 9, rng), "exp": 2051222400}
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (head, body)]
    parts.append(rng.randbytes(32))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _sha_salted(rng: random.Random) -> str:
    salt = rng.randbytes(8)
    digest = hashlib.sha1(rng.randbytes(12) + salt).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def _sops(rng: random.Random) -> str:
    parts = (_raw(rng.randint(10, 24), rng), _raw(32, rng), _raw(16, rng))
    return "ENC[AES256_GCM,data:{},iv:{},tag:{},type:str]".format(*parts)


def _ansible_vault(rng: random.Random) -> str:
    digits = rng.randbytes(160).hex()
    lines = [digits[at : at + 80] for at in range(0, len(digits), 80)]
    return "\n".join(["$ANSIBLE_VAULT;1.1;AES256", *lines])


def _folded(size: int, rng: random.Random, width: int = 64) -> str:
    text = _raw(size, rng)
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


def _armoured(title: str, size: int, rng: random.Random) -> str:
    return f"-----BEGIN {title}-----\n\n{_folded(size, rng)}\n-----END {title}-----"


def _basic(rest: str, rng: random.Random) -> str:
    user, _, kind = rest.partition(" ")
    return base64.b64encode(f"{user}:{make(kind, rng)}".encode()).decode()


def _template(rest: str, rng: random.Random) -> str:
    text = rest.replace("[[", "{{").replace("]]", "}}") if "[[" in rest else "{{" + rest + "}}"
    return templates.render(text, str(rng.getrandbits(64)))


def _docker_config(rng: random.Random) -> str:
    auth = _basic("deploy strong", rng)
    return json.dumps({"auths": {"registry.corp.lan": {"username": "deploy", "auth": auth}}})


def _wireguard(rng: random.Random) -> str:
    key = bytearray(rng.randbytes(32))
    key[0] &= 248
    key[31] = key[31] & 127 | 64
    return base64.b64encode(key).decode()


_SIZED = {
    "alnum": ALNUM,
    "b64url": ALNUM + "-_",
    "digits": string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "lower": string.ascii_lowercase + string.digits,
    "upper": string.ascii_uppercase + string.digits,
}
_WRAPPERS: dict[str, Callable[[str, random.Random], str]] = {
    "T": _template,
    "b64": lambda rest, rng: base64.b64encode(make(rest, rng).encode()).decode(),
    "b64raw": lambda rest, rng: _raw(int(rest), rng),
    "basic": _basic,
    "oneline": lambda rest, rng: make(rest, rng).replace("\n", "\\n"),
    "pct": lambda rest, rng: urllib.parse.quote(make(rest, rng), safe=""),
    "xml": lambda rest, rng: html.escape(make(rest, rng)),
}
_PLAIN: dict[str, Callable[[random.Random], str]] = {
    "age-message": lambda rng: _armoured("AGE ENCRYPTED FILE", 220, rng),
    "ansible-vault": _ansible_vault,
    "apr1": lambda rng: f"$apr1${_draw(CRYPT, 8, rng)}${_draw(CRYPT, 22, rng)}",
    "bcrypt": lambda rng: f"$2y$10${_draw(CRYPT, 53, rng)}",
    "cert": keymaterial.certificate,
    "crypt-md5": lambda rng: f"$1${_draw(CRYPT, 8, rng)}${_draw(CRYPT, 22, rng)}",
    "crypt-sha512": lambda rng: f"$6${_draw(CRYPT, 16, rng)}${_draw(CRYPT, 86, rng)}",
    "crypt-yescrypt": lambda rng: f"$y$j9T${_draw(CRYPT, 22, rng)}${_draw(CRYPT, 43, rng)}",
    "dockerconfig": _docker_config,
    "human": _human,
    "jwt": _jwt,
    "openvpn-static": keymaterial.openvpn_static,
    "pem-ec": keymaterial.pem_ec,
    "pem-ed25519": keymaterial.pem_ed25519,
    "pem-openssh": keymaterial.pem_openssh,
    "pem-rsa": keymaterial.pem_rsa,
    "pem-rsa-pkcs8": keymaterial.pem_rsa_pkcs8,
    "pgp-message": lambda rng: _armoured("PGP MESSAGE", 420, rng),
    "pgp-public": lambda rng: _armoured("PGP PUBLIC KEY BLOCK", 700, rng),
    "pgp-signature": lambda rng: _armoured("PGP SIGNATURE", 280, rng),
    "public-key": keymaterial.public_key,
    "sealed": lambda rng: "Ag" + _raw(300, rng),
    "short": _short,
    "sops": _sops,
    "sri": lambda rng: "sha512-" + _raw(64, rng),
    "ssh-public": keymaterial.ssh_public,
    "ssha": _sha_salted,
    "strong": lambda rng: _strong(SIMPLE, rng),
    "strong-full": lambda rng: _strong(QUOTED, rng),
    "uuid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "weak": lambda rng: rng.choice(WEAK),
    "wireguard": _wireguard,
    "words": _words,
}
