"""6.7: an uncrewed aircraft that loses its link says so, and does not fly away from where its procedure leads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import dist, inf

from protocol.accounts import BRIEF_NS, Booked
from protocol.bounds import Fix, left_area, place_m
from protocol.clauses.base import BY_WORD, OWN_DISTRESS, Tacit, World, address_text, unless_suspended
from protocol.messages import TIME_BOUND_NS, LinkPoint, LostLink, Position, Procedure, instant_ns
from protocol.paths import angle_deg, spread_deg
from protocol.terms import LostLinkTerms
from protocol.units import NM_M, NS_PER_S, seconds_ns
from protocol.verdicts import BOUNDS, CLOCK, Cause, Finding, Outcome, Passes

LEADS = frozenset({Procedure.HOLD, Procedure.ORBIT, Procedure.RETURN, Procedure.LAND})
"""Procedures that lead to their point, or keep to it."""
STEP_NS = NS_PER_S
"""How wrong a time in whole seconds may be."""
TURNS_DEG_S = 1.0
"""Who turns so fast is on its way back: a turn takes it away from the point first."""
TURN_S = 180.0
ROUND_NS = 30 * NS_PER_S
"""Nobody turns half round and further between two reports that are no further apart."""


@dataclass(slots=True)
class _Flight:
    """A procedure in force, from `begin_ns` on. `last`: the last frame that says so."""

    procedure: Procedure
    point: LinkPoint
    begin_ns: int
    last: Booked
    nearest: list[tuple[float, Fix]] = field(default_factory=list)
    """How far away it was at most in the report that was nearest, outside the radius: of those since the last stretch
    in which an emergency may have been flagged, and of all."""
    fixes: list[Fix] = field(default_factory=list)
    """What bounds its velocity, of the last `TURN_S`."""
    reported: Booked | None = None
    moved: tuple[Fix, Fix, float] | None = None
    """Two reports between which it moved away so far, if the procedure was still in force then."""
    doubt: Finding | None = None
    settled: bool = False


@dataclass(slots=True)
class _Loss:
    """A link that was lost at `at_ns`, within a step."""

    at_ns: int
    last: Booked
    flight: _Flight | None = None


class LostLinkSaid:
    id = "6.7"
    title = "lost link"
    text = (
        "An uncrewed aircraft says within {since_s:g} s that its link is lost, and moves no further away from its "
        "procedure's point than {within_nm:g} NM."
    )
    instance = "each loss of a link; each POSITION under a procedure that leads to a point"
    proof = (
        "The first LOST LINK says that the link was lost too long ago, and every frame since then was heard. Or two "
        "reports under a procedure that was in force at both are surely further from its point by more than the "
        "distance, without a turn between them."
    )
    limits = (
        "Who turns by a degree a second or more in the mean, all the way round with it, for three minutes at most, is "
        "on its way back, however far the turn takes it. A number missing between two LOST LINKs more than 5 s apart "
        "may have been another procedure. `since_s` one second either side of the limit is `no_bound`."
    )
    suspended_by = OWN_DISTRESS
    kind = "S"
    hears_copies = False
    watches = (LostLink, Position)

    def __init__(self, world: World, terms: LostLinkTerms):
        self.world, self.terms = world, terms
        self.passes = Tacit(self.id, world)
        self.since_ns, self.within_m = seconds_ns(terms.since_s), terms.within_nm * NM_M
        self.uncrewed = frozenset(s.address for s in world.flying() if s.role == "uncrewed")
        self.losses: dict[int, _Loss] = {}
        """By station, since its link was lost."""

    def subjects(self) -> list[str]:
        return [address_text(address) for address in sorted(self.uncrewed)]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        if isinstance(message, LostLink):
            return tuple(self._lost(booked, message)) if source in self.uncrewed else ()
        loss = self.losses.get(source)
        if loss is None or loss.flight is None:
            return ()
        if loss.last.account is not booked.account:
            return tuple(self._end(loss))
        return tuple(self._report(loss.flight, booked))

    def _lost(self, booked: Booked, message: LostLink) -> Iterator[Finding]:
        source, loss = booked.frame.source, self.losses.get(booked.frame.source)
        stamp_ns = instant_ns(booked.frame.time_us, booked.at_ns)
        at_ns = stamp_ns - message.since_s * NS_PER_S
        if message.procedure is Procedure.LINK_RESTORED:
            if loss is not None:
                yield from self._end(loss)
                del self.losses[source]
            return
        if loss is None or abs(loss.at_ns - at_ns) > 2 * STEP_NS:
            if loss is not None:
                yield from self._end(loss)
            loss = self.losses[source] = _Loss(at_ns, booked)
            yield self._said(booked, message, at_ns)
        elif loss.last.account is not booked.account:
            yield from self._end(loss)
        loss.last = booked
        yield from self._go_on(loss, booked, message, stamp_ns)

    def _said(self, booked: Booked, message: LostLink, at_ns: int) -> Finding:
        """The first time that a loss is heard of."""
        source, account = booked.frame.source, booked.account
        bound_ns = STEP_NS + TIME_BOUND_NS[booked.frame.time_quality]
        finding = Finding(
            clause=self.id,
            subject=address_text(source),
            outcome=Outcome.PASS,
            at_ns=booked.at_ns,
            evidence=(booked.id,),
            measured=float(message.since_s),
            limit=self.terms.since_s,
            unit="s",
        )
        if (message.since_s * NS_PER_S + STEP_NS) <= self.since_ns:
            return finding
        told = f"the first LOST_LINK heard says that the link has been lost for {message.since_s} s"
        finding = finding._replace(outcome=Outcome.INCONCLUSIVE, summary=told, cause=Cause.NO_BOUND)
        if booked.early_ns - at_ns - bound_ns <= self.since_ns:
            return finding
        if not account.heard_all(at_ns - bound_ns, booked.number):
            return self.world.unheard(finding, at_ns, booked.at_ns, source)
        finding = finding._replace(
            outcome=Outcome.FAIL,
            summary=f"{told}, and every frame since then was heard",
            cause=None,
            assumptions=(*BY_WORD, CLOCK),
        )
        since = account.number_before(at_ns - bound_ns)
        finding = unless_suspended(finding, account.suspended(since, booked.number))
        return self.world.unless_troubled(finding, at_ns, booked.late_ns, source)

    def _go_on(self, loss: _Loss, booked: Booked, message: LostLink, stamp_ns: int) -> Iterator[Finding]:
        """What a LOST_LINK says of the procedure: the same as before, or another."""
        begin_ns, flight = stamp_ns + message.act_s * NS_PER_S + STEP_NS, loss.flight
        if flight is not None and (flight.procedure, flight.point) == (message.procedure, message.point):
            if message.act_s:
                flight.begin_ns = max(flight.begin_ns, begin_ns)
            hides = booked.account.unheard_between(flight.last.number, booked.number)
            hides = hides and booked.at_ns - flight.last.at_ns > BRIEF_NS
            flight.last = booked
            if hides:  # another procedure, and then this one again: it begins anew
                if flight.moved is not None:
                    doubt = self._moved_away(flight, *flight.moved)
                    doubt = doubt._replace(outcome=Outcome.INCONCLUSIVE, cause=Cause.STATE_UNHEARD, assumptions=())
                    flight.doubt = flight.doubt or doubt
                flight.nearest, flight.moved = [], None
            elif flight.moved is not None:
                yield from self._decide(flight, *flight.moved)
            return
        yield from self._end(loss)
        if message.point is not None and message.procedure in LEADS:
            loss.flight = _Flight(message.procedure, message.point, begin_ns, booked)

    def _report(self, flight: _Flight, booked: Booked) -> Iterator[Finding]:
        message = booked.frame.message
        assert isinstance(message, Position)
        if flight.settled or not message.airborne or left_area(message, self.world.annexes.area):
            return
        fix = self.world.fix_of(booked)
        if fix is None or fix.at_ns - fix.spread_ns <= flight.begin_ns:
            return
        away_m = dist(place_m(flight.point.latitude_deg, flight.point.longitude_deg), place_m(*fix[3:5]))
        error_m = fix.radius_m + fix.speed_mps * fix.spread_ns / NS_PER_S
        since_ns = fix.at_ns - TURN_S * NS_PER_S
        flight.fixes = [f for f in flight.fixes if f.at_ns >= since_ns] + ([fix] if fix.velocity_m is not None else [])
        near = _nearest(flight, booked)
        outside = away_m - error_m > flight.point.radius_m
        moved = [
            (away_m - error_m - high_m, was) for high_m, was in near if outside and not _turns(flight.fixes, was, fix)
        ]
        if outside:
            flight.nearest = [
                min(one, (away_m + error_m, fix), key=_high_m) for one in near or [(away_m + error_m, fix)]
            ]
        far = next(((was, fix, moved_m) for moved_m, was in moved if moved_m > self.within_m), None)
        if far is None:
            yield from self._passed(booked, max((moved_m for moved_m, _ in moved), default=0.0))
        elif booked.account.unheard_between(flight.last.number, booked.number) == 0:
            yield from self._decide(flight, *far)
        else:
            flight.moved = far

    def _passed(self, booked: Booked, moved_m: float) -> Iterator[Finding]:
        source, nm = booked.frame.source, round(max(moved_m, 0.0) / NM_M, 3)
        if not self.passes.count(source, nm, self.terms.within_nm):
            yield Finding(
                self.id,
                address_text(source),
                Outcome.PASS,
                booked.at_ns,
                evidence=(booked.id,),
                measured=nm,
                limit=self.terms.within_nm,
                unit="NM",
            )

    def _decide(self, flight: _Flight, near: Fix, far: Fix, moved_m: float) -> Iterator[Finding]:
        """It moved away, and the procedure was in force; what is in doubt yet, a later report may show."""
        flight.moved = None
        finding = self._moved_away(flight, near, far, moved_m)
        if finding.outcome is Outcome.INCONCLUSIVE:
            flight.doubt = flight.doubt or finding
        elif not flight.settled:
            flight.settled = True
            yield finding

    def _moved_away(self, flight: _Flight, near: Fix, far: Fix, moved_m: float) -> Finding:
        booked, nm = far.booked, round(moved_m / NM_M, 3)
        finding = Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"under {flight.procedure.name} it moved away from the point by at least {nm:g} NM",
            evidence=(near.booked.id, booked.id, flight.last.id),
            measured=nm,
            limit=self.terms.within_nm,
            unit="NM",
            assumptions=(*BY_WORD, CLOCK, BOUNDS),
        )
        finding = unless_suspended(finding, booked.account.suspended(near.booked.number, booked.number))
        return self.world.unless_troubled(finding, near.booked.early_ns, booked.late_ns, booked.frame.source)

    def _end(self, loss: _Loss) -> Iterator[Finding]:
        """A procedure is over, or nothing more is heard of it."""
        flight, loss.flight = loss.flight, None
        if flight is None or flight.settled:
            return
        if flight.doubt is not None:
            yield flight.doubt
        elif flight.moved is not None:
            finding = self._moved_away(flight, *flight.moved)
            if finding.outcome is Outcome.FAIL:
                told = f"{finding.summary}, if that was in force: no LOST_LINK was heard afterwards"
                finding = finding._replace(summary=told, cause=Cause.STATE_UNHEARD, assumptions=())
                finding = finding._replace(outcome=Outcome.INCONCLUSIVE)
            yield finding

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for loss in self.losses.values():
            yield from self._end(loss)


def _nearest(flight: _Flight, booked: Booked) -> list[tuple[float, Fix]]:
    """The nearest reports before one: of those before a long stretch without any, only the nearest of all is left."""
    last, flight.reported = flight.reported, booked
    hides = last is not None and booked.at_ns - last.at_ns > BRIEF_NS
    if last is None or not hides or not booked.account.unheard_between(last.number, booked.number):
        return flight.nearest
    return [(inf, one[1]) for one in flight.nearest[-1:]] + flight.nearest[-1:]


def _high_m(one: tuple[float, Fix]) -> float:
    return one[0]


def _turns(fixes: list[Fix], near: Fix, far: Fix) -> bool:
    """Whether it has been turning from one report to another, or may have been."""
    later_s = (far.at_ns - near.at_ns) / NS_PER_S
    if later_s > TURN_S or near.velocity_m is None or far.velocity_m is None:
        return False
    a, b = (near.north_mps, near.east_mps), (far.north_mps, far.east_mps)
    turned = _turned_deg(fixes, near, far) + spread_deg(a, near.velocity_m) + spread_deg(b, far.velocity_m)
    return turned >= TURNS_DEG_S * later_s


def _turned_deg(fixes: list[Fix], near: Fix, far: Fix) -> float:
    """How far it turned from one report to another; as often round as the reports in between tell."""
    between = [f for f in fixes if near.at_ns < f.at_ns < far.at_ns]
    if between and far.at_ns - near.at_ns > ROUND_NS:
        middle = min(between, key=lambda f: abs(2 * f.at_ns - near.at_ns - far.at_ns))
        return _turned_deg(between, near, middle) + _turned_deg(between, middle, far)
    return angle_deg((near.north_mps, near.east_mps), (far.north_mps, far.east_mps))
