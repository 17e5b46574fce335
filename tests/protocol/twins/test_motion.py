"""Twin of 4.4: whatever an aircraft can fly is never impossible, and what is far beyond that always is."""

from math import cos, hypot, pi, radians, sin, sqrt
from random import Random
from typing import NamedTuple

import pytest

from protocol.messages import Position
from protocol.verdicts import Outcome
from tests.protocol.conftest import Monitor
from tests.protocol.traffic import A_TEXT, A, position
from tests.protocol.twins.trace import ANNEXES, MORE, agree

TERMS = agree(c4_4={})
MOST_MPS2, MOST_MPS, MOST_UP_MPS, FT_M = 9 * 9.80665, 2_000 * 0.514444, 60_000 * 0.3048 / 60, 0.3048
RADIUS_M = {11: 7.5, 8: 185.2, 7: 370.4}
VELOCITY_M = {4: 0.75, 2: 7.5}
STEP_S = 0.05


class State(NamedTuple):
    latitude_deg: float
    longitude_deg: float
    height_m: float
    north_mps: float
    east_mps: float
    up_mps: float


def moved(latitude_deg: float, longitude_deg: float, north_m: float, east_m: float) -> tuple[float, float]:
    """Over the WGS-84 ellipsoid, by its two radii of curvature; for short ways."""
    w2 = 1 - 6.69437999014e-3 * sin(radians(latitude_deg)) ** 2
    meridian, normal = 6_378_137.0 * (1 - 6.69437999014e-3) / (w2 * sqrt(w2)), 6_378_137.0 / sqrt(w2)
    east_deg = east_m / (normal * cos(radians(latitude_deg))) * 180 / pi
    return latitude_deg + north_m / meridian * 180 / pi, longitude_deg + east_deg


def flown(state: State, seconds: float, level: tuple[float, float], up_mps: float) -> State:
    """As hard a turn or acceleration as there is, one way, and a climb."""
    for _ in range(round(seconds / STEP_S)):
        north, east = state.north_mps + level[0] * STEP_S, state.east_mps + level[1] * STEP_S
        brake = min(1.0, MOST_MPS / max(hypot(north, east), 1.0))
        if brake < 1:
            north, east = state.north_mps, state.east_mps  # it is as fast as it can be
        # with the mean of both velocities, or it would get further than it can
        way = (north + state.north_mps) / 2 * STEP_S, (east + state.east_mps) / 2 * STEP_S
        latitude, longitude = moved(state.latitude_deg, state.longitude_deg, *way)
        state = State(latitude, longitude, state.height_m + up_mps * STEP_S, north, east, up_mps)
    return state


def report(state: State, random: Random, nic: int, nacv: int) -> Position:
    """With errors as large as its bounds allow."""
    off, wrong = random.uniform(0, 2 * pi), random.uniform(0, 2 * pi)
    radius_m, velocity_m = RADIUS_M[nic] * 0.99, VELOCITY_M[nacv] * 0.8
    latitude, longitude = moved(state.latitude_deg, state.longitude_deg, radius_m * cos(off), radius_m * sin(off))
    return position(
        latitude,
        (longitude + 180) % 360 - 180,
        baro_altitude_ft=round(state.height_m / FT_M + random.choice((-70, 70))),
        velocity_north_mps=round(state.north_mps + velocity_m * cos(wrong), 1),
        velocity_east_mps=round(state.east_mps + velocity_m * sin(wrong), 1),
        velocity_up_mps=round(state.up_mps, 1),
        nic=nic,
        nacv=nacv,
    )


@pytest.mark.parametrize("nic", [11, 8])
def test_no_flight_that_an_aircraft_can_fly_is_impossible(nic: int) -> None:
    random, passed = Random(f"4.4 {nic}"), 0
    for _ in range(30 * MORE):
        state = State(random.uniform(-75, 75), random.uniform(-180, 180), 9_000.0, random.uniform(0, 300), 0.0, 0.0)
        monitor, at_s, nacv = Monitor(TERMS, ANNEXES), 0.0, random.choice((4, 2))
        for number in range(15):
            monitor.hear(at_s, A, number, report(state, random, nic, nacv))
            seconds, way = random.choice((1.0, 2.0, 5.0, 20.0)), random.uniform(0, 2 * pi)
            level = MOST_MPS2 * 0.999 * cos(way), MOST_MPS2 * 0.999 * sin(way)
            up_mps = MOST_UP_MPS * 0.999 * random.choice((-1, 0, 1)) if 5_000 < state.height_m < 15_000 else 0.0
            state = flown(state, seconds, level, up_mps if seconds < 10 else 0.0)
            at_s += seconds
        monitor.close(at_s + 1)
        found = monitor.outcomes("4.4", A_TEXT)
        assert Outcome.FAIL not in found, [f.summary for f in monitor.findings]
        passed += found.count(Outcome.PASS)
    assert passed == 30 * MORE * 14


@pytest.mark.parametrize("kind", ["speed", "turn", "climb"])
def test_what_no_aircraft_can_fly_is_impossible(kind: str) -> None:
    """Reports without errors; how far each is beyond the bounds, and what only just is not."""
    random, seen = Random(f"4.4 {kind}"), set()
    for _ in range(60 * MORE):
        nic, seconds, share = random.choice((11, 8)), random.choice((1.0, 4.0, 30.0)), random.choice((0.9, 1.1))
        way, most_s = random.uniform(0, 2 * pi), seconds + 0.02
        slack_m, velocity_m, climbs_ft = 2 * RADIUS_M[nic], 7.5 * most_s, 0.0
        first = position(nic=nic, nacv=0 if kind != "turn" else 2)
        away_m = 0.0
        if kind == "speed":
            away_m = share * MOST_MPS * most_s + slack_m
        elif kind == "turn":
            away_m = (share * MOST_MPS2 * most_s**2 / 2 + slack_m + velocity_m) * (1.003 if share > 1 else 1.0)
            if away_m - slack_m > 0.9 * MOST_MPS * seconds:
                continue  # it would be too fast, too
        else:
            climbs_ft = share * MOST_UP_MPS * most_s / FT_M + 2 * 75 * share
        latitude, longitude = moved(35.0, 36.0, away_m * cos(way), away_m * sin(way))
        height_ft = round(20_000 + climbs_ft)
        second = first._replace(latitude_deg=latitude, longitude_deg=longitude, baro_altitude_ft=height_ft)
        monitor = Monitor(TERMS, ANNEXES)
        monitor.hear(0.0, A, 0, first)
        monitor.hear(seconds, A, 1, second)
        (found,) = monitor.outcomes("4.4", A_TEXT)
        assert (found is Outcome.FAIL) is (share > 1), (seconds, nic, away_m, climbs_ft)
        seen.add(found)
    assert seen == {Outcome.PASS, Outcome.FAIL}
