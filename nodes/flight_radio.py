"""Reads what a scenario's radio is made of from its files: the model of propagation, curves and antennas' patterns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TypeVar

import numpy as np

from nodes.own_function import OwnFunction, load_function
from nodes.problems import Problem
from nodes.scenario import CurveEntry, PropagationEntry, Scenario, StationEntry
from protocol.agreement import Agreement
from radio.antenna import Pattern, parse_pattern
from radio.curves import PRESETS, Curve, parse_curve
from radio.loss_matrix import parse_matrix
from radio.propagation import (
    STANDARD_REFRACTION,
    FreeSpace,
    LogDistance,
    Matrix,
    Own,
    Paths,
    Propagation,
    PropagationError,
    TwoRay,
)
from radio.tables import TableError

EARTH_K: dict[str, float] = {"4/3": STANDARD_REFRACTION, "1": 1.0, "none": inf}
"""How much larger than ours the earth is that radio waves see, by `medium.earth`."""
FLAWS_TOLD = 20
MATRIX_EXCESS_DB = 200.0
"""What a matrix may be better than free space by if neither the scenario nor the agreement says anything."""
TRIED_M = (1.0, 10_000.0, 740_800.0)
"""Distances at which a function of the user's is tried when it is loaded."""
TRIED_HEIGHTS_M = ((10_000.0, 1_000.0, 12_000.0), (10.0, 100.0, 9_000.0))

