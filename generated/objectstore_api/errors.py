# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""What the low-level client raises.

    RuntimeError
    └── ClientClosed        the client was used after it had been closed
    ValueError
    └── InvalidArgument     an argument can't be sent; nothing was
    Exception
    └── ApiError            the server answered with a documented error status
        ├── UnexpectedStatus    … with a status the contract does not know
        └── InvalidResponse     … with a known status, but headers or body of the wrong shape

Failures of the connection stay what they are: `httpx.TransportError` and its subclasses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import httpx

if TYPE_CHECKING:  # the models import this module
    from .models.error import Error

BODY_LIMIT_BYTES = 4096
"""How much of an answer an error keeps in its `body`."""

_MESSAGE_LIMIT = 300


class InvalidArgument(ValueError):  # noqa: N818 - named like the other answers a caller catches
    """An argument that can't be put on the wire. Raised before anything is sent.

    Attributes:
        argument: Name of the argument, or of the header.
        rule: What is wrong with it.
        shown: Bounded representation of the value; empty for header values, which may be secrets.
    """

    def __init__(self, argument: str, rule: str, shown: str = "") -> None:
        super().__init__(argument, rule, shown)
        self.argument = argument
        self.rule = rule
        self.shown = shown

    @classmethod
    def showing(cls, argument: str, rule: str, value: str) -> Self:
        """An error that quotes the beginning of *value*."""
        shown = repr(value) if len(value) <= 64 else f"{value[:64]!r}… ({len(value)} characters)"
        return cls(argument, rule, shown)

    def __str__(self) -> str:
        return f"{' '.join(filter(None, (self.argument, self.shown)))}: {self.rule}"


class ClientClosed(RuntimeError):  # noqa: N818 - see above
    """The client was used after it had been closed."""


class ApiError(Exception):
    """The server answered, but not with a success.

    Attributes:
        operation: The `operationId` of the contract, such as `get_object`.
        status_code: The status as received; any integer, also outside the registered ones.
        headers: All headers of the answer.
        body: The first `BODY_LIMIT_BYTES` bytes of the body, as received.
        error: The body as the contract's JSON error, if it is one (protocol section 12.1).
    """

    def __init__(
        self,
        operation: str,
        status_code: int,
        headers: httpx.Headers,
        body: bytes = b"",
        error: Error | None = None,
    ) -> None:
        super().__init__(operation, status_code)
        self.operation = operation
        self.status_code = status_code
        self.headers = headers
        self.body = body[:BODY_LIMIT_BYTES]
        self.error = error

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.operation, self.status_code, self.headers, self.body, self.error)

    def __str__(self) -> str:
        said = self._server_text()
        return f"{self.operation}: status {self.status_code}{f': {said}' if said else ''}"

    def _server_text(self) -> str:
        if self.error is not None:
            return _one_line(
                "; ".join(filter(None, (self.error.detail, *(self.error.causes or ()))))
            )
        # Four bytes make at most one character, so that is all it takes to fill the message.
        return _one_line(self.body[: 4 * _MESSAGE_LIMIT].decode("utf-8", "replace"))


class UnexpectedStatus(ApiError):  # noqa: N818 - named like the other answers a caller catches
    """The server answered with a status that the contract does not document for the operation."""


class InvalidResponse(ApiError):  # noqa: N818 - named like the other answers a caller catches
    """A status of the contract, but the headers or the body break it.

    Attributes:
        reason: What was expected and what was found.
    """

    def __init__(
        self, operation: str, status_code: int, headers: httpx.Headers, body: bytes, reason: str
    ) -> None:
        super().__init__(operation, status_code, headers, body)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.operation, self.status_code, self.headers, self.body, self.reason)

    def __str__(self) -> str:
        return f"{self.operation}: status {self.status_code}: {_one_line(self.reason)}"


def _one_line(text: str) -> str:
    """*text* without line breaks and control characters, cut to a bearable length."""
    clean = "".join(char if char.isprintable() else " " for char in text[: 4 * _MESSAGE_LIMIT])
    clean = " ".join(clean.split())
    return clean if len(clean) <= _MESSAGE_LIMIT else f"{clean[:_MESSAGE_LIMIT]}…"
