"""More ways in which a judge could accuse somebody innocent: found by fuzzing and by attack. None may work."""

from collections.abc import Callable
from typing import Any

import pytest

from protocol.messages import (
    Ack,
    EmergencyState,
    FrameKey,
    Intent,
    IntentKind,
    MessageType,
    PeerReport,
    Result,
    Watch,
)
from protocol.verdicts import Outcome
from tests.protocol.traffic import A_TEXT, PERIOD_S, A, B, Sender, ack, hail, ident, position

GENERAL = EmergencyState.GENERAL
BOX = {"south_deg": 34.0, "north_deg": 36.0, "west_deg": 35.0, "east_deg": 37.0}


# ------------------------------------------------------------------ 0.1: emergencies that were not heard


def test_an_unheard_position_may_have_flagged_the_emergency(monitor: Any) -> None:
    """What it does then, on any channel and in any slot, is excused."""
    a = Sender(monitor, A)
    a.report(1.0025)
    a.report(2.0025, lost=True, emergency=GENERAL)
    a.send(2.2525, ident())
    a.send(2.3025, ident(), channel=9)
    monitor.close(700.0)
    assert monitor.fails() == []


def test_number_0_may_be_in_the_middle_of_a_session(monitor: Any) -> None:
    """The numbers have just gone round; the POSITION that flagged the emergency was before the recording."""
    monitor.hear(0.2525, A, 0, ident())
    monitor.close(700.0)
    assert monitor.fails() == []


def test_before_its_first_frame_heard_it_may_have_been_in_distress(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 36.0})
    a.report(0.1, lost=True, emergency=GENERAL)
    sent = [b.send(5.5 + 11 * i, hail(A)) for i in range(3)]
    for t in range(26, 60):
        a.report(t + 0.9, receipt=FrameKey(B, 1, sent[2]) if t > 27 else None)
    monitor.close(70.0)
    assert ("6.3", A_TEXT) not in monitor.fails()


def test_an_emergency_may_have_come_and_gone_unheard(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 36.0})
    sent = [0]
    for t in range(60):
        lost = 5 <= t < 50
        if t in (5, 16, 27):
            sent.append(b.send(t + 0.5, hail(A)))
        flagged = GENERAL if lost else EmergencyState.NONE
        a.report(t + 0.9, lost=lost, emergency=flagged, receipt=FrameKey(B, 1, sent[-1]) if t >= 5 else None)
    monitor.close(70.0)
    assert ("6.3", A_TEXT) not in monitor.fails()


# ------------------------------------------------------------------ the books: frames of long ago


def test_a_frame_from_a_stretch_not_heard_comes_again_when_the_time_comes_round(monitor: Any) -> None:
    """Numbers 10 to 39 were not heard; 15 is sent again 1024 s later, when 100001 is elsewhere."""
    a = Sender(monitor, A)
    for t in range(60):
        a.report(t + 0.1, lost=10 <= t < 40)
    a.where = {"latitude_deg": 36.0}
    for t in (300, 600, 900, 1030):
        a.report(float(t))
    monitor.hear(PERIOD_S + 15.1, A, 15, position())
    a.report(1050.0)
    monitor.close(1051.0)
    assert ("4.4", A_TEXT) not in monitor.fails()


def test_a_frame_from_before_the_recording_begins_no_new_stretch(monitor: Any) -> None:
    """Heard from number 500 on, then out of hearing for more than 600 s."""
    a, b = Sender(monitor, A, number=500), Sender(monitor, B, where={"longitude_deg": 36.03})
    a.reports(0.1, 30.0)
    for t in range(700, 730):
        monitor.hear(t + 0.1, A, t - 600, position())
        b.report(t + 0.6)
    monitor.close(731.0)
    assert ("6.1", "100001/200001") not in monitor.fails()


def test_a_session_that_is_over_does_not_come_back(monitor: Any) -> None:
    """Frames of session 1, never heard, are sent again beside 200001 while 100001 flies on in session 2."""
    a, b = Sender(monitor, A, session=2, where={"latitude_deg": 36.0}), Sender(monitor, B)
    a.report(0.1)
    for t in range(1, 30):
        monitor.hear(t + 0.1, A, t, position(35.0, 36.03), session=1)
        b.report(t + 0.6)
    monitor.close(31.0)
    assert ("6.1", "100001/200001") not in monitor.fails()


