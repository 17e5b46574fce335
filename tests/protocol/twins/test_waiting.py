"""Twin of 7.3: who knows of a distress keeps its channel free. Several talk, some of them of what matters."""

from collections import Counter
from random import Random
from typing import Any, NamedTuple

import pytest

from protocol.messages import (
    Ack,
    Emergency,
    EmergencyState,
    FrameKey,
    FrequencyChange,
    Hail,
    Intent,
    IntentKind,
    Message,
    MessageType,
    Phrase,
    Position,
    Result,
    Sensor,
    Severity,
    Sighting,
    Watch,
)
from protocol.verdicts import Outcome
from tests.protocol.traffic import A, B, C, Sender, ident
from tests.protocol.twins.lives import TOWER, Air, judged, key, lossy, peer_report, reports_heard, restarted, told
from tests.protocol.twins.test_emergency import WHOLE, Incident, incidents_of, is_cancel
from tests.protocol.twins.trace import MORE, Sent, Trace, agree

PASS, FAIL, INCONCLUSIVE, EXCUSED = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.EXCUSED
WAITS = agree(c7_3={})
STATIONS = (A, B, C, TOWER)
WAIT_S = 2.25
"""What is sent so soon after the proof that its sender knows may have waited for a slot: 2 s, and a step."""
TALK = (Hail, FrequencyChange, Sighting)


class Heard(NamedTuple):
    """The truth: what was sent; when each station heard which frame, in which of its lives."""

    trace: Trace
    at_s: dict[tuple[int, int, FrameKey], float]


class Life:
    """One station between two starts, what it has heard, and whether it is excused all the time."""

    def __init__(self, random: Random, sender: Sender):
        self.sender, self.heard, self.incident, self.receipt = sender, list[FrameKey](), 0, None
        flies = sender.source != TOWER
        self.excuse = random.choices(("", "flag", "avoids"), (8, 1, 1))[0] if flies else ""
        self.flags = self.excuse == "flag"

    def said(self, random: Random) -> Message:
        """What it says next, if it is not in distress."""
        sender, others = self.sender, [s for s in STATIONS if s != self.sender.source]
        who, about = random.choice(others), random.choice([None, None, *others])
        draw = random.random()
        if draw < 0.1:
            return Hail(who, Phrase.CONTACT, 1, 10, 1, about)
        if draw < 0.14:
            return FrequencyChange(random.choice((None, who, who)), 1, 1, 5, 30.0)
        if draw < 0.18:
            return Sighting(about, 1, Sensor.VISUAL, 35.0, 36.0, 100, 1.0)
        if draw < 0.24 and self.heard:
            return Ack(*random.choice(self.heard), MessageType.EMERGENCY, Result.ROGER)
        if draw < 0.4:
            report = peer_report(self.heard, who)
            return Watch(frozenset({1, 2, 3}), 3, sender.counts["hails"], sender.counts["acks"], report)
        return ident() if sender.source == TOWER or draw < 0.45 else self.report()

    def report(self) -> Position:
        flag = EmergencyState.GENERAL if self.flags else EmergencyState.NONE
        return Position(35.0, 36.0, **self.sender.counts, emergency=flag, receipt=self.receipt)

    def hears(self, sent: Sent) -> None:
        self.heard.append(key(sent))
        if isinstance(sent.message, Emergency):
            self.receipt = key(sent)


def busy(random: Random) -> Heard:
    """A and B get into distress and out of it; all talk, and hear some of it."""
    air, at_s = Air(), dict[tuple[int, int, FrameKey], float]()
    lives = {source: Life(random, Sender(air, source)) for source in STATIONS}
    lives[A].sender.number = random.choice((0, 0, 65_530))
    hears, restarts, incidents = random.choice((0.5, 1.0)), random.choice((0.0, 0.02)), Counter[int]()
    for i in range(40):
        for j, source in enumerate(STATIONS):
            if i and random.random() < restarts:
                lives[source] = Life(random, restarted(lives[source].sender))
            life = lives[source]
            channel, message = random.choice((1, 2, 2, 3)), None
            if life.excuse == "avoids" and not life.sender.intent:
                life.sender.intent, message = 1, Intent(1, IntentKind.AVOID, 120)
            elif source in (A, B) and not life.excuse:
                message = distress(random, life, incidents)
            if life.incident and message and not isinstance(message, Position):
                channel = random.choice((2, 2, 2, 3))
            life.sender.send(i / 2 + j / 20, message or life.said(random), channel=channel)
            if message and is_cancel(air.trace[-1]):
                life.incident, life.flags = 0, False
            for other in lives.values():
                if other is not life and random.random() < hears:
                    other.hears(air.trace[-1])
                    at_s[other.sender.source, other.sender.session, key(air.trace[-1])] = air.trace[-1].at_s
    return Heard(air.trace, at_s)


