"""One cell of the matrix: an operation meets a fault, and everything about the outcome is checked.

Checked are the result or the error, how often the request was made, what is stored afterwards,
whether the client goes on to work, and what is left behind.
"""

from __future__ import annotations

import asyncio
import pickle
import random
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from objectstore_client import (
    ApiError,
    ConnectError,
    ConnectionLostError,
    IntegrityError,
    InvalidResponseError,
    Objectstore,
    ObjectstoreError,
    RetryPolicy,
    Scope,
    Timeout,
    TransportTimeoutError,
    Usecase,
)
from tests.faults.catalogue import Fault, Front, Occasion
from tests.faults.expected import MODES, allowed
from tests.faults.leaks import (
    SETTLE_SECONDS,
    Snapshot,
    complaints,
    descriptors,
    leaked_tasks,
    settle,
)
from tests.faults.operations import SMALL, Case, Operation, WrongResultError
from tests.faults.worlds import AnyClient, World, entered, get, pause, value

PATIENCE_SECONDS = 30
"""How long an operation may outlast its deadline before it counts as one that never ends, and how
long what is not under test may take."""

SLACK_SECONDS = 5
"""By how much a call may miss its deadline: what a busy machine needs to wake it up."""

MEASURES = (1, 4, 16)
"""By what the time-outs are multiplied, one after the other, while a machine that is too slow for
them may be what went wrong: an error of the client stays with longer ones."""

NEVER_ENDS = "…"

_RETRIES = RetryPolicy(throttled_base=0.1)
_STEP_SECONDS, _DEADLINE_SECONDS = 0.6, 3.0
"""Where the client waits for what does not come: three attempts end before the deadline."""
_PATIENT_STEP_SECONDS, _PATIENT_DEADLINE_SECONDS = 20.0, 30.0
"""Where no time-out is expected: on a machine that is busy, none shall pass all the same."""

_MOST_ATTEMPTS = 3
_USECASE = Usecase("matrix")
_LETTERS: dict[type[BaseException], str] = {
    ConnectError: "C",
    TransportTimeoutError: "T",
    ConnectionLostError: "L",
    IntegrityError: "I",
    InvalidResponseError: "P",
    WrongResultError: ".",
}


@dataclass(frozen=True)
class Cell:
    """One operation, one fault, one of `MODES`, one world."""

    world: World
    operation: Operation
    family: str
    fault: Fault
    mode: int

    def __str__(self) -> str:
        parts = (self.world.name, self.operation.name, self.family, self.fault.name)
        return " / ".join((*parts, MODES[self.mode]))

    @property
    def allowed(self) -> frozenset[str]:
        """What may come out, in the letters of `expected`."""
        return allowed(self.family, self.fault.name, self.operation.kind)[self.mode]

    @property
    def waits(self) -> bool:
        """Whether the fault makes the client wait for what does not come."""
        modes = allowed(self.family, self.fault.name, self.operation.kind)
        return any(mode & {"T", "t"} for mode in modes)

    @property
    def retries(self) -> bool:
        """Whether the client may make the request again."""
        return MODES[self.mode] != "no retries"

    @property
    def always(self) -> bool:
        """Whether the fault strikes every time."""
        return MODES[self.mode] == "always"


def try_out(upstream: str, cell: Cell, seed: int) -> Trial:
    """Put *cell* to the test, with longer time-outs if it took too long for the short ones."""
    for measure in MEASURES:
        trial = Trial(upstream, cell, seed, measure)
        trial.run()
        if not trial.maybe_hasty:
            break
    return trial


