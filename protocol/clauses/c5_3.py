"""5.3: what is flown is what was declared: between the two points of the INTENT in force, on the straight line."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.accounts import SERIALS, Account, Booked
from protocol.bounds import Fix, left_area
from protocol.clauses.base import BY_WORD, OWN_DISTRESS, Tacit, World, address_text, unless_suspended
from protocol.messages import TIME_BOUND_NS, EmergencyState, Intent, IntentKind, Position, instant_ns
from protocol.paths import Leg, leg_of, off_leg_m, surely_on
from protocol.terms import TubeTerms
from protocol.units import FT_M, NM_M, NS_PER_S, seconds_ns
from protocol.verdicts import BOUNDS, CLOCK, Cause, Finding, Outcome, Passes

KEPT = 24
"""Pieces of path remembered of an aircraft: more than it declares anew in the numbers for which a serial is known."""
EARLY_NS = NS_PER_S
"""No frame is heard so long before the time that it gives."""
ROUNDING = 1e-9
"""Of a limit: who is on it, by whole feet, is not beyond it, whatever floating point makes of that."""


class _Declared(NamedTuple):
    """A piece of path as an INTENT gave it, which was heard with this number."""

    serial: int
    kind: IntentKind
    leg: Leg
    number: int
    at_ns: int
    id: str


@dataclass(slots=True)
class _Flight:
    """One session. `unheard`: the first POSITION that named the serial of the last one, if its INTENT was not heard."""

    account: Account
    declared: deque[_Declared] = field(default_factory=lambda: deque(maxlen=KEPT))
    unheard: Booked | None = None


class FlownAsDeclared:
    id = "5.3"
    title = "flown as declared"
    text = (
        "Between the points of its INTENT an aircraft is within {within_nm:g} NM and {within_ft:g} ft of where it "
        "declared to be, give or take {within_s:g} s."
    )
    instance = "each POSITION of a time between the two points of its INTENT; each serial whose INTENT was not heard"
    proof = (
        "Its report is surely further away, level or in height, from all of the path that the INTENT which it names "
        "declares for about that time."
    )
    limits = (
        "It judges between the two points alone, half a second of rounding at both left out. Who says different things "
        "under one serial is judged by the kindest. Straight lines differ by the map: a leg of 60 NM at 35 degrees by "
        "0.4 NM, by more if it leads east or west, and one much longer proves nothing."
    )
    suspended_by = OWN_DISTRESS
    kind = "S"
    hears_copies = False
    watches = (Intent, Position)

    def __init__(self, world: World, terms: TubeTerms):
        self.world, self.terms = world, terms
        self.passes = Tacit(self.id, world)
        self.level_m, self.height_m = terms.within_nm * NM_M, terms.within_ft * FT_M
        self.within_ns = seconds_ns(terms.within_s)
        self.altimetry_m = world.agreement.bounds.altimetry_ft * FT_M
        self.flights: dict[int, _Flight] = {}

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        frame = booked.frame
        flight, message = self.flights.get(frame.source), frame.message
        if flight is None or flight.account is not booked.account:
            if frame.source not in self.world.flies:
                return ()
            ended, flight = flight, _Flight(booked.account)
            self.flights[frame.source] = flight
            if ended is not None and ended.unheard:
                return (self._unheard(ended.unheard), *self._hear(flight, booked))
        if isinstance(message, Intent) or flight.unheard is not None:
            return tuple(self._hear(flight, booked))
        # a report to be judged is of the time of some piece, or names a serial that was not heard
        known = booked.account.intent(frame.intent, booked.number)
        if known is None:
            return tuple(self._hear(flight, booked)) if frame.intent else ()
        at_ns = booked.at_ns + EARLY_NS
        return tuple(self._report(flight, booked)) if any(d.leg.from_ns < at_ns for d in flight.declared) else ()

    def _hear(self, flight: _Flight, booked: Booked) -> Iterator[Finding]:
        message, serial = booked.frame.message, booked.frame.intent
        if isinstance(message, Intent):
            if flight.unheard is not None and flight.unheard.frame.intent == message.serial:
                flight.unheard = None
            self._declare(flight, booked, message)
            return
        if flight.unheard is not None and serial != flight.unheard.frame.intent:
            yield self._unheard(flight.unheard)
            flight.unheard = None
        if serial and booked.account.intent(serial, booked.number) is None:
            if flight.unheard is None and self._is_judged(booked):
                flight.unheard = booked
            return
        yield from self._report(flight, booked)

    def _declare(self, flight: _Flight, booked: Booked, intent: Intent) -> None:
        if intent.first is None or intent.second is None:
            return
        stamp_ns = instant_ns(booked.frame.time_us, booked.at_ns)
        leg = leg_of(intent.first, intent.second, stamp_ns, TIME_BOUND_NS[booked.frame.time_quality])
        if leg is None:
            return
        same = [d for d in flight.declared if d.serial == intent.serial and _is_again(d.leg, leg)]
        for known in same:
            flight.declared.remove(known)
        at_ns = min((d.at_ns for d in same), default=booked.at_ns)
        flight.declared.append(_Declared(intent.serial, intent.kind, leg, booked.number, at_ns, booked.id))

    def _is_judged(self, booked: Booked) -> bool:
        message = booked.frame.message
        assert isinstance(message, Position)
        aloft = message.airborne and not left_area(message, self.world.annexes.area)
        return aloft and self.world.fix_of(booked) is not None

    def _report(self, flight: _Flight, booked: Booked) -> Iterator[Finding]:
        """One report against all that was said under its serial: one that says otherwise is judged by the kindest."""
        if not flight.declared or not self._is_judged(booked):
            return
        fix = self.world.fix_of(booked)
        assert fix is not None
        serial = booked.frame.intent
        while flight.declared and booked.number - flight.declared[0].number >= SERIALS:
            flight.declared.popleft()
        on = [d for d in flight.declared if d.serial == serial and surely_on(d.leg, fix)]
        if not on:
            return
        best = min((self._excess(d, fix), i) for i, d in enumerate(on))
        (excess, level_m, height_m), declared = best[0], on[best[1]]
        yield from self._judge(booked, declared, excess, level_m, height_m)

    def _excess(self, declared: _Declared, fix: Fix) -> tuple[float, float, float]:
        """By what share it is surely too far off, 0 if it may be near enough; and how far it surely is."""
        level_m, height_m = off_leg_m(declared.leg, fix, self.within_ns, self.altimetry_m)
        excess = max(level_m / self.level_m, height_m / self.height_m) - 1
        return excess if excess > ROUNDING else 0.0, level_m, height_m

    def _judge(
        self, booked: Booked, declared: _Declared, excess: float, level_m: float, height_m: float
    ) -> Iterator[Finding]:
        source, message = booked.frame.source, booked.frame.message
        assert isinstance(message, Position)
        nm = round(level_m / NM_M, 3)
        distress = declared.kind is IntentKind.AVOID or message.emergency is not EmergencyState.NONE
        if excess == 0 and not distress and self.passes.count(source, nm, self.terms.within_nm):
            return
        high = height_m / self.height_m > level_m / self.level_m
        measured, limit, unit = nm, self.terms.within_nm, "NM"
        if high and excess:
            measured, limit, unit = round(height_m / FT_M), self.terms.within_ft, "ft"
        serial = booked.frame.intent
        finding = Finding(
            clause=self.id,
            subject=address_text(source),
            outcome=Outcome.FAIL if excess else Outcome.PASS,
            at_ns=booked.at_ns,
            summary=f"at least {measured:,g} {unit} from all of the path that INTENT {serial} declares within "
            f"{self.terms.within_s:g} s of then"
            if excess
            else "",
            evidence=(declared.id, booked.id),
            measured=measured,
            limit=limit,
            unit=unit,
            assumptions=(*BY_WORD, CLOCK, BOUNDS) if excess else (),
        )
        if not excess and distress:
            yield finding._replace(outcome=Outcome.EXCUSED, cause=Cause.DISTRESS)
            return
        if excess:
            finding = unless_suspended(finding, booked.account.suspended(booked.number, booked.number))
        # who was in trouble may not have been able to declare anew
        yield self.world.unless_troubled(finding, declared.at_ns, booked.late_ns, source)

    def _unheard(self, booked: Booked) -> Finding:
        """A serial is over, and its INTENT was never heard."""
        finding = Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=Outcome.INCONCLUSIVE,
            at_ns=booked.at_ns,
            summary=f"its POSITION names INTENT {booked.frame.intent}, which was not heard",
            evidence=(booked.id,),
            cause=Cause.STATE_UNHEARD,
        )
        since_ns = booked.account.named_since_ns(booked.frame.intent)
        finding = self.world.with_losses(finding, since_ns, booked.at_ns, booked.frame.source)
        message = booked.frame.message
        assert isinstance(message, Position)
        return unless_suspended(finding, message.emergency is not EmergencyState.NONE)

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for flight in self.flights.values():
            if flight.unheard is not None:
                yield self._unheard(flight.unheard)


def _is_again(a: Leg, b: Leg) -> bool:
    """Whether two say the same, but for the rounding of times."""
    times = abs(a.from_ns - b.from_ns) + abs(a.until_ns - b.until_ns) <= 2 * (a.slack_ns + b.slack_ns)
    return times and a[2:8] == b[2:8]
