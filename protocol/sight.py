"""What a received frame says of where it came from: how near its source may be by its own word, and how strong it is.

The judge's own arithmetic, all of it to the advantage of who is judged.
"""

from functools import lru_cache
from math import dist, log10, pi
from typing import NamedTuple

from protocol.accounts import Booked, Receiver
from protocol.bounds import Fix, Limits, ecef_m, place_m, reach_m
from protocol.units import LIGHT_MPS, NS_PER_S

LEAST_M = 1.0
"""Nobody is nearer to an antenna than this."""


class Sight(NamedTuple):
    """`least_m`: no nearer is the source than this, if its POSITION is true. `implied_dbm`: no less it radiates then;
    None where the received power is not known."""

    least_m: float
    implied_dbm: float | None


def sight_of(booked: Booked, fix: Fix, limits: Limits, frequency_hz: float, excess_db: float) -> Sight | None:
    """From the bounds of a POSITION; None if it is not known where it was heard."""
    receiver = booked.heard.receiver
    if receiver is None:
        return None
    # straight through the earth, as if both were on the ellipsoid: it is further for whoever is above it
    moved = reach_m(fix, booked.late_ns, limits) + fix.speed_mps * abs(booked.late_ns - fix.at_ns) / NS_PER_S
    least_m = max(dist(ecef_m(fix), _receiver_m(receiver)) - moved, LEAST_M)
    power_dbm = booked.heard.power_dbm
    if power_dbm is None:
        return Sight(least_m, None)
    return Sight(least_m, power_dbm + 20 * log10(4 * pi * least_m * frequency_hz / LIGHT_MPS) - excess_db)


@lru_cache(maxsize=64)
def _receiver_m(receiver: Receiver) -> tuple[float, float, float]:
    return place_m(receiver.latitude_deg, receiver.longitude_deg)
