"""Small objects against the official client: `python benchmarks/small.py`, about two minutes.

Gets and puts 1 KiB over and over, with this checkout and with the official client, and prints
operations per second, their ratio, and CPU time per operation. Run it with the Python that has
this package's requirements (`.venv/bin/python`).

The official client has the same import name, so it gets an environment of its own, `.venv/bench`,
made on the first run. Each side is a process; all talk to one server, which answers from memory,
and take turns in short rounds, so that whatever else the machine does strikes all alike. How busy
the server was stands in the table, and what it can do in the last lines. The figures are medians
over the rounds; a ratio is the median of the ratios within each round.

Both clients are used as they come, with zstd. As the official one keeps only 1 connection then, its
16 threads are also shown with a pool of 16. All that was measured is in `build/small.json`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, NamedTuple, Self

import zstandard
from small_worker import PAYLOAD

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv" / "bench"
OFFICIAL = "0.2.10"
RESULTS = ROOT / "build" / "small.json"


class Cell(NamedTuple):
    """One thing that is measured."""

    side: str
    operation: str
    concurrency: int


GET, PUT, GET_PLAIN = "get-zstd", "put", "get-plain"
NAMES = {GET: "GET", PUT: "PUT", GET_PLAIN: "GET uncompressed"}

CELLS = [
    *(
        Cell(side, operation, threads)
        for operation in (GET, PUT, GET_PLAIN)
        for threads in (1, 16)
        for side in ("ours", "official", "official, pool 16")
        if threads > 1 or side != "official, pool 16"
    ),
    *(Cell("ours, async", operation, tasks) for operation in (GET, PUT) for tasks in (1, 64)),
    *(Cell("raw sockets", GET, connections) for connections in (1, 64)),
]

BARS = [
    *((2.0, Cell("ours", op, 1), Cell("official", op, 1)) for op in (GET, PUT)),
    *((3.0, Cell("ours", op, 16), Cell("official", op, 16)) for op in (GET, PUT)),
    *((4.0, Cell("ours, async", op, 64), Cell("official", op, 16)) for op in (GET, PUT)),
]
"""At least how many times as fast the first is to be as the second."""


@dataclass
class Figures:
    """What was measured in one cell, an entry per round."""

    rate: list[float] = field(default_factory=list)
    """Operations per second."""
    cpu: list[float] = field(default_factory=list)
    """Microseconds of CPU time of the client per operation."""
    server: list[float] = field(default_factory=list)
    """Share of the time that the server was busy."""


class Process:
    """A child that is told what to do line by line, and ends when nothing more comes."""

    def __init__(self, python: str, script: str, *args: str) -> None:
        self.child = subprocess.Popen(
            [python, "-I", str(HERE / script), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.input.close()
        self.output.close()
        self.child.wait(timeout=30)

    @property
    def input(self) -> IO[str]:
        assert self.child.stdin is not None
        return self.child.stdin

    @property
    def output(self) -> IO[str]:
        assert self.child.stdout is not None
        return self.child.stdout

    def pin(self, cores: list[int]) -> None:
        """Keep it on these cores, unless there are none."""
        if cores:
            os.sched_setaffinity(self.child.pid, cores)

    def line(self) -> str:
        """Wait for a line of output."""
        if not (line := self.output.readline()):
            raise SystemExit(f"a part of the benchmark failed: {self.child.args!r}")
        return line

    def do(self, operation: str, concurrency: int, seconds: float) -> dict[str, float]:
        """Have a job done."""
        job = {"operation": operation, "concurrency": concurrency, "seconds": seconds}
        self.input.write(json.dumps(job) + "\n")
        self.input.flush()
        result: dict[str, float] = json.loads(self.line())
        return result


def official_python() -> str:
    """Return the interpreter of the official client's environment; make that if need be."""
    python = str(ENVIRONMENT / "bin" / "python")
    check = (
        f"import importlib.metadata as m; assert m.version('objectstore-client') == '{OFFICIAL}'"
    )
    found = Path(python).exists() and not subprocess.call(
        [python, "-I", "-c", check], stderr=subprocess.DEVNULL
    )
    if not found:
        say(f"making .venv/bench with the official client {OFFICIAL}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, f"objectstore-client=={OFFICIAL}"], check=True)
    return python


def measure(rounds: int, seconds: float, official: str, *, pin: bool) -> dict[Cell, Figures]:
    """Run all cells in turns."""
    cores = sorted(os.sched_getaffinity(0)) if pin else []
    compressed = zstandard.ZstdCompressor(write_checksum=True).compress(PAYLOAD)
    figures = {cell: Figures() for cell in CELLS}
    with ExitStack() as stack:
        server = stack.enter_context(
            Process(sys.executable, "canned_server.py", compressed.hex(), PAYLOAD.hex())
        )
        server.pin(cores[-1:])
        port = int(server.line())
        control = http.client.HTTPConnection("127.0.0.1", port)
        stack.callback(control.close)
        workers = {}
        for side in dict.fromkeys(cell.side for cell in CELLS):
            python = official if side.startswith("official") else sys.executable
            workers[side] = Process(python, "small_worker.py", side, str(port))
            stack.enter_context(workers[side])
            workers[side].pin(cores[:-1])
        for cell in CELLS:  # warm up
            workers[cell.side].do(cell.operation, cell.concurrency, min(seconds, 0.2))
        for number in range(rounds):
            if sys.stdout.isatty():
                say(f"round {number + 1} of {rounds}", end="\r")
            for cell in CELLS if number % 2 else reversed(CELLS):
                before = server_cpu(control)
                result = workers[cell.side].do(cell.operation, cell.concurrency, seconds)
                busy = server_cpu(control) - before
                figures[cell].rate.append(result["done"] / result["wall"])
                figures[cell].cpu.append(1e6 * result["cpu"] / result["done"])
                figures[cell].server.append(busy / result["wall"])
    return figures


def server_cpu(control: http.client.HTTPConnection) -> float:
    """Return the seconds of CPU time that the server has used."""
    control.request("GET", "/cpu")
    return float(control.getresponse().read())


def ratios(figures: dict[Cell, Figures], cell: Cell, to: Cell) -> list[float]:
    """Return how many times as fast *cell* was as *to*, for each round."""
    return [a / b for a, b in zip(figures[cell].rate, figures[to].rate, strict=True)]


def report(figures: dict[Cell, Figures]) -> list[str]:
    """Lay the figures out as text."""
    layout = "{:28}{:20}{:>8}{:>18}{:>8}{:>8}{:>13}"
    names = ("", "", "op/s", "(lowest-highest)", "CPU µs", "server", "to official")
    lines = [layout.format(*names)]
    for cell, each in figures.items():
        if cell.side.startswith("ours") or cell.side == "raw sockets":
            lines.append("")
        official = Cell("official", cell.operation, min(cell.concurrency, 16))
        compared = cell.side not in ("official", "raw sockets")
        row = (
            f"{NAMES[cell.operation]} x {cell.concurrency}",
            cell.side,
            f"{statistics.median(each.rate):,.0f}",
            f"({min(each.rate):,.0f}-{max(each.rate):,.0f})",
            f"{statistics.median(each.cpu):,.0f}",
            f"{statistics.median(each.server):.0%}",
            f"{statistics.median(ratios(figures, cell, official)):.2f}" if compared else "",
        )
        lines.append(layout.format(*row).rstrip())
    return lines


def verdicts(figures: dict[Cell, Figures]) -> list[str]:
    """Hold the figures against the bars."""
    lines = []
    for bar, cell, to in BARS:
        found = ratios(figures, cell, to)
        median = statistics.median(found)
        cpu = statistics.median(figures[to].cpu) / statistics.median(figures[cell].cpu)
        lines.append(
            f"{'met   ' if median >= bar else 'MISSED'}  {NAMES[cell.operation]}: {cell.side} x "
            f"{cell.concurrency} is {median:.2f} times official x {to.concurrency}, wanted {bar:g} "
            f"(rounds {min(found):.2f}-{max(found):.2f}; by CPU time {cpu:.2f})"
        )
    return lines


def versions(python: str, *names: str) -> str:
    """Return the versions of packages in an environment."""
    code = (
        "import sys, platform, importlib.metadata as m\n"
        "found = {d.metadata['name'].lower(): d.version for d in m.distributions()}\n"
        "print('Python', platform.python_version(), *(\n"
        "    f', {name} {found[name]}' for name in sys.argv[1:] if name in found), sep='')"
    )
    run = subprocess.run(
        [python, "-I", "-c", code, *names], check=True, capture_output=True, text=True
    )
    return run.stdout.strip().replace("Python", "Python ", 1)


def machine() -> str:
    """Describe where this runs."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return f"{cores} x {model}, {platform.system()} {platform.release()}"


def commit() -> str:
    """Name what is checked out."""
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip() or "unknown"


def say(text: str, end: str = "\n") -> None:
    """Write *text* for whoever looks on."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each cell in each round")
    parser.add_argument(
        "--pin", action="store_true", help="the server on the last core, the clients on the others"
    )
    options = parser.parse_args(arguments)
    official = official_python()
    about = {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": machine(),
        "ours": f"{commit()}, {versions(sys.executable, 'httpx', 'httptools', 'zstandard')}",
        "official": versions(official, "objectstore-client", "urllib3", "zstandard"),
        "rounds": f"{options.rounds} of {options.seconds:g} s per line",
        "cores": "one for the server, the others for the clients" if options.pin else "free choice",
        "load": f"{os.getloadavg()[0]:.1f} on average when this began; best is none",
    }
    say("".join(f"{name:10}{text}\n" for name, text in about.items()))
    figures = measure(options.rounds, options.seconds, official, pin=options.pin)
    say("\n".join([*report(figures), "", *verdicts(figures)]))
    RESULTS.parent.mkdir(exist_ok=True)
    cells = [{**cell._asdict(), **asdict(each)} for cell, each in figures.items()]
    RESULTS.write_text(json.dumps({**about, "cells": cells}, indent=1) + "\n")


if __name__ == "__main__":
    main()
