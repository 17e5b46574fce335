"""6.6: no simulated attack. Nobody turns so as to hold the nose on an aircraft of the other party, close and closing.

The subject is the one whose nose it is. Straight flight towards somebody is no attack, so the track must surely have
turned.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import cos, hypot, radians, sin
from typing import NamedTuple

from protocol.accounts import Booked
from protocol.bounds import FLATNESS, Fix, Limits, left_area, offset_m, reach_m, separation
from protocol.clauses.base import BY_WORD, OWN_DISTRESS, World, address_text, opposed, unless_suspended
from protocol.clauses.cells import DEGREE_M, SPARE_M, Cells
from protocol.messages import Position
from protocol.paths import Vector, angle_deg, spread_deg, track_deg, turn_deg
from protocol.terms import AttackTerms
from protocol.units import FT_M, KT_MPS, NM_M, NS_PER_S, seconds_ns
from protocol.verdicts import BOUNDS, CLOCK, Finding, Outcome, Passes

TOGETHER_NS = 3 * NS_PER_S
"""A report of the other is of the same time if it is no further away than this."""
BREAK_NS = 5 * NS_PER_S
"""Who was not heard for longer may have looked elsewhere."""
KEPT = 64
CLIMB_M = 200.0
"""Who comes nearer in height by more between two reports is looked at by the next one."""


class _Aim(NamedTuple):
    """A report at which the nose surely was on the other, and the line to it."""

    fix: Fix
    other: Fix
    line: Vector
    reach_m: float
    """How wrong the other's end of the line may be."""


class _Seen(NamedTuple):
    """A report, and whether the nose surely was on the other by what was heard of that before."""

    fix: Fix
    aim: _Aim | None


@dataclass(slots=True)
class _Approach:
    failed: bool = False
    aims: deque[_Aim] = field(default_factory=lambda: deque(maxlen=KEPT))
    waiting: deque[_Seen] = field(default_factory=deque)
    """Reports from the first on that is not sure yet: the other's next one, which is nearer perhaps, may tell."""


