"""What is put on the air and what becomes of it: the values that go into the medium and come out. No decisions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from radio.antenna import Pattern
from radio.curves import STEP, Curve
from radio.slots import SlotPlan, airtime_ns


class BackOff(NamedTuple):
    """Carrier sense: who finds the channel busy waits 1 to `most_slots` times `slot_ns`, `attempts` times at most."""

    slot_ns: int
    most_slots: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A frequency shared by all who tune to it. Channels do not disturb one another.

    `plan` are its slots, if it has any; with `back_off` the medium holds a frame back while its source hears another.
    """

    number: int
    frequency_hz: float
    bandwidth_hz: float
    bit_rate_bps: float
    curve: Curve = STEP
    plan: SlotPlan | None = None
    back_off: BackOff | None = None

    def slot_hit(self, start_ns: int, n_bytes: int) -> int | None:
        """The slot that has the middle of a frame, by medium time; None without slots.

        The start would not do: an honest clock that is a little fast begins just before its slot.
        """
        if self.plan is None:
            return None
        return self.plan.slot_of(start_ns + airtime_ns(n_bytes, self.bit_rate_bps) // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What one station transmits and hears with; the gain counts both ways. The address is at least 0.

    One that does not listen, such as a jammer, has no outcomes.
    """

    address: int
    power_dbm: float = 40.0
    gain_dbi: float = 0.0
    noise_figure_db: float = 10.0
    pattern: Pattern | None = None
    listens: bool = True


class Transmission(NamedTuple):
    """Bytes put on the air. (source, session, sequence) is the key of the random draws.

    `slot` is the one that the source meant to hit, if it told.
    """

    source: int
    session: int
    sequence: int
    channel: int
    start_ns: int
    data: bytes
    slot: int | None = None


class Burst(NamedTuple):
    """Power on a channel that means nothing: a jammer's. Nobody receives it."""

    source: int
    channel: int
    start_ns: int
    duration_ns: int


class Outcome(StrEnum):
    """What became of one frame at one receiver. Where several causes hold, the first in this order is named."""

    NOT_TUNED = "not_tuned"
    HALF_DUPLEX = "half_duplex"
    BEYOND_HORIZON = "beyond_horizon"
    BELOW_SENSITIVITY = "below_sensitivity"
    JAMMED = "jammed"
    COLLISION = "collision"
    CORRUPTED = "corrupted"
    FADED = "faded"
    RECEIVED = "received"
    OUT_OF_RANGE = "out_of_range"
    """Nobody in this run could hear the frame so far away: not evaluated, only counted."""


OUTCOMES = tuple(Outcome)
CODE = {outcome: code for code, outcome in enumerate(OUTCOMES)}
"""Outcomes stand in arrays as their place in the order of `Outcome`."""


class Fate(NamedTuple):
    """What became of one transmission. The tuples run in step with `receivers`, which rises.

    `due_ns` is the one instant at which every receiver gets the frame: its end at the source plus the greatest delay
    to any receiver in range. `arrival_ns` is when its first bit reaches each receiver. `sinr_db` counts interference.
    `rivals` has the sources of all that overlapped a frame that is lost to them, the strongest first (of equals, the
    lowest address); it is empty for other outcomes. `out_of_range` is the number of listeners that are not listed.
    """

    transmission: Transmission
    due_ns: int
    receivers: tuple[int, ...]
    outcomes: tuple[Outcome, ...]
    power_dbm: tuple[float, ...]
    sinr_db: tuple[float, ...]
    arrival_ns: tuple[int, ...]
    rivals: tuple[tuple[int, ...], ...]
    out_of_range: int = 0
    reach_m: float = 0.0
    """Who is further away is out of range."""


class Rivals(Protocol):
    """Whom the rows of a settlement are lost to."""

    def at(self, row: int) -> tuple[int, ...]:
        """The sources that overlap at a row that is lost to them, the strongest first; empty for any other."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled(Sequence[Fate]):
    """What became of many transmissions, in order of (due_ns, source, session, sequence).

    As a sequence it gives a Fate for each; the same in arrays: `begins[i]` to `begins[i + 1]` are the rows of the i-th.
    Powers and SINRs are whole tenths of dBm and dB, outcomes are places in OUTCOMES. `given_up` are transmissions that
    never found their channel free.
    """

    transmissions: list[Transmission]
    due_ns: NDArray[np.int64]
    out_of_range: NDArray[np.int64]
    reach_m: NDArray[np.float64]
    begins: NDArray[np.int64]
    frame: NDArray[np.intp]
    """For each row, which transmission it belongs to."""
    receiver: NDArray[np.int64]
    outcome: NDArray[np.uint8]
    power_tenths: NDArray[np.int32]
    sinr_tenths: NDArray[np.int32]
    arrival_ns: NDArray[np.int64]
    rivals: "Rivals"
    given_up: list[Transmission] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.transmissions)

    def __iter__(self) -> Iterator[Fate]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Fate: ...
    @overload
    def __getitem__(self, index: slice) -> "list[Fate]": ...
    def __getitem__(self, index: int | slice) -> "Fate | list[Fate]":
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        rows = slice(int(self.begins[index]), int(self.begins[index + 1]))
        return Fate(
            self.transmissions[index],
            int(self.due_ns[index]),
            tuple(self.receiver[rows].tolist()),
            tuple(OUTCOMES[code] for code in self.outcome[rows].tolist()),
            tuple(tenths / 10 for tenths in self.power_tenths[rows].tolist()),
            tuple(tenths / 10 for tenths in self.sinr_tenths[rows].tolist()),
            tuple(self.arrival_ns[rows].tolist()),
            tuple(self.rivals.at(row) for row in range(rows.start, rows.stop)),
            int(self.out_of_range[index]),
            float(self.reach_m[index]),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def counts(self) -> dict[Outcome, int]:
        """How often each outcome occurred."""
        counted = np.bincount(self.outcome, minlength=len(OUTCOMES)).tolist()
        counted[CODE[Outcome.OUT_OF_RANGE]] += int(self.out_of_range.sum())
        return {outcome: n for outcome, n in zip(OUTCOMES, counted, strict=True) if n}
