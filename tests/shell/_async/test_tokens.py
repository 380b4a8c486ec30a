"""Tokens in use: signed, passed through, renewed; and the URLs that carry one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest
from objectstore_api.api.objects import head_object

from objectstore_client import (
    AsyncObjectstore,
    AuthenticationError,
    BadRequestError,
    Delete,
    Get,
    InvalidArgumentError,
    InvalidResponseError,
    ObjectNotFound,
    PermissionDeniedError,
    Put,
    Scope,
    SecretKey,
    TimeToLive,
    TokenProviderError,
    Usecase,
)
from objectstore_client.devserver import AuthKey, DevServer
from objectstore_client.tokens import HELD_LIMIT, expiry_of, make_token
from tests.support.keys import KID, OTHER_SEED, PUBLIC_PEM, SEED
from tests.support.rawserver import RawServer, answer, reply

USECASE = Usecase("testing")
STORED = b'{"key": "key"}'


@pytest.fixture(scope="module")
def enforcing_url() -> Iterator[str]:
    """A server that demands tokens."""
    with DevServer(auth_keys=[AuthKey(KID, PUBLIC_PEM)]) as server:
        yield server.url


@pytest.fixture
async def signing(enforcing_url: str) -> AsyncIterator[AsyncObjectstore]:
    """A store that has a key of that server."""
    async with AsyncObjectstore(enforcing_url, token=SecretKey(KID, SEED)) as objectstore:
        yield objectstore


def fresh(number: int = 0, seconds: float = 1000) -> str:
    """A token for the tests that only look at it, unlike those of other numbers."""
    return make_token(KID, lambda _: b"%d" % number, {}, [], int(time.time() + seconds))


def sent(server: RawServer) -> list[str]:
    """The tokens of all requests so far."""
    return [each.headers["x-os-auth"].removeprefix("Bearer ") for each in server.requests]


class Provider:
    """Returns one token after the other, and counts."""

    def __init__(self, *tokens: object) -> None:
        self.tokens = tokens
        self.calls = 0

    async def __call__(self) -> str:
        """The next token; of the last one, no end."""
        token = self.tokens[min(self.calls, len(self.tokens) - 1)]
        self.calls += 1
        if isinstance(token, Exception):
            raise token
        return token  # type: ignore[return-value]


# ---- keys -----------------------------------------------------------------------------------


async def test_every_operation_is_signed(signing: AsyncObjectstore, scope: Scope) -> None:
    """A server that enforces tokens lets all of them pass."""
    client = signing.get_client(USECASE, scope)
    week = TimeToLive(timedelta(days=7))
    assert await client.put(b"x", id="a/b", expiration_policy=week) == "a/b"
    assert await (await client.get("a/b")).payload.read() == b"x"
    assert (await client.head("a/b")).expiration_policy == week
    await client.extend_expiry("a/b", after=timedelta(days=8))
    await client.delete("a/b")
    assert not await client.exists("a/b")
    assert await client.put(iter([b"x"]))


async def test_a_key_may_be_bounded(enforcing_url: str, scope: Scope) -> None:
    """What it may not do is refused by the server."""
    reader = SecretKey(KID, SEED, permissions=["object.read"])
    async with AsyncObjectstore(enforcing_url, token=reader) as objectstore:
        client = objectstore.get_client(USECASE, scope)
        with pytest.raises(ObjectNotFound):
            await client.get("absent")
        with pytest.raises(PermissionDeniedError):
            await client.put(b"x")


async def test_operations_of_a_batch_are_checked_one_by_one(
    enforcing_url: str, scope: Scope
) -> None:
    """By what each of them needs."""
    reader = SecretKey(KID, SEED, permissions=["object.read"])
    async with AsyncObjectstore(enforcing_url, token=reader) as objectstore:
        client = objectstore.get_client(USECASE, scope)
        results = client.many([Put(b"x", id="a"), Get("b"), Delete("c")])
        errors = {result.key: result.error async for result in results}
        assert isinstance(errors["a"], PermissionDeniedError)
        assert isinstance(errors["b"], ObjectNotFound)
        assert isinstance(errors["c"], PermissionDeniedError)


async def test_one_signature_per_life_usecase_and_scope() -> None:
    """However many requests and clients there are."""
    key = SecretKey(KID, SEED, expiry=timedelta(hours=1))
    async with AsyncObjectstore("http://localhost", token=key, transport=Absent()) as objectstore:
        tokens = set()
        for _ in range(5):
            for scope in (Scope(org=1), Scope(org=2), Scope()):
                for name in ("abc", "xyz"):
                    client = objectstore.get_client(Usecase(name), scope)
                    assert not await client.exists("key")
                    held = await client._tokens.get(client.usecase, scope)
                    tokens.add(held.headers["x-os-auth"])
        assert len(tokens) == 6
        assert len(objectstore._tokens._held) == 6


async def test_the_number_of_held_tokens_is_bounded() -> None:
    """The oldest makes room."""
    key = SecretKey(KID, SEED)
    async with AsyncObjectstore("http://localhost", token=key, transport=Absent()) as objectstore:
        for number in range(HELD_LIMIT + 10):
            await objectstore._tokens.get(USECASE, Scope(org=number))
        assert len(objectstore._tokens._held) == HELD_LIMIT
        assert ("testing", "org=0") not in objectstore._tokens._held


async def test_a_token_is_renewed_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 80 % of its life."""
    now = 1_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    key = SecretKey(KID, SEED, expiry=timedelta(seconds=100))
    async with AsyncObjectstore("http://localhost", token=key) as objectstore:
        first = await objectstore._tokens.get(USECASE, Scope())
        now += 79.9
        assert await objectstore._tokens.get(USECASE, Scope()) is first
        now += 0.1
        assert (await objectstore._tokens.get(USECASE, Scope())) != first


