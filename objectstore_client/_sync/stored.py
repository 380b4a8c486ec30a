# Generated from objectstore_client/_async/stored.py; do not edit. To regenerate: python -m generator
"""The stored bytes of an object as one stream, over as many connections as that takes."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Self

from objectstore_api.api.objects import get_object

from objectstore_client._httpx import FAILURES, failure_of, status_of, translate
from objectstore_client._runtime import sleep
from objectstore_client.errors import InvalidResponseError, ObjectChanged
from objectstore_client.ranges import ByteRange, Span, answers, parse_content_range, span_of
from objectstore_client.retries import Decision, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

    import objectstore_api as api
    from objectstore_api.api.objects.get_object import GetObjectHeaders

    from objectstore_client._sync.tokens import AttemptHeaders
    from objectstore_client.settings import Call, Settings

__all__ = ["StoredBytes"]

_EVERYTHING = Span(0, None)

_PROGRESS_BYTES = 64 * 1024
"""A connection that brought as many was worth while: the attempts are counted anew."""


class StoredBytes:
    """An iterator over the stored bytes of one version of an object, or over some of them.

    If the connection fails on the way, it goes on with a range request from the first byte that
    is missing, if the object is still the same: as often as the retry policy of the call allows
    without 64 KiB of progress in between, and within its deadline.

    Attributes:
        headers: Of the first answer.
        span: Which bytes these are; the end is `None` while it is not known.
        total: Bytes of the whole object, if known.
        attempts: How many requests were sent, or tried to be.
    """

    headers: GetObjectHeaders

    def __init__(
        self,
        raw: api.Client,
        settings: Settings,
        call: Call,
        prefix: str,
        key: str,
        headers: AttemptHeaders,
        attempts: int,
    ) -> None:
        self.span = _EVERYTHING
        self.total: int | None = None
        self._raw = raw  # held, so that its connections live as long as this stream
        self._settings = settings
        self._call = call
        self._prefix = prefix
        self._key = key
        self._new_headers = headers
        self.attempts = attempts
        self._answer: api.StreamedResponse[GetObjectHeaders] | None = None
        self._chunks: Iterator[bytes]  # of it
        self._position = 0  # of the next byte to hand out
        self._skip = 0  # bytes to drop before it
        self._limit: int | None = None  # where to stop, whatever else comes
        self._tries, self._last_start = 1, 0

    def open(self, byte_range: ByteRange | None = None) -> None:
        """Ask for the bytes; one attempt.

        Raises:
            InvalidResponseError: If other bytes came than were asked for.
        """
        header = None if byte_range is None else byte_range.header
        answer = self._request(header)
        try:
            headers = self.headers = answer.headers
            self.total = headers.x_sn_size
            if answer.status_code == 206:
                if byte_range is None:
                    raise InvalidResponseError(
                        "the server sent a part of the object, which nobody asked for"
                    )
                came = parse_content_range(headers.content_range)
                self.total = self.total if came.total is None else came.total
                if came.span is None or not answers(byte_range, came):
                    raise InvalidResponseError("the server sent another part of the object")
                self.span = came.span
            else:
                self.total = headers.content_length if self.total is None else self.total
                self.span = Span(0, self.total)
                if byte_range is not None:
                    self._cut(byte_range)
        except BaseException:
            answer.close()
            raise
        self._answer, self._chunks = answer, answer.iter_raw()
        self._position = self._last_start = self.span.start
        self._limit = None if byte_range is None else self.span.end

    def _cut(self, byte_range: ByteRange) -> None:
        """Take a part of the whole, which the server sent although it was asked for the part."""
        if self.total is not None:
            self.span = span_of(byte_range, self.total)
        elif byte_range.first < 0:
            raise InvalidResponseError("the server sent the whole object, of unknown size")
        else:
            end = None if byte_range.last is None else byte_range.last + 1
            self.span = Span(byte_range.first, end)
        self._skip = self.span.start

    @property
    def length(self) -> int | None:
        """How many bytes there are to come in all, if known."""
        return None if self.span.end is None else self.span.end - self.span.start

    @property
    def received(self) -> int:
        """How many of them have come."""
        return self._position - self.span.start

    def at_hand(self) -> bytes | None:
        """The whole of it if it has arrived already, else `None`; nothing is waited for."""
        if self._answer is None or self._skip or self.span.end is None:
            return None
        data = self._answer.at_hand()
        return None if data is None else self._wanted(data)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        while self._answer is not None and self._position != self._limit:
            try:
                for chunk in self._chunks:
                    if piece := self._wanted(chunk):
                        return piece
            except FAILURES as cause:
                if self._position == self.span.end:
                    break  # only the end of the answer is missing, not a byte of the object
                self._go_on(cause)
            else:
                break
        raise StopIteration

    def close(self) -> None:
        """Give the connection back."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()

    def _wanted(self, chunk: bytes) -> bytes:
        """What of *chunk* is to be handed out."""
        if self._skip:
            dropped = min(self._skip, len(chunk))
            self._skip -= dropped
            chunk = chunk[dropped:]
        if self._limit is not None:
            chunk = chunk[: self._limit - self._position]
        self._position += len(chunk)
        return chunk

    # ---- after a failure ----------------------------------------------------------------

    def _go_on(self, cause: Exception) -> None:
        """Open another connection where the last one broke off.

        Raises:
            ObjectChanged: If the object is not what it was.
        """
        self.close()
        if self._position - self._last_start >= _PROGRESS_BYTES:
            self._tries = 1
        while True:
            failed, now = failure_of(cause), time.monotonic()
            decision = decide(
                operation="get",
                failure=failed.failure,
                progress=failed.progress,
                # Nothing else tells one version of an object from another.
                replayable=self.headers.x_sn_time_created is not None,
                attempt=self._tries,
                policy=self._call.retries,
                random=random.random,
                free_used=True,
                remaining=None if self._call.deadline is None else self._call.deadline - now,
                retry_after=failed.retry_after,
            ).within(self._settings.budget)
            if decision.delay is None:
                raise self._given_up(cause, decision)
            self._tries += 1
            self.attempts += 1
            sleep(decision.delay)
            try:
                self._reopen_admitted()
            except FAILURES as error:
                self._new_headers.conceal(error)
                if status_of(error) == 404:
                    raise ObjectChanged.because("it was deleted") from error
                if status_of(error) == 416:
                    raise ObjectChanged.because("it is shorter") from error
                cause = error
            else:
                self._settings.budget.succeed(decision.cost)
                return

    def _given_up(self, cause: Exception, decision: Decision) -> Exception:
        if self._tries == 1:
            return cause  # whoever began this may begin it anew
        error = translate(cause, past_deadline=self._call.past_deadline)
        error.attempts, error.elapsed = self.attempts, time.monotonic() - self._call.started
        error.retryable = decision.retryable
        error.add_note(f"attempts: {self.attempts}, given up: {decision.reason}")
        error.__cause__ = cause
        return error

    def _reopen_admitted(self) -> None:
        """Reopen; once more if the server refuses the token, and there is another one."""
        try:
            self._reopen()
        except FAILURES as error:
            if not self._new_headers.replace(status_of(error)):
                raise
            self.attempts += 1
            self._reopen()

    def _reopen(self) -> None:
        answer = self._request(Span(self._position, self.span.end).header)
        try:
            came = (
                parse_content_range(answer.headers.content_range)
                if answer.status_code == 206
                else None
            )
            total = answer.headers.x_sn_size
            if came is not None and came.total is not None:
                total = came.total
            if answer.headers.x_sn_time_created != self.headers.x_sn_time_created:
                raise ObjectChanged.because("it was replaced")
            if None not in (total, self.total) and total != self.total:
                raise ObjectChanged.because("its size is another")
            if came is not None and (came.span is None or came.span.start != self._position):
                raise InvalidResponseError("the server sent another part of the object")
            self._skip = self._position if came is None else 0
        except BaseException:
            answer.close()
            raise
        self._answer, self._chunks = answer, answer.iter_raw()
        self._last_start = self._position

    def _request(self, header: str | None) -> api.StreamedResponse[GetObjectHeaders]:
        parts = get_object.build_request_at(
            self._prefix, self._key, range_=header, extra_headers=self._new_headers.next()
        )
        return self._raw.open(parts, extensions=self._call.extensions())
