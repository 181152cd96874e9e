"""What the bootstrap file says of Vault, of keys and of what may be asked for after a delivery."""

from __future__ import annotations

from typing import Annotated

import msgspec

_Absolute = Annotated[str, msgspec.Meta(pattern="^/", max_length=4096)]
_File = Annotated[str, msgspec.Meta(pattern="^(/|$)", max_length=4096)]
_Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@:\-]*$", max_length=128)]
_Path = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@/\-]*$", max_length=512)]
_Mode = Annotated[str, msgspec.Meta(pattern="^0[0-7]{3}$")]
_Seconds = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
_User = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the file."""


class _Tagged(_Part, frozen=True, kw_only=True, tag_field="kind"):
    """A part of which there are several kinds."""


class AppRoleLogin(_Tagged, frozen=True, kw_only=True, tag="approle"):
    """By a role id and a secret id, which comes from a file or a systemd credential.

    wrapped: it is a wrapping token, used once; creation_path: where it has to have been made.
    """

    mount: _Path = "approle"
    role_id: _Word
    secret_id_file: _File = ""
    secret_id_credential: Annotated[str, msgspec.Meta(max_length=128)] = ""
    wrapped: bool = False
    creation_path: Annotated[str, msgspec.Meta(max_length=512)] = ""


class CertificateLogin(_Tagged, frozen=True, kw_only=True, tag="certificate"):
    """By the client certificate of the connection; role: "" for whichever fits."""

    mount: _Path = "cert"
    role: Annotated[str, msgspec.Meta(max_length=128)] = ""


class TokenLogin(_Tagged, frozen=True, kw_only=True, tag="token"):
    """By a token that somebody else keeps fresh in a file."""

    token_file: _Absolute


class KnownSecret(_Part, frozen=True, kw_only=True):
    """A secret of the KV engine, version 2, whose values are looked for on this host's disks.

    It is looked at by its version every `poll` seconds.
    """

    mount: _Path = "secret"
    path: _Path
    poll: _Seconds = 300


class VaultSettings(_Part, frozen=True, kw_only=True):
    """The Vault of this host. ca: "" for the system's roots; revoke: the token when it stops.

    folder: the keeper's own, in memory only; known: what is compared with leaks that are found.
    """

    address: Annotated[str, msgspec.Meta(pattern="^(https://[^/]+|)/?$", max_length=1024)] = ""
    namespace: Annotated[str, msgspec.Meta(max_length=512)] = ""
    ca: _File = ""
    certificate: _File = ""
    key: _File = ""
    login: AppRoleLogin | CertificateLogin | TokenLogin | None = None
    revoke: bool = False
    folder: _Absolute = "/run/hygiene-agent/keeper"
    timeout: Annotated[int, msgspec.Meta(ge=1, le=600)] = 10
    known: Annotated[tuple[KnownSecret, ...], msgspec.Meta(max_length=1000)] = ()


class KvSource(_Tagged, frozen=True, kw_only=True, tag="kv"):
    """A secret of the KV engine, version 2, looked at every `poll` seconds.

    fields: what is called otherwise there than key, certificate and chain.
    """

    mount: _Path = "secret"
    path: _Path
    fields: dict[str, str] = {}
    poll: _Seconds = 60


class PkiSource(_Tagged, frozen=True, kw_only=True, tag="pki"):
    """A certificate of the PKI engine. names: of the server, the first is its common name.

    ttl: seconds it is to live; local: the key is made here and never leaves this host.
    """

    mount: _Path = "pki"
    role: _Word
    names: Annotated[tuple[_Name, ...], msgspec.Meta(min_length=1, max_length=100)]
    ttl: _Seconds = 86_400
    local: bool = True


class LeaseSource(_Tagged, frozen=True, kw_only=True, tag="lease"):
    """A dynamic secret, such as the credentials of a database, which ends with its lease."""

    path: _Path
    fields: dict[str, str]


class FileDelivery(_Tagged, frozen=True, kw_only=True, tag="file"):
    """A file on a file system that is in memory only. owner, group: names, "" for the keeper's."""

    path: _Absolute
    owner: Annotated[str, msgspec.Meta(max_length=64)] = ""
    group: Annotated[str, msgspec.Meta(max_length=64)] = ""
    mode: _Mode = "0400"


class CredentialDelivery(_Tagged, frozen=True, kw_only=True, tag="credential"):
    """A credential that systemd fetches when it starts UNIT (LoadCredential=NAME:SOCKET)."""

    unit: _Word
    name: _Word


class ExecDelivery(_Tagged, frozen=True, kw_only=True, tag="exec"):
    """What `hygiene-agent keys exec` hands to jobs of these USERS, by name, and of root."""

    users: Annotated[tuple[_User, ...], msgspec.Meta(max_length=100)] = ()


class HaproxyDelivery(_Tagged, frozen=True, kw_only=True, tag="haproxy"):
    """The certificate that haproxy knows by a name, through its runtime socket."""

    socket: _Absolute
    certificate: _Absolute


class Prove(_Part, frozen=True, kw_only=True):
    """Who has to serve it: "ADDRESS:PORT" of this host, and the name to ask for."""

    address: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    name: Annotated[str, msgspec.Meta(max_length=253)] = ""


class KeySettings(_Part, frozen=True, kw_only=True):
    """One key: where it comes from, where it goes, what is done then, and how it is proven.

    action: a name of `actions`, "" for nothing.
    """

    source: KvSource | PkiSource | LeaseSource
    deliver: Annotated[
        tuple[CredentialDelivery | ExecDelivery | FileDelivery | HaproxyDelivery, ...],
        msgspec.Meta(max_length=20),
    ] = ()
    action: Annotated[str, msgspec.Meta(max_length=64)] = ""
    prove: Prove | None = None


class Action(_Part, frozen=True, kw_only=True):
    """What may be asked for by name: a unit to reload, or, without systemd, a command.

    restart: the unit instead, as one has to be that reads its credentials only when it starts.
    """

    unit: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.@\-]*\.service|)$")] = ""
    restart: bool = False
    command: tuple[str, ...] = ()
