"""The table of faults: complete, and in agreement with the page that describes them."""

import re
import typing
from pathlib import Path

import pytest

from nodes.fault_table import TABLE, Whom, guilty_of, subject_of
from nodes.flight import load
from nodes.scenario import FaultName
from nodes.shipped import scenario
from nodes.swarm.matrix import shipped_faults
from protocol.clauses import IDS
from protocol.verdicts import UNATTRIBUTED

PAGE = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"


def test_every_fault_has_a_row_and_a_scenario() -> None:
    assert set(TABLE) == set(typing.get_args(FaultName)) == set(shipped_faults())


@pytest.mark.parametrize("name", TABLE)
def test_the_page_says_the_same(name: str) -> None:
    (breaks,) = re.findall(rf"(?m)^\| `{name}` \| (.*?) \|", PAGE.read_text(encoding="utf-8"))
    assert re.findall(r"\d+\.\d+", breaks)[0] == TABLE[name].clause
    assert ("by nobody" in breaks) <= (TABLE[name].whom is Whom.NOBODY)
    assert set(re.findall(r"\d+\.\d+", breaks)[1:]) <= set(TABLE[name].also)


@pytest.mark.parametrize("name", TABLE)
def test_the_clauses_exist_and_the_subject_is_somebody(name: str) -> None:
    row, flight = TABLE[name], load(scenario(f"faults/{name}"))
    assert row.clause in IDS
    assert row.clause not in row.also
    (fault,) = flight.scenario.fault
    subject = subject_of(fault, flight.stations)
    assert (row.clause, subject) in guilty_of(flight.scenario.fault, flight.stations)
    known = {f"{s.address:06x}" for s in flight.stations} | {s.party for s in flight.stations if s.party}
    assert subject == UNATTRIBUTED or set(subject.split("/")) <= known
