"""A plan that shows a bug, made small: whatever can go while the same bug stays, goes.

Greedy: each cut is tried, kept if the smaller plan has a bug of the same kind in the same clause for the same subject,
and all are tried again until none helps, or until so many flights were flown.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from nodes.swarm.compare import Bug
from nodes.swarm.plans import Plan

Table = dict[str, Any]

MOST_FLIGHTS = 150
SHORTEST_S = 5.0
BARE = ("errors", "avoid_s", "slots", "power_dbm")
"""What a station can do without."""


def shrink(plan: Plan, bug: Bug, bugs_in: Callable[[Plan], list[Bug]], most_flights: int = MOST_FLIGHTS) -> Plan:
    """The smallest plan that was found, which may be the same. `bugs_in` flies one."""
    wanted, flights = bug[:3], 0
    smaller = True
    while smaller:
        smaller = False
        for cut in _cuts(plan, bug):
            if flights >= most_flights:
                return plan
            flights += 1
            if any(found[:3] == wanted for found in bugs_in(cut)):
                plan, smaller = cut, True
                break
    return plan


def _cuts(plan: Plan, bug: Bug) -> Iterator[Plan]:
    """Plans that are each smaller in one thing, the largest cuts first."""
    scenario = plan.scenario
    yield from (_without(plan, s["call_sign"]) for s in scenario["station"] if _can_go(s, bug, scenario))
    for key in ("fault", "event"):
        for i in range(len(scenario[key])):
            yield _changed(plan, **{key: [x for j, x in enumerate(scenario[key]) if j != i]})
    yield from _less_line(plan)
    yield from _shorter(plan)
    for key in scenario["medium"]:
        if scenario["medium"][key]:
            yield _changed(plan, medium={k: v for k, v in scenario["medium"].items() if k != key})
    if scenario["unagreed_channel"] and not _strays(scenario):
        yield _changed(plan, unagreed_channel=[])
    for i, station in enumerate(scenario["station"]):
        for key in BARE if station["role"] != "jammer" else ():
            if key in station:
                yield _changed(plan, station=_replaced(scenario["station"], i, _less(station, key)))
        points = station.get("waypoints", [])
        for j in range(1, len(points) - 1):
            straight = station | {"waypoints": points[:j] + points[j + 1 :]}
            yield _changed(plan, station=_replaced(scenario["station"], i, straight))


def _can_go(station: Table, bug: Bug, scenario: Table) -> bool:
    """Whoever the bug is about stays, and the monitor that judges."""
    judge = next(s for s in scenario["station"] if s["role"] == "monitor")
    return station is not judge and station["address"] not in bug.subject.split("/")


def _less_line(plan: Plan) -> Iterator[Plan]:
    """Without the ground line, or without one of the things that happen on it."""
    line = plan.scenario.get("ground_line")
    if line is None:
        return
    yield Plan(plan.agreement, _less(plan.scenario, "ground_line"))
    for key, value in line.items():
        yield _changed(plan, ground_line=_less(line, key))
        for i in range(len(value) if isinstance(value, list) and len(value) > 1 else 0):
            yield _changed(plan, ground_line=line | {key: value[:i] + value[i + 1 :]})


def _without(plan: Plan, sign: str) -> Plan:
    scenario = plan.scenario
    line = scenario.get("ground_line")
    told = {key: [e for e in line.get(key, []) if e["station"] != sign] for key in ("plan", "cut")} if line else {}
    return _changed(
        plan,
        **({"ground_line": line | told} if line else {}),
        station=[s for s in scenario["station"] if s["call_sign"] != sign],
        event=[e for e in scenario["event"] if e.get("station") != sign],
        fault=[f for f in scenario["fault"] if sign not in (f["station"], f.get("target"))],
    )


def _shorter(plan: Plan) -> Iterator[Plan]:
    """Ends earlier; what would begin later is left out."""
    whole_s = plan.scenario["duration_s"]
    for share in (0.5, 0.8, 0.95):
        for_s = round(whole_s * share, 1)
        if for_s >= SHORTEST_S:
            yield _changed(
                plan,
                duration_s=for_s,
                event=[e for e in plan.scenario["event"] if e["at_s"] < for_s],
                fault=[f for f in plan.scenario["fault"] if f.get("at_s", 0) < for_s],
            )


def _changed(plan: Plan, **values: Any) -> Plan:
    scenario = deepcopy(plan.scenario) | values
    return Plan(plan.agreement, scenario)


def _strays(scenario: Table) -> bool:
    """Whether somebody needs a channel that was not agreed."""
    return any(f["name"] == "wrong_channel" for f in scenario["fault"])


def _replaced(stations: list[Table], i: int, station: Table) -> list[Table]:
    return [*stations[:i], station, *stations[i + 1 :]]


def _less(table: Table, key: str) -> Table:
    return {k: v for k, v in table.items() if k != key}
