"""Requests that go to our own transports without httpx's objects are the same requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import httpx
import pytest
from objectstore_api import AsyncClient, Client, RequestParts
from objectstore_api.api.internal import health
from objectstore_api.api.objects import delete_object, get_object, patch_object, put_object
from objectstore_api.models import ExtendExpiryAfter, ObjectPatch
from objectstore_api.target import Target

from objectstore_client.engine.aio import AsyncSocketTransport
from objectstore_client.engine.blocking import SocketTransport
from objectstore_client.engine.facts import Facts, Progress, facts_of
from objectstore_client.engine.heads import head_of
from tests.engine.peers import peer, read_head
from tests.support.rawserver import RawServer, answer, reply

PATCH = ObjectPatch(extend_expiry=ExtendExpiryAfter(after="1d", from_="now"))
TOKEN = {"x-os-auth": "Bearer abc"}


@pytest.mark.parametrize(
    "parts",
    [
        health.build_request(),
        get_object.build_request("use", "org=1;p=2", "a b/ü%?#", range_="bytes=0-1"),
        get_object.build_request("use", "_", "k", extra_headers={**TOKEN, "User-Agent": "mine"}),
        delete_object.build_request("use", "_", "k", session="s", extra_headers=TOKEN),
        put_object.build_request("use", "_", "k", body=b"payload", content_type="text/plain"),
        put_object.build_request("use", "_", "k", body=iter([b"x"])),
        put_object.build_request("use", "_", "k", body=iter([b"x"]), content_length=1),
        put_object.build_request("use", "_", "k", body=b""),
        patch_object.build_request("use", "_", "k", body=PATCH),
    ],
    ids=lambda parts: f"{parts.method} {parts.target}",
)
@pytest.mark.parametrize("base_url", ["http://host:8888", "https://[::1]/a/prefix/"])
def test_the_head_is_the_one_that_httpx_gets(
    base_url: str, parts: RequestParts[object, object]
) -> None:
    """Line by line the head is what our engine writes for the httpx.Request of the same parts."""
    headers = {"user-agent": "agent/1", "x-downstream-service": "svc"}
    request = Client(base_url, headers=headers).build(parts)
    expected = head_of(request)
    target = Target(base_url, 5.0, headers)
    assert target.head(parts, expected.length) == expected.data


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: h\r\n\r\nGET /other HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h\r\n",
        b"GET / HTTP/1.1\r\nhost: a\nb: c\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nna me: v\r\n\r\n",
        b"",
    ],
)
def test_nothing_but_one_head_goes_out(head: bytes) -> None:
    """Whoever uses the direct way can't smuggle a second request through it."""
    transport = SocketTransport()
    send = transport.direct(("http", "127.0.0.1", 1))
    assert send is not None
    with pytest.raises(httpx.LocalProtocolError) as caught:
        send("GET", head, 0, None, {})
    assert facts_of(caught.value) == Facts(Progress.NOT_SENT)
    transport.close()


def get_sync(url: str, transport: SocketTransport) -> bytes:
    with Client(url, transport=transport) as client:
        return get_object.sync("use", "_", "k", client=client).body


def get_async(url: str, _: object) -> bytes:
    async def get() -> bytes:
        async with AsyncClient(url, transport=AsyncSocketTransport()) as client:
            return (await get_object.asyncio("use", "_", "k", client=client)).body

    return asyncio.run(get())


@pytest.mark.parametrize("get", [get_sync, get_async])
def test_a_proxy_of_the_environment_is_used(
    get: Callable[[str, SocketTransport], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no direct way where a proxy has to be used."""

    def proxy(connection: object) -> None:
        head = read_head(connection)  # type: ignore[arg-type]
        connection.sendall(answer(200, body=head.split(b"\r\n")[0]))  # type: ignore[attr-defined]

    with peer(proxy) as url:
        monkeypatch.setenv("http_proxy", url)
        got = get("http://object.test", SocketTransport())
    assert got == b"GET http://object.test/v1/objects/use/_/k HTTP/1.1"


def test_transports_of_others_get_httpx_requests() -> None:
    """A transport without a direct way is driven as httpx defines it, time-outs included."""
    seen: list[httpx.Request] = []

    class Other(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, stream=httpx.ByteStream(b"payload"))

    with Client("http://host", timeout=3.0, transport=Other()) as client:
        assert get_object.sync("use", "_", "k", client=client).body == b"payload"
    timeouts: Mapping[str, float] = seen[0].extensions["timeout"]
    assert (seen[0].method, str(seen[0].url)) == ("GET", "http://host/v1/objects/use/_/k")
    assert set(timeouts.values()) == {3.0}


def test_the_direct_way_is_looked_for_once() -> None:
    """Which way to go is decided by the first request, not by each."""
    asked: list[tuple[str, str, int]] = []

    class Counting(SocketTransport):
        def direct(self, origin: tuple[str, str, int]) -> object:  # type: ignore[override]
            asked.append(origin)
            return super().direct(origin)

    with (
        RawServer(reply(200, body=b"1"), reply(200, body=b"2")) as server,
        Client(server.url, transport=Counting()) as client,
    ):
        for expected in (b"1", b"2"):
            assert get_object.sync("use", "_", "k", client=client).body == expected
        assert [port for _, _, port in asked] == [int(server.url.rpartition(":")[2])]
