"""Twins of the clauses of distress: 7.1, 7.2. Who is in trouble says so; the ground answers, or does not."""

from collections import Counter, defaultdict
from random import Random
from typing import Any, NamedTuple

import pytest

from protocol.messages import (
    Ack,
    Emergency,
    FrameKey,
    Intention,
    Message,
    MessageType,
    Nature,
    Result,
    Severity,
    Watch,
)
from protocol.verdicts import Outcome
from tests.protocol.traffic import A, B, C, Sender, ident
from tests.protocol.twins.lives import TOWER, Air, D, judged, key, lossy, peer_report, reports_heard, restarted, told
from tests.protocol.twins.trace import MORE, OTHER, Sent, Trace, agree

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
WHOLE = Emergency(1, Severity.DISTRESS, Nature.ENGINE, 35.0, 36.0, 20_000, 1, 40, Intention.LAND, "TEST")
MISSING: dict[str, Any] = {
    "nature": Nature.NOT_GIVEN,
    "latitude_deg": None,
    "longitude_deg": None,
    "altitude_ft": None,
    "souls": None,
    "endurance_min": None,
    "intention": Intention.NOT_GIVEN,
    "call_sign": "",
}
NOTHING: dict[str, Any] = {"souls": 0, "endurance_min": 0, "altitude_ft": 0, "latitude_deg": 0.0, "longitude_deg": 0.0}
"""What is little, and is given."""

# ------------------------------------------------------------------ 7.1

COMPLETE = agree(c7_1={})


def said(random: Random) -> Emergency:
    """Mostly complete, and with things missing that nobody may leave out but with a CANCEL."""
    emergency = WHOLE._replace(incident=random.randrange(3), severity=random.choice(list(Severity)))
    emergency = emergency._replace(**{n: v for n, v in NOTHING.items() if random.random() < 0.2})
    return emergency._replace(**{n: v for n, v in MISSING.items() if random.random() < 0.08})


def is_complete(message: Emergency) -> bool:
    return all(getattr(message, name) != nothing for name, nothing in MISSING.items())


@pytest.mark.parametrize("loss", [0.0, 0.4])
def test_7_1_says_of_every_emergency_heard_what_it_says_itself(loss: float) -> None:
    random, seen = Random(f"7.1 {loss}"), set()
    for _ in range(80 * MORE):
        air = Air()
        stations = {source: Sender(air, source, number=random.choice((0, 65_530))) for source in (A, B, C, D, TOWER)}
        for i in range(30):
            source = random.choice(list(stations))
            if random.random() < 0.1:
                stations[source] = restarted(stations[source])
            message: Message = said(random) if random.random() < 0.6 else random.choice((OTHER, ident()))
            stations[source].send(float(i), message, channel=random.choice((1, 2)))
        trace = lossy(random, air.trace, loss)
        verdicts = judged(trace, COMPLETE, 100.0, replayed=random)
        for source in stations:
            calls = [s.message for s in trace if s.heard and s.source == source and isinstance(s.message, Emergency)]
            due = [m for m in calls if m.severity is not Severity.CANCEL and source != TOWER]
            found = [f.outcome for f in verdicts.findings("7.1", source)]
            assert found == [PASS if is_complete(m) else FAIL for m in due], told(trace)
            seen |= set(found)
    assert seen == {PASS, FAIL}


# ------------------------------------------------------------------ 7.2

LIMIT_S = 3.0
ANSWERED = agree(c7_2={"limit_s": LIMIT_S})
LAST_S = 20


class Incident(NamedTuple):
    """One trouble of one life; `again`: so often was the number used and cancelled before."""

    source: int
    session: int
    incident: int
    again: int


class Talk(NamedTuple):
    """The truth: what was sent, and which frames the ground station heard, and when."""

    trace: Trace
    heard_s: dict[FrameKey, float]


