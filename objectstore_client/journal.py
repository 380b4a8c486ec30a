"""What a transfer writes down to be continued by another process. Format and checks only.

A journal is lines of JSON: the first says what is transferred, each of the others how far it is.
The process may be killed at any byte, so what follows the last line end is not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias

__all__ = ["Facts", "encode_line", "numbers", "read_lines"]

Facts: TypeAlias = Mapping[str, "str | int | bool | None"]

_FORMAT = 1
_MAX_LINES = 10_000_000


def encode_line(facts: Facts) -> bytes:
    """Write one line."""
    return json.dumps({"format": _FORMAT, **facts}, separators=(",", ":")).encode() + b"\n"


def read_lines(content: bytes) -> list[Facts]:
    """Read the lines that are whole; none if one of them is not what this version writes."""
    lines: list[Facts] = []
    for line in content.splitlines(keepends=True)[:_MAX_LINES]:
        if not line.endswith(b"\n"):
            break
        try:
            facts = json.loads(line)
        except (ValueError, RecursionError):
            return []
        if not isinstance(facts, dict) or facts.pop("format", None) != _FORMAT:
            return []
        lines.append(facts)
    return lines


def numbers(lines: Iterable[Facts], name: str, limit: int) -> set[int]:
    """The values of *name* in *lines* that are whole numbers below *limit*."""
    found = set()
    for facts in lines:
        value = facts.get(name)
        if type(value) is int and 0 <= value < limit:
            found.add(value)
    return found
