"""The main job, end to end: objects put, described, read back and deleted, on an embedded server.

Run it with `make demo`. All sizes and times are measured while it runs.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from objectstore_client import (
    AsyncObjectstore,
    Client,
    ObjectNotFound,
    Objectstore,
    Scope,
    SentryScope,
    TimeToIdle,
    TimeToLive,
    Usecase,
)

REPOSITORY = Path(__file__).parents[1]
FILES = ("openapi.yaml", "pyproject.toml", "CONTRIBUTING.md", "LICENSE", "docs/demo.py")
LOG_MIB = 64
TASKS = 200

console = Console(highlight=False)


def main() -> None:
    """Run all acts against one server."""
    with (
        tempfile.TemporaryDirectory(prefix="objectstore-demo-") as folder,
        serving(Path(folder) / "data") as url,
    ):
        with Objectstore(url) as objectstore:
            usecase = Usecase("demo", expiration_policy=TimeToLive(timedelta(days=1)))
            client = objectstore.get_client(usecase, SentryScope(organization=42, project=1337))
            keys = put_files(client)
            keys += stream_a_log(client, Path(folder) / "service.log")
            describe(client)
            delete(client, keys)
        asyncio.run(many_at_once(url))
    console.print("\n[bold green]Done.[/] The server has stopped and its files are gone.")


@contextmanager
def serving(data: Path) -> Iterator[str]:
    """Run `objectstore serve` on a free port."""
    command = [sys.executable, "-m", "objectstore_client.cli", "serve", "--port", "0"]
    with subprocess.Popen([*command, "--data", str(data)], stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().decode().removeprefix("listening on ").strip()
            console.print(f"[bold]objectstore serve --data …[/] is listening on {url}")
            yield url
        finally:
            server.terminate()


def put_files(client: Client) -> list[str]:
    """Put files of this repository, read them back, and compare."""
    table = act("Files of this repository, put by path and read back")
    for column in ("size", "stored", "ratio", "put", "get"):
        table.add_column(column, justify="right")
    for name in FILES:
        path = REPOSITORY / name
        start = time.perf_counter()
        client.put(
            path, id=name, content_type="guess", filename=path.name, metadata={"from": "demo"}
        )
        put = time.perf_counter() - start
        start = time.perf_counter()
        with client.get(name) as result:
            same = result.payload.read() == path.read_bytes()
        get = time.perf_counter() - start
        assert same, name
        size, stored = path.stat().st_size, result.metadata.size or 0
        table.add_row(
            name, kib(size), kib(stored), f"{size / stored:.1f}x", milliseconds(put),
            milliseconds(get),
        )  # fmt: skip
    console.print(table)
    return list(FILES)


def stream_a_log(client: Client, path: Path) -> list[str]:
    """Stream a large file up and down, compressed and as it is."""
    write_log(path)
    size, digest = path.stat().st_size, hash_of(chunks_of(path))
    table = act(f"A log of {size >> 20} MiB, streamed with bounded memory")
    for column in ("stored", "ratio", "put", "get"):
        table.add_column(column, justify="right")
    for compression in ("zstd", "none"):
        key = f"logs/{compression}.log"
        start = time.perf_counter()
        client.put(path, id=key, compression=compression, content_type="text/plain")
        put = time.perf_counter() - start
        start = time.perf_counter()
        with client.get(key) as result:
            same = hash_of(result.payload) == digest
        get = time.perf_counter() - start
        assert same, key
        stored = result.metadata.size or 0
        table.add_row(
            f'compression="{compression}"', mib(stored), f"{size / stored:.1f}x", rate(size, put),
            rate(size, get),
        )  # fmt: skip
    console.print(table)
    return ["logs/zstd.log", "logs/none.log"]


def describe(client: Client) -> None:
    """Show what the server knows of an object, and let it live longer."""
    table = act("One of them, described by head()")
    table.add_column("")
    client.extend_expiry("docs/demo.py", from_creation=timedelta(days=30))
    metadata = client.head("docs/demo.py")
    table.add_row("content_type", metadata.content_type)
    table.add_row("compression", metadata.compression)
    table.add_row("size (stored)", f"{metadata.size} bytes")
    table.add_row("expiration_policy", repr(metadata.expiration_policy).replace("datetime.", ""))
    table.add_row("time_created", f"{metadata.time_created:%Y-%m-%d %H:%M:%S %Z}")
    table.add_row(
        "time_expires", f"{metadata.time_expires:%Y-%m-%d %H:%M:%S %Z} (was tomorrow, extended)"
    )
    table.add_row("filename", metadata.filename)
    table.add_row("custom", str(metadata.custom))
    console.print(table)


def delete(client: Client, keys: list[str]) -> None:
    """Delete everything, and show what a missing object looks like."""
    for key in keys:
        client.delete(key)
    console.print(f"\n[bold]Deleted[/] {len(keys)} objects; asking for one of them now:")
    try:
        client.get(keys[0])
    except ObjectNotFound as error:
        console.print(f"  [red]{type(error).__name__}[/]: {error}")
        for note in error.__notes__:
            console.print(f"  {note}", soft_wrap=True)


async def many_at_once(url: str) -> None:
    """Put, get and delete small objects from many tasks."""
    async with AsyncObjectstore(url) as objectstore:
        usecase = Usecase("demo", expiration_policy=TimeToIdle(timedelta(days=30)))
        client = objectstore.get_client(usecase, Scope())

        async def live(number: int) -> None:
            contents = f"object {number}".encode() * 50
            key = await client.put(contents)
            async with await client.get(key) as result:
                assert await result.payload.read() == contents
            await client.delete(key)

        start = time.perf_counter()
        await asyncio.gather(*(live(number) for number in range(TASKS)))
        seconds = time.perf_counter() - start
    console.print(
        f"\n[bold]Async:[/] {TASKS} tasks put, got and deleted an object each in {seconds:.2f} s"
    )


def write_log(path: Path) -> None:
    """Write lines as a web service would: alike, but never the same."""
    rng = random.Random(17)
    routes = ["/api/0/projects/", "/api/0/issues/", "/health", "/api/0/events/"]
    with path.open("w") as file:
        numbers = itertools.count()
        while file.tell() < LOG_MIB << 20:
            file.writelines(
                f'{{"time": {1_790_000_000 + number / 1000:.3f}, "level": "info", '
                f'"route": "{routes[rng.getrandbits(2)]}", "status": 200, '
                f'"ms": {rng.expovariate(0.05):.2f}, "trace": "{rng.getrandbits(64):016x}"}}\n'
                for number in itertools.islice(numbers, 5000)
            )


def chunks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, piece by piece."""
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def hash_of(chunks: Iterator[bytes]) -> str:
    """A digest of all chunks."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def act(title: str) -> Table:
    """A table below a title, with a column of names."""
    console.print(f"\n[bold]{title}[/]")
    table = Table(box=None, pad_edge=True, header_style="dim")
    table.add_column("")
    return table


def kib(size: int) -> str:
    """A size in KiB."""
    return f"{size / 1024:.1f} KiB"


def mib(size: int) -> str:
    """A size in MiB."""
    return f"{size / (1 << 20):.1f} MiB"


def milliseconds(seconds: float) -> str:
    """A time in milliseconds."""
    return f"{seconds * 1000:.1f} ms"


def rate(size: int, seconds: float) -> str:
    """A time, and what that means per second."""
    return f"{seconds:.2f} s ({size / (1 << 20) / seconds:.0f} MiB/s)"


if __name__ == "__main__":
    main()
