"""How frames arrive: everything about a frame at its receivers that holds from its start, whatever else is on the air.

Pure functions over arrays with one row for each frame at each receiver in range. Powers are whole tenths of dBm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radio import propagation
from radio.antenna import look_deg
from radio.frames import Burst, Transmission
from radio.stations import Stations

_LEAST_TENTHS, _MOST_TENTHS = -40_000, 30_000
_MILLIWATTS = np.power(10.0, np.arange(_LEAST_TENTHS, _MOST_TENTHS + 1) / 100.0)


class Rows(NamedTuple):
    """A frame at its receivers: in columns, by rising address. Views into the columns of a whole batch."""

    row: NDArray[np.intp]
    address: NDArray[np.int64]
    arrival_ns: NDArray[np.int64]
    power_tenths: NDArray[np.int32]
    noise_tenths: NDArray[np.int32]
    not_tuned: NDArray[np.bool_]
    beyond_horizon: NDArray[np.bool_]

    def of(self, rows: Any) -> "Rows":
        """Some of the rows."""
        return Rows(*[column[rows] for column in self])


@dataclass(slots=True, eq=False)
class OnAir:
    """A frame or a burst that has started, until it can have no more influence.

    `order` is by start, with all ties ended. `held` says, where the first frame holds a receiver, whether it is this;
    None as long as that is not decided.
    """

    sent: Transmission | Burst
    order: tuple[Any, ...]
    column: int
    source_row: int
    airtime_ns: int
    loss: float
    reach_m: float
    rows: Rows
    due_ns: int = 0
    out_of_range: int = 0
    done: bool = False
    held: NDArray[np.bool_] | None = None
    _involved: int | None = None

    def move(self, moved: NDArray[np.intp]) -> None:
        """Stations have got other rows, and those that left have none (-1) any more: they have no outcome."""
        stay = moved[self.rows.row] >= 0
        rows = self.rows.of(stay)
        self.rows = rows._replace(row=moved[rows.row])
        self.held = self.held[stay] if self.held is not None else None
        self.source_row = int(moved[self.source_row]) if self.source_row >= 0 else -1
        self._involved = None

    def involved(self) -> int:
        """Its source and its receivers as a set of bits, by row: to see fast whether two frames have any in common."""
        if self._involved is None:
            there = np.zeros(int(self.rows.row.max(initial=max(self.source_row, 0))) + 1, np.bool_)
            there[self.rows.row] = True
            if self.source_row >= 0:  # it may have left since
                there[self.source_row] = True
            self._involved = int.from_bytes(np.packbits(there, bitorder="little").tobytes(), "little")
        return self._involved

    @property
    def start_ns(self) -> int:
        """When its first bit left."""
        return self.sent.start_ns

    @property
    def end_ns(self) -> int:
        """When its source has done with it."""
        return self.sent.start_ns + self.airtime_ns


class Air(NamedTuple):
    """The laws that all frames obey. `horizon_factor_m` times the roots of both heights is the radio horizon."""

    propagation: propagation.Propagation
    horizon_factor_m: float


NO_ROWS = Rows(
    np.zeros(0, np.intp),
    np.zeros(0, np.int64),
    np.zeros(0, np.int64),
    np.zeros(0, np.int32),
    np.zeros(0, np.int32),
    np.zeros(0, np.bool_),
    np.zeros(0, np.bool_),
)


def milliwatts(power_tenths: NDArray[np.int32]) -> NDArray[np.float64]:
    """Power in mW of powers in tenths of dBm."""
    taken: NDArray[np.float64] = _MILLIWATTS.take(power_tenths - _LEAST_TENTHS, mode="clip")
    return taken


def arrive(frames: Sequence[OnAir], stations: Stations, frequency_hz: float, air: Air) -> None:
    """Work out who is in range of frames on one channel, and how they arrive there: `rows`, `due_ns`, `out_of_range`.

    The geometry is that of each frame's start. One that is further away than a frame reaches is left out.
    """
    candidates = [stations.candidates(f.source_row, f.start_ns, f.reach_m) for f in frames]
    row = np.concatenate(candidates)
    of_frame = np.repeat(np.arange(len(frames)), [len(c) for c in candidates])
    source = np.array([f.source_row for f in frames])
    start_ns = np.array([f.start_ns for f in frames])
    here_m, there_m = _places(stations, source, start_ns), _places(stations, row, start_ns[of_frame])
    x_m, y_m, z_m = (there - here[of_frame] for there, here in zip(there_m, here_m, strict=True))
    # Term by term: a sum over an axis may be added up in another order on another processor.
    distance_m = np.sqrt(x_m * x_m + y_m * y_m + z_m * z_m)
    reach_m = np.array([f.reach_m for f in frames])
    in_range = (distance_m <= reach_m[of_frame]) & (row != source[of_frame])
    row, of_frame, distance_m = row[in_range], of_frame[in_range], distance_m[in_range]

    column = frames[0].column
    roots = stations.root_height[source][of_frame] + stations.root_height[row]
    effective_dbm = (stations.power_dbm + stations.gain_dbi)[source][of_frame] + stations.gain_dbi[row]
    if stations.patterns:
        there = [axis[in_range] for axis in there_m]
        effective_dbm += _pattern_gains(stations, source[of_frame], row, here_m, of_frame, there)
    paths = propagation.Paths(
        distance_m,
        stations.address[source][of_frame],
        stations.address[row],
        stations.height_m[source][of_frame],
        stations.height_m[row],
    )
    loss_db = air.propagation.loss_db(paths, frequency_hz)
    delay_ns = propagation.propagation_delay_ns(np.minimum(distance_m, propagation.FARTHEST_M))
    all_rows = Rows(
        row,
        paths.receiver,
        start_ns[of_frame] + delay_ns,
        propagation.tenths(effective_dbm - loss_db),
        stations.noise_tenths[column][row],
        start_ns[of_frame] < stations.hears_from_ns[column][row],
        distance_m > air.horizon_factor_m * roots,
    )
    _deal_out(frames, all_rows, of_frame, len(stations.order), stations)


def _deal_out(frames: Sequence[OnAir], rows: Rows, of_frame: NDArray[Any], listeners: int, stations: Stations) -> None:
    """Give each frame its rows."""
    counts = np.bincount(of_frame, minlength=len(frames))
    ends = np.cumsum(counts)
    heard = np.flatnonzero(counts)
    last_ns = np.array([f.start_ns for f in frames])
    if len(heard):
        last_ns[heard] = np.maximum.reduceat(rows.arrival_ns, (ends - counts)[heard])
    begin = 0
    for frame, end, arrival_ns in zip(frames, ends.tolist(), last_ns.tolist(), strict=True):
        frame.rows = rows.of(slice(begin, end))
        frame.due_ns = arrival_ns + frame.airtime_ns
        frame.out_of_range = listeners - (end - begin) - bool(stations.listens[frame.source_row])
        begin = end


def _places(stations: Stations, row: NDArray[Any], at_ns: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Where stations are at instants: x, y and z in metres."""
    elapsed_s = (at_ns - stations.placed_ns[row]) * 1e-9
    axes = zip(stations.position_m, stations.velocity_mps, strict=True)
    return [position_m[row] + velocity_mps[row] * elapsed_s for position_m, velocity_mps in axes]


def _pattern_gains(
    stations: Stations,
    source: NDArray[Any],
    row: NDArray[Any],
    here_m: Sequence[NDArray[Any]],
    of_frame: NDArray[Any],
    there_m: Sequence[NDArray[Any]],
) -> NDArray[np.float64]:
    """What the antennas of both ends add in each other's direction."""
    here, there = np.stack([axis[of_frame] for axis in here_m], axis=-1), np.stack(there_m, axis=-1)
    gains_db = np.zeros(len(row))
    for number, pattern in stations.patterns.items():
        for own, own_m, other_m in ((source, here, there), (row, there, here)):
            (at,) = np.nonzero(own == number)
            if len(at):
                velocity_mps = np.broadcast_to(stations.velocity_mps[:, number], (len(at), 3))
                gains_db[at] += pattern.gain_db(*look_deg(own_m[at], velocity_mps, other_m[at]))
    return gains_db
