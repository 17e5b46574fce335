"""What an aircraft declares (INTENT), when it declares anew, and what it says again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, hypot, radians
from typing import NamedTuple

from nodes.motion import Kinematics
from protocol.messages import Intent, IntentKind, TrajectoryPoint
from protocol.units import NS_PER_S, seconds_ns

Sense = Callable[[int], Kinematics | None]

EVERY_NS = 10 * NS_PER_S
VALID_NS = 120 * NS_PER_S
RENEW_NS = 60 * NS_PER_S
LOOK_S = 25
"""So far ahead it sees whether the flight is still the declared one: in time to say it before it is another."""
STEP_S = 10
"""It looks through its flight, as far as a declaration is valid, in steps of this."""
TURN_DEG, CLIMB_FT = 8.0, 300.0
"""A flight with smaller changes is called straight, and level."""
SLOW_MPS = 15.0
"""Slower than this there is no track to speak of."""
FIRST_S = 15
"""The declared path begins so long after it is said,"""
SECOND_S = (120, 90, 60, 45, 30)
"""and ends at the latest of these up to which it is nearly straight:"""
ASIDE_M, ASIDE_FT = 1_500.0, 250.0
"""nowhere further beside the straight line than this."""
ASTRAY = 1.5
"""Who is so many times further beside the declared path does not fly it."""
STRAIGHT = frozenset({IntentKind.TRANSIT, IntentKind.CLIMB, IntentKind.DESCEND})
METRES_A_DEGREE = 111_195


class Point(NamedTuple):
    """A point of the declared path, and when it is passed."""

    at_ns: int
    latitude_deg: float
    longitude_deg: float
    altitude_ft: float


@dataclass(frozen=True, slots=True)
class Declared:
    """One declaration: until it is made anew, it is said again as it is."""

    serial: int
    kind: IntentKind
    until_ns: int
    selected_altitude_ft: float
    track_deg: float
    speed_mps: float
    points: tuple[Point, ...]


class Intents:
    """The declarations of one session."""

    def __init__(self, sense: Sense, avoid_ns: tuple[int, int] | None):
        self._sense, self._avoid_ns = sense, avoid_ns
        self.declared: Declared | None = None
        self._said_ns = -1 << 62

    def due(self, now_ns: int, here: Kinematics, valid_ns: int = VALID_NS) -> Iterator[tuple[Intent, int]]:
        """The INTENT to be sent now, if there is one, with the instant at which its validity ends."""
        declared = self.declared
        if declared is None or self._is_old(declared, now_ns, valid_ns) or self._has_changed(declared, now_ns, here):
            declared = self.declared = self._declare(now_ns, here, valid_ns)
        elif now_ns - self._said_ns < EVERY_NS:
            return
        self._said_ns = now_ns
        yield _message(declared, now_ns), declared.until_ns

    def say_again(self) -> None:
        """Somebody has asked: the next one is due at once."""
        self._said_ns = -1 << 62

    def _is_old(self, declared: Declared, now_ns: int, valid_ns: int) -> bool:
        return declared.until_ns - now_ns < valid_ns - VALID_NS + RENEW_NS

    def _has_changed(self, declared: Declared, now_ns: int, here: Kinematics) -> bool:
        """Whether it avoids now or no more; is not where it declared to be; or has declared straight flight, and is or
        will soon be turning."""
        if (declared.kind is IntentKind.AVOID) is not self._avoids(now_ns):
            return True
        points = declared.points
        if points and points[0].at_ns <= now_ns <= points[1].at_ns:
            place = Point(now_ns, here.latitude_deg, here.longitude_deg, here.altitude_ft)
            if _is_aside(points[0], points[1], place, ASTRAY):
                return True
        if declared.kind not in STRAIGHT:
            return False
        ahead = self._sense(now_ns + seconds_ns(LOOK_S)) or here
        return max(_off_deg(here, declared.track_deg), _off_deg(ahead, declared.track_deg)) > TURN_DEG

    def _avoids(self, now_ns: int) -> bool:
        return self._avoid_ns is not None and self._avoid_ns[0] <= now_ns < self._avoid_ns[1]

    def _declare(self, now_ns: int, here: Kinematics, valid_ns: int) -> Declared:
        ahead = [here]
        for ahead_s in range(STEP_S, VALID_NS // NS_PER_S + 1, STEP_S):
            there = self._sense(now_ns + seconds_ns(ahead_s))
            if there is None:
                break
            ahead.append(there)
        kind = IntentKind.AVOID if self._avoids(now_ns) else kind_of(ahead)
        climbs = kind in (IntentKind.CLIMB, IntentKind.DESCEND)
        before = self.declared.serial if self.declared else 0
        return Declared(
            serial=before % 255 + 1,
            kind=kind,
            until_ns=now_ns + valid_ns,
            selected_altitude_ft=ahead[-1].altitude_ft if climbs else here.altitude_ft,
            track_deg=here.heading_deg,
            speed_mps=hypot(here.velocity_north_mps, here.velocity_east_mps),
            points=tuple(self._path(now_ns)),
        )

    def _path(self, now_ns: int) -> list[Point]:
        """Two points between which the flight is nearly straight; none if it is not, or it ends before."""
        for second_s in SECOND_S:
            times = [now_ns + round((FIRST_S + (second_s - FIRST_S) * i / 5) * NS_PER_S) for i in range(6)]
            there = [(at_ns, self._sense(at_ns)) for at_ns in times]
            points = [Point(at_ns, k.latitude_deg, k.longitude_deg, k.altitude_ft) for at_ns, k in there if k]
            if len(points) == len(times) and not any(_is_aside(points[0], points[-1], p) for p in points[1:-1]):
                return [points[0], points[-1]]
        return []


def kind_of(ahead: list[Kinematics]) -> IntentKind:
    """What a flight is called, from how it will be at some instants."""
    if hypot(ahead[0].velocity_north_mps, ahead[0].velocity_east_mps) < SLOW_MPS:
        return IntentKind.HOLD
    if max(_off_deg(there, ahead[0].heading_deg) for there in ahead) > TURN_DEG:
        return IntentKind.TURN
    altitudes = [there.altitude_ft for there in ahead]
    if max(altitudes) - min(altitudes) > CLIMB_FT:
        return IntentKind.CLIMB if altitudes[-1] > altitudes[0] else IntentKind.DESCEND
    return IntentKind.TRANSIT


def _off_deg(there: Kinematics, track_deg: float) -> float:
    return abs((there.heading_deg - track_deg + 180) % 360 - 180)


def _is_aside(a: Point, b: Point, p: Point, most: float = 1.0) -> bool:
    """Whether at its time p lies beside the straight line from a to b."""
    part = (p.at_ns - a.at_ns) / (b.at_ns - a.at_ns)
    north = p.latitude_deg - a.latitude_deg - part * (b.latitude_deg - a.latitude_deg)
    turn = (b.longitude_deg - a.longitude_deg + 180) % 360 - 180
    east = (p.longitude_deg - a.longitude_deg - part * turn + 180) % 360 - 180
    aside_m = hypot(north, east * cos(radians(p.latitude_deg))) * METRES_A_DEGREE
    aside_ft = abs(p.altitude_ft - a.altitude_ft - part * (b.altitude_ft - a.altitude_ft))
    return aside_m > most * ASIDE_M or aside_ft > most * ASIDE_FT


def _message(declared: Declared, now_ns: int) -> Intent:
    points = [
        TrajectoryPoint(p.latitude_deg, p.longitude_deg, round(p.altitude_ft), round((p.at_ns - now_ns) / NS_PER_S))
        if p.at_ns >= now_ns
        else None
        for p in declared.points
    ]
    first, second = points or (None, None)
    return Intent(
        serial=declared.serial,
        kind=declared.kind,
        validity_s=(declared.until_ns - now_ns) // NS_PER_S,
        selected_altitude_ft=round(declared.selected_altitude_ft),
        track_deg=round(declared.track_deg, 2) % 360,
        speed_mps=declared.speed_mps,
        first=first,
        second=second,
    )
