"""Recorded tracks: clean the rows of a file, and smooth each aircraft's to a path that can be flown.

How a file is read stands in `nodes.track_files`; what a path is, in `nodes.motion`.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nodes.motion import METRES_PER_FOOT, Kinematics, Sampled, metres_per_degree
from nodes.track_files import Row, RowProblem, TrackError, read_rows

__all__ = ["DroppedRow", "Track", "TrackError", "load_tracks"]

AIRBORNE_ABOVE_MPS = 50 * 1852 / 3600
MAX_GAP_NS = 30 * 10**9
MAX_HORIZONTAL_MPS2 = 2 * 9.80665
MAX_VERTICAL_MPS2 = 9.80665

_MAX_SPEED_MPS = 2000 * 1852 / 3600
_MAX_CLIMB_FTPS = 60_000 / 60
_ROUNDING_M, _ROUNDING_FT = 100.0, 50.0
"""What rounding (of altitudes to 25 ft, of places to 1e-5 degree, both ends) may add to a step."""
_SMOOTHING_S = (4.0, 6.0, 9.0, 14.0)
"""Motion quicker than about this long is taken for noise; the first that gives a path that can be flown is used."""
_FEWEST_ROWS = 5
_EARTH_M = 6_371_008.8


class DroppedRow(NamedTuple):
    """A row that was left out: its line in the file, and what was wrong with it."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One aircraft's path, a `nodes.motion.Motion`.

    Rows more than 30 s apart split it into pieces; between pieces, before the first row and after the last it is not
    there. It is airborne when its smoothed ground speed is 50 kt or more: the file has no weight-on-wheels, and no
    ground elevation that its pressure altitude could be held against.
    `dropped` are rows without a position, rows no aircraft can join to the others, and rows too few for a path.
    `held_lines` are the lines that only repeat an old place of an aircraft that was moving; they say nothing new and
    are not used.
    """

    icao24: str
    call_sign: str
    pieces: tuple[Sampled, ...]
    dropped: tuple[DroppedRow, ...]
    held_lines: tuple[int, ...]

    def at(self, at_ns: int) -> Kinematics | None:
        """Where it is at this instant; None in a gap and outside its rows."""
        for piece in self.pieces:
            if at_ns <= piece.end_ns:
                return piece.at(at_ns)
        return None


def load_tracks(path: Path, icao24s: Collection[str] | None = None) -> dict[str, Track]:
    """Read the tracks of these aircraft (None: of all), by address in lower-case hex, in the order of the addresses.

    Raises TrackError with everything that is wrong: a file that cannot be read, a malformed row (of any aircraft),
    an aircraft that is not in the file or has no five rows without a gap, rows too rough for any path that can be
    flown (2 g horizontally, 1 g vertically).
    """
    rows = read_rows(path)
    by_address = {
        address: sorted(group, key=lambda row: row.at_ns)
        for address, group in groupby(sorted(rows, key=lambda row: row.icao24), key=lambda row: row.icao24)
    }
    wanted = sorted(by_address) if icao24s is None else sorted({address.lower() for address in icao24s})
    problems: list[RowProblem] = []
    tracks = {}
    for address in wanted:
        if address not in by_address:
            known = ", ".join(sorted(by_address))
            problems.append(RowProblem(0, "icao24", f"no row of {address!r}", f"one of {known}"))
            continue
        before = len(problems)
        track = tracks[address] = _track(address, by_address[address], problems)
        if icao24s is not None and not track.pieces and len(problems) == before:
            found = f"{len(by_address[address])} rows of {address}"
            problems.append(RowProblem(0, "icao24", found, f"{_FEWEST_ROWS} usable ones no more than 30 s apart"))
    if problems:
        raise TrackError(path, problems)
    return tracks


def _track(address: str, rows: list[Row], problems: list[RowProblem]) -> Track:
    chain, dropped = _joinable([row for row in rows if row.has_position])
    dropped += [DroppedRow(row.line, "no position") for row in rows if not row.has_position]
    fresh, held_lines = _without_held(chain)
    pieces = []
    for piece in _split(fresh):
        if len(piece) < _FEWEST_ROWS:
            dropped += [DroppedRow(row.line, f"fewer than {_FEWEST_ROWS} rows between gaps of 30 s") for row in piece]
            continue
        path = _fit(piece)
        if path:
            pieces.append(path)
        else:
            found = f"rows of {address} too rough to be smoothed"
            problems.append(
                RowProblem(piece[0].line, "row", found, "a path within 2 g horizontally and 1 g vertically")
            )
    return Track(
        icao24=address,
        call_sign=next((row.call_sign for row in rows if row.call_sign), ""),
        pieces=tuple(pieces),
        dropped=tuple(sorted(dropped)),
        held_lines=tuple(held_lines),
    )


def _joinable(rows: list[Row]) -> tuple[list[Row], list[DroppedRow]]:
    """The longest chain of rows of which one aircraft can join each to the next, and the rows outside it.

    Rows come in order of time, all with a position. The longest chain that ends at a row is that row after the longest
    one that ends at an earlier row it can be joined to; a wrong first row therefore takes no other with it.
    """
    if not rows:
        return [], []
    at_ns = np.array([row.at_ns for row in rows])
    places = np.array([(row.latitude_deg, row.longitude_deg, row.altitude_ft) for row in rows])
    lengths = np.ones(len(rows), dtype=np.int64)
    previous = np.full(len(rows), -1)
    longest = 1
    for index in range(1, len(rows)):
        # Nearly always the row before ends a longest chain and joins; only if not are all the earlier ones tried.
        for start in (index - 1, 0):
            step_s = (at_ns[index] - at_ns[start:index]) * 1e-9
            distance_m, climb_ft = _apart(places[start:index], places[index])
            can = (step_s > 0) & (distance_m <= _MAX_SPEED_MPS * step_s + _ROUNDING_M)
            can &= climb_ft <= _MAX_CLIMB_FTPS * step_s + _ROUNDING_FT
            reach = np.where(can, lengths[start:index], 0)
            if reach.max() == longest:
                break
        if reach.any():
            # Of equally long chains the one that ends last, which leaves the shortest step.
            previous[index] = index - 1 - int(np.argmax(reach[::-1]))
        lengths[index] = 1 + int(reach.max())
        longest = max(longest, int(lengths[index]))
    kept = []
    index = int(np.argmax(lengths))
    while index >= 0:
        kept.append(index)
        index = int(previous[index])
    chain = [rows[index] for index in reversed(kept)]
    outside = sorted(set(range(len(rows))).difference(kept))
    return chain, [DroppedRow(rows[index].line, _reason(rows[index], chain)) for index in outside]


def _apart(places: NDArray[np.float64], place: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres (haversine) and feet between each of some places and one."""
    latitudes, latitude = np.radians(places[:, 0]), math.radians(place[0])
    half_turn = np.radians(places[:, 1] - place[1]) / 2
    chord = np.sin((latitudes - latitude) / 2) ** 2 + np.cos(latitudes) * math.cos(latitude) * np.sin(half_turn) ** 2
    return 2 * _EARTH_M * np.arcsin(np.sqrt(np.minimum(chord, 1.0))), np.abs(places[:, 2] - place[2])


