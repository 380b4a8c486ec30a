"""The batch operation of the low-level client: raw bytes both ways, as streams if need be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import objectstore_api as api
import pytest
from objectstore_api.api.batch import batch_objects

from objectstore_client.batch.framing import Part, PartReader, read_boundary, read_headers
from tests.support.rawserver import Exchange, RawServer

TYPE = "multipart/form-data; boundary=B"
PIECES = [
    b"--B\r\nx-sn-batch-operation-kind: insert\r\nx-sn-batch-operation-key: raw\r\n\r\n",
    b"payl",
    b"oad",
    b"\r\n--B\r\nx-sn-batch-operation-kind: head\r\nx-sn-batch-operation-key: absent\r\n\r\n",
    b"\r\n--B--",
]


def statuses(parts: list[Part]) -> dict[str, str]:
    """The status of each operation, by index."""
    headers = [read_headers(part.head) for part in parts]
    return {
        each["x-sn-batch-operation-index"]: each["x-sn-batch-operation-status"] for each in headers
    }


def reader_of(answer: api.StreamedResponse[batch_objects.BatchObjectsHeaders]) -> PartReader:
    """A reader of the parts of an answer."""
    boundary = read_boundary(answer.headers.content_type or "")
    assert boundary is not None
    return PartReader(boundary)


def test_a_batch_is_streamed_both_ways(server_url: str) -> None:
    """The body is any iterable, the answer is read as it comes."""
    with (
        api.Client(server_url) as client,
        batch_objects.stream_sync(
            "testing", "api=batch", client=client, body=iter(PIECES), content_type=TYPE
        ) as answer,
    ):
        reader = reader_of(answer)
        parts = [part for piece in answer.iter_raw() for part in reader.feed(piece)]
        reader.finish()
    assert statuses(parts) == {"0": "201 Created", "1": "404 Not Found"}


def test_a_batch_is_streamed_both_ways_with_asyncio(server_url: str) -> None:
    """The same, with an async iterable."""

    async def body() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    async def run() -> list[Part]:
        async with (
            api.AsyncClient(server_url) as client,
            batch_objects.stream_asyncio(
                "testing", "api=batch", client=client, body=body(), content_type=TYPE
            ) as answer,
        ):
            reader = reader_of(answer)
            parts = [part async for piece in answer.aiter_raw() for part in reader.feed(piece)]
            reader.finish()
            return parts

    assert statuses(asyncio.run(run())) == {"0": "201 Created", "1": "404 Not Found"}


def test_a_batch_in_memory(server_url: str) -> None:
    """Bytes in, bytes out."""
    with api.Client(server_url) as client:
        answer = batch_objects.sync(
            "testing", "api=batch", client=client, body=b"".join(PIECES), content_type=TYPE
        )
    reader = PartReader(read_boundary(answer.headers.content_type or "") or b"")
    assert len(list(reader.feed(answer.body))) == 2
    assert reader.ended


def test_the_answer_is_not_collected() -> None:
    """Its first part can be read while the server still thinks about the second."""
    first = b"--B\r\nx-sn-batch-operation-index: 1\r\nx-sn-batch-operation-status: 204\r\n\r\n\r\n"

    def handle(exchange: Exchange) -> None:
        exchange.read_body()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/form-data; boundary=B\r\n\r\n"
        exchange.send(head + first + b"--B\r\n")
        assert exchange.peer_closed()
        raise ConnectionError

    with (
        RawServer(handle) as server,
        api.Client(server.url) as client,
        batch_objects.stream_sync(
            "testing", "_", client=client, body=PIECES, content_type=TYPE
        ) as answer,
    ):
        reader = reader_of(answer)

        def parts() -> Iterator[Part]:
            for piece in answer.iter_raw():
                yield from reader.feed(piece)

        assert statuses([next(parts())]) == {"1": "204"}


def test_refusals_are_errors_of_the_client(server_url: str) -> None:
    """A batch that is none has one answer."""
    with api.Client(server_url) as client, pytest.raises(api.ApiError) as caught:
        batch_objects.sync("testing", "_", client=client, body=b"", content_type="text/plain")
    assert caught.value.status_code == 400
