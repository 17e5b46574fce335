"""Ways in which a judge could accuse somebody innocent under 6.4. Each was tried; none may work."""

from collections.abc import Callable
from math import cos, radians, sin
from random import Random
from typing import Any

import pytest

from protocol.messages import Ack, EmergencyState, FrequencyChange, Hail, MessageType, Phrase, Result
from protocol.verdicts import Outcome, Verdict
from tests.protocol.traffic import A_TEXT, A, B, C, Sender, ident, position

METRE_DEG = 1 / 110_940


def _call(phrase: Phrase = Phrase.KEEP_CLEAR, call_id: int = 1) -> Hail:
    return Hail(A, phrase, call_id, 10, 1)


def _answer(sequence: int, result: Result, read_back: int | None = None) -> Ack:
    return Ack(B, 1, sequence, MessageType.HAIL, result, read_back=read_back)


class _Talk:
    """200001 calls 100001 at 20.5 s, and at 31.5 s again; it answers `result` to both, and turns at `turn_s`."""

    def __init__(self, monitor: Any, lost: Callable[[], bool] = lambda: False, begin: int = 0):
        self.monitor, self.lost = monitor, lost
        self.a, self.b = Sender(monitor, A, number=begin), Sender(monitor, B, number=begin)

    def fly(
        self,
        result: Result = Result.WILCO,
        turn_s: float | None = None,
        until_s: int = 90,
        calls: tuple[int, ...] = (20, 31),
        unheard: dict[int, tuple[bool, bool]] | None = None,
        act: Callable[[int], None] = lambda t: None,
    ) -> None:
        """`unheard`: by the second of a call, whether it and its answer are lost. `act`: done in each second."""
        north = east = 0.0
        for t in range(until_s):
            track = 0.0 if turn_s is None else min(max(t - turn_s, 0.0) * 3.0, 45.0)
            north, east = north + 200 * cos(radians(track)), east + 200 * sin(radians(track))
            place = {"latitude_deg": 35 + north * METRE_DEG, "longitude_deg": 36 + east * METRE_DEG / cos(radians(35))}
            speed = {"velocity_north_mps": 200 * cos(radians(track)), "velocity_east_mps": 200 * sin(radians(track))}
            self.a.report(t + 0.1, lost=self.lost(), **place | speed)
            self.b.report(t + 0.3, latitude_deg=35.5)
            if t in calls:
                call_lost, answer_lost = (unheard or {}).get(t) or (self.lost(), self.lost())
                number = self.b.send(t + 0.5, _call(), lost=call_lost)
                self.a.send(t + 0.8, _answer(number, result), lost=answer_lost)
            act(t)
        self.monitor.close(until_s + 1.0)

    def accused(self) -> bool:
        return ("6.4", A_TEXT) in self.monitor.fails()


def test_what_they_say_and_do_not_do_is_a_breach(monitor: Any) -> None:
    talk = _Talk(monitor)
    talk.fly()
    assert monitor.outcomes("6.4", A_TEXT) == [Outcome.FAIL]


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("turn_s", [19.0, 21.0, 28.0])
def test_who_turns_has_kept_its_word_whatever_is_lost(monitor: Any, turn_s: float, seed: int, loss: float) -> None:
    """Also who turns at once, and answers the call that came again as the first time."""
    random = Random(f"{seed} {loss}")
    talk = _Talk(monitor, lambda: random.random() < loss)
    talk.fly(turn_s=turn_s)
    assert not talk.accused()
    assert loss or monitor.verdict("6.4", A_TEXT) is Verdict.PASS


@pytest.mark.parametrize("loss", [0.05, 0.2])
def test_a_breach_is_decided_among_losses_or_not_at_all(make_monitor: Any, loss: float) -> None:
    decided = 0
    for seed in range(20):
        random, monitor = Random(seed), make_monitor()
        talk = _Talk(monitor, lambda random=random: random.random() < loss)
        talk.fly()
        decided += talk.accused()
    assert decided >= (12 if loss < 0.1 else 2)


