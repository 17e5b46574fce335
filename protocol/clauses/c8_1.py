"""8.1: uncrewed flights are co-ordinated first, by a plan that the other party has agreed to."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from protocol.accounts import Booked
from protocol.clauses.base import BY_WORD, World, address_text
from protocol.clauses.line import Spot, Spots
from protocol.line.documents import Plan, PlanAnswer, PlanWithdrawn
from protocol.line.names import client_of_party
from protocol.line.presence import Read
from protocol.messages import Position
from protocol.terms import PlanTerms
from protocol.units import seconds_ns
from protocol.verdicts import BOUNDS, SIGNED, Cause, Finding, Outcome, Passes

NEVER = 1 << 63
MOST_PLANS = 1000
"""So many plans of one party are remembered, the latest, and as much that one party said to plans that nobody knows."""
MOST_ANSWERS = 100
"""Who answers one plan more often has agreed to it, if it ever did."""


@dataclass(slots=True)
class _Said:
    """What was said to a plan, which may come before it: answers (from when they count, whether it was agreed to), and
    from when it is withdrawn."""

    answers: list[tuple[int, bool]] = field(default_factory=list)
    withdrawn_ns: int = NEVER
    perhaps_ns: int = -NEVER
    """Until when it may have been agreed to before the monitor came: of the answers to a plan the broker keeps the
    last, and that is a refusal."""

    def answer(self, counts_ns: int, agreed: bool) -> None:
        self.answers.append((counts_ns, agreed))
        if len(self.answers) > MOST_ANSWERS:
            self.answers = [min((a for a in self.answers if a[1]), default=self.answers[-1])]

    def agreed(self, at_ns: int, margin_ns: int) -> bool:
        """Whether it was agreed to at an instant, or no longer ago than the margin."""
        yes_ns = [counts_ns for counts_ns, yes in self.answers if yes and counts_ns <= at_ns]
        if not yes_ns:
            return False
        ends = [counts_ns for counts_ns, yes in self.answers if not yes and counts_ns > max(yes_ns)]
        return at_ns <= min([self.withdrawn_ns, *ends]) + margin_ns

    @property
    def advised(self) -> bool:
        """Whether it was never agreed to."""
        return not any(yes for _, yes in self.answers)


class CoOrdinated:
    id = "8.1"
    title = "flight co-ordinated"
    text = (
        "An uncrewed aircraft flies only by a plan that the other party has agreed to on the ground line, inside its "
        "box and, within {margin_s:g} s, its times. Advising is not co-ordinating."
    )
    instance = "a POSITION of an uncrewed aircraft in the air, at most one in ten seconds"
    proof = (
        "Its POSITION is outside, bounds and all, of every plan that its party published, the other agreed to and "
        "nobody withdrew, and the monitor was on the line all the time in which another could have come."
    )
    limits = (
        "A withdrawal, or a refusal after an agreement, counts only after the margin, and that of the other party from "
        "when it came, whatever its date; an agreement from its date or from when it came, whatever is earlier. A "
        "refusal that the broker kept from before the monitor came, and that is no older than the margin by its date, "
        "may have followed an agreement: that stays open. A POSITION without a bound is outside of no plan. What was "
        "agreed elsewhere than on the line is not known. Of each party the last 1000 plans are remembered; who answers "
        "one more than 100 times has agreed to it, if it ever did; and if the other party says more of plans that "
        "nobody knows than is remembered, nothing is proved."
    )
    suspended_by = ""
    kind = "G"
    hears_copies = False
    watches = (Position,)

    def __init__(self, world: World, terms: PlanTerms):
        self.world, self.margin_ns = world, seconds_ns(terms.margin_s)
        self.uncrewed = {s.address: s for s in world.annexes.register_ if s.role == "uncrewed" and s.party}
        self.plans: dict[tuple[str, str], tuple[Plan, str]] = {}
        """By owner and id each plan, and its document."""
        self.said: defaultdict[tuple[str, str], _Said] = defaultdict(_Said)
        self.overrun: set[str] = set()
        """Owners of plans of whom more was said than is remembered: an agreement may be among it."""
        self.spots = Spots(world)
        self.waiting: deque[Spot] = deque()

    def subjects(self) -> list[str]:
        return [address_text(address) for address in sorted(self.uncrewed)]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        if booked.frame.source in self.uncrewed and (spot := self.spots.take(booked, boundless=True)):
            self.waiting.append(spot)
        return ()

    def read(self, read: Read) -> Iterable[Finding]:
        body, sender, issued_ns = read.document.body, read.document.sender, read.document.at_ns
        line = self.world.line
        assert line is not None
        if isinstance(body, Plan):
            self.plans.setdefault((sender, body.id), (body, read.document.id))
            own = [key for key in self.plans if key[0] == sender]
            if len(own) > MOST_PLANS:
                del self.plans[own[0]]
                self.said.pop(own[0], None)
        elif isinstance(body, PlanAnswer) and sender in self.world.clients and sender != body.owner:
            agreed = body.result == "agreed"
            # who takes back its agreement cannot date that back, nor its agreement ahead
            counts_ns = min(issued_ns, read.at_ns) if agreed else max(issued_ns, read.at_ns)
            if said := self._said(body.owner, body.plan):
                said.answer(counts_ns, agreed)
                if not agreed and line.dated_before(read.document):
                    said.perhaps_ns = max(said.perhaps_ns, issued_ns)
        elif isinstance(body, PlanWithdrawn) and sender in self.world.clients:
            counts_ns = issued_ns if sender == body.owner else max(issued_ns, read.at_ns)
            if said := self._said(body.owner, body.plan):
                said.withdrawn_ns = min(said.withdrawn_ns, counts_ns)
        return ()

    def _said(self, owner: str, plan: str) -> _Said | None:
        """What was said to a plan, known or not; None if too much was said to plans that are not known."""
        key = owner, plan
        if owner not in self.world.clients:
            return None
        if key not in self.plans and key not in self.said:
            unknown = sum(k[0] == owner and k not in self.plans for k in self.said)
            if unknown >= MOST_PLANS:
                self.overrun.add(owner)
                return None
        return self.said[key]

    def settle(self, now_ns: int) -> Iterator[Finding]:
        while self.waiting and self.waiting[0].at_ns + self.world.wait_ns < now_ns:
            yield self._judge(self.waiting.popleft())

    def _judge(self, spot: Spot) -> Finding:
        station, at_ns, margin_ns = self.uncrewed[spot.source], spot.at_ns, self.margin_ns
        own = {
            key: plan
            for key, plan in self.plans.items()
            if int(plan[0].station, 16) == spot.source and self.world.clients.get(key[0]) == station.party
        }
        agreed = [
            plan
            for key, (plan, _) in own.items()
            if plan.from_ns - margin_ns <= at_ns <= plan.until_ns + margin_ns
            and self.said[key].agreed(at_ns, margin_ns)
        ]
        if any(not spot.surely_outside(plan) for plan in agreed):
            return Finding(self.id, address_text(spot.source), Outcome.PASS, at_ns)
        line = self.world.line
        assert line is not None
        gap = line.gap(spot.at_ns - self.margin_ns, spot.at_ns + self.world.wait_ns)
        gap = gap or client_of_party(station.party or "") in self.overrun
        gap = gap or any(at_ns <= self.said[key].perhaps_ns + margin_ns for key in own)
        told = "flies outside every plan that was agreed" if agreed else "flies without a plan that was agreed"
        if advised := sum(self.said[key].advised for key in own):
            told += f" ({advised} published and not agreed: advised, no co-ordination made)"
        return Finding(
            clause=self.id,
            subject=address_text(spot.source),
            outcome=Outcome.INCONCLUSIVE if gap else Outcome.FAIL,
            at_ns=spot.at_ns,
            summary=f"{told}; but not all that was said of its plans is known" if gap else told,
            evidence=(spot.id, *(document for _, document in own.values())),
            cause=Cause.LINE_GAP if gap else None,
            assumptions=() if gap else (*BY_WORD, BOUNDS, SIGNED),
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self.settle(end_ns)
        for spot in self.waiting:
            yield Finding(self.id, address_text(spot.source), Outcome.PENDING, spot.at_ns)
        self.waiting.clear()
