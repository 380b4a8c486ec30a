# Generated from objectstore_client/_async/large.py; do not edit. To regenerate: python -m generator
"""Large objects into the service by resumable sessions: spooled if need be, journaled if wanted."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from objectstore_client._runtime import run_blocking
from objectstore_client._sync.upload import Upload
from objectstore_client.files import Spool, check_space
from objectstore_client.journal import Facts
from objectstore_client.progress import OnProgress, Progress
from objectstore_client.sources import Source, open_source
from objectstore_client.upload_journal import UploadJournal, fingerprint

if TYPE_CHECKING:
    from objectstore_client._sync.resumable import Resumable
    from objectstore_client.uploads import UploadPlan

__all__ = ["LargePut"]


class LargePut:
    """One object on its way.

    What is sent must have a known size, and be there when a part has to be sent again. So what is
    compressed, can be read only once, or is of unknown size, goes into a spool first: 8 MiB of
    memory, then a file.

    Attributes:
        source: What is stored, when it is ready.
        plan: The headers that go with it.
        size: Bytes of the contents, before compression; known when they were read.
    """

    def __init__(
        self,
        resumable: Resumable,
        source: Source,
        plan: UploadPlan,
        spool_dir: Path | None,
        on_progress: OnProgress | None,
        deadline: float | None,
        journal: UploadJournal | None = None,
    ) -> None:
        self.source = source
        self.plan = plan
        self.size = source.size
        self._resumable = resumable
        self._directory = spool_dir or Path(tempfile.gettempdir())
        self._on_progress = on_progress
        self._deadline = deadline
        self._journal = journal
        self._spool: Spool | None = None

    def is_possible(self, *, required: bool) -> bool:
        """Whether the server takes it; if it is not *required*, also whether there is room."""
        if not self._resumable.is_supported():
            return False
        if required or not self._needs_spool():
            return True
        try:
            run_blocking(check_space, self._directory, self.source.size or 0)
        except OSError:
            return False
        return True

    def run(self, key: str | None, path: Path | None = None) -> str | None:
        """Send it, and return its key; `None` if it has to be put plainly, from `source`.

        Args:
            key: Of the object; the server chooses one for `None`.
            path: The file that is uploaded, if there is a journal.
        """
        if path is None or self._journal is None:
            self._prepare()
        else:
            self._prepare_from(path)
        journal = self._journal
        session = None if journal is None else journal.session
        begun = session is not None
        if session is None:
            if not self.source.size:
                return None  # there is no such thing as an empty resumable upload
            session = self._resumable.open(key, self.plan, self.source.size)
            if session is None:
                return None
            if journal is not None:
                run_blocking(journal.opened, session)
        try:
            return self._resumable.send(
                session,
                self.source,
                self.plan,
                Progress(self.report() or _untold, self.source.size),
                begun=begun,
                on_session=journal.opened if journal is not None else lambda session: None,
            )
        except BaseException:
            if journal is None:
                self._resumable.cancel(session)
            raise

    def close(self) -> None:
        """Let go of the spool."""
        if self._spool is not None:
            run_blocking(self._spool.close)
            self._spool = None

    def _prepare_from(self, path: Path) -> None:
        """Go on with what an earlier process left, if it is about the same; else begin anew."""
        journal = self._journal
        assert journal is not None
        facts: Facts = {
            **run_blocking(fingerprint, path),
            "plan": hashlib.sha256(repr(self.plan).encode()).hexdigest(),
        }
        run_blocking(journal.load)
        if journal.is_about(facts) and journal.stored is not None:
            if self.plan.compress is None:
                self.plan = self.plan.settled(compress=bool(journal.compressed))
            if not journal.compressed:
                return
            if journal.spool.exists() and journal.spool.stat().st_size == journal.stored:
                self.source = open_source(journal.spool)
                return
        if journal.session is not None:
            self._resumable.cancel(journal.session)
        run_blocking(journal.begin, facts)
        self._prepare()
        assert self.source.size is not None
        run_blocking(journal.prepared, self.source.size, compressed=bool(self.plan.compress))

    def _prepare(self) -> None:
        """Have `source` as it is to be stored, with a size, and readable from any offset."""
        source, journal = self.source, self._journal
        if not self._needs_spool():
            return
        if source.size is not None:
            run_blocking(check_space, self._directory, source.size)
        path = None if journal is None else journal.spool
        self._spool = spool = run_blocking(Spool, self._directory, path)
        upload = Upload(source, self.plan, None, self._deadline)
        try:
            body = upload.start()
            if isinstance(body, (bytes, memoryview)):
                run_blocking(spool.write, body)
            else:
                for piece in body:
                    run_blocking(spool.write, piece)
        finally:
            upload.stop()
            upload.close()
        run_blocking(spool.rewind, durably=journal is not None)
        self.size, self.plan = upload.size, upload.plan
        self.source = open_source(spool.file)

    def _needs_spool(self) -> bool:
        source = self.source
        return self.plan.compress is not False or source.size is None or source.pieces_from is None

    def report(self) -> OnProgress | None:
        """Tells the caller about the contents, when told about what is sent."""
        on_progress, stored, size = self._on_progress, self.source.size, self.size
        if on_progress is None or not stored or size is None or stored == size:
            return on_progress
        return lambda done, _: on_progress(done * size // stored, size)


def _untold(done: int, total: int | None) -> None:
    """Nobody wants to know."""


def as_it_is(plan: UploadPlan) -> UploadPlan:
    """*plan* for what is ready to be stored."""
    return replace(plan, compress=False)