def test_numbers_cannot_run_faster_than_frames_can_be_sent(monitor: Any) -> None:
    """In a fast session number 100 comes again as if ahead of 50,000; nobody sends 15,636 frames in a second."""
    a = Sender(monitor, A, number=50_000)
    a.reports(0.1, 5.0)
    monitor.hear(5.1, A, 100, position(40.0))
    a.reports(6.1, 10.0)
    monitor.close(11.0)
    assert ("4.4", A_TEXT) not in monitor.fails()
    assert monitor.outcomes("4.1", A_TEXT).count(Outcome.PASS) == 8


# ------------------------------------------------------------------ 1.4, 4.1, 6.1: where nothing is owed


def test_outside_the_area_nobody_owes_an_ident(make_monitor: Callable[..., Any]) -> None:
    monitor = make_monitor(**BOX)
    a = Sender(monitor, A, where={"latitude_deg": 35.99})
    a.report(0.1)
    a.report(300.1)
    monitor.close(301.0)
    assert ("1.4", A_TEXT) not in monitor.fails()


def test_on_the_ground_nobody_owes_an_ident(monitor: Any) -> None:
    a = Sender(monitor, A)
    a.report(0.1)
    a.report(1.1, airborne=False)
    a.report(90.1)
    monitor.close(91.0)
    assert ("1.4", A_TEXT) not in monitor.fails()


def test_outside_the_area_nobody_keeps_a_distance(make_monitor: Callable[..., Any]) -> None:
    monitor = make_monitor(**BOX)
    a, b = Sender(monitor, A, where={"latitude_deg": 36.1}), Sender(monitor, B, where={"latitude_deg": 36.12})
    for t in range(30):
        a.report(t + 0.1)
        b.report(t + 0.6)
    monitor.close(31.0)
    assert ("6.1", "100001/200001") not in monitor.fails()


def test_an_old_position_tells_of_an_earlier_time(make_monitor: Callable[..., Any]) -> None:
    """9.2 km from the edge twice, 16 s apart: at 2,000 kt just too far to leave, were the positions not 2.5 s old."""
    monitor = make_monitor(**BOX)
    a = Sender(monitor, A, where={"latitude_deg": 35.915, "age_s": 2.5})
    a.report(0.1)
    a.report(16.1)
    monitor.close(17.0)
    assert ("4.1", A_TEXT) not in monitor.fails()


# ------------------------------------------------------------------ 6.2


@pytest.fixture
def met(monitor: Any) -> tuple[Any, Sender, Sender]:
    """100001 proves at 20.3 s that it heard 200001 inside the ring."""
    return monitor, Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.1})


@pytest.mark.parametrize("heard", [True, False])
def test_an_answer_shows_the_call_that_the_peer_denies(met: tuple[Any, Sender, Sender], heard: bool) -> None:
    """200001 calls at 33 s where the monitor does not hear it, leaves the call out of its count, and at once sends
    something else that 100001's receipt names; 100001 answers 9 s later."""
    monitor, a, b = met
    denied = 0
    for t in range(60):
        if t == 33:
            denied = b.send(33.5, hail(A), lost=True)
            b.counts["hails"] = 0
        if t == 42:
            a.send(42.3, ack(B, denied), lost=not heard)
        a.report(t + 0.1, receipt=FrameKey(0x200002, 1, 7) if t > 33 else None)
        if t == 20:
            a.watch(20.3, b)
        b.report(t + 0.6)
    monitor.close(61.0)
    assert ("6.2", A_TEXT) not in monitor.fails()


def test_who_may_have_landed_unheard_need_not_call(met: tuple[Any, Sender, Sender]) -> None:
    monitor, a, b = met
    a.intent = 1
    a.send(0.05, Intent(1, IntentKind.TRANSIT, 600))
    for t in range(60):
        a.report(t + 0.1, lost=t in (23, 24, 25) or (t > 25 and t % 4 > 0), airborne=t < 25)
        if t in (20, 40, 50, 55):
            a.watch(t + 0.3, b)
        b.report(t + 0.6)
    monitor.close(61.0)
    assert ("6.2", A_TEXT) not in monitor.fails()


def test_a_report_may_name_what_had_the_number_before(monitor: Any) -> None:
    """100001 heard number 5 of 200001 far away, and nothing since; 200001 begins the same session anew nearby."""
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 37.0})
    for t in range(100):
        if t == 30:
            b.number, b.where = 0, {"latitude_deg": 35.1}
        a.report(t + 0.1)
        b.report(t + 0.6)
        if t % 10 == 9:
            a.send(t + 0.3, Watch(frozenset({1}), 1, 0, 0, PeerReport(B, 1, 5, 31)))
    monitor.close(101.0)
    assert ("6.2", A_TEXT) not in monitor.fails()


