"""What is drawn: always the same from a seed, always fit to fly, and everything now and then."""

from collections import Counter

import pytest

from nodes.fault_table import TABLE, Whom
from nodes.flight_names import OF_LINE
from nodes.swarm import draw_line
from nodes.swarm.draw import MAX_OFF_FT, MAX_OFF_M, MAX_OFF_US, draw
from nodes.swarm.plans import Plan

MANY = [draw(seed) for seed in range(400)]


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    assert [draw(seed) for seed in range(20)] == MANY[:20]
    assert len({repr(plan) for plan in MANY}) == len(MANY)


@pytest.mark.parametrize("seed", range(0, 400, 25))
def test_every_plan_can_be_loaded(seed: int) -> None:
    flight = MANY[seed].load()
    assert flight.scenario.seed == seed
    assert {s.party for s in flight.stations if s.party} == {"coalition", "federation"}


def test_everything_is_drawn_now_and_then() -> None:
    faults = Counter(f["name"] for plan in MANY for f in plan.scenario["fault"])
    assert set(faults) == set(TABLE)
    assert 0.35 < sum(not plan.scenario["fault"] for plan in MANY) / len(MANY) < 0.65
    assert any(len(plan.scenario["fault"]) > 1 for plan in MANY)
    events = Counter(key for plan in MANY for e in plan.scenario["event"] for key in e.keys() - {"at_s", "station"})
    assert events.keys() == {"loss", "on_air", "power_dbm", "channels", "jamming"}
    assert any(plan.scenario["medium"]["loss"] for plan in MANY)
    off = {e["station"] for plan in MANY for e in plan.scenario["event"] if "on_air" in e}
    assert off > {"MON 1"}
    lines = [plan.scenario["ground_line"] for plan in MANY if "ground_line" in plan.scenario]
    assert 0.2 < len(lines) / len(MANY) < 0.4
    assert all(any(line.get(key) for line in lines) for key in ("plan", "call", "outage", "cut"))
    assert any(line.get("discloses") is False for line in lines)
    rates = {plan.agreement["clause"]["4.1"]["every_s"] for plan in MANY}
    assert len(rates) > 2


def test_the_monitor_is_out_now_and_then_also_where_nothing_else_is_wrong() -> None:
    out = [[e for e in plan.scenario["event"] if e.get("station") == "MON 1"] for plan in MANY]
    assert 0.15 < sum(map(bool, out)) / len(MANY) < 0.4
    alone = [plan for plan, mine in zip(MANY, out, strict=True) if mine and len(mine) == len(plan.scenario["event"])]
    assert len([plan for plan in alone if not plan.scenario["medium"]["loss"]]) > 20
    assert any(mine[-1]["on_air"] is False for mine in out if mine), "and does not come back"
    assert any(mine[0]["at_s"] == 0 for mine in out if mine), "from the start"


def test_a_line_changes_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw_line, "SHARE", 0.0)
    for seed, plan in enumerate(MANY[:50]):
        bare, drawn = draw(seed).scenario, plan.scenario
        assert {f["name"] for f in bare["fault"]}.isdisjoint(OF_LINE)
        assert [s for s in drawn["station"] if s in bare["station"]] == bare["station"]
        assert [f for f in drawn["fault"] if f["name"] not in OF_LINE] == bare["fault"]
        assert {k: v for k, v in drawn.items() if bare.get(k) != v}.keys() <= {"ground_line", "station", "fault"}


def aircraft(plan: Plan) -> list[dict[str, object]]:
    return [s for s in plan.scenario["station"] if s["role"] in ("aircraft", "uncrewed")]


def test_the_honest_stay_inside_the_bounds() -> None:
    for plan in MANY:
        for station in aircraft(plan):
            errors = station.get("errors", {})
            assert isinstance(errors, dict)
            off_us = abs(errors.get("clock_us", 0) + errors.get("drift_ppm", 0) * plan.scenario["duration_s"])
            assert max(off_us, abs(errors.get("clock_us", 0))) <= MAX_OFF_US + 0.1
            assert (errors.get("north_m", 0) ** 2 + errors.get("east_m", 0) ** 2) ** 0.5 <= MAX_OFF_M + 0.2
            assert abs(errors.get("altitude_ft", 0)) <= MAX_OFF_FT
            power = station.get("power_dbm", 40)
            assert isinstance(power, int)
            assert power <= plan.agreement["clause"]["3.4"]["power_dbm"]


def test_who_flies_at_somebody_flies_at_the_other_party() -> None:
    pairs = 0
    for plan in MANY:
        parties = {s["call_sign"]: s["party"] for s in aircraft(plan)}
        for fault in plan.scenario["fault"]:
            if TABLE[fault["name"]].whom is Whom.PAIR:
                assert parties[fault["station"]] != parties[fault["target"]]
                pairs += 1
    assert pairs
