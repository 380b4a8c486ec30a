"""`SecretKey`: signs tokens and URLs, with the package `cryptography` of the extra `signing`."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Never, Self, TypeAlias, final

from objectstore_client.errors import InvalidArgumentError, shorten
from objectstore_client.tokens import (
    ALL_PERMISSIONS,
    Permission,
    check_permissions,
    make_token,
)

__all__ = ["AsyncTokenSource", "MissingSigningError", "SecretKey", "TokenSource", "check_kid"]

_KID = re.compile(r"[A-Za-z0-9\-._~]{1,256}", re.ASCII)
_RAW_BYTES = 32


class MissingSigningError(ImportError):
    """The package `cryptography` is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "signing needs the extra 'signing' ('cryptography' is missing); from a checkout: "
            "pip install '.[signing]', from a wheel: pip install 'PATH/TO/WHEEL[signing]'",
            name="cryptography",
        )


def check_kid(kid: object) -> str:
    """Refuse what can't be the name of a key: in a URL it has to be unambiguous.

    Raises:
        InvalidArgumentError: If it is anything but letters, digits and `-._~`.
    """
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise InvalidArgumentError(f"kid: must be of A-Z a-z 0-9 - . _ ~, got {shorten(kid)}")
    return kid


@final
class SecretKey:
    """A private key that signs tokens and pre-signed URLs (protocol sections 13 and 14).

    Immutable, and safe to share between threads and across a fork. It does not show its key, and
    can't be pickled.

    Args:
        kid: The name under which the server knows the key; of `A-Z a-z 0-9 - . _ ~`.
        private_key: An Ed25519 key: PEM without a password, or its 32 bytes.
        expiry: How long a token is valid; rounded up to whole seconds.
        permissions: What a token allows at most.

    Raises:
        InvalidArgumentError: If an argument is not valid.
        MissingSigningError: If the package `cryptography` is not installed.
    """

    __slots__ = ("_sign", "expiry", "kid", "permissions")

    kid: str
    expiry: timedelta
    permissions: tuple[Permission, ...]
    _sign: Callable[[bytes], bytes]

    def __init__(
        self,
        kid: str,
        private_key: str | bytes,
        *,
        expiry: timedelta = timedelta(seconds=60),
        permissions: Iterable[Permission] = ALL_PERMISSIONS,
    ) -> None:
        values = {
            "kid": check_kid(kid),
            "expiry": check_expiry(expiry),
            "permissions": check_permissions("permissions", permissions),
            "_sign": _load(private_key),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_file(
        cls,
        kid: str,
        path: str | os.PathLike[str],
        *,
        expiry: timedelta = timedelta(seconds=60),
        permissions: Iterable[Permission] = ALL_PERMISSIONS,
    ) -> Self:
        """Read the key from a PEM file, or one of 32 bytes.

        Raises:
            OSError: If the file can't be read.
        """
        return cls(kid, Path(path).read_bytes(), expiry=expiry, permissions=permissions)

    @classmethod
    def from_env(
        cls,
        *,
        expiry: timedelta = timedelta(seconds=60),
        permissions: Iterable[Permission] = ALL_PERMISSIONS,
    ) -> Self:
        """Read the key from the environment: its name from `OBJECTSTORE_KEY_ID`, the key as PEM
        from `OBJECTSTORE_SECRET_KEY`, or from the file that `OBJECTSTORE_SECRET_KEY_FILE` names.

        Raises:
            InvalidArgumentError: If a variable is missing, or both of the key are there.
            OSError: If the file can't be read.
        """
        kid = os.environ.get("OBJECTSTORE_KEY_ID")
        text, path = (os.environ.get(f"OBJECTSTORE_SECRET_KEY{suffix}") for suffix in ("", "_FILE"))
        if not kid:
            raise InvalidArgumentError("OBJECTSTORE_KEY_ID: must be set to the name of the key")
        if bool(text) == bool(path):
            raise InvalidArgumentError(
                "OBJECTSTORE_SECRET_KEY or OBJECTSTORE_SECRET_KEY_FILE: exactly one must be set"
            )
        if path:
            return cls.from_file(kid, path, expiry=expiry, permissions=permissions)
        assert text is not None
        return cls(kid, text, expiry=expiry, permissions=permissions)

    def sign(self, data: bytes) -> bytes:
        """The signature of *data*: 64 bytes."""
        return self._sign(data)

    def token(
        self,
        resources: dict[str, str],
        *,
        permissions: Iterable[Permission] | None = None,
        expiry: timedelta | None = None,
    ) -> str:
        """Sign a token for *resources*, as `tokens.resources` makes them.

        Args:
            resources: What it is about.
            permissions: Some of those of the key, instead of all of them.
            expiry: How long it is valid, instead of the key's.

        Raises:
            InvalidArgumentError: If it would allow more than the key may.
        """
        allowed = self.permissions
        if permissions is not None:
            allowed = check_permissions("permissions", permissions)
            if not set(allowed) <= set(self.permissions):
                raise InvalidArgumentError(
                    f"permissions: must be some of the key's ({', '.join(self.permissions)}), "
                    f"got {shorten(list(allowed))}"
                )
        life = self.expiry if expiry is None else check_expiry(expiry)
        expires = math.ceil(time.time() + life.total_seconds())
        return make_token(self.kid, self._sign, resources, allowed, expires)

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError("SecretKey is immutable")

    def __repr__(self) -> str:
        return f"<SecretKey {self.kid}>"

    def __reduce__(self) -> Never:
        raise TypeError("a SecretKey can't be pickled; read it anew where it is needed")


TokenSource: TypeAlias = "SecretKey | str | Callable[[], str]"
"""Where tokens come from: a key that signs them, one that somebody else signed, or a function that
returns such a one."""

AsyncTokenSource: TypeAlias = "TokenSource | Callable[[], Awaitable[str]]"
"""The same for the async client, whose function may have to be awaited."""


def check_expiry(expiry: object) -> timedelta:
    """Refuse what can't be the life of a token.

    Raises:
        InvalidArgumentError: If it is no `timedelta`, not above 0, or longer than 100 years.
    """
    if not isinstance(expiry, timedelta) or not timedelta(0) < expiry <= timedelta(days=36525):
        raise InvalidArgumentError(
            f"expiry: must be a timedelta above 0, at most 100 years, got {shorten(expiry)}"
        )
    return expiry


def _load(private_key: object) -> Callable[[bytes], bytes]:
    """What signs with *private_key*. No error shows anything of it, nor what caused the error."""
    if isinstance(private_key, str):
        private_key = private_key.encode()
    if not isinstance(private_key, (bytes, bytearray)):
        raise InvalidArgumentError(
            f"private_key: must be PEM or 32 bytes, got {type(private_key).__name__}"
        )
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ModuleNotFoundError as error:
        raise MissingSigningError from error
    if len(private_key) == _RAW_BYTES:
        return Ed25519PrivateKey.from_private_bytes(bytes(private_key)).sign
    try:
        loaded = load_pem_private_key(bytes(private_key), password=None)
    except TypeError:
        raise InvalidArgumentError("private_key: must not be protected by a password") from None
    except Exception:
        raise InvalidArgumentError(
            "private_key: must be PEM or 32 bytes; this is neither"
        ) from None
    if not isinstance(loaded, Ed25519PrivateKey):
        raise InvalidArgumentError("private_key: must be an Ed25519 key; this is of another kind")
    return loaded.sign
