"""Which pairs of 6.1 are asleep: surely apart as long as both report inside their boxes, so that all they do is pass.

A pair that is asleep has no state but the place in the block from which on its passes are counted there and, until it
has been proved apart once, when it began. What it would be like awake follows from the reports of the two, which are
kept as long as a pair that is asleep may need them. Every pair is asleep at first, and most are never followed.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

import numpy as np

from protocol.bounds import Fix, Limits
from protocol.clauses.blocks import AWAKE, UNHEARD, Block, Flags, Safe, Tables
from protocol.clauses.boxes import Box, Boxes, box_of
from protocol.units import NS_PER_S

REPORTS = 512
"""In a block."""
IN_BOX = 3
"""Reports that a new box goes back for: a step may be judged by those before the last, if others report late."""
MUCH = 200
"""Reports that pairs which wake are taken through one by one; if there are more, the block is settled first."""
SILENT_NS = 60 * NS_PER_S
"""An aircraft that was not heard for so long keeps nobody's reports."""

NEVER_NS = 1 << 62


@dataclass(slots=True)
class Flight:
    """One aircraft's reports since it last took off or came, in order of their times."""

    before: list[Fix] = field(default_factory=list)
    """From before the block: as many as pairs that are asleep may need, and always the last few."""
    recent: list[tuple[int, Fix]] = field(default_factory=list)
    """Those of the block, with their places in it."""
    run: list[Fix] = field(default_factory=list)
    """The last ones, all with a bound and none too late after the one before."""
    box: Box | None = None

    @property
    def last(self) -> Fix | None:
        if self.recent:
            return self.recent[-1][1]
        return self.before[-1] if self.before else None

    def ends_with(self, track: list[Fix]) -> bool:
        """Whether these are its latest reports, none left out."""
        count = len(track)
        latest = [fix for _, fix in self.recent[-count:]]
        if len(latest) < count:
            latest = [*self.before[len(latest) - count :], *latest]
        return len(latest) == count and all(a is b for a, b in zip(latest, track, strict=True))


class Before(NamedTuple):
    """How a pair that was asleep was when the block began: its tracks, and up to when it had been followed."""

    tracks: tuple[list[Fix], list[Fix]]
    done_ns: int | None
    apart: bool
    """Whether it was proved apart then; or it had only begun, or not even that (`done_ns` is None)."""


