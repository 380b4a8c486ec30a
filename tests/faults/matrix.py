"""Every operation, every fault, both worlds: the right result or the right error, and no traces.

    python -m tests.faults.matrix [--seed N] [--jobs N] [--only 'async / get* / answer*']

prints what came out as tables, and below them all that should not have been. Where in the bytes a
fault strikes is drawn by the seed.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

from objectstore_client.devserver import DevServer
from tests.faults.catalogue import FAMILIES
from tests.faults.expected import MODES, allowed
from tests.faults.operations import OPERATIONS
from tests.faults.trial import Cell, Trial
from tests.faults.worlds import WORLDS

CELLS = [
    Cell(world, operation, family, fault, mode)
    for world, (family, faults), operation in itertools.product(
        WORLDS, FAMILIES.items(), OPERATIONS
    )
    for fault in faults
    for mode, _ in enumerate(allowed(family, fault.name, operation.kind))
]

LEGEND = """\
Three letters each: the fault strikes once; every time; every time, and the client has retries=0.
  ✓ right result        C ConnectError           T TransportTimeoutError  L ConnectionLostError
  S ApiError as told    P InvalidResponseError   I IntegrityError         X any other exception
  ~ wrong result, which nothing on the wire shows   … never ends   - can't strike   ! see below
Lower case: the error says that the operation may have taken effect; upper case: it has not."""

NOT_TRIED = "-"
SYMBOLS = {"ok": "✓", ".": "~"}

_LABEL, _COLUMN = 16, 10


@dataclass(frozen=True)
class Verdict:
    """What came out of a cell; `seconds` is how long it took."""

    cell: str
    outcome: str
    problems: tuple[str, ...]
    seconds: float


def sample(seed: int) -> list[Cell]:
    """For each fault one cell in each world, in one of them if it takes long; drawn by *seed*."""
    chosen = random.Random(seed)
    cells = []
    for family, faults in FAMILIES.items():
        for fault in faults:
            of_fault = [cell for cell in CELLS if (cell.family, cell.fault) == (family, fault)]
            drawn = [chosen.choice([c for c in of_fault if c.world == world]) for world in WORLDS]
            takes_long = fault.name.endswith("1 s") or any(cell.waits for cell in of_fault)
            cells += [chosen.choice(drawn)] if takes_long else drawn
    return cells


@cache
def _server() -> DevServer:
    server = DevServer()
    server.start()
    return server


def judge(number: int, seed: int) -> Verdict:
    """Try a cell of `CELLS`, in a process that keeps a server for all of them."""
    began = time.monotonic()
    trial = Trial(_server().url, CELLS[number], seed)
    trial.run()
    seconds = time.monotonic() - began
    return Verdict(str(CELLS[number]), trial.outcome, tuple(trial.problems), seconds)


def run(numbers: list[int], seed: int, jobs: int) -> dict[str, Verdict]:
    """Try cells in several processes: most of the time they wait."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        verdicts = {}
        results = pool.map(judge, numbers, itertools.repeat(seed))
        for done, verdict in enumerate(results, 1):
            verdicts[verdict.cell] = verdict
            if sys.stderr.isatty() or done % 200 == 0 or done == len(numbers):
                print(f"\r{done} of {len(numbers)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return verdicts


def tables(verdicts: dict[str, Verdict]) -> Iterator[str]:
    """The lines of the tables, one table for each world and family."""
    for world, (family, faults) in itertools.product(WORLDS, FAMILIES.items()):
        rows = {
            operation.name: [
                _entry(verdicts, Cell(world, operation, family, fault, 0)) for fault in faults
            ]
            for operation in OPERATIONS
        }
        if any(entry.strip(NOT_TRIED) for row in rows.values() for entry in row):
            yield f"\n{world.name}: {family}"
            yield _line("", [fault.name for fault in faults])
            yield from (_line(name, row) for name, row in rows.items())


def _line(label: str, entries: list[str]) -> str:
    return f"  {label:<{_LABEL}}{''.join(f'{entry:<{_COLUMN}}' for entry in entries)}".rstrip()


def _entry(verdicts: dict[str, Verdict], cell: Cell) -> str:
    """The outcomes of a cell in each of `MODES`."""
    entry, wrong = "", False
    for mode, _ in enumerate(MODES):
        verdict = verdicts.get(str(replace(cell, mode=mode)))
        entry += NOT_TRIED if verdict is None else SYMBOLS.get(verdict.outcome, verdict.outcome)
        wrong = wrong or bool(verdict and verdict.problems)
    return entry + "!" * wrong


def main() -> int:
    """Run what the command line says; 1 if anything is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.matrix")
    parser.add_argument("--seed", type=int, default=1, help="draws where faults strike")
    parser.add_argument("--jobs", type=int, default=4, help="processes")
    parser.add_argument("--only", default="*", help="cells, such as 'async / get* / answer*'")
    arguments = parser.parse_args()
    wanted = [
        number for number, cell in enumerate(CELLS) if fnmatch.fnmatch(str(cell), arguments.only)
    ]
    began = time.monotonic()
    verdicts = run(wanted, arguments.seed, arguments.jobs)
    print(LEGEND)
    print("\n".join(tables(verdicts)))
    wrong = [verdict for verdict in verdicts.values() if verdict.problems]
    for verdict in wrong:
        print(f"\n{verdict.cell}\n  ! " + "\n  ! ".join(verdict.problems))
    print(
        f"\n{len(verdicts)} cells, seed {arguments.seed}, {time.monotonic() - began:.0f} s: "
        + (f"{len(wrong)} are not as they should be" if wrong else "all as they should be")
    )
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
