"""What is stored beside a payload (protocol section 4): the request headers out, `Metadata` in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from objectstore_client.durations import round_up
from objectstore_client.errors import InvalidArgumentError, InvalidResponseError, shorten
from objectstore_client.expiration import (
    ExpirationPolicy,
    Manual,
    format_policy,
    parse_policy,
)
from objectstore_client.header_values import decode_value, encode_value

__all__ = ["MAX_CUSTOM_ENTRIES", "MAX_METADATA_BYTES", "Metadata"]

MAX_CUSTOM_ENTRIES = 64
"""Most entries of custom metadata. Servers and proxies commonly stop at 100 headers in all."""

MAX_METADATA_BYTES = 16 * 1024
"""Most bytes of custom keys, filename, origin and all values together, as encoded for the wire."""

CUSTOM_PREFIX = "x-snme-"

_CUSTOM_KEY = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}(?:[ \t]*;[ \t\x21-\x7e]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the server knows of an object (protocol section 4).

    Attributes:
        content_type: Media type, as given when it was put; `application/octet-stream` by default.
        compression: `"zstd"` if the stored bytes are declared compressed, else `None`.
        expiration_policy: `TimeToLive`, `TimeToIdle`, or `Manual` when it never expires by itself.
        time_created: When it was created or last replaced; `None` if the server does not say.
        time_expires: When it expires; `None` if it does not. For `TimeToIdle` the deadline that
            held before this access renewed it.
        size: Bytes of the whole *stored* representation: the compressed size of a compressed
            object. `None` on servers that do not say.
        filename: File name, if one was given.
        origin: Where the payload came from, usually an IP address, if given.
        custom: Custom metadata; the keys are lowercase.
    """

    content_type: str = "application/octet-stream"
    compression: str | None = None
    expiration_policy: ExpirationPolicy = field(default_factory=Manual)
    time_created: datetime | None = None
    time_expires: datetime | None = None
    size: int | None = None
    filename: str | None = None
    origin: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)


def custom_headers(custom: Mapping[str, str] | None) -> dict[str, str]:
    """Write custom metadata as headers.

    Raises:
        InvalidArgumentError: If a key is not a lowercase header token, a key or value is not a
            string, or there are more than `MAX_CUSTOM_ENTRIES`.
    """
    if not custom:
        return {}
    if len(custom) > MAX_CUSTOM_ENTRIES:
        raise InvalidArgumentError(
            f"metadata: at most {MAX_CUSTOM_ENTRIES} entries are allowed, got {len(custom)}"
        )
    headers = {}
    for key, value in custom.items():
        if not isinstance(key, str) or not _CUSTOM_KEY.fullmatch(key):
            hint = "; keys are lowercase on the wire" if str(key).lower() != key else ""
            raise InvalidArgumentError(
                f"metadata: the key {shorten(key)} must be one or more of "
                f"a-z 0-9 ! # $ % & ' * + . ^ _ ` | ~ -{hint}"
            )
        headers[CUSTOM_PREFIX + key] = text_header(f"metadata[{shorten(key)}]", value)
    return headers


def text_header(argument: str, value: str) -> str:
    """Encode free text for a header (protocol section 4.2), or refuse it naming *argument*."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{argument}: must be a string, got {shorten(value)}")
    try:
        return encode_value(value)
    except ValueError as error:
        raise InvalidArgumentError(f"{argument}: {shorten(value)} is not valid: {error}") from None


def check_content_type(value: str) -> str:
    """Refuse what is not a media type such as `text/plain; charset=utf-8`."""
    if not isinstance(value, str) or not _MEDIA_TYPE.fullmatch(value):
        raise InvalidArgumentError(
            f"content_type: must be a media type such as 'text/plain', got {shorten(value)}"
        )
    return value


def check_metadata_size(values: Iterable[str | None]) -> None:
    """Refuse metadata that servers or proxies would refuse for its size."""
    total = sum(len(value) for value in values if value is not None)
    if total > MAX_METADATA_BYTES:
        raise InvalidArgumentError(
            f"metadata: {total} bytes once encoded (custom entries, filename, origin); "
            f"at most {MAX_METADATA_BYTES} are allowed"
        )


def policy_header(policy: ExpirationPolicy | None) -> str | None:
    """Write the expiration header; durations are rounded *up* to seconds."""
    if policy is None or isinstance(policy, Manual):
        # Both mean the same to a server without a policy of its own; one that forbids `manual`
        # answers either with the same error.
        return None
    return format_policy(replace(policy, duration=round_up(policy.duration)))


def read_metadata(
    headers: Mapping[str, str],
    *,
    size: int | None,
    time_created: datetime | None,
    time_expires: datetime | None,
) -> Metadata:
    """Read the headers of an answer that describes an object.

    Args:
        headers: All headers, names in lowercase.
        size: Size of the stored representation, if known.
        time_created: As parsed by the generated client.
        time_expires: As parsed by the generated client.

    Raises:
        InvalidResponseError: If the expiration policy can't be read.
    """
    expiration = headers.get("x-sn-expiration", "manual")
    try:
        policy = parse_policy(expiration)
    except ValueError as error:
        raise InvalidResponseError("the answer's expiration policy is not readable") from error
    return Metadata(
        content_type=headers.get("content-type", "application/octet-stream"),
        compression=headers.get("content-encoding"),
        expiration_policy=policy,
        time_created=time_created,
        time_expires=time_expires,
        size=size,
        filename=_lenient(headers["x-sn-filename"]) if "x-sn-filename" in headers else None,
        origin=_lenient(headers["x-sn-origin"]) if "x-sn-origin" in headers else None,
        custom={
            name[len(CUSTOM_PREFIX) :]: _lenient(value)
            for name, value in headers.items()
            if name.startswith(CUSTOM_PREFIX)
        },
    )


def _lenient(value: str) -> str:
    """Decode *value*; what older servers stored raw and does not decode is kept as it is."""
    try:
        return decode_value(value)
    except ValueError:
        return value
