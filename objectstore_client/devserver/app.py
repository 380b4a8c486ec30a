"""The ASGI application: requests to the service, its results to answers.

Payloads stream both ways in pieces of about `PIECE_BYTES`. What waits for a disk runs on threads
of its own.
"""

from __future__ import annotations

import logging
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeAlias

from objectstore_client.devserver import metadata, routing
from objectstore_client.devserver.auth import EVERYTHING, PERMISSIONS, Authority, Grant
from objectstore_client.devserver.batch import Asked, Batch, Done
from objectstore_client.devserver.drafts import Drafts
from objectstore_client.devserver.exchange import (
    ClientGone,
    Exchange,
    Message,
    Receive,
    Request,
    Send,
)
from objectstore_client.devserver.extension import MAX_JSON_BYTES, check_json_type, parse_target
from objectstore_client.devserver.features import Features
from objectstore_client.devserver.load import Load
from objectstore_client.devserver.multipart import Multipart
from objectstore_client.devserver.policies import Policies
from objectstore_client.devserver.ranges import ByteRange, parse_range
from objectstore_client.devserver.records import Address, Record
from objectstore_client.devserver.replies import (
    Headers,
    Refusal,
    Reply,
    empty,
    json_document,
    json_error,
    text,
)
from objectstore_client.devserver.resumable import Resumable
from objectstore_client.devserver.routing import Operation, Route
from objectstore_client.devserver.service import Reading, Service, Upload
from objectstore_client.devserver.storage import Payload, Storage, StorageError
from objectstore_client.devserver.threads import Threads

PIECE_BYTES = 512 * 1024
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

_log = logging.getLogger(__name__)
access_log = logging.getLogger(f"{__package__}.access")


def utc_now() -> datetime:
    """The clock of a server that is not told another one."""
    return datetime.now(UTC)


_Operation: TypeAlias = Callable[[Request], Awaitable[Reply | None]]

_CREATING = (
    Operation.CREATE_OBJECT,
    Operation.PUT_OBJECT,
    Operation.INITIATE_MULTIPART,
    Operation.CREATE_SESSION,
)


