# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `PutObjectResult`."""

from typing import ClassVar, Self

from attrs import frozen

from .. import json_values


@frozen(kw_only=True)
class PutObjectResult:
    """The key of the object and, if a resumable session was asked for and opened, its token.

    Attributes:
        key: The key, decoded.
        session: Token of the session, for the query of the next steps. Opaque, and possibly
            long.
        granularity: Every chunk but the last should have at least this many bytes, and best a
            multiple, because the server keeps only whole multiples of it. None if 0 or missing.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ("key",)

    key: str
    session: str | None = None
    granularity: int | None = None

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(
            key=members.required("key", json_values.text),
            session=members.optional("session", json_values.text),
            granularity=members.optional("granularity", json_values.integer),
        )

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {"key": self.key}
        if self.session is not None:
            members["session"] = self.session
        if self.granularity is not None:
            members["granularity"] = self.granularity
        return members
