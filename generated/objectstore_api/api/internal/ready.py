# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Tell whether the process takes requests (GET)."""

from collections.abc import Mapping
from typing import Self

import httpx
from attrs import field, frozen

from ...client import AsyncClient, Client
from ...headers import request_headers
from ...operations import Operation, RequestParts, Response, text_body


@frozen(kw_only=True)
class ReadyHeaders:
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


OPERATION: Operation[str, ReadyHeaders] = Operation(
    id="ready",
    method="GET",
    headers=ReadyHeaders.parse,
    bodies={200: text_body},
    errors=frozenset([503]),
)


def build_request(
    *, extra_headers: Mapping[str, str] | None = None
) -> RequestParts[str, ReadyHeaders]:
    """Make the request, without sending it.

    Tell whether the process takes requests.

    Args:
        extra_headers: More headers, in any case; they replace those above.

    Raises:
        InvalidArgument: If an argument can't be sent.
    """
    return RequestParts(
        operation=OPERATION, path="/ready", headers=request_headers({}, extra_headers)
    )


def parse_response(response: httpx.Response, body: bytes) -> Response[str, ReadyHeaders]:
    """Parse an answer, without I/O.

    Args:
        response: Its head. The body is not taken from here: httpx would decompress it.
        body: Its whole body as received; of an error the first 64 KiB will do.

    Raises:
        ApiError: If it is not a success, or not what the contract says.
    """
    return OPERATION.parse(response.status_code, response.headers.raw, body)


def sync(
    *,
    client: Client,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[str, ReadyHeaders]:
    """Tell whether the process takes requests.

    For load balancers; turns to `503` while the process is being drained.

    The whole answer is read into memory.

    Args:
        client: Sends the request.
        extra_headers: More headers, in any case; they replace those above.
        timeout: For this call only, instead of the client's.

    Raises:
        ApiError: If the answer is not a success, or not what the contract says.
        httpx.TransportError: If there is no answer, or it breaks off.
        InvalidArgument: If an argument can't be sent.
    """
    parts = build_request(extra_headers=extra_headers)
    return client.call(parts, timeout=timeout)


async def asyncio(
    *,
    client: AsyncClient,
    extra_headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | None = None,
) -> Response[str, ReadyHeaders]:
    """Tell whether the process takes requests.

    For load balancers; turns to `503` while the process is being drained.

    The whole answer is read into memory.

    Args:
        client: Sends the request.
        extra_headers: More headers, in any case; they replace those above.
        timeout: For this call only, instead of the client's.

    Raises:
        ApiError: If the answer is not a success, or not what the contract says.
        httpx.TransportError: If there is no answer, or it breaks off.
        InvalidArgument: If an argument can't be sent.
    """
    parts = build_request(extra_headers=extra_headers)
    return await client.call(parts, timeout=timeout)
