# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Begin a multipart upload under a given key (PUT)."""

from collections.abc import Mapping
from typing import Self

import httpx
from attrs import field, frozen

from ...client import AsyncClient, Client
from ...headers import request_headers
from ...models.content_encoding import ContentEncoding
from ...models.multipart_upload import MultipartUpload
from ...operations import Operation, RequestParts, Response, json_body
from ...paths import encode_key, encode_prefix


@frozen(kw_only=True)
class InitiateMultipartWithKeyHeaders:
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


OPERATION: Operation[MultipartUpload, InitiateMultipartWithKeyHeaders] = Operation(
    id="initiate_multipart_with_key",
    method="PUT",
    headers=InitiateMultipartWithKeyHeaders.parse,
    bodies={200: json_body(MultipartUpload.from_dict)},
    errors=frozenset([400, 401, 403, 404, 429, 500, 501, 503]),
)


def build_request(
    usecase: str,
    scopes: str,
    key: str,
    *,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[MultipartUpload, InitiateMultipartWithKeyHeaders]:
    """Make the request, without sending it.

    Begin a multipart upload under a given key.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        content_encoding: Declares that the payload is compressed. The server does not check it.
        x_sn_expiration: Expiration policy: `manual`, `ttl:<duration>` or `tti:<duration>`.
            Without it the object does not expire. The digits of each number are bounded so that
            deadlines stay before the year 10000, where the calendar of the service ends.
        x_sn_origin: Where the payload came from, usually an IP address.
        x_sn_filename: Name of the file, for the `Content-Disposition` of later answers.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    return build_request_at(
        encode_prefix(usecase, scopes),
        key,
        content_encoding=content_encoding,
        x_sn_expiration=x_sn_expiration,
        x_sn_origin=x_sn_origin,
        x_sn_filename=x_sn_filename,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )


def build_request_at(
    prefix: str,
    key: str,
    *,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[MultipartUpload, InitiateMultipartWithKeyHeaders]:
    """Make the request, without sending it.

    Begin a multipart upload under a given key.

    Args:
        prefix: Use case and scopes, made by `encode_prefix`.
        key: Key of the object, literal; its slashes stay slashes.
        content_encoding: Declares that the payload is compressed. The server does not check it.
        x_sn_expiration: Expiration policy: `manual`, `ttl:<duration>` or `tti:<duration>`.
            Without it the object does not expire. The digits of each number are bounded so that
            deadlines stay before the year 10000, where the calendar of the service ends.
        x_sn_origin: Where the payload came from, usually an IP address.
        x_sn_filename: Name of the file, for the `Content-Disposition` of later answers.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    return RequestParts(
        operation=OPERATION,
        path=f"/v1/objects:multipart/{prefix}/{encode_key(key)}",
        headers=request_headers(
            {
                "content-encoding": content_encoding,
                "x-sn-expiration": x_sn_expiration,
                "x-sn-origin": x_sn_origin,
                "x-sn-filename": x_sn_filename,
                "x-downstream-service": x_downstream_service,
            },
            extra_headers,
        ),
    )


def parse_response(
    response: httpx.Response, body: bytes
) -> Response[MultipartUpload, InitiateMultipartWithKeyHeaders]:
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
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[MultipartUpload, InitiateMultipartWithKeyHeaders]:
    """Begin a multipart upload under a given key.

    Metadata headers are those of a plain `PUT`, and are fixed for the whole upload; the expiry
    counts from now. The body is empty. An older object stays readable until the upload is
    completed.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        content_encoding: Declares that the payload is compressed. The server does not check it.
        x_sn_expiration: Expiration policy: `manual`, `ttl:<duration>` or `tti:<duration>`.
            Without it the object does not expire. The digits of each number are bounded so that
            deadlines stay before the year 10000, where the calendar of the service ends.
        x_sn_origin: Where the payload came from, usually an IP address.
        x_sn_filename: Name of the file, for the `Content-Disposition` of later answers.
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
        content_encoding=content_encoding,
        x_sn_expiration=x_sn_expiration,
        x_sn_origin=x_sn_origin,
        x_sn_filename=x_sn_filename,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return client.call(parts, timeout=timeout)


async def asyncio(
    usecase: str,
    scopes: str,
    key: str,
    *,
    client: AsyncClient,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[MultipartUpload, InitiateMultipartWithKeyHeaders]:
    """Begin a multipart upload under a given key.

    Metadata headers are those of a plain `PUT`, and are fixed for the whole upload; the expiry
    counts from now. The body is empty. An older object stays readable until the upload is
    completed.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        content_encoding: Declares that the payload is compressed. The server does not check it.
        x_sn_expiration: Expiration policy: `manual`, `ttl:<duration>` or `tti:<duration>`.
            Without it the object does not expire. The digits of each number are bounded so that
            deadlines stay before the year 10000, where the calendar of the service ends.
        x_sn_origin: Where the payload came from, usually an IP address.
        x_sn_filename: Name of the file, for the `Content-Disposition` of later answers.
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
        content_encoding=content_encoding,
        x_sn_expiration=x_sn_expiration,
        x_sn_origin=x_sn_origin,
        x_sn_filename=x_sn_filename,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return await client.call(parts, timeout=timeout)
