"""The parts of a batch's answer → what became of each operation (protocol section 9.2)."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache

from objectstore_client.batch.encode import Entry
from objectstore_client.batch.framing import FramingError, Part, read_headers
from objectstore_client.errors import (
    InvalidResponseError,
    ObjectstoreError,
    api_error,
    shorten,
)
from objectstore_client.header_values import decode_value
from objectstore_client.metadata import Metadata, read_metadata
from objectstore_client.requests import check_chosen
from objectstore_client.timestamps import parse_timestamp

__all__ = ["Answer", "Correlation"]

_SUCCESSES: dict[str, tuple[int, ...]] = {
    "put": (200, 201),
    "post": (200, 201),
    "get": (200,),
    "head": (200, 204),
    "delete": (200, 204),
}
_MAX_DETAIL = 4096

_parse_timestamp = lru_cache(maxsize=256)(parse_timestamp)  # objects of one batch share them


class Answer:
    """One part of the answer.

    Attributes:
        index: Which part of the request it answers.
        status: What became of it.
        headers: By lowercase name.
        part: The part itself.
    """

    __slots__ = ("headers", "index", "part", "status")

    def __init__(self, part: Part) -> None:
        """Read a part.

        Raises:
            InvalidResponseError: If it does not say what it answers, and how.
        """
        try:
            self.headers = read_headers(part.head)
            self.index = _number(self.headers["x-sn-batch-operation-index"])
            self.status = _number(self.headers["x-sn-batch-operation-status"].partition(" ")[0])
        except (FramingError, KeyError, ValueError) as error:
            raise _invalid(f"a part without a valid index and status: {error}") from None
        self.part = part

    def error(self, entry: Entry) -> ObjectstoreError:
        """The error for a status from 400."""
        detail, causes = self._words()
        return api_error(self.status, absent=entry.reads, detail=detail, causes=causes)

    def check_success(self, entry: Entry) -> None:
        """Refuse a status that is neither an error nor a success of the operation.

        Raises:
            InvalidResponseError: If it is one.
        """
        if self.status not in _SUCCESSES[entry.kind]:
            error = _invalid(f"status {self.status} in answer to {entry.name}")
            error.status = self.status
            raise error

    def key(self, entry: Entry) -> str:
        """The key of the object that a put has stored.

        Raises:
            InvalidResponseError: If there is none, or another one than was chosen, or one that
                can't be asked for.
        """
        text = self.headers.get("x-sn-batch-operation-key")
        if not text:
            raise _invalid("an object was stored without naming its key")
        try:
            key = decode_value(text)
        except ValueError:
            raise _invalid("the key of an object can't be decoded") from None
        if entry.key is None:
            return check_chosen(key)
        if key != entry.key:
            raise _invalid(f"an object was stored under another key: {shorten(key)}")
        return key

    def metadata(self) -> Metadata:
        """What it says of the object.

        Raises:
            InvalidResponseError: If that can't be read.
        """
        headers = self.headers
        size = headers.get("x-sn-size")
        try:
            return read_metadata(
                headers,
                size=None if size is None else _number(size),
                time_created=_time(headers.get("x-sn-time-created")),
                time_expires=_time(headers.get("x-sn-time-expires")),
            )
        except ValueError as error:
            raise _invalid(str(error)) from None

    def _words(self) -> tuple[str | None, tuple[str, ...]]:
        """What the server says of an error."""
        body = self.part.body
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return body[:_MAX_DETAIL].decode("utf-8", "replace").strip() or None, ()
        if not isinstance(document, dict):
            return None, ()
        detail, causes = document.get("detail"), document.get("causes")
        causes = causes if isinstance(causes, list) else []
        return (
            detail[:_MAX_DETAIL] if isinstance(detail, str) else None,
            tuple(cause[:_MAX_DETAIL] for cause in causes[:16] if isinstance(cause, str)),
        )


class Correlation:
    """Which operations of a request were answered: each at most once, and none that was not sent.

    Args:
        sent: The entries in the order of their parts; may still grow.
    """

    def __init__(self, sent: list[Entry]) -> None:
        self._sent = sent
        self._answered: set[int] = set()

    def entry(self, answer: Answer) -> Entry:
        """The entry that *answer* is for.

        Raises:
            InvalidResponseError: If there is none, or it was answered before. As parts can't
                outnumber the operations so, an endless answer ends here.
        """
        if answer.index >= len(self._sent) or answer.index in self._answered:
            raise _invalid("more parts than there were operations, or one of them twice")
        self._answered.add(answer.index)
        return self._sent[answer.index]

    @property
    def unanswered(self) -> list[Entry]:
        """The entries that were sent, and have no answer yet."""
        return [entry for index, entry in enumerate(self._sent) if index not in self._answered]


def _invalid(note: str) -> InvalidResponseError:
    error = InvalidResponseError("the server's answer to a batch breaks the protocol")
    error.add_note(note)
    return error


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise ValueError(f"expected digits, got {text[:64]!r}")
    return int(text)


def _time(text: str | None) -> datetime | None:
    return None if text is None else _parse_timestamp(text)
