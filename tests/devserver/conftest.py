"""A server on each storage, whose clock stands still until a test moves it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest

from objectstore_client.devserver import DevServer
from tests.devserver.wire import Answer, Header, ask

START = datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)
CREATED = "2026-01-01T00:00:01Z"
"""`START` as the server writes it: rounded up."""

Ask: TypeAlias = Callable[..., Answer]

_numbers = itertools.count()


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        """Move it by a `timedelta` with these arguments."""
        self.now += timedelta(**duration)


@pytest.fixture(scope="module")
def module_clock() -> Clock:
    """The clock of the server; tests use `clock`."""
    return Clock()


@pytest.fixture
def clock(module_clock: Clock) -> Iterator[Clock]:
    """The clock of the server, which each test finds at `START`."""
    module_clock.now = START
    yield module_clock
    module_clock.now = START


@pytest.fixture(scope="module", params=["memory", "directory"])
def server(
    request: pytest.FixtureRequest,
    module_clock: Clock,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DevServer]:
    """A running server, on each of the storages."""
    data_dir = tmp_path_factory.mktemp("data") if request.param == "directory" else None
    with DevServer(data_dir=data_dir, clock=module_clock) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """The path of a namespace that no other test uses, without a slash at the end."""
    return f"/v1/objects/test/t={next(_numbers)}"


@pytest.fixture
def call(server: DevServer, prefix: str) -> Ask:
    """Sends a request below `prefix`, to the key `o` unless told otherwise."""

    def call(
        method: str,
        key: str = "/o",
        headers: Iterable[Header] = (),
        body: bytes | None = None,
    ) -> Answer:
        return ask(server.url, method, prefix + key, headers, body)

    return call
