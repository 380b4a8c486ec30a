# Generated from objectstore_client/_async/body.py; do not edit. To regenerate: python -m generator
"""What a payload is read from."""

from __future__ import annotations

from typing import Protocol, Self

from objectstore_client.errors import IntegrityError

__all__ = ["Body", "check_length", "receive"]


class Body(Protocol):
    """Where a payload comes from: the stored bytes of an object, or what a batch brought.

    Attributes:
        length: How many bytes there are to come, if known.
        total: Bytes of the whole object, if known.
        received: How many have come.
        attempts: How many requests were sent for them.
    """

    @property
    def length(self) -> int | None: ...
    @property
    def total(self) -> int | None: ...
    @property
    def received(self) -> int: ...
    @property
    def attempts(self) -> int: ...
    def at_hand(self) -> bytes | None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> bytes: ...
    def close(self) -> None: ...


def receive(body: Body) -> bytes | None:
    """Return what comes next; `None` at the end, however often, and then no connection is held.

    Raises:
        IntegrityError: If it ends too early.
    """
    for chunk in body:
        return chunk
    check_length(body)
    body.close()
    return None


def check_length(body: Body) -> None:
    """Make sure that all has come.

    Raises:
        IntegrityError: If not.
    """
    if body.length is not None and body.received != body.length:
        error = IntegrityError("the payload is not as long as the server said")
        error.add_note(f"{body.length} bytes were declared, {body.received} arrived")
        raise error
