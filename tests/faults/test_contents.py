"""Contents that come late or in somebody else's hands: the deadline holds, nothing is mixed up."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from objectstore_client import (
    AsyncObjectstore,
    InvalidArgumentError,
    Objectstore,
    Scope,
    TransportTimeoutError,
    Usecase,
)
from objectstore_client.sources import PIECE, open_source
from tests.faults.leaks import leaked_tasks, no_leaks
from tests.faults.operations import noise
from tests.faults.worlds import WORLDS, World, entered, get, value

USECASE = Usecase("contents")
DATA = noise("contents", 3 * PIECE)


class Gate:
    """Contents that stop half way, until the gate is opened.

    Attributes:
        reached: Set when it stops.
        closed: Set when it is closed.
    """

    def __init__(self) -> None:
        self.reached, self.opened, self.closed = (threading.Event() for _ in range(3))

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield DATA
            self.reached.set()
            self.opened.wait()
            yield b"the rest"
        finally:
            self.closed.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            yield DATA
            self.reached.set()
            await asyncio.get_running_loop().create_future()
        finally:
            self.closed.set()


def check(error: TransportTimeoutError, *, unknown: bool) -> None:
    """The error must tell what it was that took so long."""
    assert error.phase == "deadline"
    assert error.outcome_unknown is unknown
    assert error.elapsed > 0
    assert "contents" in " ".join(error.__notes__)


@pytest.mark.parametrize("compression", ["zstd", "none", "auto"])
@pytest.mark.parametrize("kind", ["iterable", "thread"])
def test_the_deadline_ends_an_async_put_of_contents_that_stall(
    server_url: str, kind: str, compression: str
) -> None:
    """Whatever the source does: what it blocks is a thread, which ends when it lets go."""
    gate = Gate()

    async def run() -> None:
        async with AsyncObjectstore(server_url) as store:
            client = store.get_client(USECASE, Scope(stalled=kind))
            contents = gate.__aiter__() if kind == "iterable" else iter(gate)
            with pytest.raises(TransportTimeoutError) as caught:
                await client.put(contents, id="key", compression=compression, deadline=0.5)  # type: ignore[arg-type]
            check(caught.value, unknown=True)
            assert gate.reached.is_set()
            assert not await client.exists("key")
            gate.opened.set()
        assert not await leaked_tasks()

    with no_leaks():
        asyncio.run(run())
    assert gate.closed.is_set()


def test_before_anything_was_sent_the_outcome_is_known(server_url: str) -> None:
    """Contents that never begin change nothing."""

    async def never() -> AsyncIterator[bytes]:
        await asyncio.get_running_loop().create_future()
        yield b""

    async def run() -> None:
        async with AsyncObjectstore(server_url) as store:
            client = store.get_client(USECASE, Scope())
            with pytest.raises(TransportTimeoutError) as caught:
                await client.put(never(), deadline=0.2)
            check(caught.value, unknown=False)

    with no_leaks():
        asyncio.run(run())


def test_a_time_out_of_the_contents_is_theirs(server_url: str) -> None:
    """A source that raises TimeoutError is not taken for the deadline."""

    async def impatient() -> AsyncIterator[bytes]:
        yield b"x"
        raise TimeoutError("the camera does not answer")

    async def run() -> None:
        async with AsyncObjectstore(server_url) as store:
            client = store.get_client(USECASE, Scope())
            with pytest.raises(TimeoutError, match="camera"):
                await client.put(impatient(), deadline=60)

    asyncio.run(run())


@pytest.mark.parametrize("compression", ["zstd", "none", "auto"])
def test_the_deadline_ends_a_put_of_contents_that_drip(server_url: str, compression: str) -> None:
    """Between two pieces, also while there are not enough of them to send anything."""
    drops = 0

    def drip() -> Iterator[bytes]:
        nonlocal drops
        while drops < 1_000_000:
            drops += 1
            never.wait(0.01)
            yield b"x"

    never = threading.Event()
    with no_leaks(), Objectstore(server_url) as store:
        client = store.get_client(USECASE, Scope(dripping=compression))
        with pytest.raises(TransportTimeoutError) as caught:
            client.put(drip(), id="key", compression=compression, deadline=0.3)  # type: ignore[arg-type]
        assert caught.value.phase == "deadline"
        assert drops < 1000
        assert not client.exists("key")


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_file_is_read_by_one_put_at_a_time(server_url: str, world: World) -> None:
    """The second one is refused, the first one stores what it would have; then the file is free."""

    class Shared(io.BytesIO):
        reading = False

        def read(self, size: int | None = -1, /) -> bytes:
            if size == PIECE and self.tell() == PIECE:
                with pytest.raises(InvalidArgumentError, match="another put is reading it"):
                    open_source(self)
                assert early.pieces is not None
                with pytest.raises(InvalidArgumentError, match="another put is reading it"):
                    next(early.pieces())
                refused.append(True)
            return super().read(size)

    refused: list[bool] = []
    file = Shared(DATA)
    early = open_source(file)

    async def scenario() -> None:
        async with entered(world.objectstore(server_url)) as store:
            client = store.get_client(USECASE, Scope(shared=world.name))
            for _ in range(2):
                file.seek(0)
                key = await value(client.put(file))
                async with entered(await get(client, key)) as result:
                    assert await value(result.payload.read()) == DATA
        assert len(refused) == 2

    world.run(scenario())
