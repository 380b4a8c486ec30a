"""Multipart uploads: numbered parts in any order, joined by a manifest (protocol section 10)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import NoReturn
from uuid import UUID, uuid4

from objectstore_client.devserver.drafts import Draft, Drafts, OpenDraft, Part
from objectstore_client.devserver.exchange import ReadRecord, Request
from objectstore_client.devserver.extension import MAX_JSON_BYTES, check_json_type
from objectstore_client.devserver.replies import (
    Refusal,
    Reply,
    empty,
    json_document,
    json_error,
    text,
)
from objectstore_client.devserver.service import Service, Upload
from objectstore_client.devserver.storage import StorageError
from objectstore_client.devserver.threads import Threads

PIECE_BYTES = 512 * 1024
HEARTBEAT_SECONDS = 1.0
_U32 = 2**32


class _CompletionError(Exception):
    """Why the parts can't be joined; told inside an answer that has begun."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.document = {"error": {"code": code, "message": message}}


class Multipart:
    """The operations of multipart uploads, as the application dispatches them."""

    def __init__(
        self, drafts: Drafts, service: Service, threads: Threads, read_record: ReadRecord
    ) -> None:
        self._drafts = drafts
        self._service = service
        self._run = threads.run
        self._read_record = read_record

    async def initiate(self, request: Request) -> Reply:
        """Begin an upload."""
        record = self._read_record(request.exchange.headers, request.now)
        address = request.address
        if not address.key:
            address = address._replace(key=str(uuid4()))
        draft, dropped = self._drafts.begin(address, record, None)
        for old in dropped:
            await self._run(self._drafts.storage.remove, old)
        await self._run(self._drafts.storage.add, draft)
        return json_document(200, {"key": address.key, "upload_id": str(UUID(draft.id))})

    async def put_part(self, request: Request) -> Reply:
        """Store or replace a part."""
        exchange = request.exchange
        upload_id = _upload_id(request.query)
        number = _number(request.query, "part_number", minimum=1)
        if number is None:
            raise Refusal(text(400, "missing query parameter `part_number`"))
        if exchange.body_length is None:
            raise Refusal(json_error(400, "a part must have a Content-Length"))
        draft = self._known(request, upload_id).draft
        staged = await self._run(self._service.stage)
        part = None
        try:
            while exchange.body_pending:
                for piece in await exchange.read(PIECE_BYTES):
                    await self._run(staged.write, piece)
            part = await self._run(self._drafts.storage.keep_part, draft, number, staged)
        finally:
            if part is None:
                await self._run(staged.discard)
        if part is None:
            raise _unknown()
        return json_document(200, {"etag": part.etag})

    async def list_parts(self, request: Request) -> Reply:
        """List the parts of an upload, a page of them."""
        upload_id = _upload_id(request.query)
        max_parts = _number(request.query, "max_parts")
        marker = _number(request.query, "part_number_marker") or 0
        draft = self._known(request, upload_id).draft
        parts = await self._run(self._drafts.storage.parts, draft)
        following = [part for part in parts if part.number > marker]
        page = following[:max_parts]
        document: dict[str, object] = {
            "parts": [_described(part) for part in page],
            "is_truncated": len(page) < len(following) or max_parts == 0,
        }
        if page and len(page) < len(following):
            document["next_part_number_marker"] = page[-1].number
        return json_document(200, document)

    async def complete(self, request: Request) -> Reply | None:
        """Join the parts; answers 200 at once, and says at the end what came of it."""
        exchange = request.exchange
        upload_id = _upload_id(request.query)
        check_json_type(exchange.header(b"content-type"))
        manifest = _manifest(await exchange.read_all(MAX_JSON_BYTES))
        work = asyncio.ensure_future(self._complete(request, upload_id, manifest))
        try:
            headers = [(b"content-type", b"application/json")]
            await exchange.stream(200, headers, _heartbeat(work))
        finally:
            await asyncio.wait([work])  # also if nobody waits for the answer any more
        return None

    async def abort(self, request: Request) -> Reply:
        """Forget an upload; it need not exist."""
        found = self._find(request, _upload_id(request.query))
        if found is not None:
            async with found.turn:
                await self._remove(found.draft)
        return empty(204)

    async def _complete(
        self, request: Request, upload_id: str, manifest: list[tuple[int, str]]
    ) -> dict[str, object]:
        try:
            request.grant.authorize("object.write", request.address)
            found = self._find(request, upload_id)
            if found is None:
                raise _CompletionError("internal error", "unknown upload")
            async with found.turn:
                if not self._drafts.is_open(found.draft):
                    raise _CompletionError("internal error", "unknown upload")
                await self._run(self._join, found.draft, manifest)
                await self._remove(found.draft)
        except _CompletionError as error:
            return dict(error.document)
        except Refusal:
            return dict(_CompletionError("internal error", "not permitted").document)
        except (StorageError, OSError):
            return dict(_CompletionError("internal error", "storage failure").document)
        return {"key": found.draft.address.key}

    def _join(self, draft: Draft, manifest: list[tuple[int, str]]) -> None:
        kept = {part.number: part for part in self._drafts.storage.parts(draft)}
        if not manifest:
            raise _CompletionError("InvalidPart", "the manifest names no part")
        upload = self._service.upload(draft.address, draft.record)
        try:
            for number, etag in manifest:
                part = kept.get(number)
                if part is None or part.etag != etag:
                    raise _CompletionError("InvalidPart", f"part {number} is missing or differs")
                self._append(upload, draft, part)
            upload.commit()
        finally:
            upload.discard()

    def _append(self, upload: Upload, draft: Draft, part: Part) -> None:
        payload = self._drafts.storage.open_part(draft, part)
        if payload is None:
            raise _CompletionError("InvalidPart", f"part {part.number} was replaced")
        try:
            for offset in range(0, part.size, PIECE_BYTES):
                upload.write([payload.read(offset, PIECE_BYTES)])
        finally:
            payload.close()

    async def _remove(self, draft: Draft) -> None:
        self._drafts.end(draft)
        await self._run(self._drafts.storage.remove, draft)

    def _find(self, request: Request, upload_id: str) -> OpenDraft | None:
        try:
            id = UUID(upload_id).hex
        except ValueError:
            return None
        found = self._drafts.find(id, request.address, request.now)
        return None if found is None or found.draft.length is not None else found

    def _known(self, request: Request, upload_id: str) -> OpenDraft:
        found = self._find(request, upload_id)
        if found is None:
            raise _unknown()
        return found


