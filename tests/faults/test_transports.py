"""Ways to the server that are not plain sockets: transports of httpx, names, TLS that hangs."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import httpx
import pytest

from objectstore_client import (
    ConnectError,
    ConnectionLostError,
    ObjectNotFound,
    Scope,
    TransportTimeoutError,
    Usecase,
)
from tests.faults.leaks import no_leaks
from tests.faults.operations import LARGE
from tests.faults.proxy import Cut, Plan, Proxy, Stall
from tests.faults.worlds import ASYNC, WORLDS, World, entered, get, value

USECASE = Usecase("transports")

pytestmark = pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)


def httpx_transport(world: World) -> httpx.HTTPTransport | httpx.AsyncHTTPTransport:
    """The transport that httpx itself would use."""
    return httpx.AsyncHTTPTransport() if world is ASYNC else httpx.HTTPTransport()


def test_a_transport_of_httpx_does_the_work(server_url: str, world: World) -> None:
    """As for HTTP/2: all operations, and the missing object is told."""

    async def scenario() -> None:
        store = world.objectstore(server_url, transport=httpx_transport(world))
        async with entered(store):
            client = store.get_client(USECASE, Scope(handed=world.name))
            await value(client.put(LARGE, id="key"))
            await value(client.put(world.contents([LARGE, LARGE]), id="stream"))
            async with entered(await get(client, "key")) as result:
                assert await value(result.payload.read()) == LARGE
            assert (await value(client.head("stream"))).custom == {}
            await value(client.delete("key"))
            with pytest.raises(ObjectNotFound):
                await get(client, "key")

    with no_leaks():
        world.run(scenario())


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (Plan(down=Stall()), TransportTimeoutError),
        (Plan(down=Cut()), ConnectionLostError),
        (Plan(down=Stall(heads=1, offset=70_000)), TransportTimeoutError),
        (Plan(down=Cut(heads=1, offset=70_000)), ConnectionLostError),
    ],
)
def test_its_errors_are_ours(
    server_url: str, world: World, plan: Plan, error: type[Exception]
) -> None:
    """None of httpx or the library below it escapes, and the deadline holds."""

    async def scenario(url: str) -> None:
        async with entered(world.objectstore(server_url)) as store:
            client = store.get_client(USECASE, Scope(errors=world.name))
            await value(client.put(LARGE, id="key", compression="none"))
        store = world.objectstore(url, transport=httpx_transport(world), retries=0, deadline=0.5)
        async with entered(store):
            client = store.get_client(USECASE, Scope(errors=world.name))
            with pytest.raises(error):
                async with entered(await get(client, "key")) as result:
                    await value(result.payload.read())

    with no_leaks(), Proxy(server_url, plan) as proxy:
        world.run(scenario(proxy.url))


def test_nobody_at_home(world: World) -> None:
    """The transport of httpx is refused: a `ConnectError`."""

    async def scenario() -> None:
        url = "http://127.0.0.1:1"
        store = world.objectstore(url, transport=httpx_transport(world), retries=0)
        async with entered(store):
            with pytest.raises(ConnectError):
                await get(store.get_client(USECASE, Scope()), "key")

    with no_leaks():
        world.run(scenario())


def test_the_deadline_holds_while_a_name_is_looked_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the connect time-out is; the thread that looks it up can't be interrupted."""
    answered, real = threading.Event(), socket.getaddrinfo

    def lookup(host: str, *arguments: Any, **options: Any) -> Any:
        if options.get("flags") or host != "stuck.test":
            return real(host, *arguments, **options)
        answered.wait()
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)

    async def scenario() -> None:
        async with entered(
            world.objectstore("http://stuck.test", timeout=60, deadline=0.3)
        ) as store:
            began = time.monotonic()
            with pytest.raises(TransportTimeoutError) as caught:
                await get(store.get_client(USECASE, Scope()), "key")
            assert caught.value.phase == "deadline"
            assert not caught.value.outcome_unknown
            assert caught.value.elapsed <= time.monotonic() - began < 60
            answered.set()

    with no_leaks():
        world.run(scenario())


def test_the_deadline_holds_while_tls_is_negotiated(server_url: str, world: World) -> None:
    """With a server that says nothing at all."""

    async def scenario(url: str) -> None:
        async with entered(world.objectstore(url, timeout=60, deadline=0.3)) as store:
            with pytest.raises(TransportTimeoutError) as caught:
                await get(store.get_client(USECASE, Scope()), "key")
            assert caught.value.phase == "deadline"
            assert not caught.value.outcome_unknown

    with no_leaks(), Proxy(server_url, rest=Plan(up=Stall(eager=True))) as proxy:
        world.run(scenario(proxy.url.replace("http:", "https:")))
