"""Batches: the operations in the body of one request, and the answer they add up to (protocol
section 9).

An operation begins when its part was received, a few run at a time, and each is answered when it
has ended. Held are the payloads of those that run, of 1 MiB at most, and one piece of what is being
read or sent.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

from objectstore_client.batch.framing import (
    MAX_PAYLOAD_BYTES,
    FramingError,
    Part,
    PartReader,
    new_boundary,
    read_boundary,
    read_headers,
)
from objectstore_client.devserver.exchange import Exchange
from objectstore_client.devserver.replies import Headers, Refusal, Reply, json_error, text
from objectstore_client.devserver.routing import Operation, has_dot_segment
from objectstore_client.header_values import decode_value, encode_value

MAX_OPERATIONS = 1000
MAX_BODY_BYTES = 1024**3
_AT_ONCE = 16

_OPERATIONS = {
    "get": Operation.GET_OBJECT,
    "head": Operation.HEAD_OBJECT,
    "insert": Operation.PUT_OBJECT,
    "delete": Operation.DELETE_OBJECT,
}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_READS = (Operation.GET_OBJECT, Operation.HEAD_OBJECT)


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation of a batch, and the headers and payload of its part."""

    kind: str
    operation: Operation
    key: str
    headers: Headers
    payload: bytes


def _nothing_to_close() -> None:
    pass


async def _empty() -> AsyncIterator[bytes]:
    return
    yield b""


@dataclass(frozen=True, slots=True)
class Done:
    """What an operation came to: the status and metadata of its part, and the pieces of its body.

    *close* is called in any case, *body* perhaps not.
    """

    status: int
    headers: Headers
    body: AsyncIterator[bytes]
    close: Callable[[], None] = _nothing_to_close

    @classmethod
    def without_body(cls, status: int, headers: Headers | None = None) -> Done:
        """One whose part has no body."""
        return cls(status, headers or [], _empty())


Perform: TypeAlias = Callable[[Asked], Awaitable[Done]]
"""Carries out one operation, or raises a `Refusal` that says what its part has to."""


