# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Read an object, or a range of its bytes (GET)."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from typing import Self

import httpx
from attrs import field, frozen

from ...client import AsyncClient, Client, StreamedResponse
from ...headers import integer, request_headers, timestamp
from ...operations import Operation, RequestParts, Response, bytes_body
from ...paths import encode_key, encode_prefix


@frozen(kw_only=True)
class GetObjectHeaders:
    """Headers of a success. All may be absent: older servers know fewer of them.

    Attributes:
        content_type: Media type of the body.
        content_length: Size of the body in bytes. Missing where the size is not known.
        content_encoding: `zstd` if the payload is compressed, otherwise missing.
        content_disposition: `attachment` with a harmless form of the file name, and `filename*`
            for names beyond ASCII. Only if a file name is stored. Older servers leave it out
            for names they can't write.
        accept_ranges: Always `bytes`.
        x_sn_expiration: The expiration policy; missing if the object does not expire. Older
            servers write longer forms, such as `ttl:2months 29days 2h 52m 48s`.
        x_sn_origin: Where the payload came from, percent-encoded; raw on older servers.
        x_sn_filename: Name of the file, percent-encoded; raw on older servers.
        x_sn_time_created: Time of creation or last replacement; for multipart and resumable
            uploads, of their beginning. Whole seconds, rounded up, so it may lie in the future
            by less than one. Older servers send six fractional digits.
        x_sn_time_expires: The present deadline; missing if the object does not expire. With a
            time to idle it is the one from before this access.
        x_sn_size: Size in bytes of the whole stored object, also in answer to a range. Missing
            on older servers.
        content_range: First and last byte of the body, and the size of the stored object.
        raw: All headers by lowercase name; of a repeated one the last.
    """

    content_type: str | None
    content_length: int | None
    content_encoding: str | None
    content_disposition: str | None
    accept_ranges: str | None
    x_sn_expiration: str | None
    x_sn_origin: str | None
    x_sn_filename: str | None
    x_sn_time_created: datetime | None
    x_sn_time_expires: datetime | None
    x_sn_size: int | None
    content_range: str | None
    raw: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> Self:
        """Read the documented headers from those of an answer by lowercase name.

        Raises:
            ValueError: If one of them is malformed.
        """
        return cls(
            content_type=headers.get("content-type"),
            content_length=integer(headers, "content-length"),
            content_encoding=headers.get("content-encoding"),
            content_disposition=headers.get("content-disposition"),
            accept_ranges=headers.get("accept-ranges"),
            x_sn_expiration=headers.get("x-sn-expiration"),
            x_sn_origin=headers.get("x-sn-origin"),
            x_sn_filename=headers.get("x-sn-filename"),
            x_sn_time_created=timestamp(headers, "x-sn-time-created"),
            x_sn_time_expires=timestamp(headers, "x-sn-time-expires"),
            x_sn_size=integer(headers, "x-sn-size"),
            content_range=headers.get("content-range"),
            raw=headers,
        )


OPERATION: Operation[bytes, GetObjectHeaders] = Operation(
    id="get_object",
    method="GET",
    headers=GetObjectHeaders.parse,
    bodies={200: bytes_body, 206: bytes_body},
    errors=frozenset([400, 401, 403, 404, 416, 429, 500, 503]),
)


