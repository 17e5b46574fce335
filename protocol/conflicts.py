"""Which pairs of aircraft come within both limits if all fly straight on, and when: exact, for many at once.

Two aircraft are in conflict while they are less than the level limit apart and less than the height limit; exactly as
far apart as a limit is not within it. Straight flight makes of each limit a stretch of time: of the disc the one
between the roots of a quadratic, of the band of heights the one between two crossings. They are intersected with each
other and with the time that is looked ahead.

Only pairs that can meet are looked at: both are, at half of the time looked ahead, no further from where they meet
than the other half takes them. So a k-d tree of all places at that instant has them all.
"""

from math import inf, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from protocol.bounds import EARTH_M, ECCENTRICITY2, POLAR_DEG
from protocol.units import FT_M, NM_M

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LOOK_AHEAD_S = 300.0
SPARE = 1 + 1e-9
"""More than all roundings come to."""


class Minima(NamedTuple):
    """In conflict is who is nearer than both, in metres."""

    level_m: float = 5 * NM_M
    height_m: float = 1000 * FT_M


MINIMA = Minima()


class Relative(NamedTuple):
    """One aircraft as seen from another: where it is, and how that changes."""

    north_m: float
    east_m: float
    up_m: float
    north_mps: float
    east_mps: float
    up_mps: float


class Motion(NamedTuple):
    """The height of each aircraft, and how it moves: a column each."""

    up_m: Floats
    north_mps: Floats
    east_mps: Floats
    up_mps: Floats


class Earth(NamedTuple):
    """An ellipsoid of revolution: the radius of its equator, and its first eccentricity squared."""

    equator_m: float
    eccentricity2: float


WGS84 = Earth(EARTH_M, ECCENTRICITY2)


class Conflicts(NamedTuple):
    """A row for each pair in conflict, in order of (i, j); i < j are places in the given columns.

    `entry_s` is 0 for a pair that is within both limits now, `exit_s` the look-ahead for one that then still is.
    `closest_s` is when in this time the two are nearest level, and `closest_m` how near.
    """

    i: Ints
    j: Ints
    entry_s: Floats
    exit_s: Floats
    closest_s: Floats
    closest_m: Floats


def entry_s(pair: Relative, minima: Minima = MINIMA, look_ahead_s: float = LOOK_AHEAD_S) -> float | None:
    """When one pair comes within both limits, the same to the last bit as `search` has it; None if it does not."""
    n, e, u, vn, ve, vu = pair
    square, along, across = vn * vn + ve * ve, n * vn + e * ve, n * ve - e * vn
    radius2 = minima.level_m * minima.level_m
    begin, end = -inf, inf
    if square:
        inside = radius2 * square - across * across
        if not inside > 0:
            return None
        begin, end = (-along - sqrt(inside)) / square, (-along + sqrt(inside)) / square
    elif not n * n + e * e < radius2:
        return None
    if vu:
        one, other = (-minima.height_m - u) / vu, (minima.height_m - u) / vu
        begin, end = max(begin, min(one, other)), min(end, max(one, other))
    elif not abs(u) < minima.height_m:
        return None
    begin, end = max(begin, 0.0), min(end, look_ahead_s)
    return begin if begin < end else None


def search(
    north_m: Floats, east_m: Floats, motion: Motion, minima: Minima = MINIMA, look_ahead_s: float = LOOK_AHEAD_S
) -> Conflicts:
    """All conflicts of aircraft on a plane. Raises ValueError for what is no finite number, and columns that differ."""
    north, east, motion = _columns(north_m, east_m, motion)
    i, j = _candidates(north, east, motion, minima, look_ahead_s)
    i, j = _near_in_height(i, j, motion, minima, look_ahead_s)
    return _settled(i, j, north[j] - north[i], east[j] - east[i], motion, minima, look_ahead_s)


def search_on_earth(
    latitude_deg: Floats,
    longitude_deg: Floats,
    motion: Motion,
    minima: Minima = MINIMA,
    look_ahead_s: float = LOOK_AHEAD_S,
    earth: Earth = WGS84,
) -> Conflicts:
    """The same for aircraft by latitude and longitude: each pair on the tangent plane at the latitude between them, as
    `bounds.offset_m` has it.

    Raises ValueError also for aircraft near a pole, and for those that no half of the globe holds.
    """
    latitude, longitude, motion = _columns(latitude_deg, longitude_deg, motion)
    if not len(latitude):
        return search(latitude, longitude, motion, minima, look_ahead_s)
    longitude, steep = _unrolled(longitude), np.abs(latitude)
    if steep.max() > POLAR_DEG:
        raise ValueError(f"latitude {steep.max():g}: no plane serves beyond {POLAR_DEG:g} degrees")
    # one plane for all, in the middle of what the planes of pairs differ by
    flattest = 0.0 if latitude.min() < 0.0 < latitude.max() else steep.min()
    ends = _metres_a_degree(np.array((flattest, steep.max())), earth)
    (north_0, north_1), (east_0, east_1) = (scale.tolist() for scale in ends)
    stretch = max((north_1 - north_0) / (north_1 + north_0), (east_0 - east_1) / (east_0 + east_1))
    north, east = latitude * ((north_0 + north_1) / 2), longitude * ((east_0 + east_1) / 2)
    i, j = _candidates(north, east, motion, minima, look_ahead_s, stretch)
    i, j = _near_in_height(i, j, motion, minima, look_ahead_s)
    north_scale, east_scale = _metres_a_degree((latitude[i] + latitude[j]) / 2, earth)
    north, east = (latitude[j] - latitude[i]) * north_scale, (longitude[j] - longitude[i]) * east_scale
    return _settled(i, j, north, east, motion, minima, look_ahead_s)


