"""What is put and got: lines of a log in JSON, as services write them, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator

MIB = 1024 * 1024

LEVELS = ("info", "info", "info", "debug", "warning", "error")
WORDS = ("started", "finished", "was retried", "was given up", "waits for another")


def json_lines(size: int, seed: int = 1) -> bytes:
    """Make *size* bytes of lines."""
    chance = random.Random(seed)
    lines, length, number = [], 0, 0
    while length < size:
        number += 1
        line = (
            f'{{"timestamp": {1_790_000_000 + number * 0.01:.3f}, '
            f'"level": "{chance.choice(LEVELS)}", "logger": "worker.{chance.randrange(40)}", '
            f'"message": "job {chance.randrange(10**6)} {chance.choice(WORDS)}", '
            f'"milliseconds": {chance.randrange(5000)}, '
            f'"trace": "{chance.getrandbits(64):016x}"}}\n'
        ).encode()
        lines.append(line)
        length += len(line)
    return b"".join(lines)[:size]


def stream(size: int) -> Iterator[bytes]:
    """Iterate over *size* bytes, whole MiB, in pieces of 1 MiB, 8 different ones made now."""
    pieces = [json_lines(MIB, seed) for seed in range(8)]
    return (pieces[number % len(pieces)] for number in range(size // MIB))
