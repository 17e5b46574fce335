"""Who may be near whom: aircraft by cells of the air, so that each report is compared with few others."""

from collections.abc import Callable
from math import cos, floor, radians
from typing import NamedTuple

from protocol.bounds import Fix
from protocol.units import NM_M

DEGREE_M = 110_500.0
"""No degree of latitude is shorter than this, and no degree of longitude at a latitude shorter than its cosine."""
WIDEST_DEG = 87.0
SPARE_M = 2 * NM_M
"""What two may come nearer between their reports."""


class _Cell(NamedTuple):
    row: int
    column: int
    layer: int


class Cells:
    """Aircraft that are no further apart than `level_m` and `height_m` are neighbours, and so are some others."""

    def __init__(self, level_m: float, height_m: float, opposed: Callable[[int, int], bool]):
        self._row_deg = (level_m + SPARE_M) / DEGREE_M
        self._layer_m = height_m
        self._opposed = opposed
        self._columns: dict[int, int] = {}
        """How many columns a row has."""
        self._cell: dict[int, _Cell] = {}
        self._inside: dict[_Cell, set[int]] = {}
        self.near: dict[int, set[int]] = {}
        """By aircraft, the others that may be near it and fly for the other party."""

    def put(self, aircraft: int, fix: Fix) -> set[int]:
        """A report, with a height; who may be near."""
        assert fix.altitude_m is not None
        row = floor(fix.latitude_deg / self._row_deg)
        columns = self._columns.get(row) or self._count(row)
        column = floor((fix.longitude_deg + 180.0) * columns / 360.0) % columns
        layer = floor(fix.altitude_m / self._layer_m)
        if self._cell.get(aircraft) != (row, column, layer):
            self.drop(aircraft)
            self._enter(aircraft, _Cell(row, column, layer), fix.longitude_deg)
        return self.near[aircraft]

    def _count(self, row: int) -> int:
        """As many columns as are wide enough, also where the row beside it is narrower."""
        latitude = min(max(abs(row - 1), abs(row + 2)) * self._row_deg, WIDEST_DEG)
        self._columns[row] = max(int(360.0 / (self._row_deg / cos(radians(latitude)))), 1)
        return self._columns[row]

    def _enter(self, aircraft: int, cell: _Cell, longitude_deg: float) -> None:
        near: set[int] = set()
        for row in (cell.row - 1, cell.row, cell.row + 1):
            columns = self._columns.get(row) or self._count(row)
            column = floor((longitude_deg + 180.0) * columns / 360.0)
            for c in {(column - 1) % columns, column % columns, (column + 1) % columns}:
                for layer in (cell.layer - 1, cell.layer, cell.layer + 1):
                    near.update(self._inside.get(_Cell(row, c, layer), ()))
        near = {other for other in near if self._opposed(aircraft, other)}
        for other in near:
            self.near[other].add(aircraft)
        self.near[aircraft] = near
        self._cell[aircraft] = cell
        self._inside.setdefault(cell, set()).add(aircraft)

    def drop(self, aircraft: int) -> None:
        """It is not to be found any more."""
        cell = self._cell.pop(aircraft, None)
        if cell is None:
            return
        self._inside[cell].discard(aircraft)
        if not self._inside[cell]:
            del self._inside[cell]
        for other in self.near.pop(aircraft):
            self.near[other].discard(aircraft)