def build_request(
    usecase: str,
    scopes: str,
    key: str,
    *,
    range_: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[bytes, GetObjectHeaders]:
    """Make the request, without sending it.

    Read an object, or a range of its bytes.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        range_: One range of the stored bytes: `bytes=<first>-<last>`, `bytes=<first>-` or
            `bytes=-<length>`. Malformed ranges, other units, `first` above `last` and a length
            of zero are answered with `400`; several ranges are ignored and answered with the
            whole object.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    return build_request_at(
        encode_prefix(usecase, scopes),
        key,
        range_=range_,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )


def build_request_at(
    prefix: str,
    key: str,
    *,
    range_: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[bytes, GetObjectHeaders]:
    """Make the request, without sending it.

    Read an object, or a range of its bytes.

    Args:
        prefix: Use case and scopes, made by `encode_prefix`.
        key: Key of the object, literal; its slashes stay slashes.
        range_: One range of the stored bytes: `bytes=<first>-<last>`, `bytes=<first>-` or
            `bytes=-<length>`. Malformed ranges, other units, `first` above `last` and a length
            of zero are answered with `400`; several ranges are ignored and answered with the
            whole object.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    return RequestParts(
        operation=OPERATION,
        path=f"/v1/objects/{prefix}/{encode_key(key)}",
        headers=request_headers(
            {"range": range_, "x-downstream-service": x_downstream_service}, extra_headers
        ),
    )


def parse_response(response: httpx.Response, body: bytes) -> Response[bytes, GetObjectHeaders]:
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
    key: str,
    *,
    client: Client,
    range_: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[bytes, GetObjectHeaders]:
    """Read an object, or a range of its bytes.

    Returns the payload as it is stored, with the metadata in headers; `x-snme-*` headers hold
    the custom metadata. Counts as an access for objects with a time to idle.

    Full answers have a `Content-Length` where the size is known; those of older servers are
    chunked without one. A client must accept `200` in answer to any `Range`. Two range reads
    may hit two versions of an object: compare `x-sn-time-created` and the total size.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        range_: One range of the stored bytes: `bytes=<first>-<last>`, `bytes=<first>-` or
            `bytes=-<length>`. Malformed ranges, other units, `first` above `last` and a length
            of zero are answered with `400`; several ranges are ignored and answered with the
            whole object.
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
        key,
        range_=range_,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return client.call(parts, timeout=timeout)


def stream_sync(
    usecase: str,
    scopes: str,
    key: str,
    *,
    client: Client,
    range_: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> AbstractContextManager[StreamedResponse[GetObjectHeaders]]:
    """Read an object, or a range of its bytes.

    Returns the payload as it is stored, with the metadata in headers; `x-snme-*` headers hold
    the custom metadata. Counts as an access for objects with a time to idle.

    Full answers have a `Content-Length` where the size is known; those of older servers are
    chunked without one. A client must accept `200` in answer to any `Range`. Two range reads
    may hit two versions of an object: compare `x-sn-time-created` and the total size.

    The body of the answer is not read: iterate over it inside the `with` block.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        range_: One range of the stored bytes: `bytes=<first>-<last>`, `bytes=<first>-` or
            `bytes=-<length>`. Malformed ranges, other units, `first` above `last` and a length
            of zero are answered with `400`; several ranges are ignored and answered with the
            whole object.
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
        key,
        range_=range_,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return client.stream(parts, timeout=timeout)


async def asyncio(
    usecase: str,
    scopes: str,
    key: str,
    *,
    client: AsyncClient,
    range_: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[bytes, GetObjectHeaders]:
    """Read an object, or a range of its bytes.

    Returns the payload as it is stored, with the metadata in headers; `x-snme-*` headers hold
    the custom metadata. Counts as an access for objects with a time to idle.

    Full answers have a `Content-Length` where the size is known; those of older servers are
    chunked without one. A client must accept `200` in answer to any `Range`. Two range reads
    may hit two versions of an object: compare `x-sn-time-created` and the total size.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        range_: One range of the stored bytes: `bytes=<first>-<last>`, `bytes=<first>-` or
            `bytes=-<length>`. Malformed ranges, other units, `first` above `last` and a length
            of zero are answered with `400`; several ranges are ignored and answered with the
            whole object.
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
        key,
        range_=range_,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return await client.call(parts, timeout=timeout)


def stream_asyncio(
    usecase: str,
    scopes: str,
    key: str,
    *,
    client: AsyncClient,
    range_: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> AbstractAsyncContextManager[StreamedResponse[GetObjectHeaders]]:
    """Read an object, or a range of its bytes.

    Returns the payload as it is stored, with the metadata in headers; `x-snme-*` headers hold
    the custom metadata. Counts as an access for objects with a time to idle.

    Full answers have a `Content-Length` where the size is known; those of older servers are
    chunked without one. A client must accept `200` in answer to any `Range`. Two range reads
    may hit two versions of an object: compare `x-sn-time-created` and the total size.

    The body of the answer is not read: iterate over it inside the `async with` block.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        range_: One range of the stored bytes: `bytes=<first>-<last>`, `bytes=<first>-` or
            `bytes=-<length>`. Malformed ranges, other units, `first` above `last` and a length
            of zero are answered with `400`; several ranges are ignored and answered with the
            whole object.
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
        key,
        range_=range_,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return client.stream(parts, timeout=timeout)
