"""All that the handwritten layer knows of httpx and of the generated client's errors."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from objectstore_api import errors as api
from objectstore_api.models.error import Error

from objectstore_client.engine.facts import Facts, Progress, facts_of, record
from objectstore_client.errors import (
    ApiError,
    ClosedError,
    ConnectError,
    ConnectionLostError,
    DataError,
    InvalidArgumentError,
    InvalidResponseError,
    ObjectstoreError,
    RangeNotSatisfiable,
    TransportTimeoutError,
    api_error,
)
from objectstore_client.ranges import parse_content_range
from objectstore_client.retries import Failure, failure_of_status, parse_retry_after
from objectstore_client.timeouts import Timeout

__all__ = [
    "FAILURES",
    "Failed",
    "failure_of",
    "header_of",
    "hide",
    "late_contents",
    "own_error",
    "refused_values",
    "status_of",
    "to_httpx",
    "translate",
]

FAILURES = (httpx.HTTPError, httpx.StreamError, api.ApiError, DataError)
"""What an attempt raises when the way or the server failed, or the answer is not as promised."""

_PHASES: dict[type[httpx.TimeoutException], str] = {
    httpx.ConnectTimeout: "connect",
    httpx.ReadTimeout: "read",
    httpx.WriteTimeout: "write",
    httpx.PoolTimeout: "pool",
}
_NO_CONNECTION = (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.ProxyError)
_LASTING = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_SHORTEST_SECRET = 8  # what is shorter is a word, which may stand anywhere
_ABSENT_OBJECT_OPERATIONS = {"get_object", "head_object", "patch_object"}


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed attempt, as far as it matters for another one."""

    failure: Failure
    progress: Progress
    retry_after: float | None = None
    status: int | None = None


def to_httpx(timeout: Timeout) -> httpx.Timeout:
    """The same time-outs, for those who use the generated client by itself."""
    return httpx.Timeout(**timeout.as_dict())


def failure_of(error: Exception) -> Failed:
    """What kind of failure *error*, one of `FAILURES`, stands for."""
    if isinstance(error, (api.InvalidResponse, DataError)):
        return Failed(Failure.DATA, Progress.ANSWERED)
    if isinstance(error, api.ApiError):
        status = error.status_code
        return Failed(failure_of_status(status), Progress.ANSWERED, _retry_after(error), status)
    facts = facts_of(error)
    if facts.reused:
        failure = Failure.STALE
    elif isinstance(error, _LASTING) or isinstance(error.__cause__, ssl.SSLCertVerificationError):
        failure = Failure.PERMANENT
    elif isinstance(error, httpx.PoolTimeout):
        failure = Failure.POOL
    elif isinstance(error, (*_NO_CONNECTION, httpx.ConnectTimeout)):
        failure = Failure.CONNECT
    elif isinstance(error, httpx.TimeoutException):
        failure = Failure.TIMEOUT
    else:
        failure = Failure.BROKEN
    return Failed(failure, facts.progress)


def late_contents(*, sent: bool) -> httpx.WriteTimeout:
    """What a transport raises past the deadline, if it was the contents that did not come.

    Args:
        sent: Something was handed to the transport.
    """
    late = httpx.WriteTimeout("the contents did not come in time")
    progress = Progress.MAYBE_SENT if sent else Progress.NOT_SENT
    return record(late, Facts(progress, past_deadline=True))


def translate(error: Exception, *, past_deadline: bool = False) -> ObjectstoreError:
    """The error of this package for an error of httpx or the generated client.

    Args:
        error: One of `FAILURES`.
        past_deadline: The deadline of the call has passed, so it is what ended the wait.
    """
    if isinstance(error, DataError):
        return error
    if isinstance(error, api.ApiError):
        return _from_api(error)
    if isinstance(error, httpx.TimeoutException):
        return _from_timeout(error, past_deadline or facts_of(error).past_deadline)
    if isinstance(error, _NO_CONNECTION):
        connect = ConnectError("no connection to the server could be made")
        connect.add_note(f"the cause: {error}; is the server running, and the base URL right?")
        return connect
    lost = ConnectionLostError("the connection to the server broke")
    lost.add_note(f"the cause: {error}")
    return lost


