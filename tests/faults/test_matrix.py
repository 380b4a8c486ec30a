"""A sample of the matrix: each fault once in each world, with operations drawn at random.

`make matrix` runs all of it. `MATRIX_SEED` draws another sample.
"""

from __future__ import annotations

import os

import pytest

from tests.faults.catalogue import FAMILIES
from tests.faults.expected import FAULTS
from tests.faults.matrix import sample
from tests.faults.trial import Cell, Trial

# With `make matrix`: the deadlines of the cells need a machine that has nothing else to do.
pytestmark = pytest.mark.long

SEED = int(os.environ.get("MATRIX_SEED", "1"))


@pytest.mark.parametrize("cell", sample(SEED), ids=str)
def test_an_operation_survives_a_fault(server_url: str, cell: Cell) -> None:
    """The right result or the right error, in time; nothing broken and nothing left behind."""
    trial = Trial(server_url, cell, SEED)
    trial.run()
    assert not trial.problems


def test_the_table_has_all_faults() -> None:
    """Each fault of the catalogue has an expectation, and each expectation a fault."""
    known = [(family, fault.name) for family, faults in FAMILIES.items() for fault in faults]
    assert sorted(known) == sorted(FAULTS)
