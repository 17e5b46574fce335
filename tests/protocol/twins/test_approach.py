"""Twin of 6.1: distances of true paths by geodesics on the ellipsoid, and a slow search for when they are too small."""

from collections.abc import Iterator
from math import atan2, cos, degrees, hypot, radians, sin
from random import Random
from typing import NamedTuple

import pytest

from protocol.bounds import Fix
from protocol.messages import Position
from protocol.paths import ahead, within_s
from protocol.units import NM_M, NS_PER_S
from protocol.verdicts import Outcome
from tests.oracles import oracle
from tests.protocol.conftest import Monitor
from tests.protocol.traffic import A, B
from tests.protocol.twins.trace import ANNEXES, MORE, agree

EARTH = oracle("geographiclib.geodesic").Geodesic.WGS84
NEAR_M, FOR_S, LENGTH_S = 5 * NM_M, 10.0, 60
STEP_S = 0.01


class Flown(NamedTuple):
    """A true path: where, and its velocity north and east, by seconds. Turns have a constant rate; 0 is straight."""

    latitude_deg: float
    longitude_deg: float
    track_deg: float
    speed_mps: float
    turn_dps: float

    def at(self, t: float) -> tuple[float, float, float, float]:
        if self.turn_dps:
            rate, track = radians(self.turn_dps), radians(self.track_deg)
            radius = self.speed_mps / rate
            north = radius * (sin(track + rate * t) - sin(track))
            east = -radius * (cos(track + rate * t) - cos(track))
            here = EARTH.Direct(self.latitude_deg, self.longitude_deg, _degrees(north, east), hypot(north, east))
            track_deg = self.track_deg + self.turn_dps * t + here["azi2"] - _degrees(north, east)
        else:
            here = EARTH.Direct(self.latitude_deg, self.longitude_deg, self.track_deg, self.speed_mps * t)
            track_deg = here["azi2"]
        along = radians(track_deg)
        return here["lat2"], here["lon2"], self.speed_mps * cos(along), self.speed_mps * sin(along)


def _degrees(north: float, east: float) -> float:
    return degrees(atan2(east, north))


def encounter(random: Random, turn_dps: float) -> tuple[Flown, Flown]:
    """Two that pass each other at some distance half-way through the time."""
    middle = random.uniform(-60, 60), random.uniform(-179, 179)
    aside = EARTH.Direct(*middle, random.uniform(0, 360), random.uniform(0.0, 1.3) * NEAR_M)
    out = []
    for latitude, longitude in (middle, (aside["lat2"], aside["lon2"])):
        track, speed = random.uniform(0, 360), random.uniform(120, 320)
        begin = EARTH.Direct(latitude, longitude, track + 180, speed * LENGTH_S / 2)
        turn = random.uniform(-turn_dps, turn_dps)
        out.append(Flown(begin["lat2"], begin["lon2"], begin["azi2"] + 180, speed, turn))
    return out[0], out[1]


def distance_m(a: Flown, b: Flown, t: float) -> float:
    (lat1, lon1, *_), (lat2, lon2, *_) = a.at(t), b.at(t)
    return float(EARTH.Inverse(lat1, lon1, lat2, lon2)["s12"])


def crossings(a: Flown, b: Flown, near_m: float = NEAR_M) -> Iterator[tuple[float, bool]]:
    """When the distance falls below a limit (True) or rises above it again: every second, then halved."""
    inside = [distance_m(a, b, t) < near_m for t in range(LENGTH_S + 1)]
    for t in range(LENGTH_S):
        if inside[t] != inside[t + 1]:
            low, high = float(t), float(t + 1)
            while high - low > STEP_S / 10:
                middle = (low + high) / 2
                low, high = (low, middle) if (distance_m(a, b, middle) < near_m) != inside[t] else (middle, high)
            yield high, inside[t + 1]


