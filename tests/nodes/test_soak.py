"""Many drawn flights of honest stations, at several loss rates: nobody innocent is accused, and most is decided.

Positions, courses, slots, clocks and instrument errors up to their bounds, late entries, early departures and declared
avoidances come from the seed. What is really too close is worked out here, from the paths themselves.
"""

from math import cos, radians
from pathlib import Path
from random import Random

import pytest

from nodes.closeness import close_spans, longest_s
from nodes.flight import prepare
from nodes.scenario import Scenario
from nodes.seat import motion_of
from nodes.shipped import CONFIGS
from nodes.testing import FlightTest
from protocol.units import FT_M, NM_M
from protocol.verdicts import Outcome

AGREEMENT = str(CONFIGS / "agreements" / "safety-of-flight-2015.toml")
SECONDS = 70
SEEDS = range(15)
DECIDED = {0.0: 0.99, 0.01: 0.95, 0.05: 0.90, 0.20: 0.70}


def drawn(seed: int, loss: float, fault: dict[str, object] | None = None, stations: int = 6) -> Scenario:
    """A flight drawn from a seed: `stations` aircraft of two parties within some 30 NM, and a monitor."""
    random = Random(seed)
    entries: list[dict[str, object]] = [
        {"address": "0a0001", "call_sign": "MON 1", "role": "monitor", "at": [35.0, 37.0, 300.0]}
    ]
    slots = random.sample([n for n in range(50) if n % 5 != 4], stations * 2)
    for i in range(stations):
        entries.append(_aircraft(i, random, slots[2 * i : 2 * i + 2]))
    return Scenario.model_validate(
        {
            "title": f"soak {seed}",
            "agreement": AGREEMENT,
            "start": f"2015-10-21T09:{random.randrange(60):02d}:{random.randrange(60):02d}Z",
            "duration_s": SECONDS,
            "seed": seed,
            "medium": {"loss": loss},
            "station": entries,
            "fault": [fault] if fault else [],
        }
    )


def _aircraft(i: int, random: Random, slots: list[int]) -> dict[str, object]:
    latitude, longitude = 35 + random.uniform(-0.25, 0.25), 37 + random.uniform(-0.3, 0.3)
    altitude = random.choice([20_000, 20_900, 21_500, 24_000]) + random.uniform(-100, 100)
    begin = random.choice([0, 0, 0, 0, random.uniform(5, 20)])
    end = random.choice([SECONDS + 5, SECONDS + 5, SECONDS + 5, random.uniform(50, 65)])
    points = []
    for t in (begin, (begin + end) / 2, end):
        points.append([round(t, 3), latitude, longitude, altitude])
        run = (end - begin) / 2 * random.uniform(60, 250)
        turn = radians(random.uniform(-180, 180))
        latitude += run * cos(turn) / 111_195
        longitude += run * cos(turn + 1.5708) / 91_000
        altitude += random.choice([0, 0, random.uniform(-600, 600)])
    entry: dict[str, object] = {
        "address": f"{(0xAE1000 if i % 2 else 0x155000) + i:06x}",
        "call_sign": f"{'HAWK' if i % 2 else 'SOKOL'} {i}",
        "party": "coalition" if i % 2 else "federation",
        "role": random.choice(["aircraft", "aircraft", "uncrewed"]),
        "waypoints": points,
        "slots": slots,
        "errors": {
            "north_m": random.choice([-125, 0, 125]),
            "east_m": random.choice([-125, 0, 125]),
            "altitude_ft": random.choice([-73, 0, 73]),
            "clock_us": random.choice([-900, 0, 900]),
        },
    }
    if random.random() < 0.1:
        entry["avoid_s"] = [random.uniform(0, 30), random.uniform(40, 70)]
    return entry


def fly(scenario: Scenario) -> FlightTest:
    flight = FlightTest(prepare(scenario, Path()))
    flight._run.advance(flight.flight.end_ns)
    flight.close()
    return flight


def longest_too_close_s(flight: FlightTest, pair: str) -> float:
    """For how long the two were really within both limits, without a break; a little more is no injustice."""
    entries = {s.address: s for s in flight.flight.stations}
    a, b = (motion_of(entries[int(part, 16)], flight.flight) for part in pair.split("/"))
    begin, end = flight.flight.start_ns, flight.flight.end_ns
    return longest_s(close_spans(a, b, begin, end, 5 * NM_M + 3, 1000 * FT_M + 3))


