"""Client for the Objectstore blob service: sync and async, streaming, typed.

    objectstore = Objectstore("http://localhost:8888")
    client = objectstore.get_client(Usecase("attachments"), Scope(org=17, project=42))
    key = client.put(b"Hello, world!", metadata={"key": "value"})
    with client.get(key) as result:
        print(result.payload.read(), result.metadata.custom)

`AsyncObjectstore` offers the same with `await`. Errors stand in `objectstore_client.errors`.

Importing the package costs little: what does I/O, and httpx with it, is imported when it is first
asked for, and a program that uses one of the two worlds does without the other.
"""

import typing as _typing

from objectstore_client._version import __version__
from objectstore_client.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ClosedError,
    ConflictError,
    ConnectError,
    ConnectionLostError,
    DataError,
    IntegrityError,
    InvalidArgumentError,
    InvalidResponseError,
    MultipartError,
    ObjectChanged,
    ObjectNotFound,
    ObjectstoreError,
    PermissionDeniedError,
    RangeNotSatisfiable,
    RateLimitedError,
    ServerError,
    TokenProviderError,
    TransportError,
    TransportTimeoutError,
    UnsupportedError,
)
from objectstore_client.expiration import ExpirationPolicy, Manual, TimeToIdle, TimeToLive
from objectstore_client.metadata import Metadata
from objectstore_client.metrics import MetricsBackend, NoOpMetricsBackend
from objectstore_client.ranges import ByteRange
from objectstore_client.scope import Scope, SentryScope
from objectstore_client.sources import AsyncContents, Contents
from objectstore_client.timeouts import Timeout, TimeoutLike
from objectstore_client.usecase import Compression, Frames, Usecase

if _typing.TYPE_CHECKING:
    from objectstore_client._async.client import AsyncClient, AsyncGetResult
    from objectstore_client._async.multipart import AsyncMultipartUpload
    from objectstore_client._async.objectstore import AsyncObjectstore
    from objectstore_client._async.payload import AsyncPayload
    from objectstore_client._async.reader import AsyncReader
    from objectstore_client._sync.client import Client, GetResult
    from objectstore_client._sync.multipart import MultipartUpload
    from objectstore_client._sync.objectstore import Objectstore
    from objectstore_client._sync.payload import Payload
    from objectstore_client._sync.reader import Reader
    from objectstore_client.batch.operations import Delete, Get, Head, OperationResult, Put
    from objectstore_client.multipart import UploadedPart
    from objectstore_client.retries import RetryPolicy
    from objectstore_client.signing import (
        AsyncTokenSource,
        MissingSigningError,
        SecretKey,
        TokenSource,
    )
    from objectstore_client.tokens import Permission

_LAZY = {
    "AsyncClient": "_async.client",
    "AsyncGetResult": "_async.client",
    "AsyncMultipartUpload": "_async.multipart",
    "AsyncObjectstore": "_async.objectstore",
    "AsyncPayload": "_async.payload",
    "AsyncReader": "_async.reader",
    "AsyncTokenSource": "signing",
    "Client": "_sync.client",
    "Delete": "batch.operations",
    "Get": "batch.operations",
    "GetResult": "_sync.client",
    "Head": "batch.operations",
    "MissingSigningError": "signing",
    "MultipartUpload": "_sync.multipart",
    "Objectstore": "_sync.objectstore",
    "OperationResult": "batch.operations",
    "Payload": "_sync.payload",
    "Permission": "tokens",
    "Put": "batch.operations",
    "Reader": "_sync.reader",
    "RetryPolicy": "retries",
    "SecretKey": "signing",
    "TokenSource": "signing",
    "UploadedPart": "multipart",
}
"""What is imported when it is first asked for, and from where."""

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncContents",
    "AsyncGetResult",
    "AsyncMultipartUpload",
    "AsyncObjectstore",
    "AsyncPayload",
    "AsyncReader",
    "AsyncTokenSource",
    "AuthenticationError",
    "BadRequestError",
    "ByteRange",
    "Client",
    "ClosedError",
    "Compression",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "Contents",
    "DataError",
    "Delete",
    "ExpirationPolicy",
    "Frames",
    "Get",
    "GetResult",
    "Head",
    "IntegrityError",
    "InvalidArgumentError",
    "InvalidResponseError",
    "Manual",
    "Metadata",
    "MetricsBackend",
    "MissingSigningError",
    "MultipartError",
    "MultipartUpload",
    "NoOpMetricsBackend",
    "ObjectChanged",
    "ObjectNotFound",
    "Objectstore",
    "ObjectstoreError",
    "OperationResult",
    "Payload",
    "Permission",
    "PermissionDeniedError",
    "Put",
    "RangeNotSatisfiable",
    "RateLimitedError",
    "Reader",
    "RetryPolicy",
    "Scope",
    "SecretKey",
    "SentryScope",
    "ServerError",
    "TimeToIdle",
    "TimeToLive",
    "Timeout",
    "TimeoutLike",
    "TokenProviderError",
    "TokenSource",
    "TransportError",
    "TransportTimeoutError",
    "UnsupportedError",
    "UploadedPart",
    "Usecase",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
