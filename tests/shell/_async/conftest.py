"""Fixtures of the shell's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from objectstore_client import AsyncClient, AsyncObjectstore, Scope, Usecase


@pytest.fixture
async def objectstore(server_url: str) -> AsyncIterator[AsyncObjectstore]:
    """A store at the embedded server."""
    async with AsyncObjectstore(server_url) as objectstore:
        yield objectstore


@pytest.fixture
def client(objectstore: AsyncObjectstore, scope: Scope) -> AsyncClient:
    """A client whose scope no other test uses."""
    return objectstore.get_client(Usecase("testing"), scope)
