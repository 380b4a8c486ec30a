"""How a resumable upload goes on (protocol section 11). Decides only: no I/O, no clock.

    upload = ResumableUpload(length=…, granularity=…)
    while True:
        match upload.step():
            case Chunk(offset, size): send it
            case Query(): ask for the offset
        then upload.stands_at(…), upload.failed(), or upload.gone(), by what came of it

The server alone knows how far the upload is: nothing here counts on what was sent.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from objectstore_client.errors import InvalidResponseError

__all__ = [
    "CHUNK_BYTES",
    "DEFAULT_THRESHOLD",
    "Chunk",
    "Gone",
    "Query",
    "ResumableUpload",
    "Support",
    "check_session",
    "is_declined",
    "read_offset",
    "supports_resumable",
]

DEFAULT_THRESHOLD: Final = 256 * 1024 * 1024
"""From this size on, uploads are resumable by themselves."""

CHUNK_BYTES: Final = 16 * 1024 * 1024
"""What is sent by one request, and so what may have to be sent again."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Send *size* bytes from *offset*."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Query:
    """Ask where the upload stands."""


Step: TypeAlias = Chunk | Query


class Gone(enum.Enum):
    """What it means that the session is not there any more."""

    START_OVER = "before everything was sent: another session is needed"
    LOOK = "after the last chunk was sent and its answer lost: the object may be there"


class ResumableUpload:
    """Where one upload stands, and what to do next.

    Args:
        length: Bytes of the object.
        granularity: Chunks but the last have a multiple of it, as the server asked; 0 for any.
        chunk_size: Bytes of a chunk, about.
        begun: Whether an earlier process may have sent something.

    Attributes:
        offset: Bytes that the server has; `None` while that is not known.
        failures: How many steps in a row have brought nothing.
        completing: Whether the last chunk has been sent before.
    """

    def __init__(
        self,
        length: int,
        granularity: int | None,
        *,
        chunk_size: int = CHUNK_BYTES,
        begun: bool = False,
    ) -> None:
        self.length = length
        self.offset: int | None = None if begun else 0
        self.failures = 0
        self.completing = begun
        granularity = granularity or 1
        self._chunk_size = max(chunk_size // granularity, 1) * granularity
        self._furthest = -1

    def step(self) -> Step:
        """What to do next."""
        if self.offset is None:
            return Query()
        chunk = Chunk(self.offset, min(self._chunk_size, self.length - self.offset))
        if chunk.offset + chunk.size == self.length:
            self.completing = True
        return chunk

    def stands_at(self, offset: int | None) -> None:
        """The server says, with 204 or 409, how much it has.

        Raises:
            InvalidResponseError: If it does not say, or can't have so much.
        """
        if offset is None or not 0 <= offset <= self.length:
            raise InvalidResponseError("the server does not say where the upload stands")
        self.offset = offset
        if offset > self._furthest:
            self._furthest = offset
            self.failures = 0
        else:
            self.failures += 1
        if offset < self.length:
            self.completing = False

    def failed(self) -> None:
        """A step failed in a way that may pass; how far it came is not known."""
        self.failures += 1
        self.offset = None

    def gone(self) -> Gone:
        """The server does not know the session (404), or not any more (410)."""
        return Gone.LOOK if self.completing else Gone.START_OVER


class Support:
    """Whether a server takes resumable uploads; learnt once."""

    known: bool | None = None


def supports_resumable(status: int) -> bool | None:
    """What a server says by its answer to a deletion of nothing with `upload_type=resumable`.

    New ones refuse it with 400, as it makes no sense; old ones ignore the query, and delete nothing
    (204), fail to (500) or do not allow it (403).

    Returns:
        `None` if it says nothing about it.
    """
    if status == 400:
        return True
    return False if status in (200, 204, 403, 404, 405, 500, 501) else None


def check_session(token: str, granularity: int | None) -> None:
    """Refuse a session that can't be used.

    Raises:
        InvalidResponseError: If it has no text that can be sent, or chunks of no possible size.
    """
    # Lone surrogates come of JSON escapes; no request could name such a session.
    sendable = token.encode(errors="replace").decode() == token
    if not token or not sendable or (granularity is not None and granularity < 0):
        raise InvalidResponseError("the server opened a session that can't be used")


def read_offset(text: str) -> int | None:
    """The offset in an answer; `None` if it is no number."""
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text) else None


def is_declined(status: int | None) -> bool:
    """Whether a refusal to open a session means that the object has to be put plainly."""
    return status in (409, 501)