class App:
    """Serves the objects of *storage*.

    Args:
        storage: Closed by `close`.
        clock: Returns the present time in UTC.
        authority: Says who may do what; without one, everybody may do everything.
        policies: What use cases allow.
        features: What it offers.
        shutdown_marker: While this file exists, `/ready` says no.
    """

    service_class = Service

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Callable[[], datetime] = utc_now,
        authority: Authority | None = None,
        policies: Policies | None = None,
        features: Features | None = None,
        shutdown_marker: Path | None = None,
    ) -> None:
        self._storage = storage
        self._service = self.service_class(storage)
        self._clock = clock
        self._authority = authority
        self._policies = policies
        self._marker = shutdown_marker or Path(tempfile.gettempdir(), "objectstore.down")
        self._load = Load()
        self._threads = Threads(blocks=storage.blocks)
        self._run = self._threads.run
        drafts, read_record = Drafts(storage.drafts), self.read_record
        features = features or Features()
        resumable = Resumable(drafts, self._service, self._threads, features, read_record)
        multipart = Multipart(drafts, self._service, self._threads, read_record)
        self._operations: dict[Operation, _Operation] = {
            Operation.CREATE_OBJECT: self._create_object,
            Operation.PUT_OBJECT: self._put_object,
            Operation.GET_OBJECT: self._get_object,
            Operation.HEAD_OBJECT: self._head_object,
            Operation.DELETE_OBJECT: self._delete_object,
            Operation.PATCH_OBJECT: self._patch_object,
            Operation.BATCH_OBJECTS: self._batch_objects,
            Operation.CREATE_SESSION: resumable.create,
            Operation.PUT_CHUNK: resumable.put_chunk,
            Operation.CANCEL_SESSION: resumable.cancel,
            Operation.INITIATE_MULTIPART: multipart.initiate,
            Operation.PUT_PART: multipart.put_part,
            Operation.LIST_PARTS: multipart.list_parts,
            Operation.COMPLETE_MULTIPART: multipart.complete,
            Operation.ABORT_MULTIPART: multipart.abort,
        }
        self._internal: dict[Operation, Callable[[], Reply]] = {
            Operation.HEALTH: partial(text, 200, "OK"),
            Operation.READY: self._ready,
            Operation.KEDA: lambda: text(200, self._load.render(), content_type=_PROMETHEUS),
        }

    def close(self) -> None:
        """Wait for what runs on the threads, and close the storage."""
        self._threads.close()
        self._storage.close()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI server asks for it."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        began = time.perf_counter()
        exchange = Exchange(scope, receive, send)
        try:
            await self._serve(exchange)
        except Refusal as refusal:
            await exchange.answer(refusal.reply)
        except ClientGone:
            pass
        except (StorageError, OSError) as error:
            reply = _storage_failure(error)
            if exchange.status is not None:
                raise  # the server cuts the connection, the only way left to tell
            await exchange.answer(reply)
        finally:
            if access_log.isEnabledFor(logging.INFO):
                path, milliseconds = exchange.raw_path.decode(), (time.perf_counter() - began) * 1e3
                status = exchange.status or "gone"
                access_log.info("%s %s %s %.1f ms", exchange.method, path, status, milliseconds)

    async def _serve(self, exchange: Exchange) -> None:
        now = self._clock()
        exchange.check_head()
        route = routing.match(exchange.method, exchange.raw_path)
        if route.operation in self._internal:
            await exchange.answer(self._internal[route.operation]())
            return
        with self._load.request():
            grant = self._authenticate(exchange, now)
            operation, address, query = self.resolve(route, exchange)
            self._admit(operation, address, exchange.headers, now, grant)
            with self._load.task():
                request = Request(exchange, address, query, now, grant)
                reply = await self._operations[operation](request)
            if reply is not None:
                await exchange.answer(reply)

    # ---- who may do what ----------------------------------------------------------------

    def _authenticate(self, exchange: Exchange, now: datetime) -> Grant:
        """What the request may do. It is known before anything but the route is looked at."""
        if self._authority is None:
            return EVERYTHING
        return self._authority.grant(
            exchange.method, exchange.raw_path, exchange.raw_query, exchange.headers, now
        )

    def _admit(
        self, operation: Operation, address: Address, headers: Headers, now: datetime, grant: Grant
    ) -> None:
        """Check one operation before its payload is read: the range or the metadata in *headers*,
        the policy of the use case, permission and scope, in this order (protocol section 12.3).

        Raises:
            Refusal: 400 or 403.
        """
        if self._authority is None and self._policies is None:
            return  # whatever is wrong, the operation itself finds out
        if operation in _CREATING:
            record = self.read_record(headers, now)
            if self._policies is not None:
                self._policies.of(address.usecase).check(record.policy)
        elif operation is Operation.GET_OBJECT:
            for name, value in headers:
                if name == b"range":
                    parse_range(value)
        permission = PERMISSIONS[operation]
        if permission is not None:
            grant.authorize(permission, address)

    # ---- where servers differ: `OldApp` has its own of these --------------------------------

    def resolve(
        self, route: Route, exchange: Exchange
    ) -> tuple[Operation, Address, Mapping[str, str]]:
        """Say what a request asks for: the operation, on what, and the query that goes with it."""
        address = route.address()
        query = routing.parse_query(exchange.raw_query)
        return routing.refine(route.operation, query), address, query

    def read_record(self, headers: Headers, now: datetime) -> Record:
        """Read the metadata of an object that is being created."""
        return metadata.read_record(headers, now)

    def describe(self, record: Record) -> Headers:
        """Write the headers that GET and HEAD have in common, without a length."""
        return metadata.describe(record)

    def whole_length(self, record: Record) -> Headers:
        """Write the length of a whole object."""
        return [(b"content-length", b"%d" % record.size)]

    head_status = 200

    # ---- operations: each returns its answer, or has streamed it already -----------------

    async def _create_object(self, request: Request) -> Reply:
        address = request.address._replace(key=str(uuid.uuid4()))
        return await self._store(request, address, status=201)

    async def _put_object(self, request: Request) -> Reply:
        return await self._store(request, request.address, status=200)

    async def _store(self, request: Request, address: Address, *, status: int) -> Reply:
        exchange = request.exchange
        record = self.read_record(exchange.headers, request.now)
        upload = self._service.upload(address, record)
        try:
            complete = False
            while not complete:
                pieces = await exchange.read(PIECE_BYTES)
                complete = not exchange.body_pending
                await self._run(_advance, upload, pieces, complete)
        except BaseException:
            await self._run(upload.discard)
            raise
        finally:
            self._load.bytes += exchange.received
        return json_document(status, {"key": address.key})

    async def _get_object(self, request: Request) -> Reply | None:
        exchange = request.exchange
        header = exchange.header(b"range")
        byte_range = None if header is None else parse_range(header)
        reading, piece = await self._run(
            _open, self._service, request.address, byte_range, request.now
        )
        status, headers = 200, self.describe(reading.record)
        if byte_range is None:
            headers += self.whole_length(reading.record)
        else:
            status = 206
            bounds = (reading.offset, reading.offset + reading.length - 1, reading.record.size)
            headers.append((b"content-range", b"bytes %d-%d/%d" % bounds))
            headers.append((b"content-length", b"%d" % reading.length))
        if len(piece) == reading.length:
            self._load.bytes += len(piece)
            return Reply(status, headers, piece)
        try:
            await exchange.stream(status, headers, self._pieces(reading, piece))
        finally:
            reading.payload.close()
        return None

    async def _pieces(self, reading: Reading, piece: bytes) -> AsyncIterator[bytes]:
        offset, end = reading.offset, reading.offset + reading.length
        while True:
            self._load.bytes += len(piece)
            yield piece
            offset += len(piece)
            if offset == end:
                return
            piece = await self._run(_read, reading.payload, offset, min(PIECE_BYTES, end - offset))

    async def _head_object(self, request: Request) -> Reply:
        record = await self._run(self._service.describe, request.address, request.now)
        headers = [*self.describe(record), *self.whole_length(record)]
        return Reply(self.head_status, headers)

    async def _delete_object(self, request: Request) -> Reply:
        await self._run(self._service.delete, request.address)
        return empty(204)

    async def _patch_object(self, request: Request) -> Reply:
        check_json_type(request.exchange.header(b"content-type"))
        target = parse_target(await request.exchange.read_all(MAX_JSON_BYTES))
        policy = None if self._policies is None else self._policies.of(request.address.usecase)
        check = None if policy is None else partial(policy.check_deadline, now=request.now)
        await self._run(self._service.extend, request.address, target, request.now, check)
        return empty(204)

    async def _batch_objects(self, request: Request) -> None:
        batch = Batch(request.exchange, partial(self._perform, request))
        async with aclosing(batch.answer()) as pieces:
            headers = [(b"content-type", batch.content_type)]
            await request.exchange.converse(200, headers, pieces)

    async def _perform(self, request: Request, asked: Asked) -> Done:
        """Carry out one operation of a batch."""
        address, now = request.address._replace(key=asked.key), request.now
        insert = asked.operation is Operation.PUT_OBJECT  # nothing else has headers that count
        self._admit(asked.operation, address, asked.headers if insert else [], now, request.grant)
        try:
            with self._load.task():
                match asked.operation:
                    case Operation.GET_OBJECT:
                        reading, piece = await self._run(_open, self._service, address, None, now)
                        described = metadata.for_part(self.describe(reading.record))
                        body = self._pieces(reading, piece)
                        return Done(200, described, body, reading.payload.close)
                    case Operation.HEAD_OBJECT:
                        record = await self._run(self._service.describe, address, now)
                        return Done.without_body(204, metadata.for_part(self.describe(record)))
                    case Operation.DELETE_OBJECT:
                        await self._run(self._service.delete, address)
                        return Done.without_body(204)
                upload = self._service.upload(address, self.read_record(asked.headers, now))
                try:
                    await self._run(_advance, upload, [asked.payload], True)
                except BaseException:
                    await self._run(upload.discard)
                    raise
                self._load.bytes += len(asked.payload)
                return Done.without_body(201)
        except (StorageError, OSError) as error:
            raise Refusal(_storage_failure(error)) from error

    def _ready(self) -> Reply:
        return text(503, "shutting down") if self._marker.exists() else text(200, "OK")


def _storage_failure(error: StorageError | OSError) -> Reply:
    _log.error("storage failure", exc_info=error)
    cause = error.strerror if isinstance(error, OSError) else str(error)
    return json_error(500, "storage failure", [cause] if cause else [])


def _advance(upload: Upload, pieces: list[bytes], complete: bool) -> None:
    """Take an upload as far as it goes in one step, which for a small object is all the way."""
    upload.write(pieces)
    if complete:
        upload.commit()


def _open(
    service: Service, address: Address, byte_range: ByteRange | None, now: datetime
) -> tuple[Reading, bytes]:
    """Open an object and read the first piece; if that is all there is, close it again."""
    reading = service.read(address, byte_range, now)
    complete = False
    try:
        piece = _read(reading.payload, reading.offset, min(PIECE_BYTES, reading.length))
        complete = len(piece) < reading.length
    finally:
        if not complete:
            reading.payload.close()
    return reading, piece


def _read(payload: Payload, offset: int, size: int) -> bytes:
    piece = payload.read(offset, size)
    if len(piece) != size:
        raise StorageError("the payload of the object is shorter than it was")
    return piece
