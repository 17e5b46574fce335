"""Passes of 6.1 that are counted in blocks: the steps of pairs that are surely apart, all at once, as columns.

A report of one aircraft takes each pair that it is part of a step on, to the latest instant that both have reported
for. Which reports the step is judged by, and how far apart they put the pair, is what `c6_1` finds for a pair by
itself; where rounding could tell the two apart, the step is judged by `bounds.separation` itself.
"""

from collections.abc import Sequence
from math import inf, nan, radians
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from protocol.bounds import EARTH_M, ECCENTRICITY2, FAR_M, FLATNESS, Fix, Limits, Separation, separation
from protocol.units import FT_M, NM_M, NS_PER_S

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

AWAKE = np.iinfo(np.int64).max
"""Instead of a place in the block: the pair is not judged here."""
CHUNK = 4096
"""Steps that are judged at a time: their columns fit into the processor's cache."""
UNHEARD = np.iinfo(np.int64).max
"""Instead of when a pair began: its two have not both been heard yet."""
SURE = 1e-6
"""Thousandths of a unit: columns and `bounds.separation` differ by less, by much."""


class Safe(NamedTuple):
    """The limits of 6.1, as the agreement states them and in metres."""

    distance_nm: float
    altitude_ft: float

    @property
    def level_m(self) -> float:
        return self.distance_nm * NM_M

    @property
    def height_m(self) -> float:
        return self.altitude_ft * FT_M


def measure(s: Separation, safe: Safe) -> tuple[bool, float]:
    """How far apart a pair is that is apart, in the unit that decides; and whether that is the level distance."""
    level = s.level_low_m >= safe.level_m
    return level, round(s.level_low_m / NM_M if level else s.height_low_m / FT_M, 3)


class Best(NamedTuple):
    """The pass with the least room, as far as it is known: see `Finding`."""

    at_ns: int
    measured: float
    level: bool


class Tables:
    """For each pair (a row per lower aircraft): how many passes were counted, and the first with the least room."""

    def __init__(self, count: int):
        self.count = np.zeros((count, count), np.int64)
        self.room = np.full((count, count), inf)
        self.at_ns = np.zeros((count, count), np.int64)
        self.measured = np.zeros((count, count))
        self.level = np.zeros((count, count), np.bool_)

    def take(self, i: int, j: int) -> tuple[int, Best | None]:
        """What was counted for a pair, which then begins at nothing."""
        count, best = int(self.count[i, j]), None
        if self.room[i, j] < inf:
            best = Best(int(self.at_ns[i, j]), float(self.measured[i, j]), bool(self.level[i, j]))
        self.count[i, j], self.room[i, j] = 0, inf
        return count, best

    def pairs(self) -> list[tuple[int, int]]:
        """Those for which anything was counted, in order."""
        rows, columns = np.nonzero(self.count)
        return list(zip(rows.tolist(), columns.tolist(), strict=True))

    def add(self, pair: Ints, steps: "_Judged") -> None:
        """Steps in their order; `pair` is the place of each one's pair in the flattened tables."""
        size = self.count.size
        self.count += np.bincount(pair, minlength=size).reshape(self.count.shape)
        least = self.room.ravel().copy()
        np.minimum.at(least, pair, steps.room)
        nearer = np.flatnonzero((steps.room == least[pair]) & (steps.room < self.room.ravel()[pair]))[::-1]
        # of several for one pair the last assignment stays: the first of those with as little room
        at = pair[nearer]
        for table, column in ((self.room, steps.room), (self.at_ns, steps.at_ns), (self.measured, steps.measured)):
            table.reshape(-1)[at] = column[nearer]
        self.level.reshape(-1)[at] = steps.level[nearer]


class _Judged(NamedTuple):
    """The steps of a block, a column each."""

    at_ns: Ints
    measured: Floats
    level: Flags
    room: Floats


