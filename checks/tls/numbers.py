"""The numbers of TLS: versions, groups, signature schemes, alerts, extensions; as IANA lists them.

Sources: https://www.iana.org/assignments/tls-parameters, RFC 8446, RFC 5246, RFC 8422, RFC 7919,
draft-ietf-tls-ecdhe-mlkem.
"""

from __future__ import annotations

import enum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Version(enum.IntEnum):
    """A protocol version by its number on the wire."""

    SSL2 = 0x0002
    SSL3 = 0x0300
    TLS10 = 0x0301
    TLS11 = 0x0302
    TLS12 = 0x0303
    TLS13 = 0x0304

    @property
    def label(self) -> str:
        """The name people use: "TLS 1.2"."""
        return {2: "SSL 2", 0x300: "SSL 3"}.get(self, f"TLS 1.{self - 0x301}")


class Extension(enum.IntEnum):
    """The extensions that are written or read here."""

    SERVER_NAME = 0
    STATUS_REQUEST = 5
    SUPPORTED_GROUPS = 10
    EC_POINT_FORMATS = 11
    SIGNATURE_ALGORITHMS = 13
    ALPN = 16
    ENCRYPT_THEN_MAC = 22
    EXTENDED_MASTER_SECRET = 23
    SESSION_TICKET = 35
    PRE_SHARED_KEY = 41
    EARLY_DATA = 42
    SUPPORTED_VERSIONS = 43
    COOKIE = 44
    PSK_KEY_EXCHANGE_MODES = 45
    KEY_SHARE = 51
    RENEGOTIATION_INFO = 0xFF01


class Alert(enum.IntEnum):
    """The alerts whose meaning matters here (RFC 8446 6, RFC 7507, RFC 6066)."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    HANDSHAKE_FAILURE = 40
    ILLEGAL_PARAMETER = 47
    UNKNOWN_CA = 48
    DECODE_ERROR = 50
    PROTOCOL_VERSION = 70
    INSUFFICIENT_SECURITY = 71
    INTERNAL_ERROR = 80
    INAPPROPRIATE_FALLBACK = 86
    USER_CANCELED = 90
    NO_RENEGOTIATION = 100
    MISSING_EXTENSION = 109
    UNRECOGNIZED_NAME = 112
    CERTIFICATE_REQUIRED = 116
    NO_APPLICATION_PROTOCOL = 120


GROUPS: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "sect163k1",
        2: "sect163r1",
        3: "sect163r2",
        4: "sect193r1",
        5: "sect193r2",
        6: "sect233k1",
        7: "sect233r1",
        8: "sect239k1",
        9: "sect283k1",
        10: "sect283r1",
        11: "sect409k1",
        12: "sect409r1",
        13: "sect571k1",
        14: "sect571r1",
        15: "secp160k1",
        16: "secp160r1",
        18: "secp192k1",
        19: "secp192r1",
        20: "secp224k1",
        21: "secp224r1",
        22: "secp256k1",
        23: "secp256r1",
        24: "secp384r1",
        25: "secp521r1",
        26: "brainpoolP256r1",
        27: "brainpoolP384r1",
        28: "brainpoolP512r1",
        29: "x25519",
        30: "x448",
        31: "brainpoolP256r1tls13",
        32: "brainpoolP384r1tls13",
        33: "brainpoolP512r1tls13",
        256: "ffdhe2048",
        257: "ffdhe3072",
        258: "ffdhe4096",
        259: "ffdhe6144",
        260: "ffdhe8192",
        512: "MLKEM512",
        513: "MLKEM768",
        514: "MLKEM1024",
        0x11EB: "SecP256r1MLKEM768",
        0x11EC: "X25519MLKEM768",
        0x11ED: "SecP384r1MLKEM1024",
        0x6399: "X25519Kyber768Draft00",
    }
)
"""Groups for key agreement by number."""
_ALIASES: Final = {"p-224": 21, "p-256": 23, "p-384": 24, "p-521": 25, "prime256v1": 23}
POST_QUANTUM: Final = frozenset({512, 513, 514, 0x11EB, 0x11EC, 0x11ED, 0x6399})
"""Groups whose secret a quantum computer does not give away."""
TLS13_GROUPS: Final = (
    *(29, 23, 24, 25, 30),
    *(0x11EC, 0x11EB, 0x11ED, 513, 514, 512, 0x6399),
    *(256, 257, 258, 259, 260, 31, 32, 33),
)
"""Groups that TLS 1.3 can negotiate, the likely ones first."""
TLS12_CURVES: Final = (
    *(23, 29, 24, 25, 30, 26, 27, 28, 22, 21, 20, 19, 18, 16, 15),
    *(14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1),
)
"""Curves that TLS 1.2 and before can negotiate, the likely ones first."""
WEAK_CURVES: Final = frozenset({*range(1, 9), *range(15, 22)})
"""Curves under 250 bits (RFC 4492 5.1.1): sect163k1 to sect239k1, secp160k1 to secp224r1."""

SCHEMES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x0101: "rsa_pkcs1_md5",
        0x0201: "rsa_pkcs1_sha1",
        0x0202: "dsa_sha1",
        0x0203: "ecdsa_sha1",
        0x0301: "rsa_pkcs1_sha224",
        0x0302: "dsa_sha224",
        0x0303: "ecdsa_sha224",
        0x0401: "rsa_pkcs1_sha256",
        0x0402: "dsa_sha256",
        0x0403: "ecdsa_secp256r1_sha256",
        0x0501: "rsa_pkcs1_sha384",
        0x0502: "dsa_sha384",
        0x0503: "ecdsa_secp384r1_sha384",
        0x0601: "rsa_pkcs1_sha512",
        0x0602: "dsa_sha512",
        0x0603: "ecdsa_secp521r1_sha512",
        0x0804: "rsa_pss_rsae_sha256",
        0x0805: "rsa_pss_rsae_sha384",
        0x0806: "rsa_pss_rsae_sha512",
        0x0807: "ed25519",
        0x0808: "ed448",
        0x0809: "rsa_pss_pss_sha256",
        0x080A: "rsa_pss_pss_sha384",
        0x080B: "rsa_pss_pss_sha512",
        0x081A: "ecdsa_brainpoolP256r1tls13_sha256",
        0x081B: "ecdsa_brainpoolP384r1tls13_sha384",
        0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
        0x0904: "mldsa44",
        0x0905: "mldsa65",
        0x0906: "mldsa87",
    }
)
"""Signature schemes by number; below 0x0700 also TLS 1.2's pairs of hash and signature."""
FALLBACK_SCSV: Final = 0x5600
"""RFC 7507: the client has tried a higher version before."""
RENEGOTIATION_SCSV: Final = 0x00FF
"""RFC 5746 3.3."""


@cache
def group_numbers() -> Mapping[str, int]:
    """Give groups by lower-case name, IANA's, NIST's or OpenSSL's."""
    return {name.lower(): number for number, name in GROUPS.items()} | _ALIASES
