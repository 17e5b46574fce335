"""Twin of 6.6: who flies at whom, by true flights: where the nose was at each report heard, and what a straight path
would have done.
"""

from collections import Counter
from math import atan2, degrees, hypot
from random import Random

import pytest

from protocol.messages import Intent, IntentKind, Position
from protocol.verdicts import Outcome
from tests.protocol.traffic import A, B, Sender
from tests.protocol.twins.flights import (
    KT_MPS,
    NM_M,
    STEP_S,
    Flight,
    Leg,
    begun,
    offset_m,
    reported,
    step,
    straight,
    track_deg,
)
from tests.protocol.twins.lives import Air, judged, lossy, restarted, told
from tests.protocol.twins.test_motion import FT_M, State, moved
from tests.protocol.twins.trace import MORE, Trace, agree

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
TERMS = agree(c6_6={})
NEAR_M, HEIGHT_M, CLOSING_MPS, NOSE_DEG, DRIFT_DEG, FOR_S = 10 * NM_M, 2000 * FT_M, 200 * KT_MPS, 10.0, 5.0, 10.0
LENGTH_S = 40


class Pursuit(Flight):
    """A flight that turns, for a time, so as to have another so far off its nose, and straight on before and after."""

    def __init__(self, start: State, other: Flight, from_s: float, until_s: float, off_deg: float):
        self.states = [start]
        for i, there in enumerate(other.states[:-1]):
            here, turn = self.states[-1], 0.0
            if from_s <= i * STEP_S < until_s:
                turn = max(-12.0, min(12.0, (nose_deg(here, there) - off_deg) / STEP_S))
            elif until_s <= i * STEP_S < until_s + 10:
                turn = 6.0
            self.states.append(step(here, Leg(0.0, turn_dps=turn)))


def nose_deg(mine: State, other: State) -> float:
    """How far the other is to the right of the track, -180 to 180."""
    north, east = offset_m(mine, other)
    return (degrees(atan2(east, north)) - track_deg(mine) + 180) % 360 - 180


def meeting(random: Random) -> dict[int, Flight]:
    """B flies across; A turns after it, or flies straight and B turns before its nose."""
    away_deg, bearing = random.uniform(0.07, 0.15), random.choice((0.0, 0.0, 0.0, 0.05))
    legs = [Leg(5.0, turn_dps=random.choice((2.0, -2.0))), Leg(20.0)] if random.random() < 0.2 else []
    height_ft = random.choice((20_000, 20_000, 20_000, 20_000, 21_500, 21_950, 22_030))
    if random.random() < 0.25:  # B passes before the nose of A, which flies straight
        place = moved(35.0 + random.uniform(0.07, 0.1), 36.0, 0.0, -1_400.0)
        b = Flight(begun(*place, random.choice((90.0, 120.0)), 200.0, 20_000), [], LENGTH_S + 1)
        return {A: Flight(begun(35.0, 36.0, 0.0, 270.0, 20_000), [], LENGTH_S + 1), B: b}
    track = random.choice((100.0, 100.0, 120.0, 170.0, 60.0))
    b = Flight(begun(35.0 + away_deg, 36.0 + bearing, track, 280.0, height_ft), legs, LENGTH_S + 1)
    from_s = random.choice((0.0, 3.0))
    until_s = from_s + random.choice((0.0, 8.0, 12.0, 16.0, 25.0, 25.0))
    start = begun(35.0, 36.0, random.choice((0.0, 0.0, 0.0, 15.0)), 270.0, 20_000)
    return {A: Pursuit(start, b, from_s, until_s, random.choice((0.0, 0.0, 0.0, 0.0, 5.0, 8.0, 13.0))), B: b}


def flown(random: Random, flights: dict[int, Flight], nic: int, nacv: int, share: float) -> Trace:
    air = Air()
    lives = {source: Sender(air, source, intent=1) for source in (A, B)}
    for source in (A, B):
        lives[source].send(0.01 + 0.1 * (source == B), Intent(1, IntentKind.TRANSIT, 600))
    restart_s = random.choice((random.uniform(5, 30), 99.0, 99.0, 99.0))
    for i in range(LENGTH_S):
        if i >= restart_s:
            lives[A], restart_s = restarted(lives[A]), 99.0
        for source, at_s in ((A, i + 0.2), (B, i + 0.7)):
            lives[source].send(at_s, reported(flights[source].at(at_s), random, nic, nacv, share))
    return air.trace


