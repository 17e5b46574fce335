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
