"""Geometry and propagation against published values."""

import numpy as np
import pytest

from radio import propagation
from radio.geodesy import ecef_m


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
    assert propagation.radio_horizon_m(a_m, b_m) == pytest.approx(expected_m, rel=1e-3)
    assert propagation.radio_horizon_m(b_m, a_m) == propagation.radio_horizon_m(a_m, b_m)


def test_an_antenna_below_the_ellipsoid_still_has_a_horizon():
    assert propagation.radio_horizon_m(-40.0, 0.0) == propagation.radio_horizon_m(1.0, 1.0)


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


def test_rounding_gives_the_float_of_the_decimal():
    assert propagation.round_db([-92.449, -92.451, 3.3000000000000003, 9.999999999999986]).tolist() == [
        -92.4,
        -92.5,
        3.3,
        10.0,
    ]
    assert str(propagation.round_db(-0.01)) == "0.0"


def test_milliwatts_and_back():
    assert propagation.milliwatts([0.0, 30.0, -90.0]) == pytest.approx([1.0, 1000.0, 1e-9])
    assert propagation.decibel_milliwatts([1.0, 1000.0, 0.0]) == pytest.approx([0.0, 30.0, -3000.0])
