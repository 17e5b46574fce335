"""Antennas: how much stronger or weaker one is in which direction, and in which direction somebody is.

Pure array functions and frozen values; the reading of a pattern's text, but no files.
"""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radio.geodesy import FLATTENING
from radio.tables import Table

LEAST_NOSE_SPEED_MPS = 1.0
"""Who is slower over ground stands still, and has no direction of flight."""
LEAST_GAIN_DB, MOST_GAIN_DB = -200.0, 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Gains in dB by direction: `gains_db[i][j]` at `elevations_deg[i]` and `azimuths_deg[j]`.

    Azimuths rise from 0 to below 360, clockwise from the nose; elevations rise within -90 to 90, from the local
    horizontal upwards. Raises ValueError where these do not fit together.
    """

    azimuths_deg: tuple[float, ...]
    elevations_deg: tuple[float, ...]
    gains_db: tuple[tuple[float, ...], ...]
    _azimuths: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _elevations: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _gains: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        azimuths, elevations = self.azimuths_deg, self.elevations_deg
        if not _rise(azimuths, 0.0, math.nextafter(360.0, 0.0)) or not _rise(elevations, -90.0, 90.0):
            raise ValueError("azimuths rise from 0 to below 360 degrees, elevations within -90 to 90")
        shape = (len(elevations), len(azimuths))
        if len(self.gains_db) != shape[0] or any(len(row) != shape[1] for row in self.gains_db):
            raise ValueError("a pattern has a gain for each elevation and azimuth")
        gains = np.array(self.gains_db, dtype=np.float64)
        if not np.isfinite(gains).all():
            raise ValueError("a gain is a finite number of dB")
        # The circle closed, and a second row if there is only one, so that every direction has neighbours on all sides.
        gains = np.column_stack([gains, gains[:, :1]])
        if shape[0] == 1:
            elevations, gains = (elevations[0], elevations[0] + 1.0), np.vstack([gains, gains])
        object.__setattr__(self, "_azimuths", np.array([*azimuths, azimuths[0] + 360.0]) - azimuths[0])
        object.__setattr__(self, "_elevations", np.array(elevations, dtype=np.float64))
        object.__setattr__(self, "_gains", gains)

    @property
    def greatest_db(self) -> float:
        """The greatest gain in any direction."""
        return max(map(max, self.gains_db))

    def gain_db(self, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> NDArray[np.float64]:
        """The gain in dB in each direction, bilinear between those given; not rounded.

        Azimuths go round; beyond the first and the last elevation the gain stays as there.
        """
        azimuth = np.mod(np.asarray(azimuth_deg, dtype=np.float64) - self.azimuths_deg[0], 360.0)
        elevation = np.clip(elevation_deg, self.elevations_deg[0], self.elevations_deg[-1])
        column, across = _between(self._azimuths, azimuth)
        row, up = _between(self._elevations, elevation)
        lower = _mixed(self._gains[row, column], self._gains[row, column + 1], across)
        upper = _mixed(self._gains[row + 1, column], self._gains[row + 1, column + 1], across)
        return _mixed(lower, upper, up)


def look_deg(
    position_m: NDArray[np.float64], velocity_mps: NDArray[np.float64], toward_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """In which direction each sees another: (azimuth, elevation) in degrees; all earth-centred, earth-fixed, (n, 3).

    Azimuths from 0 to 360 clockwise from the nose, elevations from the local horizontal upwards. The nose is the
    horizontal part of the velocity if that is 1 m/s or more, else north; wings are level. Who is at the same place is
    straight ahead. The vertical is the normal of an ellipsoid of the earth's shape through the position: up to 30 km
    within 0.002 degrees of the geodetic one.
    """
    up = _unit(position_m / np.array([1.0, 1.0, (1.0 - FLATTENING) ** 2]))
    north = _unit(_level(np.broadcast_to([0.0, 0.0, 1.0], up.shape), up))
    course_mps = _level(velocity_mps, up)
    moves = _dot(course_mps, course_mps) >= LEAST_NOSE_SPEED_MPS**2
    nose = np.where(moves[..., np.newaxis], _unit(course_mps), north)
    away_m = toward_m - position_m
    ahead_m, right_m = _dot(away_m, nose), _dot(away_m, _cross(nose, up))
    azimuth = np.mod(np.degrees(np.arctan2(right_m, ahead_m)), 360.0)
    elevation = np.degrees(np.arctan2(_dot(away_m, up), np.hypot(ahead_m, right_m)))
    return azimuth, elevation


def parse_pattern(text: str) -> Pattern:
    """A pattern from CSV: azimuths in the first row after an empty cell, then rows of an elevation and its gains.

    Raises TableError with everything that is wrong.
    """
    table = Table(text)
    line, (corner, *cells) = table.rows[0]
    if corner:
        table.wrong(line, "first cell", repr(corner), "an empty cell, then azimuths")
    if not cells:
        table.wrong(line, "azimuth", "none", "an azimuth in degrees for each column")
    if len(table.rows) == 1:
        table.wrong(line, "row", "no more rows", "a row for each elevation")
    azimuths = [table.number(line, "azimuth", cell, (0.0, 360.0), "degrees") for cell in cells]
    for cell, (before, azimuth) in zip(cells[1:], pairwise(azimuths), strict=True):
        if azimuth <= before:
            table.wrong(line, "azimuth", repr(cell), f"more than the {before:g} before it")
    if 360.0 in azimuths:
        table.wrong(line, "azimuth", "360", "degrees below 360: 0 is the same direction")
    elevations: list[float] = []
    gains: list[tuple[float, ...]] = []
    for line, (first, *row) in table.rows[1:]:
        elevation = table.number(line, "elevation", first, (-90.0, 90.0), "degrees")
        if elevations and elevation <= elevations[-1]:
            table.wrong(line, "elevation", repr(first), f"more than the {elevations[-1]:g} before it")
        elevations.append(elevation)
        if table.check_length(line, [first, *row], 1 + len(cells)):
            gains.append(tuple(table.number(line, "gain", c, (LEAST_GAIN_DB, MOST_GAIN_DB), "dB") for c in row))
    table.done()
    return Pattern(azimuths_deg=tuple(azimuths), elevations_deg=tuple(elevations), gains_db=tuple(gains))


def _rise(values: tuple[float, ...], low: float, high: float) -> bool:
    """Whether there are values, each above the one before, within bounds."""
    inside = all(low <= value <= high for value in values)
    return bool(values) and inside and all(a < b for a, b in pairwise(values))


def _between(grid: NDArray[np.float64], value: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Between which two of a grid's values each lies: the place of the lower one, and the share of the way from it."""
    place = np.clip(np.searchsorted(grid, value, side="right") - 1, 0, len(grid) - 2)
    share: NDArray[np.float64] = (value - grid[place]) / (grid[place + 1] - grid[place])
    return place, share


def _mixed(a: NDArray[np.float64], b: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    return a + share * (b - a)


# Sums are written out term by term: one over an axis may be added up in another order on another processor.


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]
    return product


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        axis=-1,
    )


def _level(vector: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    """The horizontal part of a vector."""
    return vector - _dot(vector, up)[..., np.newaxis] * up


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of length 1; what has no length, such as north at a pole, points along the x axis."""
    length = np.sqrt(_dot(vector, vector))[..., np.newaxis]
    some = length > 1e-9
    unit: NDArray[np.float64] = np.where(some, vector / np.where(some, length, 1.0), np.array([1.0, 0.0, 0.0]))
    return unit
