"""Listening sockets that refuse or ignore the first connections.

A server cannot see a connection that it refuses, so the attempts are counted where they are made:
in this process, by an audit hook.
"""

from __future__ import annotations

import math
import select
import socket
import sys
from collections.abc import Callable
from typing import Self

_watched: dict[int, Callable[[], None]] = {}
_hooked = False


def _on_audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and len(address) > 1 and address[1] in _watched:
            _watched[address[1]]()


def _watch_connects(port: int, callback: Callable[[], None]) -> None:
    """Call *callback* right before each attempt of this process to connect to *port*."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_on_audit)  # there is no way to remove one
        _hooked = True
    _watched[port] = callback


class Door:
    """A listening socket at 127.0.0.1 that first is closed.

    Args:
        refusals: How many attempts to connect are refused, as by a server that is not running.
        ignored: How many attempts are not answered at all, as by a host that is gone.
    """

    def __init__(self, *, refusals: float = 0, ignored: float = 0) -> None:
        self.attempts = 0
        self.turned_away = 0
        self.listener = socket.socket()
        # Small, and inherited by the connections: what is not read soon holds up the sender.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self.listener.bind(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.on_open: Callable[[], object] = lambda: None
        self._closed_for = refusals or ignored
        self._fillers: list[socket.socket] = []
        if ignored:
            self._fill_queue()
        elif not refusals:
            self.listener.listen(256)
        _watch_connects(self.port, self._knock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        del _watched[self.port]
        for filler in self._fillers:
            filler.close()
        self.listener.close()

    @property
    def is_open(self) -> bool:
        """Whether connections are accepted by now."""
        return self._closed_for == 0

    def open(self) -> None:
        """Let everybody in from now on."""
        if self.is_open:
            return
        for filler in self._fillers:
            self.listener.accept()[0].close()
            filler.close()
        self._fillers.clear()
        self.listener.listen(256)
        self._closed_for = 0
        self.on_open()

    def _knock(self) -> None:
        self.attempts += 1
        if self.attempts <= self._closed_for:
            self.turned_away += 1
        elif not self.is_open and not math.isinf(self._closed_for):
            self.open()

    def _fill_queue(self) -> None:
        """With a full queue of connections to be accepted, the kernel drops those that come."""
        self.listener.listen(0)
        while True:
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.listener.getsockname())
            if not select.select([], [filler], [], 0.05)[1]:
                filler.close()
                return
            self._fillers.append(filler)