class Trial:
    """A cell, put to the test at the server *upstream*.

    Attributes:
        outcome: What came out, in the letters of `expected`.
        problems: What should not have been.
        measure: By what the time-outs were multiplied.
    """

    def __init__(self, upstream: str, cell: Cell, seed: int, measure: int = 1) -> None:
        self.measure = measure
        self.outcome = NEVER_ENDS
        self.problems: list[str] = []
        self._upstream = upstream
        self._cell = cell
        self._mark = uuid.uuid4().hex
        self._scope = Scope(cell=self._mark)
        self._random = random.Random(f"{seed} {cell}")
        self._step, self._deadline = (
            (_STEP_SECONDS * measure, _DEADLINE_SECONDS * measure)
            if cell.waits
            else (_PATIENT_STEP_SECONDS, _PATIENT_DEADLINE_SECONDS)
        )
        self._made: list[str] = []
        self._error: Exception | None = None
        self._seconds = 0.0
        self._ended = threading.Event()

    @property
    def maybe_hasty(self) -> bool:
        """Whether a time-out passed that none should, and longer ones may tell why."""
        unexpected = self.outcome.upper() == "T" and self.outcome not in self._cell.allowed
        return unexpected and self._cell.waits

    def run(self) -> None:
        """Find out."""
        operation = self._cell.operation
        with Objectstore(self._upstream) as store, tempfile.TemporaryDirectory() as folder:
            direct = store.get_client(_USECASE, self._scope)
            direct.put(SMALL, id="witness")
            operation.prepare(direct)
            before = Snapshot.take()
            with complaints() as complained:
                self._strike(Path(folder))
                self.problems += settle(before.leaks)
            self.problems += complained
            if self._error is not None:
                self._judge_error(self._error)
            if self._seconds > self._deadline + SLACK_SECONDS:
                took, allowed = self._seconds, self._deadline
                self.problems.append(f"it took {took:.1f} s with a deadline of {allowed:.0f} s")
            self._check_stored(operation.stored(direct, *self._made))
        if self.outcome not in self._cell.allowed:
            expected = " or ".join(sorted(self._cell.allowed))
            self.problems.insert(0, f"{self.outcome} instead of {expected}: {self._error!r}")

    def _strike(self, folder: Path) -> None:
        """Run the operation through the fault, on a thread that can be waited for."""
        cell = self._cell
        occasion = Occasion(self._upstream, cell.operation, cell.always, self._random)

        def run() -> None:
            try:
                cell.world.run(self._scenario(front, folder))
            except BaseException as error:
                self.problems.append(f"around the operation: {error!r}")
            finally:
                self._ended.set()

        thread = threading.Thread(target=run, name="trial", daemon=True)
        hanging = False
        try:
            with cell.fault.make(occasion) as front:
                thread.start()
                if self._ended.wait(self._deadline + PATIENCE_SECONDS):
                    thread.join(PATIENCE_SECONDS)
                self._check_requests(front)
                hanging = thread.is_alive()
        except Exception as error:
            self.problems.append(f"the fault kit: {error!r}")
        if hanging:
            thread.join(PATIENCE_SECONDS)  # without the server it may still end
            self.outcome, self._error = NEVER_ENDS, None

    async def _scenario(self, front: Front, folder: Path) -> None:
        cell, world = self._cell, self._cell.world
        if world.name == "async":
            asyncio.get_running_loop().set_exception_handler(
                lambda _, context: self.problems.append(f"the loop: {context}")
            )
        timeout = Timeout(
            connect=self._step, read=self._step, write=self._step, pool=self._deadline
        )
        store = world.objectstore(
            front.url.replace("http:", f"{cell.fault.scheme}:"),
            retries=_RETRIES if cell.retries else 0,
            timeout=timeout,
            deadline=self._deadline,
        )
        async with entered(store):
            client = store.get_client(_USECASE, self._scope)
            if cell.fault.kept:
                await value(client.exists("warm-up", timeout=PATIENCE_SECONDS))
            if cell.fault.idle:
                await _until_fired(world, front)
            began = time.monotonic()
            try:
                await cell.operation.run(Case(world, client, folder, self._made))
            except Exception as error:
                self._error = error
            else:
                self.outcome = "ok"
            self._seconds = time.monotonic() - began
            self._ended.set()
            front.heal()
            if cell.fault.scheme == "http":
                await _check_works(client)
            self.problems += await _left_open(world, folder)
        if world.name == "async":
            self.problems += await leaked_tasks()

    def _judge_error(self, error: Exception) -> None:
        self.outcome = _LETTERS.get(type(error), "X")
        if isinstance(error, ApiError):
            expected = self._cell.fault.name.split()[0]
            self.outcome = "S" if str(error.status) == expected else "X"
        if isinstance(error, ObjectstoreError):
            self._check_error(error)
            if error.outcome_unknown:
                self.outcome = self.outcome.lower()

    def _check_error(self, error: ObjectstoreError) -> None:
        if error.operation != self._cell.operation.called:
            self.problems.append(f"the error says that the operation was {error.operation}")
        most = self._most_requests()
        if not 1 <= error.attempts <= most:
            self.problems.append(f"the error says that there were {error.attempts} attempts")
        if not 0 < error.elapsed <= self._seconds:
            self.problems.append(f"the error says that it took {error.elapsed} s")
        if isinstance(error, TransportTimeoutError):
            # No load makes a wait shorter than what it waited for.
            least = self._deadline if error.phase == "deadline" else self._step
            if error.elapsed < min(least, self._deadline):
                self.problems.append(f"{error.phase} passed after {error.elapsed} s of {least} s")
        if str(pickle.loads(pickle.dumps(error))) != str(error):
            self.problems.append(f"pickled, the error is another one: {error!r}")

    def _check_requests(self, front: Front) -> None:
        if settle(lambda: [] if front.fired else ["the fault did not strike"]):
            self.problems.append("the fault did not strike")
        asked, served = (
            [
                line
                for line in lines
                if self._mark in line and not line.endswith(("warm-up", "witness"))
            ]
            for lines in (front.asked, front.served)
        )
        if len(asked) > self._most_requests():
            self.problems.append(f"{len(asked)} requests were made")
        if self._cell.operation.kind == "post" and len(served) > 1:
            self.problems.append(f"the server got a POST {len(served)} times")

    def _most_requests(self) -> int:
        if not self._cell.retries:
            return 1
        if self._cell.operation.called == "get" and self._cell.family == "parts of the answer":
            return 100  # reading goes on, and attempts are counted anew after each progress
        # One attempt is free: when a kept connection turns out to be dead.
        return _MOST_ATTEMPTS + self._cell.fault.kept

    def _check_stored(self, version: str) -> None:
        """What is stored must be a whole version, and agree with what came out."""
        if (self.outcome, version, self._cell.operation.kind) == ("ok", "old", "post"):
            self.outcome = "."  # the key is another one
        possible = {"old"}
        if self._cell.operation.changes:
            if self.outcome == "ok":
                possible = {"new"}
            elif not self.outcome.isupper():
                possible = {"old", "new"}
        if version not in possible:
            self.problems.append(f"{version} is stored after {self.outcome}")


async def _until_fired(world: World, front: Front) -> None:
    """Wait for a fault that strikes by itself."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not front.fired and time.monotonic() < deadline:
        await pause(world)


async def _left_open(world: World, folder: Path) -> list[str]:
    """Files that are still open when the operation is over; the end of a loop would close them."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        found = [line for line in descriptors() if str(folder) in line]
        if not found or time.monotonic() > deadline:
            return found
        await pause(world)


async def _check_works(client: AnyClient) -> None:
    """With the fault gone, the same client must work."""
    # A connection that the server closes at this very moment is nobody's fault.
    result = await get(client, "witness", timeout=PATIENCE_SECONDS, retries=2)
    async with entered(result):
        assert await value(result.payload.read()) == SMALL, "another object is not what it was"
