"""Whether two clients read what the other wrote: half of that, run once with each.

    python interoperate.py SIDE URL put
    python interoperate.py SIDE URL check

`put` stores objects of several sizes; `check` reads what the other side put, whole.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

from samples import MIB, json_lines
from worker import import_ours

SIZES = (0, 1, 1000, 2 * MIB, 2 * MIB + 1, 9 * MIB)


def official(url: str) -> tuple[Callable[[str, bytes], object], Callable[[str], bytes]]:
    """How the official client puts and gets."""
    package: Any = importlib.import_module("objectstore_client")
    session = package.Client(url).session(package.Usecase("bench"), org=17, project=42)
    return (
        lambda key, data: session.put(data, key=key),
        lambda key: session.get(key).payload.read(),
    )


def ours(url: str) -> tuple[Callable[[str, bytes], object], Callable[[str], bytes]]:
    """How this checkout puts and gets."""
    package = import_ours()
    scope = package.Scope(org=17, project=42)
    client = package.Objectstore(url).get_client(package.Usecase("bench"), scope)
    return lambda key, data: client.put(data, id=key), lambda key: client.get(key).payload.read()


def main(side: str, url: str, verb: str) -> None:
    """Put, or check."""
    put, get = (ours if side == "ours" else official)(url)
    other = "official" if side == "ours" else "ours"
    for size in SIZES:
        data = json_lines(size)
        if verb == "put":
            put(f"{side}-{size}", data)
        elif get(f"{other}-{size}") != data:
            raise SystemExit(f"{side} does not read {size} bytes that {other} wrote")


if __name__ == "__main__":
    main(*sys.argv[1:])
