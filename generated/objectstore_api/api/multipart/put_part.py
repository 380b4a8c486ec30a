# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Upload or replace a part (PUT)."""

from collections.abc import Mapping
from typing import Self

import httpx
from attrs import field, frozen

from ...client import AsyncClient, Client
from ...content import AsyncContent, RequestContent, SyncContent, check_content
from ...headers import request_headers
from ...models.uploaded_part import UploadedPart
from ...operations import Operation, RequestParts, Response, json_body
from ...paths import encode_key, encode_prefix, encode_query


@frozen(kw_only=True)
class PutPartHeaders:
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


OPERATION: Operation[UploadedPart, PutPartHeaders] = Operation(
    id="put_part",
    method="PUT",
    headers=PutPartHeaders.parse,
    bodies={200: json_body(UploadedPart.from_dict)},
    errors=frozenset([400, 401, 403, 404, 429, 500, 501, 503]),
)


def build_request(
    usecase: str,
    scopes: str,
    key: str,
    *,
    part_number: int,
    upload_id: str,
    body: RequestContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    content_md5: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[UploadedPart, PutPartHeaders]:
    """Make the request, without sending it.

    Upload or replace a part.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        part_number: Number of the part. Cloud storage stops at 10000.
        upload_id: Identifier of the multipart upload, valid only with the key and scopes it was
            made for. Identifiers that look like a way out of a directory (`..`, a slash in
            front) are refused with `400`.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        content_md5: MD5 digest of the part in base64. Only cloud storage verifies it.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    return build_request_at(
        encode_prefix(usecase, scopes),
        key,
        part_number=part_number,
        upload_id=upload_id,
        body=body,
        content_type=content_type,
        content_length=content_length,
        content_md5=content_md5,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )


def build_request_at(
    prefix: str,
    key: str,
    *,
    part_number: int,
    upload_id: str,
    body: RequestContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    content_md5: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[UploadedPart, PutPartHeaders]:
    """Make the request, without sending it.

    Upload or replace a part.

    Args:
        prefix: Use case and scopes, made by `encode_prefix`.
        key: Key of the object, literal; its slashes stay slashes.
        part_number: Number of the part. Cloud storage stops at 10000.
        upload_id: Identifier of the multipart upload, valid only with the key and scopes it was
            made for. Identifiers that look like a way out of a directory (`..`, a slash in
            front) are refused with `400`.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        content_md5: MD5 digest of the part in base64. Only cloud storage verifies it.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    check_content(body, content_length)
    return RequestParts(
        operation=OPERATION,
        path=f"/v1/objects:multipart:parts/{prefix}/{encode_key(key)}",
        query=encode_query({"part_number": part_number, "upload_id": upload_id}),
        headers=request_headers(
            {
                "content-md5": content_md5,
                "x-downstream-service": x_downstream_service,
                "content-type": content_type,
            },
            extra_headers,
        ),
        content=body,
        content_length=content_length,
    )


def parse_response(response: httpx.Response, body: bytes) -> Response[UploadedPart, PutPartHeaders]:
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
    part_number: int,
    upload_id: str,
    body: SyncContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    content_md5: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[UploadedPart, PutPartHeaders]:
    """Upload or replace a part.

    Stores one part. The request must have a `Content-Length`; chunked bodies are refused with
    `400`. The content encoding of the object was declared when the upload began, not here. Some
    storage demands 5 MiB of every part but the last, and complains only on completion. An
    unknown upload is answered with `500`.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        part_number: Number of the part. Cloud storage stops at 10000.
        upload_id: Identifier of the multipart upload, valid only with the key and scopes it was
            made for. Identifiers that look like a way out of a directory (`..`, a slash in
            front) are refused with `400`.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        content_md5: MD5 digest of the part in base64. Only cloud storage verifies it.
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
        part_number=part_number,
        upload_id=upload_id,
        body=body,
        content_type=content_type,
        content_length=content_length,
        content_md5=content_md5,
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
    part_number: int,
    upload_id: str,
    body: AsyncContent | None = None,
    content_type: str | None = None,
    content_length: int | None = None,
    content_md5: str | None = None,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[UploadedPart, PutPartHeaders]:
    """Upload or replace a part.

    Stores one part. The request must have a `Content-Length`; chunked bodies are refused with
    `400`. The content encoding of the object was declared when the upload began, not here. Some
    storage demands 5 MiB of every part but the last, and complains only on completion. An
    unknown upload is answered with `500`.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        part_number: Number of the part. Cloud storage stops at 10000.
        upload_id: Identifier of the multipart upload, valid only with the key and scopes it was
            made for. Identifiers that look like a way out of a directory (`..`, a slash in
            front) are refused with `400`.
        body: The bytes to store. `Content-Type` is kept as the type of the object and defaults
            to `application/octet-stream`; it must be a media type by syntax.
        content_type: Media type of the body.
        content_length: Length of the body in bytes, if *body* is iterable and it is known. Of a
            file that many bytes are sent.
        content_md5: MD5 digest of the part in base64. Only cloud storage verifies it.
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
        part_number=part_number,
        upload_id=upload_id,
        body=body,
        content_type=content_type,
        content_length=content_length,
        content_md5=content_md5,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return await client.call(parts, timeout=timeout)
