"""Where an aircraft can be, as intervals: the judge's own geometry, shared with nobody it judges.

Bounds, not sigmas: the containment radius that NIC stands for, altimetry, the reach between reports under the
greatest acceleration and speed. Distances are on the WGS-84 ellipsoid's tangent plane at mid-latitude, good to
0.3 % up to 60 NM, which every interval allows for; beyond that only "far" is ever concluded.
"""

from math import cos, hypot, inf, radians, sin, sqrt
from typing import NamedTuple

from protocol.accounts import Booked
from protocol.agreement import Agreement, Area
from protocol.messages import TIME_BOUND_NS, Position, instant_ns
from protocol.units import FT_M, G_MPS2, KT_MPS, NM_M, NS_PER_S

CONTAINMENT_M = (
    0.0, 37_040.0, 14_816.0, 7_408.0, 3_704.0, 1_852.0, 1_111.2, 370.4, 185.2, 75.0, 25.0, 7.5,
)  # fmt: skip
"""Containment radius by NIC (DO-260B, table 2-69); NIC 0 claims none."""
VELOCITY_BOUND_MPS = (0.0, 25.0, 7.5, 2.5, 0.75)
CLIMB_BOUND_MPS = (0.0, 38.1, 11.43, 3.81, 1.15)
"""Velocity error by NACv, horizontal and vertical: 2.5 times DO-260B's 95 % figures. NACv 0 claims none."""
AGE_STEP_NS = 5_000_000
"""Half a step of the age field."""
FLATNESS = 0.003
FASTEST_MPS = 2_000 * KT_MPS
"""Nobody leaves the area and comes back faster than this."""
POLAR_DEG = 85.0
"""Nearer to a pole the tangent plane does not serve, and no report bounds anything."""
FAR_M = 60 * NM_M
HIGHEST_M = 210_000 * FT_M
"""No report can say that it is higher above another."""

EARTH_M, ECCENTRICITY2 = 6_378_137.0, 6.694_379_990_14e-3
"""WGS-84: the radius of the equator, and the first eccentricity squared."""


class Limits(NamedTuple):
    """What bounds motion and altimetry, in SI."""

    speed_mps: float
    acceleration_mps2: float
    climb_mps: float
    altimetry_m: float

    @classmethod
    def of(cls, agreement: Agreement) -> "Limits":
        terms = agreement.clause.c4_4
        assert terms, "the agreement's own validation asks for 4.4 where these limits are used"
        return cls(
            speed_mps=terms.speed_kt * KT_MPS,
            acceleration_mps2=terms.acceleration_g * G_MPS2,
            climb_mps=terms.vertical_rate_fpm * FT_M / 60,
            altimetry_m=agreement.bounds.altimetry_ft * FT_M,
        )

    @property
    def anywhere_s(self) -> float:
        """So long before and after a report an aircraft may be anywhere: further away than any distance is judged, and
        at any height."""
        level = max(FAR_M / self.speed_mps, sqrt(2 * FAR_M / self.acceleration_mps2))
        return max(level, HIGHEST_M / self.climb_mps, sqrt(2 * HIGHEST_M / self.acceleration_mps2))


class Fix(NamedTuple):
    """One POSITION as bounds: true position within `radius_m` at a time within `spread_ns` of `at_ns`."""

    booked: Booked
    at_ns: int
    spread_ns: int
    latitude_deg: float
    longitude_deg: float
    altitude_m: float | None
    radius_m: float
    north_mps: float
    east_mps: float
    up_mps: float
    speed_mps: float
    """Level."""
    velocity_m: float | None
    climb_m: float | None
    """Velocity bounds in m/s; None where the report claims none."""

    @property
    def position(self) -> Position:
        message = self.booked.frame.message
        assert isinstance(message, Position)
        return message


