"""What no observer could decide of a fault."""

import io

import pytest

from nodes.fault_table import TABLE
from nodes.flight import load, with_loss
from nodes.shipped import scenario
from nodes.swarm.matrix import fly_fault, shipped_faults
from nodes.swarm.plans import fly
from nodes.swarm.shown import is_beyond, leasts


def test_nothing_is_said_of_a_fault_that_there_is_not() -> None:
    flight = load(scenario("faults/silent"))
    assert set(leasts(flight)) <= set(shipped_faults())


@pytest.mark.parametrize("name", ["ignores_hail", "malformed", "stranger", "wrong_fallback"])
def test_who_receives_nothing_can_say_nothing(name: str) -> None:
    told = fly_fault(name, 1, 1.0)
    assert told["beyond"]
    assert "detected" not in told["clauses"][TABLE[name].clause]


@pytest.mark.parametrize("name", ["ignores_hail", "malformed", "stranger", "vague_mayday"])
@pytest.mark.parametrize("loss", [0.0, 0.6, 0.9])
def test_what_was_found_was_not_beyond_everybody(name: str, loss: float) -> None:
    for seed in range(1, 4):
        told = fly_fault(name, seed, loss)
        assert not (told["beyond"] and "detected" in told["clauses"][TABLE[name].clause])
        assert loss or not told["beyond"]


def test_two_calls_heard_are_no_three_of_one_call() -> None:
    """Of the four HAILs of each of three callers few are heard."""
    flight = with_loss(load(scenario("faults/ignores_hail")), 0.7)
    told = []
    for seed in range(1, 9):
        recording = io.BytesIO()
        fly(flight, seed, lambda _, to=recording: to)  # type: ignore[misc]
        told.append(is_beyond(flight, flight.scenario.fault[0], recording))
    assert set(told) == {True, False}
