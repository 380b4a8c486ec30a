# Generated from objectstore_client/_async/batch.py; do not edit. To regenerate: python -m generator
"""Batches: one request for many operations, repeated for those of them that failed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from objectstore_api.api.batch import batch_objects

from objectstore_client._httpx import FAILURES, failure_of
from objectstore_client._lanes import Lanes
from objectstore_client._runtime import run_cpu
from objectstore_client._sync.held import HeldBody, LateBody
from objectstore_client._sync.payload import Payload
from objectstore_client.batch.answers import Answer, Correlation
from objectstore_client.batch.attempts import BREAKS, Miss, judge, missed, without_token
from objectstore_client.batch.encode import Encoder, Entry
from objectstore_client.batch.framing import FramingError, PartReader, new_boundary, read_boundary
from objectstore_client.batch.operations import OperationResult
from objectstore_client.engine.facts import Progress
from objectstore_client.errors import ConnectionLostError, DataError, TokenProviderError
from objectstore_client.metrics import Measurement, report
from objectstore_client.place import Place
from objectstore_client.requests import is_decodable
from objectstore_client.retries import Failure, failure_of_status
from objectstore_client.settings import Call

if TYPE_CHECKING:
    import objectstore_api as api

    from objectstore_client._sync.client import Client, GetResult
    from objectstore_client.metadata import Metadata

__all__ = ["Batches", "Lot"]

STEP_BYTES = 2 * 1024 * 1024
"""How much is encoded at once; a batch up to this is sent with its length."""

Lot: TypeAlias = "list[tuple[Entry, OperationResult[Any]]]"
"""Results that came together."""


class Batches:
    """Sends the batches of one call of `many`, and hands over the results.

    Args:
        client: Whose objects they are about.
        get_result: Makes the result of a get.
        options: Time-outs, deadline and retries, as all methods of the client take them.
        lanes: Take the results.
    """

    def __init__(
        self,
        client: Client,
        get_result: Callable[[Metadata, Payload], GetResult],
        options: Mapping[str, Any],
        lanes: Lanes[Any],
    ) -> None:
        self._client = client
        self._raw = client._raw
        self._settings = client._settings
        self._place = Place("batch", client.usecase, client.scope, None)
        self._get_result = get_result
        self._options = options
        self._lanes = lanes

    def run(self, entries: list[Entry]) -> bool:
        """Send a batch, and again what may be sent again; true if the server was overloaded."""
        call = self._settings.call(**self._options)
        headers = self._client._headers()
        counted, free_used, cost, throttled = 1, False, 0, False
        while entries:
            try:
                misses, status = self._attempt(entries, call, headers.next())
                if headers.replace(status):
                    entries = [miss.entry for miss in misses]
                    continue
            except TokenProviderError as error:
                lost = [
                    (entry, self.failed(entry, without_token(entry, error))) for entry in entries
                ]
                self._lanes.hand_over(lost)
                break
            if len(misses) < len(entries):
                self._settings.budget.succeed(cost)
            verdict = judge(
                misses,
                attempt=counted,
                free_used=free_used,
                call=call,
                now=time.monotonic(),
                budget=self._settings.budget,
                draw=random.random(),
            )
            for miss in verdict.lost:
                headers.conceal(miss.error)
                headers.explain(miss.error)
            if verdict.lost:
                self._lanes.hand_over(
                    [(miss.entry, self.failed(miss.entry, miss.error)) for miss in verdict.lost]
                )
            throttled |= verdict.throttled
            entries, cost = verdict.again, verdict.cost
            counted, free_used = counted + (cost > 0), free_used or cost == 0
            if entries:
                self._lanes.pause(verdict.delay)
        return throttled

    def failed(self, entry: Entry, error: Exception) -> OperationResult[Any]:
        """The result of an operation that failed."""
        located = self._at(entry).located(error)
        assert isinstance(located, Exception)
        return OperationResult(entry.operation, entry.key, entry.attempts, error=located)

    def _attempt(
        self, entries: list[Entry], call: Call, headers: Mapping[str, str]
    ) -> tuple[list[Miss], int | None]:
        """Send one request, and hand over the results of what succeeded.

        Returns:
            What did not, and the status if the request was refused as a whole.
        """
        start = time.perf_counter()
        encoder = Encoder(entries, new_boundary())
        correlation = Correlation(encoder.sent)
        misses: list[Miss] = []
        cause: Exception | None = None
        try:
            self._exchange(encoder, correlation, call, headers, misses)
        except BREAKS as error:
            cause = error
        if encoder.spoilt:
            self._lanes.hand_over(
                [(entry, self.failed(entry, error)) for entry, error in encoder.spoilt]
            )
        late = call.past_deadline
        misses += (
            missed(entry, cause, sent=sent, past_deadline=late)
            for entries_missed, sent in ((correlation.unanswered, True), (encoder.unsent, False))
            for entry in entries_missed
        )
        size = sum(entry.size for entry in encoder.sent)
        report(
            self._settings.metrics_backend,
            self._place.operation,
            self._place.usecase.name,
            time.perf_counter() - start,
            Measurement(size) if len(misses) < len(entries) else None,
        )
        return misses, failure_of(cause).status if isinstance(cause, FAILURES) else None

    def _exchange(
        self,
        encoder: Encoder,
        correlation: Correlation,
        call: Call,
        headers: Mapping[str, str],
        misses: list[Miss],
    ) -> None:
        first = self._encode(encoder)
        body = first if encoder.ended else self._body(encoder, first)
        try:
            parts = batch_objects.build_request_at(
                self._client._prefix,
                body=body,
                content_type=encoder.content_type,
                extra_headers=headers,
            )
            # Servers answer some operations while they still receive others.
            extensions = {**call.extensions(), "duplex": True}
            answer = self._raw.open(parts, extensions=extensions)
            try:
                self._read(answer, correlation, call, misses)
            finally:
                answer.close()
        finally:
            if not isinstance(body, bytes):
                body.close()

    def _body(self, encoder: Encoder, piece: bytes) -> Generator[bytes]:
        while piece:
            yield piece
            piece = self._encode(encoder)

    def _encode(self, encoder: Encoder) -> bytes:
        work = encoder.work(STEP_BYTES)
        with self._lanes.turn if encoder.is_fine else nullcontext():
            return run_cpu(work, encoder.encode, STEP_BYTES)

    def _read(
        self,
        answer: api.StreamedResponse[batch_objects.BatchObjectsHeaders],
        correlation: Correlation,
        call: Call,
        misses: list[Miss],
    ) -> None:
        boundary = read_boundary(answer.headers.content_type or "")
        if boundary is None:
            raise FramingError("it has no content type with a boundary")
        reader = PartReader(boundary)
        held = replace(call, deadline=None)  # what was received can be read at any time
        for chunk in answer.iter_raw():
            lot: Lot = []
            broken: Exception | None = None
            with self._lanes.turn:
                try:
                    for part in reader.feed(chunk):
                        said = Answer(part)
                        entry = correlation.entry(said)
                        result = self._sort(entry, said, held)
                        if isinstance(result, Miss):
                            misses.append(result)
                        else:
                            lot.append((entry, result))
                except BREAKS as error:
                    broken = error
            if lot:
                self._lanes.hand_over(lot)
            if broken is not None:
                raise broken
        if not reader.ended:
            raise ConnectionLostError("the server's answer to a batch ended too early")

    def _sort(self, entry: Entry, said: Answer, call: Call) -> OperationResult[Any] | Miss:
        if said.status >= 400:
            failure = failure_of_status(said.status)
            return Miss(entry, said.error(entry), failure, Progress.ANSWERED)
        try:
            return self._result(entry, said, call)
        except DataError as error:
            return Miss(entry, error, Failure.DATA, Progress.ANSWERED)

    def _result(self, entry: Entry, said: Answer, call: Call) -> OperationResult[Any]:
        said.check_success(entry)
        key = entry.key
        value: object = None
        if entry.kind == "get":
            value = self._got(entry, said, call)
        elif entry.kind == "head":
            value = said.metadata()
        elif entry.kind != "delete":
            key = value = said.key(entry)
        return OperationResult(entry.operation, key, entry.attempts, value)

    def _got(self, entry: Entry, said: Answer, call: Call) -> GetResult:
        metadata = said.metadata()
        key = entry.key
        assert key is not None
        body: HeldBody | LateBody
        if said.part.whole:
            body = HeldBody(said.part.body, metadata.size, entry.attempts)
        else:
            body = LateBody(
                metadata,
                lambda: self._client.get(key, decompress=False, **self._options),
                entry.attempts,
            )
        payload = Payload(
            body,
            self._at(entry),
            call,
            decode=is_decodable(metadata),
            content_encoding=None,
            max_decoded_size=self._settings.max_decoded_size,
            on_progress=None,
        )
        payload.begin()
        return self._get_result(metadata, payload)

    def _at(self, entry: Entry) -> Place:
        place = self._place
        return Place(entry.name, place.usecase, place.scope, entry.key)
