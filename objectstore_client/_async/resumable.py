"""Objects into the service by resumable sessions: in chunks, each sent again if it got lost."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from objectstore_api.api.objects import delete_object, head_object, put_object

from objectstore_client._async.exchange import run_attempts_async, send_async
from objectstore_client._async.upload import AsyncUpload
from objectstore_client._httpx import FAILURES, failure_of, header_of, hide, status_of, translate
from objectstore_client._runtime import sleep_async
from objectstore_client.errors import (
    ApiError,
    InvalidResponseError,
    ObjectNotFound,
    ObjectstoreError,
)
from objectstore_client.progress import Progress
from objectstore_client.requests import metadata_of, probe_request, put_request, stored_key
from objectstore_client.resumable import (
    Chunk,
    Gone,
    Query,
    ResumableUpload,
    check_session,
    is_declined,
    read_offset,
    supports_resumable,
)
from objectstore_client.retries import Failure, decide
from objectstore_client.upload_journal import Session

if TYPE_CHECKING:
    import objectstore_api as api
    from objectstore_api.api.objects.head_object import HeadObjectHeaders

    from objectstore_client._async.tokens import AsyncAttemptHeaders
    from objectstore_client.settings import Call, Settings
    from objectstore_client.sources import Source
    from objectstore_client.uploads import UploadPlan

__all__ = ["AsyncResumable"]

_UNKNOWN = "unknown"

_MOST_SESSIONS = 3
"""How many sessions are tried for one object, if they vanish."""


class AsyncResumable:
    """Resumable uploads to one usecase and scope, within one call."""

    def __init__(
        self,
        raw: api.AsyncClient,
        settings: Settings,
        call: Call,
        prefix: str,
        new_headers: Callable[[], AsyncAttemptHeaders],
    ) -> None:
        self._raw = raw
        self._settings = settings
        self._call = call
        self._prefix = prefix
        self._new_headers = new_headers
        self._headers = new_headers()  # of the steps, which are one call
        self._cost = 0  # of the retries since the last success, to the budget

    async def is_supported(self) -> bool:
        """Whether the server takes resumable uploads; asked once, without doing harm.

        An old one would store an empty object in place of opening a session.
        """
        support = self._settings.resumable
        if support.known is None:
            headers = self._new_headers()

            async def attempt() -> int:
                parts = probe_request(self._prefix, await headers.next())
                try:
                    answer = await self._raw.call(parts, extensions=self._call.extensions())
                except FAILURES as error:
                    status = status_of(error)
                    if status is None or supports_resumable(status) is None:
                        raise
                    return status
                return answer.status_code

            status = await run_attempts_async(
                self._settings, self._call, "delete", attempt, headers
            )
            support.known = supports_resumable(status)
        return bool(support.known)

    async def open(self, key: str | None, plan: UploadPlan, length: int) -> Session | None:
        """Open a session; `None` if the server declines, and the object has to be put plainly."""
        before = None if key is None else await self._created(key)
        headers = self._new_headers()

        async def attempt() -> Session | None:
            extra_headers = await headers.next()
            parts = put_request(
                self._prefix, key, plan, None, None, extra_headers, session_length=length
            )
            try:
                opened = (await self._raw.call(parts, extensions=self._call.extensions())).body
            except FAILURES as error:
                if is_declined(status_of(error)):
                    return None
                raise
            token = getattr(opened, "session", None)
            if opened is None or token is None:
                # It ignores the query, and has stored an empty object.
                self._settings.resumable.known = False
                if key is None and opened is not None:
                    await self._delete(opened.key)
                return None
            chosen, granularity = stored_key(opened, key), getattr(opened, "granularity", None)
            check_session(token, granularity)
            return Session(chosen, token, granularity, before)

        return await run_attempts_async(self._settings, self._call, "put", attempt, headers)

    async def send(
        self,
        session: Session,
        body: Source,
        plan: UploadPlan,
        progress: Progress,
        *,
        begun: bool = False,
        on_session: Callable[[Session], None] = lambda session: None,
    ) -> str:
        """Send *body* by *session*, and by others if that one vanishes; returns the key.

        Args:
            session: As `open` returned it.
            body: What is stored, as it is; has `pieces_from`.
            plan: The headers of the object.
            progress: Told about the bytes of *body* that were sent.
            begun: An earlier process has used the session already.
            on_session: Called with each further session.
        """
        assert body.size is not None
        plain = replace(plan, compress=False)
        sessions = 1
        while True:
            state = ResumableUpload(body.size, session.granularity, begun=begun)
            if await self._finish(session, state, body, plain, progress):
                return session.key
            again = await self.open(session.key, plan, body.size)
            if again is None or sessions == _MOST_SESSIONS:
                raise InvalidResponseError("the server forgets the sessions it opens")
            session, begun, sessions = again, False, sessions + 1
            on_session(session)

    async def cancel(self, session: Session) -> None:
        """End a session, if that is possible; what it is good for is over anyway."""
        parts = delete_object.build_request_at(
            self._prefix,
            session.key,
            session=session.token,
            extra_headers=await self._headers.next(),
        )
        with suppress(*FAILURES):
            await self._raw.call(parts, extensions=self._call.extensions())

    async def _finish(
        self,
        session: Session,
        state: ResumableUpload,
        body: Source,
        plan: UploadPlan,
        progress: Progress,
    ) -> bool:
        """Take a session to its end; false if it vanishes before."""
        while True:
            step = state.step()
            try:
                offset = await self._take(step, session, body, plan, progress)
            except FAILURES as cause:
                status = status_of(cause)
                told = header_of(cause, "upload-offset")
                if status == 409 and told is not None:
                    state.stands_at(read_offset(told))
                elif status in (404, 410) or (status == 400 and isinstance(step, Query)):
                    if state.gone() is Gone.START_OVER:
                        return False
                    return await self._is_there(session, state.length)
                elif not await self._headers.replace(status):
                    hide(session.token, cause)
                    self._headers.conceal(cause)
                    await self._wait(cause, state)
            else:
                self._settings.budget.succeed(self._cost)
                self._cost = 0
                if offset is None:
                    return True
                state.stands_at(offset)
            if state.failures > max(self._call.retries.attempts, 2):
                raise InvalidResponseError("the server takes chunks without keeping anything")

    async def _take(
        self,
        step: Chunk | Query,
        session: Session,
        body: Source,
        plan: UploadPlan,
        progress: Progress,
    ) -> int | None:
        """Send a chunk or a query; returns where the upload stands, `None` at its end."""
        if isinstance(step, Query):
            parts = put_object.build_request_at(
                self._prefix,
                session.key,
                session=session.token,
                upload_offset="*",
                extra_headers=await self._headers.next(),
            )
            answer = await self._raw.call(parts, extensions=self._call.extensions())
        else:
            start = step.offset
            upload = AsyncUpload(
                body.part(start, step.size), plan, lambda done, _: progress.reach(start + done)
            )
            try:
                with upload.own_errors():
                    parts = put_object.build_request_at(
                        self._prefix,
                        session.key,
                        body=await upload.start(),
                        content_length=upload.content_length,
                        session=session.token,
                        upload_offset=str(start),
                        extra_headers=await self._headers.next(),
                    )
                    answer = await self._raw.call(parts, extensions=self._call.extensions())
            finally:
                await upload.stop()
        if answer.status_code == 204:
            if answer.headers.upload_offset is None:
                raise InvalidResponseError("the server does not say where the upload stands")
            return answer.headers.upload_offset
        rest = isinstance(step, Chunk) and step.offset + step.size != body.size
        if answer.status_code != 201 or rest:
            # It does not know the session, and took the chunk for an object.
            raise InvalidResponseError("the server ended the upload before everything was sent")
        stored_key(answer.body, session.key)
        return None

    async def _wait(self, cause: Exception, state: ResumableUpload) -> None:
        """Wait before the next step, if there may be one after *cause*."""
        failed, now = failure_of(cause), time.monotonic()
        if failed.failure is Failure.STALE:
            failed = replace(failed, failure=Failure.BROKEN)
        decision = decide(
            operation="put",
            failure=failed.failure,
            progress=failed.progress,
            replayable=True,
            attempt=state.failures + 1,
            policy=self._call.retries,
            random=random.random,
            free_used=True,
            remaining=None if self._call.deadline is None else self._call.deadline - now,
            retry_after=failed.retry_after,
        ).within(self._settings.budget)
        if decision.delay is None:
            error = translate(cause, past_deadline=self._call.past_deadline)
            error.attempts, error.elapsed = state.failures + 1, now - self._call.started
            error.retryable, error.outcome_unknown = decision.retryable, state.completing
            raise error from cause
        await sleep_async(decision.delay)
        self._cost += decision.cost
        state.failed()

    async def _is_there(self, session: Session, length: int) -> bool:
        """Whether the object was stored although the answer that said so got lost."""
        try:
            answer = await self._head(session.key)
        except ObjectNotFound:
            return False
        if session.before == _UNKNOWN:
            return False  # to send everything once more does no harm
        metadata = metadata_of(answer.headers)
        created = metadata.time_created
        return (
            metadata.size == length
            and created is not None
            and created.isoformat() != session.before
        )

    async def _created(self, key: str) -> str | None:
        """When the object was created that is there now."""
        try:
            answer = await self._head(key)
        except ObjectNotFound:
            return None
        except ApiError:
            return _UNKNOWN  # not ours to read, perhaps
        created = answer.headers.x_sn_time_created
        return _UNKNOWN if created is None else created.isoformat()

    async def _head(self, key: str) -> api.Response[None, HeadObjectHeaders]:
        request = partial(head_object.build_request_at, self._prefix, key)
        return await send_async(
            self._raw, self._settings, self._call, "head", self._new_headers(), request
        )

    async def _delete(self, key: str) -> None:
        parts = delete_object.build_request_at(
            self._prefix, key, extra_headers=await self._headers.next()
        )
        with suppress(*FAILURES, ObjectstoreError):
            await self._raw.call(parts, extensions=self._call.extensions())
