"""Fixtures that all tests share: the embedded server, and a scope of one's own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from objectstore_client import Scope
from objectstore_client.devserver import DevServer

_numbers = itertools.count()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The async client is for asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """An embedded server over real sockets, for all tests that do not need one of their own."""
    with DevServer() as server:
        yield server.url


@pytest.fixture
def scope() -> Scope:
    """A scope that no other test uses."""
    return Scope(test=next(_numbers))
