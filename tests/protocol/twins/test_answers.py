"""Twin of 6.4: who answers what, in time and rightly. Several call, again and again, and some begin anew."""

from collections import Counter
from random import Random
from typing import NamedTuple

import pytest

from protocol.messages import (
    Ack,
    Emergency,
    EmergencyState,
    FrequencyChange,
    Hail,
    Message,
    MessageType,
    Phrase,
    Position,
    Result,
    Watch,
)
from protocol.verdicts import Outcome
from tests.protocol.traffic import A, B, C, Sender, ident
from tests.protocol.twins.lives import TOWER, Air, judged, key, lossy, restarted, told
from tests.protocol.twins.test_emergency import WHOLE
from tests.protocol.twins.trace import MORE, Sent, Trace, agree

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
LIMIT_S = 4.0
ANSWERS = agree(c6_4={"limit_s": LIMIT_S}, c4_1={})
CALLERS, ANSWERERS = (A, 0x100002, TOWER), (B, C, TOWER)
ROGER, WILCO, UNABLE, STANDBY, SAY_AGAIN = Result
ALLOWED = {
    Phrase.CONTACT: {ROGER, UNABLE, STANDBY, SAY_AGAIN},
    Phrase.STATE_INTENTION: {ROGER, UNABLE, STANDBY, SAY_AGAIN},
    Phrase.KEEP_CLEAR: {WILCO, UNABLE, STANDBY, SAY_AGAIN},
    Phrase.YOU_ARE_CLOSING: {ROGER, WILCO, UNABLE, STANDBY, SAY_AGAIN},
    Phrase.CHANGE_FREQUENCY: {WILCO, UNABLE, STANDBY, SAY_AGAIN},
    Phrase.SAY_AGAIN: {ROGER, UNABLE, STANDBY},
}


class Life:
    """One station between two starts: what it asks of whom, and what it was asked."""

    def __init__(self, random: Random, sender: Sender):
        self.sender, self.asked = sender, list[Sent]()
        self.phrases = {(who, n): random.choice(list(Phrase)) for who in ANSWERERS for n in (1, 2)}
        self.channel = random.choice((1, 5))
        self.flag = EmergencyState.GENERAL if random.random() < 0.1 else EmergencyState.NONE
        self.talks = random.choice((0.1, 0.4))

    def says(self, random: Random) -> Message:
        source, counts = self.sender.source, self.sender.counts
        if source in ANSWERERS and self.asked and random.random() < self.talks:
            return answer(random, random.choice(self.asked[-4:]))
        if source in CALLERS and random.random() < 0.25:
            who, n = random.choice([w for w in ANSWERERS if w != source]), random.choice((1, 2))
            change = FrequencyChange(random.choice((who, None)), n, 1, self.channel, 60.0)
            call = Hail(who, self.phrases[who, n], n, 10, self.channel)
            return random.choice((call, call, call, change, WHOLE if source != TOWER else change))
        if random.random() < 0.1:
            return ident()
        if source == TOWER:
            return Watch(frozenset({1, 2, 3}), 1, counts["hails"], counts["acks"])
        return Position(35.0, 36.0, **counts, emergency=self.flag)


def answer(random: Random, asked: Sent) -> Ack:
    """Some answer, mostly a good one."""
    kind = {Hail: MessageType.HAIL, FrequencyChange: MessageType.FREQUENCY_CHANGE}
    result, back = random.choice(list(Result)), random.choice((None, 1, 5))
    ack = Ack(*key(asked), kind.get(type(asked.message), MessageType.EMERGENCY), result, read_back=back)
    return ack if is_right(asked.message, ack) or random.random() < 0.5 else ack._replace(result=UNABLE)


def is_right(asked: Message, ack: Ack) -> bool:
    """The plain reading: the phrase allows it, and a channel that is agreed to is read back."""
    if isinstance(asked, Emergency):
        return True
    told_channel = None
    if isinstance(asked, FrequencyChange):
        allowed, told_channel = ALLOWED[Phrase.CHANGE_FREQUENCY], asked.to_channel
    else:
        assert isinstance(asked, Hail)
        allowed = ALLOWED[asked.phrase]
        if asked.phrase is Phrase.CHANGE_FREQUENCY:
            told_channel = asked.reply_channel
    return ack.result in allowed and (told_channel is None or ack.result is not WILCO or ack.read_back == told_channel)


def asks(message: Message, whom: int) -> bool:
    """Whether a frame was sent to a station, or to everybody, and can be answered."""
    return isinstance(message, Emergency) or getattr(message, "addressee", 0) in (whom, None)


def calling(random: Random, begin: int) -> Trace:
    """All call and answer for a while. `begin`: the number at which all are when the trace begins."""
    air = Air()
    stations = sorted({*CALLERS, *ANSWERERS})
    lives = {source: Life(random, Sender(air, source, number=begin)) for source in stations}
    for life in lives.values():
        life.sender.counts["acks"] = 250 if begin else 0
    restarts, hears = random.choice((0.0, 0.02)), random.choice((0.5, 1.0))
    for i in range(40):
        for j, source in enumerate(stations):
            if i and random.random() < restarts:
                lives[source] = Life(random, restarted(lives[source].sender))
            lives[source].sender.send(i / 2 + j / 20, lives[source].says(random))
            sent = air.trace[-1]
            for other in ANSWERERS:
                wanted = isinstance(sent.message, Hail | FrequencyChange | Emergency) and asks(sent.message, other)
                if wanted and other != source and random.random() < hears:
                    lives[other].asked.append(sent)
    return air.trace