def fix_of(booked: Booked) -> Fix | None:
    """The bounds of a POSITION; None if it gives no position, or none that has a bound."""
    p, frame = booked.frame.message, booked.frame
    assert isinstance(p, Position)
    time_bound = TIME_BOUND_NS.get(frame.time_quality)
    if p.latitude_deg is None or p.longitude_deg is None or p.age_s is None or not p.nic or time_bound is None:
        return None
    if abs(p.latitude_deg) > POLAR_DEG:
        return None
    level = p.velocity_north_mps is not None and p.velocity_east_mps is not None and p.nacv > 0
    climbs = p.velocity_up_mps is not None and p.nacv > 0
    north, east = p.velocity_north_mps or 0.0, p.velocity_east_mps or 0.0
    return Fix(  # by place, not by name: it is made for every report
        booked,
        instant_ns(frame.time_us, booked.at_ns) - round(p.age_s * NS_PER_S),
        time_bound + AGE_STEP_NS + 1000,
        p.latitude_deg,
        p.longitude_deg,
        None if p.baro_altitude_ft is None else p.baro_altitude_ft * FT_M,
        CONTAINMENT_M[p.nic],
        north,
        east,
        p.velocity_up_mps or 0.0,
        hypot(north, east),
        VELOCITY_BOUND_MPS[p.nacv] if level else None,
        CLIMB_BOUND_MPS[p.nacv] if climbs else None,
    )


def boundless(booked: Booked) -> Fix:
    """A report that gives no position with a bound: it may be anywhere, at the height that it gives."""
    p, frame = booked.frame.message, booked.frame
    assert isinstance(p, Position)
    age_s, height_ft = p.age_s, p.baro_altitude_ft
    climbs = p.velocity_up_mps is not None and p.nacv > 0
    return Fix(
        booked=booked,
        at_ns=instant_ns(frame.time_us, booked.at_ns) - round((age_s or 0.0) * NS_PER_S),
        spread_ns=TIME_BOUND_NS[frame.time_quality] + AGE_STEP_NS + 1000,
        latitude_deg=0.0,
        longitude_deg=0.0,
        altitude_m=None if height_ft is None or age_s is None else height_ft * FT_M,
        radius_m=inf,
        north_mps=0.0,
        east_mps=0.0,
        speed_mps=0.0,
        up_mps=p.velocity_up_mps or 0.0,
        velocity_m=None,
        climb_m=CLIMB_BOUND_MPS[p.nacv] if climbs else None,
    )


def ecef_m(fix: Fix) -> tuple[float, float, float]:
    """Where a report is, with the earth's centre as origin; at height 0."""
    return place_m(fix.latitude_deg, fix.longitude_deg)


def place_m(latitude_deg: float, longitude_deg: float) -> tuple[float, float, float]:
    """A place on the ellipsoid, with the earth's centre as origin."""
    latitude, longitude = radians(latitude_deg), radians(longitude_deg)
    n = EARTH_M / sqrt(1 - ECCENTRICITY2 * sin(latitude) ** 2)
    return (
        n * cos(latitude) * cos(longitude),
        n * cos(latitude) * sin(longitude),
        n * (1 - ECCENTRICITY2) * sin(latitude),
    )


def offset_m(a: Fix, b: Fix) -> tuple[float, float]:
    """From a to b, (north, east) in metres on the tangent plane at the latitude between them."""
    middle = radians((a.latitude_deg + b.latitude_deg) / 2)
    w = sqrt(1 - ECCENTRICITY2 * sin(middle) ** 2)
    north = radians(b.latitude_deg - a.latitude_deg) * EARTH_M * (1 - ECCENTRICITY2) / w**3
    turn = (b.longitude_deg - a.longitude_deg + 180.0) % 360.0 - 180.0
    return north, radians(turn) * EARTH_M / w * cos(middle)


def reach_m(fix: Fix, at_ns: int, limits: Limits) -> float:
    """How far the aircraft can be, at an instant, from where its report carried on in a straight line puts it."""
    speed = fix.speed_mps
    t = (abs(at_ns - fix.at_ns) + fix.spread_ns) / NS_PER_S
    reach = (limits.speed_mps + speed) * t
    if fix.velocity_m is not None:
        reach = min(reach, fix.velocity_m * t + limits.acceleration_mps2 * t * t / 2 + speed * fix.spread_ns / NS_PER_S)
    return fix.radius_m + reach


