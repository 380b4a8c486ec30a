"""Who may do what: tokens and pre-signed URLs (protocol sections 13 and 14). No I/O, no clock."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl

from objectstore_client.devserver.records import Address
from objectstore_client.devserver.replies import Headers, Refusal, json_error
from objectstore_client.devserver.routing import Operation
from objectstore_client.errors import InvalidArgumentError
from objectstore_client.presign import MAX_DURATION, canonical_form
from objectstore_client.scope import Scope
from objectstore_client.signing import MissingSigningError, check_kid
from objectstore_client.timestamps import parse_timestamp
from objectstore_client.tokens import (
    ALL_PERMISSIONS,
    HEADER,
    Permission,
    check_permissions,
    decode_base64url,
)

LEEWAY = timedelta(seconds=60)
"""By how much a token may have expired, and a pre-signed URL may come from the future."""

_ISSUERS = ("sentry", "relay")
_AUDIENCE = "objectstore"
_DURATION = re.compile(r"\d{1,9}", re.ASCII)
_SIGNATURE_BYTES = 64
_PUBLIC_BYTES = 32

PERMISSIONS: Mapping[Operation, Permission | None] = {
    Operation.CREATE_OBJECT: "object.write",
    Operation.PUT_OBJECT: "object.write",
    Operation.GET_OBJECT: "object.read",
    Operation.HEAD_OBJECT: "object.read",
    Operation.DELETE_OBJECT: "object.delete",
    Operation.PATCH_OBJECT: "object.write",
    Operation.BATCH_OBJECTS: None,  # each of its operations has one of its own
    Operation.INITIATE_MULTIPART: "object.write",
    Operation.ABORT_MULTIPART: "object.write",
    Operation.PUT_PART: "object.write",
    Operation.LIST_PARTS: "object.write",
    Operation.COMPLETE_MULTIPART: None,  # says inside of its answer that it is not permitted
    Operation.CREATE_SESSION: "object.write",
    Operation.PUT_CHUNK: "object.write",
    Operation.CANCEL_SESSION: "object.write",
}
"""What each operation on objects needs (protocol section 13.3)."""


class _PublicKey(Protocol):
    def verify(self, signature: bytes, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class AuthKey:
    """A public key whose tokens a server accepts. Several with one name are tried in turn.

    Args:
        kid: Its name; of `A-Z a-z 0-9 - . _ ~`.
        public_key: An Ed25519 key: PEM, or its 32 bytes.
        permissions: What its tokens and URLs allow at most.

    Raises:
        InvalidArgumentError: If an argument is not valid.
        MissingSigningError: If the package `cryptography` is not installed.
    """

    kid: str
    public_key: str | bytes = field(repr=False)
    permissions: Iterable[Permission] = ALL_PERMISSIONS
    _loaded: _PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_kid(self.kid)
        given = check_permissions("permissions", self.permissions)
        object.__setattr__(self, "permissions", given)
        object.__setattr__(self, "_loaded", _load(self.public_key))

    @classmethod
    def parse(cls, text: str) -> AuthKey:
        """Read `KID=FILE` or `KID=FILE:PERMISSION,PERMISSION`.

        Raises:
            InvalidArgumentError: If it is not of that form.
            OSError: If the file can't be read.
        """
        kid, _, rest = text.partition("=")
        path, _, permissions = rest.rpartition(":")
        if not path or not permissions.startswith("object."):
            path, permissions = rest, ",".join(ALL_PERMISSIONS)
        if not path:
            raise InvalidArgumentError("auth key: must be KID=FILE or KID=FILE:PERMISSIONS")
        given = check_permissions("permissions", permissions.split(","))
        return cls(kid, Path(path).read_bytes(), given)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether *signature* is one of *data* by this key."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._loaded.verify(signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request may do.

    Attributes:
        permissions: What it is allowed.
        usecase: Of which use case; `None` for whichever it asks for.
        scopes: In which scopes: the value of each, `*` for every one.
    """

    permissions: frozenset[str]
    usecase: str | None = None
    scopes: Mapping[str, str] = field(default_factory=dict)

    def authorize(self, permission: Permission, address: Address) -> None:
        """Check an operation that needs *permission* on *address*.

        Raises:
            Refusal: 403 if it is not covered.
        """
        if permission not in self.permissions:
            raise _refused(403, f"{permission} is not granted")
        if self.usecase is None:
            return
        if self.usecase != address.usecase:
            raise _refused(403, "the use case is not covered")
        for name, value in Scope.parse(address.scopes).items:
            if self.scopes.get(name) not in (value, "*"):
                raise _refused(403, f"the scope {name!r} is not covered")


EVERYTHING = Grant(frozenset(ALL_PERMISSIONS))
"""What a request may do on a server that enforces nothing."""


