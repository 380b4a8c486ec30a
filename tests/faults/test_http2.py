"""HTTP/2 is done by httpx: its transport is handed in."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import h2.config
import h2.connection
import h2.events
import httpx
import pytest

from objectstore_client import ObjectNotFound, Scope, Usecase
from tests.faults.leaks import no_leaks
from tests.faults.worlds import ASYNC, WORLDS, World, entered, get, value

CONTENTS = os.urandom(20_000)  # more than one frame
USECASE = Usecase("http2", compression="none")


def serve_connection(connection: socket.socket, objects: dict[str, bytes]) -> None:
    """Speak HTTP/2, and nothing else; keep what is put."""
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    http.initiate_connection()
    connection.sendall(http.data_to_send())
    requests: dict[int, tuple[str, str, bytearray]] = {}
    while data := connection.recv(65_536):
        for event in http.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                fields = {bytes(k).decode(): bytes(v).decode() for k, v in event.headers}
                requests[event.stream_id] = (
                    fields[":method"],
                    fields[":path"],
                    bytearray(),
                )
            elif isinstance(event, h2.events.DataReceived):
                stream = event.stream_id
                requests[stream][2].extend(event.data)
                http.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamEnded):
                stream = event.stream_id
                method, path, body = requests.pop(stream)
                if method == "PUT":
                    objects[path] = bytes(body)
                    answer, status = b'{"key":"key"}', "200"
                else:
                    answer, status = objects.get(path, b""), "200" if path in objects else "404"
                kind = ("content-type", "application/json" if method == "PUT" else "text/plain")
                length = ("content-length", str(len(answer)))
                http.send_headers(stream, [(":status", status), kind, length])
                for start in range(0, len(answer), 16_384):
                    http.send_data(stream, answer[start : start + 16_384])
                http.end_stream(stream)
        connection.sendall(http.data_to_send())


@contextmanager
def http2_server() -> Iterator[str]:
    """A server for one connection, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                serve_connection(connection, {})

        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def transport(world: World) -> httpx.HTTPTransport | httpx.AsyncHTTPTransport:
    """What speaks HTTP/2 without asking, as there is no TLS to ask."""
    kind = httpx.AsyncHTTPTransport if world is ASYNC else httpx.HTTPTransport
    return kind(http1=False, http2=True)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_objects_over_http2(world: World) -> None:
    """Bodies of known and unknown length go up, payloads come back, an absent object is told."""

    async def scenario(url: str) -> None:
        async with entered(world.objectstore(url, transport=transport(world))) as store:
            client = store.get_client(USECASE, Scope(handed=world.name))
            for contents in (CONTENTS, world.contents([CONTENTS[:7], CONTENTS[7:]])):
                assert await value(client.put(contents, id="key")) == "key"
                async with entered(await get(client, "key")) as result:
                    assert await value(result.payload.read()) == CONTENTS
            with pytest.raises(ObjectNotFound):
                await get(client, "missing")

    with no_leaks(), http2_server() as url:
        world.run(scenario(url))
