"""Multipart uploads, step by step and as a whole."""

from __future__ import annotations

import json
import random

import pytest

from objectstore_client import (
    AsyncClient,
    AsyncObjectstore,
    InvalidArgumentError,
    InvalidResponseError,
    MultipartError,
    ObjectNotFound,
    Scope,
    UploadedPart,
    Usecase,
)
from objectstore_client import multipart as parts_module
from objectstore_client.devserver import DevServer
from objectstore_client.usecase import Compression
from tests.support.rawserver import RawServer, reply

_RANDOM = random.Random(1)
DATA = b"".join(_RANDOM.randbytes(500) + bytes(500) for _ in range(3_000))


async def test_parts_become_an_object(client: AsyncClient) -> None:
    """In the order of their numbers, with the metadata of the beginning."""
    upload = await client.begin_multipart(id="key", metadata={"a": "1"}, content_type="text/plain")
    second = await upload.put_part(2, b"world")
    first = await upload.put_part(1, memoryview(b"hello "))
    assert await upload.list_parts() == [first, second]
    with pytest.raises(ObjectNotFound):
        await client.head("key")
    assert await upload.complete([second, first]) == "key"
    result = await client.get("key")
    assert await result.payload.read() == b"hello world"
    assert result.metadata.custom == {"a": "1"}
    assert result.metadata.content_type == "text/plain"


async def test_an_upload_is_continued_elsewhere(client: AsyncClient) -> None:
    """By its key and id."""
    begun = await client.begin_multipart()
    await begun.put_part(1, b"x")
    upload = client.resume_multipart(begun.key, begun.upload_id)
    await upload.put_part(2, b"y")
    assert await upload.complete(await upload.list_parts()) == begun.key
    assert await (await client.get(begun.key)).payload.read() == b"xy"


async def test_a_failed_completion_is_an_error(client: AsyncClient) -> None:
    """Although its status is that of a success."""
    upload = await client.begin_multipart(id="key")
    await upload.put_part(1, b"x")
    with pytest.raises(MultipartError) as caught:
        await upload.complete([UploadedPart(1, "another", 1)])
    assert (caught.value.code, caught.value.status) == ("InvalidPart", 200)
    assert (caught.value.operation, caught.value.key) == ("multipart.complete", "key")


async def test_white_space_before_the_answer_is_borne() -> None:
    """It comes while the server is at work."""
    body = b"   " + json.dumps({"error": {"code": "SlowDown", "message": "busy"}}).encode()
    with RawServer(reply(200, body=b"  " + b'{"key": "key"}'), reply(200, body=body)) as server:
        async with AsyncObjectstore(server.url) as objectstore:
            client = objectstore.get_client(Usecase("testing"), Scope())
            upload = client.resume_multipart("key", "id")
            assert await upload.complete([UploadedPart(1, "x", 1)]) == "key"
            with pytest.raises(MultipartError) as caught:
                await upload.complete([UploadedPart(1, "x", 1)])
            assert (caught.value.code, caught.value.detail) == ("SlowDown", "busy")


async def test_a_list_that_does_not_say_where_it_goes_on_is_refused() -> None:
    """Or it would be asked for for ever."""
    with RawServer(reply(200, body=b'{"parts": [], "is_truncated": true}')) as server:
        async with AsyncObjectstore(server.url) as objectstore:
            client = objectstore.get_client(Usecase("testing"), Scope())
            with pytest.raises(InvalidResponseError):
                await client.resume_multipart("key", "id").list_parts()


async def test_bad_arguments_are_refused(client: AsyncClient) -> None:
    """Before anything is sent."""
    upload = client.resume_multipart("key", "id")
    for number in (0, 10_001, "1", True):
        with pytest.raises(InvalidArgumentError, match="number"):
            await upload.put_part(number, b"x")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="data"):
        await upload.put_part(1, "x")  # type: ignore[arg-type]
    part = UploadedPart(1, "x", 1)
    for parts in ([], [part, part]):
        with pytest.raises(InvalidArgumentError, match="parts"):
            await upload.complete(parts)
    with pytest.raises(InvalidArgumentError, match="upload_id"):
        client.resume_multipart("key", "")


@pytest.mark.parametrize("contents", [DATA, b"", b"small"])
@pytest.mark.parametrize("compression", ["none", "zstd", "auto"])
async def test_an_object_is_put_in_parts(
    client: AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    compression: Compression,
    contents: bytes,
) -> None:
    """And is what `put` would have made, table included."""
    monkeypatch.setattr(parts_module, "_PART_BYTES", 100_000)
    key = await client.put_multipart(contents, compression=compression, connections=3)
    assert await (await client.get(key)).payload.read() == contents
    other = await client.put(contents, compression="none" if compression == "none" else "zstd")
    stored = [
        await (await client.get(each, decompress=False)).payload.read() for each in (key, other)
    ]
    assert stored[0] == stored[1]


async def test_what_fails_is_aborted(monkeypatch: pytest.MonkeyPatch, scope: Scope) -> None:
    """Nothing is left of it."""
    monkeypatch.setattr(parts_module, "_PART_BYTES", 100_000)

    def contents() -> object:
        yield DATA[:500_000]
        raise OSError("no more")

    with DevServer() as server:
        async with AsyncObjectstore(server.url) as objectstore:
            client = objectstore.get_client(Usecase("testing", compression="none"), scope)
            with pytest.raises(OSError, match="no more"):
                await client.put_multipart(contents, id="key")  # type: ignore[arg-type]
            assert not await client.exists("key")


def test_parts_grow() -> None:
    """So that 10 000 of them hold any object."""
    assert parts_module.part_size(1) == 8 << 20
    assert parts_module.part_size(1_000) == 8 << 20
    assert parts_module.part_size(1_001) == 16 << 20
    assert sum(parts_module.part_size(number) for number in range(1, 10_001)) > 5 << 40
