"""Client for the Objectstore blob service: sync and async, streaming, typed.

    objectstore = Objectstore("http://localhost:8888")
    client = objectstore.get_client(Usecase("attachments"), Scope(org=17, project=42))
    key = client.put(b"Hello, world!", metadata={"key": "value"})
    with client.get(key) as result:
        print(result.payload.read(), result.metadata.custom)

`AsyncObjectstore` offers the same with `await`. Errors stand in `objectstore_client.errors`.
"""

from objectstore_client._async.client import AsyncClient, AsyncGetResult
from objectstore_client._async.objectstore import AsyncObjectstore
from objectstore_client._async.payload import AsyncPayload
from objectstore_client._sync.client import Client, GetResult
from objectstore_client._sync.objectstore import Objectstore
from objectstore_client._sync.payload import Payload
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
    ObjectNotFound,
    ObjectstoreError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    TransportError,
    TransportTimeoutError,
    UnsupportedError,
)
from objectstore_client.expiration import ExpirationPolicy, Manual, TimeToIdle, TimeToLive
from objectstore_client.metadata import Metadata
from objectstore_client.metrics import MetricsBackend, NoOpMetricsBackend
from objectstore_client.retries import RetryPolicy
from objectstore_client.scope import Scope, SentryScope
from objectstore_client.sources import AsyncContents, Contents
from objectstore_client.timeouts import Timeout, TimeoutLike
from objectstore_client.usecase import Compression, Usecase

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncContents",
    "AsyncGetResult",
    "AsyncObjectstore",
    "AsyncPayload",
    "AuthenticationError",
    "BadRequestError",
    "Client",
    "ClosedError",
    "Compression",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "Contents",
    "DataError",
    "ExpirationPolicy",
    "GetResult",
    "IntegrityError",
    "InvalidArgumentError",
    "InvalidResponseError",
    "Manual",
    "Metadata",
    "MetricsBackend",
    "NoOpMetricsBackend",
    "ObjectNotFound",
    "Objectstore",
    "ObjectstoreError",
    "Payload",
    "PermissionDeniedError",
    "RateLimitedError",
    "RetryPolicy",
    "Scope",
    "SentryScope",
    "ServerError",
    "TimeToIdle",
    "TimeToLive",
    "Timeout",
    "TimeoutLike",
    "TransportError",
    "TransportTimeoutError",
    "UnsupportedError",
    "Usecase",
    "__version__",
]
