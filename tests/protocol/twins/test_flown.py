"""Twin of 5.3: paths that are declared, and flown more or less, by three maps of the earth."""

from math import cos, hypot, pi, radians, sin, tan
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest

from protocol.messages import EmergencyState, Intent, IntentKind, Position, TrajectoryPoint
from protocol.verdicts import Outcome
from tests.protocol.traffic import A, position
from tests.protocol.twins.trace import (
    MORE,
    Sent,
    Trace,
    agree,
    counting,
    found_at,
    heard,
    judged,
    replayed,
    reports_of,
    shown,
)

PASS, FAIL, INCONCLUSIVE, EXCUSED = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.EXCUSED
WITHIN_M, WITHIN_FT, WITHIN_S = 3704.0, 500.0, 30.0
FLOWN = agree(c5_1={}, c5_3={"within_nm": 2, "within_ft": 500, "within_s": 30})
RADIUS_M = {11: 7.5, 8: 185.2, 4: 3704.0}
ALTIMETRY_FT, ROUNDED_S = 75.0, 0.5
MAPS = ("plate", "mercator", "sphere")
"""Straight lines differ by the map."""


class Leg(NamedTuple):
    """What A means to fly, evenly: from a place at an instant to another. `climb_ft` None: it says no height."""

    session: int
    serial: int
    from_s: float
    until_s: float
    begin: tuple[float, float]
    end: tuple[float, float]
    altitude_ft: int
    climb_ft: int | None

    @property
    def speed_mps(self) -> float:
        return float(np.linalg.norm(ecef(*self.end) - ecef(*self.begin))) / (self.until_s - self.from_s)

    def at(self, t: Any, chart: str) -> tuple[Any, Any]:
        """Latitude and longitude by one map, at an instant or many."""
        share = (np.asarray(t) - self.from_s) / (self.until_s - self.from_s)
        (lat0, lon0), (lat1, lon1) = self.begin, self.end
        if chart == "plate":
            return lat0 + share * (lat1 - lat0), lon0 + share * (lon1 - lon0)
        if chart == "mercator":
            y0, y1 = (np.arcsinh(np.tan(np.radians(lat))) for lat in (lat0, lat1))
            latitude = np.degrees(np.arctan(np.sinh(y0 + share * (y1 - y0))))
            return latitude, lon0 + share * (lon1 - lon0)
        a, b = unit(*self.begin), unit(*self.end)
        angle = np.arccos(np.clip(a @ b, -1, 1))
        way = np.outer(np.sin((1 - share) * angle), a) + np.outer(np.sin(share * angle), b)
        return np.degrees(np.arctan2(way[:, 2], np.hypot(way[:, 0], way[:, 1]))), np.degrees(
            np.arctan2(way[:, 1], way[:, 0])
        )

    def intent(self, at_s: float) -> Intent:
        """Its times are rounded to seconds."""
        heights = [None if self.climb_ft is None else self.altitude_ft + ft for ft in (0, self.climb_ft or 0)]
        places = zip((self.begin, self.end), heights, (self.from_s, self.until_s), strict=True)
        first, second = (TrajectoryPoint(lat, east(lon), ft, round(s - at_s)) for (lat, lon), ft, s in places)
        return Intent(self.serial, IntentKind.TRANSIT, 900, first=first, second=second)

    def away(self, report: Position, at_s: float, wide_s: float) -> tuple[float, float, float]:
        """How far a report is from the nearest of the path about its time: level in metres, least and most by the map,
        and in height, in feet."""
        t = np.arange(max(at_s - wide_s, self.from_s), min(at_s + wide_s, self.until_s) + 0.1, 0.2)
        here = ecef(report.latitude_deg, report.longitude_deg)
        level = [float(np.min(np.linalg.norm(ecef(*self.at(t, chart)) - here, axis=-1))) for chart in MAPS]
        heights = self.altitude_ft + (t - self.from_s) / (self.until_s - self.from_s) * (self.climb_ft or 0)
        off_ft = float(np.min(np.abs(heights - report.baro_altitude_ft))) if self.climb_ft is not None else 0.0
        return min(level), max(level), off_ft


def unit(latitude_deg: Any, longitude_deg: Any) -> Any:
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    x, y = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
    return np.stack([x, y, np.sin(latitude) + 0 * x], axis=-1)