def _reason(row: Row, chain: list[Row]) -> str:
    """What keeps an aircraft from joining this row to the nearest one in time that was kept."""
    near = min(chain, key=lambda kept: (abs(kept.at_ns - row.at_ns), kept.line))
    step_s = abs(near.at_ns - row.at_ns) * 1e-9
    if step_s == 0:
        return f"a second row at the time of line {near.line}"
    distance_m, climb_ft = _apart(np.array([near[4:]]), np.array(row[4:]))
    return (
        f"{row.latitude_deg}, {row.longitude_deg}, {row.altitude_ft:g} ft is {distance_m[0]:.0f} m and "
        f"{climb_ft[0]:.0f} ft from line {near.line}, {step_s:g} s away"
    )


def _without_held(chain: list[Row]) -> tuple[list[Row], list[int]]:
    """The rows without those that repeat an old place of a moving aircraft, and the lines of these.

    Between two reports a receiver's software repeats the last place. So does an aircraft that stands; it was moving if
    it made 50 kt from the held place to the next one or, where none follows, from the one before.
    """
    groups = [list(group) for _, group in groupby(chain, key=lambda row: (row.latitude_deg, row.longitude_deg))]
    fresh: list[Row] = []
    held: list[int] = []
    for index, group in enumerate(groups):
        first = group[0]
        if index + 1 < len(groups):
            moving = _speed_mps(first, groups[index + 1][0]) > AIRBORNE_ABOVE_MPS
        else:
            moving = index > 0 and _speed_mps(groups[index - 1][0], first) > AIRBORNE_ABOVE_MPS
        fresh += group[:1] if moving else group
        held += [row.line for row in group[1:]] if moving else []
    return fresh, held


