"""What use cases allow as expiration, on every request that sets one (protocol 5.6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from objectstore_client import (
    BadRequestError,
    InvalidArgumentError,
    Objectstore,
    Put,
    Scope,
    TimeToLive,
    Usecase,
)
from objectstore_client.devserver import DevServer, Policies, UsecasePolicy
from tests.devserver.conftest import Clock
from tests.devserver.wire import Header, ask

TEXT = """
[limited]
expirations = ["ttl", "tti"]
maximum = "2d"

[manual]
expirations = ["manual"]
"""


@pytest.fixture(scope="module")
def server(module_clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """A server with the policies of `TEXT`."""
    path = tmp_path_factory.mktemp("policy") / "policies.toml"
    path.write_text(TEXT)
    with DevServer(policies=Policies.load(path), clock=module_clock) as server:
        yield server


@pytest.mark.parametrize(
    ("usecase", "expiration", "allowed"),
    [
        ("limited", None, False),
        ("limited", "manual", False),
        ("limited", "ttl:2d", True),
        ("limited", "ttl:2d 1s", False),
        ("limited", "tti:48h", True),
        ("limited", "tti:3d", False),
        ("manual", None, True),
        ("manual", "ttl:1s", False),
        ("another", None, True),
        ("another", "ttl:1000d", True),
    ],
)
def test_what_may_be_created(
    server: DevServer, usecase: str, expiration: str | None, allowed: bool
) -> None:
    """By PUT and POST; without a header, an object is one that never expires."""
    headers: list[Header] = [] if expiration is None else [("x-sn-expiration", expiration)]
    for method, key, status in (("PUT", "o", 200), ("POST", "", 201)):
        answer = ask(server.url, method, f"/v1/objects/{usecase}/_/{key}", headers, b"x")
        assert answer.status == (status if allowed else 400)
        if not allowed:
            assert answer.shape == (400, "json")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/v1/objects/limited/_/?upload_type=resumable"),
        ("PUT", "/v1/objects/limited/_/o?upload_type=resumable"),
        ("POST", "/v1/objects:multipart/limited/_/"),
        ("PUT", "/v1/objects:multipart/limited/_/o"),
    ],
)
def test_what_uploads_may_create(server: DevServer, method: str, target: str) -> None:
    """They are checked when they begin."""
    length: Header = ("upload-length", "1")
    for expiration, status in (("ttl:1d", 200), ("ttl:7d", 400)):
        headers: list[Header] = [length, ("x-sn-expiration", expiration)]
        answer = ask(server.url, method, target, headers, b"")
        assert answer.status == status, answer.body


def test_what_a_batch_may_create(server: DevServer) -> None:
    """Each of its operations is checked by itself."""
    with Objectstore(server.url) as store:
        client = store.get_client(Usecase("limited"), Scope())
        day, week = TimeToLive(timedelta(days=1)), TimeToLive(timedelta(days=7))
        policies = {"a": day, "b": week, "c": None}
        puts = [Put(b"x", id=key, expiration_policy=each) for key, each in policies.items()]
        results = client.put_many(puts)
        assert [type(result.error) for result in results] == [
            type(None),
            BadRequestError,
            BadRequestError,
        ]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ({"after": "2d", "from": "now"}, 204),
        ({"after": "2d 1s", "from": "now"}, 400),
        ({"after": "3d", "from": "creation"}, 400),
        ({"after": "1s", "from": "creation"}, 204),
        ({"at": "2999-01-01T00:00:00Z"}, 400),
        ({"at": "1999-01-01T00:00:00Z"}, 204),
    ],
)
def test_how_far_a_life_may_be_extended(
    server: DevServer, clock: Clock, target: dict[str, str], status: int
) -> None:
    """Up to the maximum, counted from the request."""
    path = "/v1/objects/limited/_/extended"
    headers: list[Header] = [("x-sn-expiration", "ttl:1h")]
    assert ask(server.url, "PUT", path, headers, b"x").status == 200
    body = json.dumps({"extend_expiry": target}).encode()
    json_type: list[Header] = [("content-type", "application/json")]
    clock.now = clock.now.replace(microsecond=0)
    assert ask(server.url, "PATCH", path, json_type, body).status == status


def test_policies_as_json(tmp_path: Path) -> None:
    """The same tables; what is left out is not restricted."""
    path = tmp_path / "policies.json"
    path.write_text('{"limited": {"maximum": "1h"}, "free": {}}')
    policies = Policies.load(path)
    kinds = frozenset(("manual", "ttl", "tti"))
    assert policies.of("limited") == UsecasePolicy(kinds, timedelta(hours=1))
    assert policies.of("free") == policies.of("absent") == UsecasePolicy()


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "a = 1",
        "[ab]",
        "[abc]\nmaximum = '1'",
        "[abc]\nmaximum = 1",
        "[abc]\nexpirations = []",
        "[abc]\nexpirations = ['TTL']",
        "[abc]\nexpirations = 'ttl'",
        "[abc]\nexpirations = [['ttl']]",
        "[abc]\nmaximun = '1h'",
    ],
)
def test_bad_policies_are_refused(tmp_path: Path, text: str) -> None:
    """When they are read: a typo must not lift a restriction."""
    path = tmp_path / "policies.toml"
    path.write_text(text)
    with pytest.raises(InvalidArgumentError, match="policy: "):
        Policies.load(path)
