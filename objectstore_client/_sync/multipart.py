# Generated from objectstore_client/_async/multipart.py; do not edit. To regenerate: python -m generator
"""Multipart uploads: an object in numbered parts, over several connections."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from objectstore_api.api.multipart import (
    abort_multipart,
    complete_multipart,
    initiate_multipart,
    initiate_multipart_with_key,
    list_parts,
    put_part,
)

from objectstore_client._lanes import Lanes
from objectstore_client._runtime import iterate
from objectstore_client._sync.exchange import run_attempts, send
from objectstore_client.errors import (
    InvalidArgumentError,
    InvalidResponseError,
    ObjectstoreError,
)
from objectstore_client.multipart import (
    MAX_PARTS,
    UploadedPart,
    check_part_number,
    completed_key,
    manifest_of,
    part_size,
)
from objectstore_client.place import Measuring, Place
from objectstore_client.requests import named_key
from objectstore_client.settings import DeadlineLike
from objectstore_client.timeouts import TimeoutLike

if TYPE_CHECKING:
    import objectstore_api as api

    from objectstore_client._sync.tokens import AttemptHeaders
    from objectstore_client._sync.upload import Upload
    from objectstore_client.retries import Operation
    from objectstore_client.settings import Call, Settings
    from objectstore_client.uploads import UploadPlan

__all__ = ["MultipartUpload", "begin_multipart", "put_parts"]

_Body = TypeVar("_Body")
_Headers = TypeVar("_Headers")


class MultipartUpload:
    """An object that is being put together of parts; made by `begin_multipart`.

    Parts are sent as they are: a compressed object is one whose parts are zstd frames. Everything
    can be called from several threads or tasks at once, but for `complete` and `abort`, which end
    it. What is neither completed nor aborted may stay on the server for ever.

    Attributes:
        key: Of the object.
        upload_id: With the key, what `resume_multipart` takes to go on with it.
    """

    def __init__(
        self,
        raw: api.Client,
        settings: Settings,
        prefix: str,
        place: Place,
        upload_id: str,
        new_headers: Callable[[], AttemptHeaders],
    ) -> None:
        self.key = place.key or ""
        self.upload_id = upload_id
        self._raw = raw
        self._settings = settings
        self._prefix = prefix
        self._place = place
        self._new_headers = new_headers

    def put_part(
        self,
        number: int,
        data: bytes | bytearray | memoryview,
        *,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
    ) -> UploadedPart:
        """Store a part, or replace it (protocol 10.2).

        Args:
            number: From 1 to 10 000.
            data: Its bytes: some servers demand 5 MiB of all parts but the last.
            timeout: Time-outs of this call instead of the client's.
            deadline: Seconds that the call may take in all, instead of the client's.
        """
        with self._operation("multipart.put_part") as measurement:
            check_part_number(number)
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise InvalidArgumentError("data: must be bytes")
            size = memoryview(data).nbytes
            parts = partial(
                put_part.build_request_at,
                self._prefix,
                self.key,
                part_number=number,
                upload_id=self.upload_id,
                body=data,
            )
            call = self._settings.call(timeout, deadline, None)
            answer = self._send("put", parts, call)
            measurement.size = size
            return UploadedPart(number, answer.body.etag, size)

    def list_parts(self) -> list[UploadedPart]:
        """All parts that the server has, by number (protocol 10.3)."""
        found: list[UploadedPart] = []
        with self._operation("multipart.list_parts"):
            call = self._settings.call(None, None, None)
            marker = None
            while True:
                parts = partial(
                    list_parts.build_request_at,
                    self._prefix,
                    self.key,
                    upload_id=self.upload_id,
                    part_number_marker=marker,
                )
                page = self._send("get", parts, call).body
                found += [UploadedPart(x.part_number, x.etag, x.size) for x in page.parts]
                if len(found) > MAX_PARTS:
                    raise InvalidResponseError("the list of parts has more than there can be")
                if not page.is_truncated:
                    return found
                after = page.next_part_number_marker
                if after is None or not (marker or 0) < after <= MAX_PARTS:
                    raise InvalidResponseError("the list of parts does not say where it goes on")
                marker = after

    def complete(
        self,
        parts: Iterable[UploadedPart],
        *,
        timeout: TimeoutLike | None = None,
        deadline: DeadlineLike | None = None,
    ) -> str:
        """Make the object of *parts*, in the order of their numbers (protocol 10.4).

        The server answers at once and then takes its time; the read time-out is not for the whole,
        as it sends a sign of life each second.

        Returns:
            The key of the object.

        Raises:
            InvalidArgumentError: If there are no parts, or a number comes twice.
            MultipartError: If the parts can't be joined; `.code` says why.
            TransportError: If there is no answer; the object may have been stored.
        """
        with self._operation("multipart.complete"):
            request = partial(
                complete_multipart.build_request_at,
                self._prefix,
                self.key,
                body=manifest_of(parts),
                upload_id=self.upload_id,
            )
            call = self._settings.call(timeout, deadline, None)
            answer = self._send("post", request, call)
            return named_key(completed_key(answer.body), self.key)

    def abort(self) -> None:
        """Forget the upload and all its parts (protocol 10.5)."""
        with self._operation("multipart.abort"):
            parts = partial(
                abort_multipart.build_request_at,
                self._prefix,
                self.key,
                upload_id=self.upload_id,
            )
            self._send("delete", parts, self._settings.call(None, None, None))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key!r}>"

    def _operation(self, operation: str) -> Measuring:
        return Measuring(replace(self._place, operation=operation), self._settings.metrics_backend)

    def _send(
        self,
        operation: Operation,
        request: Callable[..., api.RequestParts[_Body, _Headers]],
        call: Call,
    ) -> api.Response[_Body, _Headers]:
        return send(self._raw, self._settings, call, operation, self._new_headers(), request)


def begin_multipart(
    raw: api.Client,
    settings: Settings,
    call: Call,
    prefix: str,
    place: Place,
    plan: UploadPlan,
    new_headers: Callable[[], AttemptHeaders],
) -> MultipartUpload:
    """Begin an upload (protocol 10.1)."""
    attempt_headers = new_headers()

    def attempt() -> MultipartUpload:
        headers = {**attempt_headers.next(), **plan.custom}
        if plan.content_type is not None:
            headers["content-type"] = plan.content_type
        if place.key is None:
            parts = initiate_multipart.build_request_at(
                prefix,
                content_encoding=plan.content_encoding,
                x_sn_expiration=plan.expiration,
                x_sn_origin=plan.origin,
                x_sn_filename=plan.filename,
                extra_headers=headers,
            )
            begun = (raw.call(parts, extensions=call.extensions())).body
        else:
            with_key = initiate_multipart_with_key.build_request_at(
                prefix,
                place.key,
                content_encoding=plan.content_encoding,
                x_sn_expiration=plan.expiration,
                x_sn_origin=plan.origin,
                x_sn_filename=plan.filename,
                extra_headers=headers,
            )
            begun = (raw.call(with_key, extensions=call.extensions())).body
        found = replace(place, key=named_key(begun.key, place.key))
        return MultipartUpload(raw, settings, prefix, found, begun.upload_id, new_headers)

    return run_attempts(settings, call, "put", attempt, attempt_headers)


def put_parts(multipart: MultipartUpload, upload: Upload, connections: int) -> str:
    """Send a payload as parts, over several connections, and make the object of them.

    Holds *connections* + 1 parts, of 8 MiB at first. Aborts the upload if that fails.
    """
    parts: list[UploadedPart] = []
    under_way = 0

    def sending(number: int, data: bytes) -> Callable[[], None]:
        def job() -> None:
            lanes.hand_over(multipart.put_part(number, data))

        return job

    try:
        with Lanes[UploadedPart](most=connections, room=connections) as lanes:
            with closing(_in_parts(upload)) as cut:
                for number, data in cut:
                    if under_way == connections:
                        parts.append(lanes.take())
                        under_way -= 1
                    lanes.start(sending(check_part_number(number), data))
                    under_way += 1
            while under_way:
                parts.append(lanes.take())
                under_way -= 1
        return multipart.complete(parts)
    except BaseException:
        with suppress(ObjectstoreError):
            multipart.abort()
        raise


def _in_parts(upload: Upload) -> Generator[tuple[int, bytes]]:
    """The body of *upload*, cut into numbered parts; at least one."""
    pending, number = bytearray(), 1
    body = upload.start()
    try:
        pieces = iterate([body]) if isinstance(body, (bytes, memoryview)) else body
        for piece in pieces:
            pending += piece
            while len(pending) >= part_size(number):
                yield number, bytes(pending[: part_size(number)])
                del pending[: part_size(number)]
                number += 1
        if pending or number == 1:
            yield number, bytes(pending)
    finally:
        upload.stop()
        upload.close()
