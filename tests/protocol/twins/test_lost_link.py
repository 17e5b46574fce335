"""Twin of 6.7: an uncrewed aircraft loses its link, says so or not, and flies somewhere."""

from collections import Counter
from itertools import combinations, pairwise
from random import Random
from typing import NamedTuple

import pytest

from protocol.messages import LinkPoint, LostLink, Position, Procedure
from protocol.verdicts import Finding, Outcome
from tests.protocol.traffic import Sender, ident
from tests.protocol.twins.flights import NM_M, Flight, Leg, begun, distance_m, reported, track_deg
from tests.protocol.twins.lives import Air, D, Judged, judged, lossy, restarted, told
from tests.protocol.twins.test_motion import State
from tests.protocol.twins.trace import MORE, Sent, Trace, agree

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
SINCE_S, WITHIN_M, LENGTH_S, RADIUS_M = 8.0, NM_M, 110, 185.2
TERMS = agree(c6_7={"since_s": SINCE_S, "within_nm": 1.0})
TURN_DPS = 1.0
"""Who turns so fast, in the mean, is on its way back."""
HOME = State(35.0, 36.0, 0.0, 0.0, 0.0, 0.0)
TO_A_POINT = (Procedure.HOLD, Procedure.ORBIT, Procedure.RETURN, Procedure.LAND)


class Loss(NamedTuple):
    """The link was lost, and back again; when it was said first, and what the drone means to do, if it has a point."""

    lost_s: float
    back_s: float
    said_s: float
    procedure: Procedure
    point: LinkPoint | None
    begin_s: float


def losses(random: Random) -> list[Loss]:
    out, at_s = [], random.uniform(1, 10)
    while at_s < LENGTH_S - 10:
        back_s = at_s + random.choice((15.0, 100.0, 100.0))
        said_s = at_s + random.choice((1.0, 4.0, 6.4, 7.6, 8.6, 9.4, 10.6, 14.0))
        point = LinkPoint(35.0, 36.0, None, random.choice((0, 2000, 5000))) if random.random() < 0.9 else None
        procedure = random.choice((*TO_A_POINT, Procedure.CONTINUE))
        out.append(Loss(at_s, back_s, said_s, procedure, point, said_s + random.choice((0, 0, 25))))
        at_s = back_s + random.uniform(2, 8)
    return out


def course(random: Random) -> Flight:
    """From somewhere near the point, mostly away from it, with a turn or two."""
    place = begun(35.0 + random.choice((0.01, 0.04, 0.07)), 36.0, random.choice((0, 30, 90, 160)), 130.0, 10_000)
    legs = []
    for from_s in sorted(random.sample(range(2, 50), random.choice((0, 1, 1, 2)))):
        legs += [Leg(from_s, turn_dps=random.choice((0.4, 3.0, -3.0))), Leg(from_s + random.choice((4.5, 20.5, 100.0)))]
    return Flight(place, legs, LENGTH_S + 1)


def turned_deg(flight: Flight) -> list[float]:
    """How far it has turned since it began, all round with it, every half second."""
    out, states = [0.0], [flight.at(i / 2) for i in range(2 * LENGTH_S)]
    for now, later in pairwise(states):
        out.append(out[-1] + (track_deg(later) - track_deg(now) + 180) % 360 - 180)
    return out


def flown(random: Random, flight: Flight, some: list[Loss], share: float) -> Trace:
    """What the drone sends."""
    air = Air()
    drone, restart_s = Sender(air, D), random.choice((random.uniform(2, LENGTH_S), LENGTH_S, LENGTH_S))
    for i in range(LENGTH_S):
        if i >= restart_s:
            drone, restart_s = restarted(drone), LENGTH_S
        fields = {**drone.counts, "uncrewed": True}
        other = ident() if random.random() < 0.05 else None
        drone.send(i + 0.4, other or reported(flight.at(i + 0.4), random, 8, 2, share, **fields))
        for loss in some:
            at_s = i + 0.9
            first = loss.said_s <= at_s < loss.said_s + 1
            if loss.said_s <= at_s < loss.back_s and (first or random.random() < 0.3):
                since = at_s - loss.lost_s
                act_s = max(round(loss.begin_s - at_s), 0)
                drone.send(at_s, LostLink(loss.procedure, random.choice((int(since), round(since))), act_s, loss.point))
            if loss.back_s <= at_s < loss.back_s + 1:
                drone.send(at_s, LostLink(Procedure.LINK_RESTORED, 0, 0))
    return air.trace


def of(some: list[Loss], sent: Sent) -> Loss:
    """The loss that a LOST_LINK is about."""
    return next(loss for loss in reversed(some) if loss.lost_s <= sent.at_s)


def said_s(trace: Trace, loss: Loss) -> float:
    """When the drone first said it, heard or not."""
    mine = (s.at_s for s in trace if isinstance(s.message, LostLink))
    return min((at_s for at_s in mine if loss.said_s <= at_s < loss.back_s), default=float("inf"))


