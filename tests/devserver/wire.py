"""HTTP by hand, so that tests decide about every byte that is sent."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Header = tuple[str, str | bytes]


@dataclass(frozen=True)
class Answer:
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)

    @property
    def shape(self) -> tuple[int, str]:
        """Status, and which kind of body there is: `empty`, `text` or `json`."""
        if not self.body:
            assert self.headers.get("content-length", "0") == "0"
            return self.status, "empty"
        if self.headers["content-type"] == "text/plain; charset=utf-8":
            return self.status, "text"
        assert set(self.json()) <= {"detail", "causes"}
        assert isinstance(self.json()["detail"], str)
        return self.status, "json"


def connect(url: str) -> socket.socket:
    """Open a connection; its timeout only keeps a broken test from hanging."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=30)


def head(method: str, target: str, headers: Iterable[Header] = ()) -> bytes:
    """Write the head of a request."""
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1"), b"host: test"]
    for name, value in headers:
        raw = value if isinstance(value, bytes) else value.encode("latin-1")
        lines.append(name.encode("latin-1") + b": " + raw)
    return b"\r\n".join([*lines, b"", b""])


def receive(connection: socket.socket, method: str = "GET") -> Answer:
    """Read one answer."""
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        body = response.read()
        headers = {name.lower(): value for name, value in response.getheaders()}
        assert len(headers) == len(response.getheaders()), "no header may come twice"
        return Answer(response.status, headers, body)
    finally:
        response.close()


def ask(
    url: str,
    method: str,
    target: str,
    headers: Iterable[Header] = (),
    body: bytes | None = None,
) -> Answer:
    """Send one request on a connection of its own, and return the answer.

    A body gets a `content-length`, unless there is a `transfer-encoding`.
    """
    headers = list(headers)
    if body is not None and not any(name == "transfer-encoding" for name, _ in headers):
        headers.append(("content-length", str(len(body))))
    with connect(url) as connection:
        connection.sendall(head(method, target, headers) + (body or b""))
        return receive(connection, method)


def closed(connection: socket.socket) -> bytes:
    """Read until the server closes the connection, and return what came before."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def chunked(payload: bytes, size: int = 99_991) -> bytes:
    """Frame *payload* in chunks of *size* bytes."""
    pieces = [payload[start : start + size] for start in range(0, len(payload), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
