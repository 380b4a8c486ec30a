"""Pre-signed URLs: a right to read one object that travels in the URL (protocol section 14).

What is signed is the canonical form of the request. Client and embedded server make it here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

from objectstore_client.durations import round_up
from objectstore_client.errors import InvalidArgumentError, shorten
from objectstore_client.tokens import encode_base64url

__all__ = ["MAX_DURATION", "PresignedMethod", "canonical_form", "check_duration", "sign_query"]

PresignedMethod: TypeAlias = Literal["GET", "HEAD"]
"""What a pre-signed URL can be made for; it serves both."""

MAX_DURATION: Final = timedelta(days=7)


def canonical_form(method: str, raw_path: str, raw_query: str) -> bytes:
    """What is signed of a request (protocol section 14.2).

    Args:
        method: In any case.
        raw_path: As it stands in the request line, without the query.
        raw_query: As it stands in the request line; without the signature, or with it.
    """
    method = method.upper()
    lines = ["GET" if method == "HEAD" else method, raw_path]
    pieces = []
    for piece in filter(None, raw_query.split("&")):
        name, equals, value = piece.partition("=")
        # Of ASCII letters only: what is not ASCII can't stand in a request line.
        name = name.lower() if name.isascii() else name
        if name != "os_sig":
            pieces.append(f"{name}{equals}{value}".encode())
    return b"\n".join([*(line.encode() for line in lines), b"&".join(sorted(pieces))])


def check_duration(duration: timedelta) -> int:
    """The whole seconds of *duration*, rounded up.

    Raises:
        InvalidArgumentError: If it is no `timedelta`, not above 0, or longer than 7 days.
    """
    if not isinstance(duration, timedelta) or not timedelta(0) < duration <= MAX_DURATION:
        raise InvalidArgumentError(
            f"duration: must be a timedelta above 0, at most 7 days, got {shorten(duration)}"
        )
    return int(round_up(duration).total_seconds())


def sign_query(
    kid: str,
    sign: Callable[[bytes], bytes],
    method: str,
    raw_path: str,
    *,
    now: datetime,
    seconds: int,
) -> str:
    """Make the query of a pre-signed URL.

    Args:
        kid: Name of the key, of unreserved characters.
        sign: Signs with it.
        method: GET or HEAD.
        raw_path: As it will stand in the request line, with any prefix that the server sees.
        now: Cut to whole seconds, so that the URL is valid at once.
        seconds: How long it is valid.

    Raises:
        InvalidArgumentError: If *method* is another one.
    """
    if method not in ("GET", "HEAD"):
        raise InvalidArgumentError(f"method: must be 'GET' or 'HEAD', got {shorten(method)}")
    timestamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = f"os_kid={kid}&os_timestamp={timestamp}&os_duration={seconds}"
    signature = encode_base64url(sign(canonical_form(method, raw_path, query)))
    return f"{query}&os_sig={signature}"
