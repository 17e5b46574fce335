"""Predicted conflicts, held against every pair looked at by itself: in small steps of time, and one at a time."""

from itertools import combinations
from math import cos, radians
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from protocol.accounts import Booked
from protocol.bounds import Fix, offset_m
from protocol.conflicts import MINIMA, WGS84, Conflicts, Earth, Motion, Relative, entry_s, search, search_on_earth
from protocol.units import FT_M

SIDES_M = (5e3, 100e3, 600e3)
PLACES = ((35.0, 36.0), (0.0, 179.9), (-60.0, -180.0), (83.0, 10.0))
STEP_S = 0.5


def drawn(random: np.random.Generator, count: int, side_m: float) -> tuple[np.ndarray, np.ndarray, Motion]:
    """Aircraft in a square; some level, some still, some in formation with the one before."""
    north, east = random.uniform(-side_m / 2, side_m / 2, (2, count))
    up = random.uniform(3_000, 3_000 + side_m / 20, count)
    velocity = random.uniform(-300, 300, (3, count))
    velocity[2] /= 10
    velocity[2, random.random(count) < 0.5] = 0.0
    velocity[:2, random.random(count) < 0.1] = 0.0
    for n in np.flatnonzero(random.random(count) < 0.2):
        velocity[:, n], up[n] = velocity[:, n - 1], up[n - 1]
    return north, east, Motion(up, *velocity)


def relative(north: np.ndarray, east: np.ndarray, motion: Motion, i: int, j: int) -> Relative:
    columns = (north, east, *motion)
    return Relative(*(float(column[j] - column[i]) for column in columns))


def is_within(pair: Relative, seconds: float | np.ndarray) -> np.ndarray:
    n, e, u, vn, ve, vu = pair
    level = np.hypot(n + vn * seconds, e + ve * seconds)
    return np.asarray((level < MINIMA.level_m) & (abs(u + vu * seconds) < MINIMA.height_m))


def rows(found: Conflicts) -> dict[tuple[int, int], tuple[float, ...]]:
    columns = [column.tolist() for column in found]
    return {(i, j): tuple(values) for i, j, *values in zip(*columns, strict=True)}


@settings(deadline=None)  # the first search imports scipy
@given(st.integers(0, 2**32), st.integers(0, 40), st.sampled_from(SIDES_M), st.sampled_from((20.0, 300.0)))
def test_all_conflicts_are_found_and_no_others(seed: int, count: int, side_m: float, look_ahead_s: float) -> None:
    north, east, motion = drawn(np.random.default_rng(seed), count, side_m)
    found = search(north, east, motion, look_ahead_s=look_ahead_s)
    conflicts, steps = rows(found), np.arange(0, look_ahead_s + STEP_S / 2, STEP_S)
    assert list(conflicts) == sorted(conflicts)
    for i, j in combinations(range(count), 2):
        pair = relative(north, east, motion, i, j)
        assert entry_s(pair, look_ahead_s=look_ahead_s) == conflicts.get((i, j), (None,))[0], "to the last bit"
        within = is_within(pair, steps)
        if (i, j) not in conflicts:
            assert not within.any()
            continue
        entry, exit_, closest, least_m = conflicts[i, j]
        assert 0 <= entry < exit_ <= look_ahead_s
        inner = (steps > entry + 1e-6) & (steps < exit_ - 1e-6)
        outer = (steps < entry - 1e-6) | (steps > exit_ + 1e-6)
        assert within[inner].all()
        assert not within[outer].any()
        assert is_within(pair, (entry + exit_) / 2)
        distances = np.hypot(pair.north_m + pair.north_mps * steps, pair.east_m + pair.east_mps * steps)
        assert least_m <= distances.min() + 1e-6
        assert least_m == pytest.approx(
            np.hypot(pair.north_m + pair.north_mps * closest, pair.east_m + pair.east_mps * closest)
        )


@settings(deadline=None)  # the first search imports scipy
@given(
    st.integers(0, 2**32),
    st.sampled_from(PLACES),
    st.sampled_from(SIDES_M),
    st.sampled_from((WGS84, Earth(6.4e6, 0.0))),
)
def test_on_the_earth_a_pair_is_judged_on_its_own_plane(
    seed: int, place: tuple[float, float], side_m: float, earth: Earth
) -> None:
    count = 25
    north, east, motion = drawn(np.random.default_rng(seed), count, side_m)
    latitude = place[0] + np.clip(north / 111e3, -85 - place[0], 85 - place[0])
    longitude = (place[1] + east / 111e3 / cos(radians(place[0])) + 180) % 360 - 180
    conflicts = rows(search_on_earth(latitude, longitude, motion, earth=earth))
    expected = {}
    for i, j in combinations(range(count), 2):
        if earth is WGS84:
            offset = offset_m(fix(latitude[i], longitude[i]), fix(latitude[j], longitude[j]))
        else:
            middle, turn = radians((latitude[i] + latitude[j]) / 2), (longitude[j] - longitude[i] + 180) % 360 - 180
            offset = 6.4e6 * radians(latitude[j] - latitude[i]), 6.4e6 * radians(turn) * cos(middle)
        entry = entry_s(relative(north, east, motion, i, j)._replace(north_m=offset[0], east_m=offset[1]))
        if entry is not None:
            expected[i, j] = entry
    assert {pair: row[0] for pair, row in conflicts.items()} == pytest.approx(expected, abs=1e-5)


