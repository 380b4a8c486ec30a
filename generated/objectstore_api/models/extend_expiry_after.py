# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `ExtendExpiryAfter`."""

from typing import ClassVar, Self

from attrs import frozen

from .. import json_values
from .extend_expiry_base import EXTEND_EXPIRY_BASE_CHOICES, ExtendExpiryBase


@frozen(kw_only=True)
class ExtendExpiryAfter:
    """A deadline as a duration from some point in time.

    Attributes:
        after: A duration, written like those of `x-sn-expiration`.
        from_: What the duration counts from, the creation of the object or this request.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("after", "from")

    after: str
    from_: ExtendExpiryBase

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(
            after=members.required("after", json_values.text),
            from_=members.required("from", json_values.literal(EXTEND_EXPIRY_BASE_CHOICES)),
        )

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {"after": self.after, "from": self.from_}
        return members
