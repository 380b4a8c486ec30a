"""A large put that is interrupted leaves nothing behind, least of all a thread at its contents."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap

from objectstore_client import AsyncObjectstore, Scope, Usecase
from tests.support.rawserver import Exchange, RawServer

MIB = 1024 * 1024


async def test_a_cancelled_put_lets_go_of_its_contents() -> None:
    """With frames under way, and the server slow: the buffer is free for another use at once."""
    contents = bytearray(os.urandom(40 * MIB))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stall(exchange: Exchange) -> None:
        next(exchange.chunks())
        loop.call_soon_threadsafe(stop.set)
        exchange.hung_up()
        raise ConnectionError

    with RawServer(stall) as server:
        async with AsyncObjectstore(server.url) as objectstore:
            client = objectstore.get_client(Usecase("testing", compression_level=9), Scope())
            put = asyncio.ensure_future(client.put(contents))
            await stop.wait()
            put.cancel()
            await asyncio.wait([put])
            assert put.cancelled()
            del put  # and with it the traceback, whose frames see the contents
            contents.clear()  # a BufferError while anybody has a view of it


def test_an_interrupted_put_ends_at_once() -> None:
    """Ctrl-C: the KeyboardInterrupt comes out, the buffer is free, the process can end."""
    script = """
        import os, signal, sys
        from objectstore_client import Objectstore, Scope, Usecase

        contents = bytearray(os.urandom(1 << 20) * 40)
        def interrupt(done, total):
            if done > 10 << 20:
                signal.raise_signal(signal.SIGINT)
        client = Objectstore(sys.argv[1]).get_client(Usecase("testing"), Scope())
        try:
            client.put(contents, on_progress=interrupt)
        except KeyboardInterrupt:
            print("interrupted")
        contents.clear()
    """

    def read_on(exchange: Exchange) -> None:
        exchange.read_body()
        raise ConnectionError

    with RawServer(read_on) as server:
        result = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), server.url],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert result.stdout == "interrupted\n"
