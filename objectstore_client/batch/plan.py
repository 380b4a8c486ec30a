"""What goes out when: which operations share a request, and how many requests are in flight.

Rules that hold for every plan:

* A batch has at most 1 000 operations and 4 MiB, in memory as on the wire. (Servers take 1 GiB, but
  larger batches are no faster, and take as much to hold and to send again.)
* Operations on one key run in the order in which they were given: each begins when those before it
  have ended. Reads of one key may run together. Operations on different keys run in any order.
* What does not fit into a batch goes out alone, in the same order per key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from objectstore_client.batch.encode import Entry

__all__ = ["MAX_BATCH_BYTES", "MAX_BATCH_OPERATIONS", "Planner", "Tempo"]

MAX_BATCH_OPERATIONS = 1000
"""What servers take at once (protocol section 9.3)."""

MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Most bytes of the operations of one batch; what servers take is more."""


class _Claim:
    """The operations on one key: how many are on their way, and which wait for them."""

    __slots__ = ("holders", "reading", "waiting")

    def __init__(self, entry: Entry) -> None:
        self.holders = 1
        self.reading = entry.reads
        self.waiting: deque[Entry] = deque()


class Planner:
    """Takes entries in the order given, and makes batches of those that may run."""

    def __init__(self) -> None:
        self._ready: deque[Entry] = deque()
        self._weight = 0  # of those
        self._alone: deque[Entry] = deque()
        self._claims: dict[str, _Claim] = {}
        self._waiting = 0
        self._waiting_weight = 0

    @property
    def has_room(self) -> bool:
        """Whether more entries may be added: what waits for its key is bounded like a batch."""
        return self._waiting < MAX_BATCH_OPERATIONS and self._waiting_weight < MAX_BATCH_BYTES

    def add(self, entry: Entry) -> None:
        """Take the next entry."""
        if entry.key is None:
            self._release(entry)
            return
        claim = self._claims.get(entry.key)
        if claim is None:
            self._claims[entry.key] = _Claim(entry)
            self._release(entry)
        elif claim.reading and entry.reads and not claim.waiting:
            claim.holders += 1
            self._release(entry)
        else:
            claim.waiting.append(entry)
            self._waiting += 1
            self._waiting_weight += entry.weight

    def next(self, *, flush: bool) -> list[Entry] | None:
        """What is to go out next: one entry alone, or a batch; `None` if nothing is.

        Args:
            flush: A batch need not be full: for now, nothing more comes.
        """
        if self._alone:
            return [self._alone.popleft()]
        full = len(self._ready) >= MAX_BATCH_OPERATIONS or self._weight >= MAX_BATCH_BYTES
        if not (full or (flush and self._ready)):
            return None
        return list(self._take())

    def done(self, entry: Entry) -> None:
        """Note that an entry has ended; now those may run that had to wait for it."""
        if entry.key is None:
            return
        claim = self._claims[entry.key]
        claim.holders -= 1
        if claim.holders:
            return
        if not claim.waiting:
            del self._claims[entry.key]
            return
        claim.reading = claim.waiting[0].reads
        while claim.waiting and (not claim.holders or (claim.reading and claim.waiting[0].reads)):
            following = claim.waiting.popleft()
            claim.holders += 1
            self._waiting -= 1
            self._waiting_weight -= following.weight
            self._release(following)

    def _release(self, entry: Entry) -> None:
        if entry.alone:
            self._alone.append(entry)
        else:
            self._ready.append(entry)
            self._weight += entry.weight

    def _take(self) -> Iterator[Entry]:
        weight = 0
        for _ in range(min(len(self._ready), MAX_BATCH_OPERATIONS)):
            weight += self._ready[0].weight
            if weight > MAX_BATCH_BYTES:
                return
            entry = self._ready.popleft()
            self._weight -= entry.weight
            yield entry


class Tempo:
    """How many requests may be in flight: halved when the server is overloaded, then up again.

    Args:
        most: The most that there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(most)

    @property
    def allowed(self) -> int:
        """How many there may be now; 1 at least."""
        return int(self._allowed)

    def note(self, *, throttled: bool) -> None:
        """Note that one has ended, and whether the server said that it was too much."""
        if throttled:
            self._allowed = max(1.0, self._allowed / 2)
        else:
            # One more after as many successes as are in flight.
            self._allowed = min(float(self._most), self._allowed + 1 / self._allowed)
