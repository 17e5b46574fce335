"""6.1: the two parties' aircraft stay the safe distance apart, level or in height.

Most pairs are so far apart that all they can do is pass. They sleep, and their passes are counted in blocks
(`protocol/clauses/quiet.py`); a pair is followed step by step only while it may come near, and when every pass has to
be a finding.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from math import inf

import numpy as np

from protocol.accounts import Booked
from protocol.agreement import utc_text
from protocol.bounds import Fix, Limits, Separation, boundless, left_area, separation
from protocol.clauses.base import BY_WORD, EITHERS_DISTRESS, World, opposed, pair_text
from protocol.clauses.blocks import Safe, measure
from protocol.clauses.quiet import Quiet
from protocol.messages import Position
from protocol.terms import DistanceTerms
from protocol.units import FT_M, NM_M, NS_PER_S, seconds_ns
from protocol.verdicts import BOUNDS, CLOCK, Cause, Finding, Outcome, Passes

MOST_REPORTS = 64
"""Of one aircraft while the other is not heard; see `_thin`."""
STARVED_NS = 3 * NS_PER_S
"""A wait for a report that leaves a pair undecided, whatever the bounds."""


@dataclass(slots=True)
class _Run:
    """A stretch in which both upper bounds stayed below both limits without a break."""

    from_ns: int
    first: tuple[Fix, Fix]
    last: tuple[Fix, Fix]
    told_ns: int
    level_m: float = inf
    height_m: float = inf


@dataclass(slots=True)
class _Pair:
    """How far a pair has been followed. `apart_ns`: when it was last proved apart (None: never yet).

    `begin_ns`: when both were first heard. `wait_ns`: the longest wait for a report since it was last proved apart.
    """

    subject: str
    addresses: tuple[int, int]
    numbers: tuple[int, int]
    done_ns: int | None = None
    begin_ns: int = 0
    apart_ns: int | None = None
    wait_ns: int = 0
    run: _Run | None = None
    failed: bool = False
    open: bool = False
    excused: bool = False
    tracks: tuple[list[Fix], list[Fix]] = field(default_factory=lambda: ([], []))


class SafeDistance:
    id = "6.1"
    title = "safe distance"
    text = "Aircraft of the two parties stay {safe_distance_nm:g} NM or {safe_altitude_ft:g} ft apart."
    instance = "the time from one instant proved apart to the next; each full `for_s` proved too close"
    proof = "By intervals from report to report, the pair was within both distances for `for_s` without a break."
    limits = (
        "It accuses the pair: who is at fault is another clause's business. Between two reports an aircraft may pull 9 "
        "g: with a second between them this widens the distance by 11 m, with five by 276 m and 900 ft, so after a few "
        "lost reports nothing is proved too close."
    )
    suspended_by = EITHERS_DISTRESS
    kind = "C"
    hears_copies = False
    watches = (Position,)

    def __init__(self, world: World, terms: DistanceTerms):
        self.world = world
        self._limits = Limits.of(world.agreement)
        self.level_m = terms.safe_distance_nm * NM_M
        self.height_m = terms.safe_altitude_ft * FT_M
        self.for_ns = seconds_ns(terms.for_s)
        self.convex_ns = round(
            min(self._limits.speed_mps, self._limits.climb_mps) / self._limits.acceleration_mps2 * 1e9
        )
        self.terms = terms
        self.anywhere_ns = seconds_ns(self._limits.anywhere_s)
        flying = world.flying()
        self.flying = [station.address for station in flying]
        self.number = {address: i for i, address in enumerate(self.flying)}
        self.names = {
            (i, j): pair_text(a.address, b.address)
            for (i, a), (j, b) in combinations(enumerate(flying), 2)
            if opposed(a, b)
        }
        """All pairs, in order."""
        self.pairs: dict[tuple[int, int], _Pair] = {}
        """Those that were ever awake."""
        self.awake: list[list[tuple[_Pair, int]] | None] = [None for _ in flying]
        """Of each aircraft, the pairs that are not asleep, in the same order; None if it is to be found out."""
        self.safe = Safe(terms.safe_distance_nm, terms.safe_altitude_ft)
        self.quiet = None
        self.opponents: list[list[int]] = [[] for _ in flying]
        for i, j in self.names:
            self.opponents[i].append(j)
            self.opponents[j].append(i)
        if not world.each_pass:
            opposing = np.zeros((len(flying), len(flying)), np.bool_)
            for i, others in enumerate(self.opponents):
                opposing[i, others] = True
            self.quiet = Quiet(opposing, self._limits, self.safe, min(STARVED_NS, self.for_ns))

    def subjects(self) -> list[str]:
        return list(self.names.values())

    def _pair(self, i: int, j: int) -> _Pair:
        """The pair of two aircraft, the lower number first."""
        pair = self.pairs.get((i, j))
        if pair is None:
            pair = self.pairs[i, j] = _Pair(self.names[i, j], (self.flying[i], self.flying[j]), (i, j))
        return pair

    def hear(self, booked: Booked) -> Iterator[Finding | Passes]:
        message, i = booked.frame.message, self.number.get(booked.frame.source)
        if not isinstance(message, Position) or i is None:
            return
        if not message.airborne or left_area(message, self.world.annexes.area):
            yield from self._wake_all(i)
            for pair, _ in self._awake(i):
                yield from self._landed(pair, booked.at_ns)
            return
        fix = self.world.fix_of(booked) or boundless(booked)
        if self.quiet and self.quiet.is_news(i, fix):
            yield from self._rouse(self.quiet, i, fix)
        for pair, side in self._awake(i):
            done_ns = pair.done_ns
            yield from self._report(pair, side, fix)
            if self.quiet and pair.apart_ns is not None and done_ns != pair.done_ns == pair.apart_ns:
                self._lull(self.quiet, pair)

    def _report(self, pair: _Pair, side: int, fix: Fix) -> Iterator[Finding]:
        """One of the two has reported, and the pair is awake."""
        track = pair.tracks[side]
        if track and fix.at_ns <= track[-1].at_ns:
            return
        if track:
            pair.wait_ns = max(pair.wait_ns, fix.at_ns - track[-1].at_ns)
        track.append(fix)
        yield from self._follow(pair)
        if len(track) > MOST_REPORTS:
            _thin(track, self.anywhere_ns)

    def _awake(self, i: int) -> list[tuple[_Pair, int]]:
        known = self.awake[i]
        if known is None:
            asleep = set(self.quiet.sleepers(i)) if self.quiet else ()
            others = [j for j in self.opponents[i] if j not in asleep]
            known = self.awake[i] = [(self._pair(min(i, j), max(i, j)), int(j < i)) for j in others]
        return known

    def _lull(self, quiet: Quiet, pair: _Pair) -> None:
        """Put a pair to sleep, if it stays apart for a while."""
        assert pair.done_ns is not None
        i, j = pair.numbers
        if quiet.lull(i, j, pair.tracks, pair.done_ns):
            self.awake[i] = self.awake[j] = None

    def _rouse(self, quiet: Quiet, i: int, fix: Fix) -> Iterator[Finding | Passes]:
        """Wake the pairs that a report may bring near; the others sleep on, and it is entered for them."""
        roused = quiet.rouse(i, fix)
        if quiet.is_much(i, roused):
            quiet.settle()
        for j in roused:
            yield from self._wake(quiet, i, j)
        if quiet.full:
            quiet.settle()
            for k, j in quiet.silent():
                yield from self._wake(quiet, k, j)
        quiet.report(i, fix)

    def _wake_all(self, i: int) -> Iterator[Finding | Passes]:
        """An aircraft does not fly in the area any more: its pairs begin anew when it does."""
        if self.quiet and (self.quiet.flights[i].last or self.quiet.sleepers(i)):
            self.quiet.settle()
            for j in self.quiet.sleepers(i):
                yield from self._wake(self.quiet, i, j)
            self.quiet.forget(i)

    def _wake(self, quiet: Quiet, i: int, j: int) -> Iterator[Finding | Passes]:
        """Tell the passes that were counted, and follow the pair through what it has slept through."""
        i, j = min(i, j), max(i, j)
        pair = self._pair(i, j)
        yield from self._counted(quiet, i, j)
        before, slept = quiet.wake(i, j)
        if before is not None:
            pair.tracks, pair.done_ns, pair.open = before.tracks, before.done_ns, before.apart
            pair.begin_ns = before.done_ns or 0
            pair.apart_ns = before.done_ns if before.apart else None
            pair.wait_ns = 0  # none of its waits was long enough to matter
        for side, fix in slept:
            yield from self._report(pair, side, fix)
        self.awake[i] = self.awake[j] = None

    def counted(self) -> Iterator[Passes]:
        if self.quiet:
            self.quiet.settle()
            for i, j in self.quiet.passes.pairs():
                yield from self._counted(self.quiet, i, j)

    def _counted(self, quiet: Quiet, i: int, j: int) -> Iterator[Passes]:
        count, best = quiet.passes.take(i, j)
        if count:
            nearest = best and self._passed(self.names[i, j], best.at_ns, best.level, best.measured)
            yield Passes(self.id, self.names[i, j], count, nearest)

    def _landed(self, pair: _Pair, at_ns: int) -> Iterator[Finding]:
        """An aircraft on the ground or outside the area has no distance to keep: start over when it flies there."""
        if pair.open:
            yield from self._apart(pair, at_ns, None)
        pair.tracks[0].clear()
        pair.tracks[1].clear()
        pair.done_ns, pair.apart_ns, pair.run, pair.open, pair.wait_ns = None, None, None, False, 0

    def _follow(self, pair: _Pair) -> Iterator[Finding]:
        """Judge the pair up to the latest instant that both have reported for."""
        a, b = pair.tracks
        if not a or not b:
            del a[:-1], b[:-1]
            return
        if pair.done_ns is None:
            pair.done_ns = pair.begin_ns = max(a[-1].at_ns, b[-1].at_ns)
            pair.wait_ns = 0
            del a[:-1], b[:-1]
        until = min(a[-1].at_ns, b[-1].at_ns)
        if until <= pair.done_ns:
            return
        pair.open = True
        now = separation(_nearest(a, until), _nearest(b, until), until, self._limits)
        if pair.run is None and self._is_apart(now) and until - (pair.apart_ns or pair.done_ns) <= self.for_ns:
            yield from self._apart(pair, until, now)  # nothing that happened since then lasted long enough
        else:
            yield from self._follow_closely(pair, until)
        pair.done_ns = until
        for track in pair.tracks:
            while len(track) > 1 and track[1].at_ns <= until:
                del track[0]

    def _follow_closely(self, pair: _Pair, until: int) -> Iterator[Finding]:
        a, b = pair.tracks
        assert pair.done_ns is not None
        cuts = sorted({t for t in (*_turns(a), *_turns(b)) if pair.done_ns < t < until} | {pair.done_ns, until})
        for u, w in pairwise(cuts):
            middle = (u + w) // 2
            fa, fb = _nearest(a, middle), _nearest(b, middle)
            yield from self._stretch(pair, fa, fb, u, w)

    def _stretch(self, pair: _Pair, a: Fix, b: Fix, u: int, w: int) -> Iterator[Finding]:
        """Judge u to w, where the nearest reports are a and b.

        In between the upper bounds are convex as long as the reports are not too old, so their ends bound them.
        """
        begin, end = separation(a, b, u, self._limits), separation(a, b, w, self._limits)
        level, height = max(begin.level_high_m, end.level_high_m), max(begin.height_high_m, end.height_high_m)
        age_ns = max(abs(u - a.at_ns), abs(u - b.at_ns), abs(w - a.at_ns), abs(w - b.at_ns))
        if level < self.level_m and height < self.height_m and age_ns < self.convex_ns:
            run = pair.run or _Run(u, (a, b), (a, b), u)
            run.last = (a, b)
            run.level_m, run.height_m = min(run.level_m, level), min(run.height_m, height)
            pair.run = run
            if w - run.told_ns >= self.for_ns:
                yield from self._too_close(pair, run, w)
        else:
            pair.run = None
            if self._is_apart(end):
                yield from self._apart(pair, w, end)
            elif self._is_apart(begin):
                yield from self._apart(pair, u, begin)

    def _is_apart(self, s: Separation) -> bool:
        return s.level_low_m >= self.level_m or s.height_low_m >= self.height_m

    def _apart(self, pair: _Pair, at_ns: int, s: Separation | None) -> Iterator[Finding]:
        since, failed, excused = pair.apart_ns, pair.failed, pair.excused
        wait_ns, pair.wait_ns = pair.wait_ns, 0
        pair.apart_ns, pair.failed, pair.excused = at_ns, False, False
        if failed:
            return
        if excused:
            yield Finding(self.id, pair.subject, Outcome.EXCUSED, at_ns, cause=Cause.DISTRESS)
        elif since is None:
            if at_ns - pair.begin_ns > self.for_ns:
                yield self._undecided(pair, pair.begin_ns, at_ns, wait_ns)
        elif at_ns - since <= self.for_ns:
            level, measured = (False, None) if s is None else measure(s, self.safe)
            yield self._passed(pair.subject, at_ns, level, measured)
        else:
            yield self._undecided(pair, since, at_ns, wait_ns)

    def _passed(self, subject: str, at_ns: int, level: bool, measured: float | None) -> Finding:
        return Finding(
            clause=self.id,
            subject=subject,
            outcome=Outcome.PASS,
            at_ns=at_ns,
            measured=measured,
            limit=self.terms.safe_distance_nm if level else self.terms.safe_altitude_ft,
            unit="NM" if level else "ft",
        )

    def _undecided(self, pair: _Pair, since: int, until: int, wait_ns: int) -> Finding:
        """Missing reports left it open, or else the width of the bounds."""
        seconds = (until - since) / NS_PER_S
        told = f"for {seconds:.1f} s neither proved apart nor proved too close"
        finding = Finding(self.id, pair.subject, Outcome.INCONCLUSIVE, until, told, cause=Cause.NO_BOUND)
        finding = finding._replace(measured=round(seconds, 3), limit=self.terms.for_s, unit="s")
        return self.world.unheard(finding, since, until, *pair.addresses) if wait_ns > STARVED_NS else finding

    def _too_close(self, pair: _Pair, run: _Run, until: int) -> Iterator[Finding]:
        run.told_ns = until
        suspended = [
            first.booked.account.suspended(first.booked.number, last.booked.number)
            if first.booked.account is last.booked.account
            else None
            for first, last in zip(run.first, run.last, strict=True)
        ]
        if True in suspended:
            pair.excused, pair.run = True, None
            return
        seconds = (until - run.from_ns) / NS_PER_S
        unknown = None in suspended
        pair.failed = True
        yield Finding(
            clause=self.id,
            subject=pair.subject,
            outcome=Outcome.INCONCLUSIVE if unknown else Outcome.FAIL,
            at_ns=until,
            summary=f"proved within both limits from {utc_text(run.from_ns)[11:21]} to {utc_text(until)[11:21]}: "
            f"at most {run.level_m / NM_M:.2f} NM apart at one time, {run.height_m / FT_M:,.0f} ft in height at one"
            + ("; an unheard INTENT may have declared an avoidance" if unknown else ""),
            evidence=tuple(f.booked.id for f in (*run.first, *run.last)),
            cause=Cause.STATE_UNHEARD if unknown else None,
            measured=round(seconds, 3),
            limit=self.terms.for_s,
            unit="s",
            assumptions=() if unknown else (*BY_WORD, CLOCK, BOUNDS),
        )

    def close(self, end_ns: int) -> Iterator[Finding | Passes]:
        yield from self.counted()
        for (i, j), name in self.names.items():
            if self.quiet and self.quiet.asleep(i, j):
                if self.quiet.began(i, j):
                    yield Finding(self.id, name, Outcome.PENDING, end_ns)
                continue
            pair = self._pair(i, j)
            if not pair.open or pair.failed or pair.done_ns is None:
                continue
            since = pair.begin_ns if pair.apart_ns is None else pair.apart_ns
            if pair.excused:
                yield Finding(self.id, pair.subject, Outcome.EXCUSED, end_ns, cause=Cause.DISTRESS)
            elif pair.done_ns - since <= self.for_ns:
                yield Finding(self.id, pair.subject, Outcome.PENDING, end_ns)
            else:
                yield self._undecided(pair, since, pair.done_ns, pair.wait_ns)


def _turns(track: list[Fix]) -> list[int]:
    """Where the nearest report of a track changes: its reports, and the middles between them."""
    bounded = [f for f in track if f.radius_m < inf]
    middles = [(x.at_ns + y.at_ns) // 2 for some in (track, bounded) for x, y in pairwise(some)]
    return [*(f.at_ns for f in track), *middles]


def _thin(track: list[Fix], long_ns: int) -> None:
    """Drop reports that are so long after the other's last one, and before its next, that nothing is proved of both."""
    first = bisect_right(track, track[0].at_ns + long_ns, key=_at_ns)
    del track[first : bisect_left(track, track[-1].at_ns - long_ns, key=_at_ns)]


def _at_ns(fix: Fix) -> int:
    return fix.at_ns


def _nearest(track: list[Fix], at_ns: int) -> Fix:
    """The nearest report in time, of those with a bound if there are any."""
    if len(track) == 1:
        return track[0]
    return min(track, key=lambda f: (f.radius_m == inf, abs(f.at_ns - at_ns)))
