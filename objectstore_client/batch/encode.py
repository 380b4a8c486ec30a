"""Operations → entries of a batch → the parts of its request (protocol section 9.1)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import islice

import objectstore_api as api

from objectstore_client import zstd
from objectstore_client.batch.framing import MAX_PAYLOAD_BYTES
from objectstore_client.batch.operations import Delete, Get, Head, Operation, Put
from objectstore_client.errors import IntegrityError, InvalidArgumentError, shorten
from objectstore_client.requests import check_id
from objectstore_client.retries import Operation as RetriedOperation
from objectstore_client.sources import Piece, Source, open_source_async
from objectstore_client.uploads import GUESS, UploadPlan, plan_upload
from objectstore_client.usecase import Usecase

__all__ = ["Encoder", "Entry", "Preparer", "check_operation", "worst_case_size"]

_PART = b'content-disposition: form-data; name="part"\r\nx-sn-batch-operation-kind: '
_KEY = b"\r\nx-sn-batch-operation-key: "
_ZSTD = b"content-encoding: zstd\r\n"
_NOTHING = Source(None)
_FINE_BYTES = 32 * 1024


class Entry:
    """An operation that was checked, on its way.

    Attributes:
        number: Its position among all operations.
        operation: As it was given.
        key: Of its object, if it has one.
        kind: What it is as far as repeating it goes.
        head: The headers of its part.
        contents: What a put stores; a `Source` if that is not in memory.
        size: Bytes of the contents, before compression.
        compress: Whether they are compressed on the way; `None` if they are when they shrink.
        level: How much.
        weight: About how many bytes it takes in memory, and at most in the request.
        alone: It does not fit into a batch, and takes a request of its own.
        attempts: How many requests it was part of.
        outcome_unknown: One of them may have taken effect, although it failed.
    """

    # On the class, so that a look or a deletion need not set what it does not have.
    head = b""
    contents: bytes | Source = b""
    size = weight = attempts = 0
    compress: bool | None = False
    level = zstd.DEFAULT_LEVEL
    alone = outcome_unknown = False

    def __init__(self, number: int, operation: Operation) -> None:
        self.number = number
        self.operation = operation
        self.key = operation.id
        self.kind: RetriedOperation = _kind(operation)

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.kind in ("get", "head")

    @property
    def name(self) -> str:
        """What errors and metrics call the operation."""
        return "put" if self.kind == "post" else self.kind

    def part(self) -> tuple[bytes, Piece]:
        """Head and body of its part. Reads a file, if the contents are one.

        Raises:
            IntegrityError: If a file is not of the size that it had.
            OSError: If it can't be read.
        """
        data: Piece = self.contents if isinstance(self.contents, bytes) else self._read()
        if self.compress is False:
            return self.head, data
        frame = zstd.compress(data, level=self.level)
        if self.compress:
            return self.head, frame
        return (
            (_ZSTD + self.head, frame) if zstd.shrinks(self.size, len(frame)) else (self.head, data)
        )

    def _read(self) -> Piece:
        assert isinstance(self.contents, Source)
        assert self.contents.pieces is not None
        read, pieces = 0, []
        with closing(self.contents.pieces()) as source:
            for piece in source:
                pieces.append(piece)
                read += len(piece)
                if read > self.size:  # a file that grows need not end
                    break
        if read != self.size:
            error = IntegrityError("the contents changed their size while they were read")
            error.add_note(f"{self.size} bytes at the start, {read} later")
            raise error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Preparer:
    """Checks the operations of one call, and makes entries of them."""

    def __init__(self, usecase: Usecase) -> None:
        self._usecase = usecase
        # Most often all puts have the same options; then their headers are made once.
        self._options: tuple[object, ...] | None = None
        self._plan: UploadPlan | None = None
        self._lines = b""

    def prepare(self, entry: Entry) -> None:
        """Check an operation, and work out how it is sent; a file is not read yet.

        Raises:
            InvalidArgumentError: If one of its arguments breaks a rule; `objectstore_api` has one
                of its own for keys.
            OSError: If a file can't be found.
        """
        operation = entry.operation
        if isinstance(operation, Put):
            self._prepare_put(entry, operation)
        else:
            start = _PART + entry.kind.encode("ascii")
            entry.head = b"%b%b%b\r\n\r\n" % (start, _KEY, _encoded_key(operation.id))
            entry.weight = len(entry.head)

    def _prepare_put(self, entry: Entry, put: Put) -> None:
        contents = put.contents
        if isinstance(contents, bytes) and put.content_type != GUESS:
            entry.contents, size = contents, len(contents)
            plan, lines = self._planned(put, _NOTHING)
        else:
            source = open_source_async(contents)
            plan, lines = self._planned(put, source)
            # Else it is not known whether it fits, or it can't be read here, or not again.
            known = source.size is not None and source.pieces is not None and source.replayable
            entry.alone = not known
            entry.contents, size = source, source.size or 0
        if put.id is None:
            entry.head = b"%b\r\n\r\n" % lines
        else:
            entry.head = b"%b%b%b\r\n\r\n" % (lines, _KEY, _encoded_key(put.id))
        entry.size, entry.compress, entry.level = size, plan.compress, plan.level
        most = size if plan.compress is False else worst_case_size(size)
        entry.alone = entry.alone or most > MAX_PAYLOAD_BYTES
        entry.weight = len(entry.head) + most

    def _planned(self, put: Put, source: Source) -> tuple[UploadPlan, bytes]:
        """The plan of a put, and the first lines of its part."""
        options = (
            put.expiration_policy,
            put.compression,
            put.compression_level,
            put.frames,
            put.precompressed,
            put.content_type,
            put.filename,
            put.origin,
        )
        alike = not put.metadata and put.content_type != GUESS
        if alike and options == self._options and self._plan is not None:
            return self._plan, self._lines
        plan = plan_upload(self._usecase, source, id=put.id, **put.options())
        headers = {
            "content-type": plan.content_type,
            "content-encoding": plan.content_encoding,
            "x-sn-expiration": plan.expiration,
            "x-sn-origin": plan.origin,
            "x-sn-filename": plan.filename,
            **plan.custom,
        }
        lines = "".join(
            f"\r\n{name}: {value}" for name, value in headers.items() if value is not None
        )
        encoded = _PART + b"insert" + lines.encode("ascii")
        if alike:
            self._options, self._plan, self._lines = options, plan, encoded
        return plan, encoded


_KINDS: dict[type[Operation], RetriedOperation] = {Get: "get", Head: "head", Delete: "delete"}


def _kind(operation: Operation) -> RetriedOperation:
    if isinstance(operation, Put):
        return "post" if operation.id is None else "put"
    return _KINDS[type(operation)]


def _encoded_key(key: str) -> bytes:
    # More than the protocol asks for, so that every server understands it.
    return api.encode_key(check_id(key)).encode("ascii")


def check_operation(operation: object) -> Operation:
    """Refuse what is no operation."""
    if not isinstance(operation, Put | Get | Head | Delete):
        raise InvalidArgumentError(
            f"operations: must be Put, Get, Head or Delete, got {shorten(operation)}"
        )
    return operation


def worst_case_size(size: int) -> int:
    """Most bytes of the frame that *size* bytes are compressed into (zstd's own bound)."""
    margin = (131_072 - size) >> 11 if size < 131_072 else 0
    return size + (size >> 8) + margin + 22  # the header, an empty last block, the checksum


class Encoder:
    """Writes the parts of one request, a few at a time.

    Attributes:
        sent: The entries in the order of their parts: their place here is their index.
        spoilt: Entries whose contents could not be read, and why; they have no part.
        content_type: Of the request.
    """

    def __init__(self, entries: Sequence[Entry], boundary: bytes) -> None:
        self.sent: list[Entry] = []
        self.spoilt: list[tuple[Entry, Exception]] = []
        self._entries = entries
        self._weight = sum(entry.weight for entry in entries)
        self._next = 0
        self.content_type = f"multipart/form-data; boundary={boundary.decode('ascii')}"
        self._start = b"--%b\r\n" % boundary
        self._end = b"--%b--\r\n" % boundary
        self._ended = False

    def work(self, limit: int) -> int:
        """How many bytes the next `encode` works on; all of *limit* if it reads files."""
        weight = 0
        for entry in islice(self._entries, self._next, None):
            if isinstance(entry.contents, Source) and not entry.contents.in_memory:
                return limit
            weight += entry.weight
            if weight >= limit:
                break
        return weight

    @property
    def is_fine(self) -> bool:
        """Whether it is many small things to work on, rather than a few large ones."""
        return self._weight < _FINE_BYTES * len(self._entries)

    @property
    def ended(self) -> bool:
        """Whether `encode` has returned everything."""
        return self._ended

    @property
    def unsent(self) -> Sequence[Entry]:
        """The entries that were not reached."""
        return self._entries[self._next :]

    def encode(self, limit: int) -> bytes:
        """The next parts, up to about *limit* bytes before compression; after the last, nothing."""
        pieces: list[Piece] = []
        weight = 0
        while self._next < len(self._entries) and weight < limit:
            entry = self._entries[self._next]
            self._next += 1
            weight += entry.weight
            try:
                head, payload = entry.part()
            except Exception as error:
                self.spoilt.append((entry, error))
                continue
            self.sent.append(entry)
            entry.attempts += 1
            pieces += (self._start, head, payload, b"\r\n")
        if self._next == len(self._entries) and not self._ended:
            self._ended = True
            pieces.append(self._end)
        return b"".join(pieces)