def _columns(a: Floats, b: Floats, motion: Motion) -> tuple[Floats, Floats, Motion]:
    """The columns as arrays, once they have been looked at."""
    columns = [np.asarray(column, np.float64) for column in (a, b, *motion)]
    if any(column.shape != columns[0].shape or column.ndim != 1 for column in columns):
        raise ValueError(f"columns of {', '.join(str(c.shape) for c in columns)}: all need a row for each aircraft")
    for column in columns:
        if not np.isfinite(column).all():
            raise ValueError(f"aircraft {np.flatnonzero(~np.isfinite(column))[0]}: no finite number")
    return columns[0], columns[1], Motion(*columns[2:])


def _unrolled(longitude: Floats) -> Floats:
    """Longitudes that can be subtracted from each other: none is beyond the line where they jump."""
    unrolled: Floats = (longitude - longitude[0] + 180.0) % 360.0 - 180.0
    if unrolled.max() - unrolled.min() > 180.0:
        raise ValueError("aircraft more than half round the globe")
    return unrolled


def _metres_a_degree(latitude_deg: Floats, earth: Earth) -> tuple[Floats, Floats]:
    """Northward and eastward, at these latitudes. Both go one way from the equator to the pole."""
    lean = np.cos(np.radians(latitude_deg))
    w2 = 1 - earth.eccentricity2 * (1 - lean * lean)
    east = np.radians(earth.equator_m) / np.sqrt(w2)
    return east * (1 - earth.eccentricity2) / w2, east * lean


def _candidates(
    north: Floats, east: Floats, motion: Motion, minima: Minima, look_ahead_s: float, stretch: float = 0.0
) -> tuple[Ints, Ints]:
    """The pairs that can meet level, i < j, and some others.

    `stretch`: a pair's own plane has this one's lengths, north and east each times something from 1 - stretch to
    1 + stretch; velocities are the same.
    """
    from scipy.spatial import KDTree  # half a second, which only who searches pays

    if len(north) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    half_s = look_ahead_s / 2
    halfway = np.array((north + motion.north_mps * half_s, east + motion.east_mps * half_s)).T
    way_m = 2 * half_s * sqrt(float((motion.north_mps**2 + motion.east_mps**2).max()))
    reach_m = (minima.level_m + (1 + stretch) * way_m) / (1 - stretch)
    i, j = np.ascontiguousarray(KDTree(halfway).query_pairs(reach_m * SPARE, output_type="ndarray").T)
    return i, j


def _near_in_height(i: Ints, j: Ints, motion: Motion, minima: Minima, look_ahead_s: float) -> tuple[Ints, Ints]:
    """Those of the pairs that may come within the limit in height."""
    half_s = look_ahead_s / 2
    halfway, way = motion.up_m + motion.up_mps * half_s, np.abs(motion.up_mps) * half_s
    near = np.flatnonzero(np.abs(halfway[j] - halfway[i]) <= (way[i] + way[j] + minima.height_m) * SPARE)
    return i[near], j[near]


def _settled(
    i: Ints, j: Ints, north: Floats, east: Floats, motion: Motion, minima: Minima, look_ahead_s: float
) -> Conflicts:
    """Those of the pairs that are in conflict; `north` and `east` are from i to j."""
    vn, ve = motion.north_mps[j] - motion.north_mps[i], motion.east_mps[j] - motion.east_mps[i]
    square, across, radius2 = vn * vn + ve * ve, north * ve - east * vn, minima.level_m * minima.level_m
    inside = radius2 * square - across * across
    near = np.flatnonzero((inside > 0) | ((square == 0) & (north * north + east * east < radius2)))
    near = near[np.lexsort((j[near], i[near]))]
    i, j = i[near], j[near]
    n, e, vn, ve, square, inside = (column[near] for column in (north, east, vn, ve, square, inside))
    u, vu = motion.up_m[j] - motion.up_m[i], motion.up_mps[j] - motion.up_mps[i]
    along, half = n * vn + e * ve, np.sqrt(inside)
    still = square == 0
    with np.errstate(all="ignore"):  # infinite where nothing changes, and NaN at the very limit
        begin, end, closest = (-along - half) / square, (-along + half) / square, -along / square
        one, other = (-minima.height_m - u) / vu, (minima.height_m - u) / vu
    begin[still], end[still], closest[still] = -inf, inf, 0.0
    begin = np.maximum(np.maximum(begin, np.minimum(one, other)), 0.0)
    end = np.minimum(np.minimum(end, np.maximum(one, other)), look_ahead_s)
    closest = np.minimum(np.maximum(closest, 0.0), look_ahead_s)
    least = np.hypot(n + vn * closest, e + ve * closest)
    meet = begin < end
    return Conflicts(i[meet], j[meet], begin[meet], end[meet], closest[meet], least[meet])
