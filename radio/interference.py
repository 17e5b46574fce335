"""What frames do to each other at their receivers: who transmits himself, whose power adds up, who came first.

Pure functions over the frames that are on the air; each has its receivers by rising address.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radio.frames import Burst
from radio.reception import OnAir, Rows, milliwatts
from radio.stations import NEGLIGIBLE_DB

NEGLIGIBLE = round(NEGLIGIBLE_DB * 10)


@dataclass(slots=True, eq=False)
class Disturbed:
    """One frame at its receivers (in step with its rows). `rivals` gives the sources that overlap at some of them.

    Each rival is (source, is a jammer, power in mW at each row): 0 where it does not overlap or does not reach.
    """

    half_duplex: NDArray[np.bool_]
    total_mw: NDArray[np.float64]
    jammed: NDArray[np.bool_]
    rivals: "list[Rival]"


class Rival(NamedTuple):
    """Another's power at the receivers of a frame."""

    source: int
    jammer: bool
    power_mw: NDArray[np.float64]


class Around:
    """The frames on the air, in order of their start, to be searched for those that overlap with one."""

    def __init__(self, live: Sequence[OnAir]) -> None:
        self._live = live
        self._starts = [f.start_ns for f in live]
        self._longest_ns = max((f.due_ns - f.start_ns for f in live), default=0)

    def overlapping(self, frame: OnAir) -> list[OnAir]:
        """All others that may be on the air at the same time where this one matters."""
        first = bisect_left(self._starts, frame.start_ns - self._longest_ns)
        last = bisect_right(self._starts, frame.due_ns)
        start_ns = frame.start_ns
        near = [f for f in self._live[first:last] if f.due_ns >= start_ns and f is not frame]
        return [f for f in near if f.involved() & frame.involved()]


def disturbed(frame: OnAir, others: Sequence[OnAir], capacity: int) -> Disturbed | None:
    """What the others do to a frame; None if they do nothing. `capacity` is more than any station's row.

    A receiver is busy while it transmits on any channel during any part of the reception. Interference is the power,
    summed, of all frames on the same channel whose reception overlaps; nothing comes from beyond the horizon.
    """
    rows = frame.rows
    n = len(rows.row)
    result = Disturbed(np.zeros(n, np.bool_), np.zeros(n), np.zeros(n, np.bool_), [])
    touched = False
    for other in others:
        touched |= _silences(frame, other, result.half_duplex)
        if other.column == frame.column:
            power_mw = overlap_mw(frame, other, capacity)
            if power_mw is not None:
                result.total_mw += power_mw
                result.rivals.append(Rival(other.sent.source, isinstance(other.sent, Burst), power_mw))
    if not touched and not result.rivals:
        return None
    _name_jammers(result)
    return result


def _silences(frame: OnAir, other: OnAir, half_duplex: NDArray[np.bool_]) -> bool:
    """Note where the source of another frame would have received this one."""
    rows = frame.rows
    at = int(rows.address.searchsorted(other.sent.source))
    if at == len(rows.row) or rows.row[at] != other.source_row:
        return False
    arrival_ns = int(rows.arrival_ns[at])
    if other.start_ns < arrival_ns + frame.airtime_ns and arrival_ns < other.end_ns:
        half_duplex[at] = True
        return True
    return False


def in_step(rows: Rows, other: Rows, capacity: int) -> NDArray[np.intp]:
    """For each row, where its station stands in the other's rows; -1 if it does not."""
    where = np.full(capacity, -1)
    where[other.row] = np.arange(len(other.row))
    found: NDArray[np.intp] = where[rows.row]
    return found


def overlap_mw(frame: OnAir, other: OnAir, capacity: int) -> NDArray[np.float64] | None:
    """The other frame's power at this one's receivers, while this one is received; None if there is none.

    What is far below a receiver's noise is nothing to it, however well others may hear it.
    """
    rows, theirs = frame.rows, other.rows
    if not len(rows.row) or not len(theirs.row):
        return None
    where = in_step(rows, theirs, capacity)
    arrival_ns = theirs.arrival_ns[where]
    hit = (where >= 0) & ~theirs.beyond_horizon[where] & (theirs.power_tenths[where] >= rows.noise_tenths - NEGLIGIBLE)
    hit &= (arrival_ns < rows.arrival_ns + frame.airtime_ns) & (rows.arrival_ns < arrival_ns + other.airtime_ns)
    if not hit.any():
        return None
    return np.where(hit, milliwatts(theirs.power_tenths[where]), 0.0)


def _name_jammers(result: Disturbed) -> None:
    """Where the strongest of the rivals is a jammer."""
    if any(r.jammer for r in result.rivals):
        jam_mw = np.max([r.power_mw for r in result.rivals if r.jammer], axis=0)
        others_mw = np.max([r.power_mw for r in result.rivals if not r.jammer], axis=0, initial=0.0)
        result.jammed = jam_mw > others_mw


def hold(frames: Sequence[OnAir], live: Sequence[OnAir], candidates: Sequence[NDArray[np.bool_]], n_rows: int) -> None:
    """Where the first frame holds a receiver until it ends: decide it, for all receptions in order of arrival.

    `live` are the frames of one channel, by start, with in `candidates` whether a receiver can take notice of them at
    all; `frames` are those whose receptions have all begun, and get their `held`. Of frames that arrive at the same
    instant the one that started first is first, then the lowest (source, session, sequence).
    """
    never = np.iinfo(np.int64).max
    arrival_ns = np.full((len(live), n_rows), never)
    decided = np.zeros((len(live), n_rows), np.int8)  # 1: holds, -1: does not
    able = np.zeros((len(live), n_rows), np.bool_)
    for i, (frame, candidate) in enumerate(zip(live, candidates, strict=True)):
        arrival_ns[i, frame.rows.row] = frame.rows.arrival_ns
        able[i, frame.rows.row] = candidate
        if frame.held is not None:
            decided[i, frame.rows.row] = np.where(frame.held, 1, -1)
    airtime_ns = np.array([f.airtime_ns for f in live])
    turn = np.argsort(arrival_ns, axis=0, kind="stable")
    columns = np.arange(n_rows)
    busy_until_ns = np.zeros(n_rows, np.int64)
    for step in turn:
        at_ns = arrival_ns[step, columns]
        free = (at_ns >= busy_until_ns) & able[step, columns] & (at_ns < never)
        holds = np.where(decided[step, columns] == 0, free, decided[step, columns] > 0)
        decided[step, columns] = np.where(at_ns < never, np.where(holds, 1, -1), decided[step, columns])
        busy_until_ns = np.where(holds & (at_ns < never), at_ns + airtime_ns[step], busy_until_ns)
    place = {id(frame): i for i, frame in enumerate(live)}
    for frame in frames:
        frame.held = decided[place[id(frame)], frame.rows.row] > 0
