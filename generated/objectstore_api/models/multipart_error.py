# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `MultipartError`."""

from typing import ClassVar, Self

from attrs import frozen

from .. import json_values


@frozen(kw_only=True)
class MultipartError:
    """Why the object could not be assembled.

    Attributes:
        code: `InvalidPart`, a code of the storage below, or `internal error` for all the rest.
        message: The reason in words.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("code", "message")

    code: str
    message: str

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(
            code=members.required("code", json_values.text),
            message=members.required("message", json_values.text),
        )

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {"code": self.code, "message": self.message}
        return members
