# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `MultipartManifest`."""

from collections.abc import Sequence
from typing import ClassVar, Self

from attrs import frozen

from .. import json_values
from .completed_part import CompletedPart


@frozen(kw_only=True)
class MultipartManifest:
    """The parts that make up the object.

    Attributes:
        parts: The parts, by ascending number.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("parts",)

    parts: Sequence[CompletedPart]

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(parts=members.required("parts", json_values.array(CompletedPart.from_dict)))

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {"parts": [item.to_dict() for item in self.parts]}
        return members
