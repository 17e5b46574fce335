"""Twins of the clauses that ask for a state: 2.3, 4.6, 5.1."""

from itertools import pairwise
from random import Random

import pytest

from protocol.messages import Ack, EmergencyState, FrequencyChange, Hail, Intent, IntentKind, Message, Position
from protocol.verdicts import Outcome
from tests.protocol.traffic import A_TEXT, A, B, ack, hail
from tests.protocol.twins.trace import (
    MORE,
    OTHER,
    REPORT,
    Sent,
    Trace,
    agree,
    counting,
    heard,
    judged,
    shown,
    worlds,
)

COMMON, GUARD = 1, 2

# ------------------------------------------------------------------ 2.3

AFTER_S = 6.0
GUARDED = agree(c2_3={"after_s": AFTER_S})
CHANGE = FrequencyChange(None, 1, 1, 2, 10.0)
"""It may be sent on guard, but is no reason for other frames there, and no count tells of it."""


def may_talk(world: Trace, at: Sent) -> bool:
    """The plain reading of 2.3: a call or answer of its own, not long before."""
    calls = (s for s in world if isinstance(s.message, Hail | Ack) and s.number < at.number)
    return any(at.at_s - call.at_s <= AFTER_S for call in calls)


def expected_2_3(known: Trace, at: Sent) -> Outcome:
    """Of one frame on guard."""
    upto = [sent for sent in known if sent.number <= at.number]
    if isinstance(at.message, Hail | Ack | FrequencyChange) or may_talk(upto, at):
        return Outcome.PASS
    if upto[0].at_s >= at.at_s - AFTER_S:
        return Outcome.INCONCLUSIVE  # what it sent before that, nobody knows
    some = any(may_talk(world, at) for world in worlds(upto, (OTHER, ack(B, 7), hail(B)), (Ack, Hail)))
    return Outcome.INCONCLUSIVE if some or may_hide_distress(upto, at.at_s - AFTER_S) else Outcome.FAIL


def may_hide_distress(known: Trace, since_s: float) -> bool:
    """Whether an emergency may have come and gone unheard since then: in more than 5 s without a POSITION, with a hole.

    Before the first frame heard there may have been anything.
    """
    begin = max(s.number for s in known if s.at_s < since_s)
    if known[-1].number - begin == sum(s.number > begin for s in known):
        return False  # all was heard
    reports = [s for s in known if isinstance(s.message, Position)]
    if known[0] not in reports:
        reports.insert(0, known[0]._replace(number=known[0].number - 2))
    return any(
        b.at_s - a.at_s > 5.0 and b.number - a.number - 1 > sum(a.number < s.number < b.number for s in known)
        for a, b in pairwise(reports)
        if b.number > begin
    )


@pytest.mark.parametrize("loss", [0.0, 0.2, 0.5])
def test_2_3_fails_exactly_when_no_world_has_a_call(loss: float) -> None:
    random, seen = Random(f"2.3 {loss}"), set()
    for _ in range(200 * MORE):
        at_s, trace, lost = 0.0, [], 0
        for _ in range(random.randrange(5, 11)):
            at_s += random.choice((0.5, 1.0, 2.0, 3.0))
            lose = random.random() < loss and lost < 3
            lost += lose
            message: Message = random.choice((REPORT, REPORT, REPORT, REPORT, OTHER, CHANGE, ack(B, 7), hail(B)))
            channel = COMMON if message is OTHER else random.choice((COMMON, GUARD))
            trace.append(Sent(at_s, A, 0, message, heard=not lose, channel=channel))
        trace = counting(trace)
        known = heard(trace)
        expected = [expected_2_3(known, sent) for sent in known if sent.channel == GUARD]
        assert judged(trace, GUARDED, 100.0).outcomes("2.3", A_TEXT) == expected, shown(trace)
        seen |= set(expected)
    assert seen == {Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL}


# ------------------------------------------------------------------ 4.6

FOR_S = 4.0
ACCURATE = agree(c4_6={"nacp": 7, "for_s": FOR_S})
VAGUE, FLAGGED = REPORT._replace(nacp=5), REPORT._replace(nacp=5, degraded=True)


def is_vague(sent: Sent) -> bool:
    return isinstance(sent.message, Position) and sent.message.nacp < 7 and not sent.message.degraded


def proved_4_6(known: Trace, b: Sent) -> bool:
    """The plain reading of 4.6, if all that was not heard was good: some stretch of more than `FOR_S` ends here, begins
    with a poor report, has no long break in it, and most of its reports are poor."""
    reports = [s for s in known if isinstance(s.message, Position) and s.number <= b.number]
    for i, a in enumerate(reports):
        within = reports[i:]
        broken = any(y.at_s - x.at_s > 10.0 for x, y in pairwise(within))
        if is_vague(a) and FOR_S < b.at_s - a.at_s <= 3 * FOR_S and not broken:
            numbers = b.number - a.number + 1
            others = sum(not isinstance(s.message, Position) and a.number < s.number < b.number for s in known)
            poor = sum(map(is_vague, within))
            if poor > numbers - others - poor:
                return True
    return False


