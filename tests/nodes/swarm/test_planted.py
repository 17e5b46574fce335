"""Bugs that are put into the judge on purpose are found, shrunk, and shown again by `simulate`."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nodes.fault_table import TABLE
from nodes.main import run
from nodes.scenario import FaultEntry
from nodes.swarm.compare import all_heard, bugs_of, is_clean, told_enough, verdict_on
from nodes.swarm.draw import draw
from nodes.swarm.plans import Flown, Plan, fly
from nodes.swarm.seeds import fly_seed
from protocol.clauses.c1_3 import AgreementInForce
from protocol.clauses.c6_1 import SafeDistance
from protocol.messages import Emitter
from protocol.verdicts import UNATTRIBUTED, Finding, Outcome, Verdict


def first_seed(wanted: Any) -> int:
    return next(seed for seed in range(10_000) if wanted(draw(seed).scenario))


def honest(scenario: dict[str, Any]) -> bool:
    return not scenario["fault"] and not scenario["event"] and len(scenario["station"]) > 5 and _far_from_180(scenario)


def _far_from_180(scenario: dict[str, Any]) -> bool:
    return abs(scenario["station"][0]["at"][1]) < 170


@pytest.fixture
def accuses_uncrewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """1.3 accuses whoever identifies itself as uncrewed."""

    def hear(self: AgreementInForce, booked: Any) -> Iterator[Finding]:
        if booked.frame.message.emitter is Emitter.UNCREWED:
            yield Finding("1.3", f"{booked.frame.source:06x}", Outcome.FAIL, booked.at_ns, "planted")

    monkeypatch.setattr(AgreementInForce, "hear", hear)


@pytest.mark.usefixtures("accuses_uncrewed")
def test_a_false_accusation_is_found_shrunk_and_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = first_seed(lambda s: honest(s) and any(x["role"] == "uncrewed" for x in s["station"]))
    result = fly_seed(seed)
    assert {(b["kind"], b["clause"]) for b in result["bugs"]} == {("accused", "1.3")}
    bug = result["bugs"][0]
    (tmp_path / bug["file"]).write_text(bug["scenario"], encoding="utf-8")
    (tmp_path / bug["file"].replace(".toml", ".agreement.toml")).write_text(bug["agreement"], encoding="utf-8")
    assert bug["scenario"].count("[[station]]") == 2, "the monitor and the accused"
    assert "errors" not in bug["scenario"]
    assert run(["simulate", str(tmp_path / bug["file"]), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    failed = {(v["clause"], v["subject"]) for v in report["verdicts"] if v["verdict"] == "fail"}
    assert failed == {("1.3", bug["subject"])}


def test_without_it_there_is_none() -> None:
    result = fly_seed(first_seed(lambda s: honest(s) and any(x["role"] == "uncrewed" for x in s["station"])))
    assert result["bugs"] == []


@cache
def untroubled() -> Plan:
    """A drawn flight without faults whose monitor hears every frame, and whose first two aircraft fly all along."""
    for seed in range(10_000):
        plan = draw(seed)
        if not honest(plan.scenario) or plan.scenario["medium"]["loss"] or plan.scenario["duration_s"] < 90:
            continue
        if plan.agreement["clause"]["4.1"]["every_s"] != 1 or any("avoid_s" in s for s in plan.scenario["station"]):
            continue
        stations = [s for s in plan.scenario["station"] if "waypoints" in s]
        if any(s.keys() & {"emcon_s", "distress_s", "lost_link"} for s in stations):
            continue
        ways = [s["waypoints"] for s in stations[:2]]
        if any(way[0][0] > 0 or way[-1][0] < plan.scenario["duration_s"] for way in ways):
            continue
        if all_heard(fly(plan.load())):  # what shares a slot may collide
            return plan
    raise AssertionError("no seed suits")


def flown_with(*names: str, event: tuple[dict[str, Any], ...] = ()) -> Flown:
    """It, with events; its first stations have these faults, one each."""
    agreement, scenario = untroubled()
    stations = [s for s in scenario["station"] if "waypoints" in s]
    faults = [{"name": n, "station": s["call_sign"]} for n, s in zip(names, stations, strict=False)]
    return fly(Plan(agreement, scenario | {"fault": faults, "event": list(event)}).load())


def fault_of(flown: Flown, name: str) -> FaultEntry:
    return next(f for f in flown.flight.scenario.fault if f.name == name)


def test_what_the_monitor_was_told_does_not_depend_on_others() -> None:
    flown = flown_with("vague", "stale_agreement")
    assert is_clean(flown)
    assert all(told_enough(flown, f) for f in flown.flight.scenario.fault)
    flown = flown_with("vague", event=({"at_s": 50, "loss": 0.0},))
    assert not is_clean(flown)
    assert told_enough(flown, fault_of(flown, "vague"))


def test_who_was_not_heard_all_through_did_not_tell_enough() -> None:
    flown = flown_with("vague", event=({"at_s": 50, "loss": 0.3}, {"at_s": 53, "loss": 0.0}))
    assert not told_enough(flown, fault_of(flown, "vague"))
    assert bugs_of(flown) == []


def outage(begin_s: float, end_s: float) -> tuple[dict[str, Any], ...]:
    return tuple({"at_s": at_s, "station": "MON 1", "on_air": on} for at_s, on in ((begin_s, False), (end_s, True)))


@pytest.mark.parametrize(
    ("name", "begin_s", "end_s", "told"),
    [
        ("vague", 5, 10, True),  # 36 s are needed, and heard afterwards
        ("vague", 70, 80, True),  # and before
        ("vague", 35, None, False),  # until shortly before the end
        ("no_intent", 60, 70, True),  # what must begin with the flight was heard from the start
        ("no_intent", 0, 3, False),
    ],
)
def test_an_outage_excuses_only_if_too_little_is_left(
    name: str, begin_s: float, end_s: float | None, told: bool
) -> None:
    flown = flown_with(name, event=outage(begin_s, end_s or untroubled().scenario["duration_s"] - 20))
    assert is_clean(flown), "what is missing is known"
    assert told_enough(flown, fault_of(flown, name)) is told
    assert bugs_of(flown) == []
    if told:
        assert verdict_on(flown, fault_of(flown, name)) is Verdict.FAIL


def test_what_is_lost_outside_the_outage_is_lost() -> None:
    losses = ({"at_s": 20, "loss": 1.0}, {"at_s": 21, "loss": 0.0})
    flown = flown_with("vague", event=(*outage(5, 10), *losses))
    assert not told_enough(flown, fault_of(flown, "vague"))


@pytest.mark.usefixtures("accuses_uncrewed")
def test_no_outage_excuses_a_false_accusation() -> None:
    seed = first_seed(lambda s: honest(s) and any(x["role"] == "uncrewed" for x in s["station"]))
    agreement, scenario = draw(seed)
    flown = fly(Plan(agreement, scenario | {"event": list(outage(1, scenario["duration_s"] - 1))}).load())
    assert {(b.kind, b.clause) for b in bugs_of(flown)} == {("accused", "1.3")}


@pytest.mark.parametrize("name", ["stale_agreement", "vague", "malformed", "wrong_channel", "deaf_on_guard"])
def test_what_had_to_be_found_and_was_not_is_a_bug(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    flown = flown_with(name)
    assert is_clean(flown)
    assert bugs_of(flown) == []
    clause = TABLE[name].clause
    for tally in flown.tallies:
        if tally.clause == clause:
            monkeypatch.setitem(tally.counts, Outcome.FAIL, 0)
            monkeypatch.setitem(tally.counts, Outcome.PASS, 5)
    assert [(b.kind, b.clause) for b in bugs_of(flown)] == [("missed", clause)]


def test_a_pair_that_was_close_and_not_found_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SafeDistance, "hear", lambda *_: ())
    found = set()
    for seed in range(10_000):
        scenario = draw(seed).scenario
        if honest(scenario) and not scenario["medium"]["loss"] and len(scenario["station"]) > 8:
            found |= {(b.kind, b.clause) for b in bugs_of(fly(draw(seed).load()))}
            if found:
                break
    assert found == {("missed", "6.1")}


def test_nobody_may_be_accused_as_nobody_either(monkeypatch: pytest.MonkeyPatch) -> None:
    def hear(self: AgreementInForce, booked: Any) -> Iterator[Finding]:
        yield Finding("1.3", UNATTRIBUTED, Outcome.FAIL, booked.at_ns, "planted")

    monkeypatch.setattr(AgreementInForce, "hear", hear)
    flown = fly(draw(first_seed(honest)).load())
    assert {(b.kind, b.clause, b.subject) for b in bugs_of(flown)} == {("accused", "1.3", UNATTRIBUTED)}


def test_a_station_that_fails_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def wake(*_: object) -> Iterator[object]:
        raise RuntimeError("planted")

    monkeypatch.setattr("nodes.stations.aircraft.Aircraft.wake", wake)
    result = fly_seed(first_seed(honest))
    assert {b["kind"] for b in result["bugs"]} == {"crash"}
    assert "planted" in result["bugs"][0]["summary"]
    assert str(Path(__file__).parents[3]) not in json.dumps(result), "the same on every machine"