def test_the_first_wilco_may_have_been_before_the_recording(monitor: Any) -> None:
    """It said WILCO and turned before anything was heard of them; the call is made again."""
    talk = _Talk(monitor, begin=5000)
    talk.a.counts["acks"] = talk.b.counts["hails"] = 1
    talk.fly(calls=(20,))
    assert not talk.accused()


@pytest.mark.parametrize("call_lost", [True, False])
def test_a_promise_that_was_not_heard_may_have_been_kept(monitor: Any, call_lost: bool) -> None:
    """It turned after the first call, at 5 s; when that is made again at 31 s, it flies straight on. If the first call
    was heard, so is known how it flew before, and that it turned; else the counts of its caller tell that there was
    one."""
    talk = _Talk(monitor)
    talk.fly(turn_s=6.0, calls=(5, 31), unheard={5: (call_lost, True)})
    assert monitor.outcomes("6.4", A_TEXT) == [Outcome.INCONCLUSIVE if call_lost else Outcome.PASS]


def test_an_answer_that_was_not_heard_is_to_no_call_that_was_not_made(monitor: Any) -> None:
    """Its answer to somebody else at 0 s was not heard; who calls at 20 s has counted no call before."""
    talk, other = _Talk(monitor), Sender(monitor, C)
    number = other.send(0.02, _call(Phrase.CONTACT))
    talk.a.send(0.05, Ack(C, 1, number, MessageType.HAIL, Result.ROGER), lost=True)
    talk.fly(calls=(20,))
    assert talk.accused()


@pytest.mark.parametrize("second", [20, 25, 45])
def test_it_may_have_taken_back_its_promise_unheard(monitor: Any, second: int) -> None:
    talk = _Talk(monitor)

    def act(t: int) -> None:
        if t == second:
            talk.a.send(t + 0.9, _answer(talk.b.number - 1, Result.UNABLE), lost=True)

    talk.fly(calls=(20,), act=act)
    assert monitor.outcomes("6.4", A_TEXT) == [Outcome.INCONCLUSIVE]


def test_what_was_not_heard_at_the_end_was_no_answer_if_the_next_count_says_so(monitor: Any) -> None:
    """The first frame after its time counts no answers, and the number before it is missing."""
    talk = _Talk(monitor)

    def act(t: int) -> None:
        if t == 50:
            talk.a.send(t + 0.82, position(), lost=True)
            talk.a.send(t + 0.84, ident())

    talk.fly(calls=(20,), act=act)
    assert monitor.outcomes("6.4", A_TEXT) == [Outcome.FAIL]


@pytest.mark.parametrize(("second", "accused"), [(2, True), (9, False)])
def test_what_was_called_more_than_a_minute_before_is_another_call(monitor: Any, second: int, accused: bool) -> None:
    """The call at a second was not heard, and WILCO was answered to it; the one that is judged is at 65 s."""
    talk = _Talk(monitor)

    def act(t: int) -> None:
        if t == second:
            talk.a.send(t + 0.9, _answer(talk.b.send(t + 0.85, _call(), lost=True), Result.WILCO))

    talk.fly(calls=(65,), act=act, until_s=110)
    assert talk.accused() is accused


OTHERS = [(2, Result.ROGER, False), (2, Result.WILCO, False), (25, Result.WILCO, True), (25, Result.UNABLE, False)]


@pytest.mark.parametrize(("second", "result", "accused"), OTHERS)
def test_an_answer_to_what_was_not_heard_may_promise_before_or_take_back_after(
    monitor: Any, second: int, result: Result, accused: bool
) -> None:
    """A call of the same caller was not heard, and the answer to it was. If it came before, it may have been this one,
    and done at once."""
    talk = _Talk(monitor)

    def act(t: int) -> None:
        if t == second:
            talk.a.send(t + 0.9, _answer(talk.b.send(t + 0.85, _call(), lost=True), result))

    talk.fly(calls=(20,), act=act)
    assert talk.accused() is accused