def distress(random: Random, life: Life, incidents: Counter[int]) -> Message | None:
    """Its next EMERGENCY, if it is time for one."""
    draw, source = random.random(), life.sender.source
    if not life.incident:
        if draw > 0.04:
            return None
        incidents[source] += random.random() < 0.8
        life.incident, life.flags = max(incidents[source], 1), True
    elif draw < 0.03:
        return WHOLE._replace(incident=life.incident, severity=Severity.CANCEL)
    elif draw > 0.2:
        return life.report() if draw < 0.4 else None
    return WHOLE._replace(incident=life.incident)


def open_until_s(trace: Trace, name: Incident, frames: Trace) -> float:
    """When an incident is over: cancelled, or its station begins anew."""
    anew = (s.at_s for s in trace if s.source == name.source and s.session > name.session)
    return min([*anew, *(s.at_s for s in frames if is_cancel(s))], default=float("inf"))


def called(trace: Trace, at_s: float) -> set[int]:
    """Who has called for help by an instant, and has not cancelled it."""
    begun = [frames for frames in incidents_of(trace).values() if frames[0].at_s < at_s]
    return {s[0].source for s in begun if not is_cancel(s[-1]) or s[-1].at_s > at_s}


def in_distress(trace: Trace, at_s: float) -> set[int]:
    """These, and who flags an emergency."""
    last = {s.source: s.message for s in trace if isinstance(s.message, Position) and s.at_s < at_s}
    flagged = {source for source, message in last.items() if message.emergency is not EmergencyState.NONE}
    return called(trace, at_s) | flagged


def may_matter(talk: Sent, whom: set[int]) -> bool:
    """Whether what is said is, or may be, about one of these."""
    message: Any = talk.message
    if isinstance(message, FrequencyChange):
        return message.addressee is None or message.addressee in whom or talk.source == TOWER
    if isinstance(message, Sighting) or talk.source == TOWER:
        return message.subject is None or bool(whom & {message.subject, getattr(message, "addressee", None)})
    return bool(whom & {message.subject, message.addressee})


def own_distress(trace: Trace, talk: Sent) -> bool:
    """Whether its sender has declared an avoidance, flags an emergency, or has a trouble of its own."""
    mine = [s for s in trace if s.source == talk.source and s.session == talk.session and s.at_s <= talk.at_s]
    flags = [s.message.emergency is not EmergencyState.NONE for s in mine if isinstance(s.message, Position)]
    return bool(talk.intent) or (flags[-1:] == [True]) or talk.source in in_distress(trace, talk.at_s)


def talks_over(heard: Heard, trace: Trace, talk: Sent) -> bool:
    """The plain reading: it is sent while a distress is open of which its sender has heard on this channel, and not so
    soon after that it may have been waiting for a slot."""
    if own_distress(trace, talk) or may_matter(talk, in_distress(trace, talk.at_s)):
        return False
    for name, frames in incidents_of(trace).items():
        calls = [s for s in frames if s.channel == talk.channel and s.source != talk.source and not is_cancel(s)]
        known = [heard.at_s.get((talk.source, talk.session, key(s)), float("inf")) for s in calls]
        if min(known, default=float("inf")) < talk.at_s - 2.0 and talk.at_s < open_until_s(trace, name, frames):
            return True
    return False


def is_proof(sent: Sent, call: Sent) -> bool:
    """Whether a frame says that its sender has heard a call."""
    message, name = sent.message, key(call)
    if isinstance(message, Position):
        return message.receipt == name
    if isinstance(message, Ack):
        return FrameKey(*message[:3]) == name
    return isinstance(message, Watch) and reports_heard(message.report, name)


def concerns(trace: Trace, talk: Sent) -> bool:
    """Whether it surely has to wait for an incident, as far as a trace proves that was heard from beginning to end."""
    mine = [s for s in trace if (s.source, s.session) == (talk.source, talk.session) and s.at_s < talk.at_s - WAIT_S]
    for frames in incidents_of(trace).values():
        calls = [s for s in frames if not is_cancel(s) and s.source != talk.source]
        # a number that has gone round may be reported of its first turn
        known = [s for s in calls if s.channel == talk.channel and s.number <= 0xFFFF and s.at_s < talk.at_s]
        if any(is_proof(s, call) for call in known for s in mine) and shows(trace, talk, calls[-1].at_s):
            return True
    return False


