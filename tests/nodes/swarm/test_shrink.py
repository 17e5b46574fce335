"""Shrinking: what the bug needs stays, everything else goes."""

from nodes.swarm.compare import Bug
from nodes.swarm.draw import draw
from nodes.swarm.plans import Plan
from nodes.swarm.shrink import SHORTEST_S, shrink

BUG = Bug("accused", "4.1", "155000", "")


def rich() -> Plan:
    """A drawn plan with a fault, events and many stations."""
    return next(
        plan
        for plan in map(draw, range(10_000))
        if plan.scenario["fault"] and plan.scenario["event"] and len(plan.scenario["station"]) > 6
    )


def test_only_what_the_bug_needs_stays() -> None:
    plan = rich()
    needed = plan.scenario["fault"][0]

    def bugs_in(cut: Plan) -> list[Bug]:
        return [BUG._replace(summary="told otherwise")] if needed in cut.scenario["fault"] else []

    small = shrink(plan, BUG, bugs_in, most_flights=10_000)
    scenario = small.scenario
    assert scenario["fault"] == [needed]
    assert scenario["event"] == []
    signs = {needed["station"], needed.get("target"), "MON 1", "SOKOL 0"} - {None}
    assert {s["call_sign"] for s in scenario["station"]} == signs
    assert not any(scenario["medium"].values())
    assert max(SHORTEST_S, needed.get("at_s", 0)) <= scenario["duration_s"] < 1.1 * max(2 * SHORTEST_S, needed["at_s"])
    assert all(len(s.get("waypoints", [1, 2])) == 2 for s in scenario["station"])
    assert plan == rich(), "the plan that was given stays as it was"


def with_line() -> Plan:
    """A drawn plan with a ground line on which much happens."""
    lines = (plan for plan in map(draw, range(10_000)) if "ground_line" in plan.scenario)
    return next(p for p in lines if all(p.scenario["ground_line"].get(k) for k in ("plan", "call", "cut", "outage")))


def test_a_line_that_the_bug_does_not_need_goes() -> None:
    small = shrink(with_line(), BUG, lambda _: [BUG], most_flights=10_000).scenario
    assert "ground_line" not in small
    assert [s["call_sign"] for s in small["station"] if s["role"] == "monitor"] == ["MON 1"]


def test_of_a_line_that_the_bug_needs_only_that_stays() -> None:
    def bugs_in(cut: Plan) -> list[Bug]:
        return [BUG] if cut.scenario.get("ground_line", {}).get("outage") else []

    plan = with_line()
    small = shrink(plan, BUG, bugs_in, most_flights=10_000).scenario
    assert small["ground_line"].keys() - {"plan", "cut"} == {"outage"}
    assert len(small["ground_line"]["outage"]) == 1
    assert not any(small["ground_line"].get(key) for key in ("plan", "cut"))


def test_another_bug_is_not_taken_for_it() -> None:
    plan = rich()
    assert shrink(plan, BUG, lambda cut: [BUG._replace(clause="4.2")]) == plan


def test_it_stops_after_so_many_flights() -> None:
    flown = list[Plan]()

    def bugs_in(cut: Plan) -> list[Bug]:
        flown.append(cut)
        return [BUG]

    shrink(rich(), BUG, bugs_in, most_flights=7)
    assert len(flown) == 7