class Absent(httpx.AsyncBaseTransport):
    """Keeps the requests and answers as an empty store would."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Keep the request."""
        self.requests.append(request)
        return httpx.Response(404)


# ---- strings and providers ------------------------------------------------------------------


async def test_a_string_is_passed_through() -> None:
    """With every request, whatever it says."""
    with RawServer(reply(200), reply(200, body=STORED)) as server:
        async with AsyncObjectstore(server.url, token="opaque") as objectstore:
            client = objectstore.get_client(USECASE, Scope())
            await client.head("key")
            await client.put(b"x", id="key")
        assert sent(server) == ["opaque", "opaque"]


async def test_a_provider_is_called_when_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for all usecases and scopes, and again after 80 % of the life of its token."""
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now)
    provider = Provider(fresh(1, 101), fresh(2, 1001))
    with RawServer(rest=reply(200)) as server:
        async with AsyncObjectstore(server.url, token=provider) as objectstore:
            for scope in (Scope(), Scope(a=1), Scope(a=2)):
                await objectstore.get_client(USECASE, scope).head("key")
            assert provider.calls == 1
            now += 81
            await objectstore.get_client(USECASE, Scope()).head("key")
            assert provider.calls == 2
        assert sent(server) == [*[provider.tokens[0]] * 3, provider.tokens[1]]


async def test_a_plain_function_is_a_provider_too() -> None:
    """Also for the async client."""
    with RawServer(reply(200)) as server:
        async with AsyncObjectstore(server.url, token=lambda: "plain") as objectstore:
            await objectstore.get_client(USECASE, Scope()).head("key")
        assert sent(server) == ["plain"]


async def test_a_refused_token_is_replaced_once() -> None:
    """The request is made again with another one, and not counted as an attempt."""
    provider = Provider(fresh(1), fresh(2))
    with RawServer(reply(401), reply(200, body=STORED), reply(200)) as server:
        async with AsyncObjectstore(server.url, token=provider, retries=0) as objectstore:
            client = objectstore.get_client(USECASE, Scope())
            await client.put(b"x", id="key")
            await client.head("key")
        assert sent(server) == [provider.tokens[0], provider.tokens[1], provider.tokens[1]]


async def test_a_server_that_refuses_every_token() -> None:
    """One repetition is all it gets."""
    provider = Provider(*(fresh(number) for number in range(10)))
    with RawServer(rest=reply(401, body=b'{"detail": "no"}')) as server:
        async with AsyncObjectstore(server.url, token=provider) as objectstore:
            client = objectstore.get_client(USECASE, Scope())
            with pytest.raises(AuthenticationError) as caught:
                await client.head("key")
        assert len(server.requests) == caught.value.attempts == 2
        assert provider.calls == 2


@pytest.mark.parametrize("kind", ["string", "provider", "key"])
async def test_the_same_token_is_not_sent_twice(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If there is no other one, a refusal is final."""
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now)
    token = {"string": "abc", "provider": Provider("abc"), "key": SecretKey(KID, SEED)}[kind]
    with RawServer(reply(401)) as server:
        async with AsyncObjectstore(server.url, token=token) as objectstore:  # type: ignore[arg-type]
            with pytest.raises(AuthenticationError):
                await objectstore.get_client(USECASE, Scope()).head("key")
        assert len(server.requests) == 1


