"""A server in front of the real one that answers with errors, or tells lies about its answers.

    with Liar(server.url, refuse(503), refuse(429, retry_after="1")) as liar:
        ...  # liar.url: two error answers, then those of the real server

It stands on `tests.support.rawserver`: whole requests come in, any bytes go out.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

from tests.support.rawserver import Exchange, Handler, RawServer, answer

_PATIENCE_SECONDS = 30
_CHUNK = 64 * 1024
_FRAMING = ("content-length", "transfer-encoding", "connection")


@dataclass
class Answer:
    """What the real server said.

    Attributes:
        head: Status line and headers, without those that frame the body.
        length: What it said of the body's length, if it did.
        body: The body; for HEAD there is none, whatever the length.
    """

    head: list[str]
    length: int | None
    body: bytes = field(repr=False)

    def wire(self, *framing: str, body: bytes | None = None) -> bytes:
        """The answer, with other headers about the body, or another body."""
        head = "\r\n".join([*self.head, *framing, "", ""]).encode("latin-1")
        return head + (self.body if body is None else body)

    @property
    def true(self) -> bytes:
        """The answer as it was."""
        return self.wire(*([] if self.length is None else [f"Content-Length: {self.length}"]))

    @property
    def chunks(self) -> bytes:
        """The body in chunks, without the one that says that it ends."""
        pieces = [self.body[i : i + _CHUNK] for i in range(0, len(self.body), _CHUNK)]
        return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


Ask: TypeAlias = Callable[[Exchange], Answer]
Misdeed: TypeAlias = Callable[[Exchange, Ask], None]
"""Answers a request as it should not; it may ask the real server before."""


class Liar(RawServer):
    """Plays *script*, then hands requests on to *upstream*.

    Args:
        upstream: URL of the real server.
        script: What befalls the first requests, one each.
        always: What befalls all requests after them; by default nothing.

    Attributes:
        served: Method and target of each request that the real server got.
        fired: How many misdeeds there were.
    """

    def __init__(self, upstream: str, *script: Misdeed, always: Misdeed | None = None) -> None:
        super().__init__(
            *(self._handler(misdeed) for misdeed in script),
            rest=self._handler(always) if always else self._relay,
        )
        self.served: list[str] = []
        self.fired = 0
        address = urlsplit(upstream)
        self._upstream = (address.hostname, address.port)

    @property
    def asked(self) -> list[str]:
        """Method and target of each request."""
        return [f"{exchange.method} {exchange.target}" for exchange in self.requests]

    def heal(self) -> None:
        """Hand everything on from now on."""
        self._script, self.rest = iter(()), self._relay

    def _handler(self, misdeed: Misdeed) -> Handler:
        def handle(exchange: Exchange) -> None:
            self.fired += 1
            misdeed(exchange, self._ask)

        return handle

    def _relay(self, exchange: Exchange) -> None:
        exchange.send(self._ask(exchange).true)

    def _ask(self, exchange: Exchange) -> Answer:
        """What the real server answers to a request, which is read to its end."""
        exchange.read_body()
        lines = [f"{exchange.method} {exchange.target} HTTP/1.1", "Connection: close"]
        lines += [f"{k}: {v}" for k, v in exchange.headers.items() if k not in _FRAMING]
        lines.append(f"Content-Length: {len(exchange.body)}")
        request = "\r\n".join([*lines, "", ""]).encode("latin-1") + exchange.body
        with socket.create_connection(self._upstream, _PATIENCE_SECONDS) as connection:
            self.served.append(f"{exchange.method} {exchange.target}")
            connection.sendall(request)
            with connection.makefile("rb") as reader:
                head, _, body = reader.read().partition(b"\r\n\r\n")
        framing = {}
        kept = []
        for line in head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(": ")
            if name.lower() in _FRAMING:
                framing[name.lower()] = value
            else:
                kept.append(line)
        length = framing.get("content-length")
        return Answer(kept, None if length is None else int(length), body)


def refuse(status: int, retry_after: str | None = None, *, close: bool = False) -> Misdeed:
    """Read the request, answer with an error, and do nothing."""
    headers = [("Retry-After", retry_after)] if retry_after is not None else []
    headers += [("Connection", "close")] if close else []

    def misdeed(exchange: Exchange, ask: Ask) -> None:
        exchange.read_body()
        body = b"" if exchange.method == "HEAD" else b"not now"
        exchange.send(answer(status, headers, body))
        if close:
            raise ConnectionError

    return misdeed


def refuse_early(status: int, then: str) -> Misdeed:
    """Answer with an error before the body was read.

    Args:
        status: That of the answer.
        then: `open`: read the body, and keep the connection; `deaf`: keep the connection, but read
            nothing any more; `end`: say that nothing follows, and read until the client closes;
            `close`: close at once, which resets the connection while the client is sending.
    """

    def misdeed(exchange: Exchange, ask: Ask) -> None:
        keeps = then in ("open", "deaf")
        headers = [] if keeps else [("Connection", "close")]
        exchange.send(answer(status, headers, b"too large"))
        if then == "open":
            exchange.read_body()
            return
        if then == "deaf":
            exchange.hung_up()
        elif then == "end":
            exchange.end()
            exchange.peer_closed()
        raise ConnectionError

    return misdeed


def lie(tell: Callable[[Answer], bytes], *, close: bool = True) -> Misdeed:
    """Let the real server do what it is asked to, and pass its answer on as *tell* makes it."""

    def misdeed(exchange: Exchange, ask: Ask) -> None:
        exchange.send(tell(ask(exchange)))
        if close:
            raise ConnectionError

    return misdeed
