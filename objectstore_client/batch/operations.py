"""What `many` takes and gives: operations, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeAlias, TypeVar, cast

from objectstore_client.expiration import ExpirationPolicy
from objectstore_client.sources import AsyncContents
from objectstore_client.uploads import Precompressed
from objectstore_client.usecase import Compression, Frames

__all__ = ["Delete", "Get", "Head", "Operation", "OperationResult", "Put"]


@dataclass(frozen=True, slots=True)
class Put:
    """Store an object; the arguments are those of `put`.

    Attributes:
        contents: Bytes in memory, a path, a binary file that no other operation uses, an iterable
            of bytes, or a function that returns one.
        id: Key of the object; without one the server chooses.
        metadata: Custom metadata.
        expiration_policy: Instead of the usecase's.
        compression: Instead of the usecase's.
        compression_level: Instead of the usecase's.
        frames: Instead of the usecase's, for contents that do not fit into a batch.
        precompressed: `"zstd"` if *contents* are compressed already.
        content_type: Media type, or `"guess"`.
        filename: File name for those who download the object.
        origin: Where the contents came from.
    """

    contents: AsyncContents
    id: str | None = None
    metadata: Mapping[str, str] | None = None
    expiration_policy: ExpirationPolicy | None = None
    compression: Compression | None = None
    compression_level: int | None = None
    frames: Frames | None = None
    precompressed: Precompressed | None = None
    content_type: str | None = None
    filename: str | None = None
    origin: str | None = None

    def options(self) -> dict[str, Any]:
        """The arguments of `put` that say more than contents and id."""
        return {name: getattr(self, name) for name in _OPTIONS}


_OPTIONS = tuple(field.name for field in fields(Put) if field.name not in ("contents", "id"))


@dataclass(frozen=True, slots=True)
class Get:
    """Read the object with the key *id*."""

    id: str


@dataclass(frozen=True, slots=True)
class Head:
    """Describe the object with the key *id*."""

    id: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the object with the key *id*, which need not exist."""

    id: str


Operation: TypeAlias = Put | Get | Head | Delete

Value_co = TypeVar("Value_co", covariant=True)


class OperationResult(Generic[Value_co]):
    """What became of one operation.

    Attributes:
        operation: The operation, as it was given.
        key: The key of the object; `None` if the server would have chosen it, but failed.
        error: Why it failed, `None` if it did not: the error that the same call by itself would
            have raised.
        attempts: How many requests it was part of; 0 if it was refused before. (A put that takes a
            request of its own, because it does not fit into a batch, counts as 1 if it succeeded.)
    """

    __slots__ = ("_value", "attempts", "error", "key", "operation")

    def __init__(
        self,
        operation: Operation,
        key: str | None,
        attempts: int,
        value: Value_co | None = None,
        error: Exception | None = None,
    ) -> None:
        self.operation = operation
        self.key = key
        self.attempts = attempts
        self.error = error
        self._value = value

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.error is None

    @property
    def value(self) -> Value_co:
        """What the same call by itself would have returned.

        Raises:
            Exception: The `error`, if it failed.
        """
        return self.raise_if_failed()

    def raise_if_failed(self) -> Value_co:
        """Return the value; raise the error if there is one."""
        if self.error is not None:
            raise self.error
        return cast(Value_co, self._value)

    def __repr__(self) -> str:
        kind = type(self.operation).__name__
        state = "ok" if self.error is None else repr(self.error)
        return f"<{type(self).__name__} {kind} {self.key!r}: {state}>"