class Quiet:
    """Who is asleep with whom. An aircraft is a number, and a pair two of them, in any order."""

    def __init__(self, opposed: Flags, limits: Limits, safe: Safe, longest_ns: int):
        """`opposed`: for two aircraft, whether they are a pair. All pairs sleep until both have been heard."""
        count = len(opposed)
        self.flights = [Flight() for _ in range(count)]
        self.passes = Tables(count)
        self._longest_ns = longest_ns
        """A report that comes later than this after the one before wakes all pairs of its aircraft."""
        self._boxes = Boxes(count, limits, safe.level_m, safe.height_m)
        self._block = Block(count, limits, safe)
        self._block.since[opposed] = 0
        self._block.begin_ns[opposed] = UNHEARD
        self._heard = np.zeros(count, np.bool_)
        """Who has reported at all. The others have no box, and need none."""

    @property
    def full(self) -> bool:
        return len(self._block.reports) >= REPORTS

    def is_news(self, i: int, fix: Fix) -> bool:
        """Whether a report is later than all others of its aircraft; another counts for no pair that is asleep."""
        last = self.flights[i].last
        return last is None or fix.at_ns > last.at_ns

    def rouse(self, i: int, fix: Fix) -> list[int]:
        """The aircraft whose pairs with this one a report, which is news, may not leave asleep."""
        flight, last = self.flights[i], self.flights[i].last
        if fix.radius_m == inf:
            flight.run.clear()
            flight.box = None
            self._boxes.drop(i)
            return _places(self._asleep(i))
        if last is None:
            flight.run = [fix]
            self._put(i, flight)
            return _places(self._asleep(i) & ~self._boxes.apart[i])
        if not flight.run or fix.at_ns - last.at_ns > self._longest_ns:
            flight.run = [fix]
            self._put(i, flight)
            return _places(self._asleep(i))
        flight.run = [*flight.run[1 - IN_BOX :], fix]
        roused: set[int] = set()
        if flight.box is None or not flight.box.holds(fix, fix.at_ns - last.at_ns):
            self._put(i, flight)
            roused.update(_places(self._asleep(i) & ~self._boxes.apart[i]))
        if self._boxes.newest_ns > last.at_ns:
            # steps begin after the one before, or after the pair did: boxes must hold the others' reports since
            since_ns = np.maximum(self._block.begin_ns[i], last.at_ns)
            roused.update(_places(self._asleep(i) & (self._boxes.from_ns > since_ns)))
        return sorted(roused)

    def _last_ns(self, i: int) -> int:
        last = self.flights[i].last
        return last.at_ns if last else 0

    def _asleep(self, i: int) -> Flags:
        """The others that are asleep with an aircraft, and have reported."""
        asleep: Flags = (self._block.since[i] < AWAKE) & self._heard
        return asleep

    def _put(self, i: int, flight: Flight) -> None:
        flight.box = box_of(flight.run)
        self._boxes.put(i, flight.box)

    def report(self, i: int, fix: Fix) -> None:
        """Enter a report for all pairs that are asleep."""
        if not self._heard[i]:
            others = _places(self._asleep(i))
            begin_ns = [max(fix.at_ns, self._last_ns(j)) for j in others]
            self._block.begin_ns[i, others] = self._block.begin_ns[others, i] = begin_ns
            self._heard[i] = True
        self.flights[i].recent.append((len(self._block.reports), fix))
        self._block.reports.append((i, fix))

    def is_much(self, i: int, others: list[int]) -> bool:
        """Whether so much was slept through with these that it is better counted first."""
        return sum(len(self.flights[i].recent) + len(self.flights[j].recent) for j in others) > MUCH

    def asleep(self, i: int, j: int) -> bool:
        return bool(self._block.since[i, j] < AWAKE)

    def began(self, i: int, j: int) -> bool:
        """Whether a pair that is asleep has been proved apart, up to the last block."""
        return bool(self._block.begin_ns[i, j] == 0)

    def lull(self, i: int, j: int, tracks: tuple[list[Fix], list[Fix]], done_ns: int) -> bool:
        """Put a pair to sleep that was just proved apart, at `done_ns`, if it is to stay apart. Tells if it did."""
        a, b = self.flights[i], self.flights[j]
        if a.box is None or b.box is None or max(a.box.from_ns, b.box.from_ns) > done_ns or not self._boxes.apart[i, j]:
            return False
        mine, other = tracks
        if min(mine[-1].at_ns, other[-1].at_ns) != done_ns or max(mine[0].at_ns, other[0].at_ns) > done_ns:
            return False
        if not (a.ends_with(mine) and b.ends_with(other)):
            return False
        self._block.since[i, j] = self._block.since[j, i] = len(self._block.reports)
        self._block.begin_ns[i, j] = self._block.begin_ns[j, i] = 0
        return True

    def wake(self, i: int, j: int) -> tuple[Before | None, list[tuple[int, Fix]]]:
        """Wake a pair: how it was when the block began (None: awake), and what it has slept through.

        The latter with 0 for a report of `i` and 1 for one of `j`, in order of arrival.
        """
        since = self._block.since[i, j]
        self._block.since[i, j] = self._block.since[j, i] = AWAKE
        flights = self.flights[i], self.flights[j]
        slept = sorted((n, side, f) for side, flight in enumerate(flights) for n, f in flight.recent if n >= since)
        return None if since else self._before(i, j), [(side, fix) for _, side, fix in slept]

    def _before(self, i: int, j: int) -> Before:
        a, b, begin_ns = self.flights[i].before, self.flights[j].before, int(self._block.begin_ns[i, j])
        if not a or not b:  # one of them had not been heard then
            return Before((a[-1:], b[-1:]), None, False)
        done_ns = begin_ns or min(a[-1].at_ns, b[-1].at_ns)
        return Before((_from(a, done_ns), _from(b, done_ns)), done_ns, not begin_ns)

    def settle(self) -> None:
        """Count the block's passes, and begin another."""
        self._block.settle([flight.before for flight in self.flights], self.passes)
        some = (self.flights[i] for i in _places(np.any(self._block.since < AWAKE, axis=1)))
        needed = min((flight.last.at_ns for flight in some if flight.last), default=NEVER_NS)
        for flight in self.flights:
            known = [*flight.before, *(fix for _, fix in flight.recent)]
            first = bisect_right(known, needed, key=_at_ns) - 1
            flight.before = known[max(min(first, len(known) - IN_BOX), 0) :]
            flight.recent.clear()

    def silent(self) -> list[tuple[int, int]]:
        """Pairs that are asleep, and of which one was not heard for long."""
        last = {i: flight.last.at_ns for i, flight in enumerate(self.flights) if flight.last}
        newest_ns = max(last.values(), default=0)
        silent = [i for i, at_ns in last.items() if at_ns < newest_ns - SILENT_NS]
        return [(i, j) for i in silent for j in self.sleepers(i) if i < j or j not in silent]

    def sleepers(self, i: int) -> list[int]:
        """With whom an aircraft is asleep."""
        return _places(self._block.since[i] < AWAKE)

    def forget(self, i: int) -> None:
        """An aircraft landed or left; none of its pairs is asleep any more, and no block knows its reports."""
        self.flights[i] = Flight()
        self._boxes.drop(i)


def _places(flags: Flags) -> list[int]:
    places: list[int] = np.flatnonzero(flags).tolist()
    return places


def _from(fixes: list[Fix], at_ns: int) -> list[Fix]:
    """The last report that is no later than an instant, and those after it."""
    return fixes[bisect_right(fixes, at_ns, key=_at_ns) - 1 :]


def _at_ns(fix: Fix) -> int:
    return fix.at_ns
