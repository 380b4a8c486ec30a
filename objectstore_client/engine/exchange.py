"""HTTP/1.1 without I/O and without a clock: one request out, one answer in.

A driver sends what `frame` and `finish` return and hands over what it receives. `status` and
`headers` are there once `status` is not 0, pieces of the body collect in `body`, and `complete`
says that nothing more is to come.

httptools parses heads and chunked bodies. All other bodies only pass by, counted but not copied.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TypeVar, cast

import httptools
import httpx

from objectstore_client.engine.facts import Facts, Progress, record
from objectstore_client.engine.heads import Head
from objectstore_client.engine.parsing import Events

__all__ = ["PIECE_BYTES", "Exchange"]

PIECE_BYTES = 512 * 1024
"""The most that is read at once, and so the largest piece of an answer. Half of it costs a third of
the speed over loopback: waking up takes its time."""

_SMALL_BYTES = 64 * 1024  # a piece of the request up to this goes out together with the head
_HEAD_BYTES = 64 * 1024
_HEADERS = 100
_INTERIM_ANSWERS = 10
_FRAMING_BYTES = 64 * 1024  # of chunk extensions and trailers, between two pieces of data

_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_VERSIONS = (b"HTTP/1.1 ", b"HTTP/1.0 ")

_Error = TypeVar("_Error", bound=httpx.TransportError)


class Exchange:
    """One request and its answer.

    Attributes:
        reused: Set by the driver: the connection has served before.
        sent: Set by the driver: the network took at least one byte of the request.
        all_sent: Set by the driver: the network took the whole request.
        duplex: A success may begin while the request is still on its way.
        status: The status of the answer; 0 until its head is there.
        headers: The headers of the answer, names in lower case.
        body: Pieces of its body that nobody has taken yet.
        taken: Whether somebody has begun to take them.
        complete: The whole answer was received.
    """

    def __init__(self, head: Head, *, duplex: bool = False) -> None:
        self.reused = self.sent = self.all_sent = self.complete = self.taken = False
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: deque[bytes] = deque()
        self.duplex = duplex
        self._answered = False
        self._keep = head.keep  # as far as we know, the connection can serve again
        self._method = head.method
        self._chunked = head.length is None  # the request
        self._unsent = head.length or 0  # what its Content-Length still asks for
        self._body_bytes = 0  # of the request, so far
        self._pending = head.data
        self._head = b""  # the beginning of the answer's
        self._interim = 0
        self._length: int | None = None  # of the answer's body, if that is known
        self._left = 0
        self._events: Events | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._framing = 0

    # ---- the request --------------------------------------------------------------------------

    def frame(self, piece: bytes) -> Sequence[bytes]:
        """Return what to send for the next *piece* of the body (any buffer will do).

        Raises:
            LocalProtocolError: If the body is longer than its Content-Length.
        """
        if not isinstance(piece, bytes):
            view = memoryview(piece)
            piece = cast(bytes, view.cast("B") if view.nbytes else b"")
        size = len(piece)
        if not size:
            return ()  # an empty chunk would end the body
        self._body_bytes += size
        before, self._pending = self._pending, b""
        if self._chunked:
            before += b"%x\r\n" % size
            self._pending = b"\r\n"
        else:
            self._unsent -= size
            if self._unsent < 0:
                raise self._refused("the body is longer than its Content-Length")
        if size > _SMALL_BYTES:
            return (before, piece) if before else (piece,)
        return (b"".join((before, piece)),)

    def finish(self) -> bytes:
        """Return what to send after the last piece of the body; may be nothing.

        Raises:
            LocalProtocolError: If the body is shorter than its Content-Length.
        """
        if self._unsent:
            raise self._refused("the body is shorter than its Content-Length")
        return self._pending + b"0\r\n\r\n" if self._chunked else self._pending

    # ---- the answer ---------------------------------------------------------------------------

    @property
    def unwanted(self) -> bool:
        """Whether nobody waits for the rest of the request, as the answer is there already."""
        return self.complete or self.status >= (300 if self.duplex else 1)

    @property
    def reusable(self) -> bool:
        """Whether the connection can serve another request."""
        if self.status >= 400 and self._body_bytes > _SMALL_BYTES:
            # The network took the body, but a server that refuses may never read it.
            return False
        return self.complete and self.all_sent and self._keep

    @property
    def wanted(self) -> int:
        """How many bytes to receive at once."""
        if not self.status:
            return _HEAD_BYTES
        return min(self._left, PIECE_BYTES) or PIECE_BYTES

    def receive(self, data: bytes) -> None:
        """Take in what was received.

        Raises:
            RemoteProtocolError: If that is not valid HTTP, or more than the bounds allow.
        """
        self._answered = True
        if not self.status:
            data = self._receive_head(data)
        if not data:
            return
        if self.complete:
            self._keep = False  # nobody asked for this
        elif self._parser is not None and self._events is not None:
            self._receive_chunks(self._parser, self._events, data)
        elif self._length is None:
            self.body.append(data)
        else:
            if len(data) > self._left:
                data = data[: self._left]
                self._keep = False
            self._left -= len(data)
            self.complete = not self._left
            self.body.append(data)

    def receive_eof(self) -> None:
        """Take in that the server has closed the connection.

        Raises:
            RemoteProtocolError: If the answer is not complete.
        """
        self._keep = False
        if self.complete:
            return
        if not self._answered:
            where = "without an answer"
        elif not self.status:
            where = "inside the head of its answer"
        elif self._events is not None:
            where = "inside a chunked body"
        elif self._length is None:
            self.complete = True
            return
        else:
            where = f"after {self._length - self._left} of the {self._length} bytes of the body"
        message = f"the server closed the connection {where}"
        raise self.error(httpx.RemoteProtocolError, message, died=True)

    def _receive_head(self, data: bytes) -> bytes:
        """Take in heads up to that of the answer itself; return what follows it."""
        data = self._head + data if self._head else data
        while not self.status:
            if data[:9] not in _VERSIONS and not any(v.startswith(data) for v in _VERSIONS):
                raise self._malformed("it does not begin with HTTP/1.1")
            end = data.find(b"\r\n\r\n", 0, _HEAD_BYTES) + 4
            if end < 4:
                if len(data) >= _HEAD_BYTES:
                    raise self._malformed("its head is too long")
                self._head = data
                return b""
            self._parse_head(data[:end])
            data = data[end:]
        self._head = b""
        return data

    def _parse_head(self, head: bytes) -> None:
        events = Events()
        parser = httptools.HttpResponseParser(events)
        if (problem := events.feed(parser, head)) is not None:
            raise self._malformed(problem)
        status = parser.get_status_code()
        if not events.head_complete or status < 100 or status == 101:
            raise self._malformed(f"unexpected status {status}")
        if len(events.headers) > _HEADERS:
            raise self._malformed("it has too many headers")
        if status < 200:
            self._interim += 1
            if self._interim > _INTERIM_ANSWERS:
                raise self._malformed("too many interim answers came before it")
            return
        self.headers, events.headers = events.headers, []  # where trailers will go
        encodings, connection = self._read_headers()
        http_1_0 = head.startswith(b"HTTP/1.0")
        if b"close" in connection or (http_1_0 and b"keep-alive" not in connection):
            self._keep = False
        if self._method == "HEAD" or status in {204, 304}:
            self.complete = True
        elif encodings:
            if http_1_0 or encodings != [b"chunked"]:
                raise self._malformed("it has a Transfer-Encoding that nobody knows")
            self._events, self._parser = events, parser
        elif self._length is not None:
            self._left = self._length
            self.complete = not self._length
        self.status = status

    def _read_headers(self) -> tuple[list[bytes], list[bytes]]:
        """Note the length of the body; return its encodings, and what Connection says."""
        encodings: list[bytes] = []
        connection: list[bytes] = []
        for name, value in self.headers:
            if name not in _FRAMING:
                continue
            if name == b"content-length":
                self._length = int(value)  # httptools lets one through, and only digits
            elif name == b"transfer-encoding":
                encodings.append(value.lower())
            else:
                connection += (token.strip() for token in value.lower().split(b","))
        return encodings, connection

    def _receive_chunks(
        self, parser: httptools.HttpResponseParser, events: Events, data: bytes
    ) -> None:
        problem = events.feed(parser, data)
        self._framing += len(data)
        if events.pieces:
            self.body.append(b"".join(events.pieces))
            events.pieces.clear()
            self._framing = 0
        if events.complete:
            self.complete = True
            self._keep = self._keep and problem is None and not events.stray
        elif problem is not None:
            raise self._malformed(problem)
        elif self._framing > _FRAMING_BYTES:
            raise self._malformed("too much between the chunks of its body")

    # ---- errors -------------------------------------------------------------------------------

    def error(
        self,
        kind: type[_Error],
        message: str,
        *,
        died: bool = False,
        past_deadline: bool = False,
        open_payloads: int | None = None,
    ) -> _Error:
        """Make an error that tells how far this exchange has come; *died*: the connection broke."""
        if self._answered:
            progress = Progress.ANSWERED
        else:
            progress = Progress.MAYBE_SENT if self.sent else Progress.NOT_SENT
        stale = died and self.reused and not self._answered
        return record(kind(message), Facts(progress, stale, past_deadline, open_payloads))

    def _refused(self, reason: str) -> httpx.LocalProtocolError:
        return self.error(httpx.LocalProtocolError, reason)

    def _malformed(self, reason: str) -> httpx.RemoteProtocolError:
        return self.error(httpx.RemoteProtocolError, f"the answer is not valid: {reason}")