def _speed_mps(one: Row, other: Row) -> float:
    distance_m, _ = _apart(np.array([one[4:]]), np.array(other[4:]))
    return float(distance_m[0]) / ((other.at_ns - one.at_ns) * 1e-9)


def _split(rows: list[Row]) -> list[list[Row]]:
    """The rows in pieces, cut where two are more than 30 s apart."""
    cuts = [i for i, (one, other) in enumerate(pairwise(rows), 1) if other.at_ns - one.at_ns > MAX_GAP_NS]
    return [rows[start:end] for start, end in pairwise([0, *cuts, len(rows)])]


def _fit(rows: list[Row]) -> Sampled | None:
    """Smoothing splines through the rows; None if even the smoothest cannot be flown.

    Each coordinate is the natural cubic spline that makes the sum of squared distances to the rows plus lambda times
    the integral of its squared second derivative least (P. Craven and G. Wahba, Numer. Math. 31, 1979, 377-403). For
    rows every h seconds, lambda = T^4 / h lets motion slower than T seconds through and stops what is quicker.
    """
    start_ns = rows[0].at_ns
    times_s = np.array([(row.at_ns - start_ns) * 1e-9 for row in rows])
    degrees = np.array([(row.latitude_deg, row.longitude_deg) for row in rows])
    degrees[:, 1] = np.unwrap(degrees[:, 1], period=360.0)
    origin = degrees[len(rows) // 2]
    scale = np.array(metres_per_degree(float(origin[0]), rows[len(rows) // 2].altitude_ft))
    feet = np.array([[row.altitude_ft] for row in rows])
    level = _smooth(times_s, (degrees - origin) * scale, MAX_HORIZONTAL_MPS2)
    upright = _smooth(times_s, feet * METRES_PER_FOOT, MAX_VERTICAL_MPS2)
    if level is None or upright is None:
        return None
    return Sampled(
        start_ns,
        times_s,
        np.hstack([level[0] / scale + origin, upright[0] / METRES_PER_FOOT]),
        np.hstack([level[1] / scale, upright[1] / METRES_PER_FOOT]),
        airborne_above_mps=AIRBORNE_ABOVE_MPS,
    )


def _smooth(
    times_s: NDArray[np.float64], metres: NDArray[np.float64], limit_mps2: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Places and speeds at the times, smoothed no more than keeps the acceleration under the limit."""
    # SciPy takes half a second to import, and most scenarios have no tracks.
    from scipy.interpolate import make_smoothing_spline

    spacing_s = float(np.median(np.diff(times_s)))
    for smoothing_s in _SMOOTHING_S:
        splines = [make_smoothing_spline(times_s, column, lam=smoothing_s**4 / spacing_s) for column in metres.T]
        place, speed, acceleration = (np.stack([s(times_s, nu) for s in splines], axis=1) for nu in (0, 1, 2))
        # A cubic spline's second derivative is straight between the knots, so that it is greatest at one of them.
        if np.linalg.norm(acceleration, axis=1).max() < limit_mps2:
            return place, speed
    return None
