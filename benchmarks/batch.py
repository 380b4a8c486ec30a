"""Many small objects in batches, against the official client, which has none.

    python benchmarks/batch.py

10 000 objects of 1 KiB are put and got, as zstd, by `many` of this checkout, and one after the
other by the official client. A server that answers batches at once gives the answers; CPU time is
that of the client alone. Then 100 000 objects of 10 KiB come out of an endless generator, in a
process of its own, and the most memory that this takes is shown. The figures are medians over the
rounds; a ratio is the median of the ratios within each round. Environments and processes are those
of `run.py`. All that was measured is in `build/bench/batch.json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from harness import BUILD, OFFICIAL, Process, environment, say

RESULTS = BUILD / "batch.json"
MIB = 1024 * 1024

OURS, ASYNC, SEQUENTIAL = "ours", "ours, async", "official"
SIDES = [OURS, ASYNC, SEQUENTIAL]
PUT, GET, STREAM = "put", "get", "stream"


class Bar(NamedTuple):
    """What is wanted: *at_least* or, for costs, at most."""

    title: str
    at_least: float
    aim: float | None


SPEED = {
    PUT: Bar("put of 10 000 x 1 KiB to official sequential", 8, 15),
    GET: Bar("get of 10 000 x 1 KiB to official sequential", 8, 15),
}
COST = Bar("CPU per put in a batch, µs", 40, 28)
MEMORY = Bar("memory for 100 000 x 10 KiB out of a generator, MiB", 64, None)


def measure(rounds: int, official: str) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Run all in turns; return what was measured by operation and side."""
    found: dict[str, dict[str, list[dict[str, float]]]] = {
        operation: {side: [] for side in SIDES} for operation in (PUT, GET, STREAM)
    }
    with ExitStack() as stack:
        server = stack.enter_context(Process(sys.executable, "batch_server.py"))
        port = str(int(server.line()))

        def worker(side: str) -> Process:
            return Process(
                official if side == SEQUENTIAL else sys.executable, "batch_worker.py", side, port
            )

        workers = {side: stack.enter_context(worker(side)) for side in SIDES}
        for number in range(-1, rounds):  # the first to warm up
            for operation in (PUT, GET):
                for side in SIDES if number % 2 else reversed(SIDES):
                    result = workers[side].do(operation, 1, 0)
                    if number >= 0:
                        found[operation][side].append(result)
        for side in (OURS, ASYNC):
            with worker(side) as fresh:
                found[STREAM][side].append(fresh.do(STREAM, 1, 0))
    return found


def report(found: dict[str, dict[str, list[dict[str, float]]]]) -> list[str]:
    """Lay the figures out as text, and hold them against the bars."""
    layout = "{:12}{:16}{:>10}{:>10}{:>14}"
    lines = [layout.format("", "", "op/s", "CPU µs", "to official")]
    verdicts = []
    for operation in (PUT, GET):
        for side, results in found[operation].items():
            rates = [each["done"] / each["wall"] for each in results]
            costs = [1e6 * each["cpu"] / each["done"] for each in results]
            official = [each["done"] / each["wall"] for each in found[operation][SEQUENTIAL]]
            ratio = statistics.median(a / b for a, b in zip(rates, official, strict=True))
            rate, cost = statistics.median(rates), statistics.median(costs)
            row = (operation, side, f"{rate:,.0f}", f"{cost:,.1f}", f"{ratio:.1f}")
            lines.append(layout.format(*row))
            if side != SEQUENTIAL:
                verdicts.append(verdict(SPEED[operation], side, ratio))
                if operation == PUT:
                    verdicts.append(verdict(COST, side, cost, most=True))
    for side in (OURS, ASYNC):
        grown = found[STREAM][side][0]["grown"] / MIB
        verdicts.append(verdict(MEMORY, side, grown, most=True))
    return [*lines, "", *verdicts]


def verdict(bar: Bar, side: str, value: float, *, most: bool = False) -> str:
    """Say whether *value* meets *bar*."""
    met = value <= bar.at_least if most else value >= bar.at_least
    aim = "" if bar.aim is None else f", aim {bar.aim:g}"
    return (
        f"{'met   ' if met else 'MISSED'}  {bar.title}, {side}: {value:.1f} ({bar.at_least:g}{aim})"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(arguments)
    found = measure(options.rounds, environment("bench", f"objectstore-client=={OFFICIAL}"))
    say("\n".join(report(found)))
    BUILD.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
