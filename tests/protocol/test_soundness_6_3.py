"""Ways in which a judge could accuse somebody innocent under 6.3. Each was tried; none may work."""

from dataclasses import dataclass
from typing import Any

import pytest

from protocol.messages import (
    FrameKey,
    Intent,
    IntentKind,
)
from protocol.verdicts import Verdict
from tests.protocol.traffic import A_TEXT, A, B, Sender, ack, hail


@dataclass
class Calls:
    """200001 calls 100001 at 5, 16 and 27 s; the receipt of 100001 names each of them, and no ACK is sent."""

    monitor: Any
    a: Sender
    b: Sender
    named: int | None = None
    reply_by_s: int = 10
    lost: tuple[int, ...] = ()

    def fly(self, from_s: int = 0, until_s: int = 60, acks: dict[int, tuple[int, bool]] | None = None) -> None:
        """`acks`: at second t answer the call number so and so (0 to 2), heard or lost."""
        sent: list[int] = []
        for t in range(from_s, until_s):
            if t in (5, 16, 27):
                lost = len(sent) in self.lost
                sent.append(self.b.send(t + 0.5, hail(A, reply_by_s=self.reply_by_s), lost=lost))
                self.named = sent[-1]
            if acks and t in acks:
                which, lost = acks[t]
                self.a.send(t + 0.8, ack(B, sent[which]), lost=lost)
            self.b.report(t + 0.6)
            receipt = None if self.named is None else FrameKey(B, 1, self.named % 65536)
            self.a.report(t + 1.0, receipt=receipt)

    def accused(self) -> bool:
        self.monitor.close(120.0)
        return ("6.3", A_TEXT) in self.monitor.fails()


@pytest.fixture
def calls(monitor: Any) -> Calls:
    return Calls(monitor, Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 36.0}))


def test_the_calls_themselves_are_a_breach(calls: Calls) -> None:
    calls.fly()
    assert calls.accused()


def test_a_breach_can_be_proved_from_the_middle_of_a_session(calls: Calls) -> None:
    calls.a.number, calls.a.counts["acks"] = 5000, 17
    calls.fly()
    assert calls.accused()


def test_a_caller_is_held_to_the_time_that_it_leaves(calls: Calls) -> None:
    calls.reply_by_s = 60
    calls.fly(acks={45: (2, False)})
    assert not calls.accused()
    assert calls.monitor.verdict("6.3", A_TEXT) is Verdict.PASS


@pytest.mark.parametrize("lost", [False, True])
def test_an_answer_counts_whether_it_was_heard_or_not(calls: Calls, lost: bool) -> None:
    calls.fly(acks={30: (2, lost)})
    assert not calls.accused()


def test_an_answer_to_a_call_that_was_not_heard_may_be_the_answer(calls: Calls) -> None:
    """The first of four calls was lost; what 100001 answers after the second names the first."""
    first = calls.b.send(1.5, hail(A), lost=True)
    calls.a.report(2.0, receipt=FrameKey(B, 1, first))
    heard = first
    for t in range(5, 60):
        if t in (5, 16, 27):
            heard = calls.b.send(t + 0.5, hail(A))
        if t == 6:
            calls.a.send(6.8, ack(B, first))
        calls.b.report(t + 0.6)
        calls.a.report(t + 1.0, receipt=FrameKey(B, 1, heard))
    assert not calls.accused()


def test_an_answer_too_late_is_no_silence_to_three_calls(calls: Calls) -> None:
    """It comes 0.3 s late, after the first call; there may also have been a second one that was not heard."""
    calls.fly(acks={15: (0, False)})
    assert not calls.accused()
    assert calls.monitor.verdict("6.3", A_TEXT) is Verdict.INCONCLUSIVE


def test_a_late_answer_is_no_pass_when_reports_are_lost(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 36.0})
    a.report(0.1)
    sent = [b.send(5.5 + 11 * i, hail(A)) for i in range(3)]
    a.report(28.0, receipt=FrameKey(B, 1, sent[2]))
    a.send(60.0, ack(B, sent[2]))
    a.report(61.0, receipt=FrameKey(B, 1, sent[2]))
    monitor.close(62.0)
    assert monitor.verdict("6.3", A_TEXT) is Verdict.FAIL


def test_an_avoidance_at_the_time_of_the_call_counts(monitor: Any) -> None:
    """It avoided while it was called, and no more when its receipt was heard: that took a minute."""
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 36.0})
    a.send(0.05, Intent(1, IntentKind.AVOID, 60))
    a.intent = 1
    a.report(4.0)
    sent = [b.send(5.5 + 11 * i, hail(A)) for i in range(3)]
    a.number += 30
    a.intent = 2
    a.send(40.0, Intent(2, IntentKind.TRANSIT, 60))
    for t in range(41, 60):
        a.report(t + 0.1, receipt=FrameKey(B, 1, sent[2]))
    monitor.close(62.0)
    assert ("6.3", A_TEXT) not in monitor.fails()


def test_three_calls_in_one_breath_leave_the_whole_time(calls: Calls) -> None:
    for i in range(3):
        calls.b.send(5.5 + i / 10, hail(A))
    calls.named = 2
    for t in range(6, 40):
        if t == 15:
            calls.a.send(15.3, ack(B, 2), lost=True)
        calls.a.report(float(t), receipt=FrameKey(B, 1, 2))
    assert not calls.accused()