async def test_a_body_that_cannot_be_replayed_is_not_sent_again() -> None:
    """Its refusal is final, too."""
    provider = Provider(fresh(1), fresh(2))
    with RawServer(reply(401)) as server:
        async with AsyncObjectstore(server.url, token=provider) as objectstore:
            client = objectstore.get_client(USECASE, Scope())
            with pytest.raises(AuthenticationError):
                await client.put(iter([b"x"] * 3), id="key")
        assert provider.calls == 1


async def test_a_provider_that_fails() -> None:
    """Its error is the cause, nothing is sent, and nothing is tried again."""
    problem = httpx.ConnectError("the token service is down")
    provider = Provider(problem, fresh())
    with RawServer(reply(200)) as server:
        async with AsyncObjectstore(server.url, token=provider) as objectstore:
            client = objectstore.get_client(USECASE, Scope())
            with pytest.raises(TokenProviderError, match="the token provider failed") as caught:
                await client.head("key")
            assert caught.value.__cause__ is problem
            assert (caught.value.operation, caught.value.key) == ("head", "key")
            assert not server.requests
            await client.head("key")


@pytest.mark.parametrize("wrong", [None, b"abc", "", "a b", "a\r\nx: y", "é"])
async def test_a_provider_that_returns_no_token(wrong: object) -> None:
    """Nothing is sent, and what it returned is not shown."""
    with RawServer() as server:
        async with AsyncObjectstore(server.url, token=Provider(wrong)) as objectstore:
            client = objectstore.get_client(USECASE, Scope())
            with pytest.raises(TokenProviderError, match="returned no token: token: must be"):
                await client.head("key")


@pytest.mark.parametrize("wrong", [b"abc", 7, "", "a\nb", ["abc"]])
async def test_what_is_no_source_of_tokens(wrong: object) -> None:
    """Refused at construction."""
    with pytest.raises(InvalidArgumentError, match="token: must be"):
        AsyncObjectstore("http://localhost", token=wrong)  # type: ignore[arg-type]


async def test_a_missing_token_is_explained(enforcing_url: str) -> None:
    """Servers answer 400, which says little."""
    async with AsyncObjectstore(enforcing_url) as objectstore:
        with pytest.raises(BadRequestError) as caught:
            await objectstore.get_client(USECASE, Scope()).head("key")
    assert any("no token was sent" in note for note in caught.value.__notes__)
    async with AsyncObjectstore(enforcing_url, token="abc") as objectstore:
        with pytest.raises(AuthenticationError) as refused:
            await objectstore.get_client(USECASE, Scope()).head("key")
    assert not any("no token was sent" in note for note in refused.value.__notes__)


async def test_raw_sends_no_token() -> None:
    """It is said so, and so it is."""
    with RawServer(reply(200)) as server:
        async with AsyncObjectstore(server.url, token="abc") as objectstore:
            await head_object.asyncio("testing", "_", "key", client=objectstore.raw)
        assert "x-os-auth" not in server.requests[0].headers


async def test_redirects_are_not_followed() -> None:
    """So a token goes to the server it is for, and to no other."""
    with RawServer() as elsewhere:
        moved = answer(307, [("Location", f"{elsewhere.url}/v1/objects/testing/_/key")])
        with RawServer(rest=lambda exchange: exchange.send(moved)) as server:
            async with AsyncObjectstore(server.url, token="abc", retries=0) as objectstore:
                client = objectstore.get_client(USECASE, Scope())
                for operation in (client.get, client.head, client.delete):
                    with pytest.raises(InvalidResponseError):
                        await operation("key")
        assert not elsewhere.requests


# ---- minting, and URLs ----------------------------------------------------------------------


