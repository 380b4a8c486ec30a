"""Tokens: what one says, and how long a client goes on using it (protocol section 13). No I/O.

A token is a JWS in compact form, signed with Ed25519. This module makes the text and reads it; the
signature itself comes from `signing`.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from objectstore_client.errors import InvalidArgumentError, shorten
from objectstore_client.scope import Scope

__all__ = [
    "ALL_PERMISSIONS",
    "HEADER",
    "HELD_LIMIT",
    "REFRESH_SECONDS",
    "HeldToken",
    "Permission",
    "check_permissions",
    "check_token",
    "decode_base64url",
    "encode_base64url",
    "expiry_of",
    "make_token",
    "resources",
]

Permission: TypeAlias = Literal["object.read", "object.write", "object.delete"]
"""What a token allows: reading and describing; storing and extending; deleting."""

ALL_PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)

HEADER: Final = "x-os-auth"
"""Where a token travels. It ranks before `Authorization`, which proxies may want for themselves."""

REFRESH_SECONDS: Final = 60.0
"""How long a token is used that does not tell when it expires."""

HELD_LIMIT: Final = 1024
"""Of how many usecases and scopes a client keeps the tokens it signed."""

_USED_SHARE = 0.8  # of its life; the rest is for requests on their way and for clocks that differ
_SHORTEST_USE = 1.0  # seconds; nobody is asked more often, even for tokens that have expired
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


# ---- what a token says ----------------------------------------------------------------------


def check_permissions(argument: str, permissions: Iterable[str]) -> tuple[Permission, ...]:
    """*permissions* without repetitions, in the order of `ALL_PERMISSIONS`.

    Raises:
        InvalidArgumentError: If one of them is unknown, or there are none.
    """
    given = {permissions} if isinstance(permissions, str) else set(permissions)
    if not given or not given <= set(ALL_PERMISSIONS):
        raise InvalidArgumentError(
            f"{argument}: must be some of {', '.join(ALL_PERMISSIONS)}, got {shorten(permissions)}"
        )
    return tuple(each for each in ALL_PERMISSIONS if each in given)


def resources(usecase: str, scope: Scope, wildcards: Iterable[str] = ()) -> dict[str, str]:
    """The claim `res` of a token for *usecase* and *scope*.

    Args:
        usecase: Its name.
        scope: The values that the token covers.
        wildcards: Names of scopes, of *scope* or others, of which it covers every value.

    Raises:
        InvalidArgumentError: If a token can't say that.
    """
    if isinstance(wildcards, str):
        raise InvalidArgumentError("wildcards: must be names of scopes, not one string")
    wild = Scope(**dict.fromkeys(wildcards, "any"))  # refuses what can't be a name
    every = {name: "*" for name, _ in wild.items}
    found = {"os:usecase": usecase}
    for name, value in scope.items:
        if found.setdefault(name, every.get(name, value)) not in (value, "*"):
            raise InvalidArgumentError(
                f"scope: no token covers two values of {name!r}; name it in wildcards="
            )
    found.update(every)
    return found


def make_token(
    kid: str,
    sign: Callable[[bytes], bytes],
    resources: Mapping[str, str],
    permissions: Iterable[Permission],
    expires: int,
) -> str:
    """Make a token (protocol section 13.2).

    Args:
        kid: Name of the key.
        sign: Signs with it.
        resources: The claim `res`.
        permissions: What it allows.
        expires: When it expires, in seconds since the epoch.
    """
    header = {"alg": "EdDSA", "kid": kid, "typ": "JWT"}
    claims = {"res": resources, "permissions": list(permissions), "exp": expires}
    signed = f"{_encoded(header)}.{_encoded(claims)}"
    return f"{signed}.{encode_base64url(sign(signed.encode('ascii')))}"


def expiry_of(token: str) -> float | None:
    """When *token* says that it expires, in seconds since the epoch; `None` if that is not to be
    read. Nothing is verified.
    """
    try:
        _, claims, _ = token.split(".")
        expires = json.loads(decode_base64url(claims))["exp"]
        if type(expires) not in (int, float) or not math.isfinite(expires):
            return None
        return float(expires)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def check_token(argument: str, token: object) -> str:
    """Refuse what can't be sent as a token, without showing it.

    Raises:
        InvalidArgumentError: If it is not a string of visible ASCII characters.
    """
    if not isinstance(token, str):
        raise InvalidArgumentError(f"{argument}: must be a string, got {type(token).__name__}")
    if not _VISIBLE.fullmatch(token):
        raise InvalidArgumentError(f"{argument}: must be of visible ASCII characters, at least one")
    return token


def encode_base64url(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Read base64url without padding.

    Raises:
        ValueError: If it is not.
    """
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not base64url") from None


def _encoded(document: object) -> str:
    return encode_base64url(json.dumps(document, separators=(",", ":")).encode("ascii"))


# ---- how long it is used --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A token in use; equal to another one if it is the same token.

    Attributes:
        token: The token itself.
        headers: What sends it.
        renew_at: When another one is due, in seconds since the epoch.
        expires: When this one is of no use any more.
    """

    token: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, compare=False)
    renew_at: float = field(compare=False)
    expires: float = field(compare=False)

    @classmethod
    def of(cls, token: str, now: float) -> HeldToken:
        """Hold *token*, which was obtained *now*: for 80 % of its life, or `REFRESH_SECONDS`."""
        expires = expiry_of(token)
        used = REFRESH_SECONDS if expires is None else _USED_SHARE * (expires - now)
        renew_at = now + max(used, _SHORTEST_USE)
        ends = renew_at if expires is None else expires
        # Here, as it brings httpx along, which not everybody who imports the package needs.
        from objectstore_api import PreparedHeaders

        return cls(token, PreparedHeaders({HEADER: f"Bearer {token}"}), renew_at, ends)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a token can't be pickled")