def hide(secret: str, error: Exception) -> None:
    """Take *secret*, which a request carried, out of *error* and its causes: some servers repeat
    in their answers what they were sent.
    """
    if len(secret) < _SHORTEST_SECRET:
        return

    def clean(text: str) -> str:
        return text.replace(secret, "(hidden)")

    link: BaseException | None = error
    while link is not None:
        if any(isinstance(arg, str) and secret in arg for arg in link.args):
            link.args = tuple(clean(arg) if isinstance(arg, str) else arg for arg in link.args)
        if notes := getattr(link, "__notes__", None):
            notes[:] = map(clean, notes)
        if isinstance(link, ApiError):
            link.detail = link.detail and clean(link.detail)
            link.causes = tuple(map(clean, link.causes))
        link = link.__cause__ or link.__context__
    if isinstance(error, api.ApiError):
        error.body = clean(error.body.decode("latin-1")).encode("latin-1")
        error.headers = httpx.Headers(
            [(name, clean(value)) for name, value in error.headers.multi_items()]
        )
        if error.error is not None:
            detail, causes = error.error.detail, error.error.causes
            error.error = Error(
                detail=detail and clean(detail), causes=causes and list(map(clean, causes))
            )
    if isinstance(error, api.InvalidResponse):
        # The errors of decoders keep all that they could not decode; the reason says enough.
        error.__cause__ = error.__context__ = None
        error.reason = clean(error.reason)


def status_of(error: Exception) -> int | None:
    """The status of an error answer; `None` if there was no answer."""
    return error.status_code if isinstance(error, api.ApiError) else None


def header_of(error: Exception, name: str) -> str | None:
    """A header of an error answer; `None` if there was no answer."""
    return error.headers.get(name) if isinstance(error, api.ApiError) else None


def own_error(error: BaseException) -> BaseException:
    """The error of this package for one of httpx or the generated client; any other is itself."""
    if isinstance(error, ObjectstoreError):
        return error
    if isinstance(error, FAILURES):
        return translate(error)
    if isinstance(error, api.InvalidArgument):
        # The contract's name for it; ours is the caller's.
        argument = "id" if error.argument == "key" else error.argument
        return InvalidArgumentError(
            f"{argument}: {error.shown}{' ' * bool(error.shown)}{error.rule}"
        )
    if isinstance(error, httpx.InvalidURL):
        return InvalidArgumentError(f"the base URL, or that of a proxy, is not valid: {error}")
    if isinstance(error, api.ClientClosed):
        return ClosedError(str(error))
    return error


@contextmanager
def refused_values() -> Iterator[None]:
    """Raise `InvalidArgumentError` for a ValueError of the layers below."""
    try:
        yield
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InvalidArgumentError(f"base_url: {error}") from error
    except ValueError as error:
        raise InvalidArgumentError(str(error)) from error


def _from_timeout(error: httpx.TimeoutException, past_deadline: bool) -> TransportTimeoutError:
    if past_deadline:
        timeout = TransportTimeoutError("the deadline passed")
        timeout.phase = "deadline"
        timeout.add_note(f"the cause: {error} (deadline= sets how long it may take)")
    else:
        phase = _PHASES.get(type(error), "read")
        timeout = TransportTimeoutError(f"the {phase} time-out passed")
        timeout.phase = phase
        timeout.add_note(f"the cause: {error} (timeout= sets how long to wait)")
    return timeout


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
    if error.status_code == 416:
        return RangeNotSatisfiable.of(_size_told(error))
    absent = error.operation in _ABSENT_OBJECT_OPERATIONS
    answer = api_error(error.status_code, absent=absent, detail=detail, causes=causes)
    answer.retry_after = _retry_after(error)
    return answer


def _size_told(error: api.ApiError) -> int | None:
    try:
        return parse_content_range(error.headers.get("content-range")).total
    except InvalidResponseError:
        return None


def _retry_after(error: api.ApiError) -> float | None:
    return parse_retry_after(error.headers.get("retry-after"), datetime.now(UTC))
