"""Reading JSON into models: strict about what the contract names, blind to what it does not.

A decoder takes a value as `load` made it and returns it typed, or raises `ShapeError`.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, NoReturn, Protocol, Self, TypeVar

from .timestamps import parse_timestamp

T = TypeVar("T")
Decoder = Callable[[object], T]


class Model(Protocol):
    """What the generated models have in common."""

    REQUIRED: ClassVar[tuple[str, ...]]
    """Wire names of the members that must be there."""

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a decoded JSON value."""
        ...


ModelA = TypeVar("ModelA", bound=Model)
ModelB = TypeVar("ModelB", bound=Model)


class ShapeError(ValueError):
    """A JSON value of the wrong type, with the path to it."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(problem, path)
        self.problem = problem
        self.path = path

    def under(self, parent: str) -> "ShapeError":
        """The same error, seen from one level up."""
        return ShapeError(self.problem, f"{parent}.{self.path}" if self.path else parent)

    def __str__(self) -> str:
        return f"JSON at {self.path or 'the root'}: {self.problem}"


def load(document: bytes) -> object:
    """Parse JSON by the letter: UTF-8, no NaN, and no name twice in an object.

    Raises:
        ValueError: If it is anything else.
        RecursionError: If it is nested too deep.
    """
    return _DECODER.decode(document.decode())


def dump(value: object) -> bytes:
    """Serialise to compact UTF-8."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def text(value: object) -> str:
    """Decode a string."""
    if isinstance(value, str):
        return value
    raise _expected("a string", value)


def integer(value: object) -> int:
    """Decode an integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _expected("an integer", value)


def number(value: object) -> float:
    """Decode a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _expected("a number", value)


def boolean(value: object) -> bool:
    """Decode a boolean."""
    if isinstance(value, bool):
        return value
    raise _expected("a boolean", value)


def timestamp(value: object) -> datetime:
    """Decode an RFC 3339 timestamp."""
    try:
        return parse_timestamp(text(value))
    except ShapeError:
        raise
    except ValueError as error:
        raise ShapeError(str(error)) from None


def literal(choices: Sequence[T]) -> Decoder[T]:
    """Decode one of a few fixed values."""

    def decode(value: object) -> T:
        for choice in choices:
            if value == choice:
                return choice
        raise _expected(f"one of {list(choices)}", value)

    return decode


def nullable(decoder: Decoder[T]) -> Decoder[T | None]:
    """Decode null or a value."""
    return lambda value: None if value is None else decoder(value)


def array(decoder: Decoder[T]) -> Decoder[Sequence[T]]:
    """Decode an array of values of one type."""

    def decode(value: object) -> Sequence[T]:
        if not isinstance(value, list):
            raise _expected("an array", value)
        items: list[T] = []
        for index, item in enumerate(value):
            try:
                items.append(decoder(item))
            except ShapeError as error:
                raise error.under(f"[{index}]") from None
        return tuple(items)

    return decode


def either(first: type[ModelA], second: type[ModelB]) -> Decoder[ModelA | ModelB]:
    """Decode one of two objects: the first if all its required members are there."""

    def decode(value: object) -> ModelA | ModelB:
        present = Members(value)
        for model in (first, second):
            if all(name in present for name in model.REQUIRED):
                return model.from_dict(value)
        raise ShapeError(
            f"expected an object with {', '.join(first.REQUIRED)} or {', '.join(second.REQUIRED)}"
        )

    return decode


class Members:
    """The members of a JSON object. Unknown ones are never looked at."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise _expected("an object", value)
        self._members = value

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def required(self, name: str, decoder: Decoder[T]) -> T:
        """Decode a member that must be there."""
        if name not in self._members:
            raise ShapeError("missing", name)
        try:
            return decoder(self._members[name])
        except ShapeError as error:
            raise error.under(name) from None

    def optional(self, name: str, decoder: Decoder[T]) -> T | None:
        """Decode a member that may be absent; null counts as absent."""
        return self.required(name, nullable(decoder)) if name in self._members else None


def _expected(what: str, value: object) -> ShapeError:
    return ShapeError(f"expected {what}, got {type(value).__name__}")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Readers disagree on which one counts.
        raise ValueError("JSON with a name twice in an object")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_refuse_constant)
