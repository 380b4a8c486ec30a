"""`Client` and `AsyncClient`: they send requests, over httpx's transport interface.

By default a client drives its transport itself. So nothing that `httpx.Client` would add happens:
no redirect (a token must not travel), no cookies, no log line with the whole URL, and no
`Accept-Encoding` that invites others to compress. Bodies are read raw and never decompressed:
an object stored as zstd arrives as zstd.
"""

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

import httpx
from attrs import field, frozen

from .answers import (
    Answer,
    AsyncAnswer,
    AsyncDirect,
    AsyncDirectTransport,
    Direct,
    DirectTransport,
    HttpxAnswer,
)
from .content import EMPTY, async_body, sync_body
from .errors import ClientClosed
from .operations import RequestParts, Response, bytes_body
from .target import DEFAULT_TIMEOUT, Target

ERROR_LIMIT_BYTES = 64 * 1024
"""How much of the body of an error answer is read."""

DOCUMENT_LIMIT_BYTES = 2 * 1024 * 1024
"""How much of a JSON or text body is read; what is longer does not decode."""

BodyT = TypeVar("BodyT")
HeadersT = TypeVar("HeadersT")


@frozen(eq=False)
class StreamedResponse(Generic[HeadersT]):
    """A success whose body was not read yet. Holds a connection until it is closed.

    Attributes:
        status_code: One of the success statuses of the operation.
        headers: The documented headers, typed; all others are in its `raw`.
    """

    status_code: int
    headers: HeadersT
    _answer: Answer | AsyncAnswer = field(repr=False)

    def at_hand(self) -> bytes | None:
        """The whole body if it has arrived already, else `None`; nothing is waited for."""
        return self._answer.at_hand()

    def iter_raw(self) -> Iterator[bytes]:
        """Iterate over the body as received, in chunks of the transport (`Client` only)."""
        return iter(cast(Answer, self._answer))

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """Iterate over the body as received, in chunks of the transport (`AsyncClient` only)."""
        return aiter(cast(AsyncAnswer, self._answer))

    def close(self) -> None:
        """Release the connection (`Client` only)."""
        cast(Answer, self._answer).close()

    async def aclose(self) -> None:
        """Release the connection (`AsyncClient` only)."""
        await cast(AsyncAnswer, self._answer).aclose()


