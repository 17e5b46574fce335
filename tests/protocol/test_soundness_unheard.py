"""Proofs that reach across frames not heard: by counts, receipts, flags, and what is said again.

Beside each breach that must be proved stands the nearest innocent behaviour, which must not be accused.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from protocol.messages import (
    Ack,
    Emergency,
    EmergencyState,
    FrameKey,
    Hail,
    Intent,
    Intention,
    IntentKind,
    LinkPoint,
    LostLink,
    MessageType,
    Nature,
    PeerReport,
    Phrase,
    Procedure,
    Result,
    Severity,
    Watch,
)
from protocol.verdicts import Outcome, Verdict
from tests.protocol.traffic import A_TEXT, A, B, C, Sender, ack, hail

TOWER, TOWER_TEXT = 0x100009, "100009"
DRONE, DRONE_TEXT = 0x100003, "100003"
DISTRESS = Emergency(1, Severity.DISTRESS, Nature.ENGINE, 35.0, 36.0, 20_000, 2, 40, Intention.DITCH, "TEST")

# ------------------------------------------------------------------ 2.3


def chatter(monitor: Any, *, called: bool = False, numbers: int = 5) -> bool:
    """100001 reports for 40 s; 10 s before the last report, on guard, some of its numbers are not heard."""
    a = Sender(monitor, A)
    a.reports(0.1, 30.0)
    if called:
        a.send(30.1, hail(B), lost=True)
    a.number += numbers
    a.reports(31.1, 40.0)
    a.report(40.1, channel=2)
    monitor.close(50.0)
    return ("2.3", A_TEXT) in monitor.fails()


def test_2_3_what_was_not_heard_was_no_call(monitor: Any) -> None:
    assert chatter(monitor)


def test_2_3_a_call_that_was_not_heard_is_counted(monitor: Any) -> None:
    assert not chatter(monitor, called=True)


@pytest.mark.parametrize(("lost", "over_s"), [(True, 21), (False, 30)])
def test_2_3_distress_that_is_over_leaves_time_to_go(monitor: Any, lost: bool, over_s: int) -> None:
    """Its CANCEL is heard; or there is no POSITION for 6 s, in which it all may have happened."""
    a = Sender(monitor, A)
    a.reports(0.1, 15.0)
    for t in range(15, over_s):
        a.report(t + 0.1, lost=lost, channel=2, emergency=EmergencyState.GENERAL)
    a.send(over_s + 0.1, Emergency(1, Severity.CANCEL), channel=2, lost=lost)
    a.reports(over_s + 0.5, 40.0)
    a.report(40.1, channel=2)
    monitor.close(50.0)
    assert ("2.3", A_TEXT) not in monitor.fails()


def test_2_3_256_calls_that_were_not_heard_count_as_none(monitor: Any) -> None:
    assert not chatter(monitor, numbers=300)


# ------------------------------------------------------------------ 2.5


class Caller:
    """100001 calls now and then, some of it unheard, and gives its counts in between."""

    def __init__(self, monitor: Any):
        self.monitor, self.a, self.at_s = monitor, Sender(monitor, A), 70.0
        self.a.reports(0.1, 70.0)

    def call(self, addressee: int, channel: int, *, lost: bool = False, call_id: int = 1) -> None:
        self.at_s += 1.0
        message = Hail(addressee, Phrase.CONTACT, call_id, 10, 1)
        self.a.send(self.at_s, message, lost=lost, channel=channel)
        self.a.report(self.at_s + 0.5)

    def accused(self) -> bool:
        self.monitor.close(self.at_s + 10.0)
        return ("2.5", A_TEXT) in self.monitor.fails()


@pytest.fixture
def caller(monitor: Any) -> Caller:
    return Caller(monitor)


def test_2_5_one_call_not_heard_explains_one_of_two(caller: Caller) -> None:
    caller.call(B, 2, lost=True)
    caller.call(B, 3)
    caller.call(C, 3)
    assert caller.accused()
    assert caller.monitor.outcomes("2.5", A_TEXT) == [Outcome.INCONCLUSIVE, Outcome.FAIL]


def test_2_5_two_calls_not_heard_explain_two(caller: Caller) -> None:
    caller.call(C, 2, lost=True)
    caller.call(B, 2, lost=True)
    caller.call(B, 3)
    caller.call(C, 3)
    assert not caller.accused()


def test_2_5_one_call_not_heard_explains_all_of_its_call(caller: Caller) -> None:
    """On 4 nothing was heard on 2 or 3: each of the two HAILs needs the one on 2, and that one was sent."""
    caller.call(B, 2, lost=True)
    caller.call(B, 3)
    caller.call(B, 3)
    caller.call(B, 4)
    assert not caller.accused()


def test_2_5_a_proved_breach_explains_no_other(caller: Caller) -> None:
    """Of three calls one is a breach, and the other two are explained, by the second HAIL too that was not heard."""
    caller.call(B, 2, lost=True)
    caller.call(B, 3)
    caller.call(C, 3)
    caller.call(0x200003, 2, lost=True)
    caller.call(0x200003, 3)
    caller.accused()
    assert caller.monitor.outcomes("2.5", A_TEXT).count(Outcome.FAIL) == 1


@pytest.mark.parametrize("number", [0, 1, 5])
def test_2_5_numbers_that_went_round_are_no_beginning(monitor: Any, number: int) -> None:
    """Its session was heard 800 s ago; that it called on 2 a little before was not heard."""
    a = Sender(monitor, A)
    a.reports(0.1, 5.0)
    a.number = 65536 + number
    for i, addressee in enumerate((B, C, 0x200003)):
        a.send(800.1 + i, hail(addressee), channel=3)
        a.report(800.6 + i)
    monitor.close(810.0)
    assert ("2.5", A_TEXT) not in monitor.fails()


def test_2_5_what_an_avoidance_excuses_is_not_counted(caller: Caller) -> None:
    """It avoids when it calls 200001; the HAIL that was not heard may have been to 200002."""
    caller.call(C, 2, lost=True)
    caller.a.send(caller.at_s + 0.6, Intent(1, IntentKind.AVOID, 5))
    caller.a.intent = 1
    caller.call(B, 3)
    caller.a.intent = 0
    caller.call(C, 3)
    assert not caller.accused()


@pytest.mark.parametrize("seed", range(40))
def test_2_5_who_calls_in_order_is_never_accused(caller: Caller, seed: int) -> None:
    """The HAILs of one call are no more than 60 s apart."""
    random, last_s = Random(seed), dict[tuple[int, int], float]()
    plans = {(who, i): [2, 3, 4, 4][: random.randint(1, 4)] for who in (B, C, 0x200003) for i in range(2)}
    while plans:
        urgent = [key for key in plans if caller.at_s - last_s.get(key, caller.at_s) > 20.0]
        who, call_id = key = urgent[0] if urgent else random.choice(list(plans))
        caller.call(who, plans[key].pop(0), lost=random.random() < 0.4, call_id=call_id)
        last_s[key] = caller.at_s
        caller.at_s += random.choice((0.0, 0.0, 3.0, 6.0))
        plans = {key: rest for key, rest in plans.items() if rest}
    assert not caller.accused()


# ------------------------------------------------------------------ 6.2


def meet(monitor: Any, kind: IntentKind = IntentKind.TRANSIT, **how: Any) -> list[Outcome]:
    """100001 proves at 20.3 s that it heard 200001 near; it has to call by 35.3 s, and does not.

    `hidden_s`: then 200001 calls it where the monitor hears nothing, and does not count it; the receipt of 100001 shows
    that 1.8 s later, and its answer, after 8 s, is not heard. `spoken_to`: its receipt shows a call of 200002 instead,
    which came before the next report. `says_s`: when its INTENT is heard. `answers`: at 50 s
    it is called, and what it answers is not heard.
    """
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.1})
    a.intent, hidden_s, says_s = 1, how.get("hidden_s"), how.get("says_s", 0)
    receipt = hidden = None
    other = FrameKey(C, 1, Sender(monitor, C, where={"latitude_deg": 37.0}).send(0.01, hail(A)))
    for t in range(70):
        if hidden is None and hidden_s is not None and t + 0.1 >= hidden_s:
            hidden = FrameKey(B, 1, b.send(hidden_s, hail(A), lost=True))
            b.counts["hails"] = 0
        if hidden and t + 0.1 >= hidden_s + 1.8:
            receipt = other if how.get("spoken_to") else hidden
        a.report(t + 0.1, receipt=receipt)
        if t == 20:
            a.watch(20.3, b)
        if t == says_s:
            a.send(t + 0.4, Intent(1, kind, 120))
        if hidden and t == int(hidden_s) + 8:
            a.send(t + 0.5, ack(B, hidden.sequence), lost=True)
        b.report(t + 0.6)
        if how.get("answers") and t == 38:
            a.send(t + 0.8, ack(B, b.send(t + 0.7, hail(A))), lost=True)
    monitor.close(80.0)
    return monitor.outcomes("6.2", A_TEXT)


def test_6_2_answers_after_the_deadline_hide_nothing(monitor: Any) -> None:
    assert meet(monitor, answers=True) == [Outcome.FAIL]


@pytest.mark.parametrize("hidden_s", [19.9, 30.0, 33.9, 35.0, 35.2])
def test_6_2_a_call_that_the_peer_hides_shows_in_the_receipt(monitor: Any, hidden_s: float) -> None:
    assert Outcome.FAIL not in meet(monitor, hidden_s=hidden_s)


@pytest.mark.parametrize("hidden_s", [30.0, 35.2])
def test_6_2_a_receipt_of_another_call_hides_one(monitor: Any, hidden_s: float) -> None:
    """Then only the answer shows that there was one."""
    assert Outcome.FAIL not in meet(monitor, hidden_s=hidden_s, spoken_to=True)


@pytest.mark.parametrize("says_s", [0, 25, 45, 60])
def test_6_2_an_intent_that_is_said_again_tells_whether_it_had_to_call(
    make_monitor: Callable[..., Any], says_s: int
) -> None:
    assert meet(make_monitor(), says_s=says_s) == [Outcome.FAIL]
    assert meet(make_monitor(), IntentKind.AVOID, says_s=says_s) == [Outcome.EXCUSED]
    assert meet(make_monitor(), says_s=-1) == [Outcome.INCONCLUSIVE]


# ------------------------------------------------------------------ 6.3


def call(monitor: Any, kind: IntentKind, says_s: int, answer_s: int | None = None) -> list[Outcome]:
    """200001 calls 100001 at 5, 16, 27 and 38 s, and its receipt names each call; its INTENT is heard at `says_s`."""
    a, b = Sender(monitor, A, intent=1), Sender(monitor, B, where={"latitude_deg": 36.0})
    receipt = None
    for t in range(60):
        if t in (5, 16, 27, 38):
            receipt = FrameKey(B, 1, b.send(t + 0.5, hail(A)))
        if t == says_s:
            a.send(t + 0.7, Intent(1, kind, 120))
        if t == answer_s and receipt:
            a.send(t + 0.8, ack(B, receipt.sequence))
        b.report(t + 0.6)
        a.report(t + 1.0, receipt=receipt)
    monitor.close(70.0)
    return monitor.outcomes("6.3", A_TEXT)


@pytest.mark.parametrize("says_s", [0, 50])
def test_6_3_an_intent_that_is_said_again_tells_whether_it_had_to_answer(
    make_monitor: Callable[..., Any], says_s: int
) -> None:
    assert call(make_monitor(), IntentKind.TRANSIT, says_s) == [Outcome.FAIL]
    assert call(make_monitor(), IntentKind.AVOID, says_s) == [Outcome.EXCUSED]
    assert call(make_monitor(), IntentKind.TRANSIT, -1) == [Outcome.INCONCLUSIVE]


def test_6_3_silence_that_was_proved_is_not_undone_by_a_later_answer(make_monitor: Callable[..., Any]) -> None:
    """Nor is it a breach before it is known whether it avoided."""
    assert call(make_monitor(), IntentKind.TRANSIT, -1, answer_s=39) == [Outcome.INCONCLUSIVE]
    assert call(make_monitor(), IntentKind.TRANSIT, 50, answer_s=39) == [Outcome.FAIL]


# ------------------------------------------------------------------ 6.7


def stray(monitor: Any, every_s: int, lost: Callable[[int], bool], other: bool = False) -> bool:
    """It flies 100 m/s away from the point that its LOST LINKs name, again and again. With `other`, one that says
    CONTINUE comes between each two of them, and is not heard."""
    drone, point = Sender(monitor, DRONE), LinkPoint(35.0, 36.0, None, 500)
    for t in range(120):
        north = {"latitude_deg": 35.05 + t * 100 / 110_940, "velocity_north_mps": 100.0}
        drone.report(t + 0.1, lost=lost(t), **north)
        if t >= 10 and not t % every_s:
            drone.send(t + 0.5, LostLink(Procedure.HOLD, t - 5, 0, point), lost=lost(t + 1000))
            if other:
                drone.send(t + 0.7, LostLink(Procedure.CONTINUE, t - 5, 0), lost=True)
        if t == 2:
            drone.send(t + 0.3, Intent(1, IntentKind.TRANSIT, 200))
            drone.intent = 1
    monitor.close(130.0)
    return ("6.7", DRONE_TEXT) in monitor.fails()


def test_6_7_frames_lost_between_words_close_together_hide_no_other(make_monitor: Callable[..., Any]) -> None:
    randoms = [Random(seed) for seed in range(20)]
    found = [stray(make_monitor(), 2, lambda _, r=random: r.random() < 0.2) for random in randoms]  # type: ignore[misc]
    assert sum(found) >= 18


def test_6_7_words_far_apart_leave_room_for_another_procedure(monitor: Any) -> None:
    assert not stray(monitor, 6, lambda _: False, other=True)


# ------------------------------------------------------------------ 7.2


def mayday(
    monitor: Any,
    *,
    flags: Callable[[int], bool] = lambda t: t >= 10,
    says: Callable[[int], bool] = lambda t: t >= 10,
    cancel_s: int | None = None,
    answer_s: int | None = None,
    lost: Callable[[int], bool] = lambda t: bool(t % 3),
) -> bool:
    """100001 is in distress from 10 s on, and says so every 5 s; two of three POSITIONs are not heard, nor a CANCEL.
    The tower's WATCHes name all that it heard. Whether it is accused."""
    a, tower = Sender(monitor, A), Sender(monitor, TOWER)
    number = 0
    for t in range(60):
        if not t % 5 and says(t):
            number = a.send(t + 0.05, DISTRESS)
        if t == cancel_s:
            a.send(t + 0.06, Emergency(1, Severity.CANCEL), lost=True)
        state = EmergencyState.GENERAL if flags(t) else EmergencyState.NONE
        a.report(t + 0.1, lost=lost(t), emergency=state)
        report = PeerReport(A, 1, (a.number - 1) % 65536, 0xFFFFFFFF)
        tower.send(t + 0.3, Watch(frozenset({1, 2, 3}), 1, 0, tower.counts["acks"], report))
        if t == answer_s:
            tower.send(t + 0.6, Ack(A, 1, number, MessageType.EMERGENCY, Result.ROGER))
    monitor.close(70.0)
    return ("7.2", TOWER_TEXT) in monitor.fails()


