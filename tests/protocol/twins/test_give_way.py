"""Twin of 6.5: two that will come too close, and what the one does that has the other on its right.

Whether they will is found out in small steps, from where they truly are, and how they truly fly.
"""

from collections import Counter
from itertools import pairwise
from math import atan2, degrees
from random import Random
from typing import NamedTuple

import pytest

from protocol.messages import Ack, FrameKey, Hail, Intent, IntentKind, Message, MessageType, Position, Result, Watch
from protocol.verdicts import Outcome
from tests.protocol.traffic import A, B, C, Sender, hail
from tests.protocol.twins.flights import NM_M, Flight, Leg, begun, distance_m, offset_m, reported, straight, track_deg
from tests.protocol.twins.lives import Air, judged, key, lossy, peer_report, restarted, told
from tests.protocol.twins.test_motion import FT_M, State, moved
from tests.protocol.twins.trace import MORE, Trace, agree

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
LIMIT_S, BEFORE_S, LOOK_S, LENGTH_S = 5.0, 20.0, 100.0, 45
NEAR_M, HEIGHT_M = 5 * NM_M, 1000 * FT_M
TERMS = agree(c6_5={"limit_s": LIMIT_S, "before_s": BEFORE_S, "look_s": LOOK_S}, c6_1={})
OTHER_OF = {A: B, B: A}


class Meeting(NamedTuple):
    """Two true flights, what was sent, and whether all about them is plain: level, well known, as declared."""

    flights: dict[int, Flight]
    trace: Trace
    plain: bool


def tracks(random: Random) -> dict[int, Flight]:
    """They pass each other some miles apart; now and then one turns away."""
    meet_s, track = random.uniform(40, 120), random.choice((270.0, 270.0, 250.0, 300.0, 90.0, 180.0))
    out = {}
    for source, along in ((A, 0.0), (B, track)):
        speed, aside_m = random.choice((150.0, 200.0)), random.choice((0.0, 0.0, 3.0, 6.0)) * NM_M * (source == B)
        state = begun(35.0, 36.0, along, speed, 20_000 + (source == B) * random.choice((0, 0, 0, 0, 300, 1500)))
        place = moved(35.0, 36.0, -state.north_mps * meet_s + aside_m, -state.east_mps * meet_s)
        turns = random.random() < 0.2
        from_s = random.uniform(5, 30)
        legs = [Leg(from_s, turn_dps=3.0), Leg(from_s + 20)] if turns else []
        out[source] = Flight(State(*place, *state[2:]), legs, LENGTH_S + 1)
    return out


def meeting(random: Random, hears: float) -> Meeting:
    air, flights = Air(), tracks(random)
    lives = {source: Sender(air, source, intent=1) for source in (A, B)}
    nacv, plain = random.choice((4, 4, 4, 2)), random.random() < 0.8
    declared = dict[int, Intent]()
    for source, flight in flights.items():
        state = flight.at(0.0)
        kind = IntentKind.TRANSIT if plain or random.random() < 0.6 else random.choice(list(IntentKind)[:4])
        height = round(state.height_m / FT_M) if plain else random.choice((None, 20_000))
        track = round(track_deg(state), 2) % 360 if plain else random.choice((None, 300.0))
        declared[source] = Intent(1, kind, 600, height, track)
        lives[source].send(0.1 + 0.1 * (source == B), declared[source])
    acts = {source: random.choice((0.0, 0.0, 0.0, 0.03, 0.1)) for source in (A, B)}
    restart_s = {source: random.choice((random.uniform(3, LENGTH_S), 99.0, 99.0, 99.0, 99.0)) for source in (A, B)}
    heard, calls = {A: list[FrameKey](), B: list[FrameKey]()}, {A: list[FrameKey](), B: list[FrameKey]()}
    for i in range(LENGTH_S):
        for source, at_s in ((A, i + 0.4), (B, i + 0.6)):
            if i >= restart_s[source]:
                lives[source], restart_s[source], heard[source] = restarted(lives[source]), 99.0, []
                lives[source].intent = declared[source].serial
            life, other = lives[source], OTHER_OF[source]
            messages: list[Message] = [reported(flights[source].at(at_s), random, 8, nacv, 0.3, **life.counts)]
            if random.random() < 0.15:
                report = peer_report(heard[source], other)
                messages.append(Watch(frozenset({1, 2, 3}), 1, life.counts["hails"], life.counts["acks"], report))
            if random.random() < acts[source]:
                messages.append(action(random, other, declared[source], calls[source]))
            for j, message in enumerate(messages):
                if isinstance(message, Intent):
                    declared[source] = message
                    life.intent = message.serial
                life.send(at_s + j / 20, message)
                sent = air.trace[-1]
                if random.random() < hears:
                    heard[other].append(key(sent))
                    if isinstance(message, Hail) and message.addressee == other:
                        calls[other].append(key(sent))
    return Meeting(flights, air.trace, plain and nacv == 4)