Read = TypeVar("Read", Pattern, Curve, Matrix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """What of the radio stands in files. Channels without a curve have the preset `step`, stations without a pattern
    are isotropic. Curves go by the channel's number, patterns by the station's address."""

    propagation: Propagation = FreeSpace()
    curves: dict[int, Curve] = field(default_factory=dict)
    patterns: dict[int, Pattern] = field(default_factory=dict)


def radio_of(
    scenario: Scenario, agreement: Agreement, stations: tuple[StationEntry, ...], path: Path, problems: list[Problem]
) -> Radio:
    """The radio of a scenario; files are relative to `path`, the scenario's own. What is wrong goes to `problems`.

    What cannot be had is left out: free space, no curve, no pattern. A function of the user's is called for a trial.
    """
    patterns: dict[int, Pattern] = {}
    known: dict[str, Pattern | None] = {}
    for s in stations:
        if s.pattern is not None:
            if s.pattern not in known:  # every station of this file would only repeat what is wrong with it
                known[s.pattern] = _read(parse_pattern, s.pattern, f"station {s.call_sign}: pattern", path, problems)
            pattern = known[s.pattern]
            if pattern is not None:
                patterns[s.address] = pattern
    radio = Radio(
        propagation=_propagation(scenario, agreement, stations, path, problems),
        curves=_curves(scenario, agreement, path, problems),
        patterns=patterns,
    )
    problems += _stronger_than_agreed(radio, agreement, stations, path)
    return radio


def _stronger_than_agreed(
    radio: Radio, agreement: Agreement, stations: tuple[StationEntry, ...], path: Path
) -> list[Problem]:
    """What would make the judge accuse honest stations of 3.4 or 4.5: that monitors hear more than the agreement's
    bounds allow for."""
    agreed_db = agreement.bounds.excess_db
    if agreed_db is None or not (agreement.clause.c3_4 or agreement.clause.c4_5):
        return []
    problems = []
    for m in (s for s in stations if s.role == "monitor"):
        pattern_db = radio.patterns[m.address].greatest_db if m.address in radio.patterns else 0.0
        excess_db = radio.propagation.excess_db + m.gain_dbi + pattern_db
        if excess_db > agreed_db:
            told = (
                f"{m.call_sign} may hear a station {excess_db:g} dB stronger than over free space, by its antenna and "
                f"the model of propagation; the agreement's bounds.excess_db allows {agreed_db:g}, and an honest "
                "station could be accused of 3.4 or 4.5: give a smaller excess, or agree on a larger one"
            )
            problems.append(Problem(str(path), "medium.propagation.excess_db", "", told))
    return problems


def _curves(scenario: Scenario, agreement: Agreement, path: Path, problems: list[Problem]) -> dict[int, Curve]:
    known = sorted({c.number for c in (*agreement.channel, *scenario.unagreed_channel)})
    curves: dict[int, Curve] = {}
    given: set[int] = set()
    for i, entry in enumerate(scenario.medium.curve):
        key = f"medium.curve.{i}"
        if entry.channel not in known:
            expected = f"no such channel; there are {known}"
            problems.append(Problem(str(path), f"{key}.channel", str(entry.channel), expected))
        elif entry.channel in given:
            expected = "this channel has a curve already; one for each"
            problems.append(Problem(str(path), f"{key}.channel", str(entry.channel), expected))
        given.add(entry.channel)
        curve = _curve(entry, f"{key}.file", path, problems)
        if curve is not None:
            curves[entry.channel] = curve
    return curves


def _curve(entry: CurveEntry, key: str, path: Path, problems: list[Problem]) -> Curve | None:
    if entry.preset is not None:
        return PRESETS[entry.preset]
    assert entry.file is not None
    return _read(parse_curve, entry.file, key, path, problems)


def _propagation(
    scenario: Scenario, agreement: Agreement, stations: tuple[StationEntry, ...], path: Path, problems: list[Problem]
) -> Propagation:
    entry = scenario.medium.propagation
    if entry.model == "two_ray":
        return TwoRay()
    if entry.model == "log_distance":
        assert entry.exponent is not None
        return LogDistance(
            exponent=entry.exponent,
            reference_m=1.0 if entry.reference_m is None else entry.reference_m,
            shadowing_db=entry.shadowing_db or 0.0,
            seed=scenario.seed,
        )
    if entry.model == "matrix":
        agreed_db = agreement.bounds.excess_db
        excess_db = MATRIX_EXCESS_DB if agreed_db is None else agreed_db
        if entry.excess_db is not None:
            excess_db = entry.excess_db
        return _matrix(entry, excess_db, {s.call_sign: s.address for s in stations}, path, problems) or FreeSpace()
    if entry.model == "python":
        channels = (*agreement.channel, *scenario.unagreed_channel)
        frequencies_hz = sorted({c.frequency_mhz * 1e6 for c in channels})
        return _own(entry, frequencies_hz, path, problems) or FreeSpace()
    return FreeSpace()


def _matrix(
    entry: PropagationEntry, excess_db: float, addresses: dict[str, int], path: Path, problems: list[Problem]
) -> Matrix | None:
    assert entry.file is not None
    if len(set(addresses.values())) < len(addresses):
        return None  # that two have the same address is told elsewhere

    def parse(text: str) -> Matrix:
        return parse_matrix(text, addresses, excess_db)

    return _read(parse, entry.file, "medium.propagation.file", path, problems)


def _own(entry: PropagationEntry, frequencies_hz: list[float], path: Path, problems: list[Problem]) -> Own | None:
    """A function of the user's, if it can be had and answers well for a few distances."""
    assert entry.python is not None
    assert entry.excess_db is not None
    own = Own(function=OwnFunction(entry.python, path.parent.resolve()), name=entry.python, excess_db=entry.excess_db)
    try:
        load_function(entry.python, path.parent)
        for frequency_hz in frequencies_hz:
            own.loss_db(_tried(), frequency_hz)
    except PropagationError as error:
        problems.append(Problem(str(path), "medium.propagation.python", "", str(error)))
        return None
    except ValueError as error:
        problems.append(Problem(str(path), "medium.propagation.python", repr(entry.python), str(error)))
        return None
    return own


def _tried() -> Paths:
    ends = np.arange(len(TRIED_M), dtype=np.int64)
    high, low = (np.array(heights_m) for heights_m in TRIED_HEIGHTS_M)
    return Paths(np.array(TRIED_M), ends, ends, high, low)


def _read(parse: Callable[[str], Read], name: str, key: str, path: Path, problems: list[Problem]) -> Read | None:
    """What is in a file, or None. One that cannot be read is the key's problem, what is wrong in it is the file's."""
    file = path.parent / name
    try:
        # Spreadsheets put a byte order mark before the first cell.
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem(str(path), key, repr(name), "is not text in UTF-8; a CSV file is expected"))
        return None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        why = error.strerror if isinstance(error, OSError) else str(error)
        problems.append(Problem(str(path), key, repr(name), f"cannot be read: {why}; a CSV file is expected"))
        return None
    try:
        return parse(text)
    except TableError as error:
        problems += [
            Problem(f"{file}:{f.line}" if f.line else str(file), f.column, f.found, f"expected {f.expected}")
            for f in error.flaws[:FLAWS_TOLD]
        ]
        if more := len(error.flaws[FLAWS_TOLD:]):
            problems.append(Problem(str(file), "", "", f"and {more} more such errors"))
    return None
