"""Twins of the clauses of contact: 6.2, 6.3. Two stations talk, or do not, and some of it is not heard."""

from itertools import product
from random import Random
from typing import NamedTuple

import pytest

from protocol.messages import Ack, FrameKey, Hail, Message, PeerReport, Position, Watch
from protocol.units import NS_PER_S
from protocol.verdicts import Outcome
from tests.protocol.conftest import START_NS
from tests.protocol.traffic import A_TEXT, A, B, C, ack, hail, position
from tests.protocol.twins.trace import MORE, OTHER, Sent, Trace, agree, counting, heard, judged, shown, worlds

B_TEXT = "200001"
PASS, FAIL = Outcome.PASS, Outcome.FAIL
MOST_UNHEARD = 3

# ------------------------------------------------------------------ 6.3: A calls B

LIMIT_S, CALLS = 3.0, 2
ANSWERED = agree(c6_3={"limit_s": LIMIT_S, "calls": CALLS})
CALL = hail(B, reply_by_s=1)


def calling(random: Random, loss: float) -> Trace:
    """A calls two or three times; B hears some of it, says so in its receipts, and sometimes answers."""
    rate = random.choice((0.0, 0.1, 0.3))
    trace = [Sent(0.0, A, 0, position()), Sent(0.0, B, 0, position(35.2))]
    calls = sorted(random.sample(range(1, 8), 3))
    number, receipt, lost = {A: 1, B: 1}, None, dict.fromkeys((A, B), 0)
    for second in range(1, 15):
        a: Message = random.choice((position(), position(), OTHER, hail(C)))
        if second in calls:
            a = CALL
            if random.random() < 0.8:
                receipt = FrameKey(A, 1, number[A])
        b: Message = position(35.2, receipt=receipt)
        if receipt and random.random() < rate:
            b = ack(A, receipt.sequence)
        elif random.random() < 0.15:
            b = random.choice((ack(C, 7), OTHER))
        for source, at_s, message in ((A, float(second), a), (B, second + 0.5, b)):
            number[source] += 1
            lose = random.random() < loss and lost[source] < MOST_UNHEARD and second < 14
            lost[source] += lose
            trace.append(Sent(at_s, source, 0, message, heard=not lose))
    return counting(trace)


def is_silent(a: Trace, b: Trace) -> bool:
    """The plain reading of 6.3: some calls one after the other, so many, and no answer from the first to the deadline
    of the last. Whoever answers too late, and before it was called so often, was not silent."""
    calls = [s for s in a if s.message == CALL]
    numbers = {s.number for s in calls}
    acks = [(s.at_s, s.message) for s in b if isinstance(s.message, Ack)]
    answers = [at_s for at_s, m in acks if m.addressee == A and m.answers_sequence in numbers]
    runs = [calls[i : i + CALLS] for i in range(len(calls) - CALLS + 1)]
    return any(not any(run[0].at_s <= t <= run[-1].at_s + LIMIT_S for t in answers) for run in runs)


@pytest.mark.parametrize("loss", [0.0, 0.15, 0.3])
def test_6_3_fails_only_when_there_is_silence_in_every_world(loss: float) -> None:
    random, seen = Random(f"6.3 {loss}"), set()
    for _ in range(150 * MORE):
        trace = calling(random, loss)
        a, b = heard(trace, A), heard(trace, B)
        found = judged(trace, ANSWERED, 60.0).outcomes("6.3", B_TEXT)
        seen |= set(found)
        if PASS in found:
            calls = {s.number for s in trace if s.source == A and s.message == CALL}
            assert any(isinstance(s.message, Ack) and s.message.answers_sequence in calls for s in b)
        if FAIL in found:
            receipts = [s.message.receipt for s in trace if s.source == B and isinstance(s.message, Position)]
            assert any(receipts), "it has to be proved to have heard"
            unheard = set(range(a[-1].number)) - {s.number for s in a}
            named = sorted({s.number for s in a if s.message == CALL} | unheard)
            mine = worlds(a, (CALL, hail(C), OTHER))
            theirs = worlds(b, (*(ack(A, n) for n in named), ack(C, 7), OTHER))
            for x, y in product(list(mine), list(theirs)):
                assert is_silent(x, y), shown(trace)
    assert seen >= {PASS, FAIL}


def test_6_3_proves_the_silence_of_whoever_is_heard_without_a_gap() -> None:
    random, breaches = Random("6.3 all heard"), 0
    for _ in range(300 * MORE):
        trace = calling(random, 0.0)
        a, b = heard(trace, A), heard(trace, B)
        last = [s for s in a if s.message == CALL][-CALLS:]
        named = {s.message.receipt.sequence for s in b if isinstance(s.message, Position) and s.message.receipt}
        found = judged(trace, ANSWERED, 60.0).outcomes("6.3", B_TEXT)
        answers = [s for s in b if isinstance(s.message, Ack) and s.message.addressee == A]
        if is_silent(last, b) and not answers and named & {s.number for s in last}:
            breaches += 1
            assert FAIL in found, shown(trace)
        assert is_silent(a, b) or FAIL not in found, shown(trace)
    assert breaches > 20


# ------------------------------------------------------------------ 6.2: A and B meet

FIRST_S, SECOND_S, ANSWER_S = 4.0, 6.0, 2.0
TOGETHER = agree(c6_2={"first_s": FIRST_S, "second_s": SECOND_S}, c6_3={"limit_s": ANSWER_S})


