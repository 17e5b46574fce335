"""Motion against its own definition: places on an independent ellipsoid, velocities as differences of places."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from nodes.motion import Fixed, Kinematics, Motion, Sampled, Waypoints

START_NS = 1_633_610_400_000_000_000
SECOND_NS = 10**9
G_MPS2 = 9.80665


def at(motion: Motion, t_s: float) -> Kinematics:
    found = motion.at(START_NS + round(t_s * 1e9))
    assert found is not None
    return found


def centred(place: Kinematics) -> np.ndarray:
    """Metres from the centre of the earth (the textbook formula, with a and b)."""
    latitude, longitude = math.radians(place.latitude_deg), math.radians(place.longitude_deg)
    height_m, a, b = place.altitude_ft * 0.3048, 6378137.0, 6356752.314245
    normal = a * a / math.hypot(a * math.cos(latitude), b * math.sin(latitude))
    flat = (normal + height_m) * math.cos(latitude)
    up = (b * b / (a * a) * normal + height_m) * math.sin(latitude)
    return np.array([flat * math.cos(longitude), flat * math.sin(longitude), up])


def measured_velocity(motion: Motion, t_s: float, step_s: float = 0.05) -> np.ndarray:
    """North, east and up in m/s from two places step_s before and after."""
    place = at(motion, t_s)
    chord = (centred(at(motion, t_s + step_s)) - centred(at(motion, t_s - step_s))) / (2 * step_s)
    sin_n, cos_n = math.sin(math.radians(place.latitude_deg)), math.cos(math.radians(place.latitude_deg))
    sin_e, cos_e = math.sin(math.radians(place.longitude_deg)), math.cos(math.radians(place.longitude_deg))
    axes = [[-sin_n * cos_e, -sin_n * sin_e, cos_n], [-sin_e, cos_e, 0.0], [cos_n * cos_e, cos_n * sin_e, sin_n]]
    return np.asarray(np.array(axes) @ chord)


def reported_velocity(place: Kinematics) -> np.ndarray:
    return np.array([place.velocity_north_mps, place.velocity_east_mps, place.velocity_up_mps])


def peak_g(motion: Motion, first_s: float, last_s: float, step_s: float = 0.05) -> float:
    velocities = np.array([reported_velocity(at(motion, t_s)) for t_s in np.arange(first_s, last_s, step_s)])
    return float(np.linalg.norm(np.diff(velocities, axis=0), axis=1).max() / step_s / G_MPS2)


def square_corner(speed_mps: float = 250.0, **options: float) -> Waypoints:
    """60 s north, then 60 s east, climbing in the second leg."""
    north_deg = speed_mps * 60 / 111_230
    east_deg = speed_mps * 60 / (111_600 * math.cos(math.radians(49 + north_deg)))
    corner = (60.0, 49.0 + north_deg, 2.0, 10_000.0)
    points = [(0.0, 49.0, 2.0, 10_000.0), corner, (120.0, 49.0 + north_deg, 2.0 + east_deg, 12_000.0)]
    return Waypoints(START_NS, points, **options)


def test_fixed_stays() -> None:
    mast = Fixed(48.7, 2.3, 400.0)
    expected = Kinematics(48.7, 2.3, 400.0, 0.0, 0.0, 0.0, 0.0, False)
    assert mast.at(0) == mast.at(START_NS) == expected


def test_waypoints_are_there_from_the_first_to_the_last_instant() -> None:
    path = square_corner()
    assert (path.start_ns, path.end_ns) == (START_NS, START_NS + 120 * SECOND_NS)
    assert path.at(START_NS - 1) is None
    assert path.at(START_NS + 120 * SECOND_NS + 1) is None
    first, last = at(path, 0), at(path, 120)
    assert first[:3] == pytest.approx((49.0, 2.0, 10_000.0), abs=1e-9)
    assert last.altitude_ft == pytest.approx(12_000.0, abs=1e-6)
    assert first.heading_deg == pytest.approx(0.0, abs=1e-6)
    assert last.heading_deg == pytest.approx(90.0, abs=0.2)
    assert math.hypot(*reported_velocity(first)) == pytest.approx(250.0, rel=2e-3)


def test_waypoints_that_begin_later_keep_their_own_times() -> None:
    path = Waypoints(START_NS, [(30.0, 49.0, 2.0, 0.0), (90.0, 49.1, 2.0, 6000.0)])
    assert path.at(START_NS + 30 * SECOND_NS - 1) is None
    assert at(path, 60).latitude_deg == pytest.approx(49.05)


def test_a_right_angle_at_250_mps_stays_under_2_g() -> None:
    assert 1.5 < peak_g(square_corner(), 0, 120) < 2.0
    assert peak_g(square_corner(window_s=10.0), 0, 120) == pytest.approx(3.6, abs=0.2)


def test_place_is_the_mean_of_the_straight_legs_over_the_window() -> None:
    points = [
        (0.0, 49.0, 2.0, 9000.0),
        (33.0, 49.05, 2.1, 9500.0),
        (40.0, 49.06, 2.1, 9500.0),
        (90.0, 49.0, 2.3, 9000.0),
    ]
    path, table = Waypoints(START_NS, points), np.array(points)
    for t_s in (15.0, 25.0, 31.7, 36.5, 44.0, 60.0):
        window = np.linspace(t_s - 10, t_s + 10, 200_001)
        middle = (window[:-1] + window[1:]) / 2
        mean = [np.interp(middle, table[:, 0], table[:, column]).mean() for column in (1, 2, 3)]
        assert at(path, t_s)[:3] == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("speed_mps", [50.0, 250.0])
def test_waypoint_velocity_is_the_derivative_of_the_place(speed_mps: float) -> None:
    path = square_corner(speed_mps)
    for t_s in np.arange(1.0, 119.0, 0.37):
        assert reported_velocity(at(path, t_s)) == pytest.approx(measured_velocity(path, t_s), abs=0.02)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(5, 120), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.floats(-2000, 2000)),
        min_size=1,
        max_size=6,
    ),
    st.floats(-60, 60),
    st.floats(-180, 180),
)
def test_any_waypoints_have_a_smooth_velocity_that_is_the_derivative(
    steps: list[tuple[float, float, float, float]], latitude_deg: float, longitude_deg: float
) -> None:
    points = [(0.0, latitude_deg, longitude_deg, 10_000.0)]
    for step in steps:
        t_s, latitude, longitude, altitude = (one + more for one, more in zip(points[-1], step, strict=True))
        points.append((t_s, latitude, (longitude + 180) % 360 - 180, altitude))
    path = Waypoints(START_NS, points)
    for t_s in np.linspace(0.1, points[-1][0] - 0.1, 40):
        place = at(path, t_s)
        # Within 0.05 s of a break the difference quotient sees both of its sides, a bend of at most 0.1 s.
        bend = abs(reported_velocity(at(path, t_s + 0.05)) - reported_velocity(at(path, t_s - 0.05))).max()
        assert reported_velocity(place) == pytest.approx(measured_velocity(path, t_s), abs=0.02 + bend)
        assert 0.0 <= place.heading_deg < 360.0
        assert -180.0 <= place.longitude_deg < 180.0


def test_heading_follows_the_ground_track_round_the_compass() -> None:
    for heading_deg in (0, 45, 90, 179, 181, 270, 359):
        north, east = 0.1 * math.cos(math.radians(heading_deg)), 0.1 * math.sin(math.radians(heading_deg))
        path = Waypoints(START_NS, [(0.0, 0.0, 0.0, 0.0), (100.0, north, east, 0.0)])
        # A degree of latitude is 0.7 % shorter than one of longitude at the equator.
        assert at(path, 0).heading_deg == pytest.approx(heading_deg, abs=0.25)


def test_a_helicopter_that_hovers_is_at_rest_and_airborne() -> None:
    points = [(0.0, 49.0, 2.0, 500.0), (60.0, 49.01, 2.01, 900.0), (120.0, 49.01, 2.01, 900.0)]
    hovering = at(Waypoints(START_NS, points), 100)
    assert hovering[3:] == (0.0, 0.0, 0.0, 0.0, True)
    on_the_ground = at(Waypoints(START_NS, points, airborne_above_mps=10.0), 100)
    assert on_the_ground.airborne is False
    assert at(Waypoints(START_NS, points, airborne_above_mps=10.0), 10).airborne is True


def test_a_leg_crosses_the_180th_meridian_the_short_way() -> None:
    path = Waypoints(START_NS, [(0.0, 10.0, 179.9, 30_000.0), (100.0, 10.0, -179.9, 30_000.0)])
    assert at(path, 40).longitude_deg == pytest.approx(179.98)
    assert at(path, 60).longitude_deg == pytest.approx(-179.98)
    assert at(path, 50).velocity_east_mps == pytest.approx(219.5, abs=1.0)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([(0.0, 1.0, 1.0, 0.0)], "two points"),
        ([(0.0, 1.0, 1.0, 0.0), (0.0, 1.1, 1.0, 0.0)], "point 2: its time"),
        ([(0.0, 1.0, 1.0, 0.0), (math.inf, 1.1, 1.0, 0.0)], "point 2: its time"),
        ([(0.0, 1.0, 1.0, 0.0), (math.nan, 1.1, 1.0, 0.0)], "point 2: its time"),
        ([(0.0, 85.1, 1.0, 0.0), (9.0, 1.1, 1.0, 0.0)], "point 1: 85.1"),
        ([(0.0, 1.0, 1.0, 0.0), (9.0, 1.1, 180.5, 0.0)], "point 2: 1.1, 180.5"),
        ([(0.0, 1.0, math.nan, 0.0), (9.0, 1.1, 1.0, 0.0)], "point 1: 1.0, nan"),
        ([(0.0, 1.0, 1.0, math.nan), (9.0, 1.1, 1.0, 0.0)], "point 1: the altitude"),
    ],
)
def test_waypoints_refuse_what_is_no_path(points: list[tuple[float, float, float, float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Waypoints(START_NS, points)


@pytest.mark.parametrize("window_s", [0.0, -1.0, math.inf, math.nan])
def test_waypoints_refuse_a_window_that_is_none(window_s: float) -> None:
    with pytest.raises(ValueError, match="window"):
        square_corner(window_s=window_s)


def circle(airborne_above_mps: float = 0.0) -> Sampled:
    """A circle of about 5.5 km radius flown in 200 s, sampled every 4 s with its true rates."""
    times_s = np.arange(0.0, 101.0, 4.0)
    angle, rate = times_s * math.tau / 200, math.tau / 200
    places = np.stack([49 + 0.05 * np.sin(angle), 179.99 + 0.05 * np.cos(angle), 8000 + 20 * times_s], axis=1)
    rates = np.stack([0.05 * rate * np.cos(angle), -0.05 * rate * np.sin(angle), np.full_like(times_s, 20)], axis=1)
    return Sampled(START_NS, times_s, places, rates, airborne_above_mps=airborne_above_mps)


def test_sampled_velocity_is_the_derivative_and_has_no_jumps() -> None:
    path = circle()
    for t_s in np.arange(0.1, 99.9, 0.31):
        assert reported_velocity(at(path, t_s)) == pytest.approx(measured_velocity(path, t_s), abs=0.02)
    assert peak_g(path, 0, 100) < 1.0
    assert at(path, 10).velocity_up_mps == pytest.approx(20 * 0.3048)


def test_sampled_gives_a_cubic_back_exactly() -> None:
    times_s = np.array([0.0, 1.0, 5.0])
    cubic = np.polynomial.Polynomial([1.0, 2e-3, -3e-4, 4e-5])
    places = np.stack([cubic(times_s)] * 3, axis=1)
    path = Sampled(START_NS, times_s, places, np.stack([cubic.deriv()(times_s)] * 3, axis=1))
    assert at(path, 3.3)[:3] == pytest.approx([cubic(3.3)] * 3, rel=1e-12)
    assert path.at(path.end_ns + 1) is None
    assert at(path, 5.0).latitude_deg == pytest.approx(cubic(5.0), rel=1e-12)


def test_sampled_longitude_may_run_past_180() -> None:
    assert at(circle(), 0).longitude_deg == pytest.approx(-179.96)
    assert at(circle(), 100).longitude_deg == pytest.approx(179.94)


def test_sampled_is_airborne_above_its_speed() -> None:
    # About 175 m/s in the north-south direction, 115 m/s in the other.
    assert at(circle(150.0), 0).airborne is True
    assert at(circle(150.0), 50).airborne is False


def test_sampled_refuses_shapes_and_times_that_do_not_fit() -> None:
    three = np.zeros((3, 3))
    with pytest.raises(ValueError, match="later than the one before"):
        Sampled(START_NS, np.array([0.0, 1.0, 1.0]), three, three)
    with pytest.raises(ValueError, match="two instants"):
        Sampled(START_NS, np.array([0.0]), np.zeros((1, 3)), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="3 x 3"):
        Sampled(START_NS, np.array([0.0, 1.0, 2.0]), three, np.zeros((3, 2)))
