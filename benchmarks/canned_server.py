"""A server that answers before it has understood: what it costs is next to nothing.

    python canned_server.py ZSTD_PAYLOAD_IN_HEX PLAIN_PAYLOAD_IN_HEX

Knows the shape of Objectstore's answers, keeps connections open, reads bodies of either framing,
stores nothing. Prints its port. `GET …/zstd` and `GET …/plain` have the two payloads, `GET /cpu`
the seconds of CPU time used so far. Ends when its standard input does.
"""

from __future__ import annotations

import re
import selectors
import socket
import sys
import time

METADATA = (
    b"content-type: application/json\r\n"
    b"x-sn-expiration: ttl:7d\r\n"
    b"x-sn-time-created: 2026-10-01T12:00:01Z\r\n"
    b"x-sn-time-expires: 2026-10-08T12:00:01Z\r\n"
    b"accept-ranges: bytes\r\n"
)


def answer(headers: bytes, body: bytes) -> bytes:
    """Make an answer with the headers that every one has."""
    return (
        b"HTTP/1.1 200 OK\r\n"
        + headers
        + b"content-length: %d\r\n" % len(body)
        + b"date: Sun, 22 Nov 2026 12:00:00 GMT\r\n\r\n"
        + body
    )


class Canned:
    """What is answered to which request."""

    def __init__(self, compressed: bytes, plain: bytes) -> None:
        size = b"x-sn-size: %d\r\n"
        encoding = b"content-encoding: zstd\r\n"
        self.compressed = answer(METADATA + encoding + size % len(compressed), compressed)
        self.plain = answer(METADATA + size % len(plain), plain)
        self.stored = answer(b"content-type: application/json\r\n", b'{"key":"object"}')

    def to(self, request: bytes) -> bytes | None:
        """Answer *request*; `None` while some of it is missing."""
        if request.startswith(b"GET "):
            if not request.endswith(b"\r\n\r\n"):
                return None
            target = request[4 : request.index(b" ", 4)]
            if target.endswith(b"/cpu"):
                return answer(b"", str(time.process_time()).encode())
            return self.plain if target.endswith(b"/plain") else self.compressed
        head, end, body = request.partition(b"\r\n\r\n")
        if not end:
            return None
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if length is None:  # no request is sent before the answer to the last one: this is its end
            return self.stored if body.endswith(b"0\r\n\r\n") else None
        return self.stored if len(body) >= int(length[1]) else None


def serve(canned: Canned) -> None:
    """Answer all connections until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    selector.register(listener, selectors.EVENT_READ)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    unfinished: dict[socket.socket, bytes] = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is listener:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ)
                continue
            connection = key.fileobj  # type: ignore[assignment]
            try:
                data = connection.recv(65_536)
                request = unfinished.pop(connection, b"") + data
                response = canned.to(request)
                if response is not None:
                    connection.sendall(response)
                elif data:
                    unfinished[connection] = request
            except ConnectionError:
                data = b""
            if not data:
                selector.unregister(connection)
                connection.close()


if __name__ == "__main__":
    serve(Canned(bytes.fromhex(sys.argv[1]), bytes.fromhex(sys.argv[2])))