def test_7_2_who_flags_it_all_the_time_has_not_cancelled(monitor: Any) -> None:
    assert mayday(monitor)


SECOND: dict[str, Any] = {"cancel_s": 13, "says": lambda t: t == 10 or t >= 20, "answer_s": 28}
"""The first incident is over at 13 s; a second one, of the same number, begins at 20 s and is answered in time."""


@pytest.mark.parametrize("loss", [lambda t: bool(t % 3), lambda t: 13 <= t < 20, lambda t: t != 22])
def test_7_2_a_flag_that_was_down_may_have_been_another_incident(monitor: Any, loss: Callable[[int], bool]) -> None:
    """The reports in which it was down are heard, or there are none for more than 5 s."""
    assert not mayday(monitor, flags=lambda t: 10 <= t < 13 or t >= 20, lost=loss, **SECOND)
    assert monitor.verdict("7.2", TOWER_TEXT) is Verdict.PASS


def test_7_2_a_flag_alone_does_not_say_that_it_goes_on(monitor: Any) -> None:
    """It is cancelled at 13 s, unheard, and flagged on; nothing more is said of it."""
    assert not mayday(monitor, cancel_s=13, says=lambda t: t == 10)


def test_7_2_an_emergency_alone_does_not_say_that_it_went_on(monitor: Any) -> None:
    assert not mayday(monitor, flags=lambda t: False, **SECOND)
