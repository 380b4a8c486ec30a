"""The generated client on its own, and under the handwritten one."""

from __future__ import annotations

import objectstore_api as api
import pytest
from objectstore_api.api.objects import (
    create_object,
    delete_object,
    get_object,
    head_object,
    put_object,
)

from objectstore_client import AsyncClient, AsyncObjectstore, Scope


async def test_the_main_job_with_the_raw_client(server_url: str, scope: Scope) -> None:
    """Put, describe, read, delete: with typed headers, and nothing decoded."""
    async with api.AsyncClient(server_url) as raw:
        stored = await put_object.asyncio(
            "testing",
            scope.path,
            "a/b",
            client=raw,
            body=b"Hello, world!",
            content_type="text/plain",
            x_sn_expiration="ttl:1d",
            extra_headers={"X-SNME-Key": "value"},
        )
        assert (stored.status_code, stored.body.key) == (200, "a/b")  # type: ignore[union-attr]
        described = await head_object.asyncio("testing", scope.path, "a/b", client=raw)
        assert described.headers.x_sn_size == 13
        assert described.headers.x_sn_expiration == "ttl:1d"
        result = await get_object.asyncio("testing", scope.path, "a/b", client=raw)
        assert result.body == b"Hello, world!"
        assert result.headers.content_type == "text/plain"
        assert result.headers.raw["x-snme-key"] == "value"
        part = await get_object.asyncio("testing", scope.path, "a/b", client=raw, range_="bytes=7-")
        assert (part.status_code, part.body) == (206, b"world!")
        gone = await delete_object.asyncio("testing", scope.path, "a/b", client=raw)
        assert gone.status_code == 204
        with pytest.raises(api.ApiError) as caught:
            await get_object.asyncio("testing", scope.path, "a/b", client=raw)
        assert caught.value.status_code == 404


async def test_streaming_with_the_raw_client(server_url: str, scope: Scope) -> None:
    """Bodies stream in both directions."""
    payload = bytes(range(256)) * 4096
    async with api.AsyncClient(server_url) as raw:
        created = await create_object.asyncio("testing", scope.path, client=raw, body=payload)
        assert created.status_code == 201
        key = created.body.key
        async with get_object.stream_asyncio("testing", scope.path, key, client=raw) as answer:
            assert answer.headers.content_length == len(payload)
            chunks = [chunk async for chunk in answer.aiter_raw()]
        assert b"".join(chunks) == payload
        assert len(chunks) > 1


async def test_raw_is_the_configured_client(
    objectstore: AsyncObjectstore, client: AsyncClient
) -> None:
    """`raw` shares base URL, headers and connections with the high-level client."""
    key = await client.put(b"x", compression="none")
    usecase, scope = client.usecase.name, client.scope.path
    result = await get_object.asyncio(usecase, scope, key, client=objectstore.raw)
    assert result.body == b"x"
