"""Ways in which a judge could accuse somebody innocent on the ground line (8.x), or miss a proof. None works."""

from typing import Any

import pytest

from protocol.clauses import c8_1, c8_2, c8_3, c8_4
from protocol.judge import Tally
from protocol.line import presence as presence_module
from protocol.line.presence import MOST_GAPS, Presence
from protocol.messages import Emergency, Nature, Severity
from protocol.verdicts import Cause, Outcome, Verdict
from tests.protocol.conftest import START_NS, shipped_agreement, six_aircraft
from tests.protocol.line_monitor import LineMonitor
from tests.protocol.traffic import position

DRONE, OURS, THEIRS = 0x100003, 0x100001, 0x200001
EVERYWHERE = {"south_deg": 34.0, "north_deg": 36.0, "west_deg": 35.0, "east_deg": 37.0}
EVERYWHERE |= {"floor_ft": 10_000.0, "ceiling_ft": 30_000.0}
PLAN = EVERYWHERE | {"id": "p1", "station": "100003", "from_s": 0.0, "until_s": 9000.0}
AREA = EVERYWHERE | {"id": "a1", "from_s": 100.0, "until_s": 9000.0}
HEADQUARTERS = ("coalition", "federation")


@pytest.fixture
def line() -> LineMonitor:
    return LineMonitor(shipped_agreement(), six_aircraft(), START_NS)


def beat(line: LineMonitor, from_s: float, until_s: float, *clients: str) -> None:
    """Heartbeats every 20 s."""
    at_s = from_s
    while at_s < until_s:
        for client in clients or (*HEADQUARTERS, "monitor-mon-2"):
            line.read(at_s, client, "heartbeat", {})
        at_s += 20


def tally(line: LineMonitor, end_s: float, clause: str, subject: str) -> Tally:
    return next(t for t in line.close(end_s) if (t.clause, t.subject) == (clause, subject))


def answer(result: str, plan: str = "p1") -> dict[str, Any]:
    return {"owner": "coalition", "plan": plan, "result": result}


# ------------------------------------------------------------------ 8.1


def test_a_box_around_the_earth_has_everything_inside(line: LineMonitor) -> None:
    line.read(1.0, "coalition", "plan", PLAN | {"west_deg": -180.0, "east_deg": 180.0})
    line.read(2.0, "federation", "plan_answer", answer("agreed"))
    line.hear(20.0, DRONE, 0, position())
    assert tally(line, 100.0, "8.1", "100003").verdict is Verdict.PASS


def test_an_agreement_that_is_dated_ahead_holds_when_it_comes(line: LineMonitor) -> None:
    line.read(1.0, "coalition", "plan", PLAN)
    line.read(20.0, "federation", "plan_answer", answer("agreed"), issued_s=24.9)
    line.hear(21.0, DRONE, 0, position())
    assert tally(line, 100.0, "8.1", "100003").verdict is Verdict.PASS


def test_who_agrees_again_and_again_does_not_make_it_undone(line: LineMonitor) -> None:
    """The first agreement holds for what flew before the last one."""
    line.read(1.0, "coalition", "plan", PLAN)
    line.hear(30.0, DRONE, 0, position())
    for i in range(2 * c8_1.MOST_ANSWERS):
        line.read(2.0 + (i > 0) * (29.0 + i / 100), "federation", "plan_answer", answer("agreed"))
    assert tally(line, 100.0, "8.1", "100003").verdict is Verdict.PASS