class NoAttack:
    id = "6.6"
    title = "no simulated attack"
    text = (
        "Within {within_nm:g} NM and {within_ft:g} ft and closing with {closing_kt:g} kt, nobody turns so as to hold "
        "the nose within {nose_deg:g} deg of the other for {for_s:g} s."
    )
    instance = "each approach: from when an aircraft is near another of the other party and closing until it is not"
    proof = (
        "For `for_s` every report of it surely has its nose on the other, near and closing, its track surely "
        "changed towards it, and flown straight on, the other would surely have drifted off."
    )
    limits = (
        "It asks for reports of the other no more than 3 s from each of those that aim, and no more than 5 s between "
        "these. It does not ask why: an escort that was agreed by voice looks the same."
    )
    suspended_by = OWN_DISTRESS
    kind = "C"
    hears_copies = False
    watches = (Position,)

    def __init__(self, world: World, terms: AttackTerms):
        self.world, self.terms = world, terms
        self._limits = Limits.of(world.agreement)
        self.level_m, self.height_m = terms.within_nm * NM_M, terms.within_ft * FT_M
        self.closing_mps, self.for_ns = terms.closing_kt * KT_MPS, seconds_ns(terms.for_s)
        self.far_m, self.far_deg = self.height_m + CLIMB_M, (self.level_m + SPARE_M) / DEGREE_M
        """What is further away in height or latitude need not be looked at: nearly all."""
        stations = world.stations
        self.cells = Cells(self.level_m, self.height_m, lambda a, b: opposed(stations[a], stations[b]))
        self.latest: dict[int, Fix] = {}
        self.open: dict[int, dict[int, _Approach]] = {}
        """By whose nose it is, the approaches that are going on; no empty ones."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        if source not in self.world.flies:
            return ()
        assert isinstance(message, Position)
        fix = self.world.fix_of(booked)
        aloft = message.airborne and not left_area(message, self.world.annexes.area)
        if fix is None or fix.altitude_m is None or not aloft:
            self.latest.pop(source, None)
            self.cells.drop(source)
            return tuple(self._leave(source, set(), booked.at_ns)) if source in self.open else ()
        last = self.latest.get(source)
        if last is not None and fix.at_ns <= last.at_ns:
            return ()
        self.latest[source] = fix
        near = self.cells.put(source, fix)
        found: list[Finding] = []
        if source in self.open:
            found += self._leave(source, near, booked.at_ns)
        going_on = self.open.get(source, ())
        for address in near:
            other = self.latest[address]
            assert other.altitude_m is not None
            far = abs(other.altitude_m - fix.altitude_m) > self.far_m or (
                abs(other.latitude_deg - fix.latitude_deg) > self.far_deg
            )
            if not far or address in going_on:
                found += self._look(fix, other, source, address)
            approach = self.open.get(address, {}).get(source)
            if approach is not None and approach.waiting:
                found += self._look_again(approach, fix)
        return found

    def _leave(self, source: int, near: set[int], at_ns: int) -> Iterator[Finding]:
        """Who is not near any more is left."""
        for other in [y for y in self.open[source] if y not in near]:
            yield from self._over(source, other, at_ns)

    def _over(self, source: int, other: int, at_ns: int) -> Iterator[Finding]:
        approach = self.open.get(source, {}).pop(other, None)
        if approach is None:
            return
        if not self.open[source]:
            del self.open[source]
        if not approach.failed:
            yield Finding(self.id, address_text(source), Outcome.PASS, at_ns)

    def _look(self, fix: Fix, other: Fix, source: int, address: int) -> Iterable[Finding]:
        """One report against the last one of another that may be near."""
        assert fix.altitude_m is not None
        assert other.altitude_m is not None
        later_s = (fix.at_ns - other.at_ns) / NS_PER_S
        if abs(other.altitude_m + other.up_mps * later_s - fix.altitude_m) >= self.height_m:
            return self._over(source, address, fix.booked.at_ns) if address in self.open.get(source, ()) else ()
        line, moves = _line(fix, other)
        if hypot(*line) >= self.level_m or line[0] * moves[0] + line[1] * moves[1] >= 0:
            return self._over(source, address, fix.booked.at_ns) if address in self.open.get(source, ()) else ()
        approach = self.open.setdefault(source, {}).setdefault(address, _Approach())
        approach.waiting.append(_Seen(fix, self._aim(fix, other)))
        return tuple(self._settle(approach, fix.at_ns - TOGETHER_NS))

    def _look_again(self, approach: _Approach, other: Fix) -> Iterable[Finding]:
        """The other has reported: no later report of it is nearer to those that wait and are older."""
        approach.waiting = deque(_Seen(fix, aim or self._aim(fix, other)) for fix, aim in approach.waiting)
        return tuple(self._settle(approach, other.at_ns))

    def _settle(self, approach: _Approach, before_ns: int) -> Iterator[Finding]:
        """Take those that aim, and those that are older than an instant and do not, in their order."""
        while approach.waiting and (approach.waiting[0].aim or approach.waiting[0].fix.at_ns < before_ns):
            aim = approach.waiting.popleft().aim
            if aim is None:
                approach.aims.clear()
            else:
                yield from self._go_on(approach, aim)

    def _aim(self, fix: Fix, other: Fix) -> _Aim | None:
        """A report with another of the other, before or after it; None if the nose was not surely on it."""
        line, moves = _line(fix, other)
        if abs(fix.at_ns - other.at_ns) > TOGETHER_NS or not self._aims(fix, other, line, moves):
            return None
        return _Aim(fix, other, line, reach_m(other, fix.at_ns, self._limits))

    def _aims(self, fix: Fix, other: Fix, line: Vector, moves: Vector) -> bool:
        """Whether the nose surely is on the other, surely near and closing fast enough."""
        if fix.velocity_m is None or other.velocity_m is None:
            return False
        error_m = FLATNESS * hypot(*line) + _radius_m(fix) + reach_m(other, fix.at_ns, self._limits)
        turned = spread_deg(line, error_m)
        velocity = fix.north_mps, fix.east_mps
        if angle_deg(velocity, line) + turned + spread_deg(velocity, fix.velocity_m) >= self.terms.nose_deg:
            return False
        off = min(180.0 - angle_deg(moves, line) + turned, 180.0)
        if hypot(*moves) * cos(radians(off)) - fix.velocity_m - other.velocity_m <= self.closing_mps:
            return False
        apart = separation(fix, other, fix.at_ns, self._limits)
        return apart.level_high_m < self.level_m and apart.height_high_m < self.height_m

    def _go_on(self, approach: _Approach, aim: _Aim) -> Iterable[Finding]:
        if approach.aims:
            last = approach.aims[-1].fix
            if last.booked.account is not aim.fix.booked.account or aim.fix.at_ns - last.at_ns > BREAK_NS:
                approach.aims.clear()
        approach.aims.append(aim)
        if approach.failed:
            return ()
        spread_ns = 2 * aim.fix.spread_ns
        for first in approach.aims:
            if aim.fix.at_ns - first.fix.at_ns - spread_ns < self.for_ns:
                break
            drift_deg = self._drift_deg(first, aim)
            if drift_deg > self.terms.drift_deg:
                approach.failed = True
                return (self._attack(first, aim, drift_deg),)
        return ()

    def _drift_deg(self, first: _Aim, last: _Aim) -> float:
        """By how much more the other would surely be off the nose at the end, had it flown straight on; 0 if it flew
        nearly straight, or turned away."""
        a, b = first.fix, last.fix
        assert a.velocity_m is not None
        assert b.velocity_m is not None
        was, now = (a.north_mps, a.east_mps), (b.north_mps, b.east_mps)
        bent = abs(turn_deg(a.longitude_deg, b.longitude_deg) * sin(radians(a.latitude_deg)))  # meridians converge
        turned = turn_deg(track_deg(was), track_deg(now))
        spread = spread_deg(was, a.velocity_m) + spread_deg(now, b.velocity_m) + bent
        if abs(turned) - spread <= self.terms.drift_deg:  # with a smaller turn it would have been nearly as well
            return 0.0
        later_s = (b.at_ns - a.at_ns) / NS_PER_S
        north, east = offset_m(a, b)
        line = last.line[0] + north - was[0] * later_s, last.line[1] + east - was[1] * later_s
        error_m = FLATNESS * (hypot(*line) + hypot(north, east)) + _radius_m(a) + a.velocity_m * later_s + last.reach_m
        drifted = turn_deg(track_deg(first.line), track_deg(line))
        if drifted * turned <= 0:
            return 0.0
        at_first_m = FLATNESS * hypot(*first.line) + _radius_m(a) + first.reach_m
        return abs(drifted) - spread_deg(line, error_m) - spread_deg(first.line, at_first_m) - bent

    def _attack(self, first: _Aim, last: _Aim, drift_deg: float) -> Finding:
        booked, source = last.fix.booked, last.fix.booked.frame.source
        seconds = round((last.fix.at_ns - first.fix.at_ns) / NS_PER_S, 1)
        other = address_text(last.other.booked.frame.source)
        finding = Finding(
            clause=self.id,
            subject=address_text(source),
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"held its nose on {other} for {seconds:g} s by turning: flown straight on, {other} would "
            f"have drifted by at least {drift_deg:.0f} deg in the end",
            evidence=(first.fix.booked.id, first.other.booked.id, booked.id, last.other.booked.id),
            measured=seconds,
            limit=self.terms.for_s,
            unit="s",
            assumptions=(*BY_WORD, CLOCK, BOUNDS),
        )
        return unless_suspended(finding, booked.account.suspended(first.fix.booked.number, booked.number))

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for source in list(self.open):
            yield from self._leave(source, set(), end_ns)


def _line(fix: Fix, other: Fix) -> tuple[Vector, Vector]:
    """From a report to where the other was at its time, flying straight; and how that changes."""
    later_s = (fix.at_ns - other.at_ns) / NS_PER_S
    north, east = offset_m(fix, other)
    line = north + other.north_mps * later_s, east + other.east_mps * later_s
    return line, (other.north_mps - fix.north_mps, other.east_mps - fix.east_mps)


def _radius_m(fix: Fix) -> float:
    """How far a report may be off, at its own time."""
    return fix.radius_m + fix.speed_mps * fix.spread_ns / NS_PER_S
