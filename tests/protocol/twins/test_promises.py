"""Twin of what 6.4 says of a WILCO to keep clear: the flight shows it, or it was not done."""

from collections import Counter
from math import hypot
from random import Random

import pytest

from protocol.messages import Ack, Hail, MessageType, Phrase, Result
from protocol.verdicts import Outcome
from tests.protocol.traffic import A, B, Sender
from tests.protocol.twins.flights import CLIMB_M, Flight, Leg, begun, distance_m, reported, straight
from tests.protocol.twins.lives import Air, judged, key, lossy, restarted, told
from tests.protocol.twins.test_motion import FT_M, RADIUS_M, VELOCITY_M
from tests.protocol.twins.trace import MORE, Trace, agree

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
LIMIT_S, LENGTH_S = 15.0, 40.0
PROMISED = agree(c6_4={"limit_s": LIMIT_S}, c4_1={})
A2 = 0x100002
LEVEL_MPS = 200.0


def manoeuvre(random: Random) -> list[Leg]:
    """Nothing, or a turn, a change of speed or a climb, large or small, for some seconds."""
    from_s, seconds = random.uniform(3, 30), random.choice((3.0, 8.0))
    size = random.choice((0.0, 0.0, 0.02, 0.3, 1.0, 3.0))
    leg = random.choice((Leg(from_s, turn_dps=size), Leg(from_s, faster_mps2=size), Leg(from_s, up_mps=size * 5)))
    return [leg, Leg(from_s + seconds)]


def called(random: Random, flight: Flight, nic: int, nacv: int, share: float) -> Trace:
    """A and another ask B to keep clear, once or twice each, and B answers, mostly with WILCO."""
    air = Air()
    lives = {source: Sender(air, source) for source in (A, B, A2)}
    calls = {source: sorted(random.sample(range(4, 20), random.choice((1, 2)))) for source in (A, A2)}
    if random.random() < 0.5:
        del calls[A2]
    phrase = random.choice((Phrase.KEEP_CLEAR, Phrase.KEEP_CLEAR, Phrase.YOU_ARE_CLOSING))
    to_answer = list[tuple[float, int, int]]()
    start_s = random.uniform(6, 60)
    for i in range(int(LENGTH_S)):
        for source in (A, A2):
            number = lives[source].number
            if i in calls.get(source, []):
                lives[source].send(i + 0.1, Hail(B, phrase, 1, 10, 1))
                to_answer.append((i + random.choice((0.3, 1.3, 4.3)), source, number))
        if i >= start_s:
            lives[B], start_s = restarted(lives[B]), LENGTH_S
        for due in [d for d in to_answer if d[0] < i + 1]:
            to_answer.remove(due)
            result = random.choice((Result.WILCO, Result.WILCO, Result.WILCO, Result.UNABLE))
            lives[B].send(i + 0.35, Ack(due[1], 1, due[2], MessageType.HAIL, result))
        lives[B].send(i + 0.6, reported(flight.at(i + 0.6), random, nic, nacv, share, **lives[B].counts))
        lives[A].report(i + 0.8)
        lives[A2].report(i + 0.9)
    return air.trace


