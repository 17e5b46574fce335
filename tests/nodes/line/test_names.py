"""Clients of the line that could not be told apart are refused when the scenario is read."""

from nodes.flight import load
from nodes.line.setup import line_of
from nodes.problems import Problem
from nodes.shipped import scenario
from protocol.agreement import Party


def test_two_parties_with_one_name_on_the_line_are_told() -> None:
    path = scenario("ground-line-2015")
    flight, problems = load(path), list[Problem]()
    alike = flight.agreement.model_copy(update={"party": (Party(name="red a"), Party(name="red-a"))})
    line_of(flight.scenario, alike, path, problems)
    assert any("would both be called 'red-a'" in str(p) for p in problems)
