"""4.4: positions are possible: no two that no aircraft can join, bounds and all."""

from collections.abc import Iterable, Iterator
from math import dist, hypot

from protocol.accounts import Booked
from protocol.bounds import FAR_M, FLATNESS, Fix, Limits, ecef_m, offset_m
from protocol.clauses.base import BY_WORD, ByAccount, Tacit, World, address_text
from protocol.messages import Position
from protocol.terms import NoTerms
from protocol.units import FT_M, KT_MPS, NS_PER_S
from protocol.verdicts import BOUNDS, Cause, Finding, Outcome, Passes


class PossiblePositions:
    id = "4.4"
    title = "possible positions"
    text = (
        "Two positions of one aircraft can be joined by an aircraft: at most {speed_kt:g} kt, "
        "{acceleration_g:g} g and {vertical_rate_fpm:g} ft/min."
    )
    instance = "each pair of consecutive heard POSITIONs of a session"
    proof = (
        "From the one report to the other it would have to be faster, pull more from its own velocity, or climb faster "
        "than any aircraft, at the best ends of all their bounds."
    )
    limits = (
        "Which of the two is false is not known. A report without position, age, time quality or containment radius "
        "bounds nothing, and beyond 60 NM acceleration is not judged."
    )
    suspended_by = ""
    kind = "C"
    hears_copies = False
    watches = (Position,)

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.passes = Tacit(self.id, world)
        self._limits = Limits.of(world.agreement)
        self.limit_kt = self._limits.speed_mps / KT_MPS
        self.limit_g = self._limits.acceleration_mps2 / 9.80665
        self.limit_fpm = self._limits.climb_mps / FT_M * 60
        self.last: ByAccount[tuple[Booked, Fix | None, tuple[float, float, float] | None]] = ByAccount()
        """The last POSITION, what it bounds, and where that is in the earth's own frame."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        last, b = self.last.get(booked.account), self.world.fix_of(booked)
        here = None if b is None else ecef_m(b)
        self.last[booked.account] = booked, b, here
        if last is None:
            self.last.over(booked)
            return ()
        before, a, there = last
        if a is None or there is None or b is None or here is None:
            return (self._boundless(before, booked),)
        # the straight line through the earth: no way over it is shorter
        return self._judge(a, b, dist(there, here))

    def _judge(self, a: Fix, b: Fix, chord_m: float) -> Iterable[Finding]:
        seconds = (abs(b.at_ns - a.at_ns) + a.spread_ns + b.spread_ns) / NS_PER_S
        least = max(chord_m - a.radius_m - b.radius_m, 0.0)
        speed_kt = least / seconds / KT_MPS
        limit_kt = self.limit_kt
        if speed_kt > limit_kt:
            told = f"{least / 1852:.2f} NM at least in {seconds:.2f} s at most: {speed_kt:,.0f} kt"
            return (self._finding(Outcome.FAIL, a, b, told, speed_kt, limit_kt, "kt"),)
        bend = self._bend_g(a, b, seconds)
        if bend > self.limit_g:
            told = f"from its own velocity it would need {bend:.1f} g to get there in {seconds:.2f} s"
            return (self._finding(Outcome.FAIL, a, b, told, bend, self.limit_g, "g"),)
        climb_fpm = self._climb_mps(a, b, seconds) / FT_M * 60
        if climb_fpm > self.limit_fpm:
            told = f"at least {climb_fpm:,.0f} ft/min between the two reports"
            return (self._finding(Outcome.FAIL, a, b, told, climb_fpm, self.limit_fpm, "ft/min"),)
        if self.passes.count(b.booked.frame.source, round(speed_kt, 1), round(limit_kt, 1)):
            return ()
        return (self._finding(Outcome.PASS, a, b, "", speed_kt, limit_kt, "kt"),)

    def _boundless(self, before: Booked, booked: Booked) -> Finding:
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=Outcome.INCONCLUSIVE,
            at_ns=booked.at_ns,
            summary="a report without position, age, time quality or containment radius bounds nothing",
            evidence=(before.id, booked.id),
            cause=Cause.NO_BOUND,
        )

    def _bend_g(self, a: Fix, b: Fix, seconds: float) -> float:
        """The least acceleration that leads from report a, with its velocity, to report b; 0 if nothing is claimed."""
        if a.velocity_m is None:
            return 0.0
        north, east = offset_m(a, b)
        distance = hypot(north, east)
        if distance > FAR_M:
            return 0.0
        t = (b.at_ns - a.at_ns) / NS_PER_S
        missed = hypot(north - a.north_mps * t, east - a.east_mps * t)
        speed = a.speed_mps
        slack = a.radius_m + b.radius_m + a.velocity_m * seconds + speed * (seconds - abs(t)) + distance * FLATNESS
        return max(missed - slack, 0.0) * 2 / seconds**2 / 9.80665

    def _climb_mps(self, a: Fix, b: Fix, seconds: float) -> float:
        if a.altitude_m is None or b.altitude_m is None:
            return 0.0
        return max(abs(b.altitude_m - a.altitude_m) - 2 * self._limits.altimetry_m, 0.0) / seconds

    def _finding(
        self, outcome: Outcome, a: Fix, b: Fix, summary: str, measured: float, limit: float, unit: str
    ) -> Finding:
        return Finding(
            clause=self.id,
            subject=address_text(b.booked.frame.source),
            outcome=outcome,
            at_ns=b.booked.at_ns,
            summary=summary,
            evidence=(a.booked.id, b.booked.id),
            measured=round(measured, 1),
            limit=round(limit, 1),
            unit=unit,
            assumptions=(*BY_WORD, BOUNDS) if outcome is Outcome.FAIL else (),
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
