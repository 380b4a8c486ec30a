"""All that the handwritten layer knows of httpx: transports, time-outs, errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
from objectstore_api import errors as api

from objectstore_client.errors import (
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    InvalidArgumentError,
    InvalidResponseError,
    ObjectstoreError,
    TransportTimeoutError,
    api_error,
)
from objectstore_client.timeouts import Timeout, TimeoutLike, read_timeout

__all__ = [
    "default_transport",
    "default_transport_async",
    "httpx_timeout",
    "refused_values",
    "translated_errors",
]

_PHASES: dict[type[httpx.TimeoutException], str] = {
    httpx.ConnectTimeout: "connect",
    httpx.ReadTimeout: "read",
    httpx.WriteTimeout: "write",
    httpx.PoolTimeout: "pool",
}

_ABSENT_OBJECT_OPERATIONS = {"get_object", "head_object", "patch_object"}


_LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=32, keepalive_expiry=30.0)


def default_transport_async() -> httpx.AsyncBaseTransport:
    """What carries the requests of an `AsyncObjectstore` when the caller brings nothing."""
    return httpx.AsyncHTTPTransport(limits=_LIMITS)


class _Transport(httpx.HTTPTransport):
    """Closes its connections when the last client and payload that use it are gone.

    So an `Objectstore` that was never closed leaves no socket to the garbage collector. The async
    one can't: closing its connections takes a running loop.
    """

    def __del__(self) -> None:
        with suppress(Exception):  # at the end of the interpreter anything may be gone already
            self.close()


def default_transport() -> httpx.BaseTransport:
    """What carries the requests of an `Objectstore` when the caller brings nothing."""
    return _Transport(limits=_LIMITS)


def httpx_timeout(value: TimeoutLike | None, default: Timeout) -> httpx.Timeout:
    """The time-outs that hold for a call, as httpx knows them."""
    timeout = read_timeout(value, default)
    return httpx.Timeout(
        connect=timeout.connect, read=timeout.read, write=timeout.write, pool=timeout.pool
    )


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise the error of this package for any error of httpx or the generated client."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise _from_httpx(error) from error
    except api.ClientClosed as error:
        raise ClientClosedError(str(error)) from error
    except api.InvalidArgument as error:
        raise InvalidArgumentError(str(error)) from error
    except api.ApiError as error:
        raise _from_api(error) from error


@contextmanager
def refused_values() -> Iterator[None]:
    """Raise `InvalidArgumentError` for a ValueError of the layers below."""
    try:
        yield
    except ObjectstoreError:
        raise
    except ValueError as error:
        raise InvalidArgumentError(str(error)) from error


def _from_httpx(error: Exception) -> ObjectstoreError:
    if isinstance(error, httpx.TimeoutException):
        phase = _PHASES.get(type(error), "read")
        timeout = TransportTimeoutError(f"the {phase} time-out passed")
        timeout.phase = phase
        timeout.add_note("raise it with timeout=, for the client or for one call")
        return timeout
    if isinstance(error, (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.ProxyError)):
        connect = ConnectError("no connection to the server could be made")
        connect.add_note(f"the cause: {error}; is the server running, and the base URL right?")
        return connect
    if isinstance(error, httpx.InvalidURL):
        return InvalidArgumentError(f"base_url: {error}")
    lost = ConnectionLostError("the connection to the server broke")
    lost.add_note(f"the cause: {error}")
    return lost


def _from_api(error: api.ApiError) -> ObjectstoreError:
    if isinstance(error, api.InvalidResponse) or error.status_code < 400:
        reason = getattr(error, "reason", "a status that the contract does not know")
        invalid = InvalidResponseError("the server's answer breaks the protocol")
        invalid.status = error.status_code
        invalid.add_note(f"status {error.status_code}: {reason}")
        return invalid
    if error.error is not None:
        detail, causes = error.error.detail, tuple(error.error.causes or ())
    else:
        detail, causes = error.body.decode("utf-8", "replace").strip() or None, ()
    absent = error.operation in _ABSENT_OBJECT_OPERATIONS
    return api_error(error.status_code, absent=absent, detail=detail, causes=causes)
