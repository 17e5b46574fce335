"""The page of the clauses: whole, and as the code says."""

import re
from pathlib import Path

import pytest

from nodes.clause_page import page
from nodes.fault_table import TABLE
from nodes.main import run
from protocol.clauses import ALL, IDS
from protocol.clauses.base import Clause

PAGE = Path(__file__).parents[2] / "docs" / "clauses.md"


def section(clause: str) -> str:
    (found,) = re.findall(rf"(?ms)^## {re.escape(clause)} (.*?)(?=^## |\Z)", page())
    return str(found)


def test_the_page_is_made_from_the_clauses(capsys: pytest.CaptureFixture[str]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "airaccord spec clauses > docs/clauses.md"
    assert run(["spec", "clauses"]) == 0
    assert capsys.readouterr().out == page()


def test_it_has_every_clause_in_order() -> None:
    assert tuple(re.findall(r"(?m)^## (\S+) ", page())) == IDS


@pytest.mark.parametrize("clause", ALL, ids=lambda c: c.id)
def test_a_clause_says_what_it_is_what_proves_it_and_what_it_cannot(clause: type[Clause]) -> None:
    told = section(clause.id)
    for name in ("text", "instance", "proof", "limits"):
        what = getattr(clause, name)
        assert what, name
        assert what == what.strip(), name
        assert "|" not in what, "it would end the cell of its table"
        assert name == "text" or what in told
    assert "{" not in told, "a key of the agreement is left"
    assert not re.search(r"(?m)^\| [a-z ]+ \| *\|$", told)


@pytest.mark.parametrize(("fault", "clause"), [(name, row.clause) for name, row in TABLE.items()])
def test_a_fault_stands_with_the_clause_that_it_breaks(fault: str, clause: str) -> None:
    (cell,) = re.findall(r"(?m)^\| fault \| (.*) \|$", section(clause))
    assert f"`{fault}`" in cell
    assert all(also in cell for also in TABLE[fault].also)


def test_only_the_clause_that_accuses_nobody_has_no_fault() -> None:
    assert [c for c in IDS if "| fault | none |" in section(c)] == ["0.1"]


def test_whom_a_clause_is_about_and_its_numbers_with_their_units() -> None:
    assert "| about | uncrewed aircraft |" in section("6.7")
    assert "| about | ground stations |" in section("7.2")
    assert "| about | aircraft, uncrewed aircraft, ground stations |" in section("3.1")
    assert "| about | each aircraft of one party with each of another |" in section("6.1")
    assert "| about | nobody: the subject is `unattributed` |" in section("1.2")
    assert "`speed_kt` 2000 kt, `acceleration_g` 9 g, `vertical_rate_fpm` 60000 ft/min" in section("4.4")
    assert "| parameters | `limit_s` 10 s, `station` TOWER |" in section("7.2")
