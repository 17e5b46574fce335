"""The medium: who receives which transmission, when, how strong, or why not. Pure and seeded; no clock, no I/O.

Everything is told with the instant it holds from, and nothing is decided before `settle` says that all of the past is
told. So neither the order of calls nor the cutting of time into windows can change a fate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radio import propagation, reception
from radio.reception import FRAME_ROW, NO_RIVAL, Channel, Frame, Outcome, Transmission
from radio.slots import airtime_ns

__all__ = ["NO_RIVAL", "Channel", "Equipment", "Fate", "Medium", "Outcome", "Transmission"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What one station transmits and hears with; `gain_dbi` counts both ways. The address is at least 0."""

    address: int
    power_dbm: float = 40.0
    gain_dbi: float = 0.0
    noise_figure_db: float = 10.0
    required_snr_db: float = 10.0


class Fate(NamedTuple):
    """What became of one transmission. The tuples run in step with `receivers`, which rises.

    `due_ns` is the one instant at which every receiver gets the frame: its end at the source plus the greatest delay
    to any station that was on the air at its start. `arrival_ns` is when its first bit reaches each receiver.
    `rivals` names the strongest interferer of a collision (of equals, the lowest address), else NO_RIVAL.
    """

    transmission: Transmission
    due_ns: int
    receivers: tuple[int, ...]
    outcomes: tuple[Outcome, ...]
    power_dbm: tuple[float, ...]
    arrival_ns: tuple[int, ...]
    rivals: tuple[int, ...]


@dataclass(slots=True)
class _Presence:
    """What the calls so far say of a station: there from join to leave, and with a position from `placed_ns` on."""

    joined_ns: int
    placed_ns: int | None = None
    left_ns: int | None = None

    def covers(self, at_ns: int) -> bool:
        return self.joined_ns <= at_ns and (self.left_ns is None or at_ns < self.left_ns)


