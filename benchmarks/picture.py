"""Results as a picture: bars side by side, one panel for each kind of work."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from results import Results
from rows import (
    ASYNC,
    CORES,
    GET,
    GET_FRAMES,
    GET_ONE,
    GET_RAW,
    HEAD,
    MIB,
    OFFICIAL,
    OURS,
    PUT,
    PUT_RAW,
    PUT_ZSTD,
    RAW,
    Cell,
    large,
    small,
)

COLORS = {OURS: "#2563eb", ASYNC: "#60a5fa", OFFICIAL: "#f59e0b"}
LIMIT = "#cbd5e1"
INK, PALE = "#0f172a", "#64748b"

WIDTH, LEFT, BAR, GAP, GROUP_GAP = 960, 250, 15, 3, 14
ROOM = WIDTH - LEFT - 150


class Bar(NamedTuple):
    """A bar, and what stands behind it."""

    side: str
    value: float
    label: str


class Group(NamedTuple):
    """Bars that are to be compared."""

    title: str
    bars: list[Bar]


class Panel(NamedTuple):
    """Groups on one scale."""

    title: str
    unit: str
    groups: list[Group]


def draw(results: Results) -> str:
    """Make the picture, as SVG."""
    parts: list[str] = []
    y = 92
    for panel in panels(results):
        longest = max((bar.value for group in panel.groups for bar in group.bars), default=1)
        parts.append(text(24, y, panel.title, size=16, weight=600))
        parts.append(text(WIDTH - 24, y, panel.unit, size=12, color=PALE, anchor="end"))
        y += 16
        for group in panel.groups:
            height = len(group.bars) * (BAR + GAP)
            parts.append(text(LEFT - 12, y + height / 2 + 3, group.title, size=13, anchor="end"))
            for bar in group.bars:
                length = max(ROOM * bar.value / longest, 2)
                color = COLORS.get(bar.side, LIMIT)
                parts.append(
                    f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="3" '
                    f'fill="{color}"/>'
                )
                parts.append(text(LEFT + length + 7, y + 12, bar.label, size=12, color=PALE))
                y += BAR + GAP
            y += GROUP_GAP
        y += 26
    head = [
        text(24, 40, "objectstore-client against the official client", size=22, weight=700),
        *legend(),
    ]
    foot = [
        text(24, y, results.about["machine"], size=11, color=PALE),
        text(24, y + 16, results.about["ours"], size=11, color=PALE),
        text(
            WIDTH - 24,
            y,
            f"{results.about['when']} · medians · longer is better, but for memory and import",
            size=11,
            color=PALE,
            anchor="end",
        ),
    ]
    height = y + 36
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="system-ui, Helvetica, Arial, sans-serif">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
        + "\n".join([*head, *parts, *foot])
        + "\n</svg>\n"
    )


def panels(results: Results) -> Iterable[Panel]:
    """Everything that is shown, as far as it was measured."""
    found = [small_panel(results), large_panel(results), memory_panel(results)]
    return [panel for panel in [*found, import_panel(results)] if panel.groups]


def small_panel(results: Results) -> Panel:
    """Operations per second."""
    groups = []
    for operation, name in ((GET, "GET"), (PUT, "PUT"), (HEAD, "HEAD")):
        for title, cells in (
            ("1 thread", [small(operation, side, 1) for side in (OURS, OFFICIAL)]),
            (
                "16 threads / 64 tasks",
                [
                    small(operation, OURS, 16),
                    small(operation, ASYNC, 64),
                    small(operation, OFFICIAL, 16),
                ],
            ),
        ):
            groups.append(group(results, f"{name}, {title}", cells, cells[-1]))
    return Panel(
        "Objects of 1 KiB", "operations per second", [each for each in groups if each.bars]
    )


def large_panel(results: Results) -> Panel:
    """MiB per second."""
    groups = []
    for operation, name, limit in (
        (PUT_ZSTD, "PUT, zstd", CORES),
        (GET_ONE, "GET, one frame", None),
        (GET_FRAMES, "GET, independent frames", None),
        (PUT_RAW, "PUT, uncompressed", RAW),
        (GET_RAW, "GET, uncompressed", RAW),
    ):
        sides = [OURS, ASYNC, OFFICIAL, *([limit] if limit else [])]
        cells = [large(operation, side) for side in sides]
        groups.append(group(results, name, cells, large(operation, OFFICIAL)))
    return Panel(
        "192 MiB of JSON lines",
        "MiB of payload per second; grey: a raw socket, or zstd on all cores without a network",
        [each for each in groups if each.bars],
    )


def group(results: Results, title: str, cells: list[Cell], reference: Cell) -> Group:
    """Bars of cells, with their ratio to the reference."""
    bars = []
    for cell in cells:
        if cell in results.cells:
            value = statistics.median(results.cells[cell].rate) * (cell.size / MIB or 1)
            label = f"{value:,.0f}"
            if cell != reference and cell.side in COLORS:
                label += f"  ({statistics.median(results.ratios(cell, reference)):.1f}×)"
            elif cell.side not in COLORS:
                label += f"  {cell.side}"
            bars.append(Bar(cell.side, value, label))
    return Group(title, bars)


def memory_panel(results: Results) -> Panel:
    """Growth of memory while the largest object passes."""
    largest = max((cell.size for cell in results.memory), default=0)
    groups = [
        Group(
            f"{verb.upper()} of {largest // MIB:,} MiB",
            [
                Bar(cell.side, growth / MIB, f"{growth / MIB:.1f}")
                for cell, growth in results.memory.items()
                if (cell.operation, cell.size) == (verb, largest)
            ],
        )
        for verb in ("put", "get")
        if largest
    ]
    return Panel("Memory while a stream passes", "MiB above the start; shorter is better", groups)


def import_panel(results: Results) -> Panel:
    """Import times."""
    if not results.imports:
        return Panel("", "", [])
    times = results.import_times()
    names = (
        ("ours", OURS),
        ("ours, with Objectstore", OURS),
        ("ours, with AsyncObjectstore", ASYNC),
        ("official", OFFICIAL),
    )
    groups = [
        Group(name, [Bar(side, times[name], f"{times[name] * 1000:.0f}")]) for name, side in names
    ]
    return Panel("Import", "milliseconds above a bare start; shorter is better", groups)


def legend() -> list[str]:
    """Which color is whose."""
    parts, x = [], 24
    for side, color in COLORS.items():
        parts.append(f'<rect x="{x}" y="54" width="12" height="12" rx="3" fill="{color}"/>')
        parts.append(text(x + 18, 64, side, size=13, color=PALE))
        x += 40 + 8 * len(side)
    return parts


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: int,
    weight: int = 400,
    color: str = INK,
    anchor: str = "start",
) -> str:
    """A line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'fill="{color}" text-anchor="{anchor}">{escape(words)}</text>'
    )
