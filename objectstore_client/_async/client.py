"""The client bound to one usecase and scope: the operations on objects."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import objectstore_api as api
from objectstore_api.api.objects import delete_object, get_object, head_object, patch_object

from objectstore_client._async.download import AsyncDownload
from objectstore_client._async.exchange import run_attempts_async, send_async
from objectstore_client._async.large import AsyncLargePut, as_it_is
from objectstore_client._async.many import AsyncMany
from objectstore_client._async.multipart import (
    AsyncMultipartUpload,
    begin_multipart_async,
    put_parts_async,
)
from objectstore_client._async.parts import AsyncParts
from objectstore_client._async.payload import AsyncPayload
from objectstore_client._async.reader import AsyncReader
from objectstore_client._async.resumable import AsyncResumable
from objectstore_client._async.stored import AsyncStoredBytes
from objectstore_client._async.tokens import AsyncAttemptHeaders, AsyncTokens
from objectstore_client._async.upload import AsyncUpload
from objectstore_client._runtime import run_blocking_async
from objectstore_client.batch.operations import (
    Delete,
    Get,
    Head,
    OperationResult,
    Put,
)
from objectstore_client.batch.operations import (
    Operation as BatchOperation,
)
from objectstore_client.errors import InvalidArgumentError, ObjectNotFound, shorten
from objectstore_client.expiration import ExpirationPolicy
from objectstore_client.files import read_path
from objectstore_client.metadata import Metadata
from objectstore_client.metrics import Measurement
from objectstore_client.place import Measuring, Place
from objectstore_client.presign import PresignedMethod, check_duration, sign_query
from objectstore_client.progress import OnProgress
from objectstore_client.ranges import ByteRange, check_range
from objectstore_client.requests import (
    accepts_zstd,
    check_connections,
    check_id,
    expiry_patch,
    is_decodable,
    metadata_of,
    put_request,
    record_sizes,
    stored_key,
    wants_session,
)
from objectstore_client.retries import Operation, RetryPolicy
from objectstore_client.scope import Scope
from objectstore_client.settings import Call, DeadlineLike, Settings, read_max_decoded_size
from objectstore_client.signing import SecretKey
from objectstore_client.sources import AsyncContents, Source, open_source, open_source_async
from objectstore_client.timeouts import TimeoutLike
from objectstore_client.tokens import Permission, resources
from objectstore_client.upload_journal import UploadJournal, identity_of
from objectstore_client.uploads import Precompressed, UploadPlan, plan_upload
from objectstore_client.usecase import Compression, Frames, Usecase

__all__ = ["AsyncClient", "AsyncGetResult"]

_Body = TypeVar("_Body")
_Headers = TypeVar("_Headers")


@dataclass(frozen=True, slots=True)
class AsyncGetResult:
    """An object: what is known of it, and its payload as a stream.

    As a context manager it closes the payload.

    Attributes:
        metadata: What the server knows of the object.
        payload: Its bytes; read them, or close it.
    """

    metadata: Metadata
    payload: AsyncPayload

    async def aclose(self) -> None:
        """Close the payload."""
        await self.payload.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class AsyncClient:
    """Operations on the objects of one usecase and scope; made by `AsyncObjectstore.get_client`.

    It is cheap, holds no connection of its own, and needs no closing. All operations raise an
    `ObjectstoreError` on failure; `objectstore_client.errors` has the tree.
    """

    def __init__(
        self,
        raw: api.AsyncClient,
        settings: Settings,
        tokens: AsyncTokens,
        usecase: Usecase,
        scope: Scope,
    ) -> None:
        self._raw = raw
        self._settings = settings
        self._tokens = tokens
        self._usecase = usecase
        self._scope = scope
        self._prefix = api.encode_prefix(usecase.name, scope.path)

    @property
    def usecase(self) -> Usecase:
        """The usecase it is bound to."""
        return self._usecase

    @property
    def scope(self) -> Scope:
        """The scope it is bound to."""
        return self._scope

    async def put(
        self,
        contents: AsyncContents,
        *,
        id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        expiration_policy: ExpirationPolicy | None = None,
        compression: Compression | None = None,
        compression_level: int | None = None,
        frames: Frames | None = None,
        precompressed: Precompressed | None = None,
        content_type: str | None = None,
        filename: str | None = None,
        origin: str | None = None,
        resumable: bool | None = None,
        on_progress: OnProgress | None = None,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> str:
        """Store an object; replaces payload and all metadata of an existing one (protocol 6.1,
        6.2).

        Contents in memory up to 2 MiB are compressed and sent at once. Everything else is read,
        compressed on several cores and sent in pieces of at most 2 MiB; whatever the size, that
        takes (t + 1) · 4 MiB + t · 3.5 MiB + 2 MiB of memory at the default level, where t is the
        number of cores, at most 4. The object becomes visible whole or not at all.

        Args:
            contents: Bytes in memory; a path; a binary file, read from where it stands and left
                open; an iterable of bytes, or for the async client an async one; or a function
                that returns such an iterable.
            id: Key of the object; without one the server chooses.
            metadata: Custom metadata: at most 64 entries, keys in lowercase.
            expiration_policy: Instead of the usecase's. `Manual()` overrides a default with none.
            compression: `"zstd"`, `"none"` or `"auto"`, instead of the usecase's.
            compression_level: Instead of the usecase's.
            frames: `"independent"` or `"single"`, instead of the usecase's. The first sends
                nothing before 2 MiB are read; the latter suits sources that are slow.
            precompressed: `"zstd"` if *contents* are compressed already; they are sent as they are.
            content_type: Media type, or `"guess"` to go by file name and first bytes.
            filename: File name for those who download the object.
            origin: Where the contents came from, usually an IP address.
            resumable: Whether to send in chunks of 16 MiB, so that only one has to be sent again
                when a connection is lost (protocol 11). By default contents of known size are
                from the usecase's threshold on, if the server takes such uploads and, as they are
                spooled if they are to be compressed, `spool_dir` has room. `True` also spools
                contents of unknown size; `False` never does any of this.
            on_progress: Called with the bytes of *contents* that were taken so far and their
                total, `None` if that is unknown, whenever there are more; from this call's own
                thread or task. If it raises, the put ends with that, and nothing is stored.
            timeout: Time-outs of this call instead of the client's.
            deadline: Seconds that the call may take in all, instead of the client's. The async
                client waits no longer for contents that do not come; the sync one can't interrupt
                what reads them, and ends the call right after it.
            retries: How failed requests are repeated, instead of the client's. Contents that can
                be read again are (memory, paths, seekable files, collections, functions); of an
                iterator, only requests that failed before its first item was taken.

        Returns:
            The key of the object.

        Raises:
            InvalidArgumentError: If an argument breaks a rule; nothing was sent.
            IntegrityError: If a file changed its size while it was read; nothing was stored.
            OSError: If a file can't be read; nothing was stored.
            ApiError: If the server refuses.
            TransportError: If there is no answer; the object may have been stored.
        """
        call = self._settings.call(timeout, deadline, retries)
        with self._operation("put", id) as measurement:
            key = None if id is None else check_id(id)
            source = open_source_async(contents)
            plan = plan_upload(
                self._usecase,
                source,
                id=key,
                metadata=metadata,
                expiration_policy=expiration_policy,
                compression=compression,
                compression_level=compression_level,
                frames=frames,
                precompressed=precompressed,
                content_type=content_type,
                filename=filename,
                origin=origin,
            )
            if wants_session(resumable, self._usecase.resumable_threshold, source.size):
                large = self._large(call, source, plan, on_progress)
                if await large.is_possible(required=bool(resumable)):
                    return await self._store_large(call, key, large, measurement)
            return await self._store(
                call, key, AsyncUpload(source, plan, on_progress, call.deadline), measurement
            )

    async def upload_from(
        self,
        path: str | os.PathLike[str],
        *,
        id: str | None = None,
        resume: bool = False,
        metadata: Mapping[str, str] | None = None,
        expiration_policy: ExpirationPolicy | None = None,
        compression: Compression | None = None,
        precompressed: Precompressed | None = None,
        content_type: str | None = None,
        filename: str | None = None,
        origin: str | None = None,
        on_progress: OnProgress | None = None,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> str:
        """Store a file: `put` of its path, and more with *resume*.

        With `resume=True` the upload is resumable whatever its size (protocol 11), and a journal
        in the `spool_dir` of the client lets another process go on with it by making the same
        call: what the server has is not sent again. The journal holds the session, which is a
        secret, and only its owner can read it. It and the spool of a compressed file are removed
        when the object is stored; `abandon_upload` removes them before. Where the file or the
        arguments have changed meanwhile, or the server does not take such uploads, everything is
        sent anew.

        Args:
            path: The file.
            id: Key of the object; without one the server chooses.
            resume: Go on with an earlier call that failed or died, and let a later one go on with
                this one.
            metadata: As for `put`, and so are the others.
            expiration_policy: Instead of the usecase's.
            compression: Instead of the usecase's.
            precompressed: `"zstd"` if the file is compressed already.
            content_type: Media type, or `"guess"`.
            filename: File name for those who download the object.
            origin: Where the file came from.
            on_progress: Called with the bytes of the file that are done, and its size.
            timeout: Time-outs of this call instead of the client's.
            deadline: Seconds that the call may take in all, instead of the client's.
            retries: How failed requests are repeated, instead of the client's.

        Returns:
            The key of the object.

        Raises:
            InvalidArgumentError: If an argument breaks a rule; nothing was sent.
            IntegrityError: If the file changed its size while it was read.
            OSError: If the file can't be read, or the spool has no room.
            ApiError: If the server refuses.
            TransportError: If there is no answer.
        """
        call = self._settings.call(timeout, deadline, retries)
        with self._operation("upload_from", id) as measurement:
            key = None if id is None else check_id(id)
            file = read_path(path)
            source = open_source(file)
            plan = plan_upload(
                self._usecase,
                source,
                id=key,
                metadata=metadata,
                expiration_policy=expiration_policy,
                compression=compression,
                compression_level=None,
                frames=None,
                precompressed=precompressed,
                content_type=content_type,
                filename=filename,
                origin=origin,
            )
            journal = self._journal(key, file) if resume and source.size is not None else None
            if journal is not None or wants_session(
                None, self._usecase.resumable_threshold, source.size
            ):
                large = self._large(call, source, plan, on_progress, journal)
                if await large.is_possible(required=resume):
                    stored = await self._store_large(call, key, large, measurement, file)
                    if journal is not None:
                        await run_blocking_async(journal.remove)
                    return stored
            return await self._store(
                call, key, AsyncUpload(source, plan, on_progress, call.deadline), measurement
            )

    async def abandon_upload(self, path: str | os.PathLike[str], *, id: str | None = None) -> None:
        """Give up an upload that `upload_from` with these arguments did not finish.

        Its session is cancelled if the server can be reached; journal and spool are removed in any
        case. Does nothing if there is no such upload.

        Args:
            path: The file, which need not exist any more.
            id: As it was passed.
        """
        call = self._settings.call(None, None, None)
        with self._operation("abandon_upload", id):
            journal = self._journal(None if id is None else check_id(id), read_path(path))
            await run_blocking_async(journal.load)
            session = journal.session
            await run_blocking_async(journal.remove)
            if session is not None:
                resumable = AsyncResumable(
                    self._raw, self._settings, call, self._prefix, self._headers
                )
                await resumable.cancel(session)

    async def begin_multipart(
        self,
        *,
        id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        expiration_policy: ExpirationPolicy | None = None,
        precompressed: Precompressed | None = None,
        content_type: str | None = None,
        filename: str | None = None,
        origin: str | None = None,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> AsyncMultipartUpload:
        """Begin an object that is put together of parts (protocol 10); `put_multipart` does it all.

        Servers may cease to offer this: nothing else here depends on it. The arguments are those
        of `put`; parts are sent as they are, so a compressed object is `precompressed`.

        Raises:
            UnsupportedError: If the server does not offer it; some say so by `ApiError` 404.
        """
        call = self._settings.call(timeout, deadline, retries)
        place = Place("multipart.initiate", self._usecase, self._scope, id)
        with Measuring(place, self._settings.metrics_backend):
            plan = plan_upload(
                self._usecase,
                open_source(b""),
                id=None if id is None else check_id(id),
                metadata=metadata,
                expiration_policy=expiration_policy,
                compression=None if precompressed else "none",
                compression_level=None,
                frames=None,
                precompressed=precompressed,
                content_type=content_type,
                filename=filename,
                origin=origin,
            )
            return await begin_multipart_async(
                self._raw, self._settings, call, self._prefix, place, plan, self._headers
            )

    def resume_multipart(self, id: str, upload_id: str) -> AsyncMultipartUpload:
        """Go on with an upload that was begun elsewhere; sends nothing."""
        if not isinstance(upload_id, str) or not upload_id:
            raise InvalidArgumentError(
                f"upload_id: must be a string that is not empty, got {shorten(upload_id)}"
            )
        place = Place("multipart", self._usecase, self._scope, check_id(id))
        return AsyncMultipartUpload(
            self._raw, self._settings, self._prefix, place, upload_id, self._headers
        )

    async def put_multipart(
        self,
        contents: AsyncContents,
        *,
        id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        expiration_policy: ExpirationPolicy | None = None,
        compression: Compression | None = None,
        precompressed: Precompressed | None = None,
        content_type: str | None = None,
        filename: str | None = None,
        origin: str | None = None,
        connections: int = 4,
        on_progress: OnProgress | None = None,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> str:
        """Store an object in parts of 8 MiB or more, over several connections (protocol 10).

        The arguments are those of `put`, and what is stored is the same. Holds *connections* + 1
        parts. If it fails, the upload is aborted.

        Args:
            contents: As for `put`.
            id: Key of the object; without one the server chooses.
            metadata: As for `put`, and so are the others.
            expiration_policy: Instead of the usecase's.
            compression: Instead of the usecase's.
            precompressed: `"zstd"` if *contents* are compressed already.
            content_type: Media type, or `"guess"`.
            filename: File name for those who download the object.
            origin: Where the contents came from.
            connections: How many are used at most.
            on_progress: As for `put`.
            timeout: Time-outs of the beginning; all other requests have those of the client.
            deadline: Seconds that the beginning may take.
            retries: How the beginning is repeated.

        Raises:
            MultipartError: If the parts can't be joined.
            UnsupportedError: If the server does not offer it; some say so by `ApiError` 404.
        """
        call = self._settings.call(timeout, deadline, retries)
        place = Place("put_multipart", self._usecase, self._scope, id)
        with Measuring(place, self._settings.metrics_backend):
            check_connections(connections)
            source = open_source_async(contents)
            plan = plan_upload(
                self._usecase,
                source,
                id=None if id is None else check_id(id),
                metadata=metadata,
                expiration_policy=expiration_policy,
                compression=compression,
                compression_level=None,
                frames=None,
                precompressed=precompressed,
                content_type=content_type,
                filename=filename,
                origin=origin,
            )
            # What shrinks shows too late for the headers, which go out first.
            plan = plan if plan.compress is not None else plan.settled(compress=True)
            multipart = await begin_multipart_async(
                self._raw, self._settings, call, self._prefix, place, plan, self._headers
            )
            upload = AsyncUpload(source, plan, on_progress, call.deadline)
            return await put_parts_async(multipart, upload, connections)

    async def get(
        self,
        id: str,
        *,
        byte_range: ByteRange | None = None,
        decompress: bool = True,
        accept_encoding: str | Iterable[str] | None = None,
        max_decoded_size: int | None = None,
        on_progress: OnProgress | None = None,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> AsyncGetResult:
        """Open an object for reading, or a part of it (protocol 6.3, 7).

        Returns when the head of the answer is there; the payload is a stream. Answers of known
        length up to 64 KiB are read at once.

        Args:
            id: Key of the object.
            byte_range: Only these bytes of what reading all would give: of the decoded payload,
                or with `decompress=False` of the stored bytes. Decoded parts are found by the
                seek table that large objects of this client have. In one without it, such as one
                written by others, decoding begins at its start and what lies before the part is
                thrown away; a suffix then reads it twice.
            decompress: Whether the payload of a compressed object is decoded while it is read.
            accept_encoding: Encodings that the caller can decode, such as those of an HTTP
                request that is being served: with `zstd` or `*` among them, a compressed payload
                is passed through as it is.
            max_decoded_size: Bytes that the payload may decode to, instead of the client's; reading
                beyond raises `IntegrityError`.
            on_progress: Called with the bytes of the payload that were read so far and their
                total, `None` if that is unknown, whenever there are more; from the thread or task
                that reads. If it raises, so does the read, and the payload is closed.
            timeout: Time-outs of this call and of reading its payload, instead of the client's.
            deadline: Seconds until the payload is read to its end, instead of the client's.
            retries: How failed requests are repeated, instead of the client's.

        Raises:
            InvalidArgumentError: If *id* is empty, or has a segment `.` or `..`.
            ObjectNotFound: If the object does not exist, or has expired.
            RangeNotSatisfiable: If no byte lies in *byte_range*; its `size` says how many there
                are. Where decoding begins at the start, the payload is empty instead.
            ApiError: If the server refuses.
            TransportError: If there is no answer.
            InvalidResponseError: If the object is encoded with something else than zstd and
                *decompress* is set.
        """
        call = self._settings.call(timeout, deadline, retries)
        place = Place("get", self._usecase, self._scope, id)
        limit = read_max_decoded_size(max_decoded_size, self._settings.max_decoded_size)
        decode = decompress and not accepts_zstd(accept_encoding)
        headers = self._headers()

        attempts = 0

        async def attempt() -> AsyncGetResult:
            nonlocal attempts
            attempts += 1
            stored = AsyncStoredBytes(
                self._raw, self._settings, call, self._prefix, check_id(id), headers, attempts
            )
            try:
                await stored.open(byte_range)
                metadata = metadata_of(stored.headers, size=stored.total)
                payload = AsyncPayload(
                    stored,
                    place,
                    call,
                    decode=decode and is_decodable(metadata),
                    content_encoding=None if decode else metadata.compression,
                    max_decoded_size=limit,
                    on_progress=on_progress,
                )
                await payload.begin()
            except BaseException:
                await stored.aclose()
                raise
            return AsyncGetResult(metadata, payload)

        with Measuring(place, self._settings.metrics_backend):
            check_range(byte_range)
            if byte_range is not None and decode:
                parts = self._parts(place, decode=True, max_decoded_size=limit)
                await parts.begin(call)
                span = await parts.span(call, byte_range)
                payload = await parts.open(call, span, on_progress)
                return AsyncGetResult(parts.metadata, payload)
            return await run_attempts_async(self._settings, call, "get", attempt, headers)

    async def open(
        self,
        id: str,
        *,
        decompress: bool = True,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> AsyncReader:
        """Open an object as a file that can be read at any place (protocol 7).

        For `zipfile`, pyarrow and all others that want a seekable file (the async one for who can
        await `read` and `seek`). Sends a request or two; see `AsyncReader` for what is fetched
        when.

        Args:
            id: Key of the object.
            decompress: Whether a compressed payload is decoded.
            timeout: Time-outs of this call and of each read, instead of the client's.
            deadline: Seconds that this call, and then each read, may take in all.
            retries: How failed requests are repeated, instead of the client's.

        Raises:
            ObjectNotFound: If the object does not exist, or has expired.
            ApiError: If the server refuses.
            TransportError: If there is no answer.
        """
        place = Place("open", self._usecase, self._scope, id)
        call = self._settings.call(timeout, deadline, retries)
        with Measuring(place, self._settings.metrics_backend):
            parts = self._parts(place, decode=decompress)
            await parts.begin(call)
            return AsyncReader(parts, lambda: self._settings.call(timeout, deadline, retries))

    async def download_to(
        self,
        id: str,
        path: str | os.PathLike[str],
        *,
        decompress: bool = True,
        connections: int = 4,
        resume: bool = False,
        on_progress: OnProgress | None = None,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> Metadata:
        """Write an object's payload into a file.

        The file is written beside its place, synced, and renamed: it is there whole or not at
        all, and an older one stays until then. Nothing is left behind by what fails.

        Payloads of 64 MiB and more are fetched in parts over several connections; compressed ones
        if they have a seek table, as large objects of this client do. Whatever the size, that
        takes a few MiB of memory per connection.

        Args:
            id: Key of the object.
            path: Where the file shall be.
            decompress: Whether a compressed payload is decoded.
            connections: How many are used at most.
            resume: Keep what has come when the call fails or the process dies, in
                `.<name>.part` and `.<name>.part.journal` beside *path*, and go on with that when
                it is called again, if the object is still the same.
            on_progress: Called with the bytes of the file that are there and their total, `None`
                if that is unknown, whenever there are more; from this call's own thread or task.
            timeout: Time-outs of this call instead of the client's.
            deadline: Seconds that the call may take in all, instead of the client's.
            retries: How failed requests are repeated, instead of the client's.

        Returns:
            What the server knows of the object.

        Raises:
            InvalidArgumentError: If an argument breaks a rule.
            ObjectNotFound: If the object does not exist, or has expired.
            ObjectChanged: If it is replaced while it is being read.
            OSError: If the file can't be written.
            ApiError: If the server refuses.
            TransportError: If connections keep failing.
        """
        call = self._settings.call(timeout, deadline, retries)
        place = Place("download_to", self._usecase, self._scope, id)
        with Measuring(place, self._settings.metrics_backend):
            target = read_path(path)
            check_connections(connections)
            parts = self._parts(place, decode=decompress)
            await parts.begin(call)
            await AsyncDownload(
                parts,
                call,
                target,
                connections=connections,
                resume=resume,
                on_progress=on_progress,
            ).run()
            return parts.metadata

    async def head(
        self,
        id: str,
        *,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> Metadata:
        """Describe an object without reading its payload (protocol 6.4).

        It counts as an access for `TimeToIdle`.

        Raises:
            ObjectNotFound: If the object does not exist, or has expired.
            ApiError: If the server refuses.
            TransportError: If there is no answer.
        """
        call = self._settings.call(timeout, deadline, retries)
        with self._operation("head", id):
            request = partial(head_object.build_request_at, self._prefix, check_id(id))
            answer = await self._send("head", request, call)
            return metadata_of(answer.headers)

    async def exists(
        self,
        id: str,
        *,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> bool:
        """Tell whether an object exists; like `head`, but for absent objects."""
        try:
            await self.head(id, timeout=timeout, deadline=deadline, retries=retries)
        except ObjectNotFound:
            return False
        return True

    async def delete(
        self,
        id: str,
        *,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> None:
        """Delete an object; deleting an absent one succeeds (protocol 6.5).

        Raises:
            ApiError: If the server refuses.
            TransportError: If there is no answer; the object may have been deleted.
        """
        call = self._settings.call(timeout, deadline, retries)
        with self._operation("delete", id):
            request = partial(delete_object.build_request_at, self._prefix, check_id(id))
            await self._send("delete", request, call)

    async def extend_expiry(
        self,
        id: str,
        *,
        at: datetime | None = None,
        after: timedelta | None = None,
        from_creation: timedelta | None = None,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> None:
        """Let an object live at least until a point in time; never shortens its life (protocol 8).

        Exactly one of *at*, *after* and *from_creation* is given. With *at* and *from_creation*,
        repeating the call changes nothing; with *after* it moves the end again.

        Args:
            id: Key of the object.
            at: The end of its life, with a time zone; rounded up to whole seconds.
            after: The same, counted from now; rounded up to whole seconds.
            from_creation: The same, counted from the object's creation; rounded up.
            timeout: Time-outs of this call instead of the client's.
            deadline: Seconds that the call may take in all, instead of the client's.
            retries: How failed requests are repeated, instead of the client's.

        Raises:
            InvalidArgumentError: If not exactly one end is given, or it is not valid.
            ObjectNotFound: If the object does not exist, or has expired.
            ConflictError: If the object never expires, or is being changed by someone else.
            BadRequestError: If the usecase's policy forbids a life that long.
            UnsupportedError: If the server is too old to know the operation.
            TransportError: If there is no answer; the life may have been extended.
        """
        call = self._settings.call(timeout, deadline, retries)
        with self._operation("extend_expiry", id):
            patch = expiry_patch(at=at, after=after, from_creation=from_creation)
            request = partial(patch_object.build_request_at, self._prefix, check_id(id), body=patch)
            await self._send(
                "extend_expiry" if after is None else "extend_expiry_after_now", request, call
            )

    def mint_token(
        self,
        *,
        permissions: Iterable[Permission] | None = None,
        expiry: timedelta | None = None,
        wildcards: Iterable[str] = (),
    ) -> str:
        """Sign a token for this usecase and scope, for somebody else to use (protocol 13).

        It covers the scope, every shorter one of the same names and values, and the empty scope of
        the usecase. Whoever has it can do what it allows, until it expires.

        Args:
            permissions: Some of the key's, instead of all of them.
            expiry: How long it is valid, instead of the key's; rounded up to whole seconds.
            wildcards: Names of scopes of which it covers every value, such as `["project"]`; also
                of scopes that this client's does not have.

        Raises:
            InvalidArgumentError: If an argument is not valid, more is asked for than the key may
                do, or `token=` of the `Objectstore` is no `SecretKey`.
        """
        return self._key().token(
            resources(self._usecase.name, self._scope, wildcards),
            permissions=permissions,
            expiry=expiry,
        )

    def object_url(self, id: str, *, token_validity: timedelta | None = None) -> str:
        """The URL of an object.

        Args:
            id: Key of the object.
            token_validity: Put a token into the URL that allows to read, for so long, everything in
                this usecase and scope: whoever has the URL has the token. `presigned_url` allows
                to read one object only.

        Raises:
            InvalidArgumentError: If an argument is not valid, or a token is asked for and `token=`
                of the `Objectstore` is no `SecretKey`.
        """
        url, _ = self._address("object_url", id)
        if token_validity is None:
            return url
        token = self.mint_token(permissions=["object.read"], expiry=token_validity)
        return f"{url}?os_auth={token}"

    def presigned_url(
        self,
        id: str,
        *,
        method: PresignedMethod = "GET",
        duration: timedelta = timedelta(hours=1),
    ) -> str:
        """Sign a URL with which anybody can read one object for a while (protocol 14).

        It is for GET and HEAD, and for this object alone. A proxy that changes the path of requests
        makes it useless.

        Args:
            id: Key of the object; it need not exist yet.
            method: `"GET"` or `"HEAD"`; servers take the URL for both.
            duration: How long it is valid, at most 7 days; rounded up to whole seconds.

        Raises:
            InvalidArgumentError: If an argument is not valid, the key may not read, or `token=` of
                the `Objectstore` is no `SecretKey`.
        """
        key, seconds = self._key(), check_duration(duration)
        if "object.read" not in key.permissions:
            raise InvalidArgumentError("permissions: those of the key lack object.read")
        url, path = self._address("presigned_url", id)
        now = datetime.now(UTC)
        return f"{url}?{sign_query(key.kid, key.sign, method, path, now=now, seconds=seconds)}"

    def many(
        self,
        operations: Iterable[BatchOperation] | AsyncIterable[BatchOperation],
        *,
        concurrency: int = 3,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> AsyncGenerator[OperationResult[Any]]:
        """Run any number of operations, in as few requests as possible (protocol 9).

        *operations* is read as it is needed, and may be endless. Up to 1 000 of them, together up
        to 4 MiB, go out in one request, as soon as there are so many or none are left. Puts of
        more than 1 MiB, of iterables and of streams take a request of their own.

        **Order.** Operations on one key run in the order given, whatever else happens. All others
        run in any order, and results come in order of completion. Nothing is atomic.

        **Failure.** What fails does not end the iteration: its result has the error, and each
        operation has exactly one result. What failed on the way is sent again as single operations
        would be. While the server says that it is overloaded, fewer requests are in flight.

        **Memory.** `concurrency` + 1 times 4 MiB, a few MiB per request on its way, and results
        that were not taken. Payloads of up to 1 MiB, as stored, come with their result; a larger
        one is requested again when it is read.

        Leaving the iteration early drops what is in flight; it may or may not take effect.

        Args:
            operations: `Put`, `Get`, `Head` and `Delete`. An ordinary iterable is read between
                results: it should not block for long.
            concurrency: How many requests are in flight at most.
            timeout: Time-outs of each request instead of the client's.
            deadline: Seconds that each request may take with its repetitions, instead of the
                client's.
            retries: How failed requests are repeated, instead of the client's.

        Returns:
            A generator of one result per operation. The `value` of each is what the operation by
            itself returns: the key, the `AsyncGetResult`, the `Metadata`, nothing. The generator
            raises what *operations* raises, `InvalidArgumentError` for what is no operation, and
            `ClosedError` if the store was closed.

        Raises:
            InvalidArgumentError: If another argument is not valid.
        """
        return self._many(concurrency, timeout, deadline, retries).results(operations)

    async def put_many(
        self,
        objects: Mapping[str, AsyncContents] | Iterable[Put] | AsyncIterable[Put],
        *,
        concurrency: int = 3,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> list[OperationResult[str]]:
        """Store many objects, in as few requests as possible; like `many`.

        Args:
            objects: Contents by key, or `Put`s, which can say more.
            concurrency: How many requests are in flight at most.
            timeout: Time-outs of each request instead of the client's.
            deadline: Seconds that each request may take with its repetitions.
            retries: How failed requests are repeated, instead of the client's.

        Returns:
            The results in the order of *objects*; the `value` of each is the key. None is raised.
        """
        puts: Iterable[Put] | AsyncIterable[Put]
        if isinstance(objects, Mapping):
            by_key = cast("Mapping[str, AsyncContents]", objects)
            puts = (Put(contents, id=key) for key, contents in by_key.items())
        else:
            puts = objects
        return await self._many(concurrency, timeout, deadline, retries).all(puts)

    async def get_many(
        self,
        ids: Iterable[str] | AsyncIterable[str],
        *,
        concurrency: int = 3,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> list[OperationResult[AsyncGetResult]]:
        """Read many objects, in as few requests as possible; like `many`.

        All payloads of up to 1 MiB, as stored, are in memory at once; for more than fits there, use
        `many`.

        Returns:
            The results in the order of *ids*; the `value` of each is what `get` returns. None is
            raised: that of an absent object has `ObjectNotFound` as its `error`.
        """
        return await self._many(concurrency, timeout, deadline, retries).all(ids, Get)

    async def head_many(
        self,
        ids: Iterable[str] | AsyncIterable[str],
        *,
        concurrency: int = 3,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> list[OperationResult[Metadata]]:
        """Describe many objects, in as few requests as possible; like `many`.

        Returns:
            The results in the order of *ids*; the `value` of each is what `head` returns. None is
            raised: that of an absent object has `ObjectNotFound` as its `error`.
        """
        return await self._many(concurrency, timeout, deadline, retries).all(ids, Head)

    async def delete_many(
        self,
        ids: Iterable[str] | AsyncIterable[str],
        *,
        concurrency: int = 3,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
        retries: RetryPolicy | int | None = None,
    ) -> list[OperationResult[None]]:
        """Delete many objects, in as few requests as possible; like `many`.

        Returns:
            The results in the order of *ids*; deleting absent objects succeeds. None is raised.
        """
        return await self._many(concurrency, timeout, deadline, retries).all(ids, Delete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._usecase.name}/{self._scope.path}>"

    def _key(self) -> SecretKey:
        if self._tokens.key is None:
            raise InvalidArgumentError("token: signing needs an Objectstore with a SecretKey")
        return self._tokens.key

    def _address(self, operation: str, id: str) -> tuple[str, str]:
        """The URL of an object, and its path as it stands in the request line."""
        try:
            url = self._raw.build(get_object.build_request_at(self._prefix, check_id(id))).url
        except ValueError as error:
            raise Place(operation, self._usecase, self._scope, id).located(error) from None
        return str(url), url.raw_path.decode("ascii")

    def _many(
        self,
        concurrency: int,
        timeout: TimeoutLike | None,
        deadline: DeadlineLike | None,
        retries: RetryPolicy | int | None,
    ) -> AsyncMany:
        self._settings.call(timeout, deadline, retries)  # refuse them now, if they are not valid
        options = {"timeout": timeout, "deadline": deadline, "retries": retries}
        return AsyncMany(self, AsyncGetResult, options, concurrency)

    def _operation(self, operation: str, key: str | None) -> Measuring:
        place = Place(operation, self._usecase, self._scope, key)
        return Measuring(place, self._settings.metrics_backend)

    async def _store(
        self, call: Call, key: str | None, upload: AsyncUpload, measurement: Measurement
    ) -> str:
        """Put by one request."""

        headers = self._headers()

        async def attempt() -> str:
            try:
                with upload.own_errors():
                    body = await upload.start()
                    parts = put_request(
                        self._prefix,
                        key,
                        upload.plan,
                        body,
                        upload.content_length,
                        await headers.next(),
                    )
                    answer = await self._raw.call(parts, extensions=call.extensions())
                    return stored_key(answer.body, key)
            finally:
                await upload.stop()

        operation: Operation = "post" if key is None else "put"
        try:
            stored = await run_attempts_async(
                self._settings, call, operation, attempt, headers, upload.can_start
            )
        finally:
            await upload.aclose()
        record_sizes(measurement, upload.plan, upload.size, upload.sent)
        return stored

    def _large(
        self,
        call: Call,
        source: Source,
        plan: UploadPlan,
        on_progress: OnProgress | None,
        journal: UploadJournal | None = None,
    ) -> AsyncLargePut:
        resumable = AsyncResumable(self._raw, self._settings, call, self._prefix, self._headers)
        return AsyncLargePut(
            resumable,
            source,
            plan,
            self._settings.spool_dir,
            on_progress,
            call.deadline,
            journal,
        )

    async def _store_large(
        self,
        call: Call,
        key: str | None,
        large: AsyncLargePut,
        measurement: Measurement,
        path: Path | None = None,
    ) -> str:
        """Put by a session; by one request if the server declines."""
        try:
            stored = await large.run(key, path)
            size, sent = large.size, large.source.size
            if stored is None:
                upload = AsyncUpload(
                    large.source, as_it_is(large.plan), large.report(), call.deadline
                )
                stored = await self._store(call, key, upload, measurement)
            record_sizes(measurement, large.plan, size or 0, sent or 0)
            return stored
        finally:
            await large.aclose()

    async def _send(
        self,
        operation: Operation,
        request: Callable[..., api.RequestParts[_Body, _Headers]],
        call: Call,
    ) -> api.Response[_Body, _Headers]:
        return await send_async(
            self._raw, self._settings, call, operation, self._headers(), request
        )

    def _headers(self) -> AsyncAttemptHeaders:
        """What makes the headers of the attempts of one call."""
        return AsyncAttemptHeaders(
            self._tokens,
            self._usecase,
            self._scope,
            propagate_traces=self._settings.propagate_traces,
        )

    def _journal(self, key: str | None, path: Path) -> UploadJournal:
        identity = identity_of(
            self._settings.base_url, self._usecase.name, self._scope.path, key, path
        )
        directory = self._settings.spool_dir or Path(tempfile.gettempdir())
        return UploadJournal(directory, identity)

    def _parts(
        self, place: Place, *, decode: bool, max_decoded_size: int | None = None
    ) -> AsyncParts:
        return AsyncParts(
            self._raw,
            self._settings,
            self._prefix,
            place,
            self._headers,
            decode=decode,
            max_decoded_size=read_max_decoded_size(
                max_decoded_size, self._settings.max_decoded_size
            ),
        )
