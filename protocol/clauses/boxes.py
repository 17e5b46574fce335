"""Boxes that aircraft stay in for a while: two boxes far enough apart settle a pair until either is left.

A box holds the last reports of an aircraft and those that it will send if it flies on. Every report is held against its
own aircraft's box only, which costs the same however many others there are. All here errs to one side: a pair whose
boxes are apart is apart by `bounds.separation`, for any reports inside the boxes; of another pair nothing is said.
"""

from itertools import pairwise
from math import cos, inf, radians
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from protocol.bounds import EARTH_M, ECCENTRICITY2, FAR_M, FLATNESS, Fix, Limits, climb_reach_m, reach_m
from protocol.units import NS_PER_S

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

AHEAD_S = 10.0
"""How long an aircraft that flies straight on stays in its box."""
MARGIN_M = 40.0
"""How far beside its straight line it may report, level."""
HEIGHT_MARGIN_M = 12.0
FASTER_MPS = 3.0
"""How much faster its next reports may be."""
HALF_NS = 3 * NS_PER_S // 5
"""Half of the time between two reports that a box allows at least: reports a second apart, and their ages."""
SPARE_M = 1.0
"""More than all roundings come to."""
DEGREE_M = 110_000.0


class Box(NamedTuple):
    """Where the reports lie from `from_ns` on, and at most how far from them the aircraft is in between.

    In between: no further in time from the nearer report than `half_ns`. The straight line through a report is
    included. Without heights the box has none: `floor_m` is -inf and `ceiling_m` inf.
    """

    from_ns: int
    half_ns: int
    south_deg: float
    north_deg: float
    west_deg: float
    east_deg: float
    floor_m: float
    ceiling_m: float
    worst: Fix
    """No report is worse in any of its own bounds, or faster."""

    def holds(self, fix: Fix, gap_ns: int) -> bool:
        """Whether the next report of the aircraft, so long after the one before, belongs into this box."""
        return (
            gap_ns <= 2 * self.half_ns
            and self.south_deg <= fix.latitude_deg <= self.north_deg
            and self.west_deg <= fix.longitude_deg <= self.east_deg
            and (
                self.ceiling_m == inf
                or (fix.altitude_m is not None and self.floor_m <= fix.altitude_m <= self.ceiling_m)
            )
            and self._no_worse(fix)
        )

    def _no_worse(self, fix: Fix) -> bool:
        """Every one of these lets an aircraft be further from where its report puts it."""
        worst = self.worst
        return (
            fix.radius_m <= worst.radius_m
            and fix.spread_ns <= worst.spread_ns
            and fix.speed_mps <= worst.speed_mps
            and abs(fix.up_mps) <= worst.up_mps
            and _bound(fix.velocity_m) <= _bound(worst.velocity_m)
            and _bound(fix.climb_m) <= _bound(worst.climb_m)
        )

    def stray_m(self, limits: Limits) -> tuple[float, float]:
        """How far from where a report puts it an aircraft can be, and the straight line with it: level, in height."""
        worst, at_ns, half_s = self.worst, self.worst.at_ns + self.half_ns, self.half_ns / NS_PER_S
        level = reach_m(worst, at_ns, limits) + worst.speed_mps * half_s
        return level, climb_reach_m(worst, at_ns, limits) + worst.up_mps * half_s


def _bound(claimed: float | None) -> float:
    return inf if claimed is None else claimed


def _worst(fixes: list[Fix]) -> Fix:
    """A report as bad as all of these together, and a little faster."""
    velocity, climb = max(_bound(f.velocity_m) for f in fixes), max(_bound(f.climb_m) for f in fixes)
    return fixes[-1]._replace(
        radius_m=max(f.radius_m for f in fixes),
        spread_ns=max(f.spread_ns for f in fixes),
        speed_mps=max(f.speed_mps for f in fixes) + FASTER_MPS,
        up_mps=max(abs(f.up_mps) for f in fixes) + FASTER_MPS,
        velocity_m=None if velocity == inf else velocity,
        climb_m=None if climb == inf else climb,
    )


