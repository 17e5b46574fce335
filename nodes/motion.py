"""Where an aircraft truly is: paths that answer "where at this instant, and how fast".

Only motion lives here: no messages, no radio, no files (tracks are read by `nodes.tracks`). Times are integer
nanoseconds UTC, places are WGS-84 degrees, and altitudes are feet of whatever kind the caller put in.
A path is a chain of polynomials in degrees and feet. What is reported as velocity is their derivative, turned into
metres with the radii of curvature at the place, so that position and velocity can never disagree.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

METRES_PER_FOOT = 0.3048
_SEMI_MAJOR_M = 6_378_137.0
_ECCENTRICITY_SQUARED = 6.694_379_990_14e-3
_MAX_LATITUDE_DEG = 85.0
"""Beyond it a straight line in degrees bends too sharply to be a leg of a flight."""

FloatArray = NDArray[np.float64]


class Kinematics(NamedTuple):
    """One instant of a motion. Heading is the direction of the ground track, 0 <= heading < 360, true north 0."""

    latitude_deg: float
    longitude_deg: float
    altitude_ft: float
    velocity_north_mps: float
    velocity_east_mps: float
    velocity_up_mps: float
    heading_deg: float
    airborne: bool


class Motion(Protocol):
    """Anything that knows where a station is."""

    def at(self, at_ns: int) -> Kinematics | None:
        """Where it is at this instant; None when it is not there (before or after its path)."""


def metres_per_degree(latitude_deg: float, altitude_ft: float) -> tuple[float, float]:
    """Metres in one degree of latitude and of longitude, at a height above the WGS-84 ellipsoid.

    Meridian and prime-vertical radius of curvature: NIMA TR8350.2 (WGS 84), section 7.
    """
    latitude = math.radians(latitude_deg)
    height_m = altitude_ft * METRES_PER_FOOT
    squared = 1.0 - _ECCENTRICITY_SQUARED * math.sin(latitude) ** 2
    prime_vertical_m = _SEMI_MAJOR_M / math.sqrt(squared)
    meridian_m = prime_vertical_m * (1.0 - _ECCENTRICITY_SQUARED) / squared
    return math.radians(meridian_m + height_m), math.radians(prime_vertical_m + height_m) * math.cos(latitude)


class Fixed(NamedTuple):
    """A station that stays at its place for ever: on the ground or on a mast."""

    latitude_deg: float
    longitude_deg: float
    altitude_ft: float

    def at(self, at_ns: int) -> Kinematics:
        """The place itself, at rest and not airborne, at any instant."""
        return Kinematics(self.latitude_deg, self.longitude_deg, self.altitude_ft, 0.0, 0.0, 0.0, 0.0, False)


class _Path:
    """A chain of cubics, from its first break to its last, both included.

    `breaks_s` are n + 1 increasing seconds after `start_ns`. `coefficients` are n x 3 x 4: for each part, for latitude,
    longitude and altitude, the constant, linear, quadratic and cubic term in seconds after the part's own beginning.
    """

    __slots__ = ("_airborne_above_mps", "_breaks_s", "_last", "_origin_ns", "_parts", "end_ns", "start_ns")

    def __init__(
        self, origin_ns: int, breaks_s: FloatArray, coefficients: FloatArray, airborne_above_mps: float
    ) -> None:
        self._origin_ns = origin_ns
        self._airborne_above_mps = airborne_above_mps
        # Plain floats: for one instant at a time they are several times faster than arrays.
        self._breaks_s: list[float] = breaks_s.tolist()
        self._parts: list[list[list[float]]] = coefficients.tolist()
        self._last = len(self._parts) - 1
        self.start_ns = origin_ns + round(self._breaks_s[0] * 1e9)
        self.end_ns = origin_ns + round(self._breaks_s[-1] * 1e9)

    def at(self, at_ns: int) -> Kinematics | None:
        """Where it is at this instant; None before the first instant of the path and after the last."""
        if not self.start_ns <= at_ns <= self.end_ns:
            return None
        t_s = (at_ns - self._origin_ns) * 1e-9
        index = min(max(bisect_right(self._breaks_s, t_s) - 1, 0), self._last)
        since_s = t_s - self._breaks_s[index]
        part = self._parts[index]
        latitude_deg, latitude_rate = _evaluate(since_s, *part[0])
        longitude_deg, longitude_rate = _evaluate(since_s, *part[1])
        altitude_ft, altitude_rate = _evaluate(since_s, *part[2])
        north_m, east_m = metres_per_degree(latitude_deg, altitude_ft)
        north_mps, east_mps = latitude_rate * north_m, longitude_rate * east_m
        return Kinematics(
            latitude_deg,
            wrapped(longitude_deg),
            altitude_ft,
            north_mps,
            east_mps,
            altitude_rate * METRES_PER_FOOT,
            heading_deg(north_mps, east_mps),
            math.hypot(north_mps, east_mps) >= self._airborne_above_mps,
        )


class Waypoints(_Path):
    """Straight legs between points, with the corners rounded as a pilot would fly them.

    The place at t is the mean of the straight legs over t - window/2 .. t + window/2, the first and the last leg being
    drawn out beyond their ends. Legs are straight in degrees and flown at even speed; a leg goes the short way round
    the 180th meridian. A corner that changes the velocity by dv is flown at dv / window: a right angle at 250 m/s with
    the window of 20 s at 1.8 g. Corners closer together than the window add up.
    It is present from the first point's time to the last's, and airborne when its ground speed is at least
    `airborne_above_mps` (0: always, so that a helicopter may hover).
    Raises ValueError for fewer than two points, times that do not increase, or a place out of range.
    """

    __slots__ = ()

    def __init__(
        self,
        start_ns: int,
        points: Sequence[tuple[float, float, float, float]],
        *,
        window_s: float = 20.0,
        airborne_above_mps: float = 0.0,
    ) -> None:
        _check_points(points, window_s)
        table = np.array(points, dtype=np.float64)
        first_s, last_s = table[0, 0], table[-1, 0]
        table = _drawn_out(table, window_s)
        inner = np.concatenate([table[:, 0] - window_s / 2, table[:, 0] + window_s / 2])
        inner = inner[(inner > first_s) & (inner < last_s)]
        breaks_s = np.unique(np.concatenate([[first_s], inner, [last_s]]))
        before, after = breaks_s - window_s / 2, breaks_s + window_s / 2
        places = (_integral(table, after) - _integral(table, before)) / window_s + table[0, 1:]
        rates = (_on_legs(table, after) - _on_legs(table, before)) / window_s
        # The mean of straight legs is a parabola between two breaks, and its rate a straight line.
        bends = np.diff(rates, axis=0) / np.diff(breaks_s)[:, None] / 2
        coefficients = np.stack([places[:-1], rates[:-1], bends, np.zeros_like(bends)], axis=2)
        super().__init__(start_ns, breaks_s, coefficients, airborne_above_mps)


class Sampled(_Path):
    """A smooth path given by places and rates at some instants, cubic in between: its velocity has no jumps.

    `times_s` are increasing seconds after `start_ns`; `places` are n x 3 (latitude and longitude in degrees, altitude
    in feet), `rates` are the same per second. The cubics are Hermite's, so a cubic spline given by its knots comes
    back exactly. Longitudes may run past 180. Airborne when the ground speed is at least `airborne_above_mps`.
    Raises ValueError for fewer than two instants, times that do not increase, or shapes that do not fit.
    """

    __slots__ = ()

    def __init__(
        self,
        start_ns: int,
        times_s: FloatArray,
        places: FloatArray,
        rates: FloatArray,
        *,
        airborne_above_mps: float = 0.0,
    ) -> None:
        if len(times_s) < 2 or not (np.diff(times_s) > 0).all():
            raise ValueError("a sampled path needs two instants or more, each later than the one before")
        if not places.shape == rates.shape == (len(times_s), 3):
            raise ValueError(f"places and rates must be {len(times_s)} x 3, found {places.shape} and {rates.shape}")
        step_s = np.diff(times_s)[:, None]
        slopes = np.diff(places, axis=0) / step_s
        square = (3 * slopes - 2 * rates[:-1] - rates[1:]) / step_s
        cube = (rates[:-1] + rates[1:] - 2 * slopes) / step_s**2
        super().__init__(
            start_ns, times_s, np.stack([places[:-1], rates[:-1], square, cube], axis=2), airborne_above_mps
        )


def _evaluate(since_s: float, constant: float, linear: float, square: float, cube: float) -> tuple[float, float]:
    """Value and rate of a cubic."""
    value = constant + since_s * (linear + since_s * (square + since_s * cube))
    return value, linear + since_s * (2 * square + since_s * 3 * cube)


def wrapped(longitude_deg: float) -> float:
    """The same meridian in -180 <= longitude < 180, untouched where it is there already."""
    return longitude_deg if -180.0 <= longitude_deg < 180.0 else (longitude_deg + 180.0) % 360.0 - 180.0


def heading_deg(north_mps: float, east_mps: float) -> float:
    """Direction of a velocity, 0 <= heading < 360; 0 at rest."""
    heading = math.degrees(math.atan2(east_mps, north_mps)) % 360.0
    # A tiny negative angle modulo 360 is rounded up to 360 itself.
    return heading if heading < 360.0 else 0.0


def _check_points(points: Sequence[tuple[float, float, float, float]], window_s: float) -> None:
    if not 0.0 < window_s < math.inf:
        raise ValueError(f"the window is a positive number of seconds, found {window_s}")
    if len(points) < 2:
        raise ValueError(f"a path needs two points or more, found {len(points)}")
    previous_s = -math.inf
    for number, (t_s, latitude_deg, longitude_deg, altitude_ft) in enumerate(points, 1):
        if not previous_s < t_s < math.inf:
            raise ValueError(f"point {number}: its time, {t_s} s, must be later than the point before, {previous_s} s")
        if not abs(latitude_deg) <= _MAX_LATITUDE_DEG or not abs(longitude_deg) <= 180.0:
            raise ValueError(f"point {number}: {latitude_deg}, {longitude_deg} is not in -85..85, -180..180")
        if not math.isfinite(altitude_ft):
            raise ValueError(f"point {number}: the altitude {altitude_ft} is not a number of feet")
        previous_s = t_s


def _drawn_out(table: FloatArray, window_s: float) -> FloatArray:
    """The points with longitudes that do not jump at 180, and the first and last leg drawn out by a window."""
    table[:, 2] = np.unwrap(table[:, 2], period=360.0)
    before = table[0] - (table[1] - table[0]) * window_s / (table[1, 0] - table[0, 0])
    after = table[-1] + (table[-1] - table[-2]) * window_s / (table[-1, 0] - table[-2, 0])
    return np.vstack([before, table, after])


def _on_legs(table: FloatArray, t_s: FloatArray) -> FloatArray:
    """The places on the straight legs."""
    return np.stack([np.interp(t_s, table[:, 0], column) for column in table[:, 1:].T], axis=1)


def _integral(table: FloatArray, t_s: FloatArray) -> FloatArray:
    """The integral of the straight legs from their beginning, measured from the first place to keep it small."""
    steps = np.diff(table[:, 0])[:, None]
    places = table[:, 1:] - table[0, 1:]
    whole = np.vstack([np.zeros(3), np.cumsum((places[:-1] + places[1:]) / 2 * steps, axis=0)])
    index = np.clip(np.searchsorted(table[:, 0], t_s, side="right") - 1, 0, len(steps) - 1)
    part = (_on_legs(table, t_s) - table[0, 1:] + places[index]) / 2 * (t_s - table[index, 0])[:, None]
    return np.asarray(whole[index] + part)
