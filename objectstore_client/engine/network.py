"""Where connections lead: origins, addresses, TLS, proxies of the environment."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias
from urllib.request import getproxies, proxy_bypass

import httpx

__all__ = ["Address", "Network", "Origin", "new_socket", "origin_of"]

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port. Connections to the same origin can stand in for each other."""

Address: TypeAlias = str | tuple[str, int] | tuple[str, int, int, int]
"""What sockets connect to."""

_PORTS = {"http": 80, "https": 443}
_KEEPALIVE_SECONDS = 60  # of silence, after which the system finds out whether the server lives


def origin_of(url: httpx.URL) -> Origin | None:
    """Return where *url* leads; `None` if that is nowhere for us."""
    scheme, host = url.scheme, url.raw_host.decode("ascii")
    default = _PORTS.get(scheme)
    return (scheme, host, url.port or default) if default and host else None


def new_socket(family: int) -> socket.socket:
    """Make a socket with the options that fit short messages and long connections."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    if family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_SECONDS)
    return sock


@dataclass
class Network:
    """How the connections of a transport are made.

    Attributes:
        max_connections: The most at a time.
        idle_expiry: Seconds after which an unused one is not reused.
        ssl_context: How to do TLS; by default with the certificates that httpx trusts.
        unix_socket: Path of a socket to connect to, whatever the URL says.
    """

    max_connections: int
    idle_expiry: float
    ssl_context: ssl.SSLContext | None
    unix_socket: str | os.PathLike[str] | None

    def tls(self, origin: Origin) -> ssl.SSLContext | None:
        """Return how to do TLS, `None` if there is none on the way to *origin*."""
        if origin[0] != "https":
            return None
        if self.ssl_context is None:
            context = httpx.create_ssl_context()
            context.set_alpn_protocols(["http/1.1"])
            self.ssl_context = context
        return self.ssl_context

    def resolve(self, origin: Origin) -> Future[Sequence[tuple[int, Address]]]:
        """Find families and addresses of *origin*, at least one; fails with OSError or ValueError.

        It is done when this returns, unless there is a name to look up.
        """
        found: Future[Sequence[tuple[int, Address]]] = Future()
        if self.unix_socket is not None:
            found.set_result([(socket.AF_UNIX, os.fspath(self.unix_socket))])
            return found
        try:
            found.set_result(_addresses(origin, socket.AI_NUMERICHOST))
        except OSError:
            try:
                _resolver.submit(origin, found)
            except RuntimeError as error:  # no more threads
                raise OSError(str(error)) from error
        return found

    def proxy(self, origin: Origin) -> str | None:
        """Return the URL of the proxy that the environment wants for *origin*."""
        scheme, host, port = origin
        proxies = getproxies()
        proxy = proxies.get(scheme) or proxies.get("all")
        if not proxy or self.unix_socket is not None:
            return None
        netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return None if proxy_bypass(host) or proxy_bypass(netloc) else proxy

    def limits(self) -> httpx.Limits:
        """Return the limits for a transport of httpx that does the work instead."""
        count, expiry = self.max_connections, self.idle_expiry
        return httpx.Limits(
            max_connections=count, max_keepalive_connections=count, keepalive_expiry=expiry
        )


def _addresses(origin: Origin, flags: int = 0) -> Sequence[tuple[int, Address]]:
    _, host, port = origin
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in answers]  # type: ignore[misc]


class _Resolver:
    """Looks up names on a thread of its own, one at a time; the thread ends when none is left.

    A lookup may hang for minutes, and nothing can interrupt it. This way those who wait for one
    can give up, and it is one thread that hangs, not many.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: deque[tuple[Origin, Future[Sequence[tuple[int, Address]]]]] = deque()
        self._running = False

    def submit(self, origin: Origin, found: Future[Sequence[tuple[int, Address]]]) -> None:
        with self._lock:
            self._jobs.append((origin, found))
            if not self._running:
                threading.Thread(target=self._work, name="resolver", daemon=True).start()
                self._running = True

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._running = False
                    return
                origin, found = self._jobs.popleft()
            if not found.set_running_or_notify_cancel():
                continue  # whoever asked has given up
            try:
                found.set_result(_addresses(origin))
            except BaseException as error:
                found.set_exception(error)


_resolver = _Resolver()


def _renew_resolver() -> None:
    global _resolver
    _resolver = _Resolver()


os.register_at_fork(after_in_child=_renew_resolver)
