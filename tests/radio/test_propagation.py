"""Geometry and propagation against published values."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from radio import propagation
from radio.geodesy import ecef_m
from radio.reception import milliwatts


@pytest.mark.parametrize(
    ("place", "expected_m"),
    [
        ((0.0, 0.0, 0.0), (6378137.0, 0.0, 0.0)),
        ((0.0, 90.0, 1000.0), (0.0, 6379137.0, 0.0)),
        ((90.0, 0.0, 0.0), (0.0, 0.0, 6356752.3142)),
        ((-90.0, 0.0, 100.0), (0.0, 0.0, -6356852.3142)),
        ((45.0, 0.0, 0.0), (4517590.8788, 0.0, 4487348.4088)),
        ((45.0, -180.0, 0.0), (-4517590.8788, 0.0, 4487348.4088)),
    ],
)
def test_ecef_of_known_points(place, expected_m):
    assert ecef_m(*place) == pytest.approx(expected_m, abs=1e-3)


def test_ecef_takes_arrays():
    points_m = ecef_m([0.0, 45.0], [0.0, 0.0], 0.0)
    assert points_m.shape == (2, 3)
    assert points_m[1] == pytest.approx(ecef_m(45.0, 0.0, 0.0))


def test_one_place_is_where_it_is_among_many():
    """The two ways of working it out, to a nanometre or so."""
    rng = np.random.default_rng(1)
    places = np.column_stack([rng.uniform(-90, 90, 500), rng.uniform(-180, 180, 500), rng.uniform(-1e3, 3e4, 500)])
    many = ecef_m(*places.T)
    for place, expected_m in zip(places.tolist(), many.tolist(), strict=True):
        assert ecef_m(*place).tolist() == pytest.approx(expected_m, abs=1e-8)


@pytest.mark.parametrize(
    ("distance_m", "frequency_hz", "loss_db"),
    [(1_000, 1e9, 92.45), (100, 2.4e9, 80.05), (185_200, 1.09e9, 138.55), (10_000, 121.5e6, 94.14)],
)
def test_free_space_loss(distance_m, frequency_hz, loss_db):
    assert propagation.free_space_loss_db(distance_m, frequency_hz) == pytest.approx(loss_db, abs=0.01)


def test_loss_grows_by_6_db_when_distance_doubles_and_is_finite_at_no_distance():
    near, far, nowhere = propagation.free_space_loss_db(np.array([5e4, 1e5, 0.0]), 1e9)
    assert far - near == pytest.approx(6.0206, abs=1e-4)
    assert nowhere == propagation.free_space_loss_db(1.0, 1e9)


@pytest.mark.parametrize(("a_m", "b_m"), [(1, 1), (10, 3_000), (30, 10_000), (9_000, 12_000), (100, 100)])
def test_horizon_is_412_km_times_the_roots(a_m, b_m):
    expected_m = 4_120 * (a_m**0.5 + b_m**0.5)
    assert propagation.horizon_m(a_m, b_m, 4 / 3) == pytest.approx(expected_m, rel=1e-3)
    assert propagation.horizon_m(b_m, a_m, 4 / 3) == propagation.horizon_m(a_m, b_m, 4 / 3)


def test_an_antenna_below_the_ellipsoid_still_has_a_horizon():
    assert propagation.horizon_m(-40.0, 0.0, 4 / 3) == propagation.horizon_m(1.0, 1.0, 4 / 3)


def test_delay_is_a_whole_number_of_nanoseconds():
    delay_ns = propagation.propagation_delay_ns(np.array([0.0, 299_792.458, 1_000.0]))
    assert delay_ns.tolist() == [0, 1_000_000, 3_336]
    assert delay_ns.dtype == np.int64


@pytest.mark.parametrize(
    ("figure_db", "bandwidth_hz", "snr_db", "expected_dbm"),
    [(10, 1e6, 10, -94.0), (0, 1.0, 0, -174.0), (8, 25e3, 12, -110.02)],
)
def test_sensitivity(figure_db, bandwidth_hz, snr_db, expected_dbm):
    assert propagation.sensitivity_dbm(figure_db, bandwidth_hz, snr_db) == pytest.approx(expected_dbm, abs=0.01)


def test_tenths_are_the_nearest():
    assert propagation.tenths([-92.449, -92.451, 3.3000000000000003, 9.999999999999986, -0.01]).tolist() == [
        -924,
        -925,
        33,
        100,
        0,
    ]


def test_milliwatts_and_back():
    assert milliwatts(np.array([0, 300, -900], np.int32)) == pytest.approx([1.0, 1000.0, 1e-9])
    assert propagation.decibel_milliwatts([1.0, 1000.0, 0.0]) == pytest.approx([0.0, 30.0, -3000.0])


# Geodesics of 400 NM (740,800 m) on the WGS-84 ellipsoid, by GeographicLib 2.1 (Karney, Algorithms for geodesics,
# 2013); the last is a line of Geoscience Australia's, Flinders Peak to Buninyong on GRS80, which differs by 0.1 mm.
GEODESICS = [
    ((0.0, 0.0), (0.0, 6.654719625), 740_800.0),
    ((0.0, 0.0), (6.699263342, 0.0), 740_800.0),
    ((35.4, 36.5), (39.967688803, 42.629245908), 740_800.0),
    ((35.4, 36.5), (28.719410307, 36.5), 740_800.0),
    ((60.0, 10.0), (62.766798222, -2.634640532), 740_800.0),
    ((-84.0, 0.0), (-81.064781329, 48.046804808), 740_800.0),
    ((-37.951033417, 144.424867889), (-37.652821139, 143.926495528), 54_972.271),
]


@pytest.mark.parametrize(("here", "there", "along_m"), GEODESICS)
def test_straight_lines_are_right_to_a_thousandth(here, there, along_m):
    """The chord is shorter than the way along the ground by s**3 / 24 R**2."""
    straight_m = float(np.linalg.norm(ecef_m(*here, 0.0) - ecef_m(*there, 0.0)))
    assert straight_m == pytest.approx(along_m * (1 - (along_m / 6_371_000) ** 2 / 24), rel=1e-5)
    assert straight_m == pytest.approx(along_m, rel=1e-3)


@pytest.mark.parametrize("km", [0.001, 1, 18.52, 740.8, 13_000])
@pytest.mark.parametrize("mhz", [3, 127.5, 1090, 5_000, 300_000])
def test_free_space_by_the_engineers_formula(km, mhz):
    """ITU-R P.525, equation 4: 32.45 (32.4478 unrounded) + 20 log f in MHz + 20 log d in km."""
    expected_db = 32.45 + 20 * np.log10(mhz) + 20 * np.log10(km)
    assert propagation.free_space_loss_db(km * 1000, mhz * 1e6) == pytest.approx(expected_db, abs=0.01)


@given(st.floats(1.0, 1.3e7), st.floats(1e6, 3e11))
def test_range_is_the_inverse_of_loss(distance_m, frequency_hz):
    loss_db = float(propagation.free_space_loss_db(distance_m, frequency_hz))
    assert propagation.free_space_range_m(loss_db, frequency_hz) == pytest.approx(distance_m, rel=1e-9)


def test_range_has_bounds():
    assert propagation.free_space_range_m(-300.0, 1e9) == 1.0
    assert propagation.free_space_range_m(1e6, 1e9) == np.inf


@pytest.mark.parametrize(("k", "km_per_root"), [(4 / 3, 4.122), (1.0, 3.570)])
@pytest.mark.parametrize(("a_m", "b_m"), [(1, 1), (30, 10_000), (9_000, 12_000)])
def test_horizon_over_another_earth(k, km_per_root, a_m, b_m):
    assert propagation.horizon_m(a_m, b_m, k) == pytest.approx(km_per_root * 1e3 * (a_m**0.5 + b_m**0.5), rel=3e-4)


def test_horizons_agree_and_there_may_be_none():
    heights_m = np.array([-40.0, 0.0, 30.0, 12_000.0])
    factor_m = propagation.horizon_factor_m(4 / 3)
    assert propagation.horizon_m(25.0, 100.0, 4 / 3) == pytest.approx(15 * factor_m)
    for k in (None, np.inf):
        assert propagation.horizon_m(heights_m, 10.0, k).tolist() == [np.inf] * 4
