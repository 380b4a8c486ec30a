"""Results as tables: for the terminal, and for README.md."""

from __future__ import annotations

import statistics

from results import Results
from rows import (
    BARS,
    GET_RAW,
    IMPORT_AIM,
    IMPORT_BAR,
    MEMORY_AIM,
    MEMORY_BAR,
    MEMORY_SIZES,
    MIB,
    NAMES,
    PUT_RAW,
    RAW,
    SIDES,
    Cell,
)

Table = tuple[str, list[str], list[list[str]]]
"""Title, heads, rows."""


def as_text(results: Results) -> str:
    """Lay everything out for a terminal."""
    blocks = []
    for title, heads, rows in tables(results):
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        lines = [
            "  ".join(
                text.ljust(width) if place == 0 else text.rjust(width)
                for place, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in (heads, *rows)
        ]
        blocks.append("\n".join([title, "", *lines]))
    return "\n\n".join([*blocks, server_line(results)])


def as_markdown(results: Results) -> str:
    """Lay everything out for README.md."""
    blocks = ["\n".join(f"- {name}: {text}" for name, text in results.about.items())]
    for title, heads, rows in tables(results):
        lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
        blocks.append(f"### {title}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in lines))
    return "\n\n".join([*blocks, server_line(results)]) + "\n"


def tables(results: Results) -> list[Table]:
    """All tables for which there are figures."""
    return [
        table
        for table in (
            bars(results),
            small(results),
            large(results),
            sizes(results),
            memory(results),
            imports(results),
        )
        if table[2]
    ]


def bars(results: Results) -> Table:
    """What was wanted, and what is."""
    rows = []
    for bar in BARS:
        if bar.cell in results.cells and bar.reference in results.cells:
            found = results.ratios(bar.cell, bar.reference)
            rows.append(
                verdict(
                    bar.title,
                    statistics.median(found),
                    f"{min(found):.2f}–{max(found):.2f}",
                    bar.at_least,
                    bar.aim,
                )
            )
    if results.imports:
        times = results.import_times()
        ratio = times["ours"] / times["official"]
        met = "met" if ratio <= IMPORT_BAR else "**missed**"
        wanted = [f"≤ {IMPORT_BAR}", f"≤ {IMPORT_AIM}"]
        rows.append(["`import`, time above a bare start", f"{ratio:.2f}×", "", *wanted, met])
    largest = [cell for cell in results.memory if cell.size == max(MEMORY_SIZES) * MIB]
    for cell in largest:
        if cell.side != "official":
            growth = results.memory[cell]
            met = "met" if growth <= MEMORY_BAR else "**missed**"
            wanted = [f"≤ {MEMORY_BAR // MIB} MiB", f"≤ {MEMORY_AIM // MIB} MiB"]
            title = f"growth of memory, {cell.operation} of 4 GiB, {cell.side}"
            rows.append([title, f"{growth / MIB:.1f} MiB", "", *wanted, met])
    return "Bars", ["ours to the official client", "median", "rounds", "bar", "aim", ""], rows


def verdict(title: str, found: float, spread: str, bar: float, aim: float | None) -> list[str]:
    """A row that says whether a ratio is as wanted."""
    met = "met" if found >= bar else "**missed**"
    return [title, f"{found:.2f}×", spread, f"{bar:g}×", f"{aim:g}×" if aim else "", met]


def small(results: Results) -> Table:
    """Operations per second, and CPU time of the client, per side and concurrency."""
    cells = [cell for cell in results.cells if cell.group == "small"]
    sides = [side for side in SIDES if any(cell.side == side for cell in cells)]
    rows = []
    for operation in dict.fromkeys(cell.operation for cell in cells):
        levels = {cell.concurrency for cell in cells if cell.operation == operation}
        for concurrency in sorted(levels):
            row = [f"{NAMES[operation]} × {concurrency}"]
            for side in sides:
                figures = results.cells.get(Cell("small", operation, side, concurrency))
                row.append(
                    f"{statistics.median(figures.rate):,.0f}"
                    f" ({statistics.median(figures.cpu) * 1e6:,.0f} µs)"
                    if figures
                    else ""
                )
            rows.append(row)
    return "Small objects: operations per second (CPU time of the client)", ["", *sides], rows


def large(results: Results) -> Table:
    """MiB per second, per side."""
    cells = [cell for cell in results.cells if cell.group == "large"]
    sides = [side for side in SIDES if any(cell.side == side for cell in cells)]
    rows = []
    for operation in dict.fromkeys(cell.operation for cell in cells):
        row = [NAMES[operation]]
        for side in sides:
            found = [cell for cell in cells if (cell.operation, cell.side) == (operation, side)]
            row.append(rates(results, found[0]) if found else "")
        rows.append(row)
    return "Large objects: MiB of payload per second (lowest–highest)", ["", *sides], rows


def rates(results: Results, cell: Cell) -> str:
    """Median and spread of a cell in MiB per second."""
    found = [rate * cell.size / MIB for rate in results.cells[cell].rate]
    return f"{statistics.median(found):,.0f} ({min(found):,.0f}–{max(found):,.0f})"


def sizes(results: Results) -> Table:
    """How the rate grows with the size of an object."""
    rows = []
    cells = [cell for cell in results.cells if cell.group == "sizes" and cell.side == "ours"]
    for size in dict.fromkeys(cell.size for cell in cells):
        row = [human(size)]
        for cell in cells:
            if cell.size == size:
                official = cell._replace(side="official")
                ratio = statistics.median(results.ratios(cell, official))
                row += [rate(results, cell), rate(results, official), f"{ratio:.2f}×"]
        rows.append(row)
    heads = ["", "PUT, ours", "official", "ratio", "GET, ours", "official", "ratio"]
    return "Growth with size: MiB of payload per second, zstd, 1 thread", heads, rows


def rate(results: Results, cell: Cell) -> str:
    """Median of a cell in MiB per second."""
    return f"{statistics.median(results.cells[cell].rate) * cell.size / MIB:,.1f}"


def memory(results: Results) -> Table:
    """By how many MiB the peak grows."""
    rows = []
    sides = list(dict.fromkeys(cell.side for cell in results.memory))
    for size in dict.fromkeys(cell.size for cell in results.memory):
        row = [human(size)]
        for verb in ("put", "get"):
            for side in sides:
                growth = results.memory.get(Cell("memory", verb, side, 1, size))
                row.append("" if growth is None else f"{growth / MIB:.1f}")
        rows.append(row)
    heads = ["", *(f"{verb}, {side}" for verb in ("PUT", "GET") for side in sides)]
    return "Growth of the client's peak memory in MiB, streamed from a generator, zstd", heads, rows


def imports(results: Results) -> Table:
    """Milliseconds above a bare start."""
    if not results.imports:
        return "", [], []
    times = results.import_times()
    rows = [
        [name, f"{seconds * 1000:.0f}", f"{seconds / times['official']:.2f}×"]
        for name, seconds in times.items()
    ]
    return "Import: milliseconds above a bare start of Python", ["", "ms", "to official"], rows


def server_line(results: Results) -> str:
    """Tell how near the server was to being the bottleneck."""
    shares: dict[str, float] = {}
    for cell, figures in results.cells.items():
        if cell.side.startswith(("ours", "official")) and cell.group in ("small", "large"):
            kind = "objects of 1 KiB" if cell.group == "small" else "large compressed objects"
            kind = "large uncompressed objects" if cell.operation in (PUT_RAW, GET_RAW) else kind
            shares[kind] = max(shares.get(kind, 0), statistics.median(figures.server))
    listed = ", ".join(f"{share:.0%} with {kind}" for kind, share in shares.items())
    return listed and (
        f"The server was busy for this share of the time at most: {listed}. What it can do at most "
        f"is in the column “{RAW}”."
    )


def human(size: int) -> str:
    """A size in the largest unit that divides it."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} bytes"
