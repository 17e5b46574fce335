"""A scenario made ready to run: files read, annexes drawn up, motions built, and everything checked against the rest.

`load` is the one way in. It raises ConfigurationError with every problem it finds.
"""

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from nodes.motion import Fixed, Motion, Waypoints, metres_per_degree
from nodes.problems import ConfigurationError, Problem, from_validation
from nodes.scenario import FaultEntry, Scenario, StationEntry, Waypoint
from nodes.tracks import Track, TrackError, load_tracks
from protocol.agreement import Agreement, Annexes, Clauses, Model, Requirement, Station
from protocol.units import FT_M, NS_PER_S, seconds_ns

M = TypeVar("M", bound=Model)

FIRST_YEAR, LAST_YEAR = 1971, 2200
"""Instants are nanoseconds since 1970 in 64 bits."""
ROWS_TOLD = 20
FASTEST_MPS = 3_000.0
"""A POSITION cannot say much more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """Everything a driver needs. `stations` are in order of address; `motions` has one for each."""

    scenario: Scenario
    agreement: Agreement
    annexes: Annexes
    stations: tuple[StationEntry, ...]
    motions: dict[int, Motion]
    start_ns: int
    end_ns: int
    notes: tuple[str, ...] = ()

    @property
    def require(self) -> dict[str, Requirement]:
        """The agreement's requirements, and the scenario's over them."""
        return self.agreement.require | self.scenario.require


def read_toml(path: Path, model: type[M]) -> M:
    """One file as one model. Raises ConfigurationError."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError([Problem(str(path), "", "", "no such file")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(str(path), "", "", f"cannot be read: {error}")]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([Problem(str(path), "", "", f"is not TOML: {error}")]) from None
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(from_validation(path, error)) from None


def load_agreement(path: Path) -> Agreement:
    """An agreement file. Raises ConfigurationError."""
    return read_toml(path, Agreement)


def load(path: Path) -> Flight:
    """A scenario file with all it names. Raises ConfigurationError with everything that is wrong."""
    return prepare(read_toml(path, Scenario), path)


def prepare(scenario: Scenario, path: Path) -> Flight:
    """A scenario that is already in memory; `path` is where its relative paths start. Raises ConfigurationError."""
    problems: list[Problem] = []
    try:
        agreement = load_agreement(path.parent / scenario.agreement)
    except ConfigurationError as error:
        raise ConfigurationError(error.problems) from None
    stations = tuple(sorted(scenario.station, key=lambda s: s.address))
    problems += _names(scenario, agreement, path)
    start_ns = _start_ns(scenario, agreement, path, problems)
    end_ns = start_ns + seconds_ns(scenario.duration_s)
    motions, notes = _motions(scenario, stations, path, start_ns, end_ns, problems)
    slots = _slots(stations, agreement, path, problems)
    if problems:
        raise ConfigurationError(problems)
    strangers = {f.station for f in scenario.fault if f.name == "stranger"}
    register = tuple(
        Station(address=s.address, call_sign=s.call_sign, party=s.party, role=s.role)
        for s in stations
        if s.role != "monitor" and s.call_sign not in strangers
    )
    annexes = Annexes(version="1", register_=register, slots=slots, area=scenario.area)
    return Flight(
        scenario=scenario.model_copy(update={"fault": tuple(sorted(scenario.fault, key=_in_any_order))}),
        agreement=agreement,
        annexes=annexes,
        stations=stations,
        motions=motions,
        start_ns=start_ns,
        end_ns=end_ns,
        notes=tuple(notes),
    )


def _in_any_order(fault: FaultEntry) -> tuple[str, str, float, float, str]:
    """What faults are sorted by: where one stands in the file must not matter when a station has several."""
    for_s = math.inf if fault.for_s is None else fault.for_s
    return fault.station, fault.name, fault.at_s, for_s, fault.target or ""


def _start_ns(scenario: Scenario, agreement: Agreement, path: Path, problems: list[Problem]) -> int:
    start = scenario.start
    if start.tzinfo is None:
        problems.append(Problem(str(path), "start", str(start), "needs a time zone, such as 2015-10-21T09:00:00Z"))
        start = start.replace(tzinfo=UTC)
    elif not FIRST_YEAR <= start.year <= LAST_YEAR:
        problems.append(Problem(str(path), "start", str(start), f"a year from {FIRST_YEAR} to {LAST_YEAR}"))
    elif not agreement.in_force(start):
        until = f" until {agreement.in_force_until}" if agreement.in_force_until else ""
        expected = f"the agreement is in force from {agreement.in_force_from}{until}"
        problems.append(Problem(str(path), "start", str(start), expected))
    since = start - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000