def box_of(fixes: list[Fix]) -> Box:
    """A box for the last reports of an aircraft, all of them with a bound, and for the next seconds."""
    last = fixes[-1]
    gaps = (b.at_ns - a.at_ns for a, b in pairwise(fixes))
    half_ns = max(HALF_NS, (max(gaps, default=0) + 1) // 2)
    lean = max(cos(radians(last.latitude_deg)), 0.01) * DEGREE_M
    north = (last.latitude_deg, last.latitude_deg + last.north_mps * AHEAD_S / DEGREE_M)
    east = (last.longitude_deg, last.longitude_deg + last.east_mps * AHEAD_S / lean)
    latitudes, longitudes = [f.latitude_deg for f in fixes], [f.longitude_deg for f in fixes]
    heights = [f.altitude_m for f in fixes if f.altitude_m is not None]
    floor, ceiling = -inf, inf
    if len(heights) == len(fixes):
        up = heights[-1] + last.up_mps * AHEAD_S
        floor, ceiling = min(*heights, up) - HEIGHT_MARGIN_M, max(*heights, up) + HEIGHT_MARGIN_M
    return Box(
        from_ns=fixes[0].at_ns,
        half_ns=half_ns,
        south_deg=min(*latitudes, *north) - MARGIN_M / DEGREE_M,
        north_deg=max(*latitudes, *north) + MARGIN_M / DEGREE_M,
        west_deg=min(*longitudes, *east) - MARGIN_M / lean,
        east_deg=max(*longitudes, *east) + MARGIN_M / lean,
        floor_m=floor,
        ceiling_m=ceiling,
        worst=_worst(fixes),
    )


class Boxes:
    """The boxes of all aircraft, one row each, and which of them are apart. An aircraft without a box is nowhere."""

    def __init__(self, count: int, limits: Limits, level_m: float, height_m: float):
        self._limits = limits
        self.level_m, self.height_m = level_m, height_m
        self._south, self._north, self._west, self._east = (np.zeros(count) for _ in range(4))
        self._floor, self._ceiling = np.zeros(count), np.zeros(count)
        self._stray, self._climb = np.full(count, inf), np.full(count, inf)
        self._lean = np.zeros(count)
        """The least cosine of the latitudes in each box."""
        self.from_ns = np.zeros(count, np.int64)
        self.newest_ns = 0
        """No box begins later than this."""
        self.apart = np.zeros((count, count), np.bool_)
        """For two aircraft with boxes: whether 6.1 finds them apart, whatever they report inside these boxes."""

    def put(self, i: int, box: Box) -> None:
        """An aircraft has another box."""
        self.from_ns[i], self.newest_ns = box.from_ns, max(self.newest_ns, box.from_ns)
        self._south[i], self._north[i], self._west[i], self._east[i] = box[2:6]
        self._floor[i], self._ceiling[i] = box.floor_m, box.ceiling_m
        self._stray[i], self._climb[i] = box.stray_m(self._limits)
        self._lean[i] = min(cos(radians(box.south_deg)), cos(radians(box.north_deg)))
        self.apart[i] = self.apart[:, i] = self._apart_from(i)

    def drop(self, i: int) -> None:
        """An aircraft has no box any more."""
        self._stray[i] = self._climb[i] = inf
        self.apart[i] = self.apart[:, i] = False

    def _apart_from(self, i: int) -> Flags:
        """Compare with `bounds.separation`: each step here is at most what it is there."""
        north_gap = np.maximum(self._south - self._north[i], self._south[i] - self._north)
        west_of, east_of = self._west - self._east[i], self._west[i] - self._east
        # the shorter way round; the boxes may lie on both sides of 180 degrees
        east_gap = np.minimum(np.maximum(west_of, east_of), np.minimum(west_of, east_of) + 360.0)
        # the radii of curvature are no less than these two, anywhere
        north = np.maximum(north_gap, 0.0) * (radians(1.0) * EARTH_M * (1 - ECCENTRICITY2))
        east = np.maximum(east_gap, 0.0) * np.minimum(self._lean, self._lean[i]) * (radians(1.0) * EARTH_M)
        level = np.minimum(np.sqrt(north * north + east * east) * (1 - FLATNESS), FAR_M * 0.9)
        level -= self._stray + (self._stray[i] + SPARE_M)
        height = np.maximum(self._floor - self._ceiling[i], self._floor[i] - self._ceiling)
        height -= self._climb + (self._climb[i] + SPARE_M)
        apart: Flags = (level >= self.level_m) | (height >= self.height_m)
        return apart