def test_an_answer_to_a_call_that_was_not_heard_may_have_been_the_same_promise(monitor: Any) -> None:
    talk = _Talk(monitor)
    talk.lost = lambda: False
    number = talk.b.send(0.05, _call(), lost=True)
    talk.a.send(0.08, _answer(number, Result.WILCO))
    talk.fly(calls=(20,))
    assert not talk.accused()


def test_a_right_answer_to_a_call_that_was_not_heard_may_put_a_wrong_one_right(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B)
    a.report(0.1)
    first = b.send(0.5, _call(Phrase.CONTACT))
    a.send(0.8, _answer(first, Result.WILCO))
    again = b.send(11.5, _call(Phrase.CONTACT), lost=True)
    a.send(11.8, _answer(again, Result.ROGER))
    a.reports(12.1, 50.0)
    monitor.close(60.0)
    assert monitor.outcomes("6.4", A_TEXT) == [Outcome.INCONCLUSIVE]


def test_numbers_of_an_earlier_session_are_not_what_was_answered(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B, session=3)
    number = b.send(0.5, _call(Phrase.CONTACT))
    a.send(0.8, Ack(B, 2, number, MessageType.HAIL, Result.WILCO))
    a.reports(1.1, 50.0)
    monitor.close(60.0)
    assert monitor.verdict("6.4", A_TEXT) is Verdict.NOT_EXERCISED


def test_a_call_to_another_is_not_what_was_answered(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B)
    number = b.send(0.5, Hail(0x100002, Phrase.CONTACT, 1, 10, 1))
    a.send(0.8, _answer(number, Result.WILCO))
    a.reports(1.1, 50.0)
    monitor.close(60.0)
    assert monitor.verdict("6.4", A_TEXT) is Verdict.NOT_EXERCISED


@pytest.mark.parametrize("trouble", [False, True])
def test_trouble_of_the_emulator_keeps_a_wrong_answer_from_being_put_right(monitor: Any, trouble: bool) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B)
    change = b.send(0.5, FrequencyChange(A, 1, 1, 5, 30.0))
    a.report(0.6)
    a.send(0.8, Ack(B, 1, change, MessageType.FREQUENCY_CHANGE, Result.WILCO, read_back=4))
    if trouble:
        monitor.judge.host_trouble(A, monitor.judge.world.from_ns, None)
    a.reports(1.1, 50.0)
    monitor.close(60.0)
    assert monitor.outcomes("6.4", A_TEXT) == [Outcome.INCONCLUSIVE if trouble else Outcome.FAIL]


def test_in_distress_nobody_keeps_clear(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B)
    a.report(0.1)
    number = b.send(0.5, _call())
    a.send(0.8, _answer(number, Result.WILCO))
    for t in range(1, 50):
        a.send(t + 0.1, position(acks=1, emergency=EmergencyState.GENERAL))
    monitor.close(60.0)
    assert ("6.4", A_TEXT) not in monitor.fails()


@pytest.mark.parametrize("speed_mps", [2.0, 5.0, 20.0])
def test_what_nobody_can_see_is_no_breach(monitor: Any, speed_mps: float) -> None:
    """A slow drone turns right round at once."""
    a, b, north_m = Sender(monitor, A), Sender(monitor, B), 0.0
    for t in range(70):
        flown_mps = speed_mps if t < 21 else -speed_mps
        a.report(t + 0.1, latitude_deg=35 + north_m * METRE_DEG, velocity_north_mps=flown_mps)
        b.report(t + 0.3, latitude_deg=35.5)
        north_m += flown_mps
        if t == 20:
            a.send(t + 0.8, _answer(b.send(t + 0.5, _call()), Result.WILCO))
    monitor.close(71.0)
    assert ("6.4", A_TEXT) not in monitor.fails()
