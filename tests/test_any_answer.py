"""Whatever a server answers, each operation ends with a result or an error of ours."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objectstore_client import (
    ObjectstoreError,
    Scope,
    Usecase,
)
from tests.faults.worlds import WORLDS, AnyClient, World, entered, get, value
from tests.support.rawserver import Exchange, RawServer

USECASE, SCOPE = Usecase("testing"), Scope(org=17)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["key", "detail", "causes", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
BODIES = st.binary(max_size=200) | JSON.map(lambda document: json.dumps(document).encode())
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "content-type",
            "content-encoding",
            "content-range",
            "retry-after",
            "location",
            "x-sn-size",
            "x-sn-expiration",
            "x-sn-time-created",
            "x-sn-time-expires",
            "x-sn-filename",
            "x-sn-origin",
            "x-snme-k",
        ]
    ),
    st.sampled_from(["zstd", "gzip", "", "-1", "9" * 30, "ttl:1d", "%ff%", "2026-01-01T00:00:00Z"])
    | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=12),
    max_size=5,
)


async def each_operation(client: AnyClient) -> None:
    """Ask for everything; errors of this package are as good as results."""
    with suppress(ObjectstoreError):
        await value(client.put(b"x", id="key"))
    with suppress(ObjectstoreError):
        await value(client.put(b"x"))
    with suppress(ObjectstoreError):
        await value(client.head("key"))
    with suppress(ObjectstoreError):
        await value(client.delete("key"))
    with suppress(ObjectstoreError):
        await value(client.extend_expiry("key", after=timedelta(days=1)))
    with suppress(ObjectstoreError):
        result = await get(client, "key")
        await value(result.payload.read())


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(100, 599), HEADERS, BODIES, st.integers(-3, 3))
def test_any_answer_is_a_result_or_an_error_of_ours(
    world: World, status: int, headers: dict[str, str], body: bytes, lie: int
) -> None:
    """Wrong JSON, headers of the wrong shape, any status, and lengths that are not true."""
    lines = [f"HTTP/1.1 {status} Spoken", "connection: close"]
    lines += [f"{name}: {text}" for name, text in headers.items()]
    lines.append(f"content-length: {max(len(body) + lie, 0)}")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")

    def handle(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(head + (b"" if exchange.method == "HEAD" else body))
        raise ConnectionError

    async def scenario(url: str) -> None:
        async with entered(world.objectstore(url, retries=0, timeout=10)) as store:
            await each_operation(store.get_client(USECASE, SCOPE))

    with RawServer(rest=handle) as server:
        world.run(scenario(server.url))
