"""5.1: an INTENT is always in force, from `grace_s` after take-off or entry."""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked
from protocol.bounds import FASTEST_MPS, in_area, stayed_inside
from protocol.clauses.base import BY_WORD, OWN_DISTRESS, ByAccount, Tacit, World, address_text
from protocol.messages import EmergencyState, IntentKind, Position
from protocol.terms import IntentTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import CLOCK, STAYED_UP, Cause, Finding, Outcome, Passes

BREAK_NS = 5 * NS_PER_S
"""After so long without a POSITION the aircraft may have landed or left and come back: the grace begins anew."""


class IntentInForce:
    id = "5.1"
    title = "intent in force"
    text = "An aircraft in the area has an INTENT in force from {grace_s:g} s after take-off or entry."
    instance = "each POSITION heard after the grace"
    proof = "Its POSITION names no INTENT (serial 0), or one that was heard and whose validity is over."
    limits = (
        "After 5 s without a POSITION, or where it may have left the area and come back, the grace begins anew. A "
        "serial whose INTENT was not heard proves nothing."
    )
    suspended_by = OWN_DISTRESS
    kind = "S"
    hears_copies = False
    watches = (Position,)

    def __init__(self, world: World, terms: IntentTerms):
        self.world = world
        self.passes = Tacit(self.id, world)
        self.grace_ns = seconds_ns(terms.grace_s)
        self.since: ByAccount[tuple[Booked, Booked]] = ByAccount()
        """First and last POSITION of the present stretch in the air and in the area."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message = booked.frame.message
        assert isinstance(message, Position)
        if not (message.airborne and in_area(message, self.world.annexes.area)):
            self.since.pop(booked.account, None)
            return ()
        if booked.account not in self.since:
            self.since.over(booked)
        first, last = self.since.get(booked.account, (booked, booked))
        if booked.at_ns - last.at_ns > BREAK_NS or not self._stayed(last, booked):
            first = booked
        self.since[booked.account] = (first, booked)
        if booked.early_ns - first.late_ns <= self.grace_ns:
            return ()
        finding, source = self._judge(booked, first, message), booked.frame.source
        if finding.outcome is Outcome.PASS and self.passes.count(source):
            return ()
        # who was in trouble may have missed when to declare: it has the grace again
        return (self.world.unless_troubled(finding, booked.early_ns - self.grace_ns, booked.late_ns, source),)

    def _stayed(self, a: Booked, b: Booked) -> bool:
        """Whether it cannot have left the area and come back between two reports."""
        before, after = a.frame.message, b.frame.message
        assert isinstance(before, Position)
        assert isinstance(after, Position)
        return stayed_inside(before, after, b.late_ns - a.early_ns, self.world.annexes.area, FASTEST_MPS)

    def _judge(self, booked: Booked, first: Booked, message: Position) -> Finding:
        serial = booked.frame.intent
        flown = (booked.at_ns - first.at_ns) / NS_PER_S
        if message.emergency is not EmergencyState.NONE:
            return self._finding(Outcome.EXCUSED, booked, cause=Cause.DISTRESS)
        if serial == 0:
            told = f"airborne for {flown:.0f} s, and its POSITION names no INTENT in force (serial 0)"
            return self._finding(Outcome.FAIL, booked, told, (first.id, booked.id), round(flown, 3))
        declared = booked.account.intent(serial, booked.number)
        if declared is None:
            told = f"its POSITION names INTENT {serial}, which was not heard"
            doubt = self._finding(Outcome.INCONCLUSIVE, booked, told, (booked.id,), cause=Cause.STATE_UNHEARD)
            since_ns = booked.account.named_since_ns(serial)
            return self.world.with_losses(doubt, since_ns, booked.at_ns, booked.frame.source)
        if declared.until_ns < booked.early_ns:
            over = (booked.at_ns - declared.until_ns) / NS_PER_S
            told = f"its POSITION names INTENT {serial}, whose validity was over for {over:.1f} s"
            return self._finding(Outcome.FAIL, booked, told, (declared.id, booked.id), round(over, 3))
        if declared.kind is IntentKind.AVOID:
            return self._finding(Outcome.EXCUSED, booked, cause=Cause.DISTRESS)
        return self._finding(Outcome.PASS, booked)

    def _finding(
        self,
        outcome: Outcome,
        booked: Booked,
        summary: str = "",
        evidence: tuple[str, ...] = (),
        measured: float | None = None,
        cause: Cause | None = None,
    ) -> Finding:
        failed = outcome is Outcome.FAIL
        limit = self.grace_ns / NS_PER_S if booked.frame.intent == 0 else 0.0
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=outcome,
            at_ns=booked.at_ns,
            summary=summary,
            evidence=evidence,
            cause=cause,
            measured=measured,
            limit=limit if failed else None,
            unit="s" if failed else "",
            assumptions=(*BY_WORD, CLOCK, STAYED_UP) if failed else (),
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