def unjust(flight: FlightTest, guilty: set[tuple[str, str]]) -> list[str]:
    """Accusations of somebody who did nothing. `guilty` are (clause, address) that are there on purpose."""
    told = []
    for finding in flight.findings:
        if finding.outcome is not Outcome.FAIL or any(
            (finding.clause, part) in guilty for part in finding.subject.split("/")
        ):
            continue
        if finding.clause == "6.1" and longest_too_close_s(flight, finding.subject) >= 9.95:
            continue
        told.append(f"seed {flight.flight.scenario.seed}: {finding.clause} {finding.subject}: {finding.summary}")
    return told


def decided_of(flights: list[FlightTest]) -> dict[str, tuple[int, int]]:
    """By clause: instances decided, and instances judged."""
    shares: dict[str, tuple[int, int]] = {}
    for flight in flights:
        for tally in flight._run.tallies():
            settled = tally.counts[Outcome.PASS] + tally.counts[Outcome.FAIL]
            a, b = shares.get(tally.clause, (0, 0))
            shares[tally.clause] = (a + settled, b + settled + tally.counts[Outcome.INCONCLUSIVE])
    return shares


IDLE = ("0.1", "1.2", "2.4", "4.7", "6.7", "7.1", "7.2", "7.3", "8.1", "8.2", "8.3", "8.4", "9.1")
"""Clauses that nothing exercises: nobody is in distress, changes channels, loses its link or falls silent, and there is
no ground line."""
CALLED = {"2.5": 0.95, "6.3": 0.95}
"""Calls on guard meet others there, and who talks does not hear: some are not proved heard before the flight ends."""


@pytest.mark.parametrize("loss", DECIDED)
def test_nobody_innocent_is_accused_and_most_is_decided(loss: float) -> None:
    flights = [fly(drawn(seed, loss)) for seed in SEEDS]
    assert [line for flight in flights for line in unjust(flight, set())] == []
    shares = decided_of(flights)
    settled, judged = (sum(s[i] for s in shares.values()) for i in (0, 1))
    assert settled / judged >= DECIDED[loss], shares
    for clause, (a, b) in shares.items():
        # many easy instances of one clause must not hide another that never decides
        assert clause in IDLE or (b > 0 and a / b >= DECIDED[loss] * CALLED.get(clause, 1)), (clause, a, b)


CAUGHT = {
    "slot_thief": ("3.1", {"at_s": 10}),
    "silent": ("4.1", {"at_s": 40, "for_s": 14}),
    "too_close": ("6.1", {"at_s": 0, "target": "SOKOL 2"}),
}


def with_fault(name: str, seed: int, loss: float) -> FlightTest:
    """A drawn flight in which HAWK 1 has the fault all the time that it flies."""
    scenario = drawn(seed, loss, {"name": name, "station": "HAWK 1", **CAUGHT[name][1]})
    target = next(s for s in scenario.station if s.call_sign == "SOKOL 2")
    assert target.waypoints
    path = [(0.0, *target.waypoints[0][1:]), (SECONDS + 5.0, *target.waypoints[-1][1:])]
    beside = [(t, latitude + 0.13, longitude, altitude) for t, latitude, longitude, altitude in path]
    there = {"SOKOL 2": path, "HAWK 1": beside}  # from beginning to end, and with no avoidance to excuse them
    stations = tuple(
        s.model_copy(update={"avoid_s": None, "waypoints": tuple(there[s.call_sign])}) if s.call_sign in there else s
        for s in scenario.station
    )
    return fly(scenario.model_copy(update={"station": stations}))


@pytest.mark.parametrize("loss", DECIDED)
@pytest.mark.parametrize("name", CAUGHT)
def test_the_guilty_are_still_caught(name: str, loss: float) -> None:
    clause, _ = CAUGHT[name]
    flights = [with_fault(name, seed, loss) for seed in range(6)]
    assert [line for flight in flights for line in unjust(flight, {(clause, "ae1001")})] == []
    for flight in flights:
        accused = {subject for c, subject in flight.accused() if c == clause}
        assert any("ae1001" in subject for subject in accused), flight.flight.scenario.seed