class Client:
    """Sends requests and reads answers. Thread-safe, if its transport is; httpx's are.

    Args:
        base_url: Where the service is mounted, such as `https://host/prefix`.
        timeout: For each step of each request, in seconds or as `httpx.Timeout`. By default
            connect 5, read 60, write 30, pool 10; with *http_client*, what that one has.
            `httpx.Timeout(None)` waits forever.
        headers: Sent with every request; those of a request replace them.
        transport: Sends the requests, and is closed with this client. By default
            `httpx.HTTPTransport()`, created by the first request.
        http_client: Sends the requests instead, with its own headers, auth, hooks and proxies,
            but without redirects and cookies. Stays the caller's: it is not closed here.

    Raises:
        ValueError: If *base_url* is no HTTP URL or has a user, query or fragment; if both
            *transport* and *http_client* are given.
        InvalidArgument: If a header can't be sent.
    """

    def __init__(
        self,
        base_url: str | httpx.URL,
        *,
        timeout: httpx.Timeout | float | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        http_client: httpx.Client | None = None,
    ) -> None:
        if transport is not None and http_client is not None:
            raise ValueError("give either transport or http_client, not both")
        if timeout is None:
            timeout = DEFAULT_TIMEOUT if http_client is None else http_client.timeout
        self._target = Target(base_url, timeout, headers or {})
        self._transport = transport
        self._http_client = http_client
        self._direct: Direct | None = None
        self._chosen = False
        self._closed = False
        self._lock = threading.Lock()

    def build(
        self,
        parts: RequestParts[BodyT, HeadersT],
        *,
        timeout: httpx.Timeout | float | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> httpx.Request:
        """Make the request for this client's server. Sends nothing.

        *extensions* are handed to the transport with the request, as httpx defines them.

        Raises:
            TypeError: If the body can only be iterated asynchronously.
        """
        if parts.content is None:
            return self._target.request(parts, EMPTY, 0, timeout, extensions, self._inherited())
        stream, length = sync_body(parts.content, parts.content_length)
        return self._target.request(parts, stream, length, timeout, extensions, self._inherited())

    def send(
        self,
        parts: RequestParts[BodyT, HeadersT],
        *,
        timeout: httpx.Timeout | float | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        """Send a request and return the answer, whatever its status, with its body unread.

        The caller closes it, and reads it with `iter_raw` only: httpx's other ways decompress.

        Raises:
            httpx.TransportError: If there is no answer.
        """
        if self._closed:
            raise ClientClosed("the client is closed")
        request = self.build(parts, timeout=timeout, extensions=extensions)
        if self._http_client is not None:
            response = self._http_client.send(request, stream=True, follow_redirects=False)
        else:
            response = self._open_transport().handle_request(request)
        return _unread(response, request)

    def call(
        self,
        parts: RequestParts[BodyT, HeadersT],
        *,
        timeout: httpx.Timeout | float | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> Response[BodyT, HeadersT]:
        """Send a request, read the whole answer into memory and parse it.

        Raises:
            ApiError: If the answer is not a success, or not what the contract says.
            httpx.TransportError: If there is no answer, or it breaks off.
        """
        answer = self._answer(parts, timeout, extensions)
        try:
            body = _read(answer, _limit(parts, answer.status_code))
        finally:
            answer.close()
        return parts.operation.parse(answer.status_code, answer.pairs, body)

    def open(
        self,
        parts: RequestParts[BodyT, HeadersT],
        *,
        timeout: httpx.Timeout | float | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> StreamedResponse[HeadersT]:
        """Send a request and return a success unread. The caller closes it.

        Raises:
            ApiError: If the answer is not a success (then up to 64 KiB of it were read) or a
                documented header is malformed.
            httpx.TransportError: If there is no answer.
        """
        answer = self._answer(parts, timeout, extensions)
        status, pairs = answer.status_code, answer.pairs
        try:
            if status not in parts.operation.bodies:
                raise parts.operation.error(status, pairs, _read(answer, ERROR_LIMIT_BYTES))
            headers = parts.operation.parse_headers(status, pairs)
        except BaseException:
            answer.close()
            raise
        return StreamedResponse(status, headers, answer)

    @contextmanager
    def stream(
        self,
        parts: RequestParts[BodyT, HeadersT],
        *,
        timeout: httpx.Timeout | float | None = None,
    ) -> Iterator[StreamedResponse[HeadersT]]:
        """Like `open`, as a context manager that closes on every way out."""
        response = self.open(parts, timeout=timeout)
        try:
            yield response
        finally:
            response.close()

    def close(self) -> None:
        """Close the transport. The client can't be used afterwards; closing again is fine."""
        with self._lock:
            self._closed = True
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self._target.base_url!r}>"

    def _answer(
        self,
        parts: RequestParts[BodyT, HeadersT],
        timeout: httpx.Timeout | float | None,
        extensions: Mapping[str, object] | None,
    ) -> Answer:
        """Send a request, with httpx's objects only if the transport needs them."""
        if self._closed:
            raise ClientClosed("the client is closed")
        if not self._chosen:
            self._choose()
        if self._direct is None:
            return HttpxAnswer(self.send(parts, timeout=timeout, extensions=extensions))
        stream: httpx.SyncByteStream | None = None
        length: int | None = 0
        if parts.content is not None:
            stream, length = sync_body(parts.content, parts.content_length)
        target = self._target
        head = target.head(parts, length)
        return self._direct(
            parts.method, head, length, stream, target.extensions(timeout, extensions)
        )

    def _choose(self) -> None:
        """Find out whether httpx's objects are needed."""
        if self._http_client is None and isinstance(self._transport, DirectTransport):
            self._direct = self._transport.direct(self._target.origin)
        self._chosen = True

    def _inherited(self) -> httpx.Headers | None:
        return None if self._http_client is None else self._http_client.headers

    def _open_transport(self) -> httpx.BaseTransport:
        transport = self._transport
        if transport is not None:
            return transport
        with self._lock:
            if self._closed:
                raise ClientClosed("the client is closed")
            if self._transport is None:
                self._transport = httpx.HTTPTransport()
            return self._transport


class AsyncClient:
    """Sends requests and reads answers, in one event loop.

    Args:
        base_url: Where the service is mounted, such as `https://host/prefix`.
        timeout: For each step of each request, in seconds or as `httpx.Timeout`. By default
            connect 5, read 60, write 30, pool 10; with *http_client*, what that one has.
            `httpx.Timeout(None)` waits forever.
        headers: Sent with every request; those of a request replace them.
        transport: Sends the requests, and is closed with this client. By default
            `httpx.AsyncHTTPTransport()`, created by the first request.
        http_client: Sends the requests instead, with its own headers, auth, hooks and proxies,
            but without redirects and cookies. Stays the caller's: it is not closed here.

    Raises:
        ValueError: If *base_url* is no HTTP URL or has a user, query or fragment; if both
            *transport* and *http_client* are given.
        InvalidArgument: If a header can't be sent.
    """

    def __init__(
        self,
        base_url: str | httpx.URL,
        *,
        timeout: httpx.Timeout | float | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        if transport is not None and http_client is not None:
            raise ValueError("give either transport or http_client, not both")
        if timeout is None:
            timeout = DEFAULT_TIMEOUT if http_client is None else http_client.timeout
        self._target = Target(base_url, timeout, headers or {})
        self._transport = transport
        self._http_client = http_client
        self._direct: AsyncDirect | None = None
        self._chosen = False
        self._closed = False

    def build(
        self,
        parts: RequestParts[BodyT, HeadersT],
        *,
        timeout: httpx.Timeout | float | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> httpx.Request:
        """Make the request for this client's server. Sends nothing.

        *extensions* are handed to the transport with the request, as httpx defines them.

        Raises:
            TypeError: If the body is a file or a sync iterable.
        """
        if parts.content is None:
            return self._target.request(parts, EMPTY, 0, timeout, extensions, self._inherited())
        stream, length = async_body(parts.content, parts.content_length)
        return self._target.request(parts, stream, length, timeout, extensions, self._inherited())

    async def send(
        self,
        parts: RequestParts[BodyT, HeadersT],
        *,
        timeout: httpx.Timeout | float | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        """Send a request and return the answer, whatever its status, with its body unread.

        The caller closes it, and reads it with `aiter_raw` only: httpx's other ways decompress.

        Raises:
            httpx.TransportError: If there is no answer.
        """
        if self._closed:
            raise ClientClosed("the client is closed")
        request = self.build(parts, timeout=timeout, extensions=extensions)
        if self._http_client is not None:
            response = await self._http_client.send(request, stream=True, follow_redirects=False)
        else:
            if self._transport is None:
                self._transport = httpx.AsyncHTTPTransport()
            response = await self._transport.handle_async_request(request)
        return _unread(response, request)

    async def call(
        self,
        parts: RequestParts[BodyT, HeadersT],
        *,
        timeout: httpx.Timeout | float | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> Response[BodyT, HeadersT]:
        """Send a request, read the whole answer into memory and parse it.

        Raises:
            ApiError: If the answer is not a success, or not what the contract says.
            httpx.TransportError: If there is no answer, or it breaks off.
        """
        answer = await self._answer(parts, timeout, extensions)
        try:
            body = await _aread(answer, _limit(parts, answer.status_code))
        finally:
            await answer.aclose()
        return parts.operation.parse(answer.status_code, answer.pairs, body)

    async def open(
        self,
        parts: RequestParts[BodyT, HeadersT],
        *,
        timeout: httpx.Timeout | float | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> StreamedResponse[HeadersT]:
        """Send a request and return a success unread. The caller closes it.

        Raises:
            ApiError: If the answer is not a success (then up to 64 KiB of it were read) or a
                documented header is malformed.
            httpx.TransportError: If there is no answer.
        """
        answer = await self._answer(parts, timeout, extensions)
        status, pairs = answer.status_code, answer.pairs
        try:
            if status not in parts.operation.bodies:
                raise parts.operation.error(status, pairs, await _aread(answer, ERROR_LIMIT_BYTES))
            headers = parts.operation.parse_headers(status, pairs)
        except BaseException:
            await answer.aclose()
            raise
        return StreamedResponse(status, headers, answer)

    @asynccontextmanager
    async def stream(
        self,
        parts: RequestParts[BodyT, HeadersT],
        *,
        timeout: httpx.Timeout | float | None = None,
    ) -> AsyncIterator[StreamedResponse[HeadersT]]:
        """Like `open`, as a context manager that closes on every way out."""
        response = await self.open(parts, timeout=timeout)
        try:
            yield response
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the transport. The client can't be used afterwards; closing again is fine."""
        self._closed = True
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<AsyncClient {self._target.base_url!r}>"

    async def _answer(
        self,
        parts: RequestParts[BodyT, HeadersT],
        timeout: httpx.Timeout | float | None,
        extensions: Mapping[str, object] | None,
    ) -> AsyncAnswer:
        """Send a request, with httpx's objects only if the transport needs them."""
        if self._closed:
            raise ClientClosed("the client is closed")
        if not self._chosen:
            self._choose()
        if self._direct is None:
            return HttpxAnswer(await self.send(parts, timeout=timeout, extensions=extensions))
        stream: httpx.AsyncByteStream | None = None
        length: int | None = 0
        if parts.content is not None:
            stream, length = async_body(parts.content, parts.content_length)
        target = self._target
        head = target.head(parts, length)
        return await self._direct(
            parts.method, head, length, stream, target.extensions(timeout, extensions)
        )

    def _choose(self) -> None:
        """Find out whether httpx's objects are needed."""
        if self._http_client is None and isinstance(self._transport, AsyncDirectTransport):
            self._direct = self._transport.direct(self._target.origin)
        self._chosen = True

    def _inherited(self) -> httpx.Headers | None:
        return None if self._http_client is None else self._http_client.headers


def _unread(response: httpx.Response, request: httpx.Request) -> httpx.Response:
    # Transports for tests make answers from bytes, which httpx takes for read and, if they are
    # compressed, has decompressed. Their stream still has the raw bytes.
    if response.is_stream_consumed:
        response = httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=response.stream,
            extensions=response.extensions,
        )
    response.request = request
    return response


def _limit(parts: RequestParts[BodyT, HeadersT], status: int) -> int | None:
    """How much of the body is read at most; of a payload all."""
    decode = parts.operation.bodies.get(status)
    if decode is None:
        return ERROR_LIMIT_BYTES
    return None if decode is bytes_body else DOCUMENT_LIMIT_BYTES


def _read(answer: Answer, limit: int | None) -> bytes:
    """Read the body raw, or its first *limit* bytes."""
    if (whole := answer.at_hand()) is not None:
        return whole[:limit]
    body = bytearray()
    for chunk in answer:
        body += chunk
        if limit is not None and len(body) >= limit:
            break
    return bytes(body[:limit])


async def _aread(answer: AsyncAnswer, limit: int | None) -> bytes:
    """Read the body raw, or its first *limit* bytes."""
    if (whole := answer.at_hand()) is not None:
        return whole[:limit]
    body = bytearray()
    chunks = aiter(answer)
    try:
        async for chunk in chunks:
            body += chunk
            if limit is not None and len(body) >= limit:
                break
    finally:
        # An abandoned async generator would linger until the garbage collector finds it.
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
    return bytes(body[:limit])
