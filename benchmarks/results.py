"""What was measured."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field

from rows import Cell


@dataclass
class Figures:
    """What was measured in one cell, an entry per round."""

    rate: list[float] = field(default_factory=list)
    """Operations per second."""
    cpu: list[float] = field(default_factory=list)
    """Seconds of CPU time of the client per operation."""
    server: list[float] = field(default_factory=list)
    """Share of the time that the server was busy."""

    def add(self, result: dict[str, float], busy: float) -> None:
        """Add a round."""
        self.rate.append(result["done"] / result["wall"])
        self.cpu.append(result["cpu"] / result["done"])
        self.server.append(busy / result["wall"])


@dataclass
class Results:
    """Everything that one run measured, and where."""

    about: dict[str, str]
    cells: dict[Cell, Figures] = field(default_factory=dict)
    memory: dict[Cell, int] = field(default_factory=dict)
    """Growth of the peak, in bytes."""
    imports: dict[str, list[float]] = field(default_factory=dict)
    """Seconds from start to end of an interpreter, an entry per round."""

    def ratios(self, cell: Cell, to: Cell) -> list[float]:
        """How many times as fast *cell* was as *to*, for each round."""
        pairs = zip(self.cells[cell].rate, self.cells[to].rate, strict=True)
        return [mine / other for mine, other in pairs]

    def import_times(self) -> dict[str, float]:
        """Median seconds of each import above those of a bare start."""
        bare = statistics.median(self.imports["nothing"])
        return {
            name: statistics.median(seconds) - bare
            for name, seconds in self.imports.items()
            if name != "nothing"
        }

    def as_json(self) -> dict[str, object]:
        """All of it."""
        return {
            **self.about,
            "cells": [{**cell._asdict(), **asdict(each)} for cell, each in self.cells.items()],
            "memory": [{**cell._asdict(), "growth": each} for cell, each in self.memory.items()],
            "imports": self.imports,
        }
