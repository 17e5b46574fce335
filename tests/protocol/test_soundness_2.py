"""Ways in which a judge could accuse somebody innocent under 2.4 and 2.5. Each was tried; none may work."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from protocol.messages import (
    Ack,
    Emergency,
    FrequencyChange,
    Hail,
    MessageType,
    Phrase,
    Result,
    Severity,
    Watch,
)
from protocol.verdicts import Cause, Outcome, Verdict
from tests.protocol.traffic import A_TEXT, A, B, Sender, hail, ident

TOWER = 0x100009

# ------------------------------------------------------------------ 2.4


def change(serial: int, to_channel: int, effective_s: float, from_channel: int = 1) -> FrequencyChange:
    return FrequencyChange(None, serial, from_channel, to_channel, effective_s)


def answer(sequence: int, result: Result = Result.WILCO, kind: MessageType = MessageType.FREQUENCY_CHANGE) -> Ack:
    return Ack(TOWER, 1, sequence, kind, result)


class Change:
    """The tower asks for a change from 1 to 5 at 20 s; 100001 agrees at 11 s, and goes or does not go."""

    def __init__(self, monitor: Any, random: Random | None = None, loss: float = 0.0):
        self.monitor, self.random, self.loss = monitor, random or Random(0), loss
        self.a, self.tower = Sender(monitor, A), Sender(monitor, TOWER)
        self.asked = 0

    def lost(self) -> bool:
        return self.random.random() < self.loss

    def fly(self, goes: Callable[[float], int], until_s: int = 60, back: bool = False) -> None:
        """`goes` says which channel 100001 is on; with `back` the tower asks it to come back at 40 s."""
        for t in range(until_s):
            if t == 10 or (back and t == 30):
                order = change(1, 5, 9.5) if t == 10 else change(2, 1, 9.5, 5)
                self.asked = self.tower.send(t + 0.5, order, lost=self.lost())
            self.a.report(t + 0.6, lost=self.lost(), channel=goes(t + 0.6))
            if t == 11 or (back and t == 31):
                self.a.send(t + 0.7, answer(self.asked), lost=self.lost(), channel=goes(t + 0.7))
            if t % 10 == 4:
                self.a.send(t + 0.8, ident(), lost=self.lost(), channel=goes(t + 0.8))


def on(*until: tuple[float, int], last: int) -> Callable[[float], int]:
    return lambda t: next((channel for until_s, channel in until if t < until_s), last)


def test_who_stays_is_accused(monitor: Any) -> None:
    Change(monitor).fly(on(last=1))
    monitor.close(61.0)
    assert monitor.outcomes("2.4", A_TEXT).count(Outcome.FAIL) > 15


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(6))
def test_who_goes_and_comes_back_is_not(monitor: Any, seed: int, loss: float) -> None:
    Change(monitor, Random(seed), loss).fly(on((20.0, 1), (40.0, 5), last=1), back=True)
    monitor.close(61.0)
    assert ("2.4", A_TEXT) not in monitor.fails()


def test_losses_leave_most_of_it_decided(make_monitor: Callable[..., Any]) -> None:
    decided = proved = 0
    for seed in range(40):
        monitor = make_monitor()
        Change(monitor, Random(seed), 0.2).fly(on((20.0, 1), last=5))
        monitor.close(61.0)
        decided += monitor.verdict("2.4", A_TEXT) is Verdict.PASS
        monitor = make_monitor()
        Change(monitor, Random(seed), 0.2).fly(on(last=1))
        monitor.close(61.0)
        proved += ("2.4", A_TEXT) in monitor.fails()
    assert decided >= 20  # the order and the answer must be heard, which happens in 64 of 100
    assert proved >= 20


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("phrase", [Phrase.CHANGE_FREQUENCY, Phrase.KEEP_CLEAR])
def test_a_call_may_ask_for_another_channel(monitor: Any, phrase: Phrase, lost: bool) -> None:
    """It agreed to a change, and then to go back; to keep clear is no reason for that."""
    flight = Change(monitor)
    flight.fly(on((20.0, 1), last=5), until_s=30)
    called = flight.tower.send(30.5, Hail(A, phrase, 1, 10, 1), channel=5, lost=lost)
    flight.a.send(31.5, answer(called, kind=MessageType.HAIL), channel=5)
    flight.a.reports(33.5, 38.0)
    monitor.close(60.0)
    assert (("2.4", A_TEXT) in monitor.fails()) == (phrase is Phrase.KEEP_CLEAR and not lost)


def test_who_is_not_on_the_channel_that_is_left_is_not_early(monitor: Any) -> None:
    """It is there already: the order to everybody is repeated."""
    flight = Change(monitor)
    flight.fly(on((20.0, 1), last=5), until_s=30)
    order = flight.tower.send(30.5, FrequencyChange(None, 9, 1, 5, 9.5))
    flight.a.send(31.5, Ack(TOWER, 1, order, MessageType.FREQUENCY_CHANGE, Result.WILCO, read_back=5), channel=5)
    flight.a.reports(32.5, 50.0, channel=5)
    monitor.close(51.0)
    assert ("2.4", A_TEXT) not in monitor.fails()


def test_who_hears_nobody_there_comes_back(monitor: Any) -> None:
    flight = Change(monitor)
    flight.fly(on((20.0, 1), last=5), until_s=45)
    flight.a.reports(46.5, 60.0)
    monitor.close(61.0)
    assert ("2.4", A_TEXT) not in monitor.fails()


def test_an_answer_goes_where_it_was_asked_for(monitor: Any) -> None:
    flight = Change(monitor)
    flight.fly(on((20.0, 1), last=5), until_s=30)
    called = flight.tower.send(40.5, Hail(A, Phrase.CONTACT, 1, 10, 1))
    flight.a.send(41.5, answer(called, Result.ROGER, MessageType.HAIL))
    flight.a.report(42.5, channel=5)
    monitor.close(60.0)
    assert ("2.4", A_TEXT) not in monitor.fails()


def test_distress_has_no_channel(monitor: Any) -> None:
    """Its first word of it is the EMERGENCY itself, on the channel where everybody is."""
    flight = Change(monitor)
    flight.fly(on((20.0, 1), last=5), until_s=30)
    flight.a.send(40.5, Emergency(1, Severity.DISTRESS))
    flight.a.report(41.5, channel=5)
    monitor.close(60.0)
    assert ("2.4", A_TEXT) not in monitor.fails()


def test_who_agrees_when_it_is_late_has_the_tolerance_from_then_on(monitor: Any) -> None:
    a, tower = Sender(monitor, A), Sender(monitor, TOWER)
    a.reports(0.1, 3.0)
    asked = tower.send(5.5, change(1, 5, 0.0))
    a.send(8.0, answer(asked))
    a.report(8.6)
    a.report(9.6)
    a.reports(10.6, 13.0, channel=5)
    monitor.close(20.0)
    assert ("2.4", A_TEXT) not in monitor.fails()


def test_who_said_unable_afterwards_is_not_bound(monitor: Any) -> None:
    a, tower = Sender(monitor, A), Sender(monitor, TOWER)
    asked = tower.send(5.5, change(1, 5, 10.0))
    a.send(6.5, answer(asked))
    a.send(8.5, answer(asked, Result.UNABLE))
    a.reports(9.1, 30.0)
    monitor.close(31.0)
    assert ("2.4", A_TEXT) not in monitor.fails()


def test_what_was_agreed_ends_with_the_session(monitor: Any) -> None:
    flight = Change(monitor)
    flight.fly(on((20.0, 1), last=5), until_s=30)
    flight.a = Sender(monitor, A, session=2)
    flight.a.reports(40.1, 45.0)
    monitor.close(60.0)
    assert ("2.4", A_TEXT) not in monitor.fails()


def test_an_emergency_may_begin_in_a_frame_that_was_lost(monitor: Any) -> None:
    """Neither its POSITION before the IDENT was heard, which flagged an emergency, nor anything after it."""
    flight = Change(monitor)
    flight.fly(on((20.0, 1), last=5), until_s=30)
    flight.a.report(38.1, lost=True, channel=5)
    flight.a.send(38.5, ident())
    monitor.close(60.0)
    assert monitor.outcomes("2.4", A_TEXT)[-1] is Outcome.INCONCLUSIVE


def test_an_unheard_answer_ends_the_proof_once(monitor: Any) -> None:
    """Another change was agreed to where the monitor heard nothing: all that follows is one open question."""
    flight = Change(monitor)
    flight.fly(on((20.0, 1), last=5), until_s=30)
    flight.a.send(35.5, answer(77), channel=5, lost=True)
    flight.a.reports(36.1, 60.0)
    monitor.close(70.0)
    tally = monitor.judge.tallies["2.4", A_TEXT]
    assert ("2.4", A_TEXT) not in monitor.fails()
    assert tally.counts[Outcome.INCONCLUSIVE] == 1
    assert tally.causes == {Cause.STATE_UNHEARD: 1}


@pytest.mark.parametrize("heard", [False, True])
def test_it_may_refuse_the_change_when_it_is_said_again(monitor: Any, heard: bool) -> None:
    """Whether the monitor has heard the order a second time or not: it said WILCO first, and UNABLE then."""
    flight = Change(monitor)
    flight.fly(on(last=1), until_s=14)
    again = flight.tower.send(14.5, change(1, 5, 5.5), lost=not heard)
    flight.a.send(15.5, answer(again, Result.UNABLE))
    flight.a.reports(16.1, 40.0)
    monitor.close(41.0)
    assert ("2.4", A_TEXT) not in monitor.fails()


@pytest.mark.parametrize(("lost", "fails"), [(False, False), (True, False), (None, True)])
def test_who_was_elsewhere_is_not_early(monitor: Any, lost: bool | None, fails: bool) -> None:
    """Its last POSITION before it agreed was on channel 4, heard or not; with None there was no such POSITION."""
    flight = Change(monitor)
    flight.fly(on(last=1), until_s=10)
    asked = flight.tower.send(10.5, change(1, 5, 9.5))
    if lost is not None:
        flight.a.report(10.6, channel=4, lost=lost)
    flight.a.send(11.1, answer(asked), channel=1 if lost is None else 4)
    flight.a.report(12.1, channel=5)
    monitor.close(41.0)
    assert (("2.4", A_TEXT) in monitor.fails()) is fails


def test_who_agrees_late_may_come_back_as_long_after_the_time(monitor: Any) -> None:
    """It agreed 15 s after the time, and heard nobody on the new channel."""
    flight = Change(monitor)
    flight.fly(on(last=1), until_s=11)
    flight.a.reports(11.1, 35.0)
    flight.a.send(35.5, answer(flight.asked))
    flight.a.report(36.1, channel=5)
    flight.a.reports(41.1, 45.0)
    monitor.close(50.0)
    assert ("2.4", A_TEXT) not in monitor.fails()


# ------------------------------------------------------------------ 2.5


class Calls:
    """100001 calls 200001 every 10 s, on one channel after the other; it flies for a while before."""

    def __init__(self, monitor: Any, random: Random | None = None, loss: float = 0.0):
        self.monitor, self.random, self.loss = monitor, random or Random(0), loss
        self.a = Sender(monitor, A)

    def lost(self) -> bool:
        return self.random.random() < self.loss

    def fly(self, *channels: int, from_s: int = 0, first_s: int = 80) -> None:
        for t in range(from_s, first_s + 60):
            self.a.report(t + 0.1, lost=self.lost())
            place, rest = divmod(t - first_s, 10)
            if not rest and 0 <= place < len(channels):
                self.a.send(t + 0.5, hail(B), lost=self.lost(), channel=channels[place])
        self.monitor.close(first_s + 61.0)

    def accused(self) -> bool:
        return ("2.5", A_TEXT) in self.monitor.fails()


def test_who_begins_on_hf_is_accused(monitor: Any) -> None:
    calls = Calls(monitor)
    calls.fly(4, 2)
    assert calls.accused()


@pytest.mark.parametrize("loss", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(8))
def test_who_keeps_the_order_is_not(monitor: Any, seed: int, loss: float) -> None:
    calls = Calls(monitor, Random(seed), loss)
    calls.fly(2, 2, 3, 4, from_s=Random(seed).choice([0, 70]))
    assert not calls.accused()


def test_losses_leave_most_of_the_order_decided(make_monitor: Callable[..., Any]) -> None:
    kept = broken = 0
    for seed in range(30):
        calls = Calls(make_monitor(), Random(seed), 0.2)
        calls.fly(2, 3, 4)
        kept += calls.monitor.outcomes("2.5", A_TEXT).count(Outcome.PASS)
        calls = Calls(make_monitor(), Random(seed), 0.2)
        calls.fly(3, 4)
        broken += calls.accused()
    assert kept >= 45  # of 90, where each needs all before it: 80, 64 and 51 of 100
    assert broken >= 20  # of 30, where the call must be heard: 80 of 100


def test_a_recording_that_begins_in_the_call_proves_nothing(monitor: Any) -> None:
    calls = Calls(monitor)
    calls.a.number, calls.a.counts["hails"] = 5000, 7
    calls.fly(3, from_s=40)
    assert not calls.accused()
    assert monitor.outcomes("2.5", A_TEXT) == [Outcome.INCONCLUSIVE]


def test_a_session_that_is_heard_from_its_start_hides_nothing(monitor: Any) -> None:
    calls = Calls(monitor)
    calls.fly(3, from_s=40)
    assert calls.accused()


def test_256_hails_in_numbers_not_heard_look_like_none(monitor: Any) -> None:
    a = Sender(monitor, A)
    a.report(0.1)
    a.number += 256
    a.report(70.1)
    a.send(75.5, hail(B), channel=3)
    a.report(76.1)
    monitor.close(80.0)
    assert ("2.5", A_TEXT) not in monitor.fails()


def test_a_ground_station_is_held_to_the_order_too(monitor: Any) -> None:
    """It gives no POSITION, so nothing that 0.1 suspends can be open of it."""
    tower = Sender(monitor, TOWER)
    for t in range(0, 100, 2):
        tower.send(t + 0.1, Watch(frozenset({1, 2, 3}), 1, tower.counts["hails"], 0))
    tower.send(100.5, hail(B), channel=4)
    assert ("2.5", f"{TOWER:06x}") in monitor.fails()


def test_hails_that_name_another_channel_accuse_nobody(monitor: Any) -> None:
    a = Sender(monitor, A)
    a.reports(0.1, 70.0)
    a.send(75.5, hail(B), channel=3, heard_on=2)
    a.send(76.5, hail(B), channel=3)
    a.report(77.5)
    monitor.close(80.0)
    assert ("2.5", A_TEXT) not in monitor.fails()


def test_who_asks_for_an_answer_within_long_calls_again_late(monitor: Any) -> None:
    a = Sender(monitor, A)
    for t in range(70):
        a.report(t + 0.1)
    for at_s, channel in ((70.5, 2), (161.5, 3), (252.5, 4)):
        a.send(at_s, hail(B, reply_by_s=90), channel=channel)
        for t in range(int(at_s) + 1, int(at_s) + 91):
            a.report(t + 0.1)
    monitor.close(350.0)
    assert ("2.5", A_TEXT) not in monitor.fails()
    assert monitor.verdict("2.5", A_TEXT) is Verdict.PASS
