# Generated from tests/shell/_async/conftest.py; do not edit. To regenerate: python -m generator
"""Fixtures of the shell's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from objectstore_client import Client, Objectstore, Scope, Usecase


@pytest.fixture
def objectstore(server_url: str) -> Iterator[Objectstore]:
    """A store at the embedded server."""
    with Objectstore(server_url) as objectstore:
        yield objectstore


@pytest.fixture
def client(objectstore: Objectstore, scope: Scope) -> Client:
    """A client whose scope no other test uses."""
    return objectstore.get_client(Usecase("testing"), scope)