class Batch:
    """One batch: reads the operations, has them carried out, makes the answer.

    Attributes:
        content_type: Of the answer.

    Raises:
        Refusal: 400 if the request is no batch.
    """

    def __init__(self, exchange: Exchange, perform: Perform) -> None:
        boundary = read_boundary((exchange.header(b"content-type") or b"").decode("latin-1"))
        if boundary is None:
            raise Refusal(text(400, "Invalid `boundary` for `multipart/form-data` request"))
        self._exchange = exchange
        self._perform = perform
        self._reader = PartReader(boundary, max_body=MAX_PAYLOAD_BYTES)
        self._boundary = b"os-boundary-" + new_boundary()
        self.content_type = b'multipart/form-data; boundary="%b"' % self._boundary
        self._count = 0
        self._complete = False  # there are no more operations to be read

    async def answer(self) -> AsyncGenerator[bytes]:
        """Carry everything out, and yield the pieces of the answer."""
        waiting: deque[tuple[int, Part | Refusal]] = deque()
        running: set[asyncio.Task[tuple[bytes, Done]]] = set()
        reading: asyncio.Task[list[tuple[int, Part | Refusal]]] | None = None
        try:
            while True:
                while waiting and len(running) < _AT_ONCE:
                    running.add(asyncio.create_task(self._carry_out(*waiting.popleft())))
                if reading is None and not waiting and not self._complete:
                    reading = asyncio.create_task(self._read())
                if reading is None and not running:
                    break
                awaited = running if reading is None else running | {reading}
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                if reading is not None and reading.done():
                    waiting += reading.result()
                    reading = None
                for task in [task for task in running if task.done()]:
                    head, done = task.result()
                    yield b"--%b\r\n%b\r\n\r\n" % (self._boundary, head)
                    async for piece in done.body:
                        yield piece
                    yield b"\r\n"
                    done.close()
                    running.discard(task)
            yield b"--%b--" % self._boundary
        finally:
            left = [*running, *([reading] if reading else [])]
            for each in left:
                each.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            for task in running:
                if not task.cancelled() and task.exception() is None:
                    task.result()[1].close()

    async def _read(self) -> list[tuple[int, Part | Refusal]]:
        """Receive the next operations: after the last piece of the body, there are no more."""
        exchange, found = self._exchange, []
        problem = None
        for piece in await exchange.read(1):
            try:
                for part in self._reader.feed(piece):
                    found.append((self._count, self._checked(part)))
                    self._count += 1
            except FramingError as error:
                problem = str(error)
                break
        if problem is None and exchange.received > MAX_BODY_BYTES:
            problem = "the body is longer than 1 GiB"
        if problem is None and not exchange.body_pending and not self._reader.ended:
            problem = "it ends before its closing boundary"
        if problem is not None:
            found.append((self._count, Refusal(json_error(400, "malformed batch", [problem]))))
        self._complete = problem is not None or not exchange.body_pending
        return found

    def _checked(self, part: Part) -> Part | Refusal:
        if self._count >= MAX_OPERATIONS:
            return Refusal(json_error(413, "the batch has more than 1000 operations"))
        return part

    async def _carry_out(self, index: int, part: Part | Refusal) -> tuple[bytes, Done]:
        """Carry out one operation; return the head of its part, and the rest."""
        lines = [(b"x-sn-batch-operation-index", b"%d" % index)]
        asked: Asked | None = None
        try:
            if isinstance(part, Refusal):
                raise part
            asked = read_operation(part)
            done = await self._perform(asked)
        except Refusal as refusal:
            if refusal.reply.status == 404 and asked is not None and asked.operation in _READS:
                done = Done.without_body(404)
            else:
                asked, done = None, _error(refusal.reply)
        if asked is not None:
            lines.append((b"x-sn-batch-operation-key", encode_value(asked.key).encode("ascii")))
            lines.append((b"x-sn-batch-operation-kind", asked.kind.encode("ascii")))
        status = f"{done.status} {HTTPStatus(done.status).phrase}"
        lines.append((b"x-sn-batch-operation-status", status.encode("ascii")))
        lines += done.headers
        lines.append((b"content-disposition", b"form-data; name=part"))
        return b"\r\n".join(b"%b: %b" % line for line in lines), done


def read_operation(part: Part) -> Asked:
    """Read what a part asks for.

    Raises:
        Refusal: 400 if that is not clear, 413 if its payload is too large.
    """
    try:
        headers = read_headers(part.head)
    except FramingError as error:
        raise _bad_part(str(error)) from None
    if not all(map(_HEADER_NAME.fullmatch, headers)):
        raise _bad_part("a header has no valid name")
    kind = headers.get("x-sn-batch-operation-kind", "").lower()
    if kind not in _OPERATIONS:
        raise _bad_part("the operation has no known kind")
    encoded = headers.get("x-sn-batch-operation-key")
    try:
        key = None if encoded is None else decode_value(encoded)
    except ValueError as error:
        raise _bad_part(f"the key can't be decoded: {error}") from None
    if key is None and kind == "insert":
        key = str(uuid.uuid4())
    if not key:
        raise _bad_part("the operation has no key")
    if has_dot_segment(key):
        raise _bad_part("'.' and '..' are not allowed as segments of a key")
    if kind == "insert" and part.size > MAX_PAYLOAD_BYTES:
        raise Refusal(json_error(413, "the payload of the insert is larger than 1 MiB"))
    raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    return Asked(kind, _OPERATIONS[kind], key, raw, part.body)


def _bad_part(cause: str) -> Refusal:
    return Refusal(json_error(400, "invalid batch operation", [cause]))


def _error(reply: Reply) -> Done:
    """The part for an operation that was refused: always JSON, though it does not say so."""
    if (b"content-type", b"application/json") not in reply.headers:
        reply = json_error(reply.status, reply.body.decode() or HTTPStatus(reply.status).phrase)

    async def body() -> AsyncIterator[bytes]:
        yield reply.body

    return Done(reply.status, [], body())
