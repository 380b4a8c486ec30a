"""Between the generated client and the shell: our arguments out, our types in."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

import attrs
import objectstore_api as api
from objectstore_api.api.objects import create_object, delete_object, put_object
from objectstore_api.api.objects.get_object import GetObjectHeaders
from objectstore_api.api.objects.head_object import HeadObjectHeaders
from objectstore_api.models.extend_expiry_after import ExtendExpiryAfter
from objectstore_api.models.extend_expiry_at import ExtendExpiryAt
from objectstore_api.models.object_key import ObjectKey
from objectstore_api.models.object_patch import ObjectPatch
from objectstore_api.models.put_object_result import PutObjectResult
from objectstore_api.models.upload_session import UploadSession
from objectstore_api.models.upload_type import UploadType

from objectstore_client.durations import format_duration, round_up
from objectstore_client.errors import InvalidArgumentError, InvalidResponseError, shorten
from objectstore_client.metadata import Metadata, read_metadata
from objectstore_client.metrics import Measurement
from objectstore_client.uploads import UploadPlan

__all__ = [
    "accepts_zstd",
    "check_chosen",
    "check_connections",
    "check_id",
    "expiry_patch",
    "is_decodable",
    "metadata_of",
    "named_key",
    "probe_request",
    "put_request",
    "record_sizes",
    "stored_key",
    "wants_session",
]

Stored: TypeAlias = PutObjectResult | UploadSession | ObjectKey | None
"""What a PUT or POST may answer; `None` and sessions are for resumable uploads only."""


MAX_ID_BYTES = 12 * 1024
"""Longest key in UTF-8. Percent-encoded it may be three times as long, and with scope and metadata
it has to fit into 64 KiB, which is what HTTP servers take for the head of a request."""


def check_id(id: str) -> str:
    """Refuse what can't be a key; segments `.` and `..` are left to the path's encoder."""
    if not isinstance(id, str) or not id:
        raise InvalidArgumentError(f"id: must be a string that is not empty, got {shorten(id)}")
    if len(id) > MAX_ID_BYTES // 4 and len(id.encode(errors="replace")) > MAX_ID_BYTES:
        raise InvalidArgumentError(
            f"id: must be at most {MAX_ID_BYTES} bytes of UTF-8, got {shorten(id)}"
        )
    return id


def check_connections(value: int) -> None:
    """Refuse what is no number of connections."""
    if type(value) is not int or value < 1:
        raise InvalidArgumentError(
            f"connections: must be a whole number from 1, got {shorten(value)}"
        )


def put_request(
    prefix: str,
    key: str | None,
    plan: UploadPlan,
    body: api.RequestContent | None,
    content_length: int | None,
    extra_headers: Mapping[str, str],
    *,
    session_length: int | None = None,
) -> api.RequestParts[Stored, object]:
    """Make the request of a put: PUT with a key, POST without.

    With *session_length*, that of a put by a resumable session, for an object of so many bytes.
    """
    extra_headers = {**extra_headers, **plan.custom}
    upload_type: UploadType | None = None if session_length is None else "resumable"
    if key is None:
        return create_object.build_request_at(
            prefix,
            body=body,
            content_type=plan.content_type,
            content_length=content_length,
            upload_type=upload_type,
            upload_length=session_length,
            content_encoding=plan.content_encoding,
            x_sn_expiration=plan.expiration,
            x_sn_origin=plan.origin,
            x_sn_filename=plan.filename,
            extra_headers=extra_headers,
        )
    return put_object.build_request_at(
        prefix,
        key,
        body=body,
        content_type=plan.content_type,
        content_length=content_length,
        upload_type=upload_type,
        upload_length=session_length,
        content_encoding=plan.content_encoding,
        x_sn_expiration=plan.expiration,
        x_sn_origin=plan.origin,
        x_sn_filename=plan.filename,
        extra_headers=extra_headers,
    )


def probe_request(prefix: str, extra_headers: Mapping[str, str]) -> api.RequestParts[None, object]:
    """Make a request that tells whether a server takes resumable uploads, and does no harm.

    See `supports_resumable`. The contract knows no such request: it is refused by all that know
    the parameter.
    """
    parts = delete_object.build_request_at(prefix, str(uuid.uuid4()), extra_headers=extra_headers)
    return attrs.evolve(parts, query="upload_type=resumable")


def wants_session(resumable: bool | None, threshold: int | None, size: int | None) -> bool:
    """Whether contents of *size* bytes, if that is known, are to be sent by a resumable session.

    Raises:
        InvalidArgumentError: If *resumable* is none of its three values.
    """
    if resumable not in (True, False, None):
        raise InvalidArgumentError(
            f"resumable: must be True, False or None, got {shorten(resumable)}"
        )
    if resumable is None:
        return threshold is not None and size is not None and size >= threshold
    return resumable and size != 0


def stored_key(answer: Stored, key: str | None) -> str:
    """The key in the answer to a put that chose *key*, or left the choice to the server.

    Raises:
        InvalidResponseError: If there is none, or another one than was chosen, or one that can't be
            asked for.
    """
    if answer is None:
        raise InvalidResponseError("the server accepted the object without naming its key")
    return named_key(answer.key, key)


def named_key(named: str, key: str | None) -> str:
    """The key that an answer to a request for *key* names; with `None` the server had the choice.

    Raises:
        InvalidResponseError: If it is another one than was chosen, or one that can't be asked for.
    """
    if key is None:
        return check_chosen(named)
    if named != key:
        error = InvalidResponseError("the server stored the object under another key")
        error.add_note(f"it says {shorten(named)}")
        raise error
    return named


def check_chosen(key: str) -> str:
    """Refuse a key that a server chose if nobody can ask for it.

    Raises:
        InvalidResponseError: If that is so.
    """
    try:
        api.encode_key(check_id(key))
    except ValueError as error:
        raise InvalidResponseError("the server chose a key that is none") from error
    return key


def record_sizes(measurement: Measurement, plan: UploadPlan, size: int, sent: int) -> None:
    """Note the sizes of a put that succeeded."""
    if plan.compress or plan.content_encoding is None:
        measurement.size = size
    if plan.content_encoding is not None:
        measurement.compression, measurement.compressed_size = plan.content_encoding, sent


def metadata_of(
    headers: GetObjectHeaders | HeadObjectHeaders, *, size: int | None = None
) -> Metadata:
    """What the headers of an answer say of an object, whose size may be known better than they do.

    Raises:
        InvalidResponseError: If the expiration policy can't be read.
    """
    return read_metadata(
        headers.raw,
        size=next(
            (x for x in (size, headers.x_sn_size, headers.content_length) if x is not None), None
        ),
        time_created=headers.x_sn_time_created,
        time_expires=headers.x_sn_time_expires,
    )


def accepts_zstd(accept_encoding: str | Iterable[str] | None) -> bool:
    """Whether zstd is among the encodings that a caller accepts.

    Takes the value of an `Accept-Encoding` header or a sequence of encodings; `;q=0` refuses one.
    """
    if accept_encoding is None:
        return False
    if isinstance(accept_encoding, str):
        accept_encoding = accept_encoding.split(",")
    weights = {}
    for item in accept_encoding:
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weights[name] = not any(re.fullmatch(r"q=0(\.0*)?", part) for part in parameters)
    return weights.get("zstd", weights.get("*", False))


def is_decodable(metadata: Metadata) -> bool:
    """Whether the payload of the object that *metadata* describes has to be decoded.

    Raises:
        InvalidResponseError: If it is encoded with something else than zstd.
    """
    if metadata.compression is None:
        return False
    if metadata.compression != "zstd":
        error = InvalidResponseError("the payload has an encoding that is not supported")
        error.add_note(f"{shorten(metadata.compression)}; read it as it is with decompress=False")
        raise error
    return True


def expiry_patch(
    *, at: datetime | None, after: timedelta | None, from_creation: timedelta | None
) -> ObjectPatch:
    """Make the body of an expiry extension.

    Raises:
        InvalidArgumentError: If not exactly one deadline is given, or it is not valid.
    """
    if [at, after, from_creation].count(None) != 2:
        raise InvalidArgumentError("extend_expiry: pass exactly one of at, after, from_creation")
    if at is not None:
        if not isinstance(at, datetime) or at.tzinfo is None:
            raise InvalidArgumentError(
                f"at: must be a datetime with a time zone, got {shorten(at)}"
            )
        return ObjectPatch(extend_expiry=ExtendExpiryAt(at=at))
    name, value = ("after", after) if after is not None else ("from_creation", from_creation)
    if not isinstance(value, timedelta) or value < timedelta(0):
        raise InvalidArgumentError(
            f"{name}: must be a timedelta that is not negative, got {shorten(value)}"
        )
    return ObjectPatch(
        extend_expiry=ExtendExpiryAfter(
            after=format_duration(round_up(value)),
            from_="now" if after is not None else "creation",
        )
    )
