"""Whether two reports show another flight than straight on."""

from math import hypot

from protocol.accounts import Booked
from protocol.bounds import Fix, level_m
from protocol.clauses.base import World
from protocol.units import NS_PER_S

SLOW_MPS = 30.0


def bounded(world: World, booked: Booked) -> Fix | None:
    """What a report says of the flight, if it bounds its velocity."""
    fix = world.fix_of(booked)
    return fix if fix is not None and fix.velocity_m is not None and fix.climb_m is not None else None


def change(here: Fix, was: Fix, altimetry_m: float) -> float:
    """How much another flight than straight on from an earlier report one shows, in parts of what both may be wrong."""
    assert here.velocity_m is not None
    assert here.climb_m is not None
    assert was.velocity_m is not None
    assert was.climb_m is not None
    shares = [
        hypot(here.north_mps - was.north_mps, here.east_mps - was.east_mps) / (here.velocity_m + was.velocity_m),
        abs(here.up_mps - was.up_mps) / (here.climb_m + was.climb_m),
        level_m(was, here, here.at_ns) / (was.radius_m + here.radius_m),
    ]
    if here.altitude_m is not None and was.altitude_m is not None and altimetry_m:
        later_s = (here.at_ns - was.at_ns) / NS_PER_S
        shares.append(abs(here.altitude_m - was.altitude_m - was.up_mps * later_s) / (2 * altimetry_m))
    return max(shares)


def would_show(fix: Fix) -> bool:
    """Whether a report is so good, and its aircraft so fast, that a manoeuvre shows in it."""
    fast_enough = fix.speed_mps >= max(SLOW_MPS, 4 * (fix.velocity_m or 0.0))
    return fix.position.nic >= 7 and fix.position.nacv >= 2 and fast_enough
