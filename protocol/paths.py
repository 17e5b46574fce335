"""Straight paths in the plane, with errors: how far a report is from a declared piece of path, angles between
directions, and when two that fly on straight lose their distance. The judge's own arithmetic, without a clause in it.

A vector is (north, east) in metres or m/s. An error is a radius: the true vector ends inside it.
"""

from math import asin, atan2, cos, degrees, hypot, inf, radians, sin, sqrt, tan
from typing import NamedTuple

from protocol.bounds import EARTH_M, ECCENTRICITY2, FAR_M, FLATNESS, POLAR_DEG, Fix, offset_m
from protocol.messages import TrajectoryPoint
from protocol.units import FT_M, NS_PER_S

Vector = tuple[float, float]

ROUNDED_NS = NS_PER_S // 2
"""Times over points are whole seconds."""


class Leg(NamedTuple):
    """A declared piece of path, flown straight and evenly from a point to another.

    `slack_ns`: how wrong its times may be. `bend_m`: how far apart straight lines are by different maps of it.
    """

    from_ns: int
    until_ns: int
    latitude_deg: float
    longitude_deg: float
    north_deg: float
    east_deg: float
    """From one end to the other."""
    altitude_m: float | None
    climb_m: float
    slack_ns: int
    bend_m: float


def leg_of(first: TrajectoryPoint, second: TrajectoryPoint, at_ns: int, bound_ns: int) -> Leg | None:
    """What two points declare at an instant known within a bound; None if that is no piece of path."""
    if first.time_over_s >= second.time_over_s:
        return None
    widest = max(abs(first.latitude_deg), abs(second.latitude_deg))
    if widest > POLAR_DEG:
        return None
    north = second.latitude_deg - first.latitude_deg
    east = (second.longitude_deg - first.longitude_deg + 180.0) % 360.0 - 180.0
    length_m = hypot(north, east) * radians(1) * EARTH_M
    both = first.altitude_ft is not None and second.altitude_ft is not None
    return Leg(
        at_ns + first.time_over_s * NS_PER_S,
        at_ns + second.time_over_s * NS_PER_S,
        first.latitude_deg,
        first.longitude_deg,
        north,
        east,
        (first.altitude_ft or 0) * FT_M if both else None,
        ((second.altitude_ft or 0) - (first.altitude_ft or 0)) * FT_M,
        bound_ns + ROUNDED_NS,
        length_m**2 * (1 + tan(radians(widest))) / (4 * EARTH_M),
    )


def surely_on(leg: Leg, fix: Fix) -> bool:
    """Whether a report is of a time for which the leg declares a place."""
    slack_ns = leg.slack_ns + fix.spread_ns
    return leg.from_ns + slack_ns <= fix.at_ns <= leg.until_ns - slack_ns


def off_leg_m(leg: Leg, fix: Fix, within_ns: int, altimetry_m: float) -> tuple[float, float]:
    """At least how far a report is, level and in height, from all of the leg that is flown within a time of it."""
    window_ns, span_ns = within_ns + leg.slack_ns, leg.until_ns - leg.from_ns
    begin = max((fix.at_ns - window_ns - leg.from_ns) / span_ns, 0.0)
    end = min((fix.at_ns + window_ns - leg.from_ns) / span_ns, 1.0)
    spread_s = fix.spread_ns / NS_PER_S
    level = from_piece_m(_place_m(leg, fix, begin), _place_m(leg, fix, end))
    level = level * (1 - FLATNESS) - leg.bend_m - fix.radius_m - fix.speed_mps * spread_s
    if leg.altitude_m is None or fix.altitude_m is None:
        return max(level, 0.0), 0.0
    a, b = leg.altitude_m + begin * leg.climb_m, leg.altitude_m + end * leg.climb_m
    height = max(min(a, b) - fix.altitude_m, fix.altitude_m - max(a, b))
    return max(level, 0.0), max(height - altimetry_m - abs(fix.up_mps) * spread_s, 0.0)


def _place_m(leg: Leg, fix: Fix, share: float) -> Vector:
    """From a report to where a share of the leg is flown, on the tangent plane."""
    latitude = leg.latitude_deg + share * leg.north_deg
    east = (leg.longitude_deg + share * leg.east_deg - fix.longitude_deg + 180.0) % 360.0 - 180.0
    middle = radians((latitude + fix.latitude_deg) / 2)
    w = sqrt(1 - ECCENTRICITY2 * sin(middle) ** 2)
    north = radians(latitude - fix.latitude_deg) * EARTH_M * (1 - ECCENTRICITY2) / w**3
    return north, radians(east) * EARTH_M / w * cos(middle)


def from_piece_m(a: Vector, b: Vector) -> float:
    """How far the origin is from the straight piece between two points."""
    north, east = b[0] - a[0], b[1] - a[1]
    length2 = north * north + east * east
    share = -(a[0] * north + a[1] * east) / length2 if length2 else 0.0
    share = min(max(share, 0.0), 1.0)
    return hypot(a[0] + share * north, a[1] + share * east)


