"""A sample of the matrix: each fault once in each world, with operations drawn at random.

`make matrix` runs all of it. `MATRIX_SEED` draws another sample.
"""

from __future__ import annotations

import os

import pytest

from tests.faults.catalogue import FAMILIES
from tests.faults.expected import FAULTS
from tests.faults.matrix import CELLS, run, sample
from tests.faults.operations import OPERATIONS
from tests.faults.trial import Cell, try_out
from tests.faults.worlds import WORLDS

SEED = int(os.environ.get("MATRIX_SEED", "1"))


@pytest.mark.parametrize("cell", sample(SEED), ids=str)
def test_an_operation_survives_a_fault(server_url: str, cell: Cell) -> None:
    """The right result or the right error, in time; nothing broken and nothing left behind."""
    assert not try_out(server_url, cell, SEED).problems


def test_the_sample_has_everything() -> None:
    """Each fault, each operation, both worlds, whatever the seed."""
    for seed in range(20):
        cells = sample(seed)
        assert {(cell.family, cell.fault.name) for cell in cells} == set(FAULTS)
        assert {cell.operation for cell in cells} == set(OPERATIONS)
        assert {cell.world for cell in cells} == set(WORLDS)


def test_the_table_has_all_faults() -> None:
    """Each fault of the catalogue has an expectation, and each expectation a fault."""
    known = [(family, fault.name) for family, faults in FAMILIES.items() for fault in faults]
    assert sorted(known) == sorted(FAULTS)


@pytest.mark.long
def test_all_operations_survive_all_faults() -> None:
    """The whole matrix, as `make matrix` shows it."""
    verdicts = run(list(range(len(CELLS))), SEED, jobs=8)
    assert not [verdict for verdict in verdicts.values() if verdict.problems]
