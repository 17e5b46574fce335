"""The judge's plane geometry against slow searches: what it says is sure is so, and not much more is."""

from math import acos, atan2, cos, degrees, dist, hypot, radians, sin
from random import Random

import pytest

from protocol.bounds import Fix, place_m
from protocol.messages import TrajectoryPoint
from protocol.paths import (
    Leg,
    ahead,
    angle_deg,
    from_piece_m,
    leg_of,
    lost_height_s,
    lost_s,
    off_leg_m,
    spread_deg,
    turn_deg,
    within_s,
)
from protocol.units import NS_PER_S

Place = tuple[float, float, float]


def fix(at_s: float, latitude_deg: float, longitude_deg: float, altitude_m: float | None = None) -> Fix:
    """A report without any error."""
    at_ns = round(at_s * NS_PER_S)
    return Fix(None, at_ns, 0, latitude_deg, longitude_deg, altitude_m, 0, 0, 0, 0, 0, 0, 0)  # type: ignore[arg-type]


def great_circle(a: Place, b: Place, share: float) -> Place:
    """A place on the great circle between two unit vectors."""
    angle = acos(min(sum(x * y for x, y in zip(a, b, strict=True)), 1.0))
    if angle < 1e-9:
        return a
    u, w = sin((1 - share) * angle) / sin(angle), sin(share * angle) / sin(angle)
    x, y, z = (u * p + w * q for p, q in zip(a, b, strict=True))
    return x, y, z


def unit(latitude_deg: float, longitude_deg: float) -> Place:
    la, lo = radians(latitude_deg), radians(longitude_deg)
    return cos(la) * cos(lo), cos(la) * sin(lo), sin(la)


def on_the_earth(v: Place) -> Place:
    return place_m(degrees(atan2(v[2], hypot(v[0], v[1]))), degrees(atan2(v[1], v[0])))


@pytest.mark.parametrize("seed", range(300))
def test_no_leg_is_further_away_than_its_great_circle(seed: int) -> None:
    random = Random(seed)
    latitude = random.uniform(-75, 75)
    longitude = random.choice([36.0, 179.99, -179.9])
    minutes = random.choice([1, 2, 10])
    north, east = (random.uniform(-minutes, minutes) / 5 for _ in range(2))
    other = longitude + east / cos(radians(latitude))
    first = TrajectoryPoint(latitude, longitude, None, 0)
    second = TrajectoryPoint(latitude + north, (other + 180) % 360 - 180, None, 60 * minutes)
    leg = leg_of(first, second, 0, 0)
    assert isinstance(leg, Leg)
    ends = unit(first.latitude_deg, first.longitude_deg), unit(second.latitude_deg, second.longitude_deg)
    at_s = random.uniform(0, 60 * minutes)
    around = on_the_earth(great_circle(*ends, at_s / 60 / minutes))
    here = fix(
        at_s,
        latitude + north * at_s / 60 / minutes + random.uniform(-0.1, 0.1),
        longitude + (other - longitude) * at_s / 60 / minutes + random.uniform(-0.1, 0.1),
    )
    place = place_m(here.latitude_deg, here.longitude_deg)
    shares = [(at_s - 30 + i / 2) / 60 / minutes for i in range(121)]
    slow = min(dist(place, on_the_earth(great_circle(*ends, s))) for s in shares if 0 <= s <= 1)
    level_m, height_m = off_leg_m(leg, here, 30 * NS_PER_S, 0.0)
    assert level_m <= slow + 1
    speed_mps = dist(place_m(*first[:2]), place_m(*second[:2])) / 60 / minutes
    assert level_m >= slow - 2 * leg.bend_m - 0.01 * dist(place, around) - 0.75 * speed_mps - 1
    assert height_m == 0.0


def test_the_height_is_that_of_the_piece() -> None:
    first, second = TrajectoryPoint(35.0, 36.0, 10_000, 10), TrajectoryPoint(35.2, 36.0, 22_000, 130)
    leg = leg_of(first, second, 0, 0)
    assert leg
    for at_s, altitude_ft, off_ft in ((70, 16_000, 0), (70, 20_000, 950), (70, 12_000, 950), (20, 16_000, 1950)):
        here = fix(at_s, 35.0 + (at_s - 10) / 600, 36.0, altitude_ft * 0.3048)
        level_m, height_m = off_leg_m(leg, here, 30 * NS_PER_S, 0.0)
        assert level_m == 0
        assert height_m / 0.3048 == pytest.approx(off_ft, abs=0.1)  # 3,000 ft either side, and half a second