@pytest.mark.parametrize("loss", [0.0, 0.2, 0.5])
def test_4_6_fails_exactly_when_even_good_frames_unheard_would_be_too_few(loss: float) -> None:
    random, fails = Random(f"4.6 {loss}"), 0
    for _ in range(200 * MORE):
        at_s, trace = 0.0, []
        for _ in range(random.randrange(6, 13)):
            at_s += random.choice((0.5, 1.0, 1.0, 2.0, 4.5))
            message = random.choice((VAGUE, VAGUE, VAGUE, REPORT, REPORT, FLAGGED, OTHER))
            trace.append(Sent(at_s, A, 0, message, heard=random.random() >= loss))
        trace = counting(trace)
        known = heard(trace)
        fail_ids = [f.evidence[-1] for f in judged(trace, ACCURATE, 100.0).findings if f.outcome is Outcome.FAIL]
        for i, sent in enumerate(known):
            proved = is_vague(sent) and proved_4_6(known, sent)
            failed = f"m1#{i + 1}" in fail_ids
            fails += failed
            assert proved or not failed, shown(trace)
            # an emergency may explain a long time without a report in which something was not heard
            reports = [s for s in known if isinstance(s.message, Position)]
            brief = all(y.at_s - x.at_s <= 5.0 for x, y in pairwise(reports))
            assert failed or not (proved and brief), shown(trace)
    assert fails > 20


# ------------------------------------------------------------------ 5.1

GRACE_S = 4.0
DECLARED = agree(c5_1={"grace_s": GRACE_S})


def expected_5_1(known: Trace) -> list[Outcome]:
    """The plain reading: of each POSITION heard in the air after the grace."""
    found = []
    since: float | None = None
    last_s = 0.0
    for i, sent in enumerate(known):
        message = sent.message
        if not isinstance(message, Position):
            continue
        if not message.airborne:
            since = None
            continue
        if since is None or sent.at_s - last_s > 5.0:
            since = sent.at_s
        last_s = sent.at_s
        declared = [s for s in known[:i] if isinstance(s.message, Intent) and s.message.serial == sent.intent]
        # whole seconds are written, so that up to one more may be left
        over_s = [s.at_s + s.message.validity_s + 1 for s in declared if isinstance(s.message, Intent)]
        if sent.at_s - since <= GRACE_S:
            continue
        if message.emergency is not EmergencyState.NONE:
            found.append(Outcome.EXCUSED)
        elif not sent.intent or (declared and sent.at_s > max(over_s)):
            found.append(Outcome.FAIL)
        elif not declared:
            found.append(Outcome.INCONCLUSIVE)
        else:
            avoids = any(isinstance(s.message, Intent) and s.message.kind is IntentKind.AVOID for s in declared)
            found.append(Outcome.EXCUSED if avoids else Outcome.PASS)
    return found


@pytest.mark.parametrize("loss", [0.0, 0.2, 0.5])
def test_5_1_says_of_every_report_what_the_text_says(loss: float) -> None:
    random, seen = Random(f"5.1 {loss}"), set()
    for _ in range(200 * MORE):
        at_s, trace, serial, kind = 0.0, [], 0, IntentKind.TRANSIT
        for _ in range(random.randrange(6, 14)):
            at_s += random.choice((0.5, 1.0, 2.0, 3.0, 6.0))
            draw = random.random()
            message: Message = REPORT._replace(
                airborne=random.random() > 0.1,
                emergency=random.choice([EmergencyState.NONE] * 9 + [EmergencyState.GENERAL]),
            )
            if draw < 0.2:  # a repetition says what the first said
                serial, kind = serial + 1, random.choice((IntentKind.TRANSIT, IntentKind.TRANSIT, IntentKind.AVOID))
            if draw < 0.3 and serial:
                message = Intent(serial, kind, random.choice((1, 2, 4, 8)))
            named = random.choice((serial, serial, serial, 0))
            trace.append(Sent(at_s, A, 0, message, heard=random.random() >= loss, intent=named))
        trace = counting(trace)
        found = judged(trace, DECLARED, 100.0).outcomes("5.1", A_TEXT)
        assert found == expected_5_1(heard(trace)), shown(trace)
        seen |= set(found)
    assert seen >= {Outcome.PASS, Outcome.FAIL, Outcome.EXCUSED} | ({Outcome.INCONCLUSIVE} if loss else set())
