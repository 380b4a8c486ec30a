"""What a `put` sends beside the payload: checked and made before any I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from objectstore_client.content_types import guess_content_type
from objectstore_client.errors import InvalidArgumentError, shorten
from objectstore_client.expiration import ExpirationPolicy
from objectstore_client.metadata import (
    check_content_type,
    check_metadata_size,
    custom_headers,
    policy_header,
    text_header,
)
from objectstore_client.sources import Source
from objectstore_client.usecase import (
    Compression,
    Frames,
    Usecase,
    check_compression,
    check_frames,
    check_level,
    check_policy,
)

__all__ = ["GUESS", "Precompressed", "UploadPlan", "plan_upload"]

GUESS = "guess"
"""As a content type: go by the file name, then by the first bytes. No media type lacks a slash."""

Precompressed = Literal["zstd"]
"""How contents are compressed already."""


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """The headers of a put, and what is to be done with its payload.

    Attributes:
        compress: Whether it is compressed; `None` until it has shown whether it shrinks.
        level: Compression level.
        frames: What becomes of a large one.
    """

    compress: bool | None
    level: int
    frames: Frames
    content_type: str | None
    content_encoding: Literal["zstd"] | None
    expiration: str | None
    origin: str | None
    filename: str | None
    custom: Mapping[str, str]

    def settled(self, *, compress: bool) -> UploadPlan:
        """The same, now that it is known whether the payload shrinks."""
        return replace(self, compress=compress, content_encoding="zstd" if compress else None)


def plan_upload(
    usecase: Usecase,
    source: Source,
    *,
    id: str | None,
    metadata: Mapping[str, str] | None,
    expiration_policy: ExpirationPolicy | None,
    compression: Compression | None,
    compression_level: int | None,
    frames: Frames | None,
    precompressed: Precompressed | None,
    content_type: str | None,
    filename: str | None,
    origin: str | None,
) -> UploadPlan:
    """Check the arguments of a put and work out what to send.

    Raises:
        InvalidArgumentError: If one of them breaks a rule.
    """
    if compression is not None:
        check_compression(compression)
    if compression_level is not None:
        check_level(compression_level)
    if frames is not None:
        check_frames(frames)
    if precompressed is not None:
        if precompressed != "zstd":
            raise InvalidArgumentError(
                f"precompressed: must be 'zstd' or None, got {shorten(precompressed)}"
            )
        if compression in ("zstd", "auto"):
            raise InvalidArgumentError(
                f"compression: must not be {compression!r} together with precompressed; "
                "leave one out"
            )
    check_policy(expiration_policy)
    if content_type == GUESS:
        content_type = guess_content_type((filename, source.name, id), source.head)
    elif content_type is not None:
        check_content_type(content_type)
    compress = None
    if precompressed is not None or (compression or usecase.compression) != "auto":
        compress = precompressed is None and (compression or usecase.compression) == "zstd"
    plan = UploadPlan(
        compress=compress,
        level=usecase.compression_level if compression_level is None else compression_level,
        frames=frames or usecase.frames,
        content_type=content_type,
        content_encoding="zstd" if compress or precompressed else None,
        expiration=policy_header(expiration_policy or usecase.expiration_policy),
        origin=None if origin is None else text_header("origin", origin),
        filename=None if filename is None else text_header("filename", filename),
        custom=custom_headers(metadata),
    )
    check_metadata_size([plan.origin, plan.filename, *plan.custom, *plan.custom.values()])
    return plan
