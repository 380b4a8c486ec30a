"""The sample of the README against `objectstore serve`: as it stands, async, raw, in threads."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import objectstore_api
import pytest
import urllib3
from objectstore_api.api.objects import create_object, delete_object, get_object

from objectstore_client import (
    AsyncObjectstore,
    NoOpMetricsBackend,
    Objectstore,
    Scope,
    TimeToIdle,
    TimeToLive,
    Usecase,
)
from tests.support.serve import serving

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server process on a free port, storing to a directory."""
    with serving("--data", str(tmp_path_factory.mktemp("data"))) as url:
        yield url.replace("127.0.0.1", "localhost")


@pytest.fixture
def sample(url: str) -> str:
    """The first Python sample of the README; only the port differs."""
    found = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    assert "http://localhost:8888" in found[1]
    assert 'object_id = client.put(\n    b"Hello, world!"' in found[1]
    return found[1].replace("http://localhost:8888", url)


def test_the_sample_runs_unchanged(sample: str) -> None:
    """What the README shows first is true."""
    exec(compile(sample, "README.md", "exec"), {})


def test_the_sample_runs_in_two_threads_at_once(sample: str) -> None:
    """And so it is many times over, side by side."""
    code = compile(sample, "README.md", "exec")
    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(exec, code, {}) for _ in range(20)]:
            future.result()


def test_one_client_serves_two_threads_at_once(url: str) -> None:
    """A client in a module global is used by all threads."""
    with Objectstore(url) as objectstore:
        client = objectstore.get_client(Usecase("my-usecase"), Scope(organization=42))

        def work(number: int) -> None:
            contents = f"thread {number}".encode() * 1000
            key = client.put(contents)
            assert client.get(key).payload.read() == contents
            client.delete(key)

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(work, range(100)))


async def test_the_sample_async(url: str) -> None:
    """The same names, with `await`."""
    async with AsyncObjectstore(
        url,
        metrics_backend=NoOpMetricsBackend(),
        propagate_traces=False,
        timeout=urllib3.Timeout(connect=5, read=5),
    ) as objectstore:
        my_usecase = Usecase(
            "my-usecase", compression="zstd", expiration_policy=TimeToLive(timedelta(days=1))
        )
        client = objectstore.get_client(
            my_usecase, Scope(organization=42, project=1337, app_slug="email_app")
        )
        object_id = await client.put(
            b"Hello, world!",
            metadata={"key": "value"},
            expiration_policy=TimeToIdle(timedelta(days=30)),
        )
        result = await client.get(object_id)
        content = await result.payload.read()
        assert content == b"Hello, world!"
        assert result.metadata.custom["key"] == "value"
        await client.delete(object_id)


async def test_many_tasks_share_one_client(url: str) -> None:
    """More tasks than connections."""
    async with AsyncObjectstore(url) as objectstore:
        client = objectstore.get_client(Usecase("my-usecase"), Scope(organization=42))

        async def work(number: int) -> None:
            contents = f"task {number}".encode() * 1000
            key = await client.put(contents)
            async with await client.get(key) as result:
                assert await result.payload.read() == contents
            await client.delete(key)

        await asyncio.gather(*(work(number) for number in range(100)))


def test_the_sample_with_the_raw_client(url: str) -> None:
    """What the high-level client does, by hand."""
    place = "my-usecase", "organization=42;project=1337;app_slug=email_app"
    with objectstore_api.Client(url) as raw:
        created = create_object.sync(
            *place,
            client=raw,
            body=b"Hello, world!",
            x_sn_expiration="tti:30d",
            extra_headers={"x-snme-key": "value"},
        )
        result = get_object.sync(*place, created.body.key, client=raw)
        assert result.body == b"Hello, world!"
        assert result.headers.raw["x-snme-key"] == "value"
        assert result.headers.x_sn_expiration == "tti:30d"
        delete_object.sync(*place, created.body.key, client=raw)


def test_a_forgotten_store_leaves_no_socket(url: str) -> None:
    """Not closed, just dropped: a payload still reads to its end, then everything is gone."""
    client = Objectstore(url).get_client(Usecase("my-usecase"), Scope())
    key = client.put(bytes(1_000_000), compression="none")
    payload = client.get(key).payload
    del client
    gc.collect()
    assert payload.read() == bytes(1_000_000)
    # An unclosed socket would be a ResourceWarning, which fails the test run.
    del payload
    gc.collect()