def climb_reach_m(fix: Fix, at_ns: int, limits: Limits) -> float:
    """The same for altitude."""
    t = (abs(at_ns - fix.at_ns) + fix.spread_ns) / NS_PER_S
    reach = (limits.climb_mps + abs(fix.up_mps)) * t
    if fix.climb_m is not None:
        bent = fix.climb_m * t + limits.acceleration_mps2 * t * t / 2 + abs(fix.up_mps) * fix.spread_ns / NS_PER_S
        reach = min(reach, bent)
    return limits.altimetry_m + reach


class Separation(NamedTuple):
    """Intervals of the distances between two aircraft, in metres. Without altitudes: 0 to infinity."""

    level_low_m: float
    level_high_m: float
    height_low_m: float
    height_high_m: float


def level_m(a: Fix, b: Fix, at_ns: int) -> float:
    """How far apart level two aircraft are at an instant, if both fly on straight."""
    north, east = offset_m(a, b)
    ta, tb = (at_ns - a.at_ns) / NS_PER_S, (at_ns - b.at_ns) / NS_PER_S
    return hypot(north + b.north_mps * tb - a.north_mps * ta, east + b.east_mps * tb - a.east_mps * ta)


def separation(a: Fix, b: Fix, at_ns: int, limits: Limits) -> Separation:
    """How far apart two aircraft can be at an instant, from one report of each."""
    ta, tb = (at_ns - a.at_ns) / NS_PER_S, (at_ns - b.at_ns) / NS_PER_S
    level = level_m(a, b, at_ns)
    reach = reach_m(a, at_ns, limits) + reach_m(b, at_ns, limits)
    if level > FAR_M:
        level_low, level_high = max(FAR_M * 0.9 - reach, 0.0), inf
    else:
        level_low, level_high = max(level * (1 - FLATNESS) - reach, 0.0), level * (1 + FLATNESS) + reach
    if a.altitude_m is None or b.altitude_m is None:
        return Separation(level_low, level_high, 0.0, inf)
    height = abs(b.altitude_m + b.up_mps * tb - a.altitude_m - a.up_mps * ta)
    reach = climb_reach_m(a, at_ns, limits) + climb_reach_m(b, at_ns, limits)
    return Separation(level_low, level_high, max(height - reach, 0.0), height + reach)


def in_area(position: Position, area: Area | None) -> bool:
    """Whether a POSITION says that it is inside the area (no area: everywhere)."""
    if area is None:
        return True
    if position.latitude_deg is None or position.longitude_deg is None:
        return False
    south_north = area.south_deg <= position.latitude_deg <= area.north_deg
    return south_north and area.west_deg <= position.longitude_deg <= area.east_deg


def left_area(position: Position, area: Area | None) -> bool:
    """Whether a POSITION says that it is outside the area. One that says nothing does not."""
    known = position.latitude_deg is not None and position.longitude_deg is not None
    return known and not in_area(position, area)


def stayed_inside(a: Position, b: Position, elapsed_ns: int, area: Area | None, speed_mps: float) -> bool:
    """Whether nobody can have left the area and come back between two reports from inside it."""
    if area is None:
        return True
    if a.age_s is None or b.age_s is None:
        return False
    return _edge_m(a, area) + _edge_m(b, area) > speed_mps * (elapsed_ns / NS_PER_S + a.age_s + b.age_s)


def _edge_m(p: Position, area: Area) -> float:
    """At least how far a position is from the area's edge (its own error taken off)."""
    assert p.latitude_deg is not None
    assert p.longitude_deg is not None
    degree = 110_000.0
    north_south = min(p.latitude_deg - area.south_deg, area.north_deg - p.latitude_deg) * degree
    widest = max(abs(area.south_deg), abs(area.north_deg))
    east_west = min(p.longitude_deg - area.west_deg, area.east_deg - p.longitude_deg) * degree * cos(radians(widest))
    return min(north_south, east_west) - (CONTAINMENT_M[p.nic] or inf)