def action(random: Random, other: int, declared: Intent, calls: list[FrameKey]) -> Message:
    """Something that a station does, or that looks as if it did."""
    serial = declared.serial + 1
    done: list[Message] = [hail(other), hail(C), declared._replace(serial=serial)]
    done += [declared._replace(serial=serial, kind=IntentKind.TURN)]
    if calls:
        done += [Ack(*calls[-1], MessageType.HAIL, random.choice((Result.WILCO, Result.ROGER)))]
    return random.choice(done)


def loss_s(flights: dict[int, Flight], at_s: float) -> float | None:
    """In how many seconds they lose the safe distance if both fly on, in small steps; None: not within the look."""
    a, b = (flights[source].at(at_s) for source in (A, B))
    if abs(a.height_m - b.height_m) >= HEIGHT_M:
        return None
    for i in range(int(LOOK_S)):
        if distance_m(straight(a, float(i)), straight(b, float(i))) < NEAR_M:
            return float(i)
    return None


def right_deg(flights: dict[int, Flight], source: int, at_s: float) -> float:
    """How far to the right of its track it has the other, 0 to 360."""
    mine, other = flights[source].at(at_s), flights[OTHER_OF[source]].at(at_s)
    north, east = offset_m(mine, other)
    return (degrees(atan2(east, north)) - track_deg(mine)) % 360


def in_force(trace: Trace, source: int, at_s: float) -> Intent:
    return [s.message for s in trace if s.source == source and isinstance(s.message, Intent) and s.at_s <= at_s][-1]


def as_declared(meet: Meeting, at_s: float, *sources: int) -> bool:
    """Whether these have declared a straight flight, and fly as they have."""
    for source in sources:
        flight = meet.flights[source]
        intent = in_force(meet.trace, source, at_s)
        if intent.kind in (IntentKind.HOLD, IntentKind.TURN, IntentKind.ORBIT, IntentKind.AVOID):
            return False
        if intent.track_deg is not None and abs((intent.track_deg - track_deg(flight.at(at_s)) + 180) % 360 - 180) > 15:
            return False
    return True


def acted(trace: Trace, source: int, from_s: float, until_s: float) -> bool:
    """Whether it called the other, said WILCO to it, or declared something new."""
    other, mine = OTHER_OF[source], [s for s in trace if s.source == source and s.at_s <= until_s]
    for sent in mine:
        message = sent.message
        called = isinstance(message, Hail) and message.addressee == other
        agreed = isinstance(message, Ack) and message.addressee == other and message.result is Result.WILCO
        if sent.at_s >= from_s and (called or agreed):
            return True
    declared = [s for s in mine if isinstance(s.message, Intent)]
    return any(y.message[1] != x.message[1] and y.at_s >= from_s for x, y in pairwise(declared))


def proofs(trace: Trace, source: int) -> list[float]:
    """When its WATCH says that it has heard a POSITION of the other."""
    places = [s for s in trace if s.source == OTHER_OF[source] and isinstance(s.message, Position)]
    out = []
    for sent in trace:
        report = sent.message.report if isinstance(sent.message, Watch) and sent.source == source else None
        if report and any(
            s.at_s < sent.at_s and s.session == report.session and report.heard(s.number) for s in places
        ):
            out.append(sent.at_s)
    return out


