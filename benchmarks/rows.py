"""What is measured, and what is wanted of it."""

from __future__ import annotations

from typing import Literal, NamedTuple

MIB = 1024 * 1024
LARGE_BYTES = 192 * MIB

Group = Literal["small", "large", "sizes", "memory", "import"]

OURS, ASYNC, OFFICIAL, POOL = "ours", "ours, async", "official", "official, pool 16"
RAW, CORES = "raw socket", "zstd on all cores"
SIDES = [OURS, ASYNC, OFFICIAL, POOL, "urllib3", "httpx", "httpx, async", "aiohttp", RAW, CORES]
"""In the order of the columns."""


class Cell(NamedTuple):
    """One thing that is measured: an operation of one side."""

    group: Group
    operation: str
    """What `worker.py` is told; in other groups what the table calls it."""
    side: str
    concurrency: int = 1
    size: int = 0
    """Bytes of the payload; 0 where the figure is operations per second."""


class Bar(NamedTuple):
    """How many times as good as *reference* the *cell* is to be."""

    title: str
    cell: Cell
    reference: Cell
    at_least: float
    aim: float | None = None


SIZES = [1024, 16 * 1024, 256 * 1024, 4 * MIB, 64 * MIB]


def small(operation: str, side: str, concurrency: int) -> Cell:
    """A cell of an object of 1 KiB."""
    return Cell("small", operation, side, concurrency)


def large(operation: str, side: str) -> Cell:
    """A cell of an object of 192 MiB."""
    return Cell("large", operation, side, 1, LARGE_BYTES)


GET, PUT, HEAD = "read small.zst", "put small zstd", "head small.zst"
PUT_ZSTD, PUT_RAW = "put large zstd", "put large none"
GET_ONE, GET_FRAMES, GET_RAW = "get large.one.zst", "get large.frames.zst", "get large"
READ_ONE, READ_FRAMES = "read large.one.zst", "read large.frames.zst"

NAMES = {
    GET: "GET 1 KiB",
    PUT: "PUT 1 KiB",
    HEAD: "HEAD",
    PUT_ZSTD: "PUT 192 MiB of JSON lines, zstd 3",
    GET_ONE: "GET of it, one frame (the official client's)",
    GET_FRAMES: "GET of it, independent frames (ours)",
    READ_ONE: "the same with one read(), one frame",
    READ_FRAMES: "the same with one read(), independent frames",
    PUT_RAW: "PUT 192 MiB uncompressed",
    GET_RAW: "GET 192 MiB uncompressed",
}

CELLS = [
    *(
        small(operation, side, concurrency)
        for operation in (GET, PUT, HEAD)
        for side, levels in (
            (OURS, (1, 4, 16)),
            (OFFICIAL, (1, 4, 16)),
            (POOL, (16,)),
            (ASYNC, (1, 16, 64, 256)),
        )
        for concurrency in levels
    ),
    *(
        small(GET, side, concurrency)
        for side, levels in (
            ("urllib3", (1, 16)),
            ("httpx", (1, 16)),
            ("httpx, async", (1, 64)),
            ("aiohttp", (1, 64)),
            (RAW, (1, 64)),
        )
        for concurrency in levels
    ),
    *(
        large(operation, side)
        for operation in (PUT_ZSTD, GET_ONE, GET_FRAMES, READ_ONE, READ_FRAMES)
        for side in (OURS, ASYNC, OFFICIAL)
    ),
    large(PUT_ZSTD, CORES),
    *(
        large(operation, side)
        for operation in (PUT_RAW, GET_RAW)
        for side in (OURS, ASYNC, OFFICIAL, "urllib3", "httpx", "aiohttp", RAW)
    ),
    *(
        Cell("sizes", operation.format(size), side, 1, size)
        for operation in ("put size-{} zstd", "read size-{}.zst")
        for size in SIZES
        for side in (OURS, OFFICIAL)
    ),
]

BARS = [
    *(
        Bar(NAMES[op] + ", 1 thread", small(op, OURS, 1), small(op, OFFICIAL, 1), 2.0)
        for op in (GET, PUT)
    ),
    *(
        Bar(NAMES[op] + ", 16 threads", small(op, OURS, 16), small(op, OFFICIAL, 16), 3.0)
        for op in (GET, PUT)
    ),
    *(
        Bar(
            NAMES[op] + ", 64 tasks to 16 threads",
            small(op, ASYNC, 64),
            small(op, OFFICIAL, 16),
            4.0,
        )
        for op in (GET, PUT)
    ),
    Bar(NAMES[PUT_ZSTD], large(PUT_ZSTD, OURS), large(PUT_ZSTD, OFFICIAL), 1.5, 1.8),
    Bar(NAMES[GET_ONE], large(GET_ONE, OURS), large(GET_ONE, OFFICIAL), 1.0, 1.2),
    Bar(NAMES[GET_FRAMES], large(GET_FRAMES, OURS), large(GET_FRAMES, OFFICIAL), 1.2, 1.6),
    Bar(NAMES[PUT_RAW] + ", to a raw socket", large(PUT_RAW, OURS), large(PUT_RAW, RAW), 0.8, 0.95),
    Bar(NAMES[GET_RAW] + ", to a raw socket", large(GET_RAW, OURS), large(GET_RAW, RAW), 0.8, 0.95),
]

MEMORY_SIZES = [1, 64, 1024, 4096]
"""MiB."""

MEMORY_BAR, MEMORY_AIM = 32 * MIB, 20 * MIB
"""Growth while the largest is transferred."""

IMPORTS = [
    ("nothing", "core", "pass"),
    ("official", "official", "import objectstore_client"),
    ("ours", "core", "import objectstore_client"),
    ("ours, with Objectstore", "core", "from objectstore_client import Objectstore"),
    ("ours, with AsyncObjectstore", "core", "from objectstore_client import AsyncObjectstore"),
]
"""Name, environment and statement."""

IMPORT_BAR, IMPORT_AIM = 0.8, 0.5
"""Of what the official client takes, both above a bare start."""
