"""8.2: closed areas are notified in time, and kept out of."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protocol.accounts import Booked
from protocol.clauses.base import BY_WORD, World, address_text
from protocol.clauses.line import Spot, Spots
from protocol.line.documents import Area, AreaLifted
from protocol.line.presence import Read
from protocol.messages import Position
from protocol.terms import AreaTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import BOUNDS, SIGNED, Cause, Finding, Outcome, Passes

NEVER = 1 << 63
MOST_AREAS = 1000
"""So many areas of one party are judged, and so many liftings of areas that nobody knows remembered."""
BEFORE_NS = 60 * NS_PER_S
"""A gap of the monitor's so long before a POSITION may hide that the area was opened again."""


@dataclass(frozen=True, slots=True)
class _Closed:
    """An area that was notified in time, when that came, and whose it is."""

    area: Area
    id: str
    owner: str
    came_ns: int


class ClosedAreas:
    id = "8.2"
    title = "closed areas"
    text = (
        "A party that closes an area says so on the ground line {notice_s:g} s before it begins, and the other party's "
        "aircraft keep out of it."
    )
    instance = (
        "the notice of an area; and a POSITION of an aircraft of the other party, at most one in ten seconds, while an "
        "area that was notified in time is closed, surely inside or surely outside of it"
    )
    proof = (
        "The party: its own signed notice was issued too late. The aircraft: its POSITION is inside, bounds and all, "
        "and a document of its headquarters shows that it had the notice."
    )
    limits = (
        "A notice that was issued in time and came late is never held against anybody, be it that the broker was down "
        "or that it is dated back; but one that comes in the first seconds after the monitor did, and is dated before, "
        "is taken for one that the broker had kept. An area that was notified late need not be kept out of. Beyond "
        "1000 areas of one party no more are judged; who lifts as many that nobody knows has lifted all of its own."
    )
    suspended_by = ""
    kind = "G"
    hears_copies = False
    watches = (Position,)

    def __init__(self, world: World, terms: AreaTerms):
        self.world, self.notice_ns = world, seconds_ns(terms.notice_s)
        self.areas: dict[tuple[str, Area], _Closed] = {}
        self.lifted_ns: dict[tuple[str, str], int] = {}
        """When each area was opened again, which may come before its notice."""
        self.known: defaultdict[str, set[Area]] = defaultdict(set)
        """By owner, every area that was judged."""
        self.all_lifted: set[str] = set()
        self.spots = Spots(world)
        self.waiting: deque[Spot] = deque()

    def subjects(self) -> list[str]:
        parties = sorted(set(self.world.clients.values()))
        return [*parties, *(address_text(s.address) for s in self.world.flying())]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        if self.areas and booked.frame.source in self.world.flies and (spot := self.spots.take(booked)):
            self.waiting.append(spot)
        return ()

    def read(self, read: Read) -> Iterable[Finding]:
        body, sender = read.document.body, read.document.sender
        if sender not in self.world.clients:
            return ()
        if isinstance(body, AreaLifted):
            self._lift((sender, body.area), read.document.at_ns)
        known = self.known[sender]
        if not isinstance(body, Area) or body in known or len(known) >= MOST_AREAS:
            return ()
        known.add(body)
        return (self._noticed(read, body),)

    def _lift(self, key: tuple[str, str], at_ns: int) -> None:
        ids = {area.id for area in self.known[key[0]]}
        unknown = sum(owner == key[0] and area not in ids for owner, area in self.lifted_ns)
        if key in self.lifted_ns or key[1] in ids or unknown < MOST_AREAS:
            self.lifted_ns[key] = min(self.lifted_ns.get(key, NEVER), at_ns)
        else:
            self.all_lifted.add(key[0])

    def _noticed(self, read: Read, area: Area) -> Finding:
        document, line = read.document, self.world.line
        assert line is not None
        least_ns = area.from_ns - self.notice_ns
        notice_s = round((area.from_ns - document.at_ns) / NS_PER_S, 3)
        outcome, told, cause = Outcome.PASS, "", None
        if document.at_ns > least_ns:
            outcome, told = Outcome.FAIL, f"its notice of area {area.id} was issued {notice_s:g} s before it begins"
        elif read.at_ns > least_ns and not line.from_before(read):
            outcome, cause = Outcome.INCONCLUSIVE, Cause.LINE_GAP
            told = f"its notice of area {area.id} is dated in time and came late: the line was cut, or it is dated back"
        if outcome is Outcome.PASS:
            self.areas[document.sender, area] = _Closed(area, document.id, document.sender, read.at_ns)
        return Finding(
            clause=self.id,
            subject=self.world.clients[document.sender],
            outcome=outcome,
            at_ns=read.at_ns,
            summary=told,
            evidence=(document.id,),
            cause=cause,
            measured=notice_s,
            limit=self.notice_ns / NS_PER_S,
            unit="s",
            assumptions=(SIGNED,) if outcome is Outcome.FAIL else (),
        )

    def settle(self, now_ns: int) -> Iterator[Finding]:
        while self.waiting and self.waiting[0].at_ns + self.world.wait_ns < now_ns:
            yield from self._judge(self.waiting.popleft())

    def _judge(self, spot: Spot) -> Iterator[Finding]:
        party = self.world.stations[spot.source].party
        others = [c for c in self.areas.values() if self.world.clients[c.owner] != party and self._holds(c, spot.at_ns)]
        for closed in others:
            if spot.surely_inside(closed.area):
                yield self._inside(spot, closed, party)
            elif spot.surely_outside(closed.area):
                yield Finding(self.id, address_text(spot.source), Outcome.PASS, spot.at_ns)

    def _holds(self, closed: _Closed, at_ns: int) -> bool:
        """Whether an area is closed at an instant."""
        area = closed.area
        if closed.owner in self.all_lifted:
            return False
        return area.from_ns <= at_ns < min(area.until_ns, self.lifted_ns.get((closed.owner, area.id), NEVER))

    def _inside(self, spot: Spot, closed: _Closed, party: str | None) -> Finding:
        line = self.world.line
        assert line is not None
        told, cause = f"inside area {closed.area.id} of {self.world.clients[closed.owner]}, which is closed", None
        mine = [client for client, its in self.world.clients.items() if its == party]
        if not any(line.proved(client, closed.came_ns, spot.at_ns) for client in mine):
            told, cause = f"{told}; it is not proved that its headquarters has the notice", Cause.NOT_PROVED_HEARD
        if line.gap(spot.at_ns - BEFORE_NS, spot.at_ns + self.world.wait_ns):
            told, cause = f"{told}; but the monitor was cut off from the line", Cause.LINE_GAP
        return Finding(
            clause=self.id,
            subject=address_text(spot.source),
            outcome=Outcome.INCONCLUSIVE if cause else Outcome.FAIL,
            at_ns=spot.at_ns,
            summary=told,
            evidence=(spot.id, closed.id),
            cause=cause,
            assumptions=() if cause else (*BY_WORD, BOUNDS, SIGNED),
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self.settle(end_ns)
        for spot in self.waiting:
            if any(self._holds(c, spot.at_ns) for c in self.areas.values()):
                yield Finding(self.id, address_text(spot.source), Outcome.PENDING, spot.at_ns)
        self.waiting.clear()
