# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `ExtendExpiryAt`."""

from datetime import datetime
from typing import ClassVar, Self

from attrs import frozen

from .. import json_values
from ..timestamps import format_timestamp


@frozen(kw_only=True)
class ExtendExpiryAt:
    """A deadline as a point in time.

    Attributes:
        at: The deadline, with any UTC offset. Fractions of a second are rounded up.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("at",)

    at: datetime

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(at=members.required("at", json_values.timestamp))

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {"at": format_timestamp("at", self.at)}
        return members
