"""Every error this package raises, by who failed.

    ObjectstoreError
    ├── InvalidArgumentError        the caller: refused before anything was sent (also a ValueError)
    ├── ClosedError                 the caller: the client or payload was closed before
    ├── TokenProviderError          the caller: what should return a token failed
    ├── TransportError              the way: there is no complete answer
    │   ├── ConnectError            no connection, so nothing was sent
    │   ├── ConnectionLostError     the connection broke, or carried no valid HTTP
    │   └── TransportTimeoutError   a time-out passed (also a TimeoutError)
    ├── ApiError                    the server: it answered, and the answer is an error
    │   ├── BadRequestError         400, 413, 415, 422
    │   ├── AuthenticationError     401
    │   ├── PermissionDeniedError   403
    │   ├── ObjectNotFound          404 in answer to a read or a change of one object
    │   ├── ConflictError           409
    │   ├── RangeNotSatisfiable     416: no byte of the object lies in the range
    │   ├── RateLimitedError        429
    │   ├── MultipartError          200, and in it that the parts of an upload can't be joined
    │   ├── UnsupportedError        405, 501: this server does not offer the operation
    │   └── ServerError             every other 5xx
    └── DataError                   the data: what arrived is not what was promised
        ├── IntegrityError          truncated, corrupted or inconsistent payload
        │   └── ObjectChanged       another version of the object came between
        └── InvalidResponseError    an answer that breaks the protocol

Messages are stable, so that reports group; what varies (status, detail, key, …) stands in
attributes, and in the notes that a traceback prints. All errors can be pickled. No error carries a
token or a query string.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Self

__all__ = [
    "ApiError",
    "AuthenticationError",
    "BadRequestError",
    "ClosedError",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "DataError",
    "IntegrityError",
    "InvalidArgumentError",
    "InvalidResponseError",
    "MultipartError",
    "ObjectChanged",
    "ObjectNotFound",
    "ObjectstoreError",
    "PermissionDeniedError",
    "RangeNotSatisfiable",
    "RateLimitedError",
    "ServerError",
    "TokenProviderError",
    "TransportError",
    "TransportTimeoutError",
    "UnsupportedError",
    "api_error",
]


class ObjectstoreError(Exception):
    """Root of all errors of this package.

    Attributes:
        operation: What was asked for (`put`, `get`, `head`, `delete`, `extend_expiry`), if known.
        usecase: Name of the usecase, if known.
        scope: Scope in its wire form (`org=17;project=42`, `_` when empty), if known.
        key: Key of the object, if there is one.
        attempts: How many requests were sent, or tried to be.
        elapsed: Seconds from the start of the operation to its failure, waiting included.
        retryable: Whether the same call may succeed later and does no harm if it is made again.
        outcome_unknown: Whether the operation may have taken effect although it failed.
    """

    operation: str | None = None
    usecase: str | None = None
    scope: str | None = None
    key: str | None = None
    attempts: int = 0
    elapsed: float = 0.0
    retryable: bool = False
    outcome_unknown: bool = False

    def locate(
        self, *, operation: str, usecase: str | None, scope: str | None, key: str | None
    ) -> None:
        """Record where the error happened, unless that is known; also as a traceback note."""
        if self.operation is not None:
            return
        self.operation, self.usecase, self.scope, self.key = operation, usecase, scope, key
        facts = {"operation": operation, "usecase": usecase, "scope": scope, "key": key}
        self.add_note(", ".join(f"{k}: {shorten(v)}" for k, v in facts.items() if v is not None))


class InvalidArgumentError(ObjectstoreError, ValueError):
    """An argument breaks a rule; nothing was sent. The message names argument, value and rule."""


class ClosedError(ObjectstoreError, ValueError):
    """The client or payload was used after it had been closed; a ValueError, as for any file."""


class TokenProviderError(ObjectstoreError):
    """The function that was passed as `token=` failed, which is the cause, or returned no token.
    Nothing was sent.
    """


class TransportError(ObjectstoreError):
    """There is no complete answer: the connection failed before, during or after the request."""


class ConnectError(TransportError):
    """No connection could be made (refused, unreachable, unknown host, TLS); nothing was sent."""


class ConnectionLostError(TransportError):
    """The connection broke, or the peer does not speak valid HTTP; the request may have taken
    effect.
    """


class TransportTimeoutError(TransportError, TimeoutError):
    """A time-out passed.

    Attributes:
        phase: `connect`, `write`, `read` or `pool`: which of the time-outs it was; `deadline` if
            it was the deadline of the whole operation.
    """

    phase: str | None = None


class ApiError(ObjectstoreError):
    """The server answered with an error status (protocol section 12).

    Attributes:
        status: The HTTP status.
        detail: The server's own words, at most 4 KiB, if there are any. Not stable: do not parse.
        causes: Inner causes the server named.
        retry_after: Seconds after which the server would like to be asked again, if it says so.
    """

    status: int
    detail: str | None
    causes: tuple[str, ...]
    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        detail: str | None = None,
        causes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status, self.detail, self.causes = status, detail, causes
        if detail:
            self.add_note("the server says: " + _line(": ".join([detail, *causes])))


class BadRequestError(ApiError):
    """The request is malformed, or against the usecase's policy (400, 413, 415, 422)."""


