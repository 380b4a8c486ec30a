# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Create or replace an object, or take a step of a resumable upload (PUT)."""

from collections.abc import Mapping
from typing import Self

import httpx
from attrs import field, frozen

from ...client import AsyncClient, Client
from ...content import AsyncContent, RequestContent, SyncContent, check_content
from ...headers import integer, request_headers
from ...models.content_encoding import ContentEncoding
from ...models.object_key import ObjectKey
from ...models.put_object_result import PutObjectResult
from ...models.upload_type import UploadType
from ...operations import Operation, RequestParts, Response, json_body, no_body
from ...paths import encode_key, encode_prefix, encode_query


@frozen(kw_only=True)
class PutObjectHeaders:
    """Headers of a success. All may be absent: older servers know fewer of them.

    Attributes:
        content_type: Media type of the body.
        upload_offset: Number of bytes the server holds, which is where the next chunk has to
            start.
        raw: All headers by lowercase name; of a repeated one the last.
    """

    content_type: str | None
    upload_offset: int | None
    raw: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> Self:
        """Read the documented headers from those of an answer by lowercase name.

        Raises:
            ValueError: If one of them is malformed.
        """
        return cls(
            content_type=headers.get("content-type"),
            upload_offset=integer(headers, "upload-offset"),
            raw=headers,
        )


OPERATION: Operation[PutObjectResult | ObjectKey | None, PutObjectHeaders] = Operation(
    id="put_object",
    method="PUT",
    headers=PutObjectHeaders.parse,
    bodies={
        200: json_body(PutObjectResult.from_dict),
        201: json_body(ObjectKey.from_dict),
        204: no_body,
    },
    errors=frozenset([400, 401, 403, 404, 409, 410, 429, 500, 501, 503]),
)


def build_request(
    usecase: str,
    scopes: str,
    key: str,
    *,
    body: RequestContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    upload_type: UploadType | None = None,
    session: str | None = None,
    upload_length: int | None = None,
    upload_offset: str | None = None,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[PutObjectResult | ObjectKey | None, PutObjectHeaders]:
    """Make the request, without sending it.

    Create or replace an object, or take a step of a resumable upload.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        upload_type: Opens a resumable session instead of storing the body. Needs
            `Upload-Length`.
        session: Token of a resumable session, as the server gave it out: base64url without
            padding. Turns the request into a step of that upload.
        upload_length: Size in bytes of the object to upload, as it will be stored. Only with
            `upload_type=resumable`.
        upload_offset: Position in bytes of this chunk, or `*` with an empty body to ask for the
            position the server expects. Only with `session`.
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
        body=body,
        content_type=content_type,
        content_length=content_length,
        upload_type=upload_type,
        session=session,
        upload_length=upload_length,
        upload_offset=upload_offset,
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
    body: RequestContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    upload_type: UploadType | None = None,
    session: str | None = None,
    upload_length: int | None = None,
    upload_offset: str | None = None,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[PutObjectResult | ObjectKey | None, PutObjectHeaders]:
    """Make the request, without sending it.

    Create or replace an object, or take a step of a resumable upload.

    Args:
        prefix: Use case and scopes, made by `encode_prefix`.
        key: Key of the object, literal; its slashes stay slashes.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        upload_type: Opens a resumable session instead of storing the body. Needs
            `Upload-Length`.
        session: Token of a resumable session, as the server gave it out: base64url without
            padding. Turns the request into a step of that upload.
        upload_length: Size in bytes of the object to upload, as it will be stored. Only with
            `upload_type=resumable`.
        upload_offset: Position in bytes of this chunk, or `*` with an empty body to ask for the
            position the server expects. Only with `session`.
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
        path=f"/v1/objects/{prefix}/{encode_key(key)}",
        query=encode_query({"upload_type": upload_type, "session": session}),
        headers=request_headers(
            {
                "upload-length": upload_length,
                "upload-offset": upload_offset,
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
) -> Response[PutObjectResult | ObjectKey | None, PutObjectHeaders]:
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
    body: SyncContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    upload_type: UploadType | None = None,
    session: str | None = None,
    upload_length: int | None = None,
    upload_offset: str | None = None,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[PutObjectResult | ObjectKey | None, PutObjectHeaders]:
    """Create or replace an object, or take a step of a resumable upload.

    Stores the payload under the given key. An existing object is replaced as a whole: payload,
    metadata and creation time. Creation and replacement are both answered with `200`.

    With `upload_type=resumable` the request opens a resumable session; its body must then be
    empty. With `session` it sends a chunk of such an upload or, with `Upload-Offset: *`, asks
    how far it is.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        upload_type: Opens a resumable session instead of storing the body. Needs
            `Upload-Length`.
        session: Token of a resumable session, as the server gave it out: base64url without
            padding. Turns the request into a step of that upload.
        upload_length: Size in bytes of the object to upload, as it will be stored. Only with
            `upload_type=resumable`.
        upload_offset: Position in bytes of this chunk, or `*` with an empty body to ask for the
            position the server expects. Only with `session`.
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
        body=body,
        content_type=content_type,
        content_length=content_length,
        upload_type=upload_type,
        session=session,
        upload_length=upload_length,
        upload_offset=upload_offset,
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
    body: AsyncContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    upload_type: UploadType | None = None,
    session: str | None = None,
    upload_length: int | None = None,
    upload_offset: str | None = None,
    content_encoding: ContentEncoding | None = None,
    x_sn_expiration: str | None = None,
    x_sn_origin: str | None = None,
    x_sn_filename: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[PutObjectResult | ObjectKey | None, PutObjectHeaders]:
    """Create or replace an object, or take a step of a resumable upload.

    Stores the payload under the given key. An existing object is replaced as a whole: payload,
    metadata and creation time. Creation and replacement are both answered with `200`.

    With `upload_type=resumable` the request opens a resumable session; its body must then be
    empty. With `session` it sends a chunk of such an upload or, with `Upload-Offset: *`, asks
    how far it is.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        upload_type: Opens a resumable session instead of storing the body. Needs
            `Upload-Length`.
        session: Token of a resumable session, as the server gave it out: base64url without
            padding. Turns the request into a step of that upload.
        upload_length: Size in bytes of the object to upload, as it will be stored. Only with
            `upload_type=resumable`.
        upload_offset: Position in bytes of this chunk, or `*` with an empty body to ask for the
            position the server expects. Only with `session`.
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
        body=body,
        content_type=content_type,
        content_length=content_length,
        upload_type=upload_type,
        session=session,
        upload_length=upload_length,
        upload_offset=upload_offset,
        content_encoding=content_encoding,
        x_sn_expiration=x_sn_expiration,
        x_sn_origin=x_sn_origin,
        x_sn_filename=x_sn_filename,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return await client.call(parts, timeout=timeout)