class Side(NamedTuple):
    """Who has the duty, and whom to call."""

    caller: int
    peer: int
    text: str
    wait_s: float


SIDES = (Side(A, B, A_TEXT, FIRST_S), Side(B, A, B_TEXT, SECOND_S))


def meeting(random: Random, loss: float, calls: float) -> Trace:
    """Two aircraft 6 NM apart; each says in WATCHes what it has heard of the other."""
    trace = [Sent(0.0, A, 0, position()), Sent(0.0, B, 0, position(35.1))]
    number, lost = {A: 1, B: 1}, dict.fromkeys((A, B), 0)
    called: list[tuple[int, int]] = []
    for second in range(1, 16):
        for source, peer, at_s, north in ((A, B, float(second), 35.0), (B, A, second + 0.5, 35.1)):
            message: Message = random.choice((position(north), position(north), position(north), OTHER))
            if random.random() < 0.25:
                report = PeerReport(peer, 1, number[peer] - 1, 0xFFFF)
                message = Watch(frozenset({1, 2, 3}), 1, 0, 0, report if random.random() < 0.7 else None)
            elif random.random() < calls:
                message = hail(random.choice((peer, C)))
                if message.addressee == peer:
                    called.append((source, number[source]))
            elif random.random() < 0.1:
                mine = [n for who, n in called if who == peer]
                message = ack(peer, mine[-1]) if mine else OTHER
            if second == 15:
                message = position(north)
            lose = random.random() < loss and lost[source] < MOST_UNHEARD and second < 15
            lost[source] += lose
            number[source] += 1
            trace.append(Sent(at_s, source, 0, message, heard=not lose))
    return counting(trace)


def talked(world: Trace, side: Side, due_s: float) -> bool:
    """The plain reading of 6.2: one of them called the other in time."""
    pairs = {(side.caller, side.peer), (side.peer, side.caller)}
    hails = ((s.source, s.message.addressee, s.at_s) for s in world if isinstance(s.message, Hail))
    return any((source, addressee) in pairs and at_s <= due_s for source, addressee, at_s in hails)


def makes_sense(world: Trace) -> bool:
    """Whether every ACK names a HAIL."""
    sent = {(s.source, s.number): s.message for s in world}
    acks = [s.message for s in world if isinstance(s.message, Ack)]
    return all(isinstance(sent.get((m.addressee, m.answers_sequence)), Hail) for m in acks)


def first_duty(known: Trace, side: Side) -> float | None:
    """When the caller's WATCH first proves that it has heard the peer near it: both have given their position."""
    for sent in known:
        watch = sent.message
        if sent.source == side.caller and isinstance(watch, Watch) and watch.report:
            before = [s for s in known if s.at_s < sent.at_s and isinstance(s.message, Position)]
            if any(s.source == side.peer and watch.report.heard(s.number) for s in before):
                return sent.at_s
    return None


def flew_on(known: Trace, side: Side, due_s: float) -> bool:
    """Whether both were heard to fly after the deadline, and then the caller's count when no answer was to come."""
    flies = {s.source: s.at_s for s in reversed(known) if isinstance(s.message, Position) and s.at_s > due_s}
    counts = [s.at_s for s in known if s.source == side.caller and isinstance(s.message, Position | Watch)]
    return len(flies) == 2 and any(
        c > max(due_s + ANSWER_S, flies[side.peer]) and c >= flies[side.caller] for c in counts
    )


@pytest.mark.parametrize("loss", [0.0, 0.15, 0.3])
@pytest.mark.parametrize("calls", [0.0, 0.04])
def test_6_2_fails_only_when_they_talk_in_no_world(loss: float, calls: float) -> None:
    random, seen = Random(f"6.2 {loss} {calls}"), set()
    for _ in range(80 * MORE):
        trace = meeting(random, loss, calls)
        known = heard(trace)
        findings = judged(trace, TOGETHER, 60.0).findings
        for side in SIDES:
            mine = [f for f in findings if (f.clause, f.subject) == ("6.2", side.text)]
            seen |= {f.outcome for f in mine}
            begin_s = first_duty(known, side)
            assert begin_s is not None or not mine, shown(trace)
            if begin_s is None:
                continue
            due_s = begin_s + side.wait_s
            for finding in mine:
                if finding.outcome is PASS:
                    assert talked(trace, side, due_s)
                if finding.outcome is FAIL:
                    assert finding.at_ns > START_NS + due_s * NS_PER_S
                    assert not in_some_world(known, side, due_s), shown(trace)
            if not loss:
                # all was heard: a breach is one if nobody talked, and both were heard to fly long enough after it
                proved = not talked(trace, side, due_s) and flew_on(trace, side, due_s)
                assert (FAIL in {f.outcome for f in mine}) is proved, (begin_s, shown(trace))
    assert seen >= {PASS, FAIL} if calls else FAIL in seen


def in_some_world(known: Trace, side: Side, due_s: float) -> bool:
    a = list(worlds([s for s in known if s.source == side.caller], (hail(side.peer), hail(C), OTHER)))
    b = list(worlds([s for s in known if s.source == side.peer], (hail(side.caller), hail(C), OTHER)))
    return any(makes_sense([*x, *y]) and talked([*x, *y], side, due_s) for x, y in product(a, b))
