"""No way out for secrets: a full run of both worlds, searched for planted canaries.

The canaries are a private key, tokens and their signatures, signatures of URLs and the session of a
resumable upload. Searched are all objects a user gets hold of, all errors with their causes and
notes, all log records at any level, and what metrics backends are told.
"""

from __future__ import annotations

import base64
import logging
import pickle
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from objectstore_api.api.objects import get_object, put_object

from objectstore_client import (
    InvalidArgumentError,
    NoOpMetricsBackend,
    Objectstore,
    ObjectstoreError,
    Scope,
    SecretKey,
    TimeToLive,
    TokenProviderError,
    Usecase,
)
from objectstore_client.devserver import AuthKey, DevServer
from objectstore_client.devserver.app import access_log
from objectstore_client.tokens import make_token
from tests.faults.worlds import WORLDS, AnyClient, World, entered, get, value
from tests.support.keys import KID, PRIVATE_PEM, PUBLIC_PEM, SEED
from tests.support.rawserver import Exchange, RawServer, answer

USECASE, SCOPE = Usecase("secrets"), Scope(org=17)
OPAQUE = "canary-opaque-token-0123456789"
SESSION = "canary-session-0123456789"
SIGNATURE = b"canary-signature" * 4
UNSIGNED = make_token("kid", lambda _: SIGNATURE, {}, [], 4102444800)
"""A token that no server knows."""

_FIXED = (
    OPAQUE,
    SESSION,
    base64.urlsafe_b64encode(SIGNATURE).decode()[:-2],
    SEED.hex(),
    base64.b64encode(SEED).decode(),
    repr(SEED)[2:-1],
    PRIVATE_PEM.splitlines()[1],
)


class Metrics(NoOpMetricsBackend):
    """Keeps all that it is told, and fails afterwards."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def distribution(
        self,
        name: str,
        value: float,
        tags: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> None:
        """Keep it."""
        self.told.append((name, value, tags, unit))
        raise RuntimeError("backend down")


@dataclass
class Search:
    """What is searched for, and the log records so far."""

    records: list[logging.LogRecord] = field(default_factory=list)
    canaries: set[str] = field(default_factory=lambda: set(_FIXED))
    searched: int = 0

    def plant(self, secret: str) -> str:
        """Search for *secret* from now on: a token, or a URL with a token or signature."""
        self.canaries.add(secret.rpartition("=")[2].rpartition(".")[2])
        return secret

    def text(self, text: str, where: object) -> None:
        """Search a text."""
        self.searched += 1
        for canary in self.canaries:
            assert canary not in text, f"{canary} in {where}: {text}"

    def thing(self, thing: object) -> None:
        """Search an object, its public attributes, and its pickle, if it has one."""
        kind = type(thing).__name__
        self.text(repr(thing), f"repr of {kind}")
        self.text(str(thing), f"str of {kind}")
        for name in dir(thing):
            if not name.startswith("_"):
                with suppress(AttributeError, OSError, RuntimeError, ObjectstoreError):
                    self.text(repr(getattr(thing, name)), f"{kind}.{name}")
        try:
            pickled = pickle.dumps(thing)
        except Exception as error:
            self.text(str(error), f"why {kind} has no pickle")
        else:
            self.text(pickled.decode("latin-1"), f"pickle of {kind}")

    def error(self, error: BaseException) -> None:
        """Search an error, what a traceback of it says, and all of its causes."""
        self.text("".join(traceback.format_exception(error)), "traceback")
        link: BaseException | None = error
        while link is not None:
            self.thing(link)
            for note in getattr(link, "__notes__", []):
                self.text(note, "note")
            link = link.__cause__ or link.__context__

    def log(self) -> None:
        """Search the log records, as a handler would write them and as they are."""
        formatter = logging.Formatter("%(name)s %(message)s %(args)s")
        for record in self.records:
            if record.name == "httpcore.http11" and "receive_response_headers" in record.msg:
                continue  # what a server says is shown by the transport that the user brought
            self.text(formatter.format(record), f"log of {record.name}")
            self.text(repr(vars(record)), f"log record of {record.name}")


class Keeper(logging.Handler):
    """Keeps log records."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(level=1)
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)


@pytest.fixture
def search() -> Iterator[Search]:
    """A search that sees all log records, of any logger and level."""
    search = Search()
    handler, root = Keeper(search.records), logging.getLogger()
    names = ["", "httpx", "httpcore", "asyncio", "objectstore_client", access_log.name]
    levels = {name: logging.getLogger(name).level for name in names}
    root.addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel(1)
    yield search
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(scope="module")
def enforcing() -> Iterator[DevServer]:
    """A server that demands tokens."""
    with DevServer(auth_keys=[AuthKey(KID, PUBLIC_PEM)]) as server:
        yield server