# ------------------------------------------------------------------ 6.3


@pytest.mark.parametrize("heard", [True, False])
def test_the_answer_may_have_come_before_the_first_call_heard(monitor: Any, heard: bool) -> None:
    """Four calls of one id: the first was not heard, and 100001 answered it at once; it does not say it again."""
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 36.0})
    last = 0
    for t in range(60):
        if t in (5, 16, 27, 38):
            last = b.send(t + 0.2, hail(A), lost=t == 5)
        if t == 5:
            a.send(5.5, ack(B, last), lost=not heard)
        a.report(t + 0.9, receipt=FrameKey(B, 1, last) if t >= 5 else None)
        b.report(t + 0.95)
    monitor.close(61.0)
    assert ("6.3", A_TEXT) not in monitor.fails()


def test_an_answer_to_a_later_call_that_was_not_heard_may_be_the_answer(monitor: Any) -> None:
    """Of five calls of one id the second was not heard: 100001 answered that one, late for the first."""
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 36.0})
    last = 0
    for t in range(70):
        if t in (5, 17, 28, 39, 50):
            last = b.send(t + 0.2, hail(A), lost=t == 17)
        if t == 18:
            a.send(18.5, ack(B, last))
        receipt = None if t < 5 or t == 17 else FrameKey(B, 1, last)
        a.report(t + 0.9, receipt=receipt)
        b.report(t + 0.95)
    monitor.close(71.0)
    assert ("6.3", A_TEXT) not in monitor.fails()


def test_a_receipt_may_be_of_the_frame_that_had_the_number_before(monitor: Any) -> None:
    """The receipt of 100001 names an ACK, number 5; 200001 begins the session anew and calls unheard as 5, 6 and 7."""
    a, b = Sender(monitor, A), Sender(monitor, B, number=5, where={"latitude_deg": 36.0})
    b.send(0.3, Ack(A, 1, 0, MessageType.HAIL, Result.ROGER))
    b.report(0.6)
    for t in range(1, 70):
        if t == 20:
            b.number = 5
        if t in (20, 31, 42):
            b.send(t + 0.2, hail(A))
        a.report(t + 0.9, receipt=FrameKey(B, 1, 5))
    monitor.close(71.0)
    assert ("6.3", A_TEXT) not in monitor.fails()


def test_a_receipt_may_be_of_the_frame_that_has_the_number_now(monitor: Any) -> None:
    """Nobody heard calls 5, 6 and 7; 200001 begins the session anew, and its number 5 is an ACK that is heard."""
    a, b = Sender(monitor, A), Sender(monitor, B, number=5, where={"latitude_deg": 36.0})
    for t in range(90):
        if t in (20, 31, 42):
            b.send(t + 0.2, hail(A))
        if t == 60:
            b.number = 5
            b.send(60.2, Ack(A, 1, 0, MessageType.HAIL, Result.ROGER))
        a.report(t + 0.9, receipt=FrameKey(B, 1, 5) if t >= 60 else None)
    monitor.close(91.0)
    assert ("6.3", A_TEXT) not in monitor.fails()


def test_an_answer_counts_for_every_call_of_that_number(monitor: Any) -> None:
    """200001 called as number 5 before, and begins the session anew with another call; 100001 answers that one."""
    a, b = Sender(monitor, A), Sender(monitor, B, number=5, where={"latitude_deg": 36.0})
    a.report(0.1)
    b.send(0.3, hail(A, call_id=1))
    for t in range(1, 70):
        if t == 20:
            b.number = 5
        if t in (20, 31, 42):
            b.send(t + 0.2, hail(A, call_id=2))
        if t == 21:
            a.send(21.5, ack(B, 5))
        a.report(t + 0.9, receipt=FrameKey(B, 1, 5) if t >= 20 else None)
    monitor.close(71.0)
    assert monitor.outcomes("6.3", A_TEXT)[0] is Outcome.PASS


# ------------------------------------------------------------------ 5.1


def test_it_may_have_landed_between_two_reports_far_apart(monitor: Any) -> None:
    a = Sender(monitor, A)
    for t in range(50):
        a.report(t + 0.1, lost=20 <= t < 27)
    monitor.close(51.0)
    assert ("5.1", A_TEXT) not in monitor.fails()
