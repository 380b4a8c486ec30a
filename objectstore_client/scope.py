"""Scopes: the ordered names that make up an object's namespace (protocol section 3.3)."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import final

from objectstore_client.errors import InvalidArgumentError, shorten

__all__ = ["Scope", "SentryScope"]

MAX_SCOPE_CHARACTERS = 4096
"""Longest wire form, so that a key, metadata and the scope fit into the head of a request."""

_WORD = re.compile(r"[A-Za-z0-9_\-()$!+']+")
_RULE = "only A-Z a-z 0-9 _ - ( ) $ ! + ' are allowed, and at least one of them"


class Scope:
    """An ordered namespace: `Scope(org=17, project=42)` travels as `org=17;project=42`.

    The order counts: `Scope(a=1, b=2)` and `Scope(b=2, a=1)` hold different objects. `Scope()` is
    the empty scope, which travels as `_`. Instances are immutable, hashable, and equal when their
    wire forms are.

    Args:
        **values: Names and values, in order. Values are strings, or integers that are written in
            decimal.

    Attributes:
        items: The pairs of name and value, in order.
        path: The wire form.

    Raises:
        InvalidArgumentError: If a name or value is empty or has a character outside the allowed
            set, or all of it is longer than 4096 characters.
    """

    __slots__ = ("items", "path")

    items: tuple[tuple[str, str], ...]
    path: str

    def __init__(self, **values: str | int) -> None:
        self._set(tuple((name, _text(name, value)) for name, value in values.items()))

    @classmethod
    def parse(cls, path: str) -> Scope:
        """Read a scope from its wire form, such as `org=17;project=42` or `_`.

        Raises:
            InvalidArgumentError: If *path* is not one.
        """
        scope = Scope()
        _check_length(path)
        if path != "_":
            pieces = [piece.partition("=") for piece in path.split(";")]
            if any(not separator for _, separator, _ in pieces):
                raise InvalidArgumentError(
                    f"scope: {shorten(path)} must be '_' or 'name=value' pairs joined by ';'"
                )
            scope._set(tuple((name, value) for name, _, value in pieces))
        return scope

    def _set(self, items: tuple[tuple[str, str], ...]) -> None:
        for name, value in items:
            if not _WORD.fullmatch(name):
                raise InvalidArgumentError(f"scope: the name {shorten(name)} is not valid: {_RULE}")
            if not _WORD.fullmatch(value):
                raise InvalidArgumentError(
                    f"scope: the value {shorten(value)} of {shorten(name)} is not valid: {_RULE}"
                )
        path = ";".join(f"{name}={value}" for name, value in items) or "_"
        _check_length(path)
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "path", path)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __reduce__(self) -> tuple[object, ...]:
        return (Scope.parse, (self.path,))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scope) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"Scope.parse({self.path!r})"

    def __str__(self) -> str:
        return self.path


@final
class SentryScope(Scope):
    """The scope by Sentry's convention: `SentryScope(organization=17, project=42)` is
    `org=17;project=42`.
    """

    __slots__ = ()

    def __init__(self, *, organization: str | int, project: str | int | None = None) -> None:
        if project is None:
            super().__init__(org=organization)
        else:
            super().__init__(org=organization, project=project)


def _check_length(path: str) -> None:
    if len(path) > MAX_SCOPE_CHARACTERS:
        raise InvalidArgumentError(
            f"scope: must be at most {MAX_SCOPE_CHARACTERS} characters, got {shorten(path)}"
        )


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        with suppress(ValueError):  # Python writes out no integer of more than 4300 digits
            return str(value)
    raise InvalidArgumentError(
        f"scope: the value of {shorten(name)} must be a string or a (not too large) integer, "
        f"got {shorten(value)}"
    )
