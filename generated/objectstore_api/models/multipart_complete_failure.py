# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `MultipartCompleteFailure`."""

from typing import ClassVar, Self

from attrs import frozen

from .. import json_values
from .multipart_error import MultipartError


@frozen(kw_only=True)
class MultipartCompleteFailure:
    """The object could not be assembled.

    Attributes:
        error: Why the object could not be assembled.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("error",)

    error: MultipartError

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(error=members.required("error", MultipartError.from_dict))

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {"error": self.error.to_dict()}
        return members