def test_answers_to_plans_that_nobody_knows_push_out_none(line: LineMonitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan comes after its agreement, and so after all that the other party says of plans that it never had."""
    monkeypatch.setattr(c8_1, "MOST_PLANS", 10)
    for i in range(20):
        line.read(1.0 + i / 100, "federation", "plan_answer", answer("agreed", f"none-{i}"))
    line.read(2.0, "federation", "plan_answer", answer("agreed"))
    line.read(3.0, "coalition", "plan", PLAN)
    line.hear(20.0, DRONE, 0, position())
    found = tally(line, 100.0, "8.1", "100003")
    assert (found.verdict, set(found.causes)) == (Verdict.INCONCLUSIVE, {Cause.LINE_GAP})


@pytest.mark.parametrize(("at_s", "verdict"), [(20.0, Verdict.INCONCLUSIVE), (1000.0, Verdict.FAIL)])
def test_a_refusal_that_the_broker_kept_may_have_followed_an_agreement(
    line: LineMonitor, at_s: float, verdict: Verdict
) -> None:
    """The broker keeps the last answer only: refused just before the monitor came."""
    line.read(0.1, "coalition", "plan", PLAN, issued_s=-7200.0)
    line.read(0.2, "federation", "plan_answer", answer("refused"), issued_s=-10.0)
    line.hear(at_s, DRONE, 0, position())
    assert tally(line, at_s + 100, "8.1", "100003").verdict is verdict


# ------------------------------------------------------------------ 8.2


def test_an_area_that_is_dated_back_when_the_monitor_returns_closes_nothing(line: LineMonitor) -> None:
    """The broker would have handed it out when the monitor first came."""
    line.cut_off(140.0, 150.0)
    line.read(151.0, "coalition", "area", AREA, issued_s=-7200.0)
    beat(line, 160.0, 400.0)
    line.hear(300.0, THEIRS, 0, position())
    tallies = {(t.clause, t.subject): t for t in line.close(400.0)}
    assert tallies["8.2", "200001"].verdict is Verdict.NOT_EXERCISED
    assert tallies["8.2", "coalition"].verdict is Verdict.INCONCLUSIVE


def test_an_area_that_is_dated_back_when_the_monitor_has_come_closes_nothing(line: LineMonitor) -> None:
    line.read(8.0, "coalition", "area", AREA, issued_s=-7200.0)
    beat(line, 20.0, 400.0)
    line.hear(300.0, THEIRS, 0, position())
    assert tally(line, 400.0, "8.2", "200001").verdict is Verdict.NOT_EXERCISED


def test_who_lifts_what_nobody_knows_does_not_hide_that_it_lifts_an_area(
    line: LineMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(c8_2, "MOST_AREAS", 10)
    for i in range(20):
        line.read(0.5 + i / 100, "coalition", "area_lifted", {"area": f"none-{i}"}, issued_s=-7000.0)
    line.read(1.0, "coalition", "area_lifted", {"area": "a1"}, issued_s=-6000.0)
    line.read(1.5, "coalition", "area", AREA, issued_s=-7200.0)
    beat(line, 20.0, 400.0)
    line.hear(300.0, THEIRS, 0, position())
    assert tally(line, 400.0, "8.2", "200001").verdict is Verdict.NOT_EXERCISED


# ------------------------------------------------------------------ 8.3


def call(name: str = "c1") -> dict[str, Any]:
    return {"id": name, "to": "federation", "text": "radio check"}


ANSWER = {"call": "c1", "to": "coalition", "text": "received"}


def test_two_calls_under_one_id_need_one_answer(line: LineMonitor) -> None:
    beat(line, 1.0, 20.0)
    line.read(20.0, "coalition", "call", call())
    line.read(20.2, "coalition", "call", call())
    line.read(20.5, "federation", "answer", ANSWER)
    line.read(20.7, "coalition", "call", call())
    beat(line, 21.0, 600.0)
    assert tally(line, 600.0, "8.3", "federation").verdict is Verdict.PASS


@pytest.mark.parametrize(("back_s", "verdict"), [(319.0, Verdict.INCONCLUSIVE), (280.0, Verdict.FAIL)])
def test_a_call_that_is_got_too_late_to_be_answered(line: LineMonitor, back_s: float, verdict: Verdict) -> None:
    """Cut off since before the call, the headquarters is back a second before its time is over; or in good time."""
    line.read(1.0, "federation", "heartbeat", {})
    line.read(20.0, "coalition", "call", call())
    line.read(back_s, "federation", "heartbeat", {})
    assert tally(line, 600.0, "8.3", "federation").verdict is verdict


@pytest.mark.parametrize("wrote", [True, False])
def test_who_was_cut_off_and_wrote_all_the_while_was_not_silent(line: LineMonitor, wrote: bool) -> None:
    """What it wrote comes when it is back; it may be dated back, and proves nothing to its favour."""
    beat(line, 1.0, 100.0)
    beat(line, 101.0, 250.0, "coalition", "monitor-mon-2")
    for i in range(7 if wrote else 0):
        line.read(250.0 + i / 10, "federation", "heartbeat", {}, issued_s=101.0 + 20 * i)
    beat(line, 251.0, 400.0)
    found = tally(line, 400.0, "8.3", "federation")
    assert found.verdict is (Verdict.INCONCLUSIVE if wrote else Verdict.FAIL)


def test_calls_and_answers_to_nobody_fill_no_memory(line: LineMonitor) -> None:
    for i in range(2000):
        line.read(1.0 + i / 1000, "coalition", "call", call(f"c{i}"))
        line.read(1.0 + i / 1000, "federation", "answer", ANSWER | {"call": f"none-{i}"})
    line.judge.advance(line.at(100.0))
    (clause,) = (c for c in line.judge._all.clauses if isinstance(c, c8_3.LineAlive))
    assert len(clause.calls) <= c8_3.MOST_CALLS
    assert len(clause.answered["federation"]) <= 10 * c8_3.MOST_CALLS


def test_a_flood_pushes_out_no_proof(line: LineMonitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """It got the call and does not answer; then it says so much that the proof of it would be forgotten."""
    monkeypatch.setattr(presence_module, "REMEMBERED", 100)
    line.read(20.0, "coalition", "call", call())
    line.read(40.0, "federation", "heartbeat", {})
    for i in range(300):
        line.read(322.0 + i / 100, "federation", "heartbeat", {})
    assert tally(line, 600.0, "8.3", "federation").verdict is Verdict.FAIL


# ------------------------------------------------------------------ 8.4


def mayday(number: int = 1) -> Emergency:
    return Emergency(number, Severity.DISTRESS, Nature.ENGINE, 35.0, 36.0, 20_000)


def report(at_s: float, what: str = "emergency", *stations: str) -> dict[str, Any]:
    return {"what": what, "stations": stations or ("200001",), "at_s": at_s}


def test_an_emergency_that_goes_on_is_reported_once(line: LineMonitor) -> None:
    for i in range(120):
        line.hear(10.1 + 20 * i, THEIRS, i, mayday())
        beat(line, 11.0 + 20 * i, 12.0 + 20 * i)
        if i == 1:
            line.read(32.0, "federation", "incident", report(10.0))
    found = tally(line, 2500.0, "8.4", "federation")
    assert (found.verdict, found.counts[Outcome.PASS]) == (Verdict.PASS, 1)


def test_a_report_of_what_will_happen_is_none(line: LineMonitor) -> None:
    """Who reports everything beforehand has reported nothing."""
    line.read(1.0, "federation", "incident", report(200.0))
    line.hear(100.1, THEIRS, 0, mayday())
    beat(line, 101.0, 1300.0)
    assert tally(line, 1300.0, "8.4", "federation").verdict is Verdict.FAIL


def test_reports_of_nothing_do_not_push_out_one_that_came(line: LineMonitor) -> None:
    """The coalition reports it for both, and then so much that its report would be forgotten."""
    line.hear(10.1, THEIRS, 0, mayday())
    line.read(11.0, "coalition", "incident", report(10.0))
    for i in range(2 * c8_4.MOST_REPORTS):
        line.read(12.0 + i / 1000, "coalition", "incident", report(9000.0))
    beat(line, 20.0, 1300.0)
    assert tally(line, 1300.0, "8.4", "federation").verdict is Verdict.PASS
    (clause,) = (c for c in line.judge._all.clauses if isinstance(c, c8_4.IncidentReported))
    assert len(clause.reports["coalition"]) <= c8_4.MOST_REPORTS


def test_an_emergency_of_an_address_that_two_use_is_no_party_s_to_report(line: LineMonitor) -> None:
    """An outsider sends in the name of 200001, whose party's manifests do not come."""
    for i in range(10):
        line.hear(1.0 + i, THEIRS, i, position(), session=1)
        line.hear(1.5 + i, THEIRS, i, mayday() if i == 5 else position(), session=2)
    beat(line, 20.0, 1300.0)
    assert tally(line, 1300.0, "8.4", "federation").verdict is Verdict.INCONCLUSIVE


def test_a_verdict_that_is_told_again_tells_of_no_second_incident(line: LineMonitor) -> None:
    """A monitor that begins anew says what it said; both have reported the first, and know of no other."""
    verdict = {"clause": "6.1", "subject": "100001/200001", "verdict": "fail", "counts": {"fail": 1}}
    number = 0
    for begin_s in (0.0, 700.0):
        for i in range(20):
            for address in (OURS, THEIRS):
                line.hear(begin_s + i + 0.1 + (address == THEIRS) / 10, address, number, position())
            number += 1
        line.read(begin_s + 60.0, "monitor-mon-1", "verdict", verdict)
        if not begin_s:
            line.read(61.0, "federation", "incident", report(10.0, "too_close", "100001"))
        beat(line, begin_s + 70.0, begin_s + 690.0)
    beat(line, 1400.0, 2500.0)
    found = tally(line, 2500.0, "8.4", "federation")
    assert found.counts[Outcome.PASS] == 1
    assert found.verdict is Verdict.INCONCLUSIVE


# ------------------------------------------------------------------ memory


def test_gaps_fill_no_memory_and_none_is_lost() -> None:
    presence = Presence(0)
    for i in range(3 * MOST_GAPS):
        presence.cut_off(10 * i, 10 * i + 5)
    assert len(presence._gaps) <= MOST_GAPS
    assert all(presence.gap(10 * i + 1, 10 * i + 2) for i in range(3 * MOST_GAPS))
    assert not presence.gap(10 * (3 * MOST_GAPS - 1) - 4, 10 * (3 * MOST_GAPS - 1) - 1)


def test_plans_areas_and_incidents_fill_no_memory(line: LineMonitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c8_1, "MOST_PLANS", 20)
    monkeypatch.setattr(c8_2, "MOST_AREAS", 20)
    monkeypatch.setattr(c8_4, "MOST_INCIDENTS", 20)
    for i in range(100):
        at_s, name = 1.0 + i / 10, f"x{i}"
        for sender in HEADQUARTERS:
            line.read(at_s, sender, "plan", PLAN | {"id": name})
            line.read(at_s, sender, "area", AREA | {"id": name})
            line.read(at_s, sender, "area_lifted", {"area": f"no-{i}"})
            line.read(at_s, sender, "plan_answer", answer("agreed", f"no-{i}"))
            line.read(at_s, sender, "plan_withdrawn", {"owner": "coalition", "plan": f"nor-{i}"})
        line.hear(at_s, THEIRS, i, mayday(i))
    line.judge.advance(line.at(100.0))
    plans, areas, incidents = (
        next(c for c in line.judge._all.clauses if isinstance(c, kind))
        for kind in (c8_1.CoOrdinated, c8_2.ClosedAreas, c8_4.IncidentReported)
    )
    assert (len(plans.plans), len(areas.known["coalition"]), len(incidents.happened)) == (40, 20, 20)
    assert len(plans.said) <= 40
    assert len(areas.lifted_ns) <= 40