def _names(scenario: Scenario, agreement: Agreement, path: Path) -> list[Problem]:
    """Names that are given twice, and names that nobody has."""
    problems, file = [], str(path)
    parties = [p.name for p in agreement.party]
    for key, values in (
        ("address", [f"{s.address:06x}" for s in scenario.station]),
        ("call_sign", [s.call_sign for s in scenario.station]),
    ):
        for value in dict.fromkeys(values):
            if (times := values.count(value)) > 1:
                problems.append(Problem(file, f"station.{key}", repr(value), f"{times} stations have it; one may"))
    strangers = {f.station for f in scenario.fault if f.name == "stranger"}
    for s in scenario.station:
        if s.party is None and s.role != "monitor" and s.call_sign not in strangers:
            problems.append(Problem(file, f"station {s.call_sign}: party", "", f"is missing; there are {parties}"))
        if s.party is not None and s.party not in parties:
            problems.append(
                Problem(file, f"station {s.call_sign}: party", repr(s.party), f"no such party; there are {parties}")
            )
    monitors = sorted((s for s in scenario.station if s.role == "monitor"), key=lambda s: s.address)
    problems += [
        Problem(file, f"station {s.call_sign}: call_sign", "", "its recording would be called as the first monitor's")
        for s in monitors[1:]
        if s.call_sign == "MONITOR"
    ]
    if not monitors:
        problems.append(Problem(file, "station", "", 'one station of role "monitor" is needed: nobody would listen'))
    numbers = [c.number for c in (*agreement.channel, *scenario.unagreed_channel)]
    for n in dict.fromkeys(numbers):
        if numbers.count(n) > 1:
            problems.append(Problem(file, "unagreed_channel.number", str(n), "this channel is agreed, or given twice"))
    known = {s.call_sign: s for s in scenario.station}
    for i, fault in enumerate(scenario.fault):
        key = f"fault.{i}"
        for field, name in (("station", fault.station), ("target", fault.target)):
            if name is not None and name not in known:
                expected = f"no station has this call sign; there are {sorted(known)}"
                problems.append(Problem(file, f"{key}.{field}", repr(name), expected))
            elif name is not None and known[name].role == "monitor":
                problems.append(Problem(file, f"{key}.{field}", repr(name), "is a monitor, which does not transmit"))
        if fault.name == "too_close" and fault.target is None:
            problems.append(Problem(file, f"{key}.target", "", "too_close needs the call sign it flies at"))
        if fault.name == "wrong_channel" and not scenario.unagreed_channel:
            problems.append(Problem(file, key, "wrong_channel", "needs an [[unagreed_channel]] to transmit on"))
    problems += [
        Problem(file, f'require."{c}"', "", f"no such clause; there are {sorted(_clause_ids())}")
        for c in scenario.require
        if c not in _clause_ids()
    ]
    return problems


def _clause_ids() -> set[str]:
    return {str(f.alias) for f in Clauses.model_fields.values()}


def _motions(
    scenario: Scenario,
    stations: tuple[StationEntry, ...],
    path: Path,
    start_ns: int,
    end_ns: int,
    problems: list[Problem],
) -> tuple[dict[int, Motion], list[str]]:
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


def _slots(
    stations: tuple[StationEntry, ...], agreement: Agreement, path: Path, problems: list[Problem]
) -> dict[int, dict[int, tuple[int, ...]]]:
    """Who owns which slots: as the scenario says, or dealt out in order of address from those that are left."""
    table: dict[int, dict[int, tuple[int, ...]]] = {}
    senders = [s for s in stations if s.role != "monitor"]
    for channel in agreement.channel:
        if channel.access != "tdma" or channel.slots is None or channel.slots_per_station is None:
            continue
        owner: dict[int, str] = {}
        for s in senders:
            for slot in s.slots or ():
                key = f"station {s.call_sign}: slots"
                if slot in channel.shared_slots:
                    problems.append(Problem(str(path), key, str(slot), f"is a shared slot of {channel.name}"))
                elif not 0 <= slot < channel.slots:
                    problems.append(
                        Problem(str(path), key, str(slot), f"{channel.name} has slots 0 to {channel.slots - 1}")
                    )
                elif slot in owner:
                    problems.append(Problem(str(path), key, str(slot), f"already belongs to {owner[slot]}"))
                owner[slot] = s.call_sign
        free = [n for n in range(channel.slots) if n not in channel.shared_slots and n not in owner]
        asking = [s for s in senders if s.slots is None]
        needed = len(asking) * channel.slots_per_station
        if needed > len(free):
            expected = (
                f"{len(asking)} stations need {channel.slots_per_station} slots each on {channel.name}, "
                f"{len(free)} are left: fewer stations, fewer shared slots, or fewer slots per station"
            )
            problems.append(Problem(str(path), "station", "", expected))
            continue
        for i, s in enumerate(asking):
            table.setdefault(s.address, {})[channel.number] = tuple(
                sorted(free[i + len(asking) * turn] for turn in range(channel.slots_per_station))
            )
        for s in senders:
            if s.slots is not None:
                table.setdefault(s.address, {})[channel.number] = tuple(sorted(s.slots))
        problems += _too_many_frames(senders, table, channel.number, agreement, path)
    return table


PERIODIC_BESIDES = 0.7
"""Frames a second that a station sends periodically beside POSITION: WATCH, INTENT and IDENT at their usual rates."""


def _too_many_frames(
    senders: list[StationEntry],
    table: dict[int, dict[int, tuple[int, ...]]],
    channel: int,
    agreement: Agreement,
    path: Path,
) -> list[Problem]:
    """A slot carries one frame: a station with fewer slots than frames falls behind for ever."""
    terms = agreement.clause.c4_1
    needed = (1 / terms.every_s if terms else 1.0) + PERIODIC_BESIDES
    problems = []
    for s in senders:
        has = len(table.get(s.address, {}).get(channel, ()))
        numbered = agreement.channel_numbered(channel)
        assert numbered is not None
        assert numbered.slot_ms is not None
        assert numbered.slots is not None
        per_second = has * 1000 / (numbered.slot_ms * numbered.slots)
        if per_second < needed:
            expected = (
                f"{per_second:g} reserved slots a second for {needed:g} periodic frames a second: "
                "give it more slots, or let POSITION be sent less often"
            )
            problems.append(Problem(str(path), f"station {s.call_sign}: slots", str(has), expected))
    return problems
