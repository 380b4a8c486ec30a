# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Abort a multipart upload (DELETE)."""

from collections.abc import Mapping
from typing import Self

import httpx
from attrs import field, frozen

from ...client import AsyncClient, Client
from ...headers import request_headers
from ...operations import Operation, RequestParts, Response, no_body
from ...paths import encode_key, encode_prefix, encode_query


@frozen(kw_only=True)
class AbortMultipartHeaders:
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


OPERATION: Operation[None, AbortMultipartHeaders] = Operation(
    id="abort_multipart",
    method="DELETE",
    headers=AbortMultipartHeaders.parse,
    bodies={204: no_body},
    errors=frozenset([400, 401, 403, 404, 429, 500, 501, 503]),
)


def build_request(
    usecase: str,
    scopes: str,
    key: str,
    *,
    upload_id: str,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[None, AbortMultipartHeaders]:
    """Make the request, without sending it.

    Abort a multipart upload.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        upload_id: Identifier of the multipart upload, valid only with the key and scopes it was
            made for. Identifiers that look like a way out of a directory (`..`, a slash in
            front) are refused with `400`.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    return build_request_at(
        encode_prefix(usecase, scopes),
        key,
        upload_id=upload_id,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )


def build_request_at(
    prefix: str,
    key: str,
    *,
    upload_id: str,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> RequestParts[None, AbortMultipartHeaders]:
    """Make the request, without sending it.

    Abort a multipart upload.

    Args:
        prefix: Use case and scopes, made by `encode_prefix`.
        key: Key of the object, literal; its slashes stay slashes.
        upload_id: Identifier of the multipart upload, valid only with the key and scopes it was
            made for. Identifiers that look like a way out of a directory (`..`, a slash in
            front) are refused with `400`.
        x_downstream_service: Name of the calling service, for metrics and for switching single
            callers off. The endings that Kubernetes gives to the names of pods are cut off.
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    return RequestParts(
        operation=OPERATION,
        path=f"/v1/objects:multipart/{prefix}/{encode_key(key)}",
        query=encode_query({"upload_id": upload_id}),
        headers=request_headers({"x-downstream-service": x_downstream_service}, extra_headers),
    )


def parse_response(response: httpx.Response, body: bytes) -> Response[None, AbortMultipartHeaders]:
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
    upload_id: str,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[None, AbortMultipartHeaders]:
    """Abort a multipart upload.

    Drops the upload and its parts. Where storage is simple, unknown uploads are answered with
    `204` as well.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        upload_id: Identifier of the multipart upload, valid only with the key and scopes it was
            made for. Identifiers that look like a way out of a directory (`..`, a slash in
            front) are refused with `400`.
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
        upload_id=upload_id,
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
    upload_id: str,
    x_downstream_service: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[None, AbortMultipartHeaders]:
    """Abort a multipart upload.

    Drops the upload and its parts. Where storage is simple, unknown uploads are answered with
    `204` as well.

    The whole answer is read into memory.

    Args:
        usecase: Name of the use case, literal.
        scopes: Scopes in wire form, `name=value` pairs joined by `;`, or `_`.
        key: Key of the object, literal; its slashes stay slashes.
        client: Sends the request.
        upload_id: Identifier of the multipart upload, valid only with the key and scopes it was
            made for. Identifiers that look like a way out of a directory (`..`, a slash in
            front) are refused with `400`.
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
        upload_id=upload_id,
        x_downstream_service=x_downstream_service,
        extra_headers=extra_headers,
    )
    return await client.call(parts, timeout=timeout)
