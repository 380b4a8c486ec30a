"""A server that answers before it has understood: what it costs is next to nothing.

    python -I server.py FOLDER

Knows the shape of Objectstore's answers, keeps connections open, reads bodies of either framing,
stores nothing. Prints its port. `GET …/NAME` has the file FOLDER/NAME, `GET …/NAME*3` three of them
one after another; those ending in `.zst` are declared as zstd. `GET /cpu` has the seconds of CPU
time used so far. Ends when its standard input does.

Small answers are ready-made. Large ones go from the file to the socket without passing through
Python, and of large bodies the system drops what it can without copying: so the clients are what
is measured. Only one large transfer is served at a time.
"""

from __future__ import annotations

import re
import selectors
import socket
import sys
import time
from pathlib import Path

METADATA = (
    b"content-type: application/json\r\n"
    b"x-sn-expiration: ttl:7d\r\n"
    b"x-sn-time-created: 2026-10-01T12:00:01Z\r\n"
    b"x-sn-time-expires: 2026-10-08T12:00:01Z\r\n"
    b"accept-ranges: bytes\r\n"
)
SMALL = 64 * 1024
SCRATCH = bytearray(1024 * 1024)
DROP = socket.MSG_TRUNC if sys.platform == "linux" else 0  # of TCP: take, and don't copy


def head(headers: bytes, length: int) -> bytes:
    """Make the head of an answer."""
    return (
        b"HTTP/1.1 200 OK\r\n"
        + headers
        + b"content-length: %d\r\n" % length
        + b"date: Sun, 22 Nov 2026 12:00:00 GMT\r\n\r\n"
    )


STORED_BODY = b'{"key":"object"}'
STORED = head(b"content-type: application/json\r\n", len(STORED_BODY)) + STORED_BODY


class Canned:
    """What is answered to which request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heads: dict[bytes, bytes] = {}
        self.bodies: dict[bytes, bytes] = {}

    def load(self, name: bytes) -> None:
        """Prepare the answers for an object."""
        file, _, times = name.decode().partition("*")
        size = (self.folder / file).stat().st_size * int(times or 1)
        headers = METADATA + b"x-sn-size: %d\r\n" % size
        if file.endswith(".zst"):
            headers += b"content-encoding: zstd\r\n"
        self.heads[name] = head(headers, size)
        if size <= SMALL:
            self.bodies[name] = self.heads[name] + (self.folder / file).read_bytes()

    def serve(self, request: bytes, connection: socket.socket) -> bool:
        """Answer *request*; false while some of it is missing."""
        if request.startswith((b"GET ", b"HEAD ")):
            if not request.endswith(b"\r\n\r\n"):
                return False
            method, target, _ = request.split(b" ", 2)
            name = target.rpartition(b"/")[2]
            if name == b"cpu":
                used = str(time.process_time()).encode()
                connection.sendall(head(b"", len(used)) + used)
                return True
            if name not in self.heads:
                self.load(name)
            if method == b"HEAD":
                connection.sendall(self.heads[name])
            elif name in self.bodies:
                connection.sendall(self.bodies[name])
            else:
                self.send_large(name, connection)
            return True
        request_head, end, body = request.partition(b"\r\n\r\n")
        if not end:
            return False
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", request_head)
        if length is not None:
            left = int(length[1]) - len(body)
            if left > SMALL:
                while left > 0:
                    left -= connection.recv_into(SCRATCH, min(left, len(SCRATCH)), DROP)
            complete = left <= 0
        else:  # no request is sent before the answer to the last one: this is its end
            complete = body.endswith(b"0\r\n\r\n")
            if not complete and len(body) > SMALL:
                drain(connection, body[-5:])
                complete = True
        if complete:
            connection.sendall(STORED)
        return complete

    def send_large(self, name: bytes, connection: socket.socket) -> None:
        """Send what is not worth holding."""
        file, _, times = name.decode().partition("*")
        connection.sendall(self.heads[name])
        with (self.folder / file).open("rb") as opened:
            for _ in range(int(times or 1)):
                opened.seek(0)
                connection.sendfile(opened)


def drain(connection: socket.socket, tail: bytes) -> None:
    """Read chunks until the last one."""
    while tail != b"0\r\n\r\n":
        count = connection.recv_into(SCRATCH)
        if not count:
            raise ConnectionError
        tail = (tail + SCRATCH[max(count - 5, 0) : count])[-5:]


def serve(canned: Canned) -> None:
    """Answer all connections until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
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
                data = connection.recv(256 * 1024)
                request = unfinished.pop(connection, b"") + data
                if data and not canned.serve(request, connection):
                    unfinished[connection] = request
            except ConnectionError:
                data = b""
            if not data:
                selector.unregister(connection)
                connection.close()


if __name__ == "__main__":
    serve(Canned(Path(sys.argv[1])))
