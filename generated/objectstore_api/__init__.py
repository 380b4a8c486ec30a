# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Low-level client of the Objectstore HTTP API, generated from `openapi.yaml`.

`api` has one module per operation, each with

* `build_request` and `parse_response`, which do no I/O, and
* `sync` and `asyncio`, which send the request and return the parsed answer;
* where the answer is an object or a batch also `stream_sync` and `stream_asyncio`.

`models` has the JSON bodies. The rest is here.
"""

from .client import AsyncClient, Client, StreamedResponse
from .content import AsyncContent, BinaryReader, BytesLike, RequestContent, SyncContent
from .errors import ApiError, ClientClosed, InvalidArgument, InvalidResponse, UnexpectedStatus
from .headers import PreparedHeaders
from .operations import Operation, RequestParts, Response
from .paths import encode_key, encode_prefix
from .target import DEFAULT_TIMEOUT

__all__ = [
    "DEFAULT_TIMEOUT",
    "ApiError",
    "AsyncClient",
    "AsyncContent",
    "BinaryReader",
    "BytesLike",
    "Client",
    "ClientClosed",
    "InvalidArgument",
    "InvalidResponse",
    "Operation",
    "PreparedHeaders",
    "RequestContent",
    "RequestParts",
    "Response",
    "StreamedResponse",
    "SyncContent",
    "UnexpectedStatus",
    "encode_key",
    "encode_prefix",
]
