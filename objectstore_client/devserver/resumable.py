"""Resumable uploads: one object in chunks at increasing offsets (protocol section 11)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from uuid import uuid4

from objectstore_client.devserver.drafts import Draft, Drafts, KeptPayload, OpenDraft
from objectstore_client.devserver.exchange import Exchange, ReadRecord, Request
from objectstore_client.devserver.features import Features
from objectstore_client.devserver.replies import (
    Headers,
    Refusal,
    Reply,
    empty,
    json_document,
    json_error,
    text,
)
from objectstore_client.devserver.service import Service
from objectstore_client.devserver.threads import Threads

PIECE_BYTES = 512 * 1024
_LIMIT = 2**64
_DIGITS = re.compile(rb"0*([0-9]{1,20})")


class Resumable:
    """The operations of resumable uploads, as the application dispatches them."""

    def __init__(
        self,
        drafts: Drafts,
        service: Service,
        threads: Threads,
        features: Features,
        read_record: ReadRecord,
    ) -> None:
        self._drafts = drafts
        self._service = service
        self._run = threads.run
        self._features = features
        self._read_record = read_record

    async def create(self, request: Request) -> Reply:
        """Open a session."""
        exchange = request.exchange
        length = _number(b"upload-length", _single(exchange.headers, b"upload-length"))
        if length == 0:
            raise Refusal(text(400, "Upload-Length must not be 0: put an empty object plainly"))
        await _refuse_body(exchange)
        record = self._read_record(exchange.headers, request.now)
        self._refuse_unsupported()
        address = request.address
        if not address.key:
            address = address._replace(key=str(uuid4()))
        draft, dropped = self._drafts.begin(address, record, length)
        for old in dropped:
            await self._run(self._drafts.storage.remove, old)
        await self._run(self._drafts.storage.add, draft)
        document: dict[str, object] = {"key": address.key, "session": _token(draft.id)}
        return json_document(200, {**document, "granularity": self._features.granularity})

    async def put_chunk(self, request: Request) -> Reply:
        """Append a chunk, or tell how much is kept."""
        exchange = request.exchange
        header = _single(exchange.headers, b"upload-offset")
        offset = None if header == b"*" else _number(b"upload-offset", header)
        if offset is None:
            await _refuse_body(exchange)
        elif exchange.body_length is None:
            raise Refusal(json_error(400, "a chunk must have a Content-Length"))
        found = self._find(request)
        async with found.turn:
            draft = found.draft
            if not self._drafts.is_open(draft):
                raise _unknown()
            kept = await self._run(self._drafts.storage.resume, draft)
            if kept is None:
                raise Refusal(json_error(410, "the session is gone"))
            assert draft.length is not None
            try:
                if kept.size < draft.length and offset is not None:
                    await self._append(exchange, draft, kept, offset)
            finally:
                await self._run(self._settle, draft, kept)
            if kept.size < draft.length:
                return empty(204, [_offset(kept)])
            await self._run(self._service.publish, draft.address, kept, draft.record)
            self._drafts.end(draft)
            await self._run(self._drafts.storage.remove, draft)
            return json_document(201, {"key": draft.address.key})

    async def cancel(self, request: Request) -> Reply:
        """End a session that was not completed."""
        found = self._find(request)
        async with found.turn:
            if not self._drafts.is_open(found.draft):
                raise _unknown()
            self._drafts.end(found.draft)
            await self._run(self._drafts.storage.remove, found.draft)
        return empty(204)

    async def _append(
        self, exchange: Exchange, draft: Draft, kept: KeptPayload, offset: int
    ) -> None:
        """Take the body of a chunk in, as far as it comes."""
        assert draft.length is not None and exchange.body_length is not None
        if offset + exchange.body_length > draft.length:
            raise Refusal(json_error(400, "the chunk reaches beyond the declared length"))
        if exchange.body_length == 0:
            return
        if offset != kept.size:
            refusal = json_error(409, "the chunk does not begin where the upload stands")
            raise Refusal(Reply(409, [*refusal.headers, _offset(kept)], refusal.body))
        while exchange.body_pending:
            pieces = await exchange.read(PIECE_BYTES)
            await self._run(_write, kept, pieces)

    def _settle(self, draft: Draft, kept: KeptPayload) -> None:
        """Drop what is not a whole multiple of the granularity, and keep the rest durably."""
        granularity = self._features.granularity
        if granularity and kept.size != draft.length:
            kept.truncate(kept.size - kept.size % granularity)
        kept.sync()

    def _find(self, request: Request) -> OpenDraft:
        id = _session_id(request.query)
        self._refuse_unsupported()
        found = self._drafts.find(id, request.address, request.now)
        if found is None or found.draft.length is None:
            raise _unknown()
        return found

    def _refuse_unsupported(self) -> None:
        if not self._features.resumable:
            raise Refusal(json_error(501, "resumable uploads are not supported"))


def _write(kept: KeptPayload, pieces: list[bytes]) -> None:
    for piece in pieces:
        kept.write(piece)


def _offset(kept: KeptPayload) -> tuple[bytes, bytes]:
    return b"upload-offset", b"%d" % kept.size


def _token(id: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(id)).rstrip(b"=").decode("ascii")


def _session_id(query: Mapping[str, str]) -> str:
    """Read the session of a query.

    Raises:
        Refusal: 400 if it is not base64url in its canonical form, without padding.
    """
    token = query["session"]
    try:
        id = base64.b64decode(
            token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True
        )
        if token and _token(id.hex()) == token:
            return id.hex()
    except (ValueError, binascii.Error):
        pass
    raise Refusal(json_error(400, "the session is malformed"))


def _single(headers: Headers, name: bytes) -> bytes:
    """Return the value of the only header *name*.

    Raises:
        Refusal: 400 if there is none, or more than one.
    """
    values = [value for candidate, value in headers if candidate == name]
    if len(values) != 1:
        raise Refusal(text(400, f"expected exactly one {name.decode('ascii')} header"))
    return values[0]


def _number(name: bytes, value: bytes) -> int:
    match = _DIGITS.fullmatch(value)
    if match is None or int(match[1]) >= _LIMIT:
        raise Refusal(text(400, f"invalid {name.decode('ascii')} header"))
    return int(match[1])


async def _refuse_body(exchange: Exchange) -> None:
    if exchange.body_length or await exchange.read(1):
        raise Refusal(json_error(400, "the body must be empty"))


def _unknown() -> Refusal:
    return Refusal(json_error(404, "unknown session"))
