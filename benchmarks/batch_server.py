"""A server that answers batches at once: what it costs is next to nothing.

    python -I batch_server.py

Knows the shape of Objectstore's answers to single requests and to batches whose operations are all
of one kind, keeps connections open, stores nothing. Prints its port. What is got is 1 KiB of
`samples.py`, as zstd. Ends when its standard input does.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parent))

import zstandard
from samples import json_lines
from server import METADATA, STORED, head

PAYLOAD = json_lines(1024)
FRAME = zstandard.ZstdCompressor(write_checksum=True).compress(PAYLOAD)
ENCODED = METADATA + b"content-encoding: zstd\r\nx-sn-size: %d\r\n" % len(FRAME)
GOT = head(ENCODED, len(FRAME)) + FRAME

PART = (
    b"--B\r\nx-sn-batch-operation-index: %d\r\nx-sn-batch-operation-key: %b\r\n"
    b"x-sn-batch-operation-kind: insert\r\nx-sn-batch-operation-status: 201 Created\r\n"
    b"content-disposition: form-data; name=part\r\n\r\n\r\n"
)
PART_WITH_PAYLOAD = (
    b"--B\r\nx-sn-batch-operation-index: %d\r\nx-sn-batch-operation-key: %b\r\n"
    b"x-sn-batch-operation-kind: get\r\nx-sn-batch-operation-status: 200 OK\r\n"
    b"x-sn-expiration: ttl:7d\r\nx-sn-time-created: 2026-10-01T12:00:01Z\r\n"
    b"x-sn-time-expires: 2026-10-08T12:00:01Z\r\nx-sn-size: %d\r\ncontent-encoding: zstd\r\n"
    b"content-disposition: form-data; name=part\r\ncontent-type: application/json\r\n\r\n"
)
KEY = re.compile(rb"\r\nx-sn-batch-operation-key: ([^\r]*)\r\n")


def to_batch(body: bytes) -> bytes:
    """Answer all operations of a batch, each of the kind of the first."""
    keys = KEY.findall(body)
    if b"-kind: get" in body[:500]:
        size, end = len(FRAME), FRAME + b"\r\n"
        parts = [PART_WITH_PAYLOAD % (index, key, size) + end for index, key in enumerate(keys)]
    else:
        parts = [PART % (index, key) for index, key in enumerate(keys)]
    content_type = b'content-type: multipart/form-data; boundary="B"\r\n'
    body = b"".join([*parts, b"--B--"])
    return head(content_type, len(body)) + body


def read_body(request_head: bytes, reader: BinaryIO) -> bytes:
    """Read a body of either framing."""
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", request_head)
    if length is not None:
        return reader.read(int(length[1]))
    if b"chunked" not in request_head:
        return b""
    chunks = []
    while size := int(reader.readline(), 16):
        chunks.append(reader.read(size))
        reader.readline()
    reader.readline()
    return b"".join(chunks)


def serve(connection: socket.socket) -> None:
    """Answer one connection to its end, which may come in the middle of a request."""
    with connection, connection.makefile("rb") as reader, suppress(ConnectionError, ValueError):
        while line := reader.readline():
            request_head = line
            while not request_head.endswith(b"\r\n\r\n"):
                request_head += reader.readline()
            body = read_body(request_head, reader)
            if request_head.startswith(b"POST /v1/objects:batch/"):
                connection.sendall(to_batch(body))
            else:
                connection.sendall(GOT if request_head.startswith(b"GET ") else STORED)


def main() -> None:
    """Serve until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