class Answer(NamedTuple):
    """An ACK, and the frame that it names, if there is one for its sender."""

    ack: Sent
    asked: Sent


def answers(trace: Trace) -> list[Answer]:
    frames = {key(s): s for s in trace if isinstance(s.message, Hail | FrequencyChange | Emergency)}
    pairs = [(s, frames.get(s.message[:3])) for s in trace if isinstance(s.message, Ack)]
    return [Answer(s, asked) for s, asked in pairs if asked and asks(asked.message, s.source)]


def call_of(asked: Sent) -> tuple[int, ...]:
    """What is one call, however often it is made."""
    message = asked.message
    if isinstance(message, Hail):
        return asked.source, 0, message.addressee, message.call_id
    return (asked.source, 1, getattr(message, "serial", 0))


def rights(some: list[Answer], wrong: Answer) -> list[float]:
    """When the call was answered rightly after a wrong answer."""
    same = [a for a in some if a.ack.source == wrong.ack.source and call_of(a.asked) == call_of(wrong.asked)]
    return [a.ack.at_s for a in same if is_right(a.asked.message, a.ack.message) and a.ack.at_s > wrong.ack.at_s]


def is_broken(some: list[Answer], one: Answer) -> bool:
    """The plain reading: a wrong answer that is not put right in time."""
    late = min(rights(some, one), default=float("inf")) > one.ack.at_s + LIMIT_S
    return late and not is_right(one.asked.message, one.ack.message)


def shows(trace: Trace, one: Answer) -> bool:
    """Whether its station goes on without a start for as long as a wrong answer can be put right."""
    after = [s for s in trace if s.source == one.ack.source and s.at_s > one.ack.at_s + LIMIT_S]
    return bool(after) and after[0].session == one.ack.session and after[-1].at_s > one.ack.at_s + LIMIT_S + 1


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("begin", [0, 65_520])
def test_6_4_convicts_of_wrong_answers_that_nobody_has_put_right(loss: float, begin: int) -> None:
    random, seen, broken, convicted = Random(f"6.4 {loss} {begin}"), Counter[Outcome](), 0, 0
    for _ in range(40 * MORE):
        trace = lossy(random, calling(random, begin), loss)
        verdicts = judged(trace, ANSWERS, 60.0, replayed=random)
        some = answers(trace)
        failed = set()
        for source in ANSWERERS:
            for finding in verdicts.findings("6.4", source):
                seen[finding.outcome] += 1
                named = [key(s) for s in verdicts.evidence(finding)]
                mine = [a for a in some if [key(a.asked), key(a.ack)] == named[:2]]
                if finding.outcome is FAIL:
                    assert any(is_broken(some, a) for a in mine), told(trace)
                    failed |= {key(a.ack) for a in mine}
                if finding.outcome is PASS:
                    assert not any(is_broken(some, a) for a in mine), told(trace)
        flagged = {(s.source, s.session) for s in trace if getattr(s.message, "emergency", EmergencyState.NONE)}
        for one in some:
            if is_broken(some, one) and (one.ack.source, one.ack.session) not in flagged:
                broken += 1
                convicted += key(one.ack) in failed
                assert loss or key(one.ack) in failed or not shows(trace, one), told(trace)
    assert convicted >= {0.0: 0.5, 0.1: 0.2, 0.4: 0.0}[loss] * broken
    assert set(seen) >= {PASS, FAIL, INCONCLUSIVE}


@pytest.mark.parametrize("again", [True, False])
def test_6_4_who_is_called_again_after_a_start_puts_right_what_it_answered_before(again: bool) -> None:
    air = Air()
    a, b = Sender(air, A), Sender(air, B)
    b.report(0.2)
    call = Hail(B, Phrase.CONTACT, 1, 10, 1)
    wrong = Ack(A, 1, a.send(0.5, call), MessageType.HAIL, WILCO)
    b.send(1.0, wrong)
    if again:
        a = restarted(a)
        b.send(2.5, wrong._replace(answers_session=2, answers_sequence=a.send(2.0, call), result=ROGER))
    b.reports(3.0, 8.0)
    trace = sorted(air.trace, key=lambda sent: sent.at_s)
    assert [f.outcome for f in judged(trace, ANSWERS, 20.0).findings("6.4", B)] == ([PASS, PASS] if again else [FAIL])


def test_6_4_a_wrong_answer_after_a_right_one_is_wrong() -> None:
    air = Air()
    a, b = Sender(air, A), Sender(air, B)
    right = Ack(A, 1, a.send(0.5, Hail(B, Phrase.CONTACT, 1, 10, 1)), MessageType.HAIL, ROGER)
    b.send(1.0, right)
    b.send(2.0, right._replace(result=WILCO))
    b.reports(3.0, 8.0)
    assert [f.outcome for f in judged(air.trace, ANSWERS, 20.0).findings("6.4", B)] == [PASS, FAIL]
