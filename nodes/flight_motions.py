"""Builds every station's motion from a scenario: a fixed place, waypoints, or a recorded track."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from nodes.motion import Fixed, Motion, Waypoints, metres_per_degree
from nodes.problems import Problem
from nodes.scenario import StationEntry, Waypoint
from nodes.tracks import Track, TrackError, load_tracks
from protocol.units import FT_M

ROWS_TOLD = 20
FASTEST_MPS = 3_000.0
"""A POSITION cannot say much more."""


def motions_of(
    stations: tuple[StationEntry, ...],
    path: Path,
    start_ns: int,
    end_ns: int,
    problems: list[Problem],
) -> tuple[dict[int, Motion], list[str]]:
    """The motions by address, and notes on rows of tracks that are left out. What is wrong goes to `problems`."""
    motions: dict[int, Motion] = {}
    notes: list[str] = []
    tracks: dict[str, dict[str, Track]] = {}
    for s in stations:
        key = f"station {s.call_sign}"
        if s.at is not None:
            motions[s.address] = Fixed(*s.at[:2], s.at[2])
        elif s.waypoints is not None:
            try:
                legs = motions[s.address] = Waypoints(start_ns, s.waypoints)
            except ValueError as error:
                problems.append(Problem(str(path), f"{key}: waypoints", "", str(error)))
                continue
            if legs.start_ns > end_ns or legs.end_ns < start_ns:
                expected = "none of it lies between the scenario's start and its end"
                problems.append(Problem(str(path), f"{key}: waypoints", "", expected))
            problems += _too_fast(s.waypoints, key, path)
        elif s.track is not None:
            track = _track(s, path, tracks, problems)
            if track is None:
                continue
            motions[s.address] = track
            if not any(p.start_ns <= end_ns and start_ns <= p.end_ns for p in track.pieces):
                expected = "the track has no rows between the scenario's start and its end"
                problems.append(Problem(str(path), f"{key}: track", repr(s.track.icao24), expected))
            notes += [f"{Path(s.track.file).name}:{row.line}: left out, {row.reason}" for row in track.dropped]
    return motions, notes


def _too_fast(points: Sequence[Waypoint], key: str, path: Path) -> list[Problem]:
    """Legs on which a POSITION could not state the speed."""
    problems = []
    for number, ((t, latitude, longitude, ft), (t_next, latitude_next, longitude_next, ft_next)) in enumerate(
        pairwise(points), 1
    ):
        north_m, east_m = metres_per_degree(min(abs(latitude), abs(latitude_next)), max(ft, ft_next))
        east = abs((longitude_next - longitude + 180) % 360 - 180) * east_m
        up = (ft_next - ft) * FT_M
        speed_mps = math.hypot((latitude_next - latitude) * north_m, east, up) / (t_next - t)
        if speed_mps > FASTEST_MPS:
            expected = f"leg {number} is flown at {speed_mps:,.0f} m/s; {FASTEST_MPS:,.0f} at most"
            problems.append(Problem(str(path), f"{key}: waypoints", "", expected))
    return problems


def _track(s: StationEntry, path: Path, tracks: dict[str, dict[str, Track]], problems: list[Problem]) -> Track | None:
    assert s.track is not None
    file = path.parent / s.track.file
    if s.track.file not in tracks:
        tracks[s.track.file] = {}
        try:
            tracks[s.track.file] = load_tracks(file)
        except TrackError as error:
            problems += _in_track(file, error)
        except OSError as error:
            problems.append(Problem(str(file), "", "", error.strerror or str(error)))
        # every station of this file would only repeat what is wrong with it
    known = tracks[s.track.file]
    if known and s.track.icao24 not in known:
        expected = f"no such aircraft in {s.track.file}; there are {sorted(known)}"
        problems.append(Problem(str(path), f"station {s.call_sign}: track", repr(s.track.icao24), expected))
    return known.get(s.track.icao24)


def _in_track(file: Path, error: TrackError) -> list[Problem]:
    """What is wrong with a track file: the first rows of it, and how many more there are."""
    told = [
        Problem(f"{file}:{p.line}" if p.line else str(file), p.column, p.found, f"expected {p.expected}")
        for p in error.problems[:ROWS_TOLD]
    ]
    more = len(error.problems) - len(told)
    return [*told, Problem(str(file), "", "", f"and {more} more such errors")] if more else told
