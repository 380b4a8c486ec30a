# Generated from tests/shell/_async/test_raw.py; do not edit. To regenerate: python -m generator
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

from objectstore_client import Client, Objectstore, Scope


def test_the_main_job_with_the_raw_client(server_url: str, scope: Scope) -> None:
    """Put, describe, read, delete: with typed headers, and nothing decoded."""
    with api.Client(server_url) as raw:
        stored = put_object.sync(
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
        described = head_object.sync("testing", scope.path, "a/b", client=raw)
        assert described.headers.x_sn_size == 13
        assert described.headers.x_sn_expiration == "ttl:1d"
        result = get_object.sync("testing", scope.path, "a/b", client=raw)
        assert result.body == b"Hello, world!"
        assert result.headers.content_type == "text/plain"
        assert result.headers.raw["x-snme-key"] == "value"
        part = get_object.sync("testing", scope.path, "a/b", client=raw, range_="bytes=7-")
        assert (part.status_code, part.body) == (206, b"world!")
        gone = delete_object.sync("testing", scope.path, "a/b", client=raw)
        assert gone.status_code == 204
        with pytest.raises(api.ApiError) as caught:
            get_object.sync("testing", scope.path, "a/b", client=raw)
        assert caught.value.status_code == 404


def test_streaming_with_the_raw_client(server_url: str, scope: Scope) -> None:
    """Bodies stream in both directions."""
    payload = bytes(range(256)) * 4096
    with api.Client(server_url) as raw:
        created = create_object.sync("testing", scope.path, client=raw, body=payload)
        assert created.status_code == 201
        key = created.body.key
        with get_object.stream_sync("testing", scope.path, key, client=raw) as answer:
            assert answer.headers.content_length == len(payload)
            chunks = [chunk for chunk in answer.iter_raw()]
        assert b"".join(chunks) == payload
        assert len(chunks) > 1


def test_raw_is_the_configured_client(objectstore: Objectstore, client: Client) -> None:
    """`raw` shares base URL, headers and connections with the high-level client."""
    key = client.put(b"x", compression="none")
    usecase, scope = client.usecase.name, client.scope.path
    result = get_object.sync(usecase, scope, key, client=objectstore.raw)
    assert result.body == b"x"