class Medium:
    """All channels and all stations of a scenario. Instants are ns UTC, not before the Unix epoch.

    `loss` is the probability that a reception fades for no other reason; `capture_db` how much stronger than all its
    interference together a frame must be. Of what calls say for the same station and the same instant, the last holds.
    Every call but `settle` raises ValueError for an instant that is already settled.
    """

    def __init__(self, channels: Sequence[Channel], *, seed: int, loss: float, capture_db: float = 10.0) -> None:
        if not 0.0 <= loss <= 1.0:
            raise ValueError(f"loss is a probability, not {loss}")
        self._channels = {channel.number: channel for channel in channels}
        if len(self._channels) != len(channels):
            raise ValueError("two channels have the same number")
        self._columns = {number: column for column, number in enumerate(self._channels)}
        self._seed, self._loss, self._capture_db = seed, loss, float(propagation.round_db(capture_db))
        self._settled_ns = 0
        self._presences: dict[int, _Presence] = {}
        self._changes: list[tuple[int, int, Callable[[], None]]] = []  # heap; the number keeps the order of calls
        self._numbers = count()
        self._waiting: list[tuple[int, Transmission, int, _Presence]] = []  # heap
        self._live: list[Frame] = []  # started, and not yet without influence; by (start, transmission)
        self._stations: NDArray[Any] = np.zeros(0, reception.station_row(len(channels)))  # by rising address
        self._row_of: dict[int, int] = {}
        self._there: dict[int, _Presence] = {}  # whom the rows stand for: what was told of a former stay is void

    def join(self, equipment: Equipment, channels: frozenset[int], at_ns: int) -> None:
        """A station is there from `at_ns`, tuned to these channels, and on the air from its first `place` on.

        Interference by frames that started before a receiver was on the air is left out for it. ValueError: the
        station is already there, its address is negative, or a channel is unknown.
        """
        self._check_not_settled(at_ns)
        old = self._presences.get(equipment.address)
        if equipment.address < 0 or (old is not None and (old.left_ns is None or at_ns < old.left_ns)):
            raise ValueError(f"station {equipment.address:#x} cannot join at {at_ns}: a bad address, or already there")
        tuned = self._tuned(channels)
        presence = self._presences[equipment.address] = _Presence(at_ns)
        self._change(at_ns, partial(self._insert, equipment, tuned, presence))

    def leave(self, address: int, at_ns: int) -> None:
        """A station goes off the air: no outcome for it in frames due at `at_ns` or later.

        Frames it has on the air go on; those it would have started at `at_ns` or later never were: they have no fate.
        """
        self._present(address, at_ns).left_ns = at_ns
        self._change(at_ns, partial(self._remove, address, self._presences[address]))

    def tune(self, address: int, channels: frozenset[int], at_ns: int) -> None:
        """A station listens on these channels and no others, to frames starting at `at_ns` or later."""
        presence = self._present(address, at_ns)
        self._change(at_ns, partial(self._write, address, presence, {"tuned": self._tuned(channels)}))

    def place(self, address: int, at_ns: int, position_m: ArrayLike, velocity_mps: ArrayLike, height_m: float) -> None:
        """A station's position (ECEF) and velocity at `at_ns`, from then on continued in a straight line.

        `height_m` above the ellipsoid is for the radio horizon and stays as it is. A frame uses the places that hold
        at its start.
        """
        presence = self._present(address, at_ns)
        presence.placed_ns = at_ns if presence.placed_ns is None else min(at_ns, presence.placed_ns)
        values = {
            "placed": True,
            "placed_ns": at_ns,
            "position_m": np.array(position_m, dtype=np.float64),
            "velocity_mps": np.array(velocity_mps, dtype=np.float64),
            "height_m": height_m,
        }
        self._change(at_ns, partial(self._write, address, presence, values))

    def transmit(self, t: Transmission) -> None:
        """Put a frame on the air. ValueError: unknown channel, no bytes, or the source is not on the air at its start.

        A station should not start a frame during another of its own: on one channel both would collide.
        """
        if t.channel not in self._channels or not t.data:
            raise ValueError(f"{t} has no bytes, or a channel that does not exist")
        presence = self._present(t.source, t.start_ns)
        if presence.placed_ns is None or t.start_ns < presence.placed_ns:
            raise ValueError(f"station {t.source:#x} transmits at {t.start_ns}, before it was placed anywhere")
        heappush(self._waiting, (t.start_ns, t, next(self._numbers), presence))

    def settle(self, horizon_ns: int) -> list[Fate]:
        """The fates of all frames due before `horizon_ns` and not yet returned, by (due_ns, source, sequence).

        The caller promises that everything that happens before `horizon_ns` has been told. A horizon not later than
        the last one settles nothing.
        """
        fates: list[Fate] = []
        while True:
            change_ns = self._changes[0][0] if self._changes else horizon_ns
            start_ns = self._waiting[0][0] if self._waiting else horizon_ns
            now_ns = min(change_ns, start_ns)
            if now_ns >= horizon_ns:
                break
            fates += self._finish(now_ns)
            if change_ns <= start_ns:
                heappop(self._changes)[2]()
            else:
                _, sent, _, presence = heappop(self._waiting)
                self._start(sent, presence)
        fates += self._finish(horizon_ns)
        self._settled_ns = max(self._settled_ns, horizon_ns)
        return sorted(fates, key=lambda fate: (fate.due_ns, fate[0].source, fate[0].sequence, fate))

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

    def _tuned(self, channels: frozenset[int]) -> list[bool]:
        if not channels <= self._channels.keys():
            raise ValueError(f"no such channel: {sorted(channels - self._channels.keys())}")
        return [number in channels for number in self._channels]

    def _change(self, at_ns: int, action: Callable[[], None]) -> None:
        heappush(self._changes, (at_ns, next(self._numbers), action))

    def _insert(self, equipment: Equipment, tuned: list[bool], presence: _Presence) -> None:
        self._there[equipment.address] = presence
        row = int(np.searchsorted(self._stations["address"], equipment.address))
        self._stations = np.insert(self._stations, row, np.zeros(1, self._stations.dtype))
        for frame in self._live:
            frame.rows = np.insert(frame.rows, row, np.zeros(1, FRAME_ROW))
        for name in ("address", "power_dbm", "gain_dbi"):
            self._stations[name][row] = getattr(equipment, name)
        self._stations["least_dbm"][row] = [
            propagation.round_db(
                propagation.sensitivity_dbm(equipment.noise_figure_db, channel.bandwidth_hz, equipment.required_snr_db)
            )
            for channel in self._channels.values()
        ]
        self._stations["tuned"][row] = tuned
        self._number_rows()

    def _remove(self, address: int, presence: _Presence) -> None:
        if self._presences.get(address) is presence:
            del self._presences[address]  # unless it has joined again since
        if self._there.get(address) is not presence:
            return  # it left twice, or at the instant at which it joined
        row = self._row_of[address]
        del self._there[address]
        self._stations = np.delete(self._stations, row)
        for frame in self._live:
            frame.rows = np.delete(frame.rows, row)
        self._number_rows()

    def _number_rows(self) -> None:
        self._row_of = {address: row for row, address in enumerate(self._stations["address"].tolist())}

    def _write(self, address: int, presence: _Presence, values: dict[str, Any]) -> None:
        if self._there.get(address) is presence:  # it may have left by an instant told later
            row = self._row_of[address]
            for name, value in values.items():
                self._stations[name][row] = value

    def _start(self, sent: Transmission, presence: _Presence) -> None:
        if self._there.get(sent.source) is not presence:  # it left before this start, told after `transmit`
            return
        source = self._row_of[sent.source]
        channel = self._channels[sent.channel]
        column = self._columns[sent.channel]
        rows = reception.rows_at_start(sent, channel, column, self._stations, source, self._seed, self._loss)
        duration_ns = airtime_ns(len(sent.data), channel.bit_rate_bps)
        last_ns = int(rows["arrival_ns"].max(where=rows["hears"], initial=sent.start_ns))
        self._live.append(Frame(sent, duration_ns, last_ns + duration_ns, rows))

    def _finish(self, now_ns: int) -> list[Fate]:
        """Fates of the frames due before `now_ns`, before which everything has started; forget what is over."""
        fates: list[Fate] = []
        for frame in self._live:
            if not frame.done and frame.due_ns < now_ns:
                fates.append(self._fate(frame))
                frame.done = True
        if fates:
            oldest_ns = min((frame.sent.start_ns for frame in self._live if not frame.done), default=now_ns)
            self._live = [frame for frame in self._live if not frame.done or frame.due_ns >= oldest_ns]
        return fates

    def _fate(self, frame: Frame) -> Fate:
        clash = reception.clashes(frame, self._live, self._row_of, self._capture_db)
        outcomes, rivals = reception.outcomes(frame.rows, clash)
        hears = frame.rows["hears"]
        return Fate(
            frame.sent,
            frame.due_ns,
            tuple(self._stations["address"][hears].tolist()),
            tuple(outcomes),
            tuple(frame.rows["power_dbm"][hears].tolist()),
            tuple(frame.rows["arrival_ns"][hears].tolist()),
            tuple(rivals),
        )
