"""All stations of a medium in arrays: what each is, where it is and how it moves; and who is near whom.

A station's row is its own from join to leave. Rows of those that left are kept until nothing on the air refers to them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radio import propagation
from radio.antenna import Pattern
from radio.frames import Channel, Equipment

if TYPE_CHECKING:
    from scipy.spatial import KDTree

NEVER_NS = 1 << 62
FEW = 64
"""So many stations are all looked at: a tree would cost more than it saves."""
NEAR_FOR_NS = 1_000_000_000
"""For so long a tree of places is used, unless somebody turns out to be elsewhere."""
LEAST_SLACK_M = 500.0
"""How far a station may be from where the tree has it, at least."""
MANY_GONE = 64
NEGLIGIBLE_DB = 20.0
"""What is so far below the noise floor of the best receiver is no signal and no interference: it is out of range."""


@dataclass(slots=True, eq=False)
class Near:
    """Who was where at an instant; good until `until_ns` while all are within `slack_m` of there and on their way."""

    at_ns: int
    until_ns: int
    slack_m: float
    rows: NDArray[np.intp]
    positions_m: NDArray[np.float64]
    """By row, shape (3, n)."""
    spread_m: float
    """No two are further apart, until then."""
    _tree: "KDTree | None" = None

    def within(self, here_m: NDArray[np.float64], reach_m: float) -> NDArray[np.intp]:
        """Rows of all that may be within reach of a place, by rising address."""
        if self._tree is None:
            from scipy.spatial import KDTree  # half a second, which only many stations far apart are worth

            self._tree = KDTree(self.positions_m[:, self.rows].T)
        found = self._tree.query_ball_point(here_m, reach_m + self.slack_m, return_sorted=True)
        nearby: NDArray[np.intp] = self.rows[found]
        return nearby


class Best(NamedTuple):
    """The best of all that listen: the root of the highest antenna, the greatest gain, the least noise by channel."""

    root_height: float
    gain_db: float
    noise_dbm: list[float]


class Stations:
    """Columns with one row for each stay of a station; `order` has the rows of those that listen, by address."""

    def __init__(self, channels: Sequence[Channel], horizon_factor_m: float, excess_db: float) -> None:
        self._channels = channels
        self._horizon_factor_m, self._excess_db = horizon_factor_m, excess_db
        self.patterns: dict[int, Pattern] = {}
        self._allocate(16)
        self.count = 0
        self.somebody_left = False
        """Whether there are rows of those that left."""
        self._forget()

    def _allocate(self, room: int) -> None:
        n = len(self._channels)
        self.address = np.zeros(room, np.int64)
        self.listens = np.zeros(room, np.bool_)
        self.power_dbm = np.zeros(room)
        self.gain_dbi = np.zeros(room)
        self.noise_tenths = np.zeros((n, room), np.int32)
        self.hears_from_ns = np.full((n, room), NEVER_NS)
        """From when on it hears a channel."""
        self.placed_ns = np.full(room, NEVER_NS)
        self.left_ns = np.full(room, NEVER_NS)
        self.position_m = np.zeros((3, room))
        self.velocity_mps = np.zeros((3, room))
        self.height_m = np.zeros(room)
        self.root_height = np.zeros(room)

    _BY_ROW = (
        "address",
        "listens",
        "power_dbm",
        "gain_dbi",
        "noise_tenths",
        "hears_from_ns",
        "placed_ns",
        "left_ns",
        "position_m",
        "velocity_mps",
        "height_m",
        "root_height",
    )

    def _copy(self, rows: NDArray[np.intp] | slice, room: int) -> None:
        """Make room, and keep these rows."""
        old = {name: getattr(self, name)[..., rows] for name in self._BY_ROW}
        self._allocate(room)
        for name, column in old.items():
            getattr(self, name)[..., : column.shape[-1]] = column

    # ------------------------------------------------------------ who is there

    def insert(self, equipment: Equipment) -> int:
        """A new row, not yet placed anywhere."""
        if self.count == len(self.address):
            self._copy(slice(0, self.count), 2 * self.count)
        row, self.count = self.count, self.count + 1
        self.address[row], self.listens[row] = equipment.address, equipment.listens
        self.power_dbm[row], self.gain_dbi[row] = equipment.power_dbm, equipment.gain_dbi
        if equipment.pattern is not None:
            self.patterns[row] = equipment.pattern
        for column, channel in enumerate(self._channels):
            noise_dbm = propagation.sensitivity_dbm(equipment.noise_figure_db, channel.bandwidth_hz, 0.0)
            self.noise_tenths[column, row] = propagation.tenths(noise_dbm)
        self._forget()
        return row

    def remove(self, row: int, at_ns: int) -> None:
        """It has left. Its row stays for what is still on the air."""
        self.left_ns[row] = at_ns
        self.somebody_left = True
        self._forget()

    @property
    def mostly_gone(self) -> bool:
        """Whether there are more rows of those that left than of those that are there, and many."""
        gone = int(np.count_nonzero(self.left_ns[: self.count] != NEVER_NS)) if self.somebody_left else 0
        return gone > max(MANY_GONE, self.count // 2)

    def compact(self) -> NDArray[np.intp]:
        """Drop the rows of those that left. Returns the new row of each old one, -1 for those that are dropped."""
        rows = np.flatnonzero(self.left_ns[: self.count] == NEVER_NS)
        moved = np.full(self.count, -1)
        moved[rows] = np.arange(len(rows))
        self.somebody_left = False
        self._copy(rows, max(16, len(rows)))
        self.patterns = {int(moved[row]): pattern for row, pattern in self.patterns.items() if moved[row] >= 0}
        self.count = len(rows)
        self._forget()
        return moved

    def _forget(self) -> None:
        self._order: NDArray[np.intp] | None = None
        self._near: Near | None = None
        self._best: Best | None = None

    @property
    def order(self) -> NDArray[np.intp]:
        """The rows of those that are there, are placed and listen, by rising address."""
        if self._order is None:
            n = self.count
            there = self.listens[:n] & (self.left_ns[:n] == NEVER_NS) & (self.placed_ns[:n] != NEVER_NS)
            rows = np.flatnonzero(there)
            self._order = rows[np.argsort(self.address[rows])]
        return self._order

    # ------------------------------------------------------------ where they are

    def place(
        self, row: int, at_ns: int, position_m: Sequence[float], velocity_mps: Sequence[float], height_m: float
    ) -> None:
        """Where it is at an instant, and how it goes on."""
        if self.placed_ns[row] == NEVER_NS:
            self._forget()
        elif self._near is not None and self.listens[row]:
            self._check_near(row, at_ns, position_m, velocity_mps)
        self._best = None
        self.placed_ns[row] = at_ns
        self.position_m[:, row], self.velocity_mps[:, row] = position_m, velocity_mps
        self.height_m[row] = height_m
        self.root_height[row] = math.sqrt(max(height_m, propagation.LEAST_ANTENNA_HEIGHT_M))

    def _check_near(self, row: int, at_ns: int, position_m: Sequence[float], velocity_mps: Sequence[float]) -> None:
        """Whether the tree still holds: until its end this station stays within the slack of where the tree has it."""
        near = self._near
        assert near is not None
        left_s = max(near.until_ns - at_ns, 0) * 1e-9
        away_m = math.dist(position_m, near.positions_m[:, row].tolist()) + math.hypot(*velocity_mps) * left_s
        if not away_m <= near.slack_m:
            self._near = None

    def at(self, row: int, at_ns: int) -> NDArray[np.float64]:
        """Where one is at an instant, by its last place: ECEF in metres, shape (3,)."""
        elapsed_s = (at_ns - int(self.placed_ns[row])) * 1e-9
        where: NDArray[np.float64] = self.position_m[:, row] + self.velocity_mps[:, row] * elapsed_s
        return where

    # ------------------------------------------------------------ who is near

    def reach_m(self, row: int, column: int) -> float:
        """How far a frame of this station can matter to anybody who is there, by the horizon and by its power."""
        best = self._best or self._look_for_the_best()
        horizon_m = self._horizon_factor_m * (float(self.root_height[row]) + best.root_height)
        gains_db = float(self.gain_dbi[row]) + self._pattern_db(row) + best.gain_db
        floor_dbm = best.noise_dbm[column] - NEGLIGIBLE_DB
        budget_db = float(self.power_dbm[row]) + gains_db + self._excess_db - floor_dbm
        return min(horizon_m, propagation.free_space_range_m(budget_db, self._channels[column].frequency_hz))

    def _look_for_the_best(self) -> Best:
        rows = self.order
        patterns_db = max((self._pattern_db(row) for row in rows.tolist() if row in self.patterns), default=0.0)
        self._best = Best(
            float(self.root_height[rows].max(initial=0.0)),
            float(self.gain_dbi[rows].max(initial=0.0)) + patterns_db,
            [float(noise) / 10 for noise in self.noise_tenths[:, rows].min(axis=1, initial=1 << 20)],
        )
        return self._best

    def _pattern_db(self, row: int) -> float:
        pattern = self.patterns.get(row)
        return max(pattern.greatest_db, 0.0) if pattern else 0.0

    def candidates(self, row: int, at_ns: int, reach_m: float) -> NDArray[np.intp]:
        """Rows of at least all that listen within reach of a station, by rising address. Itself may be among them."""
        rows = self.order
        if len(rows) <= FEW:
            return rows
        near = self._near
        if near is None or not near.at_ns <= at_ns < near.until_ns:
            near = self._near = self._look_around(at_ns)
        if not reach_m < near.spread_m:  # also where a place is no number
            return rows
        return near.within(self.at(row, at_ns), reach_m)

    def _look_around(self, at_ns: int) -> Near:
        rows = self.order
        elapsed_s = (at_ns - self.placed_ns[rows]) * 1e-9
        positions_m = np.zeros((3, self.count))
        positions_m[:, rows] = self.position_m[:, rows] + self.velocity_mps[:, rows] * elapsed_s
        fastest_mps = float(np.sqrt((self.velocity_mps[:, rows] ** 2).sum(axis=0)).max())
        # twice what the fastest flies until then: places that are told meanwhile differ a little from what was foreseen
        slack_m = max(2 * fastest_mps * NEAR_FOR_NS * 1e-9, LEAST_SLACK_M)
        middle_m = positions_m[:, rows].mean(axis=1, keepdims=True)
        radius_m = float(np.sqrt(((positions_m[:, rows] - middle_m) ** 2).sum(axis=0)).max())
        return Near(at_ns, at_ns + NEAR_FOR_NS, slack_m, rows, positions_m, 2 * (radius_m + slack_m))
