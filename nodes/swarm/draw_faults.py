"""The faults of a drawn configuration: one, or several together, on stations that they suit."""

from collections.abc import Sequence
from random import Random
from typing import Any

from nodes.fault_table import TABLE, Onset, Trips, on_its_side
from nodes.flight_names import IDLE, NEEDS_TARGET, OF_LINE, OF_ROLE, STRONG

Table = dict[str, Any]

FLYING = ("aircraft", "uncrewed")
USUAL_DBM = 40.0
RETURNS_S = 12.0
"""What must end in order to be proved ends so long before the flight, at the latest."""


OF_RADIO = tuple(sorted(TABLE.keys() - set(OF_LINE)))
"""Faults that need no ground line."""


def draw_faults(random: Random, scenario: Table, agreement: Table, names: Sequence[str] = OF_RADIO) -> list[Table]:
    """One fault of these, or in two seeds of ten two or three."""
    flying = [s for s in scenario["station"] if s["role"] in FLYING]
    talking = [s for s in scenario["station"] if s["role"] in (*FLYING, "ground")]
    first = agreement["party"][0]["name"]
    wanted = random.choice([1] * 8 + [2, 3])
    faults: list[Table] = []
    for name in random.choices(names, k=wanted):
        row = TABLE[name]
        suited = [s for s in talking if s["role"] in OF_ROLE.get(name, FLYING)]
        suited = [s for s in suited if _suits(s, row, first, scenario["event"])]
        if not suited:
            continue
        free = [s for s in suited if all(s["call_sign"] != f["station"] for f in faults)]
        station = random.choice(free if free and random.random() < 0.7 else suited)
        if any((f["name"], f["station"]) == (name, station["call_sign"]) for f in faults):
            continue
        fault = {"name": name, "station": station["call_sign"], **_times(random, name, row, scenario["duration_s"])}
        if name in NEEDS_TARGET:
            others = [s for s in flying if s["party"] != station["party"]]
            if name in ("impersonation", "forgery"):  # in the name of one that is not heard anybody can say anything
                others = [s for s in others if _stays(s, scenario)]
            if not others:
                continue
            fault["target"] = random.choice(others)["call_sign"]
        if name in STRONG and random.random() < 0.3:
            fault["strength"] = random.choice([1.0, 1.5, 2.0])
        if name in BECAUSE:
            BECAUSE[name](random, fault, station, scenario)
        faults.append(fault)
    return faults


def _stays(station: Table, scenario: Table) -> bool:
    """Whether it is there all the time."""
    begin, *_, end = station["waypoints"]
    switched = any("on_air" in e and e["station"] == station["call_sign"] for e in scenario["event"])
    return bool(begin[0] <= 0 and end[0] >= scenario["duration_s"]) and not switched


def _ordered(random: Random, fault: Table, station: Table, scenario: Table) -> None:
    """Somebody orders it to another channel, after the fault began."""
    order = {"station": station["call_sign"], "to_channel": 5, "at_s": fault["at_s"] + random.randint(2, 10)}
    next(s for s in scenario["station"] if s["role"] == "ground").setdefault("orders", []).append(order)


def _in_distress(random: Random, fault: Table, station: Table, scenario: Table) -> None:
    """Somebody else is in distress while the fault is there."""
    others = [s for s in scenario["station"] if s["role"] in FLYING and s is not station]
    begin = round(fault["at_s"] + random.uniform(2, 10), 1)
    random.choice(others)["distress_s"] = [begin, round(begin + random.uniform(20, 40), 1)]


BECAUSE = {"early_move": _ordered, "ignored_mayday": _in_distress, "talks_over": _in_distress}
"""Faults for which something else must happen."""


def _suits(station: Table, row: Trips, first: str, events: list[Table]) -> bool:
    if not on_its_side(row, station["party"], first):
        return False
    changes = any("power_dbm" in e and e["station"] == station["call_sign"] for e in events)
    return not row.full_power or (station.get("power_dbm", USUAL_DBM) == USUAL_DBM and not changes)


def _times(random: Random, name: str, row: Trips, duration_s: float) -> Table:
    """When it begins, and for how long it lasts if that is not to the end."""
    idle, times = IDLE.get(name, set()), Table()
    at_s = 0.0
    if row.onset is not Onset.START:
        at_s = round(random.uniform(8, duration_s * 0.5), 1)
        if row.onset is Onset.ANY and random.random() < 0.3:
            at_s = 0.0
    if "at_s" not in idle:
        times["at_s"] = at_s
    if "for_s" not in idle and (row.ends or random.random() < 0.3):
        longest_s = duration_s - RETURNS_S - at_s
        times["for_s"] = round(random.uniform(min(row.seconds, longest_s), max(longest_s, 1)), 1)
    return times
