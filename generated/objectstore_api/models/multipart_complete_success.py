# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `MultipartCompleteSuccess`."""

from typing import ClassVar, Self

from attrs import frozen

from .. import json_values


@frozen(kw_only=True)
class MultipartCompleteSuccess:
    """The object is stored.

    Attributes:
        key: The key of the object.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("key",)

    key: str

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(key=members.required("key", json_values.text))

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {"key": self.key}
        return members
