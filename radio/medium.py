"""The medium: who receives which transmission, when, how strong, or why not. Pure and seeded; no clock, no I/O.

Everything is told with the instant it holds from, and nothing is decided before `settle` says that all of the past is
told. So neither the order of calls nor the cutting of time into windows can change a fate.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import count, groupby
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from radio import draws, outcomes
from radio.frames import (
    OUTCOMES,
    BackOff,
    Burst,
    Channel,
    Equipment,
    Fate,
    Outcome,
    Settled,
    Transmission,
)
from radio.propagation import FreeSpace, Propagation, horizon_factor_m
from radio.reception import NO_ROWS, Air, OnAir, arrive
from radio.slots import airtime_ns
from radio.stations import NEVER_NS, Stations

__all__ = [
    "OUTCOMES",
    "BackOff",
    "Burst",
    "Channel",
    "Equipment",
    "Fate",
    "Laws",
    "Medium",
    "Outcome",
    "Settled",
    "Transmission",
]

SENSE_TENTHS = 100
"""A channel is busy for a station that hears something on it 10 dB or more above its noise."""
MOST_AT_ONCE = 512
"""So many frames are worked out together, at most: what they need of memory has a bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Laws:
    """What holds for the whole medium.

    `loss` is the probability that a reception fades for no other reason; events may change it. `capture` says what
    survives when frames overlap: whoever is stronger than all others together by `capture_db` (`margin`), whoever came
    `first`, or `none`. `horizon_k` is how much larger the earth is than it is, for the radio horizon; infinite: none.
    After tuning to a channel a station hears nothing on it for `retune_ns`.
    """

    loss: float = 0.0
    capture: outcomes.Capture = "margin"
    capture_db: float = 10.0
    propagation: Propagation = FreeSpace()
    horizon_k: float = 4 / 3
    retune_ns: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.loss <= 1.0:
            raise ValueError(f"loss is a probability, not {self.loss}")


@dataclass(slots=True)
class _Presence:
    """What the calls so far say of a station: there from join to leave, and with a position from `placed_ns` on.

    `row` is its place in the arrays while it is there, by what is settled.
    """

    joined_ns: int
    placed_ns: int | None = None
    left_ns: int | None = None
    row: int | None = None

    def covers(self, at_ns: int) -> bool:
        return self.joined_ns <= at_ns and (self.left_ns is None or at_ns < self.left_ns)


class _Waiting(NamedTuple):
    """A frame that is to start. What comes first decides the order; the number, which is unique, ends all ties."""

    start_ns: int
    key: tuple[Any, ...]
    number: int
    sent: Transmission | Burst
    presence: _Presence
    tries: int = 0
    """How often it has found the channel busy."""