async def _heartbeat(work: asyncio.Future[dict[str, object]]) -> AsyncIterator[bytes]:
    """A space a second while *work* goes on, then what came of it."""
    while not (await asyncio.wait([work], timeout=HEARTBEAT_SECONDS))[0]:
        yield b" "
    yield json.dumps(work.result(), ensure_ascii=False, separators=(",", ":")).encode()


def _upload_id(query: Mapping[str, str]) -> str:
    upload_id = query.get("upload_id")
    if upload_id is None:
        raise Refusal(text(400, "missing query parameter `upload_id`"))
    if not upload_id or ".." in upload_id or upload_id.startswith("/"):
        raise Refusal(json_error(400, "invalid upload id"))
    return upload_id


def _number(query: Mapping[str, str], name: str, *, minimum: int = 0) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    digits = value.lstrip("0") or "0"
    if not (value.isascii() and value.isdecimal() and len(digits) <= 10):
        raise Refusal(text(400, f"invalid query parameter `{name}`"))
    if not minimum <= int(digits) < _U32:
        raise Refusal(text(400, f"query parameter `{name}` is out of range"))
    return int(digits)


def _manifest(body: bytes) -> list[tuple[int, str]]:
    """Read the body of a completion.

    Raises:
        Refusal: 400 if it is not JSON, 422 if it is not a list of parts.
    """
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(text(400, "the body is not valid JSON")) from None
    parts = document.get("parts") if isinstance(document, dict) else None
    if not isinstance(parts, list):
        _unprocessable()
    manifest = []
    for part in parts:
        match part:
            case {"part_number": int() | float() as number, "etag": str(etag)} if (
                type(number) is not bool and 1 <= number < _U32 and number == int(number)
            ):
                manifest.append((int(number), etag))
            case _:
                _unprocessable()
    return manifest


def _unprocessable() -> NoReturn:
    raise Refusal(text(422, "expected `parts`, each with `part_number` from 1 and `etag`"))


def _described(part: Part) -> dict[str, object]:
    seconds, nanoseconds = divmod(part.modified, 1_000_000_000)
    modified = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
    return {
        "part_number": part.number,
        "etag": part.etag,
        "last_modified": f"{modified}.{nanoseconds:09}Z",
        "size": part.size,
    }


def _unknown() -> Refusal:
    return Refusal(json_error(500, "unknown multipart upload"))
