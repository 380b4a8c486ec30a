# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `PartInfo`."""

from datetime import datetime
from typing import ClassVar, Self

from attrs import frozen

from .. import json_values
from ..timestamps import format_timestamp


@frozen(kw_only=True)
class PartInfo:
    """A part as the listing shows it.

    Attributes:
        part_number: Number of the part.
        etag: Tag of the part, to be returned as it is, double quotes included.
        last_modified: Time of the upload of this part, with up to nine fractional digits.
        size: Size in bytes.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("part_number", "etag", "last_modified", "size")

    part_number: int
    etag: str
    last_modified: datetime
    size: int

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(
            part_number=members.required("part_number", json_values.integer),
            etag=members.required("etag", json_values.text),
            last_modified=members.required("last_modified", json_values.timestamp),
            size=members.required("size", json_values.integer),
        )

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {
            "part_number": self.part_number,
            "etag": self.etag,
            "last_modified": format_timestamp("last_modified", self.last_modified),
            "size": self.size,
        }
        return members
