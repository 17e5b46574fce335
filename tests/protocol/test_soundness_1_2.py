"""Ways in which a judge could take one station for two, or accuse one whose address is contested. None may work."""

from random import Random
from typing import Any

import pytest

from protocol.messages import Emergency, Severity
from protocol.verdicts import UNATTRIBUTED, Cause, Outcome, Verdict
from tests.protocol.traffic import A_TEXT, PERIOD_S, A, Sender, position


def contested(monitor: Any) -> bool:
    return ("1.2", UNATTRIBUTED) in monitor.fails()


@pytest.mark.parametrize(("mine", "other"), [(1, 2), (2, 1), (254, 0), (3, 100), (100, 3), (3, 200)])
@pytest.mark.parametrize("loss", [0.0, 0.5])
def test_two_stations_are_told_apart_once(monitor: Any, mine: int, other: int, loss: float) -> None:
    random = Random(1)
    a, b = Sender(monitor, A, mine), Sender(monitor, A, other)
    for t in range(30):
        a.report(t + 0.1, lost=random.random() < loss)
        b.report(t + 0.6, lost=random.random() < loss)
    monitor.close(31.0)
    assert monitor.fails().count(("1.2", UNATTRIBUTED)) == 1
    assert monitor.verdict("4.1", A_TEXT) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("seed", range(10))
def test_who_starts_anew_is_one_station(monitor: Any, seed: int) -> None:
    """It is cut off now and then; frames are lost, and what was heard is sent again by somebody."""
    random = Random(seed)
    kept: list[tuple[float, int, int]] = []
    at_s = 0.1
    for session in range(250, 270):
        for number in range(random.randrange(1, 20)):
            if random.random() > 0.3:
                monitor.hear(at_s, A, number, position(), session=session % 255)
                kept.append((at_s, session % 255, number))
            if kept and random.random() < 0.3:
                old_s, old, its = random.choice(kept)
                monitor.hear(at_s + 0.2, A, its, position(), session=old, sent_s=old_s)
            at_s += 1.0
    monitor.close(at_s)
    assert not contested(monitor)


def test_a_frame_that_was_overtaken_is_no_turn(monitor: Any) -> None:
    """The last frame of a session waits for a free channel, and is heard after the first one of the next."""
    monitor.hear(1.1, A, 0, position())
    monitor.hear(2.2, A, 0, position(), session=2)
    monitor.hear(2.2005, A, 1, position(), sent_s=2.1995)
    monitor.close(3.0)
    assert not contested(monitor)


def test_what_was_heard_is_no_proof_when_it_comes_round_again(monitor: Any) -> None:
    a, b = Sender(monitor, A, 1), Sender(monitor, A, 2)
    a.reports(0.1, 20.0)
    b.reports(30.1, 50.0)
    for t in range(20):
        monitor.hear(PERIOD_S + t + 0.1, A, t, position())
    monitor.close(PERIOD_S + 30.0)
    assert not contested(monitor)


def take_turns(monitor: Any, until_s: int, emergency_s: float) -> None:
    """Two stations take turns for 20 s; the later session goes on, and its EMERGENCY is not complete."""
    a, b = Sender(monitor, A, 2), Sender(monitor, A, 1)
    for t in range(until_s):
        a.report(t + 0.1)
        if t < 20:
            b.report(t + 0.6)
        if t == emergency_s:
            a.send(t + 0.3, Emergency(1, Severity.DISTRESS), channel=2)
    monitor.close(until_s + 1.0)


@pytest.mark.parametrize(
    ("emergency_s", "outcome"),
    [(0, Outcome.FAIL), (15, Outcome.INCONCLUSIVE), (610, Outcome.INCONCLUSIVE), (630, Outcome.FAIL)],
)
def test_nobody_answers_for_an_address_that_two_use(monitor: Any, emergency_s: float, outcome: Outcome) -> None:
    take_turns(monitor, 640, emergency_s)
    assert monitor.outcomes("7.1", A_TEXT) == [outcome]


def test_what_is_told_late_is_about_the_time_when_it_was(monitor: Any) -> None:
    """A slot that is not its own while the address is contested; that waits for copies for 600 s, or to the end."""
    a, b = Sender(monitor, A, 2), Sender(monitor, A, 1)
    for t in range(800):
        if t < 20:
            a.report(t + 0.003)
            b.report(t + 0.503)
        else:
            a.report(t + (0.303 if t == 500 else 0.003))
    monitor.close(1500.0)
    assert ("3.1", A_TEXT) not in monitor.fails()
    assert monitor.judge.tallies["3.1", A_TEXT].causes[Cause.IDENTITY_CONTESTED] >= 1


def test_who_is_alone_keeps_its_passes(monitor: Any) -> None:
    Sender(monitor, 0x200001).reports(-20.0, 0.0)
    take_turns(monitor, 30, 100)
    assert monitor.verdict("1.1", "200001") is Verdict.PASS
    assert monitor.verdict("1.1", A_TEXT) is Verdict.INCONCLUSIVE
