"""What becomes of frames at their receivers, once all that overlaps them is known. Pure functions over arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radio import draws, propagation
from radio.frames import CODE, Channel, Outcome, Rivals, Settled, Transmission
from radio.interference import Around, Disturbed, disturbed, hold
from radio.reception import NO_ROWS, OnAir, Rows, milliwatts
from radio.stations import Stations

Capture = Literal["margin", "first", "none"]

FADING, CORRUPTION, BACK_OFF = 1, 2, 3
"""The purposes of draws."""
TO_OTHERS = (CODE[Outcome.COLLISION], CODE[Outcome.JAMMED])
_NEVER_FULL = 1 << 20


@dataclass(slots=True)
class Table:
    """Success by tenths of dB of SINR from `first` on, for frames of one length on one channel; 0 below.

    From `full` on all are received.
    """

    first: int
    full: int
    success: NDArray[np.float64]

    def at(self, sinr_tenths: NDArray[np.int32]) -> NDArray[np.float64]:
        """The share of frames that are received."""
        index = np.minimum(sinr_tenths - self.first, len(self.success) - 1)
        share: NDArray[np.float64] = np.where(index < 0, 0.0, self.success[np.maximum(index, 0)])
        return share


class Receivers:
    """How receivers decide: the curves of the channels, what they make of overlaps, and the seed of all draws."""

    def __init__(self, channels: Sequence[Channel], capture: Capture, capture_db: float, seed: int) -> None:
        self.capture: Capture = capture
        self.capture_tenths = int(propagation.tenths(capture_db))
        self.seed = seed
        self.channels = channels
        self._tables: dict[tuple[int, int], Table] = {}

    def table(self, column: int, n_bytes: int) -> Table:
        """The success of frames of a length on a channel."""
        key = (column, n_bytes)
        if key not in self._tables:
            first, success = self.channels[column].curve.probabilities(n_bytes)
            full = first + int(np.argmax(success == 1.0)) if success[-1] == 1.0 else _NEVER_FULL
            self._tables[key] = Table(first, full, success)
        return self._tables[key]


def settle(frames: list[OnAir], live: Sequence[OnAir], stations: Stations, receivers: Receivers) -> Settled:
    """The outcomes of frames whose receptions are over. `live` are all that may overlap with them, by start."""
    frames.sort(key=_by_due)
    parts = [f.rows for f in frames] or [NO_ROWS]
    rows = Rows(*map(np.concatenate, zip(*parts, strict=True)))
    begins = np.zeros(len(frames) + 1, np.int64)
    np.cumsum([len(f.rows.row) for f in frames], out=begins[1:])
    judged = _Judged(frames, rows, begins, receivers)
    around = Around(live)
    others = [around.overlapping(f) for f in frames]
    if receivers.capture == "first":
        _hold(frames, live, around, stations.count, receivers)
    for i, frame in enumerate(frames):
        if others[i]:
            disturbance = disturbed(frame, others[i], stations.count)
            if disturbance is not None:
                judged.disturb(i, disturbance)
    judged.draw()
    settled = Settled(
        transmissions=[_frame(f) for f in frames],
        due_ns=np.array([f.due_ns for f in frames], np.int64),
        out_of_range=np.array([f.out_of_range for f in frames], np.int64),
        reach_m=np.array([f.reach_m for f in frames]),
        begins=begins,
        frame=judged.frame,
        receiver=rows.address,
        outcome=judged.codes(),
        power_tenths=rows.power_tenths,
        sinr_tenths=judged.sinr_tenths,
        arrival_ns=rows.arrival_ns,
        rivals=judged.rivals(),
    )
    return _without_those_who_left(settled, rows.row, stations) if stations.somebody_left else settled


def _without_those_who_left(settled: Settled, row: NDArray[np.intp], stations: Stations) -> Settled:
    """Who left before a frame was due has no outcome. Only now: what disturbed the others must not depend on it."""
    stayed = np.flatnonzero(stations.left_ns[row] > settled.due_ns[settled.frame])
    begins = np.zeros(len(settled.begins), np.int64)
    np.cumsum(np.bincount(settled.frame[stayed], minlength=len(settled)), out=begins[1:])
    columns = ("frame", "receiver", "outcome", "power_tenths", "sinr_tenths", "arrival_ns")
    kept = {name: getattr(settled, name)[stayed] for name in columns}
    return replace(settled, begins=begins, rivals=_Kept(settled.rivals, stayed), **kept)


def _frame(frame: OnAir) -> Transmission:
    assert isinstance(frame.sent, Transmission)
    return frame.sent


def _by_due(frame: OnAir) -> tuple[Any, ...]:
    return frame.due_ns, frame.sent[:6]  # all but the slot, which may be None


class _Judged:
    """The frames that are settled together, row by row: what disturbs them, and what is drawn for them."""

    def __init__(self, frames: Sequence[OnAir], rows: Rows, begins: NDArray[np.int64], receivers: Receivers) -> None:
        self._frames, self._rows, self._begins, self._receivers = frames, rows, begins, receivers
        self.frame = np.repeat(np.arange(len(frames)), np.diff(begins))
        self._tables = [receivers.table(f.column, len(_frame(f).data)) for f in frames]
        self.snr_tenths = rows.power_tenths - rows.noise_tenths
        self.sinr_tenths = self.snr_tenths.copy()
        n = len(rows.row)
        self._half_duplex, self._lost, self._jammed = (np.zeros(n, np.bool_) for _ in range(3))
        self._corrupted, self._faded = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        self._disturbed: dict[int, Disturbed] = {}

    def disturb(self, i: int, by: Disturbed) -> None:
        """Note what others do to the i-th frame: its SINR, and where it is lost to them whatever is drawn."""
        at = slice(int(self._begins[i]), int(self._begins[i + 1]))
        self._half_duplex[at] = by.half_duplex
        overlapped = by.total_mw > 0.0
        if not overlapped.any():
            return
        self._disturbed[i] = by
        self._jammed[at] = by.jammed
        power, noise = self._rows.power_tenths[at], self._rows.noise_tenths[at]
        sinr = power - _tenths_of_mw(by.total_mw + milliwatts(noise))
        self.sinr_tenths[at] = np.where(overlapped, np.minimum(sinr, self.snr_tenths[at]), self.snr_tenths[at])
        receivers = self._receivers
        if receivers.capture == "margin":
            lost = power - _tenths_of_mw(by.total_mw) < receivers.capture_tenths
        elif receivers.capture == "first":
            held = self._frames[i].held
            assert held is not None
            lost = ~held
        else:
            lost = np.ones_like(overlapped)
        self._lost[at] = overlapped & lost

    def draw(self) -> None:
        """Draw what is left to chance: by the curve, with and without the interference, and by `loss`."""
        rows, frames = self._rows, self._frames
        first, full = (self._by_row([getattr(t, name) for t in self._tables]) for name in ("first", "full"))
        self._below = self.snr_tenths < first
        self._lost |= self.sinr_tenths < first
        unsure = (self.sinr_tenths < full) & ~self._below
        if isinstance(first, int) and first == full:
            unsure[:] = False  # the curve is a step: nothing is left to chance
        for i in np.unique(self.frame[unsure]).tolist() if unsure.any() else ():
            at = slice(int(self._begins[i]), int(self._begins[i + 1]))
            table, drawn = self._tables[i], self._uniform(i, rows.address[at], CORRUPTION)
            self._corrupted[at] = drawn >= table.at(self.snr_tenths[at])
            by = self._disturbed.get(i)
            if by is not None:
                self._lost[at] |= (by.total_mw > 0.0) & (drawn >= table.at(self.sinr_tenths[at]))
        for i, frame in enumerate(frames):
            if frame.loss:  # a draw follows from its key alone: one that is not drawn changes no other
                at = slice(int(self._begins[i]), int(self._begins[i + 1]))
                self._faded[at] = self._uniform(i, rows.address[at], FADING) < frame.loss

    def _by_row(self, by_frame: Sequence[int]) -> Any:
        """What holds for each frame, for each of its rows; one number, if it is the same for all."""
        return by_frame[0] if len(set(by_frame)) == 1 else np.array(by_frame, np.int64)[self.frame]

    def _uniform(self, i: int, addresses: NDArray[np.int64], purpose: int) -> NDArray[np.float64]:
        t = _frame(self._frames[i])
        key = (self._receivers.seed, t.source, t.session, t.sequence)
        return draws.uniform(*key, addresses.astype(np.uint64), purpose)

    def codes(self) -> NDArray[np.uint8]:
        """The outcome of each row, as places in OUTCOMES."""
        causes: Mapping[Outcome, Any] = {
            Outcome.NOT_TUNED: self._rows.not_tuned,
            Outcome.HALF_DUPLEX: self._half_duplex,
            Outcome.BEYOND_HORIZON: self._rows.beyond_horizon,
            Outcome.BELOW_SENSITIVITY: self._below,
            Outcome.JAMMED: self._lost & self._jammed,
            Outcome.COLLISION: self._lost,
            Outcome.CORRUPTED: self._corrupted,
            Outcome.FADED: self._faded,
        }
        self._codes = np.full(len(self._rows.row), CODE[Outcome.RECEIVED], np.uint8)
        for outcome, cause in reversed(list(causes.items())):  # the first cause is written last, and stays
            self._codes[cause] = CODE[outcome]
        return self._codes

    def rivals(self) -> "LostTo":
        """Whom rows are lost to, for who asks."""
        return LostTo(self._codes, self._begins, self._disturbed)


class LostTo:
    """Whom each row is lost to. It is rarely asked for, and long to tell: so it is looked up row by row."""

    def __init__(self, codes: NDArray[np.uint8], begins: NDArray[np.int64], by: Mapping[int, Disturbed]) -> None:
        self._codes, self._begins, self._by = codes, begins, by

    def at(self, row: int) -> tuple[int, ...]:
        """The sources that overlap at a row that is lost to them, the strongest first, of equals the lowest address."""
        if self._codes[row] not in TO_OTHERS:
            return ()
        frame = int(self._begins.searchsorted(row, side="right")) - 1
        own = row - int(self._begins[frame])
        rivals = [(-float(r.power_mw[own]), r.source) for r in self._by[frame].rivals if r.power_mw[own] > 0.0]
        return tuple(dict.fromkeys(source for _, source in sorted(rivals)))


class _Kept:
    """The same for some of the rows."""

    def __init__(self, rivals: Rivals, rows: NDArray[np.intp]) -> None:
        self._rivals, self._rows = rivals, rows

    def at(self, row: int) -> tuple[int, ...]:
        """As `LostTo.at`."""
        return self._rivals.at(int(self._rows[row]))


def _tenths_of_mw(power_mw: NDArray[np.float64]) -> NDArray[np.int32]:
    return propagation.tenths(propagation.decibel_milliwatts(power_mw))


def _hold(frames: Sequence[OnAir], live: Sequence[OnAir], around: Around, n_rows: int, receivers: Receivers) -> None:
    """Decide who holds which receiver, channel by channel."""
    for column in sorted({f.column for f in frames}):
        mine = [f for f in live if f.column == column and isinstance(f.sent, Transmission)]
        able = [_takes_notice(f, around.overlapping(f), receivers) for f in mine]
        hold([f for f in frames if f.column == column], mine, able, n_rows)


def _takes_notice(frame: OnAir, others: Sequence[OnAir], receivers: Receivers) -> NDArray[np.bool_]:
    """Which receivers can take notice of a frame when it arrives."""
    rows = frame.rows
    foot = receivers.table(frame.column, len(_frame(frame).data)).first
    able = ~rows.not_tuned & ~rows.beyond_horizon & (rows.power_tenths - rows.noise_tenths >= foot)
    for other in others:
        at = int(rows.address.searchsorted(other.sent.source))
        if at < len(rows.row) and rows.row[at] == other.source_row:
            able[at] &= not other.start_ns <= rows.arrival_ns[at] < other.end_ns
    return able
