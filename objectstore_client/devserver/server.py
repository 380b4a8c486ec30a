"""The HTTP server around the application: uvicorn, on a listening socket of our own."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from objectstore_client.devserver.app import App, utc_now
from objectstore_client.devserver.auth import AuthKey, Authority
from objectstore_client.devserver.directory import DirectoryStorage
from objectstore_client.devserver.features import Features
from objectstore_client.devserver.memory import MemoryStorage
from objectstore_client.devserver.missing import MissingExtraError
from objectstore_client.devserver.old import OldApp
from objectstore_client.devserver.policies import Policies

try:
    import uvicorn

    from objectstore_client.devserver.protocol import Limits, Protocol
except ModuleNotFoundError as error:
    raise MissingExtraError(str(error.name)) from error

_TICK_SECONDS = 0.1
_BACKLOG = 2048
_MAX_HEAD_BYTES = 64 * 1024


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the first address of *host*, IPv4 before IPv6.

    Raises:
        OSError: If that is not possible.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    # Not `socket.create_server`: asyncio switches Nagle's algorithm off only for sockets that say
    # that they are TCP, and with it an answer in two packets takes 40 ms.
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL under which *listener* is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class HttpServer(uvicorn.Server):
    """Serves *app* until `stop` is called. Signals and logging are left to the caller.

    Args:
        app: What answers; not closed.
        limits: For clients that take their time.
        on_ready: Called once connections are accepted.
    """

    def __init__(self, app: App, limits: Limits, on_ready: Callable[[], object]) -> None:
        config = uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            proxy_headers=False,
            headers=[("server", "objectstore-devserver")],
            timeout_keep_alive=limits.idle,
            h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
        )
        super().__init__(config)
        self._limits = limits
        self._on_ready = on_ready
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let running requests finish, then end. For the thread of the event loop."""
        self.should_exit = True
        self._stopping.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def main_loop(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.should_exit:
            await self.on_tick(0)  # refreshes the Date header
            for connection in list(self.server_state.connections):
                if isinstance(connection, Protocol):
                    connection.give_up(loop.time(), self._limits)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        # A connection that is just being accepted would be forgotten by asyncio, or by uvicorn:
        # accept no more, and let it come through, which takes two turns of the loop.
        for listener in sockets or ():
            loop.remove_reader(listener)
        for _ in range(3):
            await asyncio.sleep(0)
        # No request is cancelled; what does not finish in time ends because its client is gone.
        timer = loop.call_later(self._limits.grace, self._cut_connections)
        await super().shutdown(sockets)
        timer.cancel()

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        return nullcontext()

    def _cut_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class DevServer:
    """A server of the whole contract on a thread of this process, for development and tests.

    >>> with DevServer() as server:
    ...     objectstore = Objectstore(server.url)

    Without *auth_keys* there is no authentication, so it should stay on a loopback address.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one.
        data_dir: Directory that keeps the objects, created if it does not exist. Without it they
            are kept in memory and forgotten when the server stops.
        clock: Returns the present time in UTC. A test can move it to see objects and tokens expire.
        auth_keys: Whose tokens and pre-signed URLs are accepted; with them, requests need one.
        policies: What use cases allow as expiration.
        limits: For clients that take their time.
        features: What it offers beyond plain objects; also makes an old server of it.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        data_dir: str | os.PathLike[str] | None = None,
        clock: Callable[[], datetime] = utc_now,
        auth_keys: Iterable[AuthKey] = (),
        policies: Policies | None = None,
        limits: Limits | None = None,
        features: Features | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._data_dir = None if data_dir is None else Path(data_dir)
        self._clock = clock
        keys = list(auth_keys)
        self._authority = Authority(keys) if keys else None
        self._policies = policies
        self._limits = limits or Limits()
        self._features = features or Features()
        self._url: str | None = None
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], object] = lambda: None

    @property
    def url(self) -> str:
        """Where the server is reached, such as `http://127.0.0.1:34567`.

        Raises:
            RuntimeError: If it is not running.
        """
        if self._url is None:
            raise RuntimeError("the server is not running")
        return self._url

    def start(self) -> None:
        """Start the server and return once it accepts connections.

        Raises:
            RuntimeError: If it is running already.
            OSError: If it can't listen on the address.
            StorageError: If the directory can't be used, or is in use by another server.
        """
        if self._thread is not None:
            raise RuntimeError("the server is running already")
        directory = self._data_dir
        listener = listen(self._host, self._port)
        try:
            storage = MemoryStorage() if directory is None else DirectoryStorage(directory)
        except BaseException:
            listener.close()
            raise
        kind = OldApp if self._features.old else App
        app = kind(
            storage,
            clock=self._clock,
            authority=self._authority,
            policies=self._policies,
            features=self._features,
        )
        url = url_of(listener)
        ready: Future[None] = Future()
        thread = threading.Thread(
            target=self._run, args=(app, listener, ready), name="objectstore-server", daemon=True
        )
        thread.start()
        try:
            ready.result()
        except BaseException:
            thread.join()
            raise
        self._thread, self._url = thread, url

    def stop(self) -> None:
        """Stop the server and wait for its end; harmless when it is not running.

        Requests in progress get a few seconds to finish.
        """
        if self._thread is not None:
            with suppress(RuntimeError):  # its loop is closed: it has ended by itself
                self._stop()
            self._thread.join()
            self._thread = self._url = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self, app: App, listener: socket.socket, ready: Future[None]) -> None:
        async def serve() -> None:
            server = HttpServer(app, self._limits, on_ready=lambda: ready.set_result(None))
            loop = asyncio.get_running_loop()
            self._stop = lambda: loop.call_soon_threadsafe(server.stop)
            await server.serve(sockets=[listener])

        try:
            asyncio.run(serve())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)
        finally:
            listener.close()
            app.close()
