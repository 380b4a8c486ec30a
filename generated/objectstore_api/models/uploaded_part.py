# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `UploadedPart`."""

from typing import ClassVar, Self

from attrs import frozen

from .. import json_values


@frozen(kw_only=True)
class UploadedPart:
    """A part that has just been stored.

    Attributes:
        etag: Tag of the part, to be returned as it is, double quotes included.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("etag",)

    etag: str

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(etag=members.required("etag", json_values.text))

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {"etag": self.etag}
        return members
