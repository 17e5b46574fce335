"""The tables of the procedures: whole, drawn as they are, and followed by the stations."""

from pathlib import Path

import pytest

from nodes.procedure_page import page
from nodes.stations import procedures
from nodes.stations.machine import Machine, Procedure, diagram

PAGE = Path(__file__).parents[2] / "docs" / "procedures.md"


def test_the_page_is_made_from_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "airaccord spec procedures > docs/procedures.md"


@pytest.mark.parametrize("procedure", procedures.ALL, ids=lambda p: p.title)
def test_a_table_leads_from_its_first_state_to_all_others_and_never_two_ways(procedure: Procedure) -> None:
    keys = [(step.state, step.event) for step in procedure.steps]
    assert len(set(keys)) == len(keys)
    reached = [procedure.steps[0].state]
    for state in reached:
        reached += [s.then for s in procedure.steps if s.state == state and s.then not in reached]
    assert set(reached) == set(procedure.states)


@pytest.mark.parametrize("procedure", procedures.ALL, ids=lambda p: p.title)
def test_every_step_is_in_the_diagram(procedure: Procedure) -> None:
    drawn = diagram(procedure)
    assert drawn.count("-->") == len(procedure.steps) + 1
    assert all(f": {step.event}" in drawn for step in procedure.steps)


def test_an_event_that_stands_in_no_step_changes_nothing() -> None:
    machine = Machine(procedures.CALL)
    assert machine.on("answered") == ()
    assert machine.state == "silent"
    assert machine.on("near") == ("call",)
    assert machine.state == "called"
    assert machine.on("time") == ("call again",)
    assert machine.on("answered") == ()
    assert machine.state == "talking"
