"""The ground line of a drawn configuration, in some seeds: who is on it, what is agreed, and when it fails."""

from random import Random
from typing import Any

from nodes.flight_names import OF_LINE
from nodes.swarm.draw_faults import draw_faults

Table = dict[str, Any]

SHARE = 0.3
"""Of the seeds that have a ground line."""
FAULTY = 0.5
"""Of those that have a fault of the line, beside those of the radio if there are any."""
FAR_S = 10_000.0


def draw_line(seed: int, scenario: Table, agreement: Table, *, clean: bool) -> Table:
    """The same scenario, with a ground line or without, and in some a fault that only a line makes possible. Draws of
    its own: all else stays as it was drawn. `clean`: the line itself has no trouble."""
    random = Random(f"swarm-line:{seed}")
    if random.random() >= SHARE or not _has_room(scenario, agreement):
        return scenario
    monitor = next(s for s in scenario["station"] if s["role"] == "monitor")
    latitude, longitude, height_ft = monitor["at"]
    second = {**monitor, "address": "0a0002", "call_sign": "MON 2", "at": [latitude + 0.01, longitude, height_ft]}
    base: Table = {"address": "150001", "call_sign": "HMEIMIM", "party": "federation", "role": "ground"}
    base["at"] = [latitude - 0.02, longitude, height_ft]
    line: Table = {
        "plan": [_plan(s, random) for s in scenario["station"] if s["role"] == "uncrewed"],
        "call": [
            {"at_s": round(random.uniform(5, 30), 1), "party": party, "text": "radio check"}
            for party in ("coalition", "federation")
            if random.random() < 0.5
        ],
    }
    if random.random() < 0.3:
        line["discloses"] = False
    if not clean:
        line |= _trouble(random, scenario["duration_s"])
    stations = [scenario["station"][0], second, base, *scenario["station"][1:]]
    drawn = scenario | {"ground_line": line, "station": stations}
    if random.random() < FAULTY:
        drawn["fault"] = [*scenario["fault"], *draw_faults(random, drawn, agreement, OF_LINE)]
    return drawn


def _has_room(scenario: Table, agreement: Table) -> bool:
    """Whether there are slots for one station more, the other headquarters."""
    channel = agreement["channel"][0]
    talking = sum("party" in s for s in scenario["station"])
    own = channel["slots"] - len(channel["shared_slots"])
    return bool((talking + 1) * channel["slots_per_station"] <= own)


def _plan(station: Table, random: Random) -> Table:
    """A plan for an uncrewed flight that covers all of it, and was agreed long before."""
    latitudes = [point[1] for point in station["waypoints"]]
    longitudes = [point[2] for point in station["waypoints"]]
    around = max(abs(longitude) for longitude in longitudes) > 178  # they may cross 180 degrees
    return {
        "id": f"p-{station['address']}",
        "station": station["call_sign"],
        "south_deg": max(min(latitudes) - 0.5, -90),
        "north_deg": min(max(latitudes) + 0.5, 90),
        "west_deg": -180 if around else max(min(longitudes) - 1, -180),
        "east_deg": 180 if around else min(max(longitudes) + 1, 180),
        "floor_ft": -1000,
        "ceiling_ft": 60_000,
        "from_s": -600.0,
        "until_s": FAR_S,
        "at_s": -round(random.uniform(100, 7200)),
    }


def _trouble(random: Random, duration_s: float) -> Table:
    """The broker is down for a while, or clients are cut off from it."""
    trouble: Table = {}

    def stretch() -> Table:
        begin = round(random.uniform(1, duration_s * 0.8), 1)
        return {"from_s": begin, "until_s": round(begin + random.choice([1, 5, 15, 60]), 1)}

    if random.random() < 0.4:
        trouble["outage"] = [stretch()]
    if random.random() < 0.6:
        signs = random.sample(["TOWER", "HMEIMIM", "MON 1", "MON 2"], random.randint(1, 2))
        trouble["cut"] = [{"station": sign, **stretch()} for sign in signs]
    return trouble
