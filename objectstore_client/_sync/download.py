# Generated from objectstore_client/_async/download.py; do not edit. To regenerate: python -m generator
"""Objects into files: in parts, over several connections, continued by another process."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Final

from objectstore_client._lanes import Lanes
from objectstore_client._runtime import run_blocking, run_cpu
from objectstore_client.errors import IntegrityError
from objectstore_client.files import Journal, PartialFile
from objectstore_client.journal import Facts, numbers
from objectstore_client.progress import OnProgress, Progress
from objectstore_client.ranges import Span

if TYPE_CHECKING:
    from pathlib import Path

    from objectstore_client._sync.parts import Parts
    from objectstore_client.settings import Call

__all__ = ["Download"]

PARALLEL_BYTES: Final = 64 * 1024 * 1024
"""From this size on, several connections are used."""

STEP_BYTES: Final = 8 * 1024 * 1024
"""About as much is fetched by one request, if there are several."""


class Download:
    """One object on its way into a file.

    Besides one piece of at most 512 KiB per connection, it holds the decoder's state of each.
    """

    def __init__(
        self,
        parts: Parts,
        call: Call,
        path: Path,
        *,
        connections: int,
        resume: bool,
        on_progress: OnProgress | None,
    ) -> None:
        self._parts = parts
        self._call = call
        self._file = PartialFile(path, keep=resume)
        self._journal = None
        if resume:
            partial = self._file.partial
            self._journal = Journal(partial.with_name(f"{partial.name}.journal"))
        self._connections = connections
        self._progress = None if on_progress is None else Progress(on_progress, parts.size)
        self._done = 0

    def run(self) -> None:
        """Fetch the object; the file is there when this returns, and not before."""
        parts, journal = self._parts, self._journal
        connections = self._connections
        if not parts.direct or (parts.size or 0) < PARALLEL_BYTES:
            connections = 1
        split = connections > 1 or journal is not None
        cuts = parts.cuts(STEP_BYTES) if split else [Span(0, parts.size)]
        known = run_blocking(self._begin, cuts)
        try:
            self._done = sum(_length(cuts[number]) for number in known)
            self._advance(0)
            missing = deque(number for number in range(len(cuts)) if number not in known)
            if connections == 1:
                for number in missing:
                    with closing(self._fetch(cuts[number])) as sizes:
                        for size in sizes:
                            self._advance(size)
                    self._note(number)
            else:
                self._fetch_beside(cuts, missing, connections)
            run_blocking(self._file.finish, self._done)
            if journal is not None:
                run_blocking(journal.remove)
        finally:
            run_blocking(self._file.give_up)

    def _begin(self, cuts: list[Span]) -> set[int]:
        """Open file and journal; return which of *cuts* are in the file already."""
        if self._journal is None:
            self._file.open(anew=True)
            return set()
        metadata, place = self._parts.metadata, self._parts.place
        created = metadata.time_created
        facts: Facts = {
            "usecase": place.usecase.name,
            "scope": place.scope.path,
            "key": place.key,
            "created": created.isoformat() if created else None,
            "stored": metadata.size,
            "size": self._parts.size,
            "cuts": len(cuts),
        }
        self._journal.load()
        lines = self._journal.lines
        if lines and lines[0] == facts and self._file.partial.exists() and self._parts.direct:
            self._file.open(anew=False)
            return numbers(lines[1:], "done", len(cuts))
        self._file.open(anew=True)
        self._journal.begin(facts)
        return set()

    def _fetch_beside(self, cuts: list[Span], missing: deque[int], connections: int) -> None:
        """Fetch the *missing* of *cuts* over several connections."""
        left = len(missing)

        def job() -> None:
            while missing:
                try:
                    number = missing.popleft()
                except IndexError:
                    return
                with closing(self._fetch(cuts[number])) as sizes:
                    for size in sizes:
                        lanes.hand_over((size, None))
                lanes.hand_over((0, number))

        with Lanes[tuple[int, int | None]](most=connections, room=64) as lanes:
            for _ in range(min(connections, left)):
                lanes.start(job)
            while left:
                size, number = lanes.take()
                self._advance(size)
                if number is not None:
                    left -= 1
                    self._note(number)

    def _fetch(self, span: Span) -> Generator[int]:
        """Write a part of the payload into the file; yields the size of each piece."""
        offset = span.start
        payload = self._parts.open(self._call, span)
        try:
            while piece := payload.read1():
                run_cpu(len(piece), self._file.write_at, offset, piece)
                offset += len(piece)
                yield len(piece)
        finally:
            payload.close()
        if span.end is not None and offset != span.end:
            raise IntegrityError("the payload is not as long as the server said")

    def _advance(self, size: int) -> None:
        self._done += size
        if self._progress is not None:
            self._progress.reach(self._done)

    def _note(self, number: int) -> None:
        """Write down that a part is whole."""
        if self._journal is not None:
            run_blocking(self._file.sync)
            run_blocking(self._journal.add, {"done": number})


def _length(span: Span) -> int:
    assert span.end is not None
    return span.end - span.start
