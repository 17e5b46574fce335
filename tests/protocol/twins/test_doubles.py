"""Twin of 1.2: whether an address is used by two, and what that does to what else is found of it (7.1)."""

from collections.abc import Iterator
from itertools import combinations, pairwise
from random import Random

import pytest

from protocol.messages import Emergency, Message, Severity
from protocol.units import NS_PER_S
from protocol.verdicts import UNATTRIBUTED, Outcome
from tests.protocol.conftest import START_NS
from tests.protocol.traffic import A_TEXT, A
from tests.protocol.twins.trace import IDENT, MORE, REPORT, Sent, Trace, agree, heard, judged, shown

TERMS = agree(c1_2={}, c7_1={})
MAYDAY = Emergency(1, Severity.DISTRESS)
"""Incomplete: a breach of 7.1, whoever sends it."""
WITHIN_S = 600.0
BOUND_S = {3: 0.004, 1: 0.1}
"""Of when a frame was sent, by the quality of its time, with the delay of its arrival."""
SESSIONS = 255
TURN_S = 1024.0
BRIEF_S, LONG_S = (0.05, 0.1, 0.5, 1.0, 2.0), (1.0, 30.0, 250.0, 450.0, 700.0)


def user(random: Random, loss: float, begin_s: float, session: int, restarts: float = 0.15) -> Iterator[Sent]:
    """Somebody who uses the address. After a restart the number begins anew, and the next session."""
    at_s, number, steps_s = begin_s, random.choice((0, 65533)), random.choice((BRIEF_S, LONG_S))
    for _ in range(random.randrange(3, 9)):
        message: Message = random.choice((REPORT, REPORT, IDENT, MAYDAY))
        quality, lose = random.choice((3, 3, 3, 3, 1, 0)), random.random() < loss
        yield Sent(at_s, A, number, message, not lose, session=session, quality=quality)
        number = (number + 1) % 65536
        if random.random() < restarts:
            session, number = (session + 1) % SESSIONS, 0
        at_s = round(at_s + random.choice(steps_s), 3)


def recorded(random: Random, trace: Trace) -> Trace:
    """What somebody plays back: late, or, of what was heard, as the time in the frame comes round again."""
    again = [s._replace(heard=True, late_s=random.choice((1.0, 20.0, 400.0))) for s in trace if random.random() < 0.2]
    turns = [s._replace(late_s=random.choice((1, 2)) * TURN_S) for s in heard(trace) if random.random() < 0.2]
    return [*trace, *again, *turns]


def surely_before(a: Sent, b: Sent) -> bool:
    return a.at_s + BOUND_S[a.quality] < b.at_s - BOUND_S[b.quality]


def went_away(fresh: Trace, session: int, first_s: float, last_s: float) -> bool:
    """Whether nothing of a session was heard for so long, within some time."""
    times = [s.at_s for s in fresh if s.session == session and first_s <= s.at_s <= last_s]
    return any(b - a > WITHIN_S for a, b in pairwise(times))


def turns(known: Trace) -> Iterator[tuple[Sent, Sent, Sent]]:
    """The plain reading: every X, Y, X."""
    fresh = [sent for sent in known if sent.quality]
    for first, between, last in combinations(fresh, 3):
        in_turn = surely_before(first, between) and surely_before(between, last)
        goes_on = first.session == last.session and not went_away(fresh, last.session, first.at_s, last.at_s)
        if in_turn and goes_on and between.session != last.session:
            yield first, between, last