def spread_deg(vector: Vector, error: float) -> float:
    """By how much the direction of a vector may be wrong; 180 if it may have any."""
    length = hypot(*vector)
    return degrees(asin(error / length)) if error < length else 180.0


def track_deg(vector: Vector) -> float:
    """Its direction, clockwise from north."""
    return degrees(atan2(vector[1], vector[0])) % 360.0


def turn_deg(a_deg: float, b_deg: float) -> float:
    """From one direction to another, clockwise: -180 to 180."""
    return (b_deg - a_deg + 180.0) % 360.0 - 180.0


def angle_deg(a: Vector, b: Vector) -> float:
    """Between two directions, 0 to 180."""
    return abs(turn_deg(track_deg(a), track_deg(b)))


def within_s(apart: Vector, velocity: Vector, limit: float, error: float, growth: float) -> tuple[float, float] | None:
    """Between which times, from 0 on, a point that moves straight is surely nearer than a limit to the origin.

    The error is there at time 0 and grows evenly. None: never.
    """
    spare = limit - error
    if spare <= 0:
        return None
    last = spare / growth if growth else inf  # later than this the error alone is more than the limit
    a = velocity[0] ** 2 + velocity[1] ** 2 - growth**2
    b = apart[0] * velocity[0] + apart[1] * velocity[1] + spare * growth
    c = apart[0] ** 2 + apart[1] ** 2 - spare**2
    root2 = b * b - a * c
    # a t^2 + 2 b t + c < 0 up to `last`, where it is not: distance and error together are convex, so it is one stretch
    if a <= 0:
        if c >= 0:
            return None
        slower = b + sqrt(max(root2, 0.0))
        return 0.0, min(-c / slower, last) if slower > 0 else last
    if root2 <= 0:
        return None
    q = -b - sqrt(root2) if b > 0 else -b + sqrt(root2)
    begin, end = sorted((q / a, c / q))
    begin, end = max(begin, 0.0), min(end, last)
    return (begin, end) if begin < end else None


class Ahead(NamedTuple):
    """Two reports carried on straight to the later one's time: the line from one to the other, and how it changes."""

    at_ns: int
    line: Vector
    moves: Vector
    error_m: float
    growth_mps: float


def ahead(a: Fix, b: Fix) -> Ahead | None:
    """From a to b; None if they are too far apart for a plane, or a velocity has no bound."""
    if a.velocity_m is None or b.velocity_m is None:
        return None
    at_ns = max(a.at_ns, b.at_ns)
    age_a, age_b = (at_ns - a.at_ns) / NS_PER_S, (at_ns - b.at_ns) / NS_PER_S
    north, east = offset_m(a, b)
    line = north + b.north_mps * age_b - a.north_mps * age_a, east + b.east_mps * age_b - a.east_mps * age_a
    if hypot(*line) > FAR_M:
        return None
    still = a.radius_m + a.speed_mps * a.spread_ns / NS_PER_S + b.radius_m + b.speed_mps * b.spread_ns / NS_PER_S
    error = still + a.velocity_m * age_a + b.velocity_m * age_b
    moves = b.north_mps - a.north_mps, b.east_mps - a.east_mps
    return Ahead(at_ns, line, moves, error, a.velocity_m + b.velocity_m)


def lost_height_s(a: Fix, b: Fix, height_m: float, altimetry_m: float) -> tuple[float, float] | None:
    """Between which times, from the later of two reports on, their height surely is less, if both fly on straight."""
    if a.altitude_m is None or b.altitude_m is None or a.climb_m is None or b.climb_m is None:
        return None
    at_ns = max(a.at_ns, b.at_ns)
    age_a, age_b = (at_ns - a.at_ns) / NS_PER_S, (at_ns - b.at_ns) / NS_PER_S
    apart = b.altitude_m + b.up_mps * age_b - a.altitude_m - a.up_mps * age_a
    error = 2 * altimetry_m + a.climb_m * age_a + b.climb_m * age_b
    error += (abs(a.up_mps) * a.spread_ns + abs(b.up_mps) * b.spread_ns) / NS_PER_S
    return within_s((apart, 0.0), (b.up_mps - a.up_mps, 0.0), height_m, error, a.climb_m + b.climb_m)


def lost_s(ahead: Ahead, height: tuple[float, float] | None, level_m: float, look_s: float) -> float | None:
    """When two that fly on straight have surely lost both distances, at the latest; None: not in that time."""
    flat = 1 + FLATNESS
    level = within_s(ahead.line, ahead.moves, level_m / flat, ahead.error_m / flat, ahead.growth_mps / flat)
    if level is None or height is None:
        return None
    begin, end = max(level[0], height[0]), min(level[1], height[1], look_s)
    return begin if begin < end else None