def away_m(flight: Flight, trace: Trace, loss: Loss, slack_m: float) -> float:
    """How far it moved away from its point, outside, while it was to fly its procedure, not turning all the time."""
    if loss.point is None or loss.procedure not in TO_A_POINT:
        return 0.0
    words = [s for s in trace if isinstance(s.message, LostLink) and loss.said_s <= s.at_s < loss.back_s]
    begins = {s.session: s.at_s for s in reversed(words)}
    return max((_away_m(flight, trace, loss, slack_m, *begun_s) for begun_s in begins.items()), default=0.0)


def _away_m(flight: Flight, trace: Trace, loss: Loss, slack_m: float, session: int, begin_s: float) -> float:
    """In one life."""
    assert loss.point
    at_s = max(loss.begin_s, begin_s) - slack_m / 200
    until_s = min([loss.back_s, LENGTH_S, *(s.at_s for s in trace if s.session > session)])
    begin, end, most = int(at_s * 2) + 1, int(until_s * 2), 0.0
    here = [distance_m(HOME, flight.at(i / 2)) for i in range(end)]
    turned = turned_deg(flight)
    outside = [i for i in range(begin, end) if here[i] > loss.point.radius_m - slack_m]
    for a, b in combinations(outside, 2):
        turns = abs(turned[b] - turned[a]) >= TURN_DPS * (b - a) / 2 and b - a < 2 * 180
        most = max(most, 0.0 if turns else here[b] - here[a])
    return most


def by_turn(verdicts: Judged, finding: Finding) -> bool:
    """Whether it is about where the drone flew."""
    return any(isinstance(s.message, Position) for s in verdicts.evidence(finding))


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("share", [0.1, 1.0])
def test_6_7_convicts_of_what_was_said_too_late_and_flown_astray(loss: float, share: float) -> None:
    random, seen = Random(f"6.7 {loss} {share}"), Counter[tuple[bool, Outcome]]()
    for _ in range(30 * MORE):
        some, flight = losses(random), course(random)
        trace = lossy(random, flown(random, flight, some, share), loss)
        verdicts = judged(trace, TERMS, LENGTH_S + 40, replayed=random)
        findings = verdicts.findings("6.7", D)
        late = set()
        for finding in findings:
            strays = by_turn(verdicts, finding)
            seen[strays, finding.outcome] += 1
            words = [s for s in verdicts.evidence(finding) if isinstance(s.message, LostLink)]
            if finding.outcome is FAIL and strays:
                assert max(away_m(flight, trace, x, 100.0) for x in some) > WITHIN_M - 10, (finding, told(trace))
            elif finding.outcome is FAIL:
                mine = of(some, words[-1])
                late.add(mine)
                assert said_s(trace, mine) > mine.lost_s + SINCE_S, (mine, told(trace))
            elif words and finding.outcome is PASS and not strays and not loss:
                assert said_s(trace, of(some, words[-1])) < of(some, words[-1]).lost_s + SINCE_S + 1, told(trace)
        anew = [s.at_s for s in trace if s.session == 2]
        for x in some if not loss else ():
            known = x.lost_s > 3 and (not anew or not x.lost_s - 3 < anew[0] < said_s(trace, x) + 1)
            if known and x.lost_s + SINCE_S + 2 < said_s(trace, x) < float("inf") and (not anew or x.lost_s < anew[0]):
                assert x in late, (x, told(trace))
            sure_m = WITHIN_M + 2 * RADIUS_M + 300
            straight = max(turned_deg(flight)) - min(turned_deg(flight)) < 1
            if straight and away_m(flight, trace, x._replace(begin_s=x.begin_s + 2), -RADIUS_M) > sure_m:
                assert any(f.outcome is FAIL and by_turn(verdicts, f) for f in findings), (x, told(trace))
    assert {(True, FAIL), (False, FAIL), (False, PASS), (False, INCONCLUSIVE)} <= set(seen) or loss > 0.1


@pytest.mark.parametrize("turn_dps", [1.2, 2.5, 3.0])
def test_6_7_who_turns_all_the_time_is_on_its_way_back_however_far_round_it_is(turn_dps: float) -> None:
    """It begins to turn away from the point, and goes round."""
    flight = Flight(begun(35.06, 36.0, 90.0, 160.0, 10_000), [Leg(0.0, turn_dps=-turn_dps)], LENGTH_S + 1)
    air = Air()
    drone, point = Sender(air, D), LinkPoint(35.0, 36.0, None, 0)
    for i in range(LENGTH_S):
        drone.send(i + 0.4, reported(flight.at(i + 0.4), Random(0), 8, 2, 0.0, uncrewed=True))
        if i % 3 == 0:
            drone.send(i + 0.9, LostLink(Procedure.HOLD, i, 0, point))
    found = [f.outcome for f in judged(air.trace, TERMS, LENGTH_S + 20).findings("6.7", D)]
    assert FAIL not in found
    assert found.count(PASS) > 90
