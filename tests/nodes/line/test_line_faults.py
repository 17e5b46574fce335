"""The faults of the ground line: each is found whatever the seed, and nobody else is accused."""

import pytest

from nodes.fault_table import TABLE
from nodes.flight_names import OF_LINE
from nodes.swarm.matrix import fly_fault

LONG = ("cover_up",)
"""Its scenario takes a quarter of an hour: one seed of it is in the matrix of faults."""


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("name", [name for name in OF_LINE if name not in LONG])
def test_a_fault_of_the_line_is_found_and_nobody_else_accused(name: str, seed: int) -> None:
    told = fly_fault(name, seed, None)
    assert told["clauses"][TABLE[name].clause] == ["detected"]
    assert told["accused"] == told["broken"] == []
    others = {clause for clause, said in told["clauses"].items() if "detected" in said} - {TABLE[name].clause}
    assert others <= set(TABLE[name].also)