@pytest.mark.parametrize("order", [(130, 10), (10, 10)])
def test_points_in_no_order_declare_nothing(order: tuple[int, int]) -> None:
    first, second = (TrajectoryPoint(35.0 + t / 1000, 36.0, None, t) for t in order)
    assert leg_of(first, second, 0, 0) is None


@pytest.mark.parametrize("seed", range(200))
def test_two_that_fly_on_straight_lose_their_distance_when_a_search_says_so(seed: int) -> None:
    random = Random(seed)
    for _ in range(50):
        apart = random.uniform(-30, 30), random.uniform(-30, 30)
        velocity = random.choice([(0, 0), (random.uniform(-3, 3), 0), (random.uniform(-3, 3), random.uniform(-3, 3))])
        limit, error = random.uniform(1, 20), random.choice([0, random.uniform(0, 5), 30])
        growth = random.choice([0, 1, random.uniform(0, 0.2), hypot(*velocity)])
        found = within_s(apart, velocity, limit, error, growth)
        for t in range(40):
            reach = hypot(apart[0] + velocity[0] * t, apart[1] + velocity[1] * t) + error + growth * t
            if abs(reach - limit) > 1e-6:
                assert (reach < limit) == (found is not None and found[0] <= t <= found[1]), (t, found)


@pytest.mark.parametrize("seed", range(100))
def test_a_piece_is_as_near_as_its_nearest_point(seed: int) -> None:
    random = Random(seed)
    a, b = ((random.uniform(-9, 9), random.uniform(-9, 9)) for _ in range(2))
    slow = min(hypot(a[0] + (b[0] - a[0]) * i / 1000, a[1] + (b[1] - a[1]) * i / 1000) for i in range(1001))
    assert from_piece_m(a, b) == pytest.approx(slow, abs=0.02)


@pytest.mark.parametrize("seed", range(100))
def test_an_angle_is_no_further_off_than_its_error(seed: int) -> None:
    random = Random(seed)
    a, b = ((random.uniform(-9, 9), random.uniform(-9, 9)) for _ in range(2))
    error = random.uniform(0, 5)
    worst = 0.0
    for i in range(720):
        moved = a[0] + error * cos(radians(i / 2)), a[1] + error * sin(radians(i / 2))
        worst = max(worst, abs(angle_deg(moved, b) - angle_deg(a, b)), angle_deg(moved, a))
    assert worst <= spread_deg(a, error) + 1e-6
    assert worst >= spread_deg(a, error) - 1.0 or error > hypot(*a)


def test_turns_go_the_short_way_round() -> None:
    assert turn_deg(350, 10) == 20
    assert turn_deg(10, 350) == -20
    assert abs(turn_deg(0, 180)) == 180


@pytest.mark.parametrize("seed", range(200))
def test_a_loss_is_predicted_when_every_error_within_the_bounds_leads_to_it(seed: int) -> None:
    """A loss that is sure comes about whatever the errors; just before it is sure, the worst of them keep apart."""
    random = Random(seed)
    a, b = (
        Fix(None, random.choice([0, 500_000_000]), 0, 35 + random.uniform(-0.1, 0.1), 36 + random.uniform(-0.1, 0.1),
            6000 + random.uniform(-50, 50), 75, random.uniform(-200, 200), random.uniform(-200, 200),
            random.uniform(-1, 1), 200, 0.75, 0.3)  # type: ignore[arg-type]
        for _ in range(2)
    )  # fmt: skip
    on = ahead(a, b)
    assert on
    seconds = lost_s(on, lost_height_s(a, b, 304.8, 22.9), 9260, 300)

    def apart(t: float, sign: float) -> tuple[float, float]:
        level = hypot(on.line[0] + on.moves[0] * t, on.line[1] + on.moves[1] * t)
        ages = [t + (on.at_ns - f.at_ns) / NS_PER_S for f in (a, b)]
        up = (b.altitude_m or 0) + b.up_mps * ages[1] - (a.altitude_m or 0) - a.up_mps * ages[0]
        return level + sign * (150 + 0.75 * sum(ages)), abs(up) + sign * (45.8 + 0.3 * sum(ages))

    lost = [t for t in range(301) if (p := apart(t, 1.0))[0] * 1.003 < 9260 and p[1] < 304.8]
    if seconds is None:
        assert not lost[:-1]
    else:
        level_m, height_m = apart(seconds + 1e-3, 1.0)
        assert level_m < 9260
        assert height_m < 304.8 + 1e-6
        assert not lost or seconds <= lost[0]
        if seconds > 0:
            level_m, height_m = apart(seconds - 0.01, 1.0)
            assert level_m * 1.0031 + 6 >= 9260 or height_m >= 304.7
