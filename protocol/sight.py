"""What a received frame says of where it came from: how near its source may be by its own word, and how strong it is.

The judge's own arithmetic, all of it to the advantage of who is judged.
"""

from functools import lru_cache
from math import dist, hypot, log10, pi
from typing import NamedTuple

from protocol.accounts import Booked
from protocol.bounds import Fix, Limits, ecef_m, place_m, reach_m
from protocol.heard import Receiver
from protocol.messages import Position
from protocol.units import LIGHT_MPS, NS_PER_S

DEGREE_M = 111_700.0
"""No degree of latitude or longitude is longer than this."""
POWER_STEP_DB = 0.06
"""Powers are recorded in tenths of a decibel: half a step, and a little for roundings."""
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
    power_dbm -= POWER_STEP_DB
    return Sight(least_m, power_dbm + 20 * log10(4 * pi * least_m * frequency_hz / LIGHT_MPS) - excess_db)


def surely_within(booked: Booked, limit_m: float) -> bool:
    """Whether a POSITION is so near that no more need be worked out: nearly always, and in much less time."""
    position, receiver = booked.frame.message, booked.heard.receiver
    assert isinstance(position, Position)
    if position.latitude_deg is None or position.longitude_deg is None or receiver is None:
        return False
    turn_deg = abs(position.longitude_deg - receiver.longitude_deg)
    if turn_deg > 180.0:
        turn_deg = 360.0 - turn_deg
    return hypot(position.latitude_deg - receiver.latitude_deg, turn_deg) * DEGREE_M <= limit_m


@lru_cache(maxsize=4096)
def farthest_m(power_dbm: float, radiated_dbm: float, frequency_hz: float) -> float:
    """From no further away can something so radiated be heard so strong, over free space."""
    return LIGHT_MPS / (4 * pi * frequency_hz) * 10 ** (min(radiated_dbm - power_dbm, 1000.0) / 20)


@lru_cache(maxsize=64)
def _receiver_m(receiver: Receiver) -> tuple[float, float, float]:
    return place_m(receiver.latitude_deg, receiver.longitude_deg)
