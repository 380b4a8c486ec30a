"""Every claim of speed, against the official client and others: `make bench`, about ten minutes.

Each side is a process with an environment of its own, for the official client has the same import
name. All talk to one server, which answers from memory, and take turns in short rounds, so that
whatever else the machine does strikes all alike. Figures are medians over the rounds; a ratio is
the median of the ratios within each round. How busy the server was is measured with every cell, and
what it can do at most by a loop over a raw socket.

A whole run writes `results.json`, `results.svg` and the tables in `README.md` beside this file; one
with `--quick` or `--only` writes the same to `build/bench`, so that figures in the repository are
of whole runs only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from harness import (
    BUILD,
    HERE,
    OFFICIAL,
    ROOT,
    Process,
    Server,
    commit,
    environment,
    machine,
    pip_install,
    run,
    say,
    versions,
)
from picture import draw
from results import Figures, Results
from rows import CELLS, IMPORTS, LARGE_BYTES, MEMORY_SIZES, MIB, SIZES, Cell
from samples import json_lines
from tables import as_markdown, as_text

PEERS = ("aiohttp==3.14.5", "httpx==0.28.1", "urllib3>=2")
GROUPS = ("small", "large", "sizes", "memory", "import")
MARKERS = ("<!-- results: written by `make bench` -->", "<!-- end of results -->")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="of each cell, 15 by default")
    parser.add_argument("--quick", action="store_true", help="see that it works; no figures")
    parser.add_argument("--only", choices=GROUPS, action="append", help="one group of rows")
    options = parser.parse_args(arguments)
    groups = options.only or list(GROUPS)
    pythons = environments()
    files = make_files(pythons["ours"])
    check_interoperation(pythons)
    results = Results(about=describe(pythons, options.quick))
    say("\n".join(f"{name:10}{text}" for name, text in results.about.items()) + "\n")
    with Server(files) as server:
        cells = [cell for cell in CELLS if cell.group in groups]
        rounds = 2 if options.quick else options.rounds
        measure(cells, rounds, 0.05 if options.quick else 0.3, server, pythons, files, results)
        if "memory" in groups:
            measure_memory(MEMORY_SIZES[: 2 if options.quick else None], server, pythons, results)
    if "import" in groups:
        measure_imports(rounds, pythons, results)
    say(as_text(results))
    whole = not options.quick and not options.only
    write(results, HERE if whole else BUILD)


def environments() -> dict[str, str]:
    """Return the interpreters of all sides; make what is missing."""
    core = environment("bench-core", "hatchling>=1.27,<2")
    pip_install(core, "-c", "constraints.txt", ".")
    pip_install(core, "--no-deps", "--force-reinstall", ".")
    return {
        "ours": sys.executable,
        "core": core,
        "official": environment("bench", f"objectstore-client=={OFFICIAL}"),
        "peers": environment("bench-peers", *PEERS),
    }


def python_of(side: str, pythons: dict[str, str]) -> str:
    """Return the interpreter of a side."""
    if side.startswith("official"):
        return pythons["official"]
    ours = side.startswith(("ours", "zstd", "raw"))
    return pythons["ours" if ours else "peers"]


def describe(pythons: dict[str, str], quick: bool) -> dict[str, str]:
    """State machine and versions."""
    about = {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": machine(),
        "ours": f"{commit()}, {versions(pythons['ours'], ['httpx', 'httptools', 'zstandard'])}",
        "official": versions(pythons["official"], ["objectstore-client", "urllib3", "zstandard"]),
        "peers": versions(pythons["peers"], ["aiohttp", "httpx", "urllib3"]),
        "load": f"{os.getloadavg()[0]:.1f} on average when this began; best is none",
    }
    if quick:
        about["quick"] = "yes: to see that it works, the figures mean nothing"
    return about


def make_files(python: str) -> Path:
    """Write the objects that are got and put; return where."""
    folder = BUILD / "files"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    contents = {"small": json_lines(1024), "large": json_lines(24 * MIB) * 8}
    assert len(contents["large"]) == LARGE_BYTES
    contents |= {f"size-{size}": contents["large"][:size] for size in SIZES}
    contents |= {"memory-1": contents["large"][:MIB], "memory-64": contents["large"][: 64 * MIB]}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    run(python, str(HERE / "encode.py"), str(folder))
    return folder


def check_interoperation(pythons: dict[str, str]) -> None:
    """Have both clients read what the other wrote, from a real server."""
    command = [sys.executable, "-m", "objectstore_client.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().removeprefix("listening on ").strip()
        try:
            for verb in ("put", "check"):
                for side in ("ours", "official"):
                    run(pythons[side], str(HERE / "interoperate.py"), side, url, verb)
        finally:
            server.terminate()
    say("ours and the official client read each other's objects")


def measure(
    cells: list[Cell],
    rounds: int,
    seconds: float,
    server: Server,
    pythons: dict[str, str],
    files: Path,
    results: Results,
) -> None:
    """Run all cells in turns; large objects once per turn."""
    results.cells = {cell: Figures() for cell in cells}
    with ExitStack() as stack:
        workers = {
            side: stack.enter_context(
                Process(python_of(side, pythons), "worker.py", side, str(server.port), str(files))
            )
            for side in dict.fromkeys(cell.side for cell in cells)
        }
        for cell in cells:  # warm up
            if cell.group == "small":
                workers[cell.side].do(cell.operation, cell.concurrency, min(seconds, 0.2))
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            for cell in cells if number % 2 else reversed(cells):
                before = server.cpu()
                time_of_cell = 0 if cell.group == "large" else seconds
                result = workers[cell.side].do(cell.operation, cell.concurrency, time_of_cell)
                results.cells[cell].add(result, server.cpu() - before)


def measure_memory(
    sizes: Iterable[int], server: Server, pythons: dict[str, str], results: Results
) -> None:
    """Measure by how much one transfer raises the peak, each in a process of its own."""
    for size in sizes:
        name = "memory-1.zst" if size == 1 else f"memory-64.zst*{size // 64}"
        for verb, what in (("put", str(size * MIB)), ("get", name)):
            for side in ("ours", "ours, async", "official"):
                progress(f"memory: {verb} {size} MiB, {side}")
                script = str(HERE / "memory_worker.py")
                python = python_of(side, pythons)
                growth = run(python, script, side, str(server.port), verb, what)
                cell = Cell("memory", verb, side, 1, size * MIB)
                results.memory[cell] = int(growth)


def measure_imports(rounds: int, pythons: dict[str, str], results: Results) -> None:
    """Measure how long interpreters take that import something and end."""
    for number in range(rounds + 1):
        progress(f"imports: round {number} of {rounds}")
        for name, where, statement in IMPORTS:
            start = time.perf_counter()
            run(pythons[where], "-I", "-c", statement)
            if number:  # the first compiles
                results.imports.setdefault(name, []).append(time.perf_counter() - start)


def progress(text: str) -> None:
    """Show what is going on, where somebody may be looking."""
    if sys.stdout.isatty():
        say(f"\x1b[2K{text}", end="\r")


def write(results: Results, folder: Path) -> None:
    """Write figures, picture and tables."""
    figures = json.dumps(results.as_json(), indent=1) + "\n"
    (BUILD / "results.json").write_text(figures)
    (folder / "results.json").write_text(figures)
    (folder / "results.svg").write_text(draw(results))
    tables = as_markdown(results)
    if folder == BUILD:
        (folder / "results.md").write_text(tables)
        return
    readme = folder / "README.md"
    before, _, rest = readme.read_text().partition(MARKERS[0])
    after = rest.partition(MARKERS[1])[2]
    readme.write_text(f"{before}{MARKERS[0]}\n\n{tables}\n{MARKERS[1]}{after}")


if __name__ == "__main__":
    main()
