"""A whole configuration from a seed: terms, stations and their ways, radio, troubles of the radio, faults.

Everything honest stays inside the bounds that the agreement takes for granted. Nearly half of the seeds have a radio
without any trouble (but for the monitor's own receiver), for only there must everything be found; about half have no
fault. Some have a ground line.
"""

import tomllib
from datetime import UTC, datetime
from math import cos, hypot, radians, sin
from random import Random
from typing import Any

from nodes.shipped import CONFIGS
from nodes.swarm.draw_faults import draw_faults
from nodes.swarm.draw_line import draw_line
from nodes.swarm.draw_radio import draw_events, draw_jammer, draw_medium, draw_outages
from nodes.swarm.plans import Plan

Table = dict[str, Any]

AGREEMENT = CONFIGS / "agreements" / "safety-of-flight-2015.toml"
PLACES = ((35.0, 37.0), (35.0, 37.0), (0.0, 9.0), (-34.5, 179.9), (61.0, -20.0))
"""Where they fly; one is on the equator, one on the 180th meridian."""
PERIODS_S = (1.0, 1.0, 1.0, 0.5)
SLOW_PERIOD_S = 2.0
"""Only where nobody has a fault: what a fault does to every n-th report takes too long at this rate."""
MAX_OFF_M, MAX_OFF_FT, MAX_OFF_US = 180.0, 74.0, 950.0
"""Just inside the containment radius of NIC 8, the agreed altimetry and the slot margin."""
MAX_TURN_MPS2 = 40.0
CORNER_S = 20.0
"""Corners are rounded over so long; two that are nearer to each other add up."""


def draw(seed: int) -> Plan:
    """The configuration of a seed. The same seed always gives the same one."""
    random = Random(f"swarm:{seed}")
    clean, faulty = random.random() < 0.45, random.random() < 0.5
    duration_s = random.choice([60, 90, 90, 120, 150])
    agreement = _terms(random, faulty)
    place = random.choice(PLACES)
    stations = [_tower(random, place)]
    stations += [_aircraft(i, random, place, duration_s) for i in range(random.randint(2, 9))]
    _deal_slots(stations, agreement, random)
    scenario: Table = {
        "title": f"Swarm, seed {seed}",
        "agreement": "agreement.toml",
        "start": datetime(2015, 10, 21, random.randrange(24), random.randrange(60), random.randrange(60), tzinfo=UTC),
        "duration_s": duration_s,
        "seed": seed,
        "medium": draw_medium(random, clean),
        "unagreed_channel": [_stray()],
        "station": [_monitor(random, place), *stations],
        "event": [],
    }
    if not clean:
        scenario["station"] += draw_jammer(random, place)
        scenario["event"] = draw_events(random, scenario["station"], duration_s)
    _happen(random, scenario["station"], duration_s)
    scenario["fault"] = draw_faults(random, scenario, agreement) if faulty else []
    scenario["event"] += draw_outages(random, duration_s)
    return Plan(agreement, draw_line(seed, scenario, agreement, clean=clean))


def _terms(random: Random, faulty: bool) -> Table:
    """The agreement as shipped, with other rates."""
    agreement = tomllib.loads(AGREEMENT.read_text(encoding="utf-8"))
    periods = PERIODS_S if faulty else (*PERIODS_S, SLOW_PERIOD_S)
    agreement["clause"]["4.1"]["every_s"] = random.choice(periods)
    agreement["clause"]["1.4"]["every_s"] = random.choice([10, 20, 20])
    agreement["channel"][0]["slots_per_station"] = random.choice([2, 3])
    return agreement


def _stray() -> Table:
    return {
        "number": 9,
        "name": "stray",
        "frequency_mhz": 130.1,
        "bandwidth_khz": 25,
        "bit_rate_bps": 31500,
        "access": "aloha",
    }


def _monitor(random: Random, place: tuple[float, float]) -> Table:
    at = [round(place[0] + random.uniform(-0.3, 0.3), 4), _longitude(place[1] + random.uniform(-0.3, 0.3)), 300]
    return {"address": "0a0001", "call_sign": "MON 1", "role": "monitor", "at": at}


def _tower(random: Random, place: tuple[float, float]) -> Table:
    at = [round(place[0] + random.uniform(-0.3, 0.3), 4), _longitude(place[1] + random.uniform(-0.3, 0.3)), 300]
    return {"address": "ac0001", "call_sign": "TOWER", "party": "coalition", "role": "ground", "at": at}


def _happen(random: Random, stations: list[Table], duration_s: float) -> None:
    """Distress, silences, lost links and orders of the tower, now and then."""
    tower, flying = stations[1], [s for s in stations if s["role"] in ("aircraft", "uncrewed")]
    for station in flying:
        begin = round(random.uniform(20, duration_s * 0.6), 1)
        span = [begin, round(begin + random.uniform(15, 60), 1)]
        what = random.random()
        if what < 0.06:
            station["distress_s"] = span
        elif what < 0.12:
            station["emcon_s"] = span
        elif what < 0.2 and station["role"] == "uncrewed":
            station["lost_link"] = {"from_s": span[0], "until_s": span[1]}
        elif what < 0.28:
            order = {"station": station["call_sign"], "to_channel": 5, "at_s": begin}
            tower.setdefault("orders", []).append(order)


