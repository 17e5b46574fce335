"""What the clauses of the ground line share: documents as they come, and how long a late one still counts."""

from collections.abc import Iterable
from math import cos, inf, radians
from typing import NamedTuple, Protocol

from protocol.accounts import Booked
from protocol.bounds import FASTEST_MPS, FLATNESS, Limits, fix_of
from protocol.clauses.base import World
from protocol.line.documents import Volume
from protocol.line.presence import Read
from protocol.messages import Position
from protocol.units import FT_M, NS_PER_S
from protocol.verdicts import Finding

EVERY_NS = 10 * NS_PER_S
"""Of the POSITIONs of one station at most one in this time is judged against plans and areas."""
DEGREE_LEAST_M = 110_500.0
"""No degree of latitude is shorter, nor one of longitude at a latitude when divided by its cosine."""


class Reads(Protocol):
    """A clause that is told of documents."""

    def read(self, read: Read) -> Iterable[Finding]:
        """A document came."""
        ...

    def settle(self, now_ns: int) -> Iterable[Finding]:
        """Time has come so far: what waited for late documents is decided. Called with each document, and at the
        end."""
        ...


class Spot(NamedTuple):
    """Where a POSITION says that its aircraft is: within `radius_m` level and `height_m` up and down. No altitude:
    None."""

    source: int
    at_ns: int
    id: str
    latitude_deg: float
    longitude_deg: float
    radius_m: float
    altitude_m: float | None
    height_m: float

    def surely_outside(self, volume: Volume) -> bool:
        """Whether it is outside the box, bounds and all."""
        level = max(self._beyond(volume)) * (1 - FLATNESS) > self.radius_m
        if self.altitude_m is None:
            return level
        floor, ceiling = volume.floor_ft * FT_M - self.altitude_m, self.altitude_m - volume.ceiling_ft * FT_M
        return level or max(floor, ceiling) > self.height_m

    def surely_inside(self, volume: Volume) -> bool:
        """Whether it is inside the box, bounds and all."""
        if self.altitude_m is None:
            return False
        level = -max(self._beyond(volume)) * (1 - FLATNESS) > self.radius_m
        floor, ceiling = self.altitude_m - volume.floor_ft * FT_M, volume.ceiling_ft * FT_M - self.altitude_m
        return level and min(floor, ceiling) > self.height_m

    def _beyond(self, volume: Volume) -> tuple[float, float, float]:
        """At least how far beyond the sides of the box it is (south, north, the nearer of west and east), in metres;
        negative: how far inside of it."""
        widest = max(abs(volume.south_deg), abs(volume.north_deg), abs(self.latitude_deg))
        lean_m = DEGREE_LEAST_M * cos(radians(min(widest, 89.0)))
        middle_deg, half_deg = (volume.west_deg + volume.east_deg) / 2, (volume.east_deg - volume.west_deg) / 2
        return (
            (volume.south_deg - self.latitude_deg) * DEGREE_LEAST_M,
            (self.latitude_deg - volume.north_deg) * DEGREE_LEAST_M,
            (abs(_turn(self.longitude_deg - middle_deg)) - half_deg) * lean_m,
        )


def _turn(degrees: float) -> float:
    """An angle as one from -180 to 180."""
    return (degrees + 180.0) % 360.0 - 180.0


class Spots:
    """Takes of each station's POSITIONs one in ten seconds, if it is airborne and has bounds."""

    def __init__(self, world: World):
        self._limits = Limits.of(world.agreement) if world.agreement.clause.c4_4 else None
        self._altimetry_m = world.agreement.bounds.altimetry_ft * FT_M
        self._last: dict[int, int] = {}

    def take(self, booked: Booked, *, boundless: bool = False) -> Spot | None:
        """`boundless`: also those without bounds, which may be anywhere."""
        source, at_ns, message = booked.frame.source, booked.at_ns, booked.frame.message
        assert isinstance(message, Position)
        if at_ns - self._last.get(source, -1 << 62) < EVERY_NS or not message.airborne:
            return None
        fix = fix_of(booked)
        if fix is None and not boundless:
            return None
        self._last[source] = at_ns
        if fix is None:
            return Spot(source, at_ns, booked.id, 0.0, 0.0, inf, None, inf)
        late_s = (abs(at_ns - fix.at_ns) + fix.spread_ns) / NS_PER_S
        # what it can have moved since it was there, however fast: a POSITION is a second old at most, mostly
        moved_m = late_s * (self._limits.speed_mps if self._limits else FASTEST_MPS)
        climbed_m = late_s * (self._limits.climb_mps if self._limits else FASTEST_MPS)
        return Spot(
            source,
            at_ns,
            booked.id,
            fix.latitude_deg,
            fix.longitude_deg,
            fix.radius_m + moved_m,
            fix.altitude_m,
            self._altimetry_m + climbed_m,
        )