def is_aimed(mine: State, other: State, spare: float) -> bool:
    """Whether it is near, closing, and has its nose on the other; a bit more than that, or less."""
    north, east = offset_m(mine, other)
    apart = hypot(north, east)
    closing = ((mine.north_mps - other.north_mps) * north + (mine.east_mps - other.east_mps) * east) / apart
    return (
        apart < NEAR_M * (1 - spare)
        and abs(mine.height_m - other.height_m) < HEIGHT_M * (1 - 2 * spare)
        and closing > CLOSING_MPS * (1 + 2 * spare)
        and abs(nose_deg(mine, other)) < NOSE_DEG * (1 - 4 * spare)
    )


def drift_deg(mine: Flight, other: Flight, from_s: float, until_s: float) -> float:
    """How far the other would have come off the nose, had it flown on straight."""
    begin, out = mine.at(from_s), 0.0
    for i in range(round((until_s - from_s) * 5) + 1):
        there = other.at(from_s + i / 5)
        out = max(out, abs(nose_deg(straight(begin, i / 5), there) - nose_deg(begin, other.at(from_s))))
    return out


def is_turned_after(mine: Flight, other: Flight, from_s: float, until_s: float, spare: float) -> bool:
    """Whether for so long it was its turning that held the nose on the other."""
    changed = abs((track_deg(mine.at(until_s)) - track_deg(mine.at(from_s)) + 180) % 360 - 180)
    long = until_s - from_s >= FOR_S * (1 + 2 * spare) - 0.01
    return (
        long and changed > 0.5 + 40 * spare and drift_deg(mine, other, from_s, until_s) > DRIFT_DEG * (1 + 10 * spare)
    )


def attacks(flights: dict[int, Flight], trace: Trace, source: int, spare: float) -> bool:
    """The plain reading, at the reports that were heard: for so long the nose was on the other, by turning."""
    mine, other = flights[source], flights[A + B - source]
    times = [(s.at_s, s.session) for s in trace if s.source == source and s.heard and isinstance(s.message, Position)]
    run: list[tuple[float, int]] = []
    for at_s, session in times:
        if not is_aimed(mine.at(at_s), other.at(at_s), spare):
            run = []
            continue
        if run and (at_s - run[-1][0] > 5.5 or session != run[-1][1]):
            run = []
        run.append((at_s, session))
        if any(is_turned_after(mine, other, from_s, at_s, spare) for from_s, _ in run):
            return True
    return False


@pytest.mark.parametrize("loss", [0.0, 0.15, 0.5])
@pytest.mark.parametrize("share", [0.1, 1.0])
def test_6_6_convicts_whoever_held_its_nose_on_the_other_by_turning(loss: float, share: float) -> None:
    random, seen, plain = Random(f"6.6 {loss} {share}"), Counter[Outcome](), 0
    for _ in range(60 * MORE):
        flights, (nic, nacv) = meeting(random), random.choice(((11, 4), (8, 4), (8, 2)))
        trace = lossy(random, flown(random, flights, nic, nacv, share), loss)
        verdicts = judged(trace, TERMS, LENGTH_S + 40, replayed=random)
        for source in (A, B):
            found = [f.outcome for f in verdicts.findings("6.6", source)]
            seen.update(found)
            if FAIL in found:
                assert attacks(flights, trace, source, -0.002), told(trace)
            if not loss and nic == 11 and share < 1 and attacks(flights, trace, source, 0.05):
                plain += 1
                assert FAIL in found, told(trace)

    assert set(seen) >= {PASS} | ({FAIL} if loss < 0.5 else set()) | (
        {INCONCLUSIVE} if loss == 0.15 and share < 1 else set()
    )
    assert plain > 1 or loss or share == 1
