"""Antennas: patterns between their points and read from text, and in which direction somebody is."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st

from radio.antenna import Pattern, look_deg, parse_pattern
from radio.geodesy import ecef_m, ecef_velocity_mps
from radio.tables import TableError

CSV = """,0,90,180,270
-90,-20,-20,-20,-20
0,6,0,-12,-2
30,4,2,-8,2
"""
PATTERN = parse_pattern(CSV)


@pytest.mark.parametrize(
    ("azimuth_deg", "elevation_deg", "expected_db"),
    [
        (0, 0, 6),
        (180, 0, -12),
        (270, 30, 2),
        (45, 0, 3),
        (315, 0, 2),
        (-45, 0, 2),
        (360, 0, 6),
        (720 + 90, 0, 0),
        (0, 15, 5),
        (45, 15, 3),
        (0, -45, -7),
        (0, 90, 4),
        (200, -90, -20),
    ],
)
def test_gain_between_the_points(azimuth_deg, elevation_deg, expected_db):
    assert float(PATTERN.gain_db(azimuth_deg, elevation_deg)) == pytest.approx(expected_db)


def test_gains_come_in_arrays():
    assert PATTERN.gain_db(np.array([0.0, 45.0]), np.array([0.0, 15.0])).tolist() == pytest.approx([6.0, 3.0])


def test_a_circle_that_does_not_begin_at_0_is_closed_too():
    pattern = Pattern(azimuths_deg=(10.0, 350.0), elevations_deg=(-5.0, 5.0), gains_db=((4.0, 0.0), (4.0, 0.0)))
    assert pattern.gain_db([0.0, 355.0, 5.0, 180.0], 0.0).tolist() == pytest.approx([2.0, 1.0, 3.0, 2.0])


def test_one_row_and_one_column_are_enough():
    pattern = parse_pattern(",120\n10,-3\n")
    assert pattern.gain_db([0.0, 120.0, 359.0], [-90.0, 10.0, 90.0]).tolist() == [-3.0, -3.0, -3.0]
    assert pattern.greatest_db == -3.0


@given(st.floats(-1e4, 1e4), st.floats(-90, 90))
def test_no_direction_is_better_than_the_greatest(azimuth_deg, elevation_deg):
    gain_db = float(PATTERN.gain_db(azimuth_deg, elevation_deg))
    assert -20.0 - 1e-9 <= gain_db <= PATTERN.greatest_db + 1e-9 == 6.0 + 1e-9


def test_a_pattern_is_a_value():
    assert pickle.loads(pickle.dumps(PATTERN)) == PATTERN == parse_pattern(CSV)
    assert len({PATTERN, parse_pattern(CSV)}) == 1


@pytest.mark.parametrize(
    ("azimuths", "elevations", "gains"),
    [
        ((), (0.0,), ((),)),
        ((0.0,), (), ()),
        ((0.0, 360.0), (0.0,), ((1.0, 1.0),)),
        ((90.0, 0.0), (0.0,), ((1.0, 1.0),)),
        ((0.0,), (0.0, 0.0), ((1.0,), (1.0,))),
        ((0.0,), (-91.0,), ((1.0,),)),
        ((0.0, 1.0), (0.0,), ((1.0,),)),
        ((0.0,), (0.0,), ((math.nan,),)),
    ],
)
def test_a_pattern_is_whole(azimuths, elevations, gains):
    with pytest.raises(ValueError, match=r"azimuth|gain"):
        Pattern(azimuths_deg=azimuths, elevations_deg=elevations, gains_db=gains)


BAD = {
    "nothing": ("", [(0, "file", "no rows", "a CSV file")]),
    "no CSV": (',"0\n0,1\n', [(2, "row", "unexpected end of data", "well-formed CSV")]),
    "no azimuths": ("\n,\n0,1\n", [(2, "azimuth", "''", "degrees from 0 to 360")]),
    "a name in the corner": ("az,0\n0,1\n", [(1, "first cell", "'az'", "an empty cell, then azimuths")]),
    "no elevations": (",0,90\n", [(1, "row", "no more rows", "a row for each elevation")]),
    "azimuths that fall": (",90,0\n0,1,1\n", [(1, "azimuth", "'0'", "more than the 90 before it")]),
    "an azimuth twice": (",90,90\n0,1,1\n", [(1, "azimuth", "'90'", "more than the 90 before it")]),
    "all the way round": (",0,360\n0,1,1\n", [(1, "azimuth", "360", "degrees below 360: 0 is the same direction")]),
    "an azimuth that is none": (",0,west\n0,1,1\n", [(1, "azimuth", "'west'", "degrees from 0 to 360")]),
    "elevations that fall": (",0\n10,1\n\n5,1\n", [(4, "elevation", "'5'", "more than the 10 before it")]),
    "an elevation beyond the zenith": (",0\n91,1\n", [(2, "elevation", "'91'", "degrees from -90 to 90")]),
    "a row too short": (",0,90\n0,1\n", [(2, "row", "2 cells", "3 cells")]),
    "a row too long": (",0\n0,1,1\n", [(2, "row", "3 cells", "2 cells")]),
    "a gain that is none": (",0,90\n0,1,nan\n", [(2, "gain", "'nan'", "dB from -200 to 50")]),
    "a gain as Python has it": (",0,90\n0,1,1_0\n", [(2, "gain", "'1_0'", "dB from -200 to 50")]),
    "a gain too great": (",0,90\n0,1,51\n", [(2, "gain", "'51'", "dB from -200 to 50")]),
    "two at once": (
        ",0,90\n0,x,1\n99,1,1\n",
        [(2, "gain", "'x'", "dB from -200 to 50"), (3, "elevation", "'99'", "degrees from -90 to 90")],
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_wrong_with_a_pattern_is_told_with_its_line(bad):
    text, flaws = BAD[bad]
    with pytest.raises(TableError) as caught:
        parse_pattern(text)
    assert [tuple(flaw) for flaw in caught.value.flaws] == flaws
    line, column, found, expected = flaws[0]
    assert str(caught.value).startswith(f"line {line}, {column}: found {found}, expected {expected}")


HERE = (35.0, 37.0, 5_000.0)
STILL = (0.0, 0.0, 0.0)


def looks(velocity, toward, here=HERE):
    """Azimuth and elevation, with a velocity as (north, east, up) and places as (latitude, longitude, height)."""
    velocity_mps = ecef_velocity_mps(*here[:2], *velocity)
    azimuth, elevation = look_deg(ecef_m(*here)[None], velocity_mps[None], ecef_m(*toward)[None])
    return float(azimuth[0]), float(elevation[0])


NORTH, EAST = (35.01, 37.0, 5_000.0), (35.0, 37.01, 5_000.0)
SOUTH, WEST = (34.99, 37.0, 5_000.0), (35.0, 36.99, 5_000.0)


@pytest.mark.parametrize(
    ("velocity", "toward", "azimuth_deg"),
    [
        (STILL, NORTH, 0),
        (STILL, EAST, 90),
        (STILL, SOUTH, 180),
        (STILL, WEST, 270),
        ((100, 0, 0), EAST, 90),
        ((0, 100, 0), EAST, 0),
        ((0, 100, 0), NORTH, 270),
        ((-100, 0, 0), EAST, 270),
        ((-70, -70, 0), WEST, 45),
        ((0, 0, 50), EAST, 90),
        ((0, 0.9, 50), EAST, 90),
        ((0, 1.1, -50), EAST, 0),
    ],
)
def test_azimuths_go_clockwise_from_the_nose(velocity, toward, azimuth_deg):
    azimuth, elevation = looks(velocity, toward)
    assert (azimuth - azimuth_deg + 180) % 360 - 180 == pytest.approx(0, abs=0.01)
    assert elevation == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("velocity", [STILL, (0, 200, 0), (0, 0, -100)])
def test_who_is_above_or_below_is_there_whatever_the_climb(velocity):
    assert looks(velocity, (*HERE[:2], 6_000.0))[1] == pytest.approx(90, abs=0.01)
    assert looks(velocity, (*HERE[:2], 0.0))[1] == pytest.approx(-90, abs=0.01)


def test_an_elevation_by_hand():
    """10 km to the north along the ground and 5.77 km up: 30 degrees, less half of the 0.09 that the earth bends."""
    assert looks(STILL, (35.0901, 37.0, 10_779.0))[1] == pytest.approx(29.97, abs=0.05)


@pytest.mark.parametrize("latitude_deg", [-84.9, -45.0, 0.0, 35.0, 60.0])
@pytest.mark.parametrize("height_m", [-300.0, 10_000.0, 30_000.0])
def test_the_vertical_is_the_geodetic_one(latitude_deg, height_m):
    """Its error is greatest half-way to the pole and grows with height: 0.001 degrees at 30 km."""
    _, elevation = looks(STILL, (latitude_deg, 20.0, height_m + 1_000), (latitude_deg, 20.0, height_m))
    assert elevation == pytest.approx(90, abs=0.01)


def test_who_sees_from_a_pole_or_the_same_place_sees_something():
    for here, toward in (((90.0, 0.0, 0.0), (89.0, 5.0, 0.0)), (HERE, HERE)):
        azimuth, elevation = looks(STILL, toward, here)
        assert 0 <= azimuth <= 360
        assert -90 <= elevation <= 90
    assert looks(STILL, HERE) == (0.0, 0.0)


def test_many_look_as_each_alone():
    velocities = [STILL, (0.0, 100.0, 0.0)]
    together = look_deg(
        np.stack([ecef_m(*HERE)] * 2),
        np.stack([ecef_velocity_mps(*HERE[:2], *v) for v in velocities]),
        np.stack([ecef_m(*EAST), ecef_m(*NORTH)]),
    )
    alone = [looks(velocities[0], EAST), looks(velocities[1], NORTH)]
    assert np.stack(together, axis=-1).tolist() == [list(one) for one in alone]
