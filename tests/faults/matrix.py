"""Every operation, every fault, both worlds: the right result or the right error, and no traces.

    python -m tests.faults.matrix [--seed N] [--jobs N] [--only 'async / get* / answer*']

prints what came out as tables, and below them all that should not have been. Where in the bytes a
fault strikes is drawn by the seed.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import logging
import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

from objectstore_client.devserver import DevServer
from tests.faults.catalogue import FAMILIES
from tests.faults.expected import MODES, allowed
from tests.faults.operations import OPERATIONS
from tests.faults.trial import Cell, try_out
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

_LABEL, _COLUMN = 13, 7


@dataclass(frozen=True)
class Verdict:
    """What came out of a cell; `measure` is by what the time-outs had to be multiplied."""

    cell: str
    outcome: str
    problems: tuple[str, ...]
    measure: int


def sample(seed: int) -> list[Cell]:
    """For each fault a cell of each world, of one of them if it waits; all operations alike.

    *seed* draws them.
    """
    chosen, used = random.Random(seed), Counter[str]()

    def draw(cells: list[Cell]) -> Cell:
        cell = min(cells, key=lambda cell: (used[cell.operation.name], chosen.random()))
        used[cell.operation.name] += 1
        return cell

    cells = []
    for family, faults in FAMILIES.items():
        for fault in faults:
            of_fault = [cell for cell in CELLS if (cell.family, cell.fault) == (family, fault)]
            takes_long = fault.name.endswith("1 s") or any(cell.waits for cell in of_fault)
            worlds = (chosen.choice(WORLDS),) if takes_long else WORLDS
            cells += [draw([c for c in of_fault if c.world == world]) for world in worlds]
    return cells


@cache
def _server() -> DevServer:
    server = DevServer()
    server.start()
    return server


def judge(number: int, seed: int) -> Verdict:
    """Try a cell of `CELLS`, in a process that keeps a server for all of them."""
    # The server behind would complain of requests that the faults have cut short.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    trial = try_out(_server().url, CELLS[number], seed)
    return Verdict(str(CELLS[number]), trial.outcome, tuple(trial.problems), trial.measure)


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
    """The lines of the tables, one for each world: a line for each fault."""
    for world in WORLDS:
        yield f"\n{world.name}"
        for words in itertools.zip_longest(
            *(operation.name.split(" ", 1) for operation in OPERATIONS), fillvalue=""
        ):
            yield _line("", list(words))
        for family, faults in FAMILIES.items():
            rows = {
                fault.name: [
                    _entry(verdicts, Cell(world, operation, family, fault, 0))
                    for operation in OPERATIONS
                ]
                for fault in faults
            }
            rows = {name: row for name, row in rows.items() if any(e.strip(NOT_TRIED) for e in row)}
            if rows:
                yield f" {family}"
                yield from (_line(name, row) for name, row in rows.items())


def _line(label: str, entries: list[str]) -> str:
    return f"  {label:<{_LABEL}}{''.join(f'{entry:<{_COLUMN}}' for entry in entries)}".rstrip()


def _entry(verdicts: dict[str, Verdict], cell: Cell) -> str:
    """The outcomes of a cell in each of `MODES`."""
    if not allowed(cell.family, cell.fault.name, cell.operation.kind):
        return NOT_TRIED
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
    parser.add_argument("--jobs", type=int, default=8, help="processes")
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
    hasty = sum(verdict.measure > 1 for verdict in verdicts.values())
    print(
        f"\n{len(verdicts)} cells, seed {arguments.seed}, {time.monotonic() - began:.0f} s, "
        f"{hasty} needed longer time-outs on this machine: "
        + (f"{len(wrong)} are not as they should be" if wrong else "all as they should be")
    )
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
