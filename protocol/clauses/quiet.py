"""Which pairs of 6.1 are asleep: surely apart as long as both report inside their boxes, so that all they do is pass.

A pair that is asleep has no state but the place in the block from which on its passes are counted there. What it would
be like awake follows from the reports of the two, which are kept as long as a pair that is asleep may need them.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from math import inf

import numpy as np
import numpy.typing as npt

from protocol.bounds import Fix, Limits
from protocol.clauses.blocks import AWAKE, Block, Safe, Tables
from protocol.clauses.boxes import Box, Boxes, box_of
from protocol.units import NS_PER_S

REPORTS = 512
"""In a block."""
IN_BOX = 3
"""Reports that a new box goes back for: a step may be judged by those before the last, if others report late."""
FEW = 4
"""Pairs that are woken one by one; for more of them the block is settled first."""
SILENT_NS = 60 * NS_PER_S
"""An aircraft that was not heard for so long keeps nobody's reports."""


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


class Quiet:
    """Who is asleep with whom. An aircraft is a number, and a pair two of them, in any order."""

    def __init__(self, count: int, limits: Limits, safe: Safe, longest_ns: int):
        self.flights = [Flight() for _ in range(count)]
        self.passes = Tables(count)
        self._longest_ns = longest_ns
        """A report that comes later than this after the one before wakes all pairs of its aircraft."""
        self._boxes = Boxes(count, limits, safe.level_m, safe.height_m)
        self._block = Block(count, limits, safe)

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
            return self.sleepers(i)
        if last is None or not flight.run or fix.at_ns - last.at_ns > self._longest_ns:
            flight.run = [fix]
            self._put(i, flight)
            return self.sleepers(i)
        flight.run = [*flight.run[1 - IN_BOX :], fix]
        roused: set[int] = set()
        if flight.box is None or not flight.box.holds(fix, fix.at_ns - last.at_ns):
            self._put(i, flight)
            roused.update(_places((self._block.since[i] < AWAKE) & ~self._boxes.apart[i]))
        if self._boxes.newest_ns > last.at_ns:  # steps begin after the one before: boxes must hold the others' since
            roused.update(_places((self._block.since[i] < AWAKE) & (self._boxes.from_ns > last.at_ns)))
        return sorted(roused)

    def _put(self, i: int, flight: Flight) -> None:
        flight.box = box_of(flight.run)
        self._boxes.put(i, flight.box)

    def report(self, i: int, fix: Fix) -> None:
        """Enter a report for all pairs that are asleep."""
        self.flights[i].recent.append((len(self._block.reports), fix))
        self._block.reports.append((i, fix))

    def asleep(self, i: int, j: int) -> bool:
        return bool(self._block.since[i, j] < AWAKE)

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
        return True

    def wake(self, i: int, j: int) -> tuple[tuple[list[Fix], list[Fix]] | None, list[tuple[int, Fix]]]:
        """Wake a pair: its tracks when the block began (None: it was awake then), and what it has slept through.

        The latter with 0 for a report of `i` and 1 for one of `j`, in order of arrival.
        """
        a, b, since = self.flights[i], self.flights[j], self._block.since[i, j]
        self._block.since[i, j] = self._block.since[j, i] = AWAKE
        tracks = None
        if since == 0:
            done_ns = min(a.before[-1].at_ns, b.before[-1].at_ns)
            tracks = _from(a.before, done_ns), _from(b.before, done_ns)
        slept = sorted((n, side, f) for side, flight in enumerate((a, b)) for n, f in flight.recent if n >= since)
        return tracks, [(side, fix) for _, side, fix in slept]

    def settle(self) -> None:
        """Count the block's passes, and begin another."""
        self._block.settle([flight.before for flight in self.flights], self.passes)
        some = (self.flights[i] for i in _places(np.any(self._block.since < AWAKE, axis=1)))
        needed = min((flight.last.at_ns for flight in some if flight.last), default=0)
        for flight in self.flights:
            known = [*flight.before, *(fix for _, fix in flight.recent)]
            first = bisect_right(known, needed, key=_at_ns) - 1
            flight.before = known[max(min(first, len(known) - IN_BOX), 0) :]
            flight.recent.clear()

    def silent(self) -> list[tuple[int, int]]:
        """Pairs that are asleep, and of which one was not heard for long."""
        last = [flight.last.at_ns if flight.last else 0 for flight in self.flights]
        silent = [i for i, at_ns in enumerate(last) if at_ns < max(last) - SILENT_NS]
        return [(i, j) for i in silent for j in self.sleepers(i) if i < j or j not in silent]

    def sleepers(self, i: int) -> list[int]:
        """With whom an aircraft is asleep."""
        return _places(self._block.since[i] < AWAKE)

    def forget(self, i: int) -> None:
        """An aircraft landed or left; none of its pairs is asleep any more, and no block knows its reports."""
        self.flights[i] = Flight()
        self._boxes.drop(i)


def _places(flags: npt.NDArray[np.bool_]) -> list[int]:
    places: list[int] = np.flatnonzero(flags).tolist()
    return places


def _from(fixes: list[Fix], at_ns: int) -> list[Fix]:
    """The last report that is no later than an instant, and those after it."""
    return fixes[bisect_right(fixes, at_ns, key=_at_ns) - 1 :]


def _at_ns(fix: Fix) -> int:
    return fix.at_ns