def distress(random: Random, begin: int) -> Talk:
    """Two aircraft get into trouble and out of it; the ground station hears some of it, reports and answers."""
    air, heard_s = Air(), dict[FrameKey, float]()
    lives = {A: Sender(air, A, number=random.choice((0, 65_530))), B: Sender(air, B), TOWER: Sender(air, TOWER)}
    lives[TOWER].number = begin
    lives[TOWER].counts["acks"] = 250 if begin else 0
    open_, incidents = dict[int, int](), Counter[int]()
    heard: list[FrameKey] = []
    frames = dict[int, list[FrameKey]]({A: [], B: []})
    answers, restarts, hears = (random.choice((0.0, 0.3)), random.choice((0.0, 0.03)), random.choice((0.0, 0.5, 1.0)))
    for i in range(LAST_S * 2):
        for source, at_s in ((A, i / 2), (B, i / 2 + 0.1)):
            if random.random() < restarts:
                lives[source] = restarted(lives[source])
                open_.pop(source, None)
            draw, message = random.random(), None
            if source in open_ and draw < 0.12:
                message = WHOLE._replace(incident=open_.pop(source), severity=Severity.CANCEL)
            elif draw < (0.3 if source in open_ else 0.08):
                if source not in open_:
                    incidents[source] += random.random() < 0.8
                    open_[source] = incidents[source]
                message = WHOLE._replace(incident=open_[source], severity=Severity.URGENCY)
                frames[source].append(FrameKey(source, lives[source].session, lives[source].number % 65536))
            number = lives[source].send(at_s, message or OTHER)
            if random.random() < hears:
                named = FrameKey(source, lives[source].session, number % 65536)
                heard.append(named)
                heard_s[named] = at_s
        if random.random() < restarts:
            lives[TOWER], heard = restarted(lives[TOWER]), []
        lives[TOWER].send(i / 2 + 0.3, ground(random, lives[TOWER], heard, frames, answers))
    return Talk(air.trace, heard_s)


def ground(
    random: Random, tower: Sender, heard: list[FrameKey], frames: dict[int, list[FrameKey]], answers: float
) -> Message:
    """What the ground station says next: an answer to a call that it heard, or to something else, or a report."""
    calls = [k for k in heard if k in frames[k.source]]
    named = random.choice(calls) if calls and random.random() < answers else None
    if named is None and random.random() < 0.1:
        named = FrameKey(C, 1, random.randrange(9))
    if named:
        return Ack(*named, MessageType.EMERGENCY, random.choice((Result.ROGER, Result.UNABLE)))
    report = peer_report(heard, random.choice((A, B))) if random.random() < 0.8 else None
    return Watch(frozenset({1, 2, 3}), 2, tower.counts["hails"], tower.counts["acks"], report)


def incidents_of(trace: Trace) -> dict[Incident, Trace]:
    """The frames of each incident, the CANCEL with them as the last."""
    out, cancelled = defaultdict[Incident, Trace](list), Counter[tuple[int, int, int]]()
    for sent in trace:
        if isinstance(sent.message, Emergency):
            name = (sent.source, sent.session, sent.message.incident)
            out[Incident(*name, cancelled[name])].append(sent)
            cancelled[name] += is_cancel(sent)
    return out


def is_cancel(sent: Sent) -> bool:
    return isinstance(sent.message, Emergency) and sent.message.severity is Severity.CANCEL


def answered_s(trace: Trace, frames: Trace) -> float:
    """When the ground station first answered one of these."""
    names = {key(sent) for sent in frames}
    acks = ((s.at_s, s.message) for s in trace if s.source == TOWER and isinstance(s.message, Ack))
    return min((at_s for at_s, m in acks if FrameKey(*m[:3]) in names), default=float("inf"))


def is_broken(trace: Trace, frames: Trace, from_s: float) -> bool:
    """The plain reading: who heard a call has so long to answer it, unless it is cancelled before."""
    due_s = from_s + LIMIT_S
    over_s = min((s.at_s for s in frames if is_cancel(s)), default=float("inf"))
    return min(answered_s(trace, frames), over_s) > due_s


def proved(trace: Trace, frames: Trace) -> tuple[float, int] | None:
    """When the first call was sent that the ground station reports, and in which session it does. A report of a number
    that has gone round may be an old one."""
    for call in (s for s in frames if s.number <= 0xFFFF):
        for sent in trace:
            if (
                isinstance(sent.message, Watch)
                and reports_heard(sent.message.report, key(call))
                and not is_cancel(call)
            ):
                return call.at_s, sent.session
    return None


def is_proved(trace: Trace, name: Incident, frames: Trace) -> bool:
    """Whether the breach of one incident shows in a trace of which all was heard, by the limits of proof: of a ground
    station that began anew nothing is known, and who begins anew may go on with a trouble under its number."""
    begun = proved(trace, frames)
    if begun is None or not is_broken(trace, frames, begun[0]):
        return False
    due_s, session = begun[0] + LIMIT_S, begun[1]
    mine = [s for s in trace if s.source == TOWER and s.at_s < due_s]
    again = [i for i in incidents_of(trace) if (i.source, i.incident) == (name.source, name.incident) and i < name]
    if {s.session for s in mine} - {session} or mine[0].number or again:
        return False
    counts = any(s.at_s > due_s and s.session == session for s in trace if isinstance(s.message, Watch))
    return counts and any(s.at_s > due_s for s in trace if (s.source, s.session) == name[:2])