async def test_a_minted_token_serves_somebody_else(
    signing: AsyncObjectstore, enforcing_url: str, scope: Scope
) -> None:
    """Who has no key, for what it allows."""
    await signing.get_client(USECASE, scope).put(b"x", id="key")
    token = signing.get_client(USECASE, scope).mint_token(
        permissions=["object.read"], expiry=timedelta(minutes=5)
    )
    left = (expiry_of(token) or 0) - time.time()
    assert 295 < left <= 301
    async with AsyncObjectstore(enforcing_url, token=token) as objectstore:
        client = objectstore.get_client(USECASE, scope)
        assert await client.exists("key")
        with pytest.raises(PermissionDeniedError):
            await client.delete("key")
        with pytest.raises(PermissionDeniedError):
            await objectstore.get_client(USECASE, Scope(another="1")).exists("key")


async def test_a_minted_token_with_wildcards(signing: AsyncObjectstore, enforcing_url: str) -> None:
    """Covers every value of the names that were given."""
    token = signing.get_client(USECASE, Scope(org=1)).mint_token(wildcards=["project"])
    async with AsyncObjectstore(enforcing_url, token=token) as objectstore:
        for scope in (Scope(org=1), Scope(org=1, project=7), Scope(project=8)):
            assert not await objectstore.get_client(USECASE, scope).exists("absent")
        with pytest.raises(PermissionDeniedError):
            await objectstore.get_client(USECASE, Scope(org=2, project=7)).exists("absent")


async def test_urls_of_an_object(
    signing: AsyncObjectstore, enforcing_url: str, scope: Scope
) -> None:
    """Each works without anything of ours, for as much as it says."""
    client = signing.get_client(USECASE, scope)
    key = "reports/2026 Q1 \N{EN DASH} 100%?.pdf"
    await client.put(b"x", id=key, compression="none")
    bare = client.object_url(key)
    assert bare == (
        f"{enforcing_url}/v1/objects/testing/{scope.path}/"
        "reports/2026%20Q1%20%E2%80%93%20100%25%3F.pdf"
    )
    with_token = client.object_url(key, token_validity=timedelta(minutes=1))
    signed = [client.presigned_url(key), client.presigned_url(key, method="HEAD")]
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(bare)).status_code == 400
        for url in (with_token, *signed):
            assert url.startswith(f"{bare}?os_")
            assert (await browser.get(url)).content == b"x"
            assert (await browser.head(url)).status_code == 200
            assert (await browser.delete(url)).status_code == 403
            assert (await browser.get(url.replace(".pdf", ".txt"))).status_code in (401, 404)


async def test_the_prefix_of_the_server_is_signed() -> None:
    """The path is signed as the server sees it."""
    async with AsyncObjectstore("http://h/store/", token=SecretKey(KID, SEED)) as objectstore:
        client = objectstore.get_client(USECASE, Scope())
        assert client.object_url("a b") == "http://h/store/v1/objects/testing/_/a%20b"
        assert client.presigned_url("a b").startswith("http://h/store/v1/objects/testing/_/a%20b?")


async def test_urls_that_are_not_made(signing: AsyncObjectstore, enforcing_url: str) -> None:
    """Bad arguments, or no key to sign with."""
    client = signing.get_client(USECASE, Scope())
    for make in (client.object_url, client.presigned_url):
        for id in ("", "a/../b", "\ud800", None):
            with pytest.raises(InvalidArgumentError, match="id"):
                make(id)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="duration: "):
        client.presigned_url("key", duration=timedelta(days=8))
    with pytest.raises(InvalidArgumentError, match="method: "):
        client.presigned_url("key", method="PUT")  # type: ignore[arg-type]
    writer = SecretKey("other", OTHER_SEED, permissions=["object.write"])
    async with AsyncObjectstore(enforcing_url, token=writer) as objectstore:
        with pytest.raises(InvalidArgumentError, match=r"lack object\.read"):
            objectstore.get_client(USECASE, Scope()).presigned_url("key")
        with pytest.raises(InvalidArgumentError, match="must be some of the key's"):
            objectstore.get_client(USECASE, Scope()).object_url(
                "key", token_validity=timedelta(seconds=1)
            )
    async with AsyncObjectstore(enforcing_url, token="abc") as objectstore:
        client = objectstore.get_client(USECASE, Scope())
        assert client.object_url("key").endswith("/key")
        with pytest.raises(InvalidArgumentError, match="needs an Objectstore with a SecretKey"):
            client.mint_token()
        with pytest.raises(InvalidArgumentError, match="needs an Objectstore with a SecretKey"):
            client.presigned_url("key")
