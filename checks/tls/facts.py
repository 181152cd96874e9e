"""What a TLS server showed: frozen facts, before anybody judges them.

Of every question there are three answers: True, False, and None for one that was not settled; why
it was not stands in `unseen`.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from checks.tls.numbers import Version

NO_TLS: Final = "no TLS seen"
"""The reason why an endpoint that was asked is inconclusive as a whole."""


class Target(msgspec.Struct, frozen=True):
    """What to ask. server_name: "" to name none; starttls: "" or the protocol that it begins in."""

    host: str
    port: int
    server_name: str = ""
    starttls: str = ""

    def __str__(self) -> str:
        """Write it as people do: host:port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def uri(self) -> str:
        """Name it: tls://127.0.0.1:443/www.example.org, smtp+tls://[::1]:25."""
        scheme = f"{self.starttls}+tls" if self.starttls else "tls"
        return f"{scheme}://{self}" + (f"/{self.server_name}" if self.server_name else "")


class Chain(msgspec.Struct, frozen=True):
    """One certificate chain as it was sent, DER, leaf first.

    staple: the OCSP answer sent with it; proved: the server signed with the leaf's key, None where
    that was not looked at.
    """

    certificates: tuple[bytes, ...]
    staple: bytes = b""
    proved: bool | None = None
    server_name: str = ""


class Accepted(msgspec.Struct, frozen=True, order=True):
    """A suite that a version was agreed with."""

    version: Version
    suite: int


class Prime(msgspec.Struct, frozen=True):
    """Parameters of a finite-field key agreement that the server chose itself."""

    prime: int
    generator: int

    @property
    def bits(self) -> int:
        """The prime's length."""
        return self.prime.bit_length()


class Http(msgspec.Struct, frozen=True):
    """What the server says in HTTP.

    hsts: the header, None without one; server: its own name; media: the type of what it sends, in
    lower case with its parameters.
    """

    status: int
    hsts: str | None = None
    location: str = ""
    server: str = ""
    media: str = ""


class EndpointFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that one look at an endpoint showed.

    versions: which of them it speaks; suites: agreed ones, of each version in the order in which
    the server chose them; complete: no others are accepted; groups: of TLS 1.3; curves: before it;
    early_data: most bytes, 0 for none; seconds: how long the look took; connections: how many;
    failed: those that ended in no whole handshake; client_renegotiation: None too where nobody
    gets a session without a certificate of his own.
    heartbleed, early_ccs, robot: what only the deep tier tries; robot: how good an oracle it is.
    """

    target: Target
    versions: dict[Version, bool | None]
    suites: tuple[Accepted, ...] = ()
    complete: bool = False
    server_order: bool | None = None
    groups: tuple[int, ...] = ()
    curves: tuple[int, ...] = ()
    primes: tuple[Prime, ...] = ()
    compression: bool | None = None
    secure_renegotiation: bool | None = None
    client_renegotiation: bool | None = None
    fallback_scsv: bool | None = None
    extended_master_secret: bool | None = None
    encrypt_then_mac: bool | None = None
    tickets: bool | None = None
    early_data: int | None = None
    asks_certificate: bool | None = None
    alpn: tuple[str, ...] = ()
    chains: tuple[Chain, ...] = ()
    http: Http | None = None
    heartbleed: bool | None = None
    early_ccs: bool | None = None
    robot: Literal["strong", "weak", "none"] | None = None
    seconds: float = 0.0
    connections: int = 0
    failed: int = 0
    unseen: tuple[str, ...] = ()

    @property
    def speaks_tls(self) -> bool:
        """Any version was agreed on."""
        return any(self.versions.values())

    @property
    def classic(self) -> tuple[Version, ...]:
        """The versions below TLS 1.3 that it speaks, oldest first."""
        return tuple(sorted(v for v, yes in self.versions.items() if yes and v < Version.TLS13))