class AuthenticationError(ApiError):
    """The token is not valid (401). Servers answer a missing one with 400: `BadRequestError`."""


class PermissionDeniedError(ApiError):
    """The token does not cover this operation, usecase or scope, or a killswitch is on (403)."""


class ObjectNotFound(ApiError):  # noqa: N818 - the name its users expect
    """The object does not exist, or has expired (404)."""


class ConflictError(ApiError):
    """The object's state does not allow the change, for instance because it never expires (409)."""


class RangeNotSatisfiable(ApiError):  # noqa: N818 - the name HTTP gives it
    """No byte of the object lies in the range (416).

    Attributes:
        size: Bytes of the object, or of its decoded payload if that is what was asked for;
            `None` if the server does not say.
    """

    size: int | None = None

    @classmethod
    def of(cls, size: int | None) -> Self:
        """Make the error for an object of *size* bytes."""
        error = cls("no byte of the object lies in the range", status=416)
        error.size = size
        if size is not None:
            error.add_note(f"the object has {size} bytes")
        return error


class RateLimitedError(ApiError):
    """A rate limit or the service's concurrency limit was hit (429)."""


class MultipartError(ApiError):
    """The parts of a multipart upload could not be joined, which a success with 200 tells.

    Attributes:
        code: `InvalidPart` for a part that is missing or another one, `internal error` for all
            that the server does not explain, or what its storage says.
    """

    code: str = "internal error"


class UnsupportedError(ApiError):
    """This server does not offer the operation (405 on older servers, 501)."""


class ServerError(ApiError):
    """The server failed or is overloaded (5xx except 501)."""


class DataError(ObjectstoreError):
    """What arrived is not what was promised."""


class IntegrityError(DataError):
    """The payload is truncated, corrupted, or not of the length that was declared."""


class ObjectChanged(IntegrityError):  # noqa: N818 - nothing is wrong with the data
    """The object was replaced or deleted while it was being read; what came so far is of the
    older version.
    """

    @classmethod
    def because(cls, change: str) -> Self:
        """Make the error, with what shows the change as a note."""
        error = cls("the object changed while it was being read")
        error.add_note(change)
        return error


class InvalidResponseError(DataError):
    """The answer breaks the protocol: wrong JSON, unreadable headers, an undocumented status.

    Attributes:
        status: The HTTP status of that answer.
    """

    status: int | None = None


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    405: UnsupportedError,
    409: ConflictError,
    413: BadRequestError,
    415: BadRequestError,
    422: BadRequestError,
    429: RateLimitedError,
    501: UnsupportedError,
}


def api_error(
    status: int, *, absent: bool, detail: str | None = None, causes: tuple[str, ...] = ()
) -> ApiError:
    """Make the error for an answer of *status*.

    Args:
        status: The HTTP status, 400 or above.
        absent: Whether 404 means that the object is absent; else it can only be an unknown route.
        detail: The server's words.
        causes: Inner causes.
    """
    if status == 404 and absent:
        return ObjectNotFound("the object does not exist", status=404, detail=detail, causes=causes)
    error_type = _BY_STATUS.get(status) or (ServerError if status >= 500 else ApiError)
    error = error_type(
        f"the server answered {status}{_phrase(status)}",
        status=status,
        detail=detail,
        causes=causes,
    )
    if status == 404:
        error.add_note("no such route: check the path of the base URL")
    return error


def shorten(value: object, limit: int = 200) -> str:
    """`repr` of *value* for a message, never longer than about *limit* characters."""
    if isinstance(value, (str, bytes)) and len(value) > limit:
        return f"{value[:limit]!r}… ({len(value)} long)"
    try:
        text = repr(value)
    except Exception as error:  # such as that of an integer of more than 4300 digits
        text = f"a {type(value).__name__} without a representation ({type(error).__name__})"
    return text if len(text) <= limit + 40 else f"{text[:limit]}…"


def _line(text: str, limit: int = 300) -> str:
    """*text* as one line of bearable length."""
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[:limit]}…"


def _phrase(status: int) -> str:
    try:
        return f" ({HTTPStatus(status).phrase})"
    except ValueError:
        return ""
