# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Create an object under a key of the server's choice (POST)."""

from collections.abc import Mapping
from typing import Self

import httpx
from attrs import field, frozen

from ...client import AsyncClient, Client
from ...content import AsyncContent, RequestContent, SyncContent, check_content
from ...headers import request_headers
from ...models.content_encoding import ContentEncoding
from ...models.object_key import ObjectKey
from ...models.upload_session import UploadSession
from ...models.upload_type import UploadType
from ...operations import Operation, RequestParts, Response, json_body
from ...paths import encode_prefix, encode_query


@frozen(kw_only=True)
class CreateObjectHeaders:
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


OPERATION: Operation[UploadSession | ObjectKey, CreateObjectHeaders] = Operation(
    id="create_object",
    method="POST",
    headers=CreateObjectHeaders.parse,
    bodies={200: json_body(UploadSession.from_dict), 201: json_body(ObjectKey.from_dict)},
    errors=frozenset([400, 401, 403, 429, 500, 501, 503]),
)


def build_request(
    usecase: str,
    scopes: str,
    *,
    body: RequestContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    upload_type: UploadType | None = None,
    upload_length: int | None = None,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[UploadSession | ObjectKey, CreateObjectHeaders]:
    """Make the request, without sending it.

    Create an object under a key of the server's choice.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        upload_type: Opens a resumable session instead of storing the body. Needs
            `Upload-Length`.
        upload_length: Size in bytes of the object to upload, as it will be stored. Only with
            `upload_type=resumable`.
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
        body=body,
        content_type=content_type,
        content_length=content_length,
        upload_type=upload_type,
        upload_length=upload_length,
        content_encoding=content_encoding,
        x_sn_expiration=x_sn_expiration,
        x_sn_origin=x_sn_origin,
        x_sn_filename=x_sn_filename,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )


def build_request_at(
    prefix: str,
    *,
    body: RequestContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    upload_type: UploadType | None = None,
    upload_length: int | None = None,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[UploadSession | ObjectKey, CreateObjectHeaders]:
    """Make the request, without sending it.

    Create an object under a key of the server's choice.

    Args:
        prefix: Use case and scopes, made by `encode_prefix`.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        upload_type: Opens a resumable session instead of storing the body. Needs
            `Upload-Length`.
        upload_length: Size in bytes of the object to upload, as it will be stored. Only with
            `upload_type=resumable`.
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
    check_content(body, content_length)
    return RequestParts(
        operation=OPERATION,
        path=f"/v1/objects/{prefix}/",
        query=encode_query({"upload_type": upload_type}),
        headers=request_headers(
            {
                "upload-length": upload_length,
                "content-encoding": content_encoding,
                "x-sn-expiration": x_sn_expiration,
                "x-sn-origin": x_sn_origin,
                "x-sn-filename": x_sn_filename,
                "x-downstream-service": x_downstream_service,
                "content-type": content_type,
            },
            extra_headers,
        ),
        content=body,
        content_length=content_length,
    )


def parse_response(
    response: httpx.Response, body: bytes
) -> Response[UploadSession | ObjectKey, CreateObjectHeaders]:
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
    body: SyncContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    upload_type: UploadType | None = None,
    upload_length: int | None = None,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[UploadSession | ObjectKey, CreateObjectHeaders]:
    """Create an object under a key of the server's choice.

    Stores the payload under a new key, a lower-case UUID with hyphens. Custom metadata goes
    into `x-snme-*` headers, the content type of the object into `Content-Type`.

    Not idempotent: after a lost answer an object that nobody knows may stay behind. With
    `upload_type=resumable` the request opens a resumable session instead; its body must then be
    empty.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        client: Sends the request.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        upload_type: Opens a resumable session instead of storing the body. Needs
            `Upload-Length`.
        upload_length: Size in bytes of the object to upload, as it will be stored. Only with
            `upload_type=resumable`.
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
        body=body,
        content_type=content_type,
        content_length=content_length,
        upload_type=upload_type,
        upload_length=upload_length,
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
    *,
    client: AsyncClient,
    body: AsyncContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    upload_type: UploadType | None = None,
    upload_length: int | None = None,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[UploadSession | ObjectKey, CreateObjectHeaders]:
    """Create an object under a key of the server's choice.

    Stores the payload under a new key, a lower-case UUID with hyphens. Custom metadata goes
    into `x-snme-*` headers, the content type of the object into `Content-Type`.

    Not idempotent: after a lost answer an object that nobody knows may stay behind. With
    `upload_type=resumable` the request opens a resumable session instead; its body must then be
    empty.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        client: Sends the request.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        upload_type: Opens a resumable session instead of storing the body. Needs
            `Upload-Length`.
        upload_length: Size in bytes of the object to upload, as it will be stored. Only with
            `upload_type=resumable`.
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
        body=body,
        content_type=content_type,
        content_length=content_length,
        upload_type=upload_type,
        upload_length=upload_length,
        content_encoding=content_encoding,
        x_sn_expiration=x_sn_expiration,
        x_sn_origin=x_sn_origin,
        x_sn_filename=x_sn_filename,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return await client.call(parts, timeout=timeout)
