"""Usecases: who stores, and with which defaults (protocol section 3.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from objectstore_client.errors import InvalidArgumentError, shorten
from objectstore_client.expiration import ExpirationPolicy, Manual, TimeToIdle, TimeToLive

__all__ = ["USECASE_NAME", "Compression", "Usecase", "check_compression", "check_policy"]

Compression: TypeAlias = Literal["zstd", "none"]
"""How `put` stores payloads: `zstd` compresses on the way, `none` sends them as they are."""

USECASE_NAME = re.compile(r"[A-Za-z0-9_-]{3,64}")


@dataclass(frozen=True, slots=True)
class Usecase:
    """A named use of the store, with the defaults for what is put under it.

    Args:
        name: 3 to 64 of `A-Z a-z 0-9 _ -`.
        compression: `"zstd"` (default) or `"none"`; `put` can override it.
        expiration_policy: Default for objects put without one; `None` means that they never expire
            by themselves.

    Raises:
        InvalidArgumentError: If one of them is not valid.
    """

    name: str
    compression: Compression = "zstd"
    expiration_policy: ExpirationPolicy | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not USECASE_NAME.fullmatch(self.name):
            raise InvalidArgumentError(
                f"usecase: the name {shorten(self.name)} must be 3 to 64 of A-Z a-z 0-9 _ -"
            )
        check_compression(self.compression)
        check_policy(self.expiration_policy)


def check_compression(value: object) -> None:
    """Refuse an unknown compression with an error that names the known ones."""
    if value not in get_args(Compression):
        raise InvalidArgumentError(f"compression: must be 'zstd' or 'none', got {shorten(value)}")


def check_policy(value: object) -> None:
    """Refuse what is neither an expiration policy nor `None`."""
    if value is not None and not isinstance(value, (TimeToLive, TimeToIdle, Manual)):
        raise InvalidArgumentError(
            f"expiration_policy: must be TimeToLive, TimeToIdle or Manual, got {shorten(value)}"
        )