def ecef(latitude_deg: Any, longitude_deg: Any) -> Any:
    """On the WGS-84 ellipsoid, in metres."""
    normal = 6_378_137.0 / np.sqrt(1 - 6.69437999014e-3 * np.sin(np.radians(latitude_deg)) ** 2)
    flat = np.array([1.0, 1.0, 1 - 6.69437999014e-3])
    return unit(latitude_deg, longitude_deg) * flat * np.expand_dims(normal, -1)


def moved(latitude_deg: float, longitude_deg: float, north_m: float, east_m: float) -> tuple[float, float]:
    """Nearly so far."""
    return latitude_deg + north_m / 111_000, longitude_deg + east_m / (111_300 * cos(radians(latitude_deg)))


def east(longitude_deg: float) -> float:
    return (longitude_deg + 180) % 360 - 180


class Course(NamedTuple):
    legs: list[Leg]
    trace: Trace


def course(random: Random, loss: float) -> Course:
    """A declares one leg after the other, and flies it more or less: aside, early or late, too high."""
    here = random.choice((0.0, 35.0, -60.0)), random.choice((36.0, 179.95))
    at_s, session, serial, legs = 0.3, 1, random.choice((1, 255)), []
    trace: Trace = []
    for _ in range(2):
        way, length_m = random.uniform(0, 2 * pi), random.choice((12_000.0, 30_000.0, 90_000.0))
        from_s = at_s + random.choice((3.0, 20.0)) + random.uniform(-0.5, 0.5)
        until_s = from_s + length_m / random.choice((100.0, 230.0))
        end = moved(*here, length_m * cos(way), length_m * sin(way))
        climb_ft = random.choice((None, 0, 0, 6000))
        leg = Leg(session, serial, from_s, until_s, here, end, 20_000, climb_ft)
        legs.append(leg)
        trace.append(Sent(at_s, A, 0, leg.intent(at_s), intent=serial, session=session))
        nic, aside = random.choice((11, 8, 4)), random.uniform(0, 2 * pi)
        aside_m = (
            random.choice((0.0, 0.0, 1.0)) * random.choice((0.8, 0.97, 1.03, 1.2, 2.0)) * (WITHIN_M + RADIUS_M[nic])
        )
        late_s = random.choice((0.0, 0.0, -1.0, 1.0)) * random.choice((25.0, 40.0, 60.0))
        high_ft = random.choice((0, 0, 0, 400, 540, 600, -700))
        step_s = (until_s - at_s + 20) / 30
        while at_s < until_s + 20:
            at_s += step_s
            if random.random() < 0.3 and at_s < from_s:
                trace.append(Sent(at_s - 0.1, A, 0, leg.intent(at_s - 0.1), intent=serial, session=session))
            share = (at_s - late_s - from_s) / (until_s - from_s)
            place = here[0] + share * (end[0] - here[0]), here[1] + share * (end[1] - here[1])
            error, wrong = RADIUS_M[nic] * 0.95, random.uniform(0, 2 * pi)
            off = aside_m * cos(aside) + error * cos(wrong), aside_m * sin(aside) + error * sin(wrong)
            latitude, longitude = moved(*place, *off)
            flown = position(
                latitude,
                east(longitude),
                nic=nic,
                baro_altitude_ft=round(20_000 + share * (climb_ft or 0) + high_ft + random.uniform(-60, 60)),
                emergency=EmergencyState.GENERAL if random.random() < 0.03 else EmergencyState.NONE,
            )
            trace.append(Sent(at_s, A, 0, flown, intent=serial, session=session))
        here, serial = end, serial % 255 + 1
        session += random.random() < 0.2
    trace = [s._replace(heard=random.random() >= loss) for s in trace]
    return Course(legs, [s for number in (1, 2, 3) for s in counting(t for t in trace if t.session == number)])


def expected_5_3(leg: Leg, sent: Sent, report: Position) -> set[Outcome | None]:
    """The plain reading, of one report whose INTENT was heard: what may be said of it. So near to an end, by times in
    whole seconds, it may be of no time of the path."""
    if min(abs(sent.at_s - leg.from_s), abs(sent.at_s - leg.until_s)) < 3 * ROUNDED_S:
        return {None} | _of_path(leg, sent, report)
    return _of_path(leg, sent, report) if leg.from_s < sent.at_s < leg.until_s else {None}