def fix(latitude_deg: float, longitude_deg: float) -> Fix:
    return Fix(cast(Booked, None), 0, 0, latitude_deg, longitude_deg, None, 0.0, 0.0, 0.0, 0.0, 0.0, None, None)


def test_areas_from_the_equator_to_the_north_miss_nobody() -> None:
    """One plane for so many latitudes is far from each pair's own."""
    random = np.random.default_rng(5)
    latitude, longitude = np.repeat(np.arange(0.0, 84.0, 2.0), 2), np.repeat(random.uniform(-80, 80, 42), 2)
    # each two fly head on, and meet near the end of the 300 s
    longitude[1::2] += 180_000 / (111_320 * np.cos(np.radians(latitude[1::2])))
    motion = Motion(np.zeros(84), np.zeros(84), np.tile([300.0, -300.0], 42), np.zeros(84))
    found = search_on_earth(latitude, longitude, motion)
    assert list(zip(found.i.tolist(), found.j.tolist(), strict=True)) == [(n, n + 1) for n in range(0, 84, 2)]


STILL = Relative(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
HALF_LIMIT_M = MINIMA.level_m / 2


@pytest.mark.parametrize(
    ("pair", "window"),
    [
        (STILL, (0.0, 300.0)),
        (STILL._replace(north_m=HALF_LIMIT_M), (0.0, 300.0)),
        (STILL._replace(east_m=MINIMA.level_m), None),  # no relative velocity, exactly at a limit
        (STILL._replace(up_m=MINIMA.height_m), None),
        (STILL._replace(up_m=-MINIMA.height_m + 1e-6), (0.0, 300.0)),
        (STILL._replace(north_m=2 * MINIMA.level_m, north_mps=-MINIMA.level_m / 100), (100.0, 300.0)),
        (STILL._replace(north_m=4 * MINIMA.level_m, north_mps=-MINIMA.level_m / 100), None),  # enters when it is over
        (STILL._replace(north_m=2 * MINIMA.level_m, north_mps=MINIMA.level_m / 100), None),  # it has been
        (STILL._replace(east_m=MINIMA.level_m, north_mps=200.0), None),  # touches
        (STILL._replace(east_mps=MINIMA.level_m / 50), (0.0, 50.0)),  # inside, and leaves
        (STILL._replace(up_m=3 * MINIMA.height_m, up_mps=-MINIMA.height_m / 50), (100.0, 200.0)),
        (STILL._replace(up_m=MINIMA.height_m, up_mps=MINIMA.height_m / 50), None),
        (STILL._replace(up_m=-MINIMA.height_m, up_mps=MINIMA.height_m / 50), (0.0, 100.0)),
        (  # level from 100 s to 200 s, in height from 225 s
            STILL._replace(
                north_m=3 * MINIMA.level_m,
                north_mps=-MINIMA.level_m / 50,
                up_m=5.5 * MINIMA.height_m,
                up_mps=-MINIMA.height_m / 50,
            ),
            None,
        ),
    ],
)
def test_a_pair(pair: Relative, window: tuple[float, float] | None) -> None:
    n, e, u, vn, ve, vu = (np.array([0.0, value]) for value in pair)
    found = rows(search(n, e, Motion(u, vn, ve, vu)))
    assert entry_s(pair) == (None if window is None else pytest.approx(window[0]))
    assert [row[:2] for row in found.values()] == ([] if window is None else [pytest.approx(window)])


def test_two_at_the_same_place_are_nearest_now() -> None:
    both = np.zeros(2)
    assert rows(search(both, both, Motion(both, both, both, both))) == {(0, 1): (0.0, 300.0, 0.0, 0.0)}


def test_other_minima_and_other_times() -> None:
    pair = STILL._replace(north_m=1_000.0, north_mps=-10.0)
    assert entry_s(pair, MINIMA._replace(level_m=100.0)) == pytest.approx(90.0)
    assert entry_s(pair, MINIMA._replace(level_m=100.0), 89.0) is None
    assert entry_s(pair._replace(up_m=200 * FT_M), MINIMA._replace(height_m=100 * FT_M)) is None


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_and_somebody_alone_are_in_no_conflict(count: int) -> None:
    some = np.ones(count)
    motion = Motion(some, some, some, some)
    assert rows(search(some, some, motion)) == rows(search_on_earth(some, some, motion)) == {}


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_finite_number_is_refused(column: int, value: float) -> None:
    columns = [np.zeros(3) for _ in range(6)]
    columns[column][2] = value
    for way in (search, search_on_earth):
        with pytest.raises(ValueError, match="aircraft 2: no finite number"):
            way(columns[0], columns[1], Motion(*columns[2:]))


def test_columns_that_differ_are_refused() -> None:
    two, three = np.zeros(2), np.zeros(3)
    with pytest.raises(ValueError, match="a row for each aircraft"):
        search(two, three, Motion(two, two, two, two))


def test_where_no_plane_serves_is_refused() -> None:
    none = np.zeros(3)
    still = Motion(none, none, none, none)
    with pytest.raises(ValueError, match="latitude 86"):
        search_on_earth(np.array([0.0, -86.0, 1.0]), none, still)
    with pytest.raises(ValueError, match="half round the globe"):
        search_on_earth(none, np.array([0.0, 120.0, -120.0]), still)