class Medium:
    """All channels and all stations of a scenario. Instants are ns UTC, not before the Unix epoch.

    Of what calls say for the same station and the same instant, the last holds. Every call but `settle` raises
    ValueError for an instant that is already settled.
    """

    def __init__(self, channels: Sequence[Channel], laws: Laws | None = None, *, seed: int) -> None:
        self._laws = laws = laws or Laws()
        self._channels = {channel.number: channel for channel in channels}
        if len(self._channels) != len(channels):
            raise ValueError("two channels have the same number")
        self._columns = {number: column for column, number in enumerate(self._channels)}
        self._loss = laws.loss
        reach = horizon_factor_m(laws.horizon_k)
        self._air = Air(laws.propagation, reach)
        self._stations = Stations(tuple(channels), reach, laws.propagation.excess_db)
        self._receivers = outcomes.Receivers(tuple(channels), laws.capture, laws.capture_db, seed)
        self._settled_ns = 0
        self._presences: dict[int, _Presence] = {}
        self._there: list[_Presence] = []
        self._changes: list[tuple[int, int, Callable[[], None]]] = []  # heap; the number keeps the order of calls
        self._numbers = count()
        self._waiting: list[_Waiting] = []  # heap
        self._begun: list[OnAir] = []  # started, and not yet worked out where they arrive
        self._live: list[OnAir] = []  # not yet without influence; by start
        self._given_up: list[Transmission] = []

    # ------------------------------------------------------------ what it is told

    def join(self, equipment: Equipment, channels: frozenset[int], at_ns: int) -> None:
        """A station is there from `at_ns`, tuned to these channels, and on the air from its first `place` on.

        Interference by frames that started before a receiver was on the air is left out for it. ValueError: the
        station is already there, its address is negative, or a channel is unknown.
        """
        self._check_not_settled(at_ns)
        old = self._presences.get(equipment.address)
        if equipment.address < 0 or (old is not None and (old.left_ns is None or at_ns < old.left_ns)):
            raise ValueError(f"station {equipment.address:#x} cannot join at {at_ns}: a bad address, or already there")
        self._check_channels(channels)
        presence = self._presences[equipment.address] = _Presence(at_ns)
        self._change(at_ns, partial(self._insert, equipment, channels, presence))

    def leave(self, address: int, at_ns: int) -> None:
        """A station goes off the air: no outcome for it in frames due at `at_ns` or later.

        Frames it has on the air go on; those it would have started at `at_ns` or later never were: they have no fate.
        """
        presence = self._present(address, at_ns)
        presence.left_ns = at_ns
        self._change(at_ns, partial(self._remove, address, presence, at_ns))

    def tune(self, address: int, channels: frozenset[int], at_ns: int) -> None:
        """A station listens on these channels and no others, to frames starting at `at_ns` or later.

        It goes on hearing those it had tuned to before; it is deaf on the others for the time that retuning takes.
        """
        presence = self._present(address, at_ns)
        self._check_channels(channels)
        self._change(at_ns, partial(self._tune, presence, channels, at_ns))

    def place(self, address: int, at_ns: int, position_m: ArrayLike, velocity_mps: ArrayLike, height_m: float) -> None:
        """A station's position (ECEF) and velocity at `at_ns`, from then on continued in a straight line.

        `height_m` above the ellipsoid is for the radio horizon and stays as it is. A frame uses the places that hold
        at its start. ValueError for what is no number.
        """
        presence = self._present(address, at_ns)
        # one place at a time: as plain floats they are faster than as arrays
        position, velocity = (np.asarray(axes, np.float64).tolist() for axes in (position_m, velocity_mps))
        if not all(map(math.isfinite, (*position, *velocity, height_m))):
            raise ValueError(f"station {address:#x} is nowhere at {at_ns}: {position}, {velocity}, {height_m}")
        presence.placed_ns = at_ns if presence.placed_ns is None else min(at_ns, presence.placed_ns)
        self._change(at_ns, partial(self._place, presence, at_ns, position, velocity, height_m))

    def set_power(self, address: int, power_dbm: float, at_ns: int) -> None:
        """A station transmits so strongly, in what it starts at `at_ns` or later."""
        self._change(at_ns, partial(self._set_power, self._present(address, at_ns), power_dbm))

    def set_loss(self, loss: float, at_ns: int) -> None:
        """The probability that a reception fades, for frames that start at `at_ns` or later."""
        self._check_not_settled(at_ns)
        if not 0.0 <= loss <= 1.0:
            raise ValueError(f"loss is a probability, not {loss}")
        self._change(at_ns, partial(setattr, self, "_loss", loss))

    def transmit(self, t: Transmission) -> None:
        """Put a frame on the air. ValueError: unknown channel, no bytes, or the source is not on the air at its start.

        A station should not start a frame during another of its own: on one channel both would collide. Where there is
        carrier sense the frame may start later than told, or not at all.
        """
        if t.channel not in self._channels or not t.data:
            raise ValueError(f"{t} has no bytes, or a channel that does not exist")
        self._put(t)

    def jam(self, burst: Burst) -> None:
        """Put power on a channel that nobody can receive. ValueError as for `transmit`; a duration is above 0."""
        if burst.channel not in self._channels or burst.duration_ns <= 0:
            raise ValueError(f"{burst} has no duration, or a channel that does not exist")
        self._put(burst)

    def _put(self, sent: Transmission | Burst) -> None:
        presence = self._present(sent.source, sent.start_ns)
        if presence.placed_ns is None or sent.start_ns < presence.placed_ns:
            raise ValueError(f"station {sent.source:#x} transmits at {sent.start_ns}, before it was placed anywhere")
        heappush(self._waiting, _Waiting(sent.start_ns, _key(sent), next(self._numbers), sent, presence))

    # ------------------------------------------------------------ what it answers

    def settle(self, horizon_ns: int) -> Settled:
        """The fates of all frames due before `horizon_ns` and not yet returned, by (due_ns, source, sequence).

        The caller promises that everything that happens before `horizon_ns` has been told. A horizon not later than
        the last one settles nothing.
        """
        while True:
            change_ns = self._changes[0][0] if self._changes else horizon_ns
            start_ns = self._waiting[0][0] if self._waiting else horizon_ns
            if min(change_ns, start_ns) >= horizon_ns:
                break
            if change_ns <= start_ns:
                self._work_out()  # by what held until now
                heappop(self._changes)[2]()
            else:
                self._start(heappop(self._waiting))
        self._work_out()
        settled = self._finish(horizon_ns)
        self._settled_ns = max(self._settled_ns, horizon_ns)
        self._tidy()
        return settled

    # What a call says is checked at once, and done when its instant is settled.

    def _check_not_settled(self, at_ns: int) -> None:
        if at_ns < self._settled_ns:
            raise ValueError(f"{at_ns} is already settled: the medium stands at {self._settled_ns}")

    def _present(self, address: int, at_ns: int) -> _Presence:
        self._check_not_settled(at_ns)
        presence = self._presences.get(address)
        if presence is None or not presence.covers(at_ns):
            raise ValueError(f"station {address:#x} is not there at {at_ns}")
        return presence

    def _check_channels(self, channels: frozenset[int]) -> None:
        if not channels <= self._channels.keys():
            raise ValueError(f"no such channel: {sorted(channels - self._channels.keys())}")

    def _change(self, at_ns: int, action: Callable[[], None]) -> None:
        heappush(self._changes, (at_ns, next(self._numbers), action))

    # A presence without a row has left by an instant told later: what was told of it is void.

    def _insert(self, equipment: Equipment, channels: frozenset[int], presence: _Presence) -> None:
        presence.row = row = self._stations.insert(equipment)
        self._there.append(presence)
        for number in channels:
            self._stations.hears_from_ns[self._columns[number], row] = 0

    def _remove(self, address: int, presence: _Presence, at_ns: int) -> None:
        if self._presences.get(address) is presence:
            del self._presences[address]  # unless it has joined again since
        if presence.row is not None:
            self._stations.remove(presence.row, at_ns)
            self._there.remove(presence)
            presence.row = None

    def _tune(self, presence: _Presence, channels: frozenset[int], at_ns: int) -> None:
        if presence.row is not None:
            hears = self._stations.hears_from_ns[:, presence.row]
            for number, column in self._columns.items():
                if number not in channels:
                    hears[column] = NEVER_NS
                elif hears[column] == NEVER_NS:
                    hears[column] = at_ns + self._laws.retune_ns

    def _place(self, presence: _Presence, *where: Any) -> None:
        if presence.row is not None:
            self._stations.place(presence.row, *where)

    def _set_power(self, presence: _Presence, power_dbm: float) -> None:
        if presence.row is not None:
            self._stations.power_dbm[presence.row] = power_dbm

    # ------------------------------------------------------------ on the air

    def _start(self, waiting: _Waiting) -> None:
        sent, presence = waiting.sent, waiting.presence
        if presence.row is None:  # it left before this start, told after `transmit`
            return
        channel, column = self._channels[sent.channel], self._columns[sent.channel]
        if isinstance(sent, Transmission):
            if channel.back_off and self._is_busy(presence.row, column, waiting.start_ns):
                self._back_off(channel.back_off, waiting)
                return
            if waiting.tries:
                sent = sent._replace(start_ns=waiting.start_ns)
            duration_ns = airtime_ns(len(sent.data), channel.bit_rate_bps)
        else:
            duration_ns = sent.duration_ns
        reach_m = self._stations.reach_m(presence.row, column)
        order = (waiting.start_ns, *waiting.key)
        self._begun.append(OnAir(sent, order, column, presence.row, duration_ns, self._loss, reach_m, NO_ROWS))
        if len(self._begun) >= MOST_AT_ONCE:
            self._work_out()

    def _is_busy(self, row: int, column: int, at_ns: int) -> bool:
        """Whether a station hears anything on a channel, or transmits there itself."""
        self._work_out()
        address = int(self._stations.address[row])
        for frame in self._live:
            if frame.column != column or frame.due_ns < at_ns:
                continue
            if frame.source_row == row and at_ns < frame.end_ns:
                return True
            rows = frame.rows
            at = int(rows.address.searchsorted(address))
            if at < len(rows.row) and rows.row[at] == row and not rows.beyond_horizon[at]:
                loud = rows.power_tenths[at] - rows.noise_tenths[at] >= SENSE_TENTHS
                if loud and rows.arrival_ns[at] <= at_ns < rows.arrival_ns[at] + frame.airtime_ns:
                    return True
        return False

    def _back_off(self, rule: BackOff, waiting: _Waiting) -> None:
        sent, tries = waiting.sent, waiting.tries
        assert isinstance(sent, Transmission)
        if tries + 1 >= rule.attempts:
            self._given_up.append(sent)
            return
        key = (self._receivers.seed, sent.source, sent.session, sent.sequence)
        drawn = draws.uniform(*key, np.array([tries], np.uint64), outcomes.BACK_OFF)[0]
        later_ns = waiting.start_ns + (1 + int(drawn * rule.most_slots)) * rule.slot_ns
        heappush(self._waiting, waiting._replace(start_ns=later_ns, tries=tries + 1))

    def _work_out(self) -> None:
        """Where the frames that have started arrive: before anything changes, and before anybody listens for them."""
        if not self._begun:
            return
        begun, self._begun = self._begun, []
        begun.sort(key=_by_channel)
        for column, frames in groupby(begun, key=_by_channel):
            channel = self._receivers.channels[column]
            arrive(list(frames), self._stations, channel.frequency_hz, self._air)
        self._live += begun
        self._live.sort(key=_by_start)

    def _finish(self, now_ns: int) -> Settled:
        """Fates of the frames due before `now_ns`, before which everything has started; forget what is over."""
        due = [f for f in self._live if not f.done and f.due_ns < now_ns and isinstance(f.sent, Transmission)]
        settled = outcomes.settle(due, self._live, self._stations, self._receivers)
        settled.given_up.extend(self._given_up)
        self._given_up.clear()
        for frame in due:
            frame.done = True
        open_ns = (f.start_ns for f in self._live if not f.done and isinstance(f.sent, Transmission))
        oldest_ns = min(open_ns, default=now_ns)
        self._live = [f for f in self._live if f.due_ns >= oldest_ns]
        return settled

    def _tidy(self) -> None:
        """Nothing of those that left is kept for longer than it matters."""
        stations = self._stations
        if stations.mostly_gone or (stations.somebody_left and not self._live):
            moved = stations.compact()
            for presence in self._there:
                assert presence.row is not None
                presence.row = int(moved[presence.row])
            for frame in self._live:
                frame.move(moved)


_by_channel = attrgetter("column")
_by_start = attrgetter("order")


def _key(sent: Transmission | Burst) -> tuple[Any, ...]:
    """What decides between two that start at the same instant, whatever the order in which they were told."""
    if isinstance(sent, Transmission):
        return sent.source, 1, sent.session, sent.sequence, sent.channel, sent.data
    return sent.source, 0, sent.channel, sent.duration_ns
