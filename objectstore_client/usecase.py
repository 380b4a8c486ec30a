"""Usecases: who stores, and with which defaults (protocol section 3.2)."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias, get_args

from objectstore_client.errors import InvalidArgumentError, shorten
from objectstore_client.expiration import ExpirationPolicy, Manual, TimeToIdle, TimeToLive
from objectstore_client.resumable import DEFAULT_THRESHOLD

__all__ = [
    "DEFAULT_LEVEL",
    "USECASE_NAME",
    "Compression",
    "Frames",
    "Usecase",
    "check_compression",
    "check_frames",
    "check_level",
    "check_policy",
]

Compression: TypeAlias = Literal["zstd", "none", "auto"]
"""How `put` stores payloads: `zstd` compresses on the way, `none` sends them as they are, `auto`
tries it on the first 2 MiB and compresses if these get smaller by 5 % at least."""

Frames: TypeAlias = Literal["independent", "single"]
"""What `put` makes of large payloads: `independent` zstd frames of 2 MiB each, on several cores, or
a `single` one, for readers that know no more than one."""

DEFAULT_LEVEL = 3
"""Compression level: the default of zstd itself."""

LOWEST_LEVEL, HIGHEST_LEVEL = -100, 22
"""Negative levels are faster than 1; below -100 there is nothing left to gain."""

USECASE_NAME = re.compile(r"[A-Za-z0-9_-]{3,64}")


@dataclass(frozen=True, slots=True)
class Usecase:
    """A named use of the store, with the defaults for what is put under it.

    Args:
        name: 3 to 64 of `A-Z a-z 0-9 _ -`.
        compression: `"zstd"` (default), `"none"` or `"auto"`, which compresses what shrinks; `put`
            can override this and the next two.
        compression_level: -100 to 22: the higher, the smaller and slower.
        frames: `"independent"` (default), so that large payloads are compressed and decoded on
            several cores, or `"single"` for readers that stop after the first zstd frame.
        resumable_threshold: Contents of at least so many bytes are sent by resumable uploads where
            the server takes them; `None` for never. 256 MiB by default.
        expiration_policy: Default for objects put without one; `None` means that they never expire
            by themselves.

    Raises:
        InvalidArgumentError: If one of them is not valid.
    """

    name: str
    _: KW_ONLY
    compression: Compression = "zstd"
    compression_level: int = DEFAULT_LEVEL
    frames: Frames = "independent"
    resumable_threshold: int | None = DEFAULT_THRESHOLD
    expiration_policy: ExpirationPolicy | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not USECASE_NAME.fullmatch(self.name):
            raise InvalidArgumentError(
                f"usecase: the name {shorten(self.name)} must be 3 to 64 of A-Z a-z 0-9 _ -"
            )
        check_compression(self.compression)
        check_level(self.compression_level)
        check_frames(self.frames)
        threshold = self.resumable_threshold
        if threshold is not None and (type(threshold) is not int or threshold < 1):
            raise InvalidArgumentError(
                "resumable_threshold: must be a whole number from 1, or None, "
                f"got {shorten(threshold)}"
            )
        check_policy(self.expiration_policy)


def check_compression(value: object) -> None:
    """Refuse an unknown compression with an error that names the known ones."""
    if value not in get_args(Compression):
        raise InvalidArgumentError(
            f"compression: must be 'zstd', 'none' or 'auto', got {shorten(value)}"
        )


def check_level(value: object) -> None:
    """Refuse what is not a compression level."""
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not LOWEST_LEVEL <= value <= HIGHEST_LEVEL
    ):
        raise InvalidArgumentError(
            f"compression_level: must be a whole number from {LOWEST_LEVEL} to {HIGHEST_LEVEL}, "
            f"got {shorten(value)}"
        )


def check_frames(value: object) -> None:
    """Refuse an unknown kind of frames with an error that names the known ones."""
    if value not in get_args(Frames):
        raise InvalidArgumentError(
            f"frames: must be 'independent' or 'single', got {shorten(value)}"
        )


def check_policy(value: object) -> None:
    """Refuse what is neither an expiration policy nor `None`."""
    if value is not None and not isinstance(value, (TimeToLive, TimeToIdle, Manual)):
        raise InvalidArgumentError(
            f"expiration_policy: must be TimeToLive, TimeToIdle or Manual, got {shorten(value)}"
        )