def is_broken(meet: Meeting, source: int, watch_s: float) -> float | None:
    """The plain reading, from one proof on: when the time was over, if it was to act and did not."""
    lost_s = loss_s(meet.flights, watch_s)
    if lost_s is None or right_deg(meet.flights, source, watch_s) >= 180 or not as_declared(meet, watch_s, A, B):
        return None
    due_s = max(watch_s + LIMIT_S, watch_s + lost_s - BEFORE_S)
    # who turns itself and says nothing of it has not acted, as long as the loss is predicted
    if due_s > LENGTH_S or loss_s(meet.flights, due_s) is None or not as_declared(meet, due_s, OTHER_OF[source]):
        return None
    return None if acted(meet.trace, source, watch_s - LOOK_S, due_s) else due_s


def shows(meet: Meeting, source: int, watch_s: float) -> bool:
    """Whether the breach is plain: by a mile, well on the right, and all the time."""
    flies_on = all(distance_m(f.at(LENGTH_S), straight(f.at(0.0), LENGTH_S)) < 50 for f in meet.flights.values())
    due_s = is_broken(meet, source, watch_s)
    if due_s is None or not meet.plain or not flies_on or due_s + 3 > LENGTH_S:
        return False
    a, b = (meet.flights[s].at(0.0) for s in (A, B))
    least = min(distance_m(straight(a, i / 1.0), straight(b, i / 1.0)) for i in range(int(watch_s + LOOK_S) - 10))
    one_life = all(s.session == 1 for s in meet.trace)
    sides = [right_deg(meet.flights, source, t) for t in (watch_s, due_s)]
    return one_life and least < NEAR_M - 2000 and all(20 < side < 160 for side in sides)


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("hears", [0.3, 1.0])
def test_6_5_convicts_whoever_was_to_act_and_did_not(loss: float, hears: float) -> None:
    random, seen, plain = Random(f"6.5 {loss} {hears}"), Counter[Outcome](), 0
    for _ in range(50 * MORE):
        meet = meeting(random, hears)
        trace = lossy(random, meet.trace, loss)
        verdicts = judged(trace, TERMS, LENGTH_S + 60, replayed=random)
        for source in (A, B):
            found = [f.outcome for f in verdicts.findings("6.5", source)]
            seen.update(found)
            watches = proofs(trace, source)
            if FAIL in found:
                assert any(is_broken(meet, source, w) is not None for w in watches), told(trace)
            if not loss and watches and shows(meet, source, watches[0]):
                plain += 1
                assert FAIL in found, told(trace)
    assert set(seen) >= {PASS} | ({FAIL} if loss < 0.3 else set()) | ({INCONCLUSIVE} if loss else set())
    assert plain > 2 or loss


@pytest.mark.parametrize(
    ("declared_s", "called_s", "heard", "found"),
    [
        (None, None, True, [FAIL]),
        (10.3, None, True, []),
        (15.3, None, True, [FAIL]),
        (None, 8.3, True, [PASS]),
        (None, 8.3, False, [INCONCLUSIVE]),
        (None, 14.3, True, [FAIL]),
    ],
)
def test_6_5_nothing_is_owed_to_who_declares_a_turn_in_time(
    declared_s: float | None, called_s: float | None, heard: bool, found: list[Outcome]
) -> None:
    """A knows at 5.8 s that B comes from its right, and has 5 s. It calls, or B declares a turn."""
    air, flights = Air(), {A: begun(35.0, 36.0, 0.0, 200.0, 20_000), B: begun(35.1, 36.122, 270.0, 200.0, 20_000)}
    lives = {source: Sender(air, source, intent=1) for source in (A, B)}
    for source, state in flights.items():
        lives[source].send(0.1, Intent(1, IntentKind.TRANSIT, 600, 20_000, track_deg(state)))
    for i in range(20):
        for source, at_s in ((A, i + 0.4), (B, i + 0.6)):
            report = reported(straight(flights[source], at_s), Random(0), 8, 4, 0.0)
            lives[source].send(at_s, report._replace(hails=lives[source].counts["hails"]))
        if i == 5:
            lives[A].watch(i + 0.8, lives[B])
        if declared_s and i == int(declared_s):
            lives[B].intent = 2
            lives[B].send(declared_s, Intent(2, IntentKind.TURN, 600, 20_000))
        if called_s and i == int(called_s):
            lives[A].send(called_s, hail(B))
            air.trace[-1] = air.trace[-1]._replace(heard=heard)
    trace = sorted(air.trace, key=lambda sent: sent.at_s)
    assert [f.outcome for f in judged(trace, TERMS, 30.0).findings("6.5", A)] == found
