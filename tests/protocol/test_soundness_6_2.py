"""Ways in which a judge could accuse somebody innocent under 6.2. Each was tried; none may work."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from protocol.messages import Emergency, FrameKey, Severity
from protocol.verdicts import Cause, Outcome
from tests.protocol.traffic import A_TEXT, A, B, C, Sender, hail, ident


@dataclass
class Meeting:
    """100001 proves at 20.3 s that it heard 200001 inside the ring, and does not call in the 40 s after."""

    monitor: Any
    a: Sender
    b: Sender

    def fly(self, until_s: int = 60, **told: Callable[[int], dict[str, Any]]) -> None:
        for t in range(until_s):
            self.a.report(t + 0.1, **(told["a"](t) if "a" in told else {}))
            if t == 20:
                self.a.watch(20.3, self.b)
            self.b.report(t + 0.6, **(told["b"](t) if "b" in told else {}))

    def accused(self) -> bool:
        self.monitor.close(70.0)
        return ("6.2", A_TEXT) in self.monitor.fails()


@pytest.fixture
def meeting(monitor: Any) -> Meeting:
    return Meeting(monitor, Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.1}))


def test_the_meeting_itself_is_a_breach(meeting: Meeting) -> None:
    meeting.fly()
    assert meeting.accused()


def test_who_was_called_first_need_not_call(meeting: Meeting) -> None:
    """An aircraft that has been called is in contact; a peer could frame it by calling first."""
    meeting.b.send(5.5, hail(A))
    meeting.fly()
    assert not meeting.accused()


def test_who_may_have_been_called_need_not_call(meeting: Meeting) -> None:
    meeting.b.send(5.5, hail(A), lost=True)
    meeting.fly()
    assert not meeting.accused()


def test_a_call_that_the_peer_denies_shows_in_the_receipt(meeting: Meeting) -> None:
    """200001 calls where the monitor does not hear it, and leaves the call out of its count."""
    number = meeting.b.send(5.5, hail(A), lost=True)
    meeting.b.counts["hails"] = 0
    meeting.fly(a=lambda t: {"receipt": FrameKey(B, 1, number)} if t > 5 else {})
    assert not meeting.accused()


def test_256_calls_before_the_recording_look_like_none(meeting: Meeting) -> None:
    meeting.a.number = 5000
    meeting.fly()
    assert not meeting.accused()


def test_256_calls_in_numbers_not_heard_look_like_none(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.1})
    a.report(0.1)
    a.number += 300
    meeting = Meeting(monitor, a, b)
    for t in range(1, 60):
        a.report(t + 0.1)
        if t == 20:
            a.watch(20.3, b)
        b.report(t + 0.6)
    assert not meeting.accused()


@pytest.mark.parametrize("who", ["a", "b"])
def test_nobody_calls_from_or_to_the_ground(meeting: Meeting, who: str) -> None:
    told: dict[str, Any] = {who: lambda t: {"airborne": t < 25}}
    meeting.fly(**told)
    assert not meeting.accused()


def test_nobody_calls_a_station_that_signed_off(meeting: Meeting) -> None:
    for t in range(60):
        meeting.a.report(t + 0.1)
        if t == 20:
            meeting.a.watch(20.3, meeting.b)
        if t < 25:
            meeting.b.report(t + 0.6)
        elif t == 25:
            meeting.b.send(25.6, ident(sign_off=True))
    assert not meeting.accused()


# ------------------------------------------------------------------ 7.3 wants it silent


def in_distress(meeting: Meeting, at_s: int, severity: Severity = Severity.DISTRESS, *, lost: bool = False) -> None:
    """200002, whom 100001 hears from far away, is in distress; the receipts of 100001 name its EMERGENCY."""
    other = Sender(meeting.monitor, C, where={"latitude_deg": 37.0})
    receipt: FrameKey | None = None
    for t in range(-70, 60):
        meeting.a.report(t + 70.1, receipt=receipt)
        if t == 20:
            meeting.a.watch(90.3, meeting.b)
        meeting.b.report(t + 70.6)
        other.report(t + 70.7)
        if t == at_s:
            receipt = FrameKey(C, 1, other.send(t + 70.9, Emergency(1, severity), channel=2, lost=lost))
    meeting.monitor.close(131.0)


@pytest.mark.parametrize("at_s", [-39, 0, 20, 34])
def test_who_leaves_the_channel_to_distress_is_excused(meeting: Meeting, at_s: int) -> None:
    in_distress(meeting, at_s)
    assert meeting.monitor.outcomes("6.2", A_TEXT) == [Outcome.EXCUSED]


@pytest.mark.parametrize("at_s", [-42, 36])
def test_distress_long_before_or_afterwards_excuses_nothing(meeting: Meeting, at_s: int) -> None:
    in_distress(meeting, at_s)
    assert meeting.monitor.outcomes("6.2", A_TEXT) == [Outcome.FAIL]


def test_distress_that_is_over_excuses_nothing(meeting: Meeting) -> None:
    in_distress(meeting, 0, Severity.CANCEL)
    assert meeting.monitor.outcomes("6.2", A_TEXT) == [Outcome.FAIL]


def test_what_it_received_and_the_monitor_did_not_may_be_an_emergency(meeting: Meeting) -> None:
    in_distress(meeting, 25, lost=True)
    assert meeting.monitor.outcomes("6.2", A_TEXT) == [Outcome.INCONCLUSIVE]
    assert meeting.monitor.judge.tallies["6.2", A_TEXT].causes == {Cause.STATE_UNHEARD: 1}


def test_a_receipt_of_long_before_is_no_excuse(meeting: Meeting) -> None:
    in_distress(meeting, -60, lost=True)
    assert meeting.monitor.outcomes("6.2", A_TEXT) == [Outcome.FAIL]