def parrot(exchange: Exchange) -> None:
    """Refuse everything, and repeat all that was received, wherever an answer has room for it."""
    exchange.read_body()
    token = exchange.headers.get("x-os-auth", "Bearer ")[7:]
    last = exchange.target.rpartition("/")[2]
    status = int(last) if last.isdecimal() else 404
    text = f"{exchange.target} {token}"
    body = f'{{"detail": "{text}", "causes": ["{text}", "x"]}}'
    if status == 299:
        status, body = 200, text  # a success that is none
    head = [
        f"HTTP/1.1 {status} {token}",
        f"Content-Length: {len(body)}",
        f"x-sn-size: {token}",
        f"x-sn-expiration: {token}",
        f"Location: http://127.0.0.1:1/?os_auth={token}",
        f"Retry-After: {token}",
        "",
        "",
    ]
    if exchange.method != "HEAD":
        head[-1] = body
    exchange.send("\r\n".join(head).encode())


def transports(world: World) -> list[httpx.BaseTransport | httpx.AsyncBaseTransport | None]:
    """Ours, and one that a user brings along."""
    return [None, httpx.HTTPTransport() if world.name == "sync" else httpx.AsyncHTTPTransport()]


async def use(client: AnyClient, search: Search, key: str) -> None:
    """Do everything once, and search what comes of it."""

    async def run(result: Any) -> Any:
        try:
            found = await value(result() if callable(result) else result)
        except (ObjectstoreError, httpx.HTTPError) as error:
            search.error(error)
            return None
        search.thing(found)
        return found

    await run(lambda: client.put(b"x" * 100, id=key, expiration_policy=TimeToLive(timedelta(9))))
    await run(lambda: client.put(iter([b"x"]), id=key))
    await run(lambda: client.head(key))
    await run(lambda: client.extend_expiry(key, after=timedelta(days=1)))
    result: Any = await run(lambda: get(client, key))
    if result is not None:
        search.thing(result.payload)
        await value(result.payload.read())
        search.thing(result.payload)
        await value(result.payload.aclose() if hasattr(result, "aclose") else result.close())
    lots = [await run(lambda: client.put_many({key: b"x", "other": b"y"}))]
    lots.append(await run(lambda: client.get_many([key, "absent"])))
    for result in (result for lot in lots for result in lot or ()):
        search.thing(result)
        if result.error is not None:
            search.error(result.error)
    await run(lambda: client.exists("absent"))
    await run(lambda: get(client, "absent"))
    await run(lambda: client.delete(key))
    await run(lambda: client.head("\ud800"))
    search.thing(client)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_no_secret_gets_out(
    world: World, search: Search, enforcing: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever fails, and whatever is asked."""
    signed: list[str] = []
    original = SecretKey.token

    def token(self: SecretKey, *args: Any, **options: Any) -> str:
        signed.append(search.plant(original(self, *args, **options)))
        return signed[-1]

    monkeypatch.setattr(SecretKey, "token", token)
    key = SecretKey(KID, PRIVATE_PEM)
    search.thing(key)
    metrics = Metrics()

    async def scenario() -> None:
        with RawServer(rest=parrot) as repeating:
            for url in (enforcing.url, repeating.url, "http://127.0.0.1:1"):
                for source in (key, OPAQUE, UNSIGNED, lambda: UNSIGNED):
                    for transport in transports(world):
                        store = world.objectstore(
                            url,
                            token=source,
                            transport=transport,
                            metrics_backend=metrics,
                            retries=0,
                        )
                        async with entered(store):
                            search.thing(store)
                            search.thing(store.raw)
                            search.thing(store._tokens)
                            client = store.get_client(USECASE, SCOPE)
                            for status in (400, 401, 403, 404, 409, 429, 500, 307, 299):
                                if url == repeating.url or status == 400:
                                    await use(client, search, str(status))
                        search.thing(client)

    world.run(scenario())
    search.log()
    search.text(repr(metrics.told), "metrics")
    assert signed
    assert metrics.told
    names = {record.name for record in search.records}
    assert {"httpcore.http11", access_log.name, "objectstore_client.metrics"} <= names
    assert "httpx" not in names, "it would log whole URLs"
    assert search.searched > 1000


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_no_url_gets_out(world: World, search: Search, enforcing: DevServer) -> None:
    """What is signed into a URL is in that URL, and nowhere else: not in the server's log."""
    urls: list[str] = []

    async def scenario() -> None:
        store = world.objectstore(enforcing.url, token=SecretKey(KID, SEED))
        async with entered(store):
            client = store.get_client(USECASE, SCOPE)
            await value(client.put(b"x", id="key", compression="none"))
            urls.append(search.plant(client.presigned_url("key")))
            urls.append(search.plant(client.object_url("key", token_validity=timedelta(days=1))))
            search.thing(client)

    world.run(scenario())
    logging.getLogger("httpx").setLevel(logging.WARNING)  # what is used below is not ours
    for url in urls:
        assert httpx.get(url).content == b"x"
        assert httpx.get(url.replace("/key", "/never")).status_code in (401, 404)
    search.log()
    assert any(record.name == access_log.name for record in search.records)


def forgetful(exchange: Exchange) -> None:
    """Open a session, refuse its chunks, and repeat what was received."""
    exchange.read_body()
    token = exchange.headers["x-os-auth"]
    if exchange.method == "DELETE":
        exchange.send(answer(400))  # so it knows resumable uploads
    elif "upload_type=resumable" in exchange.target:
        exchange.send(answer(200, [], f'{{"key": "key", "session": "{SESSION}"}}'.encode()))
    elif exchange.method == "PUT":
        exchange.send(
            answer(403, [("x-sn-origin", SESSION)], f"{exchange.target} {token}".encode())
        )
    else:
        exchange.send(answer(404))


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_no_session_gets_out(world: World, search: Search) -> None:
    """That of a resumable upload is as good as a token, and travels in the query."""

    async def scenario(url: str) -> None:
        async with entered(world.objectstore(url, token=OPAQUE)) as store:
            client = store.get_client(USECASE, SCOPE)
            with pytest.raises(ObjectstoreError) as caught:
                await value(client.put(b"x" * 1000, id="key", resumable=True))
            search.error(caught.value)
            assert caught.value.__cause__ is not None

    with RawServer(rest=forgetful) as server:
        world.run(scenario(server.url))
    assert any(f"session={SESSION}" in request.target for request in server.requests)
    search.log()


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_no_token_gets_out_of_a_resumed_read(world: World, search: Search) -> None:
    """A payload that breaks off is asked for again, and that request may fail like any other."""
    created = ("x-sn-time-created", "2026-01-01T00:00:00Z")

    def break_off(exchange: Exchange) -> None:
        if "range" not in exchange.headers:
            exchange.send(answer(200, [created], b"x" * 100_000, content_length=200_000))
            raise ConnectionError
        parrot(exchange)

    async def scenario(url: str, key: str) -> None:
        async with entered(world.objectstore(url, token=OPAQUE)) as store:
            result = await get(store.get_client(USECASE, SCOPE), key)
            with pytest.raises(ObjectstoreError) as caught:
                await value(result.payload.read())
            search.error(caught.value)

    for key in ("403", "404", "500"):
        with RawServer(rest=break_off) as server:
            world.run(scenario(server.url, key))
        assert len(server.requests) > 1
    search.log()


def test_no_part_of_a_request_shows_a_secret(search: Search) -> None:
    """The low-level client's requests, with a token or session in header or query."""
    for parts in (
        get_object.build_request(
            "abc", "_", "key", extra_headers={"x-os-auth": f"Bearer {OPAQUE}"}
        ),
        put_object.build_request("abc", "_", "key", body=b"", session=SESSION),
    ):
        search.text(repr(parts), "repr of RequestParts")
    assert search.searched


def test_what_is_no_token_is_not_shown(search: Search) -> None:
    """Whether it was passed, or a provider returned it."""
    url = "http://127.0.0.1:1"
    wrong: Any
    for wrong in (f"{OPAQUE}\n", OPAQUE.encode(), [OPAQUE]):
        store = Objectstore(url, token=partial(copy, wrong))
        with pytest.raises(TokenProviderError) as caught:
            store.get_client(USECASE, SCOPE).head("key")
        search.error(caught.value)
        with pytest.raises(InvalidArgumentError) as refused:
            Objectstore(url, token=wrong)
        search.error(refused.value)


def test_the_search_finds_what_is_planted(search: Search) -> None:
    """It looks where it says, or its silence would mean nothing."""
    logging.getLogger("anything").debug("%s", OPAQUE)
    error = ValueError("innocent")
    error.__cause__ = KeyError(OPAQUE)
    for find in (
        search.log,
        lambda: search.thing(Metrics.__init__.__get__(OPAQUE)),
        lambda: search.error(error),
        lambda: search.thing(SEED),
    ):
        with pytest.raises(AssertionError, match=r"canary|NL5"):
            find()
