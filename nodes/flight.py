"""A scenario made ready to run: files read, annexes drawn up, motions built, and everything checked against the rest.

`load` is the one way in. It raises ConfigurationError with every problem it finds.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nodes.flight_motions import motions_of
from nodes.flight_names import name_problems
from nodes.flight_radio import Radio, radio_of
from nodes.flight_slots import slot_table
from nodes.line.setup import LineSetup, line_of
from nodes.motion import Motion
from nodes.own_class import load_class
from nodes.problems import ConfigurationError, Problem, from_validation
from nodes.salvage import without_the_malformed
from nodes.scenario import FaultEntry, Scenario, StationEntry
from nodes.toml_files import read_toml
from protocol.agreement import Agreement, Annexes, Requirement, Station
from protocol.units import NS_PER_S, seconds_ns

FIRST_YEAR, LAST_YEAR = 1971, 2200
"""Instants are nanoseconds since 1970 in 64 bits."""
AGREEMENT_TABLES = frozenset({"party", "clause"})
"""What an agreement cannot be without, and no scenario has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """Everything a driver needs. `stations` are in order of address; `motions` has one for each that we fly."""

    scenario: Scenario
    agreement: Agreement
    annexes: Annexes
    stations: tuple[StationEntry, ...]
    motions: dict[int, Motion]
    radio: Radio
    line: LineSetup | None = None
    start_ns: int
    end_ns: int
    folder: Path
    """The scenario's, where its own classes and programs are looked for."""
    notes: tuple[str, ...] = ()

    @property
    def require(self) -> dict[str, Requirement]:
        """The agreement's requirements, and the scenario's over them."""
        return self.agreement.require | self.scenario.require


def load_agreement(path: Path) -> Agreement:
    """An agreement file. Raises ConfigurationError."""
    values = read_toml(path)
    if is_scenario(values) and not AGREEMENT_TABLES & values.keys():
        raise ConfigurationError([Problem(str(path), "", "", "this is a scenario; give an agreement")])
    try:
        return Agreement.model_validate(_as_tuples(values), strict=True)
    except ValidationError as error:
        raise ConfigurationError(from_validation(path, error)) from None


def load(path: Path) -> Flight:
    """A scenario file with all it names. Raises ConfigurationError with everything that is wrong."""
    values = read_toml(path)
    if is_agreement(values):
        raise ConfigurationError([Problem(str(path), "", "", "this is an agreement; give a scenario")])
    try:
        return prepare(Scenario.model_validate(_as_tuples(values), strict=True), path)
    except ValidationError as error:
        problems = from_validation(path, error, values)
        raise ConfigurationError(problems + _what_else(values, error, path)) from None


def is_agreement(values: dict[str, Any]) -> bool:
    """Whether a file's values are an agreement's: it has tables that only agreements have, and no stations."""
    return bool(AGREEMENT_TABLES & values.keys()) and "station" not in values


def is_scenario(values: dict[str, Any]) -> bool:
    """Whether a file's values are a scenario's, or would be."""
    return not is_agreement(values) and bool({"station", "agreement"} & values.keys())


def _as_tuples(value: Any) -> Any:
    """The values with tuples for lists: a strict check takes no text for a number, but no list for a tuple either."""
    if isinstance(value, dict):
        return {key: _as_tuples(part) for key, part in value.items()}
    return tuple(_as_tuples(part) for part in value) if isinstance(value, list) else value


def _what_else(values: dict[str, Any], error: ValidationError, path: Path) -> list[Problem]:
    """What is wrong beside the keys that are not even well formed: the rest is checked without them."""
    rest = without_the_malformed(values, error)
    try:
        prepare(Scenario.model_validate(_as_tuples(rest.values), strict=True), path)
    except ValidationError:
        return []  # too little is left to go on
    except ConfigurationError as more:
        return [rest.as_in_the_file(p) for p in more.problems if not rest.caused(p)]
    return []


