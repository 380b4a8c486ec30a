"""What applications do to a client, each as a process of its own: fork, interrupt, forget.

    python -m tests.faults.abuse NAME URL …

They print what they find, and fail with a traceback. `test_abuse` runs them.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial

from objectstore_client import (
    AsyncClient,
    AsyncObjectstore,
    Client,
    ConnectionLostError,
    Objectstore,
    Payload,
    Scope,
    Usecase,
)
from tests.faults.leaks import Snapshot, descriptors, settle

PATIENCE_SECONDS = 60
"""After this the process says where it hangs, and ends."""

CHILDREN, OPERATIONS = 4, 200
LARGE = random.Random(1).randbytes(400_000)

_USECASE, _SCOPE = Usecase("abuse", compression="none"), Scope()


def contents(who: str, number: int) -> bytes:
    """What nobody else puts: an answer to somebody else's request would show."""
    return f"{who} {number} ".encode() * (1 + number % 5 * 3000)


# ---- fork -----------------------------------------------------------------------------------


def fork(url: str) -> None:
    """Fork while threads use the client; all go on with it."""
    client = Objectstore(url).get_client(_USECASE, _SCOPE)

    def work(who: str, operations: int) -> None:
        for number in range(operations // 2):
            client.put(contents(who, number), id=who)
            assert client.get(who).payload.read() == contents(who, number)

    # More connections than there are threads, so that some are idle when it forks.
    client.put(LARGE, id="large")
    payloads = [client.get("large").payload for _ in range(12)]
    assert {payload.read() for payload in payloads} == {LARGE}
    stopping = threading.Event()

    def load(who: str) -> None:
        while not stopping.is_set():
            work(who, 20)

    threads = [threading.Thread(target=load, args=(f"thread-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    children = [_child(partial(work, f"child-{n}", OPERATIONS)) for n in range(CHILDREN)]
    work("parent", OPERATIONS)
    _wait(children)
    stopping.set()
    for thread in threads:
        thread.join()
    work("parent", 20)


def fork_async(url: str) -> None:
    """Fork between two loops; all go on with the same client, in loops of their own."""
    client = AsyncObjectstore(url).get_client(_USECASE, _SCOPE)

    async def work(who: str, operations: int) -> None:
        for number in range(operations // 2):
            await client.put(contents(who, number), id=who)
            assert await (await client.get(who)).payload.read() == contents(who, number)

    async def crowd(who: str) -> None:
        await asyncio.gather(*(work(f"{who}-{n}", OPERATIONS // 8) for n in range(8)))

    def run(who: str) -> None:
        asyncio.run(crowd(who))

    run("parent")
    children = [_child(partial(run, f"child-{n}")) for n in range(CHILDREN)]
    run("parent")
    _wait(children)


def inherit(url: str) -> None:
    """Read a payload of the parent in a child: an error at once; the parent reads it whole."""
    client = Objectstore(url).get_client(_USECASE, _SCOPE)
    data = LARGE + random.Random(2).randbytes(8_000_000)
    for put in (
        partial(client.put, compression="none"),
        partial(client.put, compression="zstd", frames="single"),
        partial(client.put, compression="zstd", frames="independent"),
    ):
        put(data, id="large")
        payload = client.get("large", timeout=PATIENCE_SECONDS * 2).payload
        payload.read(1_000_000)  # what is compressed is being decoded ahead

        def read(payload: Payload = payload) -> None:
            try:
                payload.read()
            except ConnectionLostError as error:
                assert "the parent process" in " ".join(error.__notes__), error.__notes__
            else:
                raise AssertionError("both read it")
            work_on(client)

        _wait([_child(read)])
        assert payload.read() == data[1_000_000:]
        work_on(client)


def work_on(client: Client) -> None:
    """Put and get something."""
    client.put(b"new", id="other")
    assert client.get("other").payload.read() == b"new"


def inherit_async(url: str) -> None:
    """The same with an event loop: the child has one of its own."""
    client = AsyncObjectstore(url).get_client(_USECASE, _SCOPE)

    async def main() -> None:
        await client.put(LARGE, id="large")
        payload = (await client.get("large", timeout=PATIENCE_SECONDS * 2)).payload
        await payload.read(10)

        async def read() -> None:
            try:
                await payload.read()
            except ConnectionLostError as error:
                assert "the parent process" in " ".join(error.__notes__), error.__notes__
            else:
                raise AssertionError("both read it")
            await client.put(b"new", id="other")

        _wait([_child(lambda: asyncio.run(read()))])
        assert await payload.read() == LARGE[10:]
        await client.put(b"new", id="other")

    asyncio.run(main())


def _child(work: Callable[[], None]) -> int:
    if child := os.fork():
        return child
    code = 1
    try:
        signal.alarm(PATIENCE_SECONDS)
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _wait(children: list[int]) -> None:
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * len(children), codes


# ---- payloads that nobody reads -------------------------------------------------------------


def abandon(url: str, count: str) -> None:
    """Open payloads and forget them; prints by how much the number of descriptors grew."""
    with Objectstore(url) as store:
        client = store.get_client(_USECASE, _SCOPE)
        client.put(LARGE, id="large")
        before, most = len(descriptors()), 0
        for _ in range(int(count)):
            client.get("large")
            most = max(most, len(descriptors()))
        assert client.get("large").payload.read() == LARGE
    print(most - before)


def abandon_async(url: str, count: str) -> None:
    """The same, sixteen at a time."""

    async def forget(client: AsyncClient, before: int) -> int:
        most = 0
        for _ in range(int(count) // 16):
            await client.get("large")
            most = max(most, len(descriptors()) - before)
        return most

    async def main() -> int:
        async with AsyncObjectstore(url) as store:
            client = store.get_client(_USECASE, _SCOPE)
            await client.put(LARGE, id="large")
            before = len(descriptors())
            growths = await asyncio.gather(*(forget(client, before) for _ in range(16)))
            assert await (await client.get("large")).payload.read() == LARGE
            return max(growths)

    print(asyncio.run(main()))


# ---- Ctrl-C ---------------------------------------------------------------------------------


def interrupt(url: str, operation: str) -> None:
    """Wait in *operation* until Ctrl-C ends it; the client must work afterwards."""
    before = Snapshot.take()
    with Objectstore(url) as store:
        client = store.get_client(_USECASE, _SCOPE)
        try:
            _block(client, operation)
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("nothing interrupted it")
        # As many at once as there may be connections: none is lost.
        payloads = [client.get("large").payload for _ in range(32)]
        assert {payload.read() for payload in payloads} == {LARGE}
        client.put(b"new", id="other")
        assert client.get("other").payload.read() == b"new"
    leaks = settle(before.leaks)
    assert not leaks, leaks


def _block(client: Client, operation: str) -> None:
    match operation:
        case "put":
            client.put(LARGE * 100, id="other")
        case "put of pieces":
            client.put((LARGE for _ in range(100)), id="other")
        case "get":
            client.get("large")
        case "read":
            client.get("large").payload.read()


if __name__ == "__main__":
    # Not `dump_traceback_later`, which does not survive a fork.
    faulthandler.register(signal.SIGALRM, chain=True)
    signal.alarm(PATIENCE_SECONDS)
    # Shells start what runs in the background deaf to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    programs = (fork, fork_async, inherit, inherit_async, abandon, abandon_async, interrupt)
    {program.__name__: program for program in programs}[sys.argv[1]](*sys.argv[2:])
