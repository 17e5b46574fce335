"""True flights for the twins, in small steps, and the reports of them, with errors as large as they may be."""

from math import atan2, cos, degrees, hypot, pi, radians, sin
from random import Random
from typing import Any, NamedTuple

from protocol.messages import Position
from tests.protocol.traffic import position
from tests.protocol.twins.test_motion import FT_M, RADIUS_M, VELOCITY_M, State, moved

STEP_S = 0.05
CLIMB_M = {4: 1.15, 2: 11.43}
"""The bound of a climb by NACv, as `VELOCITY_M` is of a level velocity."""
NM_M, KT_MPS = 1852.0, 0.514444


class Leg(NamedTuple):
    """From when on, until the next one: how it turns, how its speed changes, how it climbs."""

    from_s: float
    turn_dps: float = 0.0
    faster_mps2: float = 0.0
    up_mps: float = 0.0


class Flight:
    """One flight, as its states every `STEP_S`."""

    def __init__(self, start: State, legs: list[Leg], length_s: float):
        self.states = [start]
        for i in range(round(length_s / STEP_S)):
            leg = max((leg for leg in legs if leg.from_s <= i * STEP_S), default=Leg(0.0))
            self.states.append(step(self.states[-1], leg))

    def at(self, at_s: float) -> State:
        return self.states[round(at_s / STEP_S)]


def begun(latitude_deg: float, longitude_deg: float, track_deg: float, speed_mps: float, height_ft: float) -> State:
    """In level flight."""
    along = radians(track_deg)
    return State(latitude_deg, longitude_deg, height_ft * FT_M, speed_mps * cos(along), speed_mps * sin(along), 0.0)


def track_deg(state: State) -> float:
    return degrees(atan2(state.east_mps, state.north_mps)) % 360


def step(state: State, leg: Leg) -> State:
    along = atan2(state.east_mps, state.north_mps) + radians(leg.turn_dps * STEP_S)
    speed = hypot(state.north_mps, state.east_mps) + leg.faster_mps2 * STEP_S
    north, east = speed * cos(along), speed * sin(along)
    way = (north + state.north_mps) / 2 * STEP_S, (east + state.east_mps) / 2 * STEP_S
    return State(
        *moved(state.latitude_deg, state.longitude_deg, *way),
        height_m=state.height_m + leg.up_mps * STEP_S,
        north_mps=north,
        east_mps=east,
        up_mps=leg.up_mps,
    )


def offset_m(a: State, b: State) -> tuple[float, float]:
    """From one place to another that is not far, north and east: what `moved` turns round."""
    north_deg, east_deg = b.latitude_deg - a.latitude_deg, b.longitude_deg - a.longitude_deg
    middle = (a.latitude_deg + b.latitude_deg) / 2
    there = moved(middle, 0.0, 1.0, 1.0)
    return north_deg / (there[0] - middle), east_deg / there[1]


def distance_m(a: State, b: State) -> float:
    return hypot(*offset_m(a, b))


def straight(state: State, seconds: float) -> State:
    """Where it would be if it flew on as it does."""
    place = moved(state.latitude_deg, state.longitude_deg, state.north_mps * seconds, state.east_mps * seconds)
    return State(*place, state.height_m + state.up_mps * seconds, *state[3:])


def reported(state: State, random: Random, nic: int, nacv: int, share: float, **fields: Any) -> Position:
    """Its report, in error by up to a share of what it may be."""
    off, wrong = random.uniform(0, 2 * pi), random.uniform(0, 2 * pi)
    radius_m, velocity_m = (random.uniform(0, share) * bound for bound in (RADIUS_M[nic], VELOCITY_M[nacv]))
    place = moved(state.latitude_deg, state.longitude_deg, radius_m * cos(off), radius_m * sin(off))
    return position(
        *place,
        **{
            "baro_altitude_ft": round(state.height_m / FT_M + random.uniform(-share, share) * 70),
            "velocity_north_mps": round(state.north_mps + velocity_m * cos(wrong), 1),
            "velocity_east_mps": round(state.east_mps + velocity_m * sin(wrong), 1),
            "velocity_up_mps": round(state.up_mps + random.uniform(-share, share) * CLIMB_M[nacv], 1),
            "nic": nic,
            "nacv": nacv,
        }
        | fields,
    )
