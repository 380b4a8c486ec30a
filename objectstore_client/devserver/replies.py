"""Answers, and the refusals that become answers (protocol section 12.1)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Headers: TypeAlias = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer, except for the payload of an object, which the application streams."""

    status: int
    headers: Headers
    body: bytes = b""


class Refusal(Exception):  # noqa: N818 - not every refusal is an error: 404 and 416 are answers too
    """Raised anywhere below the application to answer with *reply* instead of going on."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, reply.body)
        self.reply = reply


def empty(status: int, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """An answer without a body; 204 must not even have a length."""
    length = [] if status == 204 else [(b"content-length", b"0")]
    return Reply(status, [*headers, *length])


def text(status: int, words: str, *, content_type: str = "text/plain; charset=utf-8") -> Reply:
    """A plain-text answer."""
    return _with_body(status, content_type.encode("ascii"), words.encode())


def json_document(status: int, document: object) -> Reply:
    """A JSON answer, non-ASCII characters as they are."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return _with_body(status, b"application/json", body)


def json_error(status: int, detail: str, causes: Sequence[str] = ()) -> Reply:
    """The JSON error body of protocol section 12.1; `causes` is left out when empty."""
    document: dict[str, object] = {"detail": detail}
    if causes:
        document["causes"] = list(causes)
    return json_document(status, document)


def _with_body(status: int, content_type: bytes, body: bytes) -> Reply:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    return Reply(status, headers, body)
