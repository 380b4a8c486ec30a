"""An operation of the contract, without I/O: the request that goes out, the answer that came in."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import httpx
from attrs import field, frozen

from .content import RequestContent
from .errors import ApiError, InvalidResponse, UnexpectedStatus
from .headers import Pairs, read_headers
from .json_values import Decoder, load
from .models.error import Error

T = TypeVar("T")
BodyT_co = TypeVar("BodyT_co", covariant=True)
HeadersT_co = TypeVar("HeadersT_co", covariant=True)


@frozen(eq=False)
class Response(Generic[BodyT_co, HeadersT_co]):
    """A success, read whole and parsed.

    Attributes:
        status_code: One of the success statuses of the operation.
        headers: The documented headers, typed; all others are in its `raw`.
        body: The decoded JSON, text or bytes as received; `None` for statuses without a body.
    """

    status_code: int
    headers: HeadersT_co
    body: BodyT_co


@frozen(eq=False)
class Operation(Generic[BodyT_co, HeadersT_co]):
    """What the contract says about one operation.

    Attributes:
        id: Its `operationId`.
        method: Its HTTP method.
        headers: Makes the typed headers of a success.
        bodies: Makes the body of a success, by status.
        errors: The documented error statuses.
    """

    id: str
    method: str
    headers: Callable[[Mapping[str, str]], HeadersT_co] = field(repr=False)
    bodies: Mapping[int, Callable[[bytes], BodyT_co]] = field(repr=False)
    errors: frozenset[int] = field(repr=False)

    def parse(self, status: int, pairs: Pairs, body: bytes) -> Response[BodyT_co, HeadersT_co]:
        """Turn an answer into a typed response.

        Args:
            status: Its status.
            pairs: Its headers, as received.
            body: Its whole body, as received.

        Raises:
            ApiError: If the status is not a success. Then *body* may be cut short.
        """
        if status not in self.bodies:
            raise self.error(status, pairs, body)
        headers = self.parse_headers(status, pairs, body)
        try:
            decoded = self.bodies[status](body)
        except (ValueError, RecursionError) as error:
            raise self._invalid(status, pairs, body, error) from error
        return Response(status, headers, decoded)

    def parse_headers(self, status: int, pairs: Pairs, body: bytes = b"") -> HeadersT_co:
        """Make the typed headers of an answer.

        Raises:
            InvalidResponse: If a documented header is malformed.
        """
        try:
            return self.headers(read_headers(pairs))
        except ValueError as error:
            raise self._invalid(status, pairs, body, error) from error

    def error(self, status: int, pairs: Pairs, body: bytes) -> ApiError:
        """Make the error for an answer that is not a success."""
        error_type = ApiError if status in self.errors else UnexpectedStatus
        return error_type(self.id, status, httpx.Headers(list(pairs)), body, _error_model(body))

    def _invalid(self, status: int, pairs: Pairs, body: bytes, error: Exception) -> InvalidResponse:
        return InvalidResponse(self.id, status, httpx.Headers(list(pairs)), body, str(error))


@frozen(eq=False)
class RequestParts(Generic[BodyT_co, HeadersT_co]):
    """A request, complete but for the server it goes to and the framing of its body.

    Attributes:
        operation: The operation it asks for.
        path: From the root of the service, percent-encoded, exactly as it is sent.
        query: Encoded, without the question mark; empty for none.
        headers: By lowercase name.
        content: The body, if there is one.
        content_length: Its length in bytes, where the caller knows and *content* can't tell.
    """

    operation: Operation[BodyT_co, HeadersT_co]
    path: str
    query: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    content: RequestContent | None = field(default=None, repr=False)
    content_length: int | None = None

    @property
    def operation_id(self) -> str:
        """The `operationId` of the contract."""
        return self.operation.id

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.operation.method

    @property
    def target(self) -> str:
        """Path and query as they stand in the request line, before any prefix of the base URL."""
        return f"{self.path}?{self.query}" if self.query else self.path


def json_body(decoder: Decoder[T]) -> Callable[[bytes], T]:
    """A reader of JSON bodies."""
    return lambda body: decoder(load(body))


def text_body(body: bytes) -> str:
    """Read a text body."""
    return body.decode()


def bytes_body(body: bytes) -> bytes:
    """Take a body as it came."""
    return body


def no_body(_body: bytes) -> None:
    """Ignore whatever a status without a body brought along."""


def _error_model(body: bytes) -> Error | None:
    try:
        return Error.from_dict(load(body))
    except (ValueError, RecursionError):
        return None
