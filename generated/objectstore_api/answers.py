# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Answers whose bodies nobody has read yet, whatever brought them.

A transport that can do without httpx's objects has a method `direct`, which is asked once for each
server and may return `None`: where a proxy has to be used, say. It saves small requests a third of
their time. All other transports are driven as httpx defines it.
"""

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from typing import Protocol, TypeAlias, runtime_checkable

import httpx

from .headers import Pairs

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port of a server."""


class _Head(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def pairs(self) -> Pairs:
        """The headers; names in any case."""
        ...

    def at_hand(self) -> bytes | None:
        """The whole body if all of it has arrived and none was taken, else `None`."""
        ...


class Answer(_Head, Protocol):
    """The head of an answer, and its body as it comes. Holds a connection until it is closed."""

    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class AsyncAnswer(_Head, Protocol):
    """The head of an answer, and its body as it comes. Holds a connection until it is closed."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class Direct(Protocol):
    """Sends requests to one server.

    A request is its method, its whole head, the length of its body (`None` if it is chunked), its
    body if it has one, and what httpx calls extensions. It fails as transports of httpx do.
    """

    def __call__(
        self,
        method: str,
        head: bytes,
        length: int | None,
        stream: httpx.SyncByteStream | None,
        extensions: Mapping[str, object],
    ) -> Answer: ...


class AsyncDirect(Protocol):
    """The same for an event loop."""

    def __call__(
        self,
        method: str,
        head: bytes,
        length: int | None,
        stream: httpx.AsyncByteStream | None,
        extensions: Mapping[str, object],
    ) -> Awaitable[AsyncAnswer]: ...


@runtime_checkable
class DirectTransport(Protocol):
    """A transport that can do without httpx's objects."""

    def direct(self, origin: Origin) -> Direct | None: ...


@runtime_checkable
class AsyncDirectTransport(Protocol):
    """The same for an event loop."""

    def direct(self, origin: Origin) -> AsyncDirect | None: ...


class HttpxAnswer:
    """An answer that came through httpx, for either world. Bodies are read raw: never decoded."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status_code = response.status_code
        self.pairs: Pairs = response.headers.raw

    def at_hand(self) -> None:
        return None

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_raw()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.aiter_raw()

    def close(self) -> None:
        self._response.close()

    async def aclose(self) -> None:
        await self._response.aclose()
