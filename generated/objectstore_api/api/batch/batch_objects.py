# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Run up to 1000 operations on one use case and scope (POST)."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Self

import httpx
from attrs import field, frozen

from ...client import AsyncClient, Client, StreamedResponse
from ...content import AsyncContent, RequestContent, SyncContent, check_content
from ...headers import request_headers
from ...operations import Operation, RequestParts, Response, bytes_body
from ...paths import encode_prefix


@frozen(kw_only=True)
class BatchObjectsHeaders:
    """Headers of a success. All may be absent: older servers know fewer of them.

    Attributes:
        content_type: Media type of the body.
        raw: All headers by lowercase name; of a repeated one the last.
    """

    content_type: str | None
    raw: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> Self:
        """Read the documented headers from those of an answer by lowercase name.

        Raises:
            ValueError: If one of them is malformed.
        """
        return cls(content_type=headers.get("content-type"), raw=headers)


OPERATION: Operation[bytes, BatchObjectsHeaders] = Operation(
    id="batch_objects",
    method="POST",
    headers=BatchObjectsHeaders.parse,
    bodies={200: bytes_body},
    errors=frozenset([400, 401, 403, 429, 500, 503]),
)


def build_request(
    usecase: str,
    scopes: str,
    *,
    body: RequestContent,
    content_type: str,
    content_length: int | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[bytes, BatchObjectsHeaders]:
    """Make the request, without sending it.

    Run up to 1000 operations on one use case and scope.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        body: One part per operation. Lines of part headers end with CRLF.
        content_type: Media type of the body, such as `multipart/form-data; boundary=…`.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    return build_request_at(
        encode_prefix(usecase, scopes),
        body=body,
        content_type=content_type,
        content_length=content_length,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )


def build_request_at(
    prefix: str,
    *,
    body: RequestContent,
    content_type: str,
    content_length: int | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[bytes, BatchObjectsHeaders]:
    """Make the request, without sending it.

    Run up to 1000 operations on one use case and scope.

    Args:
        prefix: Use case and scopes, made by `encode_prefix`.
        body: One part per operation. Lines of part headers end with CRLF.
        content_type: Media type of the body, such as `multipart/form-data; boundary=…`.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    check_content(body, content_length)
    return RequestParts(
        operation=OPERATION,
        path=f"/v1/objects:batch/{prefix}/",
        headers=request_headers(
            {"x-downstream-service": x_downstream_service, "content-type": content_type},
            extra_headers,
        ),
        content=body,
        content_length=content_length,
    )


def parse_response(response: httpx.Response, body: bytes) -> Response[bytes, BatchObjectsHeaders]:
    """Parse an answer, without I/O.

    Args:
        response: Its head. The body is not taken from here: httpx would decompress it.
        body: Its whole body as received; of an error the first 64 KiB will do.

    Raises:
        ApiError: If it is not a success, or not what the contract says.
    """
    return OPERATION.parse(response.status_code, response.headers.raw, body)


def sync(
    usecase: str,
    scopes: str,
    *,
    client: Client,
    body: SyncContent,
    content_type: str,
    content_length: int | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[bytes, BatchObjectsHeaders]:
    """Run up to 1000 operations on one use case and scope.

    The body is `multipart/form-data`, and each part is one operation. Both bodies are declared
    here as opaque bytes, because their grammar rests on part headers, for which OpenAPI has no
    words.

    **Parts of the request**

    | Part header | For | Meaning |
    |---|---|---|
    | `x-sn-batch-operation-kind` | all | `get`, `head`, `insert` or `delete`, in any case |
    | `x-sn-batch-operation-key` | all, optional for `insert` | percent-encoded key |
    | `content-type`, `content-encoding`, `x-sn-*`, `x-snme-*` | `insert` | metadata |
    | `content-disposition` | – | ignored |

    The part body is the payload of an `insert` and is ignored otherwise. An `insert` without a
    key gets one from the server. To be understood by every server, escape all bytes of a key
    but `A-Z a-z 0-9`.

    **Parts of the response**

    | Part header | Meaning |
    |---|---|
    | `x-sn-batch-operation-index` | position of the operation in the request, from zero |
    | `x-sn-batch-operation-status` | such as `200 OK`; the reason may be missing |
    | `x-sn-batch-operation-key` | percent-encoded key; absent on errors |
    | `x-sn-batch-operation-kind` | the kind; absent on errors |
    | `content-type` and metadata | for `get` and `head` that found their object |
    | `content-disposition` | always `form-data; name=part` |

    The part body is the payload for `get`, the JSON of `Error` for an error, and empty
    otherwise. An absent object is no error in this sense: key and kind are there, the body is
    empty.

    | Kind | Done | Object absent |
    |---|---|---|
    | `get` | 200 | 404 |
    | `head` | 204, or 200 | 404 |
    | `insert` | 201 | – |
    | `delete` | 204 | 204 |

    Errors of single operations: 400 for a bad part, 403 for a missing permission, 413 for a
    payload above 1 MiB and for operations beyond the first thousand, 429, 500 and 503 as
    elsewhere.

    Operations run concurrently, and parts come in order of completion: go by the index. There
    is no atomicity; the order of several operations on one key is undefined. The whole body is
    limited to 1 GiB. An operation whose part never arrives has an unknown outcome. A response
    to a malformed body may go on for long with error parts: bound what you read.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        client: Sends the request.
        body: One part per operation. Lines of part headers end with CRLF.
        content_type: Media type of the body, such as `multipart/form-data; boundary=…`.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.
        timeout: For this call only, instead of the client's.

    Raises:
        ApiError: If the answer is not a success, or not what the contract says.
        httpx.TransportError: If there is no answer, or it breaks off.
        InvalidArgument: If an argument can't be sent.
    """
    parts = build_request(
        usecase,
        scopes,
        body=body,
        content_type=content_type,
        content_length=content_length,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return client.call(parts, timeout=timeout)


def stream_sync(
    usecase: str,
    scopes: str,
    *,
    client: Client,
    body: SyncContent,
    content_type: str,
    content_length: int | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> AbstractContextManager[StreamedResponse[BatchObjectsHeaders]]:
    """Run up to 1000 operations on one use case and scope.

    The body is `multipart/form-data`, and each part is one operation. Both bodies are declared
    here as opaque bytes, because their grammar rests on part headers, for which OpenAPI has no
    words.

    **Parts of the request**

    | Part header | For | Meaning |
    |---|---|---|
    | `x-sn-batch-operation-kind` | all | `get`, `head`, `insert` or `delete`, in any case |
    | `x-sn-batch-operation-key` | all, optional for `insert` | percent-encoded key |
    | `content-type`, `content-encoding`, `x-sn-*`, `x-snme-*` | `insert` | metadata |
    | `content-disposition` | – | ignored |

    The part body is the payload of an `insert` and is ignored otherwise. An `insert` without a
    key gets one from the server. To be understood by every server, escape all bytes of a key
    but `A-Z a-z 0-9`.

    **Parts of the response**

    | Part header | Meaning |
    |---|---|
    | `x-sn-batch-operation-index` | position of the operation in the request, from zero |
    | `x-sn-batch-operation-status` | such as `200 OK`; the reason may be missing |
    | `x-sn-batch-operation-key` | percent-encoded key; absent on errors |
    | `x-sn-batch-operation-kind` | the kind; absent on errors |
    | `content-type` and metadata | for `get` and `head` that found their object |
    | `content-disposition` | always `form-data; name=part` |

    The part body is the payload for `get`, the JSON of `Error` for an error, and empty
    otherwise. An absent object is no error in this sense: key and kind are there, the body is
    empty.

    | Kind | Done | Object absent |
    |---|---|---|
    | `get` | 200 | 404 |
    | `head` | 204, or 200 | 404 |
    | `insert` | 201 | – |
    | `delete` | 204 | 204 |

    Errors of single operations: 400 for a bad part, 403 for a missing permission, 413 for a
    payload above 1 MiB and for operations beyond the first thousand, 429, 500 and 503 as
    elsewhere.

    Operations run concurrently, and parts come in order of completion: go by the index. There
    is no atomicity; the order of several operations on one key is undefined. The whole body is
    limited to 1 GiB. An operation whose part never arrives has an unknown outcome. A response
    to a malformed body may go on for long with error parts: bound what you read.

    The body of the answer is not read: iterate over it inside the `with` block.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        client: Sends the request.
        body: One part per operation. Lines of part headers end with CRLF.
        content_type: Media type of the body, such as `multipart/form-data; boundary=…`.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.
        timeout: For this call only, instead of the client's.

    Raises:
        ApiError: If the answer is not a success, or not what the contract says.
        httpx.TransportError: If there is no answer, or it breaks off.
        InvalidArgument: If an argument can't be sent.
    """
    parts = build_request(
        usecase,
        scopes,
        body=body,
        content_type=content_type,
        content_length=content_length,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return client.stream(parts, timeout=timeout)


async def asyncio(
    usecase: str,
    scopes: str,
    *,
    client: AsyncClient,
    body: AsyncContent,
    content_type: str,
    content_length: int | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[bytes, BatchObjectsHeaders]:
    """Run up to 1000 operations on one use case and scope.

    The body is `multipart/form-data`, and each part is one operation. Both bodies are declared
    here as opaque bytes, because their grammar rests on part headers, for which OpenAPI has no
    words.

    **Parts of the request**

    | Part header | For | Meaning |
    |---|---|---|
    | `x-sn-batch-operation-kind` | all | `get`, `head`, `insert` or `delete`, in any case |
    | `x-sn-batch-operation-key` | all, optional for `insert` | percent-encoded key |
    | `content-type`, `content-encoding`, `x-sn-*`, `x-snme-*` | `insert` | metadata |
    | `content-disposition` | – | ignored |

    The part body is the payload of an `insert` and is ignored otherwise. An `insert` without a
    key gets one from the server. To be understood by every server, escape all bytes of a key
    but `A-Z a-z 0-9`.

    **Parts of the response**

    | Part header | Meaning |
    |---|---|
    | `x-sn-batch-operation-index` | position of the operation in the request, from zero |
    | `x-sn-batch-operation-status` | such as `200 OK`; the reason may be missing |
    | `x-sn-batch-operation-key` | percent-encoded key; absent on errors |
    | `x-sn-batch-operation-kind` | the kind; absent on errors |
    | `content-type` and metadata | for `get` and `head` that found their object |
    | `content-disposition` | always `form-data; name=part` |

    The part body is the payload for `get`, the JSON of `Error` for an error, and empty
    otherwise. An absent object is no error in this sense: key and kind are there, the body is
    empty.

    | Kind | Done | Object absent |
    |---|---|---|
    | `get` | 200 | 404 |
    | `head` | 204, or 200 | 404 |
    | `insert` | 201 | – |
    | `delete` | 204 | 204 |

    Errors of single operations: 400 for a bad part, 403 for a missing permission, 413 for a
    payload above 1 MiB and for operations beyond the first thousand, 429, 500 and 503 as
    elsewhere.

    Operations run concurrently, and parts come in order of completion: go by the index. There
    is no atomicity; the order of several operations on one key is undefined. The whole body is
    limited to 1 GiB. An operation whose part never arrives has an unknown outcome. A response
    to a malformed body may go on for long with error parts: bound what you read.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        client: Sends the request.
        body: One part per operation. Lines of part headers end with CRLF.
        content_type: Media type of the body, such as `multipart/form-data; boundary=…`.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.
        timeout: For this call only, instead of the client's.

    Raises:
        ApiError: If the answer is not a success, or not what the contract says.
        httpx.TransportError: If there is no answer, or it breaks off.
        InvalidArgument: If an argument can't be sent.
    """
    parts = build_request(
        usecase,
        scopes,
        body=body,
        content_type=content_type,
        content_length=content_length,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return await client.call(parts, timeout=timeout)


def stream_asyncio(
    usecase: str,
    scopes: str,
    *,
    client: AsyncClient,
    body: AsyncContent,
    content_type: str,
    content_length: int | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> AbstractAsyncContextManager[StreamedResponse[BatchObjectsHeaders]]:
    """Run up to 1000 operations on one use case and scope.

    The body is `multipart/form-data`, and each part is one operation. Both bodies are declared
    here as opaque bytes, because their grammar rests on part headers, for which OpenAPI has no
    words.

    **Parts of the request**

    | Part header | For | Meaning |
    |---|---|---|
    | `x-sn-batch-operation-kind` | all | `get`, `head`, `insert` or `delete`, in any case |
    | `x-sn-batch-operation-key` | all, optional for `insert` | percent-encoded key |
    | `content-type`, `content-encoding`, `x-sn-*`, `x-snme-*` | `insert` | metadata |
    | `content-disposition` | – | ignored |

    The part body is the payload of an `insert` and is ignored otherwise. An `insert` without a
    key gets one from the server. To be understood by every server, escape all bytes of a key
    but `A-Z a-z 0-9`.

    **Parts of the response**

    | Part header | Meaning |
    |---|---|
    | `x-sn-batch-operation-index` | position of the operation in the request, from zero |
    | `x-sn-batch-operation-status` | such as `200 OK`; the reason may be missing |
    | `x-sn-batch-operation-key` | percent-encoded key; absent on errors |
    | `x-sn-batch-operation-kind` | the kind; absent on errors |
    | `content-type` and metadata | for `get` and `head` that found their object |
    | `content-disposition` | always `form-data; name=part` |

    The part body is the payload for `get`, the JSON of `Error` for an error, and empty
    otherwise. An absent object is no error in this sense: key and kind are there, the body is
    empty.

    | Kind | Done | Object absent |
    |---|---|---|
    | `get` | 200 | 404 |
    | `head` | 204, or 200 | 404 |
    | `insert` | 201 | – |
    | `delete` | 204 | 204 |

    Errors of single operations: 400 for a bad part, 403 for a missing permission, 413 for a
    payload above 1 MiB and for operations beyond the first thousand, 429, 500 and 503 as
    elsewhere.

    Operations run concurrently, and parts come in order of completion: go by the index. There
    is no atomicity; the order of several operations on one key is undefined. The whole body is
    limited to 1 GiB. An operation whose part never arrives has an unknown outcome. A response
    to a malformed body may go on for long with error parts: bound what you read.

    The body of the answer is not read: iterate over it inside the `async with` block.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        client: Sends the request.
        body: One part per operation. Lines of part headers end with CRLF.
        content_type: Media type of the body, such as `multipart/form-data; boundary=…`.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.
        timeout: For this call only, instead of the client's.

    Raises:
        ApiError: If the answer is not a success, or not what the contract says.
        httpx.TransportError: If there is no answer, or it breaks off.
        InvalidArgument: If an argument can't be sent.
    """
    parts = build_request(
        usecase,
        scopes,
        body=body,
        content_type=content_type,
        content_length=content_length,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return client.stream(parts, timeout=timeout)