class Authority:
    """Knows the keys, and says what a request may do.

    Args:
        keys: Several of one name are versions of one key.
    """

    def __init__(self, keys: Iterable[AuthKey]) -> None:
        self._keys: dict[str, list[AuthKey]] = {}
        for key in keys:
            self._keys.setdefault(key.kid, []).append(key)

    def grant(
        self, method: str, raw_path: bytes, raw_query: bytes, headers: Headers, now: datetime
    ) -> Grant:
        """What the head of a request proves that it may do.

        Raises:
            Refusal: 400, 401 or 403.
        """
        query = raw_query.decode("ascii")
        values: dict[str, list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
            values.setdefault(name, []).append(value)
        if any(piece.partition("=")[0] == "os_sig" for piece in query.split("&")):
            return self._presigned(method, raw_path.decode("ascii"), query, values, now)
        token = _bearer(headers)
        if token is None and "os_auth" in values:
            token = _only(values, "os_auth")
        if token is None:
            raise _refused(400, "a token is missing")
        return self._token(token, now)

    def _token(self, token: str, now: datetime) -> Grant:
        try:
            head, body, tail = token.split(".")
            header, claims = json.loads(decode_base64url(head)), decode_base64url(body)
            signature = decode_base64url(tail)
        except (ValueError, RecursionError):
            raise _refused(401, "the token is malformed") from None
        if not isinstance(header, dict):
            raise _refused(401, "the token is malformed")
        if "kid" not in header:
            raise _refused(400, "the token names no key")
        if header.get("alg") != "EdDSA":
            raise _refused(401, "the token is of another algorithm")
        key = self._verified(header["kid"], signature, f"{head}.{body}".encode())
        return _read_claims(claims, key, now)

    def _presigned(
        self,
        method: str,
        raw_path: str,
        raw_query: str,
        values: Mapping[str, list[str]],
        now: datetime,
    ) -> Grant:
        if method not in ("GET", "HEAD"):
            raise _refused(403, "a pre-signed URL is for GET and HEAD only")
        try:
            kid, duration = _only(values, "os_kid"), _only(values, "os_duration")
            signed_at = parse_timestamp(_only(values, "os_timestamp"))
            signature = decode_base64url(_only(values, "os_sig"))
            if not _DURATION.fullmatch(duration) or len(signature) != _SIGNATURE_BYTES:
                raise ValueError
        except ValueError:
            raise _refused(400, "a parameter of the pre-signed URL is malformed") from None
        if kid not in self._keys:
            raise _refused(401, "the key is unknown")
        validity = timedelta(seconds=int(duration))
        if validity > MAX_DURATION:
            raise _refused(400, "the pre-signed URL is valid for more than 7 days")
        if now - signed_at < -LEEWAY or now - signed_at > validity:
            raise _refused(401, "the pre-signed URL is not valid now")
        key = self._verified(kid, signature, canonical_form(method, raw_path, raw_query))
        if "object.read" not in key.permissions:
            raise _refused(403, "object.read is not granted")
        return Grant(frozenset(["object.read"]))

    def _verified(self, kid: object, signature: bytes, data: bytes) -> AuthKey:
        versions = self._keys.get(kid) if isinstance(kid, str) else None
        if versions is None:
            raise _refused(401, "the key is unknown")
        for key in versions:
            if key.verifies(signature, data):
                return key
        raise _refused(401, "the signature is not valid")


def _bearer(headers: Headers) -> str | None:
    found: dict[bytes, bytes] = dict(headers)  # of repeated ones, the last counts
    value = found.get(HEADER.encode("ascii"), found.get(b"authorization", b""))
    if value[:7].lower() != b"bearer ":
        return None
    return value[7:].decode("latin-1")


def _only(values: Mapping[str, list[str]], name: str) -> str:
    given = values.get(name, [])
    if len(given) != 1:
        raise _refused(400, f"the query parameter {name} must be there once")
    return given[0]


def _read_claims(body: bytes, key: AuthKey, now: datetime) -> Grant:
    try:
        match json.loads(body):
            case {
                "exp": int() | float() as expires,
                "res": {"os:usecase": str(usecase), **scopes},
                "permissions": list(permissions),
                **rest,
            } if (
                not isinstance(expires, bool)
                and all(isinstance(value, str) for value in scopes.values())
                and all(isinstance(each, str) for each in permissions)
                and set(permissions) <= set(ALL_PERMISSIONS)
            ):
                pass
            case _:
                raise _refused(401, "the claims of the token are not valid")
    except (ValueError, RecursionError):
        raise _refused(401, "the token is malformed") from None
    if not now.timestamp() - LEEWAY.total_seconds() <= expires:
        raise _refused(401, "the token has expired")
    audience = rest.get("aud", _AUDIENCE)
    if _AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
        raise _refused(401, "the token is for another audience")
    if rest.get("iss", _ISSUERS[0]) not in _ISSUERS:
        raise _refused(401, "the token is of another issuer")
    allowed = frozenset(permissions).intersection(key.permissions)
    return Grant(allowed, usecase, {str(name): str(value) for name, value in scopes.items()})


def _refused(status: int, cause: str) -> Refusal:
    detail = {400: "not authenticated", 401: "not authenticated", 403: "not authorized"}[status]
    return Refusal(json_error(status, detail, [cause]))


def _load(public_key: str | bytes) -> _PublicKey:
    data = public_key.encode() if isinstance(public_key, str) else public_key
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ModuleNotFoundError as error:
        raise MissingSigningError from error
    if len(data) == _PUBLIC_BYTES:
        return Ed25519PublicKey.from_public_bytes(data)
    try:
        loaded = load_pem_public_key(data)
    except Exception:
        raise InvalidArgumentError(
            "public_key: must be a public key as PEM, or 32 bytes; this is neither"
        ) from None
    if not isinstance(loaded, Ed25519PublicKey):
        raise InvalidArgumentError("public_key: must be an Ed25519 key; this is of another kind")
    return loaded
