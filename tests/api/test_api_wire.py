"""The generated client over real sockets, the same cases in both worlds."""

import asyncio
import gc
import gzip
import io
import logging
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from objectstore_api import (
    ApiError,
    AsyncClient,
    Client,
    InvalidArgument,
    InvalidResponse,
    StreamedResponse,
    UnexpectedStatus,
)
from objectstore_api.api.internal import health
from objectstore_api.api.multipart import put_part
from objectstore_api.api.objects import (
    create_object,
    delete_object,
    get_object,
    head_object,
    put_object,
)
from objectstore_api.content import PIECE_BYTES

from tests.support.rawserver import Exchange, RawServer, answer, reply

MIB = 1 << 20
OK = answer(200, body=b'{"key": "k"}')


class World(Protocol):
    """Lets one test drive both clients."""

    def client(self, url: str, **options: Any) -> AbstractAsyncContextManager[Any]:
        """A client as a context manager."""

    async def call(self, operation: Any, *path: str, client: Any, **arguments: Any) -> Any:
        """`sync` or `asyncio` of an operation."""

    def stream(
        self, operation: Any, *path: str, client: Any, **arguments: Any
    ) -> AbstractAsyncContextManager[StreamedResponse[Any]]:
        """`stream_sync` or `stream_asyncio` of an operation."""

    def chunks(self, response: StreamedResponse[Any]) -> AsyncIterator[bytes]:
        """The chunks of a streamed body."""

    def body(self, make: Callable[[], Iterator[bytes]]) -> Any:
        """A streamed request body of this world."""