def _of_path(leg: Leg, sent: Sent, report: Position) -> set[Outcome | None]:
    near_m, far_m, off_ft = leg.away(report, sent.at_s, WITHIN_S)
    # as far as it may be by the text, and by what the judge leaves to the map, to rounding and to the plane
    bend_m = 2 * (far_m - near_m) + leg.speed_mps * 1.5 + 0.006 * near_m + 50 + bend_of(leg)
    radius_m, climbs_fps = RADIUS_M[report.nic], abs(leg.climb_ft or 0) / (leg.until_s - leg.from_s)
    may = near_m - radius_m > WITHIN_M or off_ft - ALTIMETRY_FT > WITHIN_FT
    must = near_m - radius_m - bend_m > WITHIN_M or off_ft - ALTIMETRY_FT - 2 * climbs_fps > WITHIN_FT + 1
    keeps = far_m + radius_m + bend_m < WITHIN_M and off_ft + ALTIMETRY_FT + 2 * climbs_fps < WITHIN_FT
    if report.emergency:
        return {EXCUSED, PASS, INCONCLUSIVE}
    if must:
        return {FAIL}
    return {PASS} if keeps else {PASS, INCONCLUSIVE, FAIL} if may else {PASS, INCONCLUSIVE}


def bend_of(leg: Leg) -> float:
    """The limits say 0.4 NM of 60 NM at 35 degrees; it grows with the square of the length, and with the latitude. Kind
    to who flies east or west: a degree of longitude counts as long as one of latitude."""
    (lat0, lon0), (lat1, lon1) = leg.begin, leg.end
    length_nm, latitude = 60 * hypot(lat1 - lat0, lon1 - lon0), radians(max(abs(lat0), abs(lat1)))
    return 0.45 * 1852 * (length_nm / 60) ** 2 * (1 + tan(latitude)) / (1 + tan(radians(35)))


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_5_3_says_of_every_report_what_the_text_says(loss: float) -> None:
    random, seen = Random(f"5.3 {loss}"), []
    for _ in range(60 * MORE):
        it = course(random, loss)
        found = found_at(judged(replayed(random, it.trace), FLOWN, 3000.0), "5.3")
        known = heard(it.trace)
        for sent, report in reports_of(known):
            (leg,) = (leg for leg in it.legs if leg.serial == sent.intent)
            said = [s for s in known if s.session == sent.session and isinstance(s.message, Intent)]
            outcome = found.get(round(sent.at_s, 3))
            seen.append(outcome)
            told = f"{sent.at_s}: {outcome} {leg} {shown(it.trace)}"
            if any(s.intent == sent.intent and s.number < sent.number for s in said):
                assert outcome in expected_5_3(leg, sent, report), (told, expected_5_3(leg, sent, report))
            else:
                assert outcome in (None, INCONCLUSIVE, EXCUSED), told
    assert min(map(seen.count, (PASS, FAIL))) > 100
    assert not loss or seen.count(INCONCLUSIVE) > 5


def test_5_3_takes_the_kindest_of_two_paths_of_one_serial() -> None:
    """Before or after the true one, it has declared another path under the same serial."""
    random, kept = Random("5.3 two"), 0
    for _ in range(40 * MORE):
        it = course(random, 0.0)
        trace: Trace = []
        for sent in it.trace:
            (leg,) = (leg for leg in it.legs if leg.serial == sent.intent)
            other = leg._replace(begin=moved(*leg.begin, 30_000, 0), end=moved(*leg.end, 30_000, 0))
            both = [sent, sent._replace(message=other.intent(sent.at_s), at_s=sent.at_s + 0.05)]
            trace += both if isinstance(sent.message, Intent) else [sent]
        trace = [s for number in (1, 2, 3) for s in counting(t for t in trace if t.session == number)]
        found = found_at(judged(trace, FLOWN, 3000.0), "5.3")
        for sent, report in reports_of(trace):
            (leg,) = (leg for leg in it.legs if leg.serial == sent.intent)
            outcome, expected = found.get(round(sent.at_s, 3)), expected_5_3(leg, sent, report)
            kept += expected == {PASS}
            said = any(
                s.session == sent.session and isinstance(s.message, Intent) for s in trace if s.number < sent.number
            )
            assert not said or outcome is not FAIL or FAIL in expected, f"{sent.at_s} {leg} {shown(trace)}"
    assert kept > 100
