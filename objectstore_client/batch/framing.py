"""Multipart framing as batches use it in both directions (RFC 2046, protocol section 9).

    --B CRLF  headers CRLF CRLF  body CRLF  --B CRLF  …  --B--

Bodies are found by searching for the delimiter in what has arrived, so that the cost goes by
parts and not by bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "FramingError",
    "Part",
    "PartReader",
    "new_boundary",
    "read_boundary",
    "read_headers",
]

MAX_PAYLOAD_BYTES = 1024 * 1024
"""Most bytes of the body of a part: what servers take of an insert (protocol section 9.2)."""

_MAX_HEAD_BYTES = 64 * 1024
_MAX_HEADERS = 128

_TYPE = re.compile(r"[ \t]*multipart/form-data[ \t]*(?=;)", re.IGNORECASE)
_PARAMETER = re.compile(
    r"[ \t]*;[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)="
    r'(?:([!#$%&\'*+.^_`|~0-9A-Za-z:/?()@,=-]+)|"((?:[^"\\]|\\.)*)"))?[ \t]*'
)
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class FramingError(ValueError):
    """The bytes are no such sequence of parts."""


class Part(NamedTuple):
    """One part.

    Attributes:
        head: Its header lines, without the last line end; `read_headers` takes them apart.
        body: Its body; empty if that is longer than the reader keeps.
        size: How long the body is.
    """

    head: bytes
    body: bytes
    size: int

    @property
    def whole(self) -> bool:
        """Whether the body is there."""
        return len(self.body) == self.size


def new_boundary() -> bytes:
    """A boundary that no payload contains, unless someone guesses 128 random bits."""
    return os.urandom(16).hex().encode("ascii")


def read_boundary(content_type: str) -> bytes | None:
    """The boundary in a `Content-Type`; `None` if it is no multipart/form-data with a valid one."""
    match = _TYPE.match(content_type)
    if match is None:
        return None
    boundary, at = None, match.end()
    while at < len(content_type):
        parameter = _PARAMETER.match(content_type, at)
        if parameter is None or parameter.end() == at:
            return None
        at = parameter.end()
        name, token, quoted = parameter.groups()
        if name is not None and name.lower() == "boundary":
            boundary = token if token is not None else re.sub(r"\\(.)", r"\1", quoted)
    if boundary is None or not _BOUNDARY.fullmatch(boundary):
        return None
    return boundary.encode("ascii")


def read_headers(head: bytes) -> dict[str, str]:
    """The headers of a part, names in lowercase; of repeated ones the last counts.

    Raises:
        FramingError: If a line is no header, or there are too many.
    """
    headers = {}
    if head:
        for line in head.decode("latin-1").split("\r\n"):
            name, colon, value = line.partition(":")
            headers[name.lower()] = value.strip(" \t")
            if not colon:
                raise FramingError("a part has a line that is no header")
    if len(headers) > _MAX_HEADERS:
        raise FramingError("a part has too many headers")
    return headers


class PartReader:
    """Takes bytes in pieces of any size, and gives the parts that are complete.

        for piece in pieces:
            for part in reader.feed(piece):
                use(part)
        reader.finish()

    Holds the piece, and of an incomplete part its head (up to 64 KiB) and *max_body* bytes at
    most; bodies that are longer pass by, and only their size is told.

    Args:
        boundary: What separates the parts.
        max_body: Most bytes of a body that are kept.
    """

    def __init__(self, boundary: bytes, *, max_body: int = MAX_PAYLOAD_BYTES) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._max_body = max_body
        # The first delimiter needs no line before it: as if an empty one had been.
        self._buffer = bytearray(b"\r\n")
        self._searched = 0  # up to here, what is looked for can't begin
        self._head: bytes | None = None  # of the part whose body is being read
        self._dropped = 0  # bytes of that body that are gone
        self._started = False
        self._ended = False

    def feed(self, data: bytes) -> Iterator[Part]:
        """Take the next piece, and yield what it completes; iterate to the end.

        Raises:
            FramingError: If a delimiter is followed by something else than a part or the end, or
                a part has no head within the bounds.
        """
        if self._ended:
            return
        buffer, delimiter = self._buffer, self._delimiter
        buffer += data
        at = 0  # everything before this is done with
        try:
            while not self._ended:
                if self._started and self._head is None:
                    if len(buffer) - at < 2:
                        return
                    if buffer.startswith(b"--", at):
                        self._ended = True
                        return
                    if not buffer.startswith(b"\r\n", at):
                        raise FramingError("a boundary is followed by something else than a part")
                    # From the end of the delimiter, for a head may be empty.
                    end = buffer.find(b"\r\n\r\n", max(at, self._searched))
                    if (len(buffer) if end < 0 else end) - at > _MAX_HEAD_BYTES:
                        raise FramingError("the head of a part does not end")
                    if end < 0:
                        self._searched = max(at, len(buffer) - 3)
                        return
                    self._head = bytes(buffer[at + 2 : end])
                    at = self._searched = end + 4
                # The body, or before the first part whatever precedes it.
                end = buffer.find(delimiter, max(at, self._searched))
                if end < 0:
                    at = self._keep_or_drop(buffer, at)
                    return
                if self._started:
                    size = self._dropped + end - at
                    kept = size <= self._max_body and not self._dropped
                    head, self._head, self._dropped = self._head, None, 0
                    assert head is not None
                    part = Part(head, bytes(buffer[at:end]) if kept else b"", size)
                    at = self._searched = end + len(delimiter)
                    yield part
                else:
                    self._started = True
                    at = self._searched = end + len(delimiter)
        finally:
            del buffer[:at]
            self._searched = max(self._searched - at, 0)

    def finish(self) -> None:
        """Declare that nothing follows.

        Raises:
            FramingError: If the end of the parts was not there.
        """
        if not self._ended:
            raise FramingError("it ends before its closing boundary")

    @property
    def ended(self) -> bool:
        """Whether the closing boundary was seen; what follows it is ignored."""
        return self._ended

    def _keep_or_drop(self, buffer: bytearray, at: int) -> int:
        """Decide what to keep of a body whose end is not there yet; return where that begins."""
        tail = max(at, len(buffer) - len(self._delimiter) + 1)  # may be the start of a delimiter
        self._searched = tail
        if self._started and not self._dropped and tail - at <= self._max_body:
            return at
        if self._started:
            self._dropped += tail - at
        return tail