def _longitude(degrees: float) -> float:
    return round((degrees + 180) % 360 - 180, 6)


def _aircraft(i: int, random: Random, place: tuple[float, float], duration_s: float) -> Table:
    first, uncrewed = i % 2 == 1, random.random() < 0.3
    entry: Table = {
        "address": f"{(0xAE1000 if first else 0x155000) + i:06x}",
        "call_sign": f"{'HAWK' if first else 'SOKOL'} {i}",
        "party": "coalition" if first else "federation",
        "role": "uncrewed" if uncrewed else "aircraft",
        "waypoints": _way(random, place, duration_s, 120 if uncrewed else 300),
    }
    if random.random() < 0.7:
        entry["errors"] = _errors(random, duration_s)
    if random.random() < 0.2:
        entry["power_dbm"] = random.randint(32, 43)
    if random.random() < 0.06:
        begin = random.uniform(0, duration_s * 0.6)
        entry["avoid_s"] = [round(begin, 1), round(begin + random.uniform(10, 40), 1)]
    return entry


def _errors(random: Random, duration_s: float) -> Table:
    """Instruments that are wrong up to their bounds, now and then just so much."""
    off_m, angle = MAX_OFF_M * random.choice([1, random.random()]), radians(random.uniform(-180, 180))
    clock_us, drift_us = (MAX_OFF_US * x for x in random.choice([(1, 0), (-1, 0), (0.5, 0.5), (-0.3, -0.6)]))
    return {
        "north_m": round(off_m * cos(angle), 1),
        "east_m": round(off_m * sin(angle), 1),
        "altitude_ft": round(MAX_OFF_FT * random.choice([-1, 1, random.uniform(-1, 1)]), 1),
        "clock_us": round(clock_us, 1),
        "drift_ppm": round(drift_us / duration_s, 3),
    }


def _way(random: Random, place: tuple[float, float], duration_s: float, fastest_mps: float) -> list[list[float]]:
    """Legs with turns and climbs, from an entry until a departure, most often both outside the flight's own time."""
    begin_s = random.choice([0, 0, 0, 0, random.uniform(5, 25)])
    end_s = random.choice([duration_s + 5] * 4 + [duration_s * random.uniform(0.7, 0.95)])
    spread = random.choice([0.08, 0.2, 0.35])
    latitude, longitude = (p + random.uniform(-spread, spread) for p in place)
    altitude_ft = random.choice([20_000, 20_900, 21_500, 24_000]) + random.uniform(-150, 150)
    legs = random.randint(1, max(1, int((end_s - begin_s) / (CORNER_S + 5))))
    course, speed_mps = radians(random.uniform(-180, 180)), random.uniform(60, fastest_mps)
    points = [[round(begin_s, 3), round(latitude, 6), _longitude(longitude), round(altitude_ft)]]
    for leg in range(1, legs + 1):
        run_s = (end_s - begin_s) / legs
        latitude += speed_mps * cos(course) * run_s / 111_195
        longitude += speed_mps * sin(course) * run_s / (111_195 * cos(radians(latitude)))
        altitude_ft += random.choice([0, 0, random.uniform(-60, 60)]) * run_s
        altitude_ft = min(max(altitude_ft, 3_000), 45_000)
        at_s = round(begin_s + run_s * leg, 3)
        points.append([at_s, round(latitude, 6), _longitude(longitude), round(altitude_ft)])
        course, speed_mps = _turned(random, course, speed_mps, fastest_mps)
    return points


def _turned(random: Random, course: float, speed_mps: float, fastest_mps: float) -> tuple[float, float]:
    """Another course and speed that can be reached in the time that a corner is given."""
    for _ in range(20):
        new_course, new_speed = radians(random.uniform(-180, 180)), random.uniform(60, fastest_mps)
        change = hypot(
            new_speed * cos(new_course) - speed_mps * cos(course), new_speed * sin(new_course) - speed_mps * sin(course)
        )
        if change / CORNER_S < MAX_TURN_MPS2:
            return new_course, new_speed
    return course, speed_mps


def _deal_slots(stations: list[Table], agreement: Table, random: Random) -> None:
    """Slots by chance, or left to the program; where two reports a second are due, as many in either half of it."""
    channel, fast = agreement["channel"][0], agreement["clause"]["4.1"]["every_s"] < 1
    each = channel["slots_per_station"] = 4 if fast else channel["slots_per_station"]
    half = channel["slots"] // 2
    own = [n for n in range(channel["slots"]) if n not in channel["shared_slots"]]
    if fast:
        dealt = random.sample([n for n in own if n < half], each // 2 * len(stations))
        for i, station in enumerate(stations):
            mine = dealt[2 * i : 2 * i + 2]
            station["slots"] = sorted([*mine, *(n + half for n in mine)])
    elif random.random() < 0.6:
        dealt = random.sample(own, each * len(stations))
        for i, station in enumerate(stations):
            station["slots"] = sorted(dealt[each * i : each * (i + 1)])
