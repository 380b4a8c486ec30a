"""One request and its answer, on top of ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from objectstore_client.devserver.records import Address, Record
from objectstore_client.devserver.replies import Headers, Refusal, Reply, text

if TYPE_CHECKING:
    from objectstore_client.devserver.auth import Grant

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

MAX_HEAD_BYTES = 64 * 1024
MAX_HEAD_FIELDS = 100

# How much a client that has its answer may go on sending before it is cut off.
_DRAIN_BYTES = 16 * 1024 * 1024
_DRAIN_SECONDS = 5.0


class ClientGone(Exception):  # noqa: N818 - nothing went wrong on our side
    """The client has closed the connection; nobody is there for an answer."""


class Exchange:
    """Reads one request piece by piece and sends its answer.

    Attributes:
        method: As it stands in the request line.
        raw_path: Without the query, still percent-encoded.
        raw_query: Still percent-encoded.
        headers: Names in lower case.
        body_pending: Whether some of the body may not have been read yet.
        body_length: What `Content-Length` announces, `None` without one.
        received: Body bytes read so far.
        status: Of the answer, once there is one.
    """

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self._version: str = scope["http_version"]
        self.raw_path: bytes = scope["raw_path"]
        self.raw_query: bytes = scope["query_string"]
        self.headers: Headers = scope["headers"]
        self.status: int | None = None
        self.received = 0
        self.body_length: int | None = None
        self._chunked = False
        for name, value in self.headers:
            if name == b"content-length":
                self.body_length = int(value)
            elif name == b"transfer-encoding":
                self._chunked = True
        self.body_pending = self._chunked or bool(self.body_length)
        self._receive = receive
        self._send = send

    def header(self, name: bytes) -> bytes | None:
        """Return the value of the last header *name*."""
        found = None
        for candidate, value in self.headers:
            if candidate == name:
                found = value
        return found

    def check_head(self) -> None:
        """Refuse a head that is too large or ambiguous.

        Raises:
            Refusal: 505 if it is of another HTTP, 431 if it is too large, 400 if two lengths of
                the body may contradict each other, which is a way to smuggle requests.
        """
        if self._version not in ("1.1", "1.0"):
            reply = text(505, "only HTTP/1.1 is supported")
            reply.headers.append((b"connection", b"close"))
            raise Refusal(reply)
        size = len(self.raw_path) + len(self.raw_query)
        size += sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEAD_FIELDS:
            raise Refusal(text(431, "the head of the request is too large"))
        if self._chunked and self.body_length is not None:
            raise Refusal(text(400, "both Content-Length and Transfer-Encoding"))

    # ---- the request body ---------------------------------------------------------------

    async def read(self, at_least: int) -> list[bytes]:
        """Return the next pieces of the body, together *at_least* so many bytes or all the rest.

        Raises:
            ClientGone: If the body ends before it is complete.
        """
        pieces: list[bytes] = []
        total = 0
        while self.body_pending and total < at_least:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGone
            piece = message.get("body", b"")
            self.body_pending = message.get("more_body", False)
            if piece:
                pieces.append(piece)
                total += len(piece)
        self.received += total
        return pieces

    async def read_all(self, limit: int) -> bytes:
        """Return the whole body.

        Raises:
            Refusal: 413 if it is longer than *limit*.
            ClientGone: If the body ends before it is complete.
        """
        if (self.body_length or 0) <= limit:
            content = b"".join(await self.read(limit + 1))
            if len(content) <= limit:
                return content
        raise Refusal(text(413, "length limit exceeded"))

    # ---- the answer ---------------------------------------------------------------------

    async def answer(self, reply: Reply) -> None:
        """Send a whole answer, then end the connection if the body has not been read."""
        close = self.body_pending
        headers = [*reply.headers, (b"connection", b"close")] if close else reply.headers
        await self._start(reply.status, headers)
        await self._send({"type": "http.response.body", "body": reply.body, "more_body": close})
        if close:
            await self._drain()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def stream(self, status: int, headers: Headers, pieces: AsyncIterable[bytes]) -> None:
        """Send an answer whose body is too large to be held; stops when the client goes away.

        What is left of the request's body is not read, so the connection ends with the answer.
        """
        if self.body_pending:
            headers = [*headers, (b"connection", b"close")]
        await self._start(status, headers)
        # ASGI servers drop silently what is sent to nobody: without this the rest of a large
        # object would be read for nothing.
        gone = asyncio.ensure_future(self._wait_until_gone())
        try:
            async for piece in pieces:
                if gone.done():
                    return
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
                # Sending need not wait: without this, nobody would learn that the client has gone.
                await asyncio.sleep(0)
        finally:
            gone.cancel()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def converse(self, status: int, headers: Headers, pieces: AsyncIterable[bytes]) -> None:
        """Send an answer while the body of the request is still being read.

        Whoever makes *pieces* reads it; once that is done, this stops when the client goes away.
        """
        await self._start(status, headers)
        gone: asyncio.Future[None] | None = None
        try:
            async for piece in pieces:
                if gone is not None and gone.done():
                    return
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
                if gone is None and not self.body_pending:
                    gone = asyncio.ensure_future(self._wait_until_gone())
                await asyncio.sleep(0)
        finally:
            if gone is not None:
                gone.cancel()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, status: int, headers: Headers) -> None:
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _wait_until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _drain(self) -> None:
        """Throw away what the client is still sending, within bounds.

        Closing a connection with unread data resets it, and the client could lose the answer.
        """
        with suppress(ClientGone, TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                end = self.received + _DRAIN_BYTES
                while self.body_pending and self.received < end:
                    await self.read(1)


@dataclass(frozen=True, slots=True)
class Request:
    """What an operation has to know.

    Attributes:
        address: Its key is empty on a collection.
        query: The parameters that operations know.
        now: The point in time that all its decisions share.
        grant: What the request may do.
    """

    exchange: Exchange
    address: Address
    query: Mapping[str, str]
    now: datetime
    grant: Grant


ReadRecord: TypeAlias = Callable[[Headers, datetime], Record]
"""Reads the metadata of an object that is being created; `read_record` is one."""
