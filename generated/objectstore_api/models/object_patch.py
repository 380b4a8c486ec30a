# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `ObjectPatch`."""

from typing import ClassVar, Self

from attrs import frozen

from .. import json_values
from .extend_expiry_after import ExtendExpiryAfter
from .extend_expiry_at import ExtendExpiryAt


@frozen(kw_only=True)
class ObjectPatch:
    """A change of an object. The expiry is all that can change.

    Attributes:
        extend_expiry: The deadline until which the object shall live at least.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("extend_expiry",)

    extend_expiry: ExtendExpiryAt | ExtendExpiryAfter

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(
            extend_expiry=members.required(
                "extend_expiry", json_values.either(ExtendExpiryAt, ExtendExpiryAfter)
            )
        )

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {"extend_expiry": self.extend_expiry.to_dict()}
        return members
