"""A server that plays a script over real sockets and keeps every byte it was sent.

    with RawServer(reply(200, body=b"hi"), reply(404)) as server:
        ...  # two requests to server.url
    server.requests[0].target

It knows just enough HTTP to find the end of a request. Answers are whatever the script says, so
they may be early, malformed, cut short or never come.
"""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Self, cast

_PATIENCE_SECONDS = 30


@dataclass
class Exchange:
    """A request on the wire, and the means to answer it. `body` is filled by reading it."""

    head: bytes
    body: bytes = b""
    _connection: socket.socket = field(repr=False, default_factory=socket.socket)
    _reader: BinaryIO = field(repr=False, default_factory=lambda: cast(BinaryIO, None))

    @property
    def method(self) -> str:
        """The first word of the request line."""
        return self._request_line[0]

    @property
    def target(self) -> str:
        """The second word of the request line, exactly as received."""
        return self._request_line[1]

    @property
    def headers(self) -> dict[str, str]:
        """Headers by lowercase name; one that is sent twice fails the test."""
        found: dict[str, str] = {}
        for line in self.head.decode("latin-1").split("\r\n")[1:-2]:
            name, _, value = line.partition(":")
            assert name.lower() not in found, f"header sent twice: {name}"
            found[name.lower()] = value.strip(" ")
        return found

    def chunks(self) -> Iterator[bytes]:
        """Read the body as it comes: chunk by chunk if it is chunked, else in one piece."""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self._reader.readline(), 16):
                yield self._exactly(size + 2)[:-2]
            assert self._reader.readline() == b"\r\n"
        elif length := int(self.headers.get("content-length", "0")):
            yield self._exactly(length)

    def read_body(self) -> None:
        """Read the whole body."""
        self.body = b"".join(self.chunks())

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(data)

    def peer_closed(self) -> bool:
        """Wait until the client closes the connection, reading all that still comes."""
        with contextlib.suppress(ConnectionError):
            while self._reader.read(1 << 16):
                pass
        return True

    def hung_up(self) -> bool:
        """Wait until the client closes the connection, leaving unread what it sends."""
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        return bool(poll.poll(_PATIENCE_SECONDS * 1000))

    def end(self) -> None:
        """Say that nothing follows; what the client still sends can be read."""
        with contextlib.suppress(OSError):  # the client was faster
            self._connection.shutdown(socket.SHUT_WR)

    @property
    def _request_line(self) -> list[str]:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")

    def _exactly(self, size: int) -> bytes:
        data = self._reader.read(size)
        if len(data) < size:
            raise ConnectionError("the client closed the connection inside a body")
        return data


Handler = Callable[[Exchange], None]
"""Plays one request. The connection stays open for the next one unless it says `Connection: close`
or raises `ConnectionError`."""


def reply(
    status: int | str = 200,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    content_length: int | None = None,
) -> Handler:
    """Read the whole request, then answer it."""
    data = answer(status, headers, body, content_length=content_length)

    def handle(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(data)

    return handle


def answer(
    status: int | str = 200,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    content_length: int | None = None,
) -> bytes:
    """The bytes of an answer; 204 comes without `Content-Length`."""
    lines = [f"HTTP/1.1 {status}{' Spoken' if isinstance(status, int) else ''}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if status != 204:
        lines.append(f"Content-Length: {len(body) if content_length is None else content_length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class RawServer:
    """Serves one handler per request, in order of arrival, at 127.0.0.1.

    Leaving the context stops everything and raises what went wrong in a handler.

    Args:
        script: A handler for each request.
        rest: The handler of all requests after those; without it there may be none.
    """

    def __init__(self, *script: Handler, rest: Handler | None = None) -> None:
        self.requests: list[Exchange] = []
        self.rest = rest
        self._script = iter(script)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._lock = threading.Lock()
        self._closing = False
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def host(self) -> str:
        """Host and port, as in a `Host` header."""
        return self.url.removeprefix("http://")

    @property
    def connections(self) -> int:
        """How many connections were made so far."""
        return len(self._connections)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Closing a listener does not wake up an accept() that already waits; a connection does.
        self._closing = True
        socket.create_connection(self._listener.getsockname()).close()
        self._threads[0].join(_PATIENCE_SECONDS)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(_PATIENCE_SECONDS)
        for connection in self._connections:
            connection.close()
        assert not any(thread.is_alive() for thread in self._threads)
        if self._failures and exc is None:
            raise self._failures[0]

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing:
                connection.close()
                return
            self._connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as reader:
                while head := _read_head(reader):
                    exchange = Exchange(head, _connection=connection, _reader=reader)
                    with self._lock:
                        self.requests.append(exchange)
                        handler = next(self._script, self.rest)
                    assert handler is not None, f"request without a script: {head!r}"
                    handler(exchange)
        except ConnectionError:
            pass  # also how a handler says: no more
        except BaseException as error:
            self._failures.append(error)
        finally:
            # With unread data left this resets the connection, as servers in a hurry do.
            connection.close()


def _read_head(reader: BinaryIO) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline()
        if not line:
            return b""
        head += line
    return head