class SyncWorld:
    """The sync client; it blocks the loop, but the server lives in threads."""

    @asynccontextmanager
    async def client(self, url: str, **options: Any) -> AsyncIterator[Client]:
        """A client as a context manager."""
        with Client(url, **options) as client:
            yield client

    async def call(self, operation: Any, *path: str, client: Any, **arguments: Any) -> Any:
        """`sync` of an operation."""
        return operation.sync(*path, client=client, **arguments)

    @asynccontextmanager
    async def stream(
        self, operation: Any, *path: str, client: Any, **arguments: Any
    ) -> AsyncIterator[StreamedResponse[Any]]:
        """`stream_sync` of an operation."""
        with operation.stream_sync(*path, client=client, **arguments) as response:
            yield response

    async def chunks(self, response: StreamedResponse[Any]) -> AsyncIterator[bytes]:
        """The chunks of a streamed body."""
        for chunk in response.iter_raw():
            yield chunk

    def body(self, make: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
        """A generator."""
        return make()


class AsyncWorld:
    """The async client."""

    def client(self, url: str, **options: Any) -> AsyncClient:
        """A client as a context manager."""
        return AsyncClient(url, **options)

    async def call(self, operation: Any, *path: str, client: Any, **arguments: Any) -> Any:
        """`asyncio` of an operation."""
        return await operation.asyncio(*path, client=client, **arguments)

    def stream(
        self, operation: Any, *path: str, client: Any, **arguments: Any
    ) -> AbstractAsyncContextManager[StreamedResponse[Any]]:
        """`stream_asyncio` of an operation."""
        result: AbstractAsyncContextManager[StreamedResponse[Any]] = operation.stream_asyncio(
            *path, client=client, **arguments
        )
        return result

    def chunks(self, response: StreamedResponse[Any]) -> AsyncIterator[bytes]:
        """The chunks of a streamed body."""
        return response.aiter_raw()

    async def body(self, make: Callable[[], Iterator[bytes]]) -> AsyncIterator[bytes]:
        """An async generator; it runs the sync one on a thread, so that it may block."""
        source = make()
        while (chunk := await asyncio.to_thread(next, source, None)) is not None:
            yield chunk


@pytest.fixture(params=[SyncWorld(), AsyncWorld()], ids=["sync", "async"])
def world(request: pytest.FixtureRequest) -> World:
    """Both worlds, one after the other."""
    chosen: World = request.param
    return chosen


async def test_the_request_is_exactly_what_was_asked_for(world: World) -> None:
    """Request line, headers and body arrive byte for byte, under the path of the base URL."""
    key = "//;=!$'()*+,:@/%20 é?#"
    with RawServer(reply(200, body=b'{"key": "k"}')) as server:
        async with world.client(f"{server.url}/pre%2Ffix/", headers={"x-os-auth": "t"}) as client:
            await world.call(
                put_object,
                "u/c",
                "org=17;project=42",
                key,
                client=client,
                body=b"data",
                session="a b/=&+",
                content_type="text/plain",
                extra_headers={"X-Snme-Build": "7"},
            )
    (request,) = server.requests
    assert (request.method, request.target) == (
        "PUT",
        "/pre%2Ffix/v1/objects/u%2Fc/org=17;project=42///;=!$'()*+,:@/%2520%20%C3%A9%3F%23"
        "?session=a%20b%2F%3D%26%2B",
    )
    assert request.headers == {
        "host": server.host,
        "user-agent": "objectstore-api-python",
        "accept-encoding": "identity",
        "x-os-auth": "t",
        "content-type": "text/plain",
        "x-snme-build": "7",
        "content-length": "4",
    }
    assert request.body == b"data"


async def test_requests_without_body_say_so(world: World) -> None:
    """An empty write announces a length of zero; a read or delete announces nothing."""
    head = reply(200, content_length=26)  # the length of what a GET would return
    script = [reply(201, body=b'{"key": "k"}'), reply(204), head, reply(200, body=b"OK")]
    with RawServer(*script) as server:
        async with world.client(server.url) as client:
            await world.call(create_object, "u", "_", client=client)
            await world.call(delete_object, "u", "_", "k", client=client)
            described = await world.call(head_object, "u", "_", "k", client=client)
            assert (await world.call(health, client=client)).body == "OK"
    lengths = [request.headers.get("content-length") for request in server.requests]
    assert lengths == ["0", None, None, None]
    assert described.headers.content_length == 26
    assert server.connections == 1


async def test_uploads_are_streamed(world: World) -> None:
    """A body of unknown length goes out chunk by chunk, each before the next is asked for."""
    arrived = threading.Event()
    received: list[bytes] = []

    def handle(exchange: Exchange) -> None:
        for chunk in exchange.chunks():
            received.append(chunk)
            arrived.set()
        exchange.send(OK)

    def produce() -> Iterator[bytes]:
        for number in range(3):
            yield b"%d" % number
            yield b""  # must not end the body
            assert arrived.wait(10)
            arrived.clear()

    with RawServer(handle) as server:
        async with world.client(server.url) as client:
            await world.call(put_object, "u", "_", "k", client=client, body=world.body(produce))
    assert received == [b"0", b"1", b"2"]
    assert server.requests[0].headers["transfer-encoding"] == "chunked"


async def test_uploads_of_announced_length(world: World) -> None:
    """With `content_length` a streamed body is not chunked."""
    with RawServer(reply(200, body=b'{"etag": "e"}')) as server:
        async with world.client(server.url) as client:
            response = await world.call(
                put_part,
                "u",
                "_",
                "k",
                client=client,
                upload_id="i",
                part_number=1,
                body=world.body(lambda: iter([b"abc", b"de"])),
                content_length=5,
            )
    assert response.body.etag == "e"
    assert server.requests[0].headers["content-length"] == "5"
    assert server.requests[0].body == b"abcde"


@pytest.mark.parametrize(
    ("length", "problem"),
    [(0, "is longer"), (2, "is longer"), (3, "is longer"), (9, "ended after 6 bytes")],
)
async def test_a_body_that_breaks_its_announcement_fails(
    world: World, length: int, problem: str
) -> None:
    """A body of another length than announced never becomes a complete request."""
    complete = threading.Event()

    def handle(exchange: Exchange) -> None:
        exchange.read_body()  # the client closes before the end
        complete.set()

    with RawServer(handle) as server:
        async with world.client(server.url) as client:
            with pytest.raises(InvalidArgument, match=problem):
                await world.call(
                    put_object,
                    "u",
                    "_",
                    "k",
                    client=client,
                    body=world.body(lambda: iter([b"abc", b"", b"def"])),
                    content_length=length,
                )
    assert not complete.is_set() or length == 0


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview], ids=lambda make: make.__name__)
async def test_large_buffers(world: World, make: Callable[[bytes], Any]) -> None:
    """Buffers of any kind arrive whole, and those that can't change are sent without a copy."""
    data = bytes(range(256)) * (5 * MIB // 256) + b"tail"
    with RawServer(reply(200, body=b'{"key": "k"}')) as server:
        async with world.client(server.url) as client:
            await world.call(put_object, "u", "_", "k", client=client, body=make(data))
    assert server.requests[0].body == data


def test_buffers_are_sent_in_views() -> None:
    """A large buffer reaches the transport as views of at most 1 MiB, not as copies."""
    data = b"x" * (2 * MIB + 1)
    parts = put_object.build_request("u", "_", "k", body=data)
    stream = Client("http://h").build(parts).stream
    assert isinstance(stream, httpx.SyncByteStream)
    pieces: list[object] = list(stream)
    assert [memoryview(piece).nbytes for piece in pieces] == [MIB, MIB, 1]  # type: ignore[arg-type]
    assert all(isinstance(piece, memoryview) and piece.obj is data for piece in pieces)
    assert b"".join(stream) == data, "a buffer can be sent again"


class CountingFile(io.BytesIO):
    """A file that notes how it was read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.sizes: list[int | None] = []

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, and note how much was asked for."""
        self.sizes.append(size)
        return super().read(size)


def test_files_are_read_in_blocks_from_where_they_stand() -> None:
    """A file goes out in blocks (not lines) from its position, with its length, and stays open."""
    file = CountingFile(b"skip" + b"line\n" * (PIECE_BYTES // 2))
    file.seek(4)
    with RawServer(reply(200, body=b'{"key": "k"}')) as server, Client(server.url) as client:
        put_object.sync("u", "_", "k", client=client, body=file)
    assert server.requests[0].body == file.getvalue()[4:]
    assert server.requests[0].headers["content-length"] == str(PIECE_BYTES // 2 * 5)
    assert file.sizes == [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES // 2]
    assert not file.closed


def test_a_section_of_a_file() -> None:
    """With `content_length` just that many bytes of a file are sent, which suits parts."""
    file = io.BytesIO(b"0123456789")
    file.seek(2)
    with RawServer(reply(200, body=b'{"key": "k"}')) as server, Client(server.url) as client:
        put_object.sync("u", "_", "k", client=client, body=file, content_length=5)
    assert server.requests[0].body == b"23456"
    assert file.tell() == 7


def test_files_without_a_size_are_chunked(tmp_path: Path) -> None:
    """What has only `read`, such as a pipe, is sent chunked."""

    class Pipe:
        def __init__(self) -> None:
            self._blocks = [b"", b"b", b"a"]

        def read(self, _size: int, /) -> bytes:
            return self._blocks.pop()

    with RawServer(reply(200, body=b'{"key": "k"}')) as server, Client(server.url) as client:
        put_object.sync("u", "_", "k", client=client, body=Pipe())
    assert server.requests[0].headers["transfer-encoding"] == "chunked"
    assert server.requests[0].body == b"ab"


def test_text_files_are_refused() -> None:
    """A file opened as text is an error with the type in it, not a broken object."""

    def handle(exchange: Exchange) -> None:
        exchange.read_body()

    with (
        RawServer(handle) as server,
        Client(server.url) as client,
        pytest.raises(TypeError, match="must yield bytes, got str"),
    ):
        put_object.sync("u", "_", "k", client=client, body=io.StringIO("é"))  # type: ignore[arg-type]


async def test_a_consumed_body_is_not_sent_again(world: World) -> None:
    """Sending the same one-shot body twice fails instead of storing an empty object."""
    body = world.body(lambda: iter([b"once"]))
    sent: list[bytes] = []
    transport = _recording_transport(sent)
    async with world.client("http://h", transport=transport) as client:
        request = client.build(put_object.build_request("u", "_", "k", body=body))
        if isinstance(client, Client):
            transport.handle_request(request)
            with pytest.raises(httpx.StreamConsumed):
                transport.handle_request(request)
        else:
            await transport.handle_async_request(request)
            with pytest.raises(httpx.StreamConsumed):
                await transport.handle_async_request(request)
    assert sent == [b"once"]


async def test_downloads_are_streamed(world: World) -> None:
    """Headers and each piece of the body can be had before the next one is sent."""
    go_on = threading.Event()

    def handle(exchange: Exchange) -> None:
        exchange.send(answer(200, [("x-sn-size", "6")], b"abc", content_length=6))
        assert go_on.wait(10)
        exchange.send(b"def")

    with RawServer(handle) as server:
        async with (
            world.client(server.url) as client,
            world.stream(get_object, "u", "_", "k", client=client) as response,
        ):
            assert (response.status_code, response.headers.x_sn_size) == (200, 6)
            chunks = world.chunks(response)
            assert await anext(chunks) == b"abc"
            go_on.set()
            assert [chunk async for chunk in chunks] == [b"def"]


async def test_streams_are_not_decompressed(world: World) -> None:
    """Bytes stored as zstd or gzip arrive as they are, streamed or not."""
    headers = [("Content-Encoding", "zstd"), ("Content-Type", "text/plain")]
    script = reply(200, headers, b"\x28\xb5\x2f\xfdnot really zstd")
    with RawServer(script, script) as server:
        async with world.client(server.url) as client:
            whole = await world.call(get_object, "u", "_", "k", client=client)
            async with world.stream(get_object, "u", "_", "k", client=client) as response:
                streamed = b"".join([chunk async for chunk in world.chunks(response)])
    assert whole.body == streamed == b"\x28\xb5\x2f\xfdnot really zstd"
    assert whole.headers.content_encoding == "zstd"


async def test_leaving_a_stream_releases_the_connection(world: World) -> None:
    """However the block is left, the connection goes back to the pool or is closed."""
    body = b"x" * 10
    with RawServer(*[reply(200, body=body)] * 3, reply(200, body=b"OK")) as server:
        async with world.client(server.url, transport=_single_connection(world)) as client:
            async with world.stream(get_object, "u", "_", "k", client=client) as response:
                assert b"".join([chunk async for chunk in world.chunks(response)]) == body
            async with world.stream(get_object, "u", "_", "k", client=client):
                pass  # unread
            with pytest.raises(ZeroDivisionError):
                async with world.stream(get_object, "u", "_", "k", client=client):
                    raise ZeroDivisionError
            # With one connection at most, this would time out if one was still held.
            assert (await world.call(health, client=client)).body == "OK"


async def test_errors_of_streams_are_read_in_bounds_and_raised(world: World) -> None:
    """Of an endless error answer 64 KiB are read; then the connection is closed, and it raises."""
    closed = threading.Event()

    def handle(exchange: Exchange) -> None:
        exchange.send(answer(503, body=b"", content_length=1 << 40))
        try:
            while True:
                exchange.send(b"x" * 65536)
        finally:
            closed.set()

    for send in (world.stream, None):
        closed.clear()
        with RawServer(handle) as server:
            async with world.client(server.url) as client:
                with pytest.raises(ApiError) as caught:
                    if send is None:
                        await world.call(get_object, "u", "_", "k", client=client)
                    else:
                        async with send(get_object, "u", "_", "k", client=client):
                            pytest.fail("an error is not streamed")
            assert closed.wait(10)
        assert caught.value.status_code == 503
        assert caught.value.body == b"x" * 4096


async def test_malformed_headers_of_streams_release_the_connection(world: World) -> None:
    """If the headers break the contract, the stream never opens and holds nothing."""
    script = [reply(200, [("x-sn-size", "big")], b"x" * 10), reply(200, body=b"OK")]
    with RawServer(*script) as server:
        async with world.client(server.url, transport=_single_connection(world)) as client:
            with pytest.raises(InvalidResponse, match="x-sn-size"):
                async with world.stream(get_object, "u", "_", "k", client=client):
                    pytest.fail("must not open")
            assert (await world.call(health, client=client)).body == "OK"


async def test_an_early_error_answer_ends_an_endless_upload(world: World) -> None:
    """A server that refuses before it has read the body is heard, however much there is to send."""

    def handle(exchange: Exchange) -> None:
        exchange.send(answer(403, [("Connection", "close")], b'{"detail": "no"}'))
        raise ConnectionError  # closes with the body unread

    def produce() -> Iterator[bytes]:
        while True:
            yield b"x" * MIB

    with RawServer(handle) as server:
        async with world.client(server.url) as client:
            with pytest.raises((ApiError, httpx.TransportError)) as caught:
                await world.call(put_object, "u", "_", "k", client=client, body=world.body(produce))
    # A reset may overtake the answer; what must never happen is that the upload goes on.
    if isinstance(caught.value, ApiError):
        assert (caught.value.status_code, caught.value.error and caught.value.error.detail) == (
            403,
            "no",
        )


@pytest.mark.parametrize("status", [202, 302, 418, 599])
async def test_undocumented_statuses_raise(world: World, status: int) -> None:
    """Also outside the registered range; no redirect is followed, as a token must not travel."""
    script = reply(status, [("Location", "http://127.0.0.1:1/")], b"odd")
    with RawServer(script, script) as server:
        async with world.client(server.url) as client:
            with pytest.raises(UnexpectedStatus) as caught:
                await world.call(get_object, "u", "_", "k", client=client)
            with pytest.raises(UnexpectedStatus):
                async with world.stream(get_object, "u", "_", "k", client=client):
                    pytest.fail("must not open")
    assert (caught.value.status_code, caught.value.body) == (status, b"odd")


async def test_malformed_json_raises(world: World) -> None:
    """A success that is not the promised JSON is an InvalidResponse with what came instead."""
    with RawServer(reply(200, body=b"<html>")) as server:
        async with world.client(server.url) as client:
            with pytest.raises(InvalidResponse) as caught:
                await world.call(put_object, "u", "_", "k", client=client, body=b"")
    assert (caught.value.status_code, caught.value.body) == (200, b"<html>")


async def test_truncated_answers_raise(world: World) -> None:
    """A body that ends before its announced length is a transport error, never a short result."""

    def handle(exchange: Exchange) -> None:
        exchange.send(answer(200, body=b"half", content_length=8))
        raise ConnectionError

    with RawServer(handle, handle) as server:
        async with world.client(server.url) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await world.call(get_object, "u", "_", "k", client=client)
            with pytest.raises(httpx.RemoteProtocolError):
                async with world.stream(get_object, "u", "_", "k", client=client) as response:
                    async for _ in world.chunks(response):
                        pass


async def test_a_silent_server_is_a_timeout(world: World) -> None:
    """The read timeout of a call ends the wait for an answer."""

    def handle(exchange: Exchange) -> None:
        assert exchange.peer_closed()

    with RawServer(handle) as server:
        async with world.client(server.url) as client:
            with pytest.raises(httpx.ReadTimeout):
                await world.call(get_object, "u", "_", "k", client=client, timeout=0.05)


async def test_nothing_is_logged_at_info(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The query may hold a token, so no log line of level INFO has the URL."""
    caplog.set_level(logging.INFO)
    with RawServer(reply(204)) as server:
        async with world.client(server.url) as client:
            await world.call(delete_object, "u", "_", "k", client=client, session="secret")
    assert caplog.messages == []


async def test_a_ready_http_client_is_used_and_left_open(world: World) -> None:
    """Its headers and hooks apply, ours rank above its defaults, and it is not closed."""
    seen: list[httpx.Request] = []

    async def note_async(request: httpx.Request) -> None:
        seen.append(request)

    headers = {"x-theirs": "1", "user-agent": "theirs"}
    with RawServer(reply(302, [("Location", "/elsewhere")]), reply(200, body=b"OK")) as server:
        ready: httpx.Client | httpx.AsyncClient
        if isinstance(world, SyncWorld):
            hooks: dict[str, list[Callable[..., Any]]] = {"request": [seen.append]}
            ready = httpx.Client(headers=headers, event_hooks=hooks, follow_redirects=True)
        else:
            hooks = {"request": [note_async]}
            ready = httpx.AsyncClient(headers=headers, event_hooks=hooks, follow_redirects=True)
        async with world.client(server.url, http_client=ready, headers={"x-ours": "2"}) as client:
            with pytest.raises(UnexpectedStatus):
                await world.call(put_object, "u", "_", "/k", client=client, body=b"abc")
            assert (await world.call(health, client=client)).body == "OK"
        assert not ready.is_closed
        if isinstance(ready, httpx.Client):
            ready.close()
        else:
            await ready.aclose()
    first = server.requests[0]
    assert (first.target, first.body) == ("/v1/objects/u/_//k", b"abc")
    assert first.headers["x-theirs"] == "1"
    assert first.headers["x-ours"] == "2"
    assert first.headers["user-agent"] == "theirs"
    assert first.headers["accept-encoding"] == "identity"
    assert first.headers["content-length"] == "3"
    assert len(seen) == 2


async def test_a_transport_is_used_and_closed(world: World) -> None:
    """A given transport gets the requests itself, and is closed with the client."""
    sent: list[bytes] = []
    transport = _recording_transport(sent)
    async with world.client("http://h", transport=transport) as client:
        response = await world.call(put_object, "u", "_", "k", client=client, body=b"abc")
        assert response.body.key == "k"
    assert sent == [b"abc"]
    assert transport.closed


@pytest.mark.parametrize("ready", [False, True], ids=["transport", "http_client"])
async def test_answers_in_memory_are_fine(world: World, ready: bool) -> None:
    """A mock transport may answer with bytes; they are neither lost nor decompressed."""
    headers = {"content-encoding": "gzip", "x-sn-size": "5"}
    packed = gzip.compress(b"hello")
    mock = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=packed))
    async with AsyncExitStack() as stack:
        options: dict[str, Any] = {"transport": mock}
        if ready and isinstance(world, SyncWorld):
            options = {"http_client": stack.enter_context(httpx.Client(transport=mock))}
        elif ready:
            http_client = httpx.AsyncClient(transport=mock)
            options = {"http_client": await stack.enter_async_context(http_client)}
        client = await stack.enter_async_context(world.client("http://h", **options))
        whole = await world.call(get_object, "u", "_", "k", client=client)
        async with world.stream(get_object, "u", "_", "k", client=client) as response:
            streamed = b"".join([chunk async for chunk in world.chunks(response)])
    assert whole.body == streamed == packed
    assert whole.headers.x_sn_size == 5


async def test_a_closed_client_refuses(world: World) -> None:
    """After closing nothing is sent any more, and closing again does no harm."""
    async with world.client("http://127.0.0.1:9") as client:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        await world.call(health, client=client)
    if isinstance(client, Client):
        client.close()
    else:
        await client.aclose()


def test_threads_share_a_client() -> None:
    """Many threads may use one client from its first request on."""
    count = 8
    with RawServer(*[reply(200, body=b"OK")] * count) as server, Client(server.url) as client:
        barrier = threading.Barrier(count)
        bodies: list[str] = []

        def work() -> None:
            barrier.wait()
            bodies.append(health.sync(client=client).body)

        threads = [threading.Thread(target=work) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert bodies == ["OK"] * count


async def test_cancelling_a_call_releases_the_connection() -> None:
    """A cancelled task leaves no connection behind."""
    arrived = threading.Event()

    def stall(exchange: Exchange) -> None:
        exchange.send(answer(200, body=b"half", content_length=8))
        arrived.set()
        assert exchange.peer_closed()
        raise ConnectionError

    with RawServer(stall, reply(200, body=b"OK")) as server:
        limits = httpx.Limits(max_connections=1)
        transport = httpx.AsyncHTTPTransport(limits=limits)
        async with AsyncClient(server.url, transport=transport) as client:
            task = asyncio.create_task(get_object.asyncio("u", "_", "k", client=client))
            await asyncio.to_thread(arrived.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await health.asyncio(client=client)).body == "OK"


async def test_abandoned_error_bodies_leave_no_generators(world: World) -> None:
    """Cutting an error body short leaves nothing for the garbage collector to complain about."""
    script = reply(500, body=b"x" * (4 * 65536))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with RawServer(script) as server:
            async with world.client(server.url) as client:
                with pytest.raises(ApiError):
                    await world.call(get_object, "u", "_", "k", client=client)
        gc.collect()


class _RecordingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Reads request bodies into a list and answers with a key."""

    def __init__(self, sent: list[bytes]) -> None:
        self.sent = sent
        self.closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        self.sent.append(b"".join(request.stream))
        return self._answer()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self.sent.append(b"".join([chunk async for chunk in request.stream]))
        return self._answer()

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True

    def _answer(self) -> httpx.Response:
        return httpx.Response(200, stream=httpx.ByteStream(b'{"key": "k"}'))


def _recording_transport(sent: list[bytes]) -> _RecordingTransport:
    return _RecordingTransport(sent)


def _single_connection(world: World) -> httpx.HTTPTransport | httpx.AsyncHTTPTransport:
    limits = httpx.Limits(max_connections=1)
    if isinstance(world, SyncWorld):
        return httpx.HTTPTransport(limits=limits)
    return httpx.AsyncHTTPTransport(limits=limits)
