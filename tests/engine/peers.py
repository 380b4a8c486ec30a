"""Servers that do to a connection whatever a test wants: over IPv4, IPv6, Unix sockets and TLS.

`tests.support.rawserver` is for requests and answers; this is for what is below them.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

Play: TypeAlias = Callable[[socket.socket], None]
"""Plays one connection."""

# For tests only: no secret, and nobody trusts it. Valid for a hundred years.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIB3TCCAYOgAwIBAgIUM4QJGZtjFgD+1wMmHm+ER99S4+EwCgYIKoZIzj0EAwIw
IzEhMB8GA1UEAwwYb2JqZWN0c3RvcmUtY2xpZW50IHRlc3RzMCAXDTI2MTEyMjE3
MDk0NloYDzIxMjYxMDI5MTcwOTQ2WjAjMSEwHwYDVQQDDBhvYmplY3RzdG9yZS1j
bGllbnQgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAStbg9uxFzQy9Oe
5sjJLUIDmicTwx3tUt2g8+g4Qj56F7rfzbv5JmfpLhFLJUK79DH2AfeDdzngUwXR
Jw/4y9Mdo4GSMIGPMB0GA1UdDgQWBBSMPtwd6vbYFtNUKTfPEIZBlpMDWjAfBgNV
HSMEGDAWgBSMPtwd6vbYFtNUKTfPEIZBlpMDWjAsBgNVHREEJTAjgglsb2NhbGhv
c3SHBH8AAAGHEAAAAAAAAAAAAAAAAAAAAAEwDwYDVR0TAQH/BAUwAwEB/zAOBgNV
HQ8BAf8EBAMCAoQwCgYIKoZIzj0EAwIDSAAwRQIgS9Emqc4B4cOkSUUmYOQeEXe+
KsAeWyhilFmX0d2iB7gCIQCjdAfu9Lw0QAkzX9nC+9BrJo5XkcjXrWxsWm0dXCMd
Ow==
-----END CERTIFICATE-----
"""
PRIVATE_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjgxbjv3mh2KfirdS
B0tSV+Ox0lp1NFCeyC4ChJSWbc6hRANCAAStbg9uxFzQy9Oe5sjJLUIDmicTwx3t
Ut2g8+g4Qj56F7rfzbv5JmfpLhFLJUK79DH2AfeDdzngUwXRJw/4y9Md
-----END PRIVATE KEY-----
"""

_PATIENCE_SECONDS = 30


def client_tls(*, certificate: bool = False) -> ssl.SSLContext:
    """Trust our certificate, and show it on demand if *certificate* is set."""
    context = ssl.create_default_context(cadata=CERTIFICATE)
    if certificate:
        _load(context)
    return context


def server_tls(*, wants_certificate: bool = False) -> ssl.SSLContext:
    """Show our certificate, and ask for one of ours if *wants_certificate* is set."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context)
    if wants_certificate:
        context.load_verify_locations(cadata=CERTIFICATE)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _load(context: ssl.SSLContext) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(CERTIFICATE + PRIVATE_KEY)
        file.flush()
        context.load_cert_chain(file.name)


@contextmanager
def peer(
    play: Play,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    path: Path | None = None,
) -> Iterator[str]:
    """Serve *play* for each connection, and yield the URL; what goes wrong in it is raised."""
    if path is not None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
    else:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, 0), family=family, backlog=128)
    lock, closing = threading.Lock(), threading.Event()
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []
    failures: list[BaseException] = []

    def serve(connection: socket.socket) -> None:
        # A client that goes away is no failure, nor one that does not trust us.
        try:
            with suppress(ConnectionError, ssl.SSLError, TimeoutError), connection:
                connection.settimeout(_PATIENCE_SECONDS)
                if tls is not None:
                    with tls.wrap_socket(connection, server_side=True) as wrapped:
                        with lock:
                            connections.append(wrapped)
                        play(wrapped)
                else:
                    play(connection)
        except BaseException as error:
            if not closing.is_set():
                failures.append(error)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            if closing.is_set():
                connection.close()
                return
            with lock:
                connections.append(connection)
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    scheme = "http" if tls is None else "https"
    name = "localhost" if path is not None else f"[{host}]" if ":" in host else host
    port = "" if path is not None else f":{listener.getsockname()[1]}"
    try:
        yield f"{scheme}://{name}{port}"
    finally:
        closing.set()
        with socket.socket(listener.family) as last:
            last.connect(listener.getsockname())
        accepting.join(_PATIENCE_SECONDS)
        listener.close()
        with lock:
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(_PATIENCE_SECONDS)
        assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]


def read_head(connection: socket.socket) -> bytes:
    """Read a request up to the end of its head; `b""` if there is none any more."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return b""
        head += byte
    return head


def answering(data: bytes) -> Play:
    """Answer each request, which must not have a body, with *data*."""

    def play(connection: socket.socket) -> None:
        while read_head(connection):
            connection.sendall(data)

    return play
