# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""The JSON object `Error`."""

from collections.abc import Sequence
from typing import ClassVar, Self

from attrs import frozen

from .. import json_values


@frozen(kw_only=True)
class Error:
    """What went wrong, for humans.

    Attributes:
        detail: The error in words. Clients should bear with null and with absence.
        causes: Causes from the outermost to the innermost. Missing if there are none.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ()

    detail: str | None = None
    causes: Sequence[str] | None = None

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value. Unknown members are ignored.

        Raises:
            ShapeError: If it is not such an object.
        """
        members = json_values.Members(value)
        return cls(
            detail=members.optional("detail", json_values.text),
            causes=members.optional("causes", json_values.array(json_values.text)),
        )

    def to_dict(self) -> dict[str, object]:
        """Make a value that `json.dumps` takes. Absent members are left out."""
        members: dict[str, object] = {}
        if self.detail is not None:
            members["detail"] = self.detail
        if self.causes is not None:
            members["causes"] = list(self.causes)
        return members