class Block:
    """Reports in order of arrival, and for each pair from which of them on it is judged here."""

    def __init__(self, count: int, limits: Limits, safe: Safe):
        self._limits, self._safe = limits, safe
        self.since = np.full((count, count), AWAKE, np.int64)
        self.begin_ns = np.zeros((count, count), np.int64)
        """When a pair began that had not been proved apart before this block (or `UNHEARD`); else 0."""
        self.reports: list[tuple[int, Fix]] = []

    def settle(self, before: Sequence[Sequence[Fix]], passes: Tables) -> None:
        """Count the passes of the whole block; the next begins. `before` are each aircraft's reports before it."""
        if self.reports:
            columns = _Columns(before, self.reports)
            report, other = self._passes(columns, *np.nonzero(self._steps(columns)))
            if len(report):
                parts = [slice(first, first + CHUNK) for first in range(0, len(report), CHUNK)]
                judged = [self._judge(columns, columns.steps(report[part], other[part])) for part in parts]
                mine, count = columns.aircraft[columns.first :][report], len(self.since)
                pair = np.minimum(mine, other) * count + np.maximum(mine, other)
                passes.add(pair, _Judged(*(np.concatenate(column) for column in zip(*judged, strict=True))))
        self.reports.clear()
        self.since[self.since < AWAKE] = 0

    def _steps(self, columns: "_Columns") -> Flags:
        """For each report and each other aircraft: whether it takes their pair on. Both must have gone further."""
        since = np.where(self.begin_ns == UNHEARD, AWAKE, self.since)
        here = since[columns.aircraft[columns.first :]] <= np.arange(len(self.reports))[:, None]
        flags: Flags = here & (columns.at_ns[columns.latest] > columns.at_ns[columns.before[columns.first :]][:, None])
        return flags

    def _passes(self, c: "_Columns", report: Ints, other: Ints) -> tuple[Ints, Ints]:
        """The steps that pass: all but the first of each pair, which only proves it apart for the first time."""
        mine = c.aircraft[c.first :][report]
        begin_ns = self.begin_ns[mine, other]
        new = np.flatnonzero(begin_ns)
        if not len(new):
            return report, other
        until = np.minimum(c.at_ns[c.first :][report[new]], c.at_ns[c.latest[report[new], other[new]]])
        passes = begin_ns == 0
        passes[new] = until > begin_ns[new]  # both must have gone further than where they began: so both were heard
        new = new[passes[new]]
        i, j = np.minimum(mine[new], other[new]), np.maximum(mine[new], other[new])
        _, first = np.unique(i * len(self.since) + j, return_index=True)
        passes[new[first]] = False
        i, j = i[first], j[first]
        self.begin_ns[i, j] = self.begin_ns[j, i] = 0
        return report[passes], other[passes]

    def _judge(self, c: "_Columns", s: "_Steps") -> _Judged:
        """How far apart, in the unit that decides, as `c6_1` rounds it; and the room to the limit."""
        safe, level_m = self._safe, _level_m(c, s, self._limits)
        level, thousandths = level_m >= safe.level_m, level_m / NM_M * 1000
        if not level.all():
            near = np.flatnonzero(~level)
            thousandths[near] = _height_m(c, _Steps(*(column[near] for column in s)), self._limits) / FT_M * 1000
        whole = np.rint(thousandths)
        measured = whole / 1000
        sure = (np.abs(thousandths - whole) < 0.5 - SURE) & (np.abs(level_m - safe.level_m) > SURE)
        for n in np.flatnonzero(~sure):
            level[n], measured[n] = self._exactly(c.fixes[s.mine[n]], c.fixes[s.theirs[n]], int(s.until_ns[n]))
        limit = np.where(level, safe.distance_nm, safe.altitude_ft)
        return _Judged(s.until_ns, measured, level, np.abs(measured - limit) / limit)

    def _exactly(self, a: Fix, b: Fix, at_ns: int) -> tuple[bool, float]:
        if a.booked.frame.source > b.booked.frame.source:
            a, b = b, a
        return measure(separation(a, b, at_ns, self._limits), self._safe)


class _Steps(NamedTuple):
    """Steps as rows of columns: the report that makes each, and the reports nearest to `until_ns`."""

    new: Ints
    until_ns: Ints
    mine: Ints
    theirs: Ints


