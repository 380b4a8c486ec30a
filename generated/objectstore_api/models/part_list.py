# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `PartList`."""

from collections.abc import Sequence
from typing import ClassVar, Self

from attrs import frozen

from .. import json_values
from .part_info import PartInfo


@frozen(kw_only=True)
class PartList:
    """A page of parts, by ascending number.

    Attributes:
        parts: The parts.
        is_truncated: Whether more parts follow.
        next_part_number_marker: Where the next page starts, for `part_number_marker`. Missing
            on the last page. A truncated page without it is an error.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("parts", "is_truncated")

    parts: Sequence[PartInfo]
    is_truncated: bool
    next_part_number_marker: int | None = None

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(
            parts=members.required("parts", json_values.array(PartInfo.from_dict)),
            is_truncated=members.required("is_truncated", json_values.boolean),
            next_part_number_marker=members.optional(
                "next_part_number_marker", json_values.integer
            ),
        )

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {
            "parts": [item.to_dict() for item in self.parts],
            "is_truncated": self.is_truncated,
        }
        if self.next_part_number_marker is not None:
            members["next_part_number_marker"] = self.next_part_number_marker
        return members
