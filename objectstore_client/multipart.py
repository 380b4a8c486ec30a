"""Multipart uploads: parts, their sizes, and what their completion says (protocol section 10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from objectstore_api.models.completed_part import CompletedPart
from objectstore_api.models.multipart_complete_failure import MultipartCompleteFailure
from objectstore_api.models.multipart_complete_success import MultipartCompleteSuccess
from objectstore_api.models.multipart_manifest import MultipartManifest

from objectstore_client.errors import InvalidArgumentError, MultipartError, shorten

__all__ = [
    "MAX_PARTS",
    "UploadedPart",
    "check_part_number",
    "completed_key",
    "manifest_of",
    "part_size",
]

MAX_PARTS: Final = 10_000
"""Where cloud storage stops."""

_PART_BYTES: Final = 8 * 1024 * 1024
"""At least 5 MiB are demanded of all parts but the last."""

_DOUBLING: Final = 1_000


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """A part that the server has.

    Attributes:
        number: From 1; the parts are joined in this order.
        etag: What the server calls this version of it.
        size: Bytes.
    """

    number: int
    etag: str
    size: int


def check_part_number(number: int) -> int:
    """Refuse what is no number of a part.

    Raises:
        InvalidArgumentError: If it is not from 1 to 10 000.
    """
    if type(number) is not int or not 1 <= number <= MAX_PARTS:
        raise InvalidArgumentError(
            f"number: must be a whole number from 1 to {MAX_PARTS}, got {shorten(number)}"
        )
    return number


def part_size(number: int) -> int:
    """Bytes of the part *number* of an upload of unknown size.

    8 MiB at first, twice as much every 1 000 parts: 10 000 parts hold 8 TiB.
    """
    return _PART_BYTES << (number - 1) // _DOUBLING


def manifest_of(parts: Iterable[UploadedPart]) -> MultipartManifest:
    """What completes an upload with *parts*, in ascending order.

    Raises:
        InvalidArgumentError: If there is none, or a number comes twice.
    """
    ordered = sorted(parts, key=lambda part: part.number)
    numbers = {part.number for part in ordered}
    if not ordered or len(numbers) < len(ordered):
        raise InvalidArgumentError("parts: must be one or more, each number once")
    return MultipartManifest(
        parts=[CompletedPart(part_number=part.number, etag=part.etag) for part in ordered]
    )


def completed_key(answer: MultipartCompleteFailure | MultipartCompleteSuccess) -> str:
    """The key of the object that was made.

    Raises:
        MultipartError: If the answer, whose status is that of a success, says that there is none.
    """
    if isinstance(answer, MultipartCompleteSuccess):
        return answer.key
    error = MultipartError("the parts could not be joined", status=200, detail=answer.error.message)
    error.code = answer.error.code
    raise error