def shows(trace: Trace, talk: Sent, until_s: float) -> bool:
    """Whether the incident went on after it, and those whom it is about were heard before and then."""
    message: Any = talk.message
    about = {getattr(message, "addressee", None), getattr(message, "subject", None)} & {A, B, C}
    for source in about:
        before = [s for s in trace if s.source == source and s.at_s < talk.at_s]
        after = [s.session for s in trace if s.source == source and talk.at_s < s.at_s < until_s]
        reports = [s for s in before if isinstance(s.message, Position) and s.session == before[-1].session]
        if not before or after[:1] != [before[-1].session] or not reports:
            return False
    return until_s > talk.at_s


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.3])
def test_7_3_convicts_whoever_knew_and_talked_on(loss: float) -> None:
    random, seen, broken, convicted = Random(f"7.3 {loss}"), Counter[Outcome](), 0, 0
    for _ in range(150 * MORE):
        heard = busy(random)
        trace = lossy(random, heard.trace, loss)
        verdicts = judged(trace, WAITS, 60.0, replayed=random)
        found = dict[FrameKey, Outcome]()
        for source in STATIONS:
            for finding in verdicts.findings("7.3", source):
                seen[finding.outcome] += 1
                named = verdicts.evidence(finding) or verdicts.heard_at(finding, source)
                (talk,) = [s for s in named if isinstance(s.message, TALK) and s.source == source]
                found[key(talk)] = finding.outcome
                if finding.outcome is FAIL:
                    assert talks_over(heard, trace, talk), (talk, told(trace))
        for talk in (s for s in trace if isinstance(s.message, TALK)):
            broken += talks_over(heard, trace, talk)
            convicted += found.get(key(talk)) is FAIL
            if loss or not concerns(trace, talk):
                continue
            if talks_over(heard, trace, talk):
                assert found.get(key(talk)) is FAIL, (talk, told(trace))
            elif not own_distress(trace, talk) and may_matter(talk, called(trace, talk.at_s)) and talk.source != TOWER:
                assert found.get(key(talk)) is PASS, (talk, told(trace))
    assert convicted >= {0.0: 0.2, 0.05: 0.05, 0.3: 0.0}[loss] * broken
    assert set(seen) >= {PASS, EXCUSED} | ({FAIL} if loss < 0.3 else set()) | ({INCONCLUSIVE} if loss else set())


@pytest.mark.parametrize(
    ("lost", "flags", "found"), [(None, False, FAIL), (6.1, False, INCONCLUSIVE), (5.1, True, INCONCLUSIVE)]
)
def test_7_3_the_one_that_is_called_may_be_in_distress_unheard(lost: float | None, flags: bool, found: Outcome) -> None:
    """A is in distress, and then C, too. B calls C for that, and the monitor has not heard the EMERGENCY of C."""
    air = Air()
    a, b, c = (Sender(air, source) for source in (A, B, C))
    a.send(1.0, WHOLE, channel=2)
    for i in range(12):
        c_calls = lost == i + 0.1
        if c_calls:
            c.send(i + 0.1, WHOLE, channel=2)
            air.trace[-1] = air.trace[-1]._replace(heard=False)
        else:
            flag = EmergencyState.GENERAL if flags and lost and i > lost else EmergencyState.NONE
            c.report(i + 0.1, emergency=flag)
        if i == 6:
            b.send(6.5, Hail(C, Phrase.CONTACT, 1, 10, 1), channel=2)
        b.report(i + 0.6, receipt=FrameKey(A, 1, 0) if i > 1 else None)
    a.send(11.9, WHOLE, channel=2)
    assert [f.outcome for f in judged(sorted(air.trace), WAITS, 20.0).findings("7.3", B)] == [found]


@pytest.mark.parametrize(
    ("cancelled", "known", "found"), [(False, False, FAIL), (True, True, INCONCLUSIVE), (True, False, FAIL)]
)
def test_7_3_a_distress_may_be_over_and_declared_again_under_its_number(
    cancelled: bool, known: bool, found: Outcome
) -> None:
    """The monitor does not hear the CANCEL, B talks, and then A is in distress again. Whether B heard it, its receipts
    say: who has heard of no end waits."""
    air = Air()
    a, b, c = (Sender(air, source) for source in (A, B, C))
    a.send(1.0, WHOLE, channel=2)
    for i in range(12):
        b.report(i + 0.6, receipt=FrameKey(A, 1, int(known and i > 5)) if i > 1 else None)
        c.report(i + 0.8)
        if i == 5:
            a.send(i + 0.9, WHOLE._replace(severity=Severity.CANCEL) if cancelled else ident(), channel=2)
            air.trace[-1] = air.trace[-1]._replace(heard=not cancelled)
        if i == 7:
            b.send(i + 0.9, Hail(C, Phrase.CONTACT, 1, 10, 1), channel=2)
    a.send(12.0, WHOLE, channel=2)
    assert [f.outcome for f in judged(air.trace, WAITS, 20.0).findings("7.3", B)] == [found]
