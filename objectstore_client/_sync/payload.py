# Generated from objectstore_client/_async/payload.py; do not edit. To regenerate: python -m generator
"""The payload of a `get`: read as a stream, decoded on the way, the connection given back at the
end.
"""

from __future__ import annotations

import io
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from objectstore_client import zstd
from objectstore_client._runtime import PayloadBase
from objectstore_client._sync.body import Body, check_length, receive
from objectstore_client._sync.decoded import Decoded
from objectstore_client._sync.held import HeldBody
from objectstore_client.errors import (
    ClosedError,
    ConnectionLostError,
    IntegrityError,
    ObjectstoreError,
)
from objectstore_client.progress import OnProgress, Progress

if TYPE_CHECKING:
    from objectstore_client.place import Place
    from objectstore_client.ranges import Span
    from objectstore_client.settings import Call

__all__ = ["Payload"]

SMALL_BYTES = 64 * 1024
"""Answers of known length up to this are read at once."""


class Payload(PayloadBase):
    """The bytes of an object, read once, from front to back.

    A context manager; iterating yields bounded pieces (at most 4 MiB), not lines. The connection
    is given back when the end was read or on `close`, whichever comes first; answers of known
    length up to 64 KiB were read already and hold none.

    What is compressed, and as such has 1 MiB or more, is decoded ahead on threads: frames of up to
    4 MiB, as `put` makes them, on several cores, but no more than a few of them; a larger frame on
    one, up to 4.5 MiB ahead.

    Memory, whatever the object's size: at most one piece of the network (512 KiB) and one decoded
    piece (128 KiB, plus the window of the zstd frame, 8 MiB at most). Where frames are decoded
    ahead, t + 2 of them with what they decode to instead, where t is the number of cores, at most
    4: with 2 cores and the frames that `put` makes 8 MiB and their compressed size. Where a larger
    frame is, two pieces of the network, 4 decoded ones of 1.5 MiB and the window.
    `read()` without a size holds all that it returns, and an eighth more while it reads.

    Attributes:
        content_encoding: Encoding of the bytes that are read: `None` when they are decoded or were
            never encoded, `"zstd"` when compressed bytes are passed through.

    If the connection fails, reading goes on over another one where it left off, as often as the
    retry policy allows. It raises `IntegrityError` if the payload ends early or does not decode,
    `ObjectChanged` if it would have to go on with another version of the object,
    `ConnectionLostError` or `TransportTimeoutError` if connections keep failing, and `ClosedError`
    after `close`.
    """

    def __init__(
        self,
        stored: Body,
        place: Place,
        call: Call,
        *,
        decode: bool,
        content_encoding: str | None,
        max_decoded_size: int,
        on_progress: OnProgress | None,
        window: Span | None = None,
        exact: bool = False,
    ) -> None:
        self.content_encoding = content_encoding
        self._stored = stored
        self._place = place
        self._call = call
        self._decode = decode
        self._decoded: Decoded | None = None
        self._max_decoded_size = max_decoded_size
        self._progress = None if on_progress is None else Progress(on_progress, None)
        self._delivered = 0
        self._length = stored.length
        self._skip = 0 if window is None else window.start
        self._window, self._exact = window, exact
        self._left = None if window is None else window.size
        self._piece, self._position = b"", 0
        self._ended = False
        self._failure: ObjectstoreError | None = None

    def begin(self) -> None:
        """Read a small answer of known length now, so that it holds no connection."""
        if self._length is not None and self._length <= SMALL_BYTES:
            at_hand = self._stored.at_hand()
            data = b"".join([chunk for chunk in self._stored]) if at_hand is None else at_hand
            self._stored.close()
            whole = zstd.decompress_small(data) if self._decode else data
            if whole is not None and not (self._decode and len(whole) > self._max_decoded_size):
                self._announce(len(whole))
                check_length(self._stored)
                self._piece, self._ended = self._cut(whole), True
                if self._exact and self._left:
                    raise IntegrityError("the payload is not what its seek table says")
                return
            self._stored = HeldBody(data, self._length, self._stored.attempts)
        if self._decode:
            self._decoded = Decoded(self._stored, self._max_decoded_size)
        else:
            self._announce(self._length)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to *size* bytes, all that is left if it is negative or `None`.

        Fewer than *size* bytes are returned at the end only.
        """
        left = None if size is None or size < 0 else size
        if left == 0 or not self._fill():
            return b""
        part = self._take(left)
        left = left and left - len(part)
        if left == 0 or not self._fill():
            return bytes(part)
        # It grows in place and is handed out as it is: parts that are joined would be held twice.
        whole = io.BytesIO()
        whole.write(part)
        while left != 0 and self._fill():
            part = self._take(left)
            left = left and left - len(part)
            whole.write(part)
        return whole.getvalue()

    def read1(self, size: int = -1, /) -> bytes:
        """Read what is at hand, at most one piece and *size* bytes; `b""` at the end only."""
        if size == 0 or not self._fill():
            return b""
        return bytes(self._take(None if size < 0 else size))

    def peek(self, size: int = 0, /) -> bytes:
        """Return the bytes at hand, at least one before the end, without moving on."""
        self._fill()
        return self._piece[self._position :]

    @property
    def name(self) -> str:
        """Key of the object, as files have the name of their path."""
        return self._place.key or ""

    def readable(self) -> bool:
        """Always true."""
        return True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if piece := self.read1():
            return piece
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back; what was not read is lost. Closing twice does no harm."""
        if not self.closed:
            self._mark_closed()
            self._piece, self._position = b"", 0
            self._let_go()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "at the end" if self._ended else "open"
        return f"<{type(self).__name__} {state}>"

    def _fill(self) -> bool:
        """Have at least one byte at hand; false at the end."""
        if self.closed:
            raise ClosedError("the payload is closed")
        if self._failure is not None:
            raise self._failure
        try:
            while self._position == len(self._piece) and not self._ended:
                self._call.check_deadline()
                self._piece, self._position = self._cut(self._next()), 0
                if self._ended and self._exact and self._left:
                    raise IntegrityError("the payload is not what its seek table says")
                if self._left == 0:
                    self._ended = True
                    self._let_go()
        except BaseException as error:
            # A read after this one must not take the break for the end of the data.
            failure = self._place.located(error)
            if isinstance(failure, ObjectstoreError):
                failure.attempts = self._stored.attempts
                failure.elapsed = time.monotonic() - self._call.started
                self._failure = failure
            else:
                self._failure = ConnectionLostError("reading the payload was interrupted")
            self._let_go()
            if failure is error:
                raise
            raise failure from error
        return self._position < len(self._piece)

    def _let_go(self) -> None:
        """Stop what goes on for this payload."""
        if self._decoded is not None:
            self._decoded.drop()
        self._stored.close()

    def _take(self, limit: int | None) -> bytes | memoryview:
        """Up to *limit* of the bytes at hand; a whole piece without a copy."""
        start, end = self._position, len(self._piece)
        if limit is not None:
            end = min(end, start + limit)
        self._position = end
        piece = self._piece
        if self._progress is not None:
            self._delivered += end - start
            try:
                self._progress.reach(self._delivered)
            except BaseException:
                self.close()
                raise
        return piece if (start, end) == (0, len(piece)) else memoryview(piece)[start:end]

    def _announce(self, total: int | None) -> None:
        """Have the progress tell how much there is in all."""
        if self._progress is not None:
            self._progress.total = total if self._window is None else self._window.size

    def _next(self) -> bytes:
        """The next piece, decoded; may be empty, not only at the end."""
        if self._decoded is None:
            piece = receive(self._stored)
        else:
            piece = self._decoded.next()
            if self._decoded.size is not None:
                self._announce(self._decoded.size)
        self._ended = piece is None
        return piece or b""

    def _cut(self, piece: bytes) -> bytes:
        """What of *piece* lies in the window."""
        if self._skip:
            dropped = min(self._skip, len(piece))
            self._skip -= dropped
            piece = piece[dropped:]
        if self._left is not None:
            piece = piece[: self._left]
            self._left -= len(piece)
        return piece