class _Columns:
    """The reports of all aircraft as columns: first those before the block, then the block's own."""

    def __init__(self, before: Sequence[Sequence[Fix]], reports: Sequence[tuple[int, Fix]]):
        earlier = [(i, fix) for i, track in enumerate(before) for fix in track]
        rows = [*earlier, *reports]
        self.first = len(earlier)
        self.fixes = [fix for _, fix in rows]
        self.aircraft = np.array([i for i, _ in rows], np.int64)
        self.at_ns = np.array([fix.at_ns for fix in self.fixes], np.int64)
        # the numbers of a Fix as it has them, from its spread on; None becomes NaN
        table = np.array([fix[2:] for fix in self.fixes], np.float64).T
        (spread_ns, self.latitude, self.longitude, self.altitude, self.radius, self.north, self.east) = table[:7]
        (self.up, self.speed, velocity, climb) = table[7:]
        self.spread_s = spread_ns / NS_PER_S
        self.velocity, self.climb = (np.where(np.isnan(bound), inf, bound) for bound in (velocity, climb))
        self.sine, self.cosine = np.sin(np.radians(self.latitude)), np.cos(np.radians(self.latitude))
        self.before, self.latest = self._chain(len(before), [i for i, _ in rows])

    def _chain(self, count: int, aircraft: list[int]) -> tuple[Ints, Ints]:
        """For each row the one before of the same aircraft (the first: itself); for each report the latest row of every
        aircraft before it."""
        last: list[int | None] = [None] * count
        before = []
        for row, i in enumerate(aircraft):
            known = last[i]
            before.append(row if known is None else known)
            last[i] = row
        # a report's own row is not among those before it, so each row of the table is the one above with one change
        latest = np.zeros((len(aircraft) - self.first + 1, count), np.int64)
        rows = np.arange(len(aircraft))
        np.maximum.at(latest[0], np.array(aircraft[: self.first], np.int64), rows[: self.first])
        latest[rows[self.first :] - self.first + 1, aircraft[self.first :]] = rows[self.first :]
        latest = np.maximum.accumulate(latest, axis=0)[:-1]
        return np.array(before, np.int64), latest

    def steps(self, report: Ints, other: Ints) -> _Steps:
        """Which reports each step is judged by: of either aircraft the nearest in time, the earlier of two as near."""
        at, new, theirs = self.at_ns, report + self.first, self.latest[report, other]
        until = np.minimum(at[new], at[theirs])
        while (ahead := (at[self.before[theirs]] > until) & (self.before[theirs] != theirs)).any():
            theirs = np.where(ahead, self.before[theirs], theirs)
        return _Steps(new, until, self._nearer(new, until), self._nearer(theirs, until))

    def _nearer(self, row: Ints, at_ns: Ints) -> Ints:
        before = self.before[row]
        earlier: Ints = np.where(at_ns - self.at_ns[before] <= self.at_ns[row] - at_ns, before, row)
        return earlier


def _level_m(c: _Columns, s: _Steps, limits: Limits) -> Floats:
    """The lower bound of the level distance, as `bounds.separation` has it."""
    a, b = s.mine, s.theirs
    ta, tb = (s.until_ns - c.at_ns[a]) / NS_PER_S, (s.until_ns - c.at_ns[b]) / NS_PER_S
    # of the latitude in the middle: its double's cosine gives the squares of its sine and its cosine
    double = c.cosine[a] * c.cosine[b] - c.sine[a] * c.sine[b]
    w2 = 1 - (ECCENTRICITY2 / 2) * (1 - double)
    w = np.sqrt(w2)
    north = (c.latitude[b] - c.latitude[a]) * (radians(1.0) * EARTH_M * (1 - ECCENTRICITY2)) / (w2 * w)
    turn = c.longitude[b] - c.longitude[a]
    turn -= 360.0 * np.rint(turn / 360.0)
    east = turn * (radians(1.0) * EARTH_M) * np.sqrt((1 + double) / 2) / w
    north += c.north[b] * tb - c.north[a] * ta
    east += c.east[b] * tb - c.east[a] * ta
    level = np.sqrt(north * north + east * east)
    nearest = np.where(level > FAR_M, FAR_M * 0.9, level * (1 - FLATNESS))
    nearest[np.abs(level - FAR_M) <= SURE] = nan
    return np.maximum(nearest - (_reach_m(c, a, ta, limits) + _reach_m(c, b, tb, limits)), 0.0)


def _reach_m(c: _Columns, row: Ints, t: Floats, limits: Limits) -> Floats:
    """`bounds.reach_m` in columns."""
    spread, speed = c.spread_s[row], c.speed[row]
    age = np.abs(t) + spread
    bend = limits.acceleration_mps2 / 2 * age * age
    reach: Floats = np.minimum((limits.speed_mps + speed) * age, c.velocity[row] * age + bend + speed * spread)
    total: Floats = c.radius[row] + reach
    return total


def _height_m(c: _Columns, s: _Steps, limits: Limits) -> Floats:
    """The lower bound of the distance in height; no number where one of the two heights is not given."""
    a, b = s.mine, s.theirs
    ta, tb = (s.until_ns - c.at_ns[a]) / NS_PER_S, (s.until_ns - c.at_ns[b]) / NS_PER_S
    height = np.abs(c.altitude[b] + c.up[b] * tb - c.altitude[a] - c.up[a] * ta)
    apart: Floats = height - (_climb_reach_m(c, a, ta, limits) + _climb_reach_m(c, b, tb, limits))
    return apart


def _climb_reach_m(c: _Columns, row: Ints, t: Floats, limits: Limits) -> Floats:
    """`bounds.climb_reach_m` in columns."""
    spread, rate = c.spread_s[row], np.abs(c.up[row])
    age = np.abs(t) + spread
    bend = limits.acceleration_mps2 / 2 * age * age
    reach: Floats = np.minimum((limits.climb_mps + rate) * age, c.climb[row] * age + bend + rate * spread)
    return limits.altimetry_m + reach
