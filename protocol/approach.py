"""When two aircraft come near each other if both fly straight on: from one report of each, exact, without bounds.

On the tangent plane of `protocol.bounds`: seconds ahead it is as good as a report, minutes ahead only a prediction.
"""

from math import hypot, inf, sqrt
from typing import NamedTuple

from protocol.bounds import Fix, offset_m
from protocol.units import NS_PER_S


class Closest(NamedTuple):
    """When two aircraft are nearest to each other, level, in seconds from an instant; never before it."""

    at_s: float
    level_m: float
    height_m: float | None


class Course(NamedTuple):
    """Where one aircraft is from another, and how that changes: north, east and up, at an instant."""

    north_m: float
    east_m: float
    height_m: float | None
    north_mps: float
    east_mps: float
    up_mps: float

    @classmethod
    def between(cls, a: Fix, b: Fix, at_ns: int) -> "Course":
        """From a to b at an instant, if both have flown straight since their reports."""
        north, east = offset_m(a, b)
        ta, tb = (at_ns - a.at_ns) / NS_PER_S, (at_ns - b.at_ns) / NS_PER_S
        height = None
        if a.altitude_m is not None and b.altitude_m is not None:
            height = b.altitude_m + b.up_mps * tb - a.altitude_m - a.up_mps * ta
        return cls(
            north + b.north_mps * tb - a.north_mps * ta,
            east + b.east_mps * tb - a.east_mps * ta,
            height,
            b.north_mps - a.north_mps,
            b.east_mps - a.east_mps,
            b.up_mps - a.up_mps,
        )

    def closest(self) -> Closest:
        """The nearest that they come, level."""
        speed2 = self.north_mps**2 + self.east_mps**2
        toward = -(self.north_m * self.north_mps + self.east_m * self.east_mps)
        at_s = max(toward / speed2, 0.0) if speed2 else 0.0
        level = hypot(self.north_m + self.north_mps * at_s, self.east_m + self.east_mps * at_s)
        return Closest(at_s, level, None if self.height_m is None else abs(self.height_m + self.up_mps * at_s))

    def within(self, level_m: float, height_m: float) -> tuple[float, float] | None:
        """From when to when, in seconds, they are nearer than both; None: not from the instant on, or not at all.

        Without altitudes the height is taken to be none. The beginning is no earlier than the instant.
        """
        a = self.north_mps**2 + self.east_mps**2
        b = self.north_m * self.north_mps + self.east_m * self.east_mps
        level = _below(a, b, self.north_m**2 + self.east_m**2 - level_m**2)
        climb, height = (self.up_mps, self.height_m) if self.height_m is not None else (0.0, 0.0)
        tall = _below(climb**2, height * climb, height**2 - height_m**2)
        begin, end = max(level[0], tall[0], 0.0), min(level[1], tall[1])
        return (begin, end) if begin < end else None


def _below(a: float, b: float, c: float) -> tuple[float, float]:
    """Where a t^2 + 2 b t + c < 0, for a >= 0; from inf to -inf if it is nowhere."""
    if a == 0.0:
        return (-inf, inf) if c < 0 else (inf, -inf)
    root2 = b * b - a * c
    if root2 <= 0:
        return inf, -inf
    return (-b - sqrt(root2)) / a, (-b + sqrt(root2)) / a
