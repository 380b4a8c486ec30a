"""Each test in both worlds, and nothing left behind by any."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.engine.worlds import WORLDS, World, entered
from tests.faults.leaks import no_leaks


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def _leaves_nothing(server_url: str) -> Iterator[None]:
    """No test leaves a descriptor, thread or complaint; the embedded server runs before."""
    with no_leaks():
        yield


@pytest.fixture(params=WORLDS, ids=lambda make: make.name)
def world(request: pytest.FixtureRequest, _leaves_nothing: None) -> Iterator[World]:
    """Each of the two worlds."""
    make: Callable[[], World] = request.param
    with entered(make) as world:
        yield world