def prepare(scenario: Scenario, path: Path) -> Flight:
    """A scenario that is already in memory; `path` is where its relative paths start. Raises ConfigurationError."""
    problems: list[Problem] = []
    try:
        agreement = load_agreement(path.parent / scenario.agreement)
    except ConfigurationError as error:
        raise ConfigurationError(error.problems + name_problems(scenario, None, path)) from None
    stations = tuple(sorted(scenario.station, key=lambda s: s.address))
    problems += name_problems(scenario, agreement, path)
    start_ns = _start_ns(scenario, agreement, path, problems)
    end_ns = start_ns + seconds_ns(scenario.duration_s)
    problems += _late(scenario, path)
    motions, notes = motions_of(stations, path, start_ns, end_ns, problems)
    slots = slot_table(stations, agreement, path, problems)
    problems += _own_classes(stations, path)
    radio = radio_of(scenario, agreement, stations, path, problems)
    line = line_of(scenario, agreement, path, problems)
    if problems:
        raise ConfigurationError(problems)
    strangers = {f.station for f in scenario.fault if f.name == "stranger"}
    register = tuple(
        Station(address=s.address, call_sign=s.call_sign, party=s.party, role=s.role)
        for s in stations
        if s.talks and s.call_sign not in strangers
    )
    annexes = Annexes(
        version="1", register_=register, slots=slots, area=scenario.area, keys=line.public if line else {}
    )
    return Flight(
        scenario=scenario.model_copy(update={"fault": tuple(sorted(scenario.fault, key=_in_any_order))}),
        agreement=agreement,
        annexes=annexes,
        stations=stations,
        motions=motions,
        radio=radio,
        line=line,
        start_ns=start_ns,
        end_ns=end_ns,
        folder=path.parent,
        notes=tuple(notes),
    )


def with_loss(flight: Flight, loss: float) -> Flight:
    """The same flight over a medium that loses this share of receptions by chance."""
    medium = flight.scenario.medium.model_copy(update={"loss": loss})
    return replace(flight, scenario=flight.scenario.model_copy(update={"medium": medium}))


def no_strangers(flight: Flight, path: Path) -> None:
    """Raises ConfigurationError if stations fly themselves, which nobody in virtual time waits for."""
    _refuse([s for s in flight.stations if s.foreign], path)


def no_programs(flight: Flight, path: Path) -> None:
    """Raises ConfigurationError if stations are programs that only a live run starts."""
    _refuse([s for s in flight.stations if s.command], path)


def _refuse(stations: list[StationEntry], path: Path) -> None:
    expected = "flies itself, and only live: use `airaccord run`, or live=True in a test"
    if stations:
        raise ConfigurationError([Problem(str(path), f"station {s.call_sign}", "", expected) for s in stations])


def _in_any_order(fault: FaultEntry) -> tuple[str, str, float, float, str]:
    """What faults are sorted by: where one stands in the file must not matter when a station has several."""
    for_s = math.inf if fault.for_s is None else fault.for_s
    return fault.station, fault.name, fault.at_s, for_s, fault.target or ""


def _late(scenario: Scenario, path: Path) -> list[Problem]:
    """Faults that would never begin, and events that would never happen."""
    over = f"the scenario is over after {scenario.duration_s:g} s: the"
    times = [(f"fault.{i}", f.at_s, "fault would never begin") for i, f in enumerate(scenario.fault)]
    times += [(f"event.{i}", e.at_s, "event would never happen") for i, e in enumerate(scenario.event)]
    return [
        Problem(str(path), f"{key}.at_s", f"{at_s:g}", f"{over} {never}")
        for key, at_s, never in times
        if at_s >= scenario.duration_s
    ]


def _own_classes(stations: tuple[StationEntry, ...], path: Path) -> list[Problem]:
    """Classes of the user's that cannot be had."""
    problems = []
    for s in stations:
        if s.python is not None:
            try:
                load_class(s.python, path.parent)
            except ValueError as error:
                problems.append(Problem(str(path), f"station {s.call_sign}: python", repr(s.python), str(error)))
    return problems


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
