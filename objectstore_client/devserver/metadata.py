"""Metadata headers: from a request into a `Record`, and from a `Record` into an answer (protocol
section 4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote

from objectstore_client.devserver.exchange import MAX_HEAD_BYTES, MAX_HEAD_FIELDS
from objectstore_client.devserver.records import Record, deadline, whole_seconds
from objectstore_client.devserver.replies import Headers, Refusal, json_error
from objectstore_client.expiration import Manual, format_policy, parse_policy
from objectstore_client.header_values import decode_value, encode_value
from objectstore_client.timestamps import format_timestamp

_CUSTOM = b"x-snme-"
_SINGLE = frozenset(
    (b"content-type", b"content-encoding", b"x-sn-expiration", b"x-sn-origin", b"x-sn-filename")
)

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[\t !#-\[\]-~]|\\[\t -~])*"'
# Possessive, so that a long run of spaces costs no quadratic time.
_PARAMETER = rf"[ \t]*+;[ \t]*+(?:{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))?"
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}(?:{_PARAMETER})*")
_HEADER_TEXT = re.compile(rb"[\t -~]*")

# In an answer, beside what describes the object: its length, what the HTTP server adds.
_OTHER_FIELDS = 10
_OTHER_BYTES = 4096

_NOT_PLAIN = re.compile(r"[^ -~]")
_RFC_8187_LITERALS = "!#$&+-.^_`|~"


def read_record(headers: Iterable[tuple[bytes, bytes]], now: datetime) -> Record:
    """Read the metadata of an object that is being created at *now*; its size is not known yet.

    Of repeated headers the last one counts. Headers that only answers have are not looked at.

    Raises:
        Refusal: 400 if a header is malformed, the deadline lies beyond the year 9999, or all of it
            is too large to be read back.
    """
    single: dict[bytes, bytes] = {}
    custom: dict[str, str] = {}
    for name, value in headers:
        if name in _SINGLE:
            single[name] = value
        elif name.startswith(_CUSTOM):
            custom[name[len(_CUSTOM) :].decode("ascii")] = _text(name, value)

    content_type = _plain(b"content-type", single.get(b"content-type", b"application/octet-stream"))
    if not _MEDIA_TYPE.fullmatch(content_type):
        raise _invalid(b"content-type", "not a media type")
    encoding = single.get(b"content-encoding")
    if encoding not in (None, b"zstd"):
        raise _invalid(b"content-encoding", "only zstd is supported")
    try:
        policy = parse_policy(_plain(b"x-sn-expiration", single.get(b"x-sn-expiration", b"manual")))
    except ValueError as error:
        raise _invalid(b"x-sn-expiration", str(error)) from None

    created = whole_seconds(now)
    expires = None if isinstance(policy, Manual) else deadline(created, policy.duration)
    if expires is None and not isinstance(policy, Manual):
        raise _invalid(b"x-sn-expiration", "the deadline lies beyond the year 9999")
    origin, filename = single.get(b"x-sn-origin"), single.get(b"x-sn-filename")
    record = Record(
        created=created,
        expires=expires,
        policy=policy,
        content_type=content_type,
        content_encoding=None if encoding is None else "zstd",
        filename=None if filename is None else _text(b"x-sn-filename", filename),
        origin=None if origin is None else _text(b"x-sn-origin", origin),
        custom=custom,
    )
    _check_readable(record)
    return record


def describe(record: Record) -> Headers:
    """Write the headers that GET and HEAD have in common, without a length."""
    headers: Headers = [(b"content-type", record.content_type.encode("ascii"))]
    if record.content_encoding is not None:
        headers.append((b"content-encoding", record.content_encoding.encode("ascii")))
    headers.append((b"accept-ranges", b"bytes"))
    headers.append((b"x-sn-time-created", format_timestamp(record.created).encode("ascii")))
    headers.append((b"x-sn-size", b"%d" % record.size))
    if not isinstance(record.policy, Manual):
        headers.append((b"x-sn-expiration", format_policy(record.policy).encode("ascii")))
    if record.expires is not None:
        headers.append((b"x-sn-time-expires", format_timestamp(record.expires).encode("ascii")))
    if record.origin is not None:
        headers.append((b"x-sn-origin", encode_value(record.origin).encode("ascii")))
    if record.filename is not None:
        headers.append((b"x-sn-filename", encode_value(record.filename).encode("ascii")))
        disposition = content_disposition(record.filename)
        headers.append((b"content-disposition", disposition.encode("ascii")))
    for key, value in record.custom.items():
        headers.append((_CUSTOM + key.encode("ascii"), encode_value(value).encode("ascii")))
    return headers


def for_part(described: Headers) -> Headers:
    """Those of the headers of an object that a part of a batch has (protocol section 9.2)."""
    left_out = (b"accept-ranges", b"content-disposition")
    return [(name, value) for name, value in described if name not in left_out]


def content_disposition(filename: str) -> str:
    """Write a `Content-Disposition` that names no other directory (protocol section 4.4)."""
    name = filename.replace("/", "-").replace("\\", "-")
    if not name.strip("."):
        name = "-" * len(name)
    plain = _NOT_PLAIN.sub("_", name).replace('"', '\\"')
    value = f'attachment; filename="{plain}"'
    if not name.isascii():
        value += f"; filename*=UTF-8''{quote(name, safe=_RFC_8187_LITERALS)}"
    return value


def _check_readable(record: Record) -> None:
    """Refuse what could be stored, but then not be read: answers have more fields than requests,
    and escape more.
    """
    if not (record.custom or record.filename or record.origin):
        return
    head = describe(record)
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in head)
    if len(head) > MAX_HEAD_FIELDS - _OTHER_FIELDS or size > MAX_HEAD_BYTES - _OTHER_BYTES:
        raise Refusal(json_error(400, "the metadata is too large to be read back"))


def _text(name: bytes, value: bytes) -> str:
    try:
        return decode_value(_plain(name, value))
    except ValueError as error:
        raise _invalid(name, str(error)) from None


def _plain(name: bytes, value: bytes) -> str:
    # h11 lets control characters pass.
    if not _HEADER_TEXT.fullmatch(value):
        raise _invalid(name, "only visible ASCII characters, spaces and tabs are allowed")
    return value.decode("ascii")


def _invalid(name: bytes, cause: str) -> Refusal:
    return Refusal(json_error(400, f"invalid {name.decode('ascii')} header", [cause]))