def proofs(known: Trace) -> list[Sent]:
    """What ends a proof that is found. It is looked for when another session goes on than was heard before, and one
    that was silent for so long counts no more: what it sends may be recordings, the time in which has come round."""
    fresh = [s for s in known if s.quality]
    fresh = [s for s in fresh if not went_away(fresh, s.session, 0.0, s.at_s)]
    changes = [b for a, b in pairwise(fresh) if a.session != b.session]
    return [last for *_, last in turns(fresh) if last in changes]


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_1_2_never_doubts_an_address_that_one_station_uses(loss: float) -> None:
    random, fails, restarts = Random(f"1.2 alone {loss}"), 0, 0
    for _ in range(700 * MORE):
        trace = list(user(random, loss, 0.0, random.randrange(SESSIONS)))
        findings = judged(recorded(random, trace), TERMS, 5000.0).findings
        assert not [f for f in findings if f.clause == "1.2"], shown(trace)
        failed = sum((f.clause, f.subject, f.outcome) == ("7.1", A_TEXT, Outcome.FAIL) for f in findings)
        assert failed == sum(s.message is MAYDAY and s.quality > 0 for s in heard(trace)), shown(trace)
        fails += failed
        restarts += len({s.session for s in trace}) > 1
    assert fails > 100
    assert restarts > 100


@pytest.mark.parametrize("loss", [0.0, 0.3, 0.6])
def test_1_2_fails_exactly_when_sessions_take_turns(loss: float) -> None:
    random, seen, provable, decided = Random(f"1.2 two {loss}"), set(), 0, 0
    for _ in range(700 * MORE):
        session = random.randrange(SESSIONS)
        one = user(random, loss, 0.0, session, 0.1)
        other = user(random, loss, random.choice((0.025, 0.525, 10.025, 500.025)), (session + 100) % SESSIONS, 0.1)
        trace = sorted([*one, *other], key=lambda s: s.at_s)
        known = heard(trace)
        proved = proofs(known)
        findings = judged(trace, TERMS, 5000.0).findings
        found = [f for f in findings if f.clause == "1.2"]
        assert all((f.outcome, f.subject) == (Outcome.FAIL, UNATTRIBUTED) for f in found)
        assert found or not proved, shown(trace)
        assert any(turns(known)) or not found, shown(trace)
        seen.add(bool(found))
        provable, decided = provable + any(turns(known)), decided + bool(found)
        for finding in findings:
            if finding.clause == "7.1":
                at_s = (finding.at_ns - START_NS) / NS_PER_S
                contested = any(0 <= at_s - last.at_s <= WITHIN_S for last in proved)
                seen.add(finding.outcome)
                assert finding.outcome is not Outcome.FAIL or not contested, shown(trace)
    assert seen >= {True, False, Outcome.FAIL, Outcome.INCONCLUSIVE}
    assert decided >= 0.85 * provable > 30, (decided, provable)


@pytest.mark.parametrize("first", [1, 101])
def test_1_2_nobody_answers_for_an_address_as_long_as_two_use_it(first: int) -> None:
    """One goes on with the older session: the books enter nothing of it, and yet it is heard all the time."""
    random = Random(f"1.2 long {first}")
    second = 102 - first
    trace: Trace = []
    for i in range(800):
        session = first if i < 3 or i % 2 else second
        lose = random.random() < 0.3
        trace.append(Sent(i * 5.0, A, i // 2, random.choice((REPORT, MAYDAY)), heard=not lose, session=session))
    found = [f for f in judged(trace, TERMS, 5000.0).findings if f.outcome is Outcome.FAIL]
    (contested_ns,) = [f.at_ns for f in found if f.clause == "1.2"]
    assert contested_ns < START_NS + 60 * NS_PER_S
    assert all(f.at_ns <= contested_ns for f in found)


@pytest.mark.parametrize(("away_s", "proved"), [(590.0, True), (700.0, False)])
def test_1_2_takes_nothing_from_a_session_that_was_away(away_s: float, proved: bool) -> None:
    """What it sends then may be recordings of frames that were not heard, sent as their time came round again."""
    times = ((0.0, 1, 0), (away_s, 1, 1), (away_s + 10, 101, 0), (away_s + 20, 1, 2))
    trace = [Sent(at_s, A, number, REPORT, session=session) for at_s, session, number in times]
    found = [f for f in judged(trace, TERMS, 2000.0).findings if f.clause == "1.2"]
    assert bool(found) is proved is bool(proofs(trace))
