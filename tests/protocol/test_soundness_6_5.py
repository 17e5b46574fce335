"""Ways in which a judge could accuse somebody innocent under 6.5. Each was tried; none may work."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from protocol.messages import EmergencyState, Intent, IntentKind, Phrase, Result
from protocol.verdicts import Outcome, Verdict
from tests.protocol.traffic import A_TEXT, A, B, Sender, ack, hail, ident

DEGREE_M, EAST_M = 110_940, 91_290
MEET_S = 160
"""100001 flies north, 200001 comes from its right; they would meet then."""


class _Crossing:
    """Both report each second and watch each other every other; 100001 proves soon that it knows."""

    def __init__(self, monitor: Any, lost: Callable[[], bool] = lambda: False, number: int = 0):
        self.monitor, self.lost = monitor, lost
        self.a, self.b = Sender(monitor, A, number=number, intent=1), Sender(monitor, B, intent=1)
        self.fields: dict[int, dict[str, Any]] = {}

    def fly(self, until_s: int = 100, act: Callable[[int], None] = lambda t: None, turn_s: float = 1000) -> None:
        for t in range(until_s):
            if t % 10 == 0:
                kind = IntentKind.TRANSIT if self.a.intent == 1 else IntentKind.TURN
                self.a.send(t + 0.02, Intent(self.a.intent, kind, 300, track_deg=0.0), lost=self.lost())
                self.b.send(t + 0.04, Intent(1, IntentKind.TRANSIT, 300, track_deg=270.0), lost=self.lost())
            north, east = 200.0 * min(t, turn_s), -200.0 * max(t - turn_s, 0)
            turned = t >= turn_s
            self._report(self.a, t + 0.1, north, east, 0.0 if turned else 200.0, -200.0 if turned else 0.0)
            self._report(self.b, t + 0.3, 200.0 * MEET_S, 200.0 * (MEET_S - t), 0.0, -200.0)
            if t % 2:
                for one, other, at_s in ((self.a, self.b, t + 0.5), (self.b, self.a, t + 0.7)):
                    if self.lost():
                        one.number += 1
                    else:
                        one.watch(at_s, other)
            act(t)
        self.monitor.close(until_s + 1.0)

    def _report(self, who: Sender, at_s: float, north: float, east: float, v_north: float, v_east: float) -> None:
        who.report(
            at_s,
            lost=self.lost(),
            nic=9,
            nacv=4,
            latitude_deg=35 + north / DEGREE_M,
            longitude_deg=36 + east / EAST_M,
            velocity_north_mps=v_north,
            velocity_east_mps=v_east,
            **self.fields.get(who.source, {}),
        )

    def accused(self) -> bool:
        return ("6.5", A_TEXT) in self.monitor.fails()


def test_who_knows_and_does_nothing_is_found(monitor: Any) -> None:
    crossing = _Crossing(monitor)
    crossing.fly()
    assert monitor.outcomes("6.5", A_TEXT) == [Outcome.FAIL]
    assert monitor.verdict("6.5", "200001") is Verdict.NOT_EXERCISED, "it has the other on its left"


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("what", ["hail", "wilco", "intent"])
def test_who_acts_is_never_accused_whatever_is_lost(monitor: Any, what: str, seed: int, loss: float) -> None:
    random = Random(f"{seed} {loss}")
    crossing = _Crossing(monitor, lambda: random.random() < loss)

    def act(t: int) -> None:
        if t != (24 if what == "intent" else 5):
            return
        if what == "hail":
            crossing.a.send(t + 0.8, hail(B), lost=crossing.lost())
        elif what == "wilco":
            called = crossing.b.send(t + 0.3, hail(A)._replace(phrase=Phrase.KEEP_CLEAR), lost=crossing.lost())
            crossing.a.send(t + 0.8, ack(B, called)._replace(result=Result.WILCO), lost=crossing.lost())
        else:
            crossing.a.intent = 2
            crossing.a.send(t + 0.8, Intent(2, IntentKind.TURN, 300, track_deg=0.0), lost=crossing.lost())

    crossing.fly(act=act)
    assert not crossing.accused()
    assert loss or monitor.verdict("6.5", A_TEXT) is Verdict.PASS


@pytest.mark.parametrize("loss", [0.05, 0.2])
def test_a_breach_is_found_among_losses(make_monitor: Any, loss: float) -> None:
    found = 0
    for seed in range(20):
        random, monitor = Random(seed), make_monitor()
        crossing = _Crossing(monitor, lambda random=random: random.random() < loss)
        crossing.fly()
        found += crossing.accused()
    assert found >= 12


def test_who_turns_away_in_silence_has_no_distance_to_lose(monitor: Any) -> None:
    crossing = _Crossing(monitor)
    crossing.fly(turn_s=8)
    assert not crossing.accused()


def test_a_call_before_the_recording_may_be_one_of_those_it_counts(monitor: Any) -> None:
    crossing = _Crossing(monitor, number=5000)
    crossing.a.counts["hails"] = 1
    crossing.fly()
    assert monitor.outcomes("6.5", A_TEXT) == [Outcome.INCONCLUSIVE]


def test_a_call_of_the_session_before_counts(monitor: Any) -> None:
    before = Sender(monitor, A, session=0)
    before.report(0.01, longitude_deg=36.0)
    before.send(0.012, hail(B))
    crossing = _Crossing(monitor)
    crossing.fly()
    assert not crossing.accused()


WORDS = [
    # the phrase of the other's call, whether that and the answer are not heard, what becomes of it
    (Phrase.CONTACT, False, True, Outcome.FAIL),
    (Phrase.CONTACT, False, False, Outcome.FAIL),
    (Phrase.CONTACT, True, True, Outcome.INCONCLUSIVE),
    (Phrase.KEEP_CLEAR, False, True, Outcome.INCONCLUSIVE),
    (Phrase.YOU_ARE_CLOSING, False, True, Outcome.INCONCLUSIVE),
    (Phrase.KEEP_CLEAR, True, True, Outcome.INCONCLUSIVE),
    (Phrase.KEEP_CLEAR, True, False, Outcome.PASS),
]


@pytest.mark.parametrize(("phrase", "call_lost", "answer_lost", "outcome"), WORDS)
def test_wilco_is_an_action_where_something_may_have_been_asked(
    monitor: Any, phrase: Phrase, call_lost: bool, answer_lost: bool, outcome: Outcome
) -> None:
    """Whether an answer that was not heard can have been one, the calls of the other tell."""
    crossing = _Crossing(monitor)

    def act(t: int) -> None:
        if t == 5:
            called = crossing.b.send(t + 0.8, hail(A)._replace(phrase=phrase), lost=call_lost)
            crossing.a.send(t + 0.9, ack(B, called)._replace(result=Result.WILCO), lost=answer_lost)

    crossing.fly(act=act)
    assert monitor.outcomes("6.5", A_TEXT) == [outcome]


@pytest.mark.parametrize("session", [0, 1])
def test_what_the_other_asked_in_its_session_before_counts(monitor: Any, session: int) -> None:
    before = Sender(monitor, B, session=session)
    before.report(0.01)
    called = before.send(0.012, hail(A)._replace(phrase=Phrase.KEEP_CLEAR))
    crossing = _Crossing(monitor)
    if session == 1:
        crossing.b = before
        crossing.b.intent = 1
    answer = ack(B, called)._replace(result=Result.WILCO, answers_session=session)
    crossing.a.send(0.015, answer, lost=True)
    crossing.fly()
    assert monitor.outcomes("6.5", A_TEXT) == [Outcome.INCONCLUSIVE]


@pytest.mark.parametrize(("number", "accused"), [(2, True), (256, False)])
def test_the_first_serial_has_none_before_it(monitor: Any, number: int, accused: bool) -> None:
    """Its first frame was not heard, and then it goes on with a number: serials may have gone round by then, or not."""
    crossing = _Crossing(monitor, number=1)
    crossing.a.report(0.005)
    crossing.a.number = number
    crossing.fly()
    assert crossing.accused() is accused


@pytest.mark.parametrize("who", [A, B])
def test_nobody_acts_after_sign_off(monitor: Any, who: int) -> None:
    crossing = _Crossing(monitor)
    crossing.fly(until_s=10)
    (crossing.a if who == A else crossing.b).send(12.1, ident(sign_off=True))
    assert not crossing.accused()


def test_in_distress_nobody_has_to_act(monitor: Any) -> None:
    crossing = _Crossing(monitor)
    crossing.fields[A] = {"emergency": EmergencyState.GENERAL}
    crossing.fly()
    assert not crossing.accused()


@pytest.mark.parametrize("who", [A, B])
def test_trouble_of_the_emulator_is_no_breach(monitor: Any, who: int) -> None:
    monitor.judge.host_trouble(who, monitor.judge.world.from_ns, None)
    crossing = _Crossing(monitor)
    crossing.fly()
    assert monitor.outcomes("6.5", A_TEXT) == [Outcome.INCONCLUSIVE]


@pytest.mark.parametrize("second", [16, 18])
def test_what_was_declared_just_before_the_proof_counts(monitor: Any, second: int) -> None:
    """It sees the conflict itself, and says that it will climb; the WATCH that proves that it knew comes later."""
    a, b = Sender(monitor, A, intent=1), Sender(monitor, B, intent=1)
    declared = Intent(1, IntentKind.TRANSIT, 300, track_deg=0.0, selected_altitude_ft=20000, speed_mps=200.0)
    for t in range(80):
        if t % 10 == 0 and a.intent == 1:
            a.send(t + 0.02, declared)
        if t % 10 == 0:
            b.send(t + 0.04, Intent(1, IntentKind.TRANSIT, 300, track_deg=270.0, selected_altitude_ft=20000))
        if t == second:
            a.intent = 2
            a.send(t + 0.06, declared._replace(serial=2, kind=IntentKind.CLIMB, selected_altitude_ft=26000))
        good = {"nic": 9, "nacv": 4}
        north, east = 200 * t / DEGREE_M, 200 * (160 - t) / EAST_M
        a.report(t + 0.1, latitude_deg=35 + north, longitude_deg=36.0, velocity_north_mps=200.0, **good)
        ahead = 35 + 200 * 160 / DEGREE_M
        b.report(t + 0.3, latitude_deg=ahead, longitude_deg=36 + east, velocity_east_mps=-200.0, **good)
        if t % 2 and t >= 17:
            a.watch(t + 0.5, b)
    monitor.close(81.0)
    assert ("6.5", A_TEXT) not in monitor.fails()
