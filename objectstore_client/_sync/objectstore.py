# Generated from objectstore_client/_async/objectstore.py; do not edit. To regenerate: python -m generator
"""The entry point: where the service is, and how it is talked to."""

from __future__ import annotations

import os
import ssl
from types import TracebackType
from typing import TYPE_CHECKING, Never, Self

import objectstore_api as api

from objectstore_client._httpx import refused_values, to_httpx
from objectstore_client._runtime import new_transport
from objectstore_client._sync.client import Client
from objectstore_client._sync.tokens import Tokens
from objectstore_client.errors import InvalidArgumentError, shorten
from objectstore_client.files import read_path
from objectstore_client.metrics import MetricsBackend, NoOpMetricsBackend
from objectstore_client.retries import DEFAULT_RETRIES, RetryBudget, RetryPolicy, read_retries
from objectstore_client.scope import Scope
from objectstore_client.settings import (
    DeadlineLike,
    Settings,
    client_headers,
    read_deadline,
    read_max_decoded_size,
    refuse_unknown,
)
from objectstore_client.signing import TokenSource
from objectstore_client.timeouts import DEFAULT_TIMEOUT, TimeoutLike, read_timeout
from objectstore_client.usecase import Usecase
from objectstore_client.zstd import DEFAULT_MAX_DECODED_SIZE

if TYPE_CHECKING:
    import httpx

__all__ = ["Objectstore"]


class Objectstore:
    """An Objectstore service. Make one per process and keep it: it holds the connections.

    Safe to keep in a module global. A context manager; `close` gives the connections back.

    Args:
        base_url: Where the service is mounted, such as `https://host/prefix`.
        token: For servers that demand one: a `SecretKey`, which signs tokens and uses each for 80 %
            of its life; a token; or a function that returns one, called when 80 % of the life of
            the last one is over (or a minute, if that is not to be read), and once more in a call
            whose token the server refused. The async client awaits it if need be, and calls it in
            the event loop: what blocks belongs into `lambda: asyncio.to_thread(function)`.
        metrics_backend: Where metrics go (protocol section 16.2).
        propagate_traces: Send the headers of the current trace with each request: those of
            OpenTelemetry and of sentry-sdk, if the application uses them.
        timeout: Time-outs of each exchange: seconds, a `timedelta`, a `Timeout`, or one of httpx
            or urllib3. By default connect 5 s, read 60 s, write 30 s, pool 10 s.
        deadline: Seconds or a `timedelta` that a call may take in all: with all attempts, waiting,
            and reading the payload. By default there is none.
        retries: How failed requests are repeated: a `RetryPolicy`, or how often; 0 for never.
        downstream_service: Name of the calling service, for the server's metrics and switches
            (header `x-downstream-service`).
        max_decoded_size: Bytes that a payload may decode to, so that a small object can't make
            its reader work without end; 64 GiB by default. Payloads that are not compressed are
            not affected.
        max_connections: How many connections are open at once at most.
        ssl_context: For https: instead of the usual certificate authorities, or with a client
            certificate.
        unix_socket: Path of the socket to connect to, instead of the host of *base_url*.
        spool_dir: Where compressed uploads of unusual size are put together before they are sent,
            and where `upload_from` keeps what it needs to go on; by default the system's directory
            for temporary files.
        transport: An httpx transport to send requests with, instead of ours: for HTTP/2, say. It
            is closed with this object.

    Raises:
        InvalidArgumentError: If an argument is not valid.
        TypeError: If there are unknown arguments.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: TokenSource | None = None,
        metrics_backend: MetricsBackend | None = None,
        propagate_traces: bool = False,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
        downstream_service: str | None = None,
        max_decoded_size: int | None = None,
        max_connections: int = 32,
        ssl_context: ssl.SSLContext | None = None,
        unix_socket: str | os.PathLike[str] | None = None,
        spool_dir: str | os.PathLike[str] | None = None,
        transport: httpx.BaseTransport | None = None,
        **unknown: Never,
    ) -> None:
        refuse_unknown(type(self), unknown)
        if not isinstance(base_url, str):
            raise InvalidArgumentError(f"base_url: must be a string, got {shorten(base_url)}")
        self._base_url = base_url
        self._tokens = Tokens(token)
        self._settings = Settings(
            base_url=base_url,
            timeout=read_timeout(timeout, DEFAULT_TIMEOUT),
            deadline=read_deadline(deadline),
            retries=read_retries(retries, DEFAULT_RETRIES),
            budget=RetryBudget(),
            metrics_backend=metrics_backend or NoOpMetricsBackend(),
            propagate_traces=propagate_traces,
            max_decoded_size=read_max_decoded_size(max_decoded_size, DEFAULT_MAX_DECODED_SIZE),
            spool_dir=None if spool_dir is None else read_path(spool_dir, "spool_dir"),
        )
        with refused_values():
            self._raw = api.Client(
                base_url,
                timeout=to_httpx(self._settings.timeout),
                headers=client_headers(downstream_service),
                transport=transport
                or new_transport(
                    max_connections=max_connections,
                    ssl_context=ssl_context,
                    unix_socket=unix_socket,
                ),
            )

    @property
    def raw(self) -> api.Client:
        """The generated client underneath, for what this one does not offer.

        It shares base URL, headers and connections, but sends no token; its errors are its own.
        """
        return self._raw

    def get_client(self, usecase: Usecase, scope: Scope) -> Client:
        """Make a client for the objects of *usecase* and *scope*; cheap, and sends nothing.

        Raises:
            InvalidArgumentError: If one of them is of another type.
        """
        if not isinstance(usecase, Usecase):
            raise InvalidArgumentError(f"usecase: must be a Usecase, got {shorten(usecase)}")
        if not isinstance(scope, Scope):
            raise InvalidArgumentError(f"scope: must be a Scope, got {shorten(scope)}")
        return Client(self._raw, self._settings, self._tokens, usecase, scope)

    def close(self) -> None:
        """Close all connections. Operations fail afterwards; closing twice does no harm."""
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._base_url}>"