def fix_at(flown: Flown, t: float) -> Fix:
    """A report without an error."""
    latitude, longitude, north, east = flown.at(t)
    return Fix(
        None, round(t * NS_PER_S), 0, latitude, longitude, 6000.0, 0.0, north, east, 0.0, hypot(north, east), 0, 0
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(("turn_dps", "ahead_s"), [(0.0, 1), (0.0, 10), (1.5, 1)])
def test_entry_and_exit_are_where_a_slow_search_finds_them(turn_dps: float, ahead_s: int) -> None:
    random, entries = Random(f"entry {turn_dps}"), 0
    for _ in range(40 * MORE):
        a, b = encounter(random, turn_dps)
        for true_s, enters in crossings(a, b):
            seen_s = max(int(true_s) - ahead_s + 1, 0)
            on = ahead(fix_at(a, seen_s), fix_at(b, seen_s))  # what 6.5 predicts from, here without an error
            assert on is not None
            closing = abs(distance_m(a, b, true_s + 0.05) - distance_m(a, b, true_s - 0.05)) / 0.1
            if closing < 20:
                continue  # along the limit: a metre is a long time
            within = within_s(on.line, on.moves, NEAR_M, on.error_m, on.growth_mps)
            assert within is not None, (a, b, true_s)
            error_s = seen_s + within[not enters] - true_s
            assert abs(error_s) < 0.05 or closing < 100, (a, b, true_s, error_s)
            assert abs(error_s) * closing < 5.0, "metres"
            entries += enters
    assert entries > 5


# ------------------------------------------------------------------ 6.1

SAFE = agree(c6_1={"safe_distance_nm": 5.0, "safe_altitude_ft": 1000.0, "for_s": FOR_S})


def judged(a: Flown, b: Flown, nic: int, apart_ft: int) -> list[Outcome]:
    monitor = Monitor(SAFE, ANNEXES)
    for t in range(LENGTH_S + 1):
        for source, flown, late_s, height_ft in ((A, a, 0.1, 20_000), (B, b, 0.6, 20_000 + apart_ft)):
            latitude, longitude, north, east = flown.at(t + late_s)
            report = Position(
                latitude_deg=latitude,
                longitude_deg=longitude,
                baro_altitude_ft=height_ft,
                velocity_north_mps=round(north, 1),
                velocity_east_mps=round(east, 1),
                velocity_up_mps=0.0,
                nic=nic,
                nacv=4,
                age_s=0.0,
            )
            monitor.hear(t + late_s, source, t, report)
    monitor.close(LENGTH_S + 1.0)
    return monitor.outcomes("6.1", "100001/200001")


def longest_s(a: Flown, b: Flown, near_m: float) -> float:
    """The longest time that they were nearer than this, while both reported."""
    times = [t for t in range(1, LENGTH_S * 4) if distance_m(a, b, t / 4) < near_m]
    best = run = 0
    for t, before in zip(times, [None, *times], strict=False):
        run = run + 1 if before == t - 1 else 0
        best = max(best, run)
    return best / 4


@pytest.mark.parametrize("turn_dps", [0.0, 1.5])
def test_6_1_fails_whoever_was_too_close_and_nobody_else(turn_dps: float) -> None:
    random, fails = Random(f"6.1 {turn_dps}"), 0
    for _ in range(15 * MORE):
        a, b = encounter(random, turn_dps)
        nic, apart_ft = random.choice((11, 9, 8)), random.choice((0, 700, 1300))
        found = judged(a, b, nic, apart_ft)
        fails += Outcome.FAIL in found
        if Outcome.FAIL in found:
            assert apart_ft < 1000, (a, b)
            assert longest_s(a, b, NEAR_M + 5) >= FOR_S - 0.5, (a, b)
        # the bounds, the plane's 0.3 %, and what an aircraft can do in half a second
        sure_m = NEAR_M * 0.996 - 2 * {11: 7.5, 9: 75.0, 8: 185.2}[nic] - 60
        if apart_ft < 800 and longest_s(a, b, sure_m) > FOR_S + 2:
            assert Outcome.FAIL in found, (a, b)
        if (
            Outcome.PASS in found
            and Outcome.FAIL not in found
            and Outcome.INCONCLUSIVE not in found
            and apart_ft < 1000
        ):
            assert longest_s(a, b, NEAR_M - 5) <= FOR_S + 0.5, (a, b)
    assert fails >= 3


@pytest.mark.parametrize(("off_m", "fails"), [(6.0, False), (30.0, False), (-110.0, True)])
def test_6_1_is_exact_for_two_that_fly_side_by_side(off_m: float, fails: bool) -> None:
    """The bounds, 0.3 % of the distance and half a second's turn are all that lies between the proof and the limit."""
    random = Random(f"beside {off_m}")
    for _ in range(4 * MORE):
        middle, track, speed = (random.uniform(-60, 60), random.uniform(-179, 179)), random.uniform(0, 360), 200.0
        aside = EARTH.Direct(*middle, track + 90, NEAR_M + off_m)
        beside = Flown(aside["lat2"], aside["lon2"], aside["azi2"] - 90, speed, 0.0)
        found = judged(Flown(*middle, track, speed, 0.0), beside, 11, 0)
        assert (Outcome.FAIL in found) is fails, (middle, track)