def is_answered(trace: Trace, name: Incident, frames: Trace) -> bool:
    """Whether an ACK names a frame of it, or one that may have been: it was not heard, or the life before had it."""
    before = {key(s) for i, some in incidents_of(trace).items() if i[::2] == name[::2] for s in some}
    known = {key(s) for s in trace if s.heard} - {key(s) for s in frames} - before
    acks = (s.message for s in trace if s.heard and s.source == TOWER and isinstance(s.message, Ack))
    return any(m.addressee == name.source and FrameKey(*m[:3]) not in known for m in acks)


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("begin", [0, 65_520])
def test_7_2_convicts_whoever_heard_and_did_not_answer(loss: float, begin: int) -> None:
    random, seen, broken, decided = Random(f"7.2 {loss} {begin}"), Counter[Outcome](), 0, 0
    for _ in range(150 * MORE):
        talk = distress(random, begin)
        trace = lossy(random, talk.trace, loss)
        verdicts = judged(trace, ANSWERED, 60.0, replayed=random)
        incidents = incidents_of(trace)
        of = {key(s): name for name, frames in incidents.items() for s in frames}
        failed = set()
        for finding in verdicts.findings("7.2", TOWER):
            seen[finding.outcome] += 1
            (name,) = {of[key(s)] for s in verdicts.evidence(finding) if key(s) in of}
            calls = incidents[name]
            if finding.outcome is FAIL:
                failed.add(name)
                heard = [talk.heard_s[key(s)] for s in calls if key(s) in talk.heard_s and not is_cancel(s)]
                assert any(is_broken(trace, calls, at_s) for at_s in heard), told(trace)
            if finding.outcome is PASS:
                assert is_answered(trace, name, calls), told(trace)
        for name, calls in incidents.items():
            if not loss:
                assert name in failed or not is_proved(trace, name, calls), told(trace)
            heard = [talk.heard_s[key(s)] for s in calls if key(s) in talk.heard_s and not is_cancel(s)]
            broken += any(is_broken(trace, calls, at_s) for at_s in heard)
            decided += name in failed
    assert set(seen) >= {PASS, INCONCLUSIVE} | (set() if begin else {FAIL})
    assert decided >= {0.0: 0.35, 0.05: 0.15, 0.3: 0.0}[loss] * broken or begin


@pytest.mark.parametrize(("cancelled", "goes_on"), [(True, False), (False, False), (False, True)])
def test_7_2_a_cancel_that_was_not_heard_may_be_the_last_that_was_sent(cancelled: bool, goes_on: bool) -> None:
    air = Air()
    a, tower = Sender(air, A), Sender(air, TOWER)
    tower.watch(0.2, a)
    a.report(0.5)
    a.send(1.0, WHOLE)
    tower.watch(1.2, a)
    if cancelled:
        a.send(2.0, WHOLE._replace(severity=Severity.CANCEL))
        air.trace[-1] = air.trace[-1]._replace(heard=False)
    if goes_on:
        a.report(1.0 + LIMIT_S + 0.5)
    tower.watch(1.0 + LIMIT_S + 0.7, a)
    found = [f.outcome for f in judged(air.trace, ANSWERED, 20.0).findings("7.2", TOWER)]
    assert found == [FAIL if goes_on else INCONCLUSIVE]


def test_7_2_a_count_from_before_the_deadline_says_nothing_of_an_answer_after_it() -> None:
    air = Air()
    a, tower = Sender(air, A), Sender(air, TOWER)
    tower.watch(0.2, a)
    call = FrameKey(A, 1, a.send(1.0, WHOLE))
    tower.watch(1.2, a)
    tower.watch(2.0, a)
    tower.send(3.0, Ack(*call, MessageType.EMERGENCY, Result.ROGER))
    air.trace[-1] = air.trace[-1]._replace(heard=False)
    a.reports(1.5, 7.0)
    trace = sorted(air.trace, key=lambda sent: sent.at_s)
    assert [f.outcome for f in judged(trace, ANSWERED, 20.0).findings("7.2", TOWER)] == [INCONCLUSIVE]
