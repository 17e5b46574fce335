"""Faults of flying: too near to another, at another, or suddenly elsewhere."""

from collections.abc import Mapping
from math import atan2, cos, degrees, hypot, radians, sin

import numpy as np

from nodes.faults.base import Active
from nodes.motion import Kinematics, Motion, Sampled, heading_deg, metres_per_degree, wrapped
from nodes.scenario import FaultEntry
from nodes.stations.effects import Steer
from protocol.units import NS_PER_S, seconds_ns

APPROACH_S, APPROACH_MPS = 45.0, 600.0
"""`too_close` takes at least so long, and never gains more than so much on its target: an aircraft could fly it."""
BESIDE_DEG = 0.012
"""`too_close` ends about 0.7 NM north of its target, at its height."""
JOLT_M, JOLT_S = 10_000.0, 45.0
"""`surprise_turn` goes so far to the right, in so long: nearly 3 g."""
STEP_S, TURN_DEG_S, ATTACK_S = 0.5, 6.0, 90.0
"""`simulated_attack` turns no faster, and ends after so long,"""
BREAK_OFF_M = 3_000.0
"""or so near;"""
ABOVE_FT, CLIMB_FT_S = 1_500.0, 80.0
"""it flies so far above its target, and gets there no faster than this."""


class Approach:
    """A motion that leaves its own path for its target's, in a smooth curve, and stays beside it."""

    def __init__(self, own: Motion, target: Motion, active: Active):
        self._own, self._target, self._active = own, target, active
        self._takes_s = max(APPROACH_S, 1.875 * self._apart_m() / APPROACH_MPS)

    def _apart_m(self) -> float:
        own, target = self._own.at(self._active.from_ns), self._target.at(self._active.from_ns)
        if own is None or target is None:
            return 0.0
        north_m, east_m = metres_per_degree(own.latitude_deg, own.altitude_ft)
        north = (target.latitude_deg - own.latitude_deg) * north_m
        return hypot(north, wrapped(target.longitude_deg - own.longitude_deg) * east_m)

    def at(self, at_ns: int) -> Kinematics | None:
        own, target = self._own.at(at_ns), self._target.at(at_ns)
        if own is None or target is None:
            return own if at_ns <= self._active.from_ns else None  # it leaves with its target
        x = min(max((at_ns - self._active.from_ns) / NS_PER_S / self._takes_s, 0.0), 1.0)
        part, rate = x**3 * (10 - 15 * x + 6 * x * x), 30 * x * x * (1 - x) ** 2 / self._takes_s
        beside = target.latitude_deg + BESIDE_DEG
        north_m, east_m = metres_per_degree(own.latitude_deg, own.altitude_ft)
        away = (
            beside - own.latitude_deg,
            wrapped(target.longitude_deg - own.longitude_deg),
            target.altitude_ft - own.altitude_ft,
        )

        def blend(mine: float, theirs: float, gap: float) -> float:
            return mine + part * (theirs - mine) + rate * gap

        north_mps = blend(own.velocity_north_mps, target.velocity_north_mps, away[0] * north_m)
        east_mps = blend(own.velocity_east_mps, target.velocity_east_mps, away[1] * east_m)
        return own._replace(
            latitude_deg=own.latitude_deg + part * away[0],
            longitude_deg=wrapped(own.longitude_deg + part * away[1]),
            altitude_ft=own.altitude_ft + part * away[2],
            velocity_north_mps=north_mps,
            velocity_east_mps=east_mps,
            velocity_up_mps=blend(own.velocity_up_mps, target.velocity_up_mps, away[2] * 0.3048),
            heading_deg=heading_deg(north_mps, east_mps),
        )


def attack(own: Motion, target: Motion, active: Active, end_ns: int) -> Motion:
    """Its own path, and then always straight at another: a curve of pursuit at its own speed, until it breaks off."""
    here, until_ns = own.at(active.from_ns), min(active.until_ns, active.from_ns + seconds_ns(ATTACK_S), end_ns)
    if here is None or until_ns <= active.from_ns:
        return own
    speed_mps = hypot(here.velocity_north_mps, here.velocity_east_mps)
    track_deg, at_ns, breaks_off = here.heading_deg, active.from_ns, False
    latitude_deg, longitude_deg, altitude_ft = here[:3]
    rows = []
    while at_ns <= end_ns:
        north_m, east_m = metres_per_degree(latitude_deg, altitude_ft)
        other = target.at(at_ns)
        climb_ft_s = 0.0
        if other is not None and not breaks_off:
            north, east = (
                (other.latitude_deg - latitude_deg) * north_m,
                wrapped(other.longitude_deg - longitude_deg) * east_m,
            )
            breaks_off = hypot(north, east) < BREAK_OFF_M or at_ns >= until_ns
            off_deg = (degrees(atan2(east, north)) - track_deg + 180) % 360 - 180
            most_deg = TURN_DEG_S * STEP_S
            track_deg += min(max(off_deg, -most_deg), most_deg)
            above_ft = other.altitude_ft + ABOVE_FT - altitude_ft
            climb_ft_s = min(max(above_ft / 10, -CLIMB_FT_S), CLIMB_FT_S)
        north_mps, east_mps = speed_mps * cos(radians(track_deg)), speed_mps * sin(radians(track_deg))
        rates = north_mps / north_m, east_mps / east_m, climb_ft_s
        rows.append(((at_ns - active.from_ns) / NS_PER_S, latitude_deg, longitude_deg, altitude_ft, *rates))
        latitude_deg, longitude_deg = latitude_deg + rates[0] * STEP_S, longitude_deg + rates[1] * STEP_S
        altitude_ft += climb_ft_s * STEP_S
        at_ns += seconds_ns(STEP_S)
    table = np.array(rows)
    return _Then(own, Sampled(active.from_ns, table[:, 0], table[:, 1:4], table[:, 4:]), active.from_ns)


class _Then:
    """One motion until an instant, and another from then on."""

    def __init__(self, before: Motion, after: Motion, at_ns: int):
        self._before, self._after, self._at_ns = before, after, at_ns

    def at(self, at_ns: int) -> Kinematics | None:
        own = self._before.at(at_ns)
        return own if at_ns < self._at_ns or own is None else self._after.at(at_ns)


def _both_there_ns(own: Motion, target: Motion, from_ns: int, end_ns: int) -> int:
    """The first instant, looked for in seconds, from which on one can fly at the other."""
    instants = range(from_ns, end_ns, NS_PER_S)
    return next((at for at in instants if own.at(at) is not None and target.at(at) is not None), end_ns)


def flown(own: Motion, faults: list[FaultEntry], others: Mapping[str, Motion], start_ns: int, end_ns: int) -> Motion:
    """How a station flies with its faults; `others` has the motions of all by call sign."""
    for fault in faults:
        if fault.target is not None and fault.name in ("too_close", "simulated_attack"):
            active, target = Active.of(fault, start_ns), others[fault.target]
            active = Active(_both_there_ns(own, target, active.from_ns, end_ns), active.until_ns)
            own = Approach(own, target, active) if fault.name == "too_close" else attack(own, target, active, end_ns)
    return own


def jolt(fault: FaultEntry, here: Kinematics, at_ns: int) -> Steer:
    """What `surprise_turn` does at an instant: a hard turn to the right, of which nothing was said before."""
    right, aside_m = radians(here.heading_deg + 90), JOLT_M * fault.strength
    return Steer(at_ns + NS_PER_S // 2, seconds_ns(JOLT_S), aside_m * cos(right), aside_m * sin(right))