def change(flight: Flight, from_s: float, until_s: float, nic: int, nacv: int) -> float:
    """How much it came to differ from flying on as it did, in parts of what two reports may be wrong."""
    was, most = flight.at(from_s), 0.0
    for i in range(int((until_s - from_s) * 5)):
        now = flight.at(from_s + i / 5)
        on = straight(was, i / 5)
        shares = (
            hypot(now.north_mps - was.north_mps, now.east_mps - was.east_mps) / 2 / VELOCITY_M[nacv],
            abs(now.up_mps - was.up_mps) / 2 / CLIMB_M[nacv],
            distance_m(now, on) / 2 / RADIUS_M[nic],
            abs(now.height_m - on.height_m) / (150 * FT_M),
        )
        most = max(most, *shares)
    return most


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("share", [0.05, 0.25, 1.0])
def test_6_4_a_flight_that_changed_was_what_was_promised(loss: float, share: float) -> None:
    random, seen = Random(f"6.4 flown {loss} {share}"), Counter[Outcome]()
    for _ in range(25 * MORE):
        nic, nacv = random.choice((8, 7)), random.choice((4, 2))
        flight = Flight(begun(35.27, 36.0, 90.0, LEVEL_MPS, 20_000), manoeuvre(random), LENGTH_S + 1)
        trace = lossy(random, called(random, flight, nic, nacv, share), loss)
        verdicts = judged(trace, PROMISED, LENGTH_S + 30, replayed=random)
        acks = [s for s in trace if isinstance(s.message, Ack)]
        outcomes = {}
        for finding in verdicts.findings("6.4", B):
            seen[finding.outcome] += 1
            (ack,) = [s for s in acks if key(s) in {key(e) for e in verdicts.evidence(finding)[1:2]}]
            outcomes[key(ack)] = finding.outcome
            first_s = min(s.at_s for s in trace if s.source == ack.message.addressee and isinstance(s.message, Hail))
            if finding.outcome is FAIL:
                done = change(flight, first_s, min(ack.at_s + LIMIT_S, LENGTH_S), nic, nacv)
                assert done <= 1 or share == 1, (done, told(trace))
        wilcos = [s for s in acks if s.message.result is Result.WILCO]
        first = {s.message.addressee: s for s in reversed(wilcos)}
        for caller, ack in first.items() if not loss else ():
            mine = [s.message.result for s in acks if s.message.addressee == caller]
            goes_on = all(s.session == ack.session for s in trace if s.source == B and s.at_s < ack.at_s + LIMIT_S + 1)
            if mine != [Result.WILCO] or not goes_on or ack.at_s + LIMIT_S + 2 > LENGTH_S:
                continue
            flown = change(flight, max(ack.at_s - 6, 0.0), ack.at_s + LIMIT_S, nic, nacv)
            if share > 0.05:
                continue  # an error of the climb, carried on, looks like a change of height
            assert outcomes.get(key(ack)) is not PASS or flown > 0.6, told(trace)
            late = change(flight, ack.at_s, ack.at_s + LIMIT_S - 2, nic, nacv)
            if max(flown, change(flight, ack.at_s - 3, ack.at_s + LIMIT_S + 1.5, nic, nacv)) < 0.1:
                assert outcomes.get(key(ack)) is FAIL, told(trace)
            if late > 1.3:
                assert outcomes.get(key(ack)) is PASS, told(trace)
    assert set(seen) >= {PASS, INCONCLUSIVE} | ({FAIL} if share < 0.1 and loss < 0.4 else set())


@pytest.mark.parametrize(
    ("turns_s", "lost", "found"),
    [
        (3.0, False, PASS),  # called at 2 s, it turned, and said so when it was called again
        (3.0, True, INCONCLUSIVE),  # the same, and nobody has heard the first call
        (26.7, False, INCONCLUSIVE),  # in the last second of its time, after its last report in it
        (29.0, False, FAIL),
        (99.0, False, FAIL),
        (99.0, True, INCONCLUSIVE),
    ],
)
def test_6_4_it_may_act_from_the_first_call_to_the_last_second(turns_s: float, lost: bool, found: Outcome) -> None:
    flight = Flight(begun(35.27, 36.0, 90.0, LEVEL_MPS, 20_000), [Leg(turns_s, 3.0), Leg(turns_s + 3)], LENGTH_S + 1)
    air = Air()
    a, b = Sender(air, A), Sender(air, B)
    for i in range(int(LENGTH_S)):
        if i in (2, 12):
            number = a.send(i + 0.1, Hail(B, Phrase.KEEP_CLEAR, 1, 10, 1))
            air.trace[-1] = air.trace[-1]._replace(heard=not lost or i != 2)
        if i == 12:
            b.send(i + 0.35, Ack(A, 1, number, MessageType.HAIL, Result.WILCO))
        b.send(i + 0.6, reported(flight.at(i + 0.6), Random(0), 8, 4, 0.0, **b.counts))
        a.report(i + 0.8)
    assert [f.outcome for f in judged(air.trace, PROMISED, LENGTH_S + 20).findings("6.4", B)] == [found]
