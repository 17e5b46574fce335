"""The matrix of faults against clauses."""

import json
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from nodes.fault_table import TABLE
from nodes.main import run
from nodes.swarm.matrix import fly_fault, shipped_faults
from protocol.clauses.c1_3 import AgreementInForce
from protocol.verdicts import Finding, Outcome

TWO = ["--fault", "malformed", "--fault", "spoofed_position", "--seeds", "2"]


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def executor_for(*_: object) -> Iterator[tuple[Executor, int]]:
        with ThreadPoolExecutor(1) as pool:
            yield pool, 1

    monkeypatch.setattr("nodes.commands.faults.executor_for", executor_for)


def matrix(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run(["faults", "--json", *TWO, *arguments])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", shipped_faults())
def test_every_fault_is_detected_and_nobody_innocent_accused(name: str) -> None:
    told = fly_fault(name, 11, None)
    assert told["clauses"][TABLE[name].clause] == ["detected"]
    assert told["accused"] == told["broken"] == []
    assert told["after_s"] is not None
    others = {c for c, said in told["clauses"].items() if "detected" in said} - {TABLE[name].clause}
    assert others <= set(TABLE[name].also)


def test_the_matrix_says_what_was_detected_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = matrix(capsys)
    assert (code, report["complete"], list(report["faults"])) == (0, True, ["malformed", "spoofed_position"])
    nothing = {"detected": 0, "inconclusive": 0, "missed": 0, "accused": 0}
    assert report["faults"]["malformed"]["clauses"] == {"3.3": nothing | {"detected": 2}}
    assert report["faults"]["malformed"]["median_s"] == pytest.approx(9.1, abs=1.1)  # the tenth POSITION
    spoofed = report["faults"]["spoofed_position"]
    assert spoofed["clauses"]["4.5"] == spoofed["clauses"]["3.4"] == nothing | {"detected": 2}
    assert run(["faults", *TWO]) == 0
    shown = capsys.readouterr().out
    assert "malformed" in shown
    assert "3.4 2/2" in shown


@pytest.mark.usefixtures("in_threads")
def test_a_clause_that_finds_nothing_is_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("protocol.clauses.c3_3.WellFormed.hear_malformed", lambda *_: ())
    code, report = matrix(capsys)
    assert code == 1
    assert report["faults"]["malformed"]["clauses"]["3.3"]["missed"] == 2


@pytest.mark.usefixtures("in_threads")
def test_a_clause_that_accuses_somebody_else_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hear(self: AgreementInForce, booked: Any) -> Iterator[Finding]:
        yield Finding("1.3", f"{booked.frame.source:06x}", Outcome.FAIL, booked.at_ns, "planted")

    monkeypatch.setattr(AgreementInForce, "hear", hear)
    code, report = matrix(capsys)
    assert code == 1
    assert report["faults"]["malformed"]["clauses"]["1.3"]["accused"] == 2
    assert report["faults"]["malformed"]["clauses"]["3.3"]["detected"] == 2
    assert {told["clause"] for told in report["accused"]} == {"1.3"}


def test_at_loss_a_fault_may_stay_open(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = matrix(capsys, "--loss", "0.9")
    assert report["faults"]["malformed"]["loss"] == 0.9
    assert code == any(row["clauses"][row["clause"]]["missed"] for row in report["faults"].values())


def test_a_fault_that_does_not_exist_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["faults", "--fault", "sloth"]) == 2
    told = capsys.readouterr().err
    assert "sloth" in told
    assert "slot_thief" in told
