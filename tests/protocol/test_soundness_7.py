"""Ways in which a judge could accuse somebody innocent under 7.x. Each was tried; none may work."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from protocol.messages import (
    Ack,
    Emergency,
    EmergencyState,
    FrameKey,
    FrequencyChange,
    Hail,
    Intention,
    MessageType,
    Nature,
    PeerReport,
    Phrase,
    Result,
    Sensor,
    Severity,
    Sighting,
    Watch,
)
from protocol.verdicts import Cause, Outcome, Verdict
from tests.protocol.traffic import A_TEXT, A, B, C, Sender, hail

DISTRESS = Emergency(1, Severity.DISTRESS, Nature.ENGINE, 35.0, 36.0, 20_000, 2, 40, Intention.DITCH, "TEST")
TOWER, TOWER_TEXT = 0x100009, "100009"

# ------------------------------------------------------------------ 7.1


@pytest.mark.parametrize("zero", ["latitude_deg", "longitude_deg", "altitude_ft", "souls", "endurance_min"])
def test_nothing_left_is_given_too(monitor: Any, zero: str) -> None:
    """Nobody aboard, no fuel, on the equator: 0 is a value."""
    monitor.hear(1.1, A, 0, DISTRESS._replace(**{zero: 0}))
    assert monitor.verdict("7.1", A_TEXT) is Verdict.PASS


def test_a_copy_accuses_once(monitor: Any) -> None:
    monitor.hear(1.1, A, 0, DISTRESS._replace(souls=None))
    monitor.hear(1.2, A, 0, DISTRESS._replace(souls=None))
    assert [c for c, _ in monitor.fails()].count("7.1") == 1


# ------------------------------------------------------------------ 7.2


@dataclass
class Distress:
    """100001 is in distress from 10 s on and says so every 5 s; the tower hears it, and answers after `answer_s`."""

    monitor: Any
    loss: float = 0.0
    random: Random = field(default_factory=lambda: Random(0))
    answer_s: float | None = None
    cancel_s: float | None = None

    def __post_init__(self) -> None:
        self.a, self.tower = Sender(self.monitor, A), Sender(self.monitor, TOWER)

    def lost(self) -> bool:
        return self.random.random() < self.loss

    def watch(self, at_s: float, *, lost: bool = False) -> None:
        report = PeerReport(A, self.a.session, (self.a.number - 1) % 65536, 0xFFFFFFFF)
        hails, acks = self.tower.counts["hails"], self.tower.counts["acks"]
        self.tower.send(at_s, Watch(frozenset({1, 2, 3}), 1, hails, acks, report), lost=lost)

    def answer(self, at_s: float, sequence: int, *, lost: bool = False) -> None:
        self.tower.send(at_s, Ack(A, 1, sequence, MessageType.EMERGENCY, Result.ROGER), lost=lost)

    def fly(self, until_s: int = 60) -> None:
        first = None
        for t in range(until_s):
            if t >= 10 and not t % 5 and (self.cancel_s is None or t < self.cancel_s):
                number = self.a.send(t + 0.05, DISTRESS, lost=self.lost())
                first = number if first is None else first
            if t == self.cancel_s:
                self.a.send(t + 0.05, Emergency(1, Severity.CANCEL), lost=self.lost())
            self.a.report(t + 0.1, lost=self.lost())
            self.watch(t + 0.25, lost=self.lost())
            if self.answer_s is not None and t == 10 + int(self.answer_s) and first is not None:
                self.answer(t + 0.6, first, lost=self.lost())

    def accused(self) -> bool:
        self.monitor.close(70.0)
        return ("7.2", TOWER_TEXT) in self.monitor.fails()


def test_a_tower_that_never_answers_is_accused(monitor: Any) -> None:
    distress = Distress(monitor)
    distress.fly()
    assert distress.accused()


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(8))
def test_a_tower_that_answers_is_not(monitor: Any, seed: int, loss: float) -> None:
    distress = Distress(monitor, loss, Random(seed), answer_s=Random(seed).choice([0, 2, 8]))
    distress.fly()
    assert not distress.accused()


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(8))
def test_what_is_soon_over_needs_no_answer(monitor: Any, seed: int, loss: float) -> None:
    distress = Distress(monitor, loss, Random(seed), cancel_s=17)
    distress.fly()
    assert not distress.accused()


def test_losses_leave_most_answers_decided(make_monitor: Callable[..., Any]) -> None:
    kept = broken = 0
    for seed in range(30):
        distress = Distress(make_monitor(), 0.2, Random(seed), answer_s=1)
        distress.fly()
        distress.accused()
        kept += distress.monitor.verdict("7.2", TOWER_TEXT) is Verdict.PASS
        distress = Distress(make_monitor(), 0.05, Random(seed))
        distress.fly()
        broken += distress.accused()
    assert kept >= 20  # of 30: the answer itself must be heard
    assert broken >= 20  # no frame of the one in distress may be missing for 10 s, it may be the CANCEL


def test_a_tower_that_starts_anew_forgets(monitor: Any) -> None:
    """In its new session it has heard no EMERGENCY yet."""
    distress = Distress(monitor)
    distress.fly(16)
    distress.tower = Sender(monitor, TOWER, session=2)
    hails = Watch(frozenset({1, 2, 3}), 0, 0, 0)
    for t in range(30, 60):
        distress.tower.send(t + 0.25, hails)
    assert not distress.accused()


def test_an_old_report_names_a_frame_of_long_ago(monitor: Any) -> None:
    """100001 begins its session anew, and its EMERGENCY gets a number that the tower heard before."""
    distress = Distress(monitor)
    distress.a.reports(0.1, 30.0)
    distress.a.number = 10
    distress.a.send(100.5, DISTRESS)
    report = PeerReport(A, 1, 29, 0xFFFFFFFF)
    for t in range(101, 130):
        distress.tower.send(t + 0.25, Watch(frozenset({1, 2, 3}), 0, 0, 0, report))
    distress.monitor.close(140.0)
    assert ("7.2", TOWER_TEXT) not in monitor.fails()


def test_an_answer_that_comes_too_late_is_none(monitor: Any) -> None:
    distress = Distress(monitor, answer_s=13)
    distress.fly()
    assert distress.accused()


def test_each_incident_is_judged_once(monitor: Any) -> None:
    distress = Distress(monitor, answer_s=2, cancel_s=30)
    distress.fly(40)
    number = distress.a.send(45.05, DISTRESS)
    distress.answer(46.5, number)
    distress.a.reports(47.1, 60.0)
    monitor.close(61.0)
    assert monitor.outcomes("7.2", TOWER_TEXT) == [Outcome.PASS, Outcome.PASS]


@pytest.mark.parametrize("answer_heard", [True, False])
@pytest.mark.parametrize("restart_s", [None, 50])
@pytest.mark.parametrize("late_s", [100, 700])
def test_who_comes_into_reach_was_answered_long_ago(
    monitor: Any, late_s: int, restart_s: int | None, answer_heard: bool
) -> None:
    """100001 is in distress from 10 s on and was answered at once; it is heard from `late_s` on."""
    distress = Distress(monitor)
    for t in range(late_s + 40):
        if restart_s and t == late_s - restart_s:
            distress.tower = Sender(monitor, TOWER, session=2)
        if t >= 10 and not t % 10:
            number = distress.a.send(t + 0.05, DISTRESS, lost=t < late_s)
        distress.a.report(t + 0.1, lost=t < late_s)
        if t == 12:
            distress.answer(t + 0.6, number, lost=not answer_heard)
        distress.watch(t + 0.25)
    monitor.close(late_s + 41.0)
    assert monitor.outcomes("7.2", TOWER_TEXT) == [Outcome.INCONCLUSIVE]


def test_a_number_used_again_is_owed_an_answer_anew(monitor: Any) -> None:
    """The first incident is over after 3 s, and its CANCEL not heard; the second is answered in time."""
    distress = Distress(monitor)
    distress.a.reports(0.1, 10.0)
    distress.a.send(10.05, DISTRESS)
    distress.watch(11.3)
    distress.a.send(13.05, Emergency(1, Severity.CANCEL), lost=True)
    distress.a.reports(13.1, 25.0)
    distress.watch(24.3)
    number = distress.a.send(25.05, DISTRESS)
    distress.a.reports(25.1, 27.0)
    distress.answer(27.6, number)
    distress.watch(28.3)
    distress.a.reports(28.5, 60.0)
    distress.watch(60.3)
    assert not distress.accused()


@pytest.mark.parametrize(("restart_s", "heard"), [(30, True), (30, False), (12, True)])
def test_who_begins_anew_in_distress_was_answered(monitor: Any, restart_s: int, heard: bool) -> None:
    """100001 goes on with its incident in session 2; the station answered it in session 1, at 12 s."""
    distress = Distress(monitor)
    for t in range(60):
        if t == restart_s:
            distress.a = Sender(monitor, A, session=2)
            distress.a.send(t + 0.01, DISTRESS)
        if t >= 10 and not t % 10:
            number = distress.a.send(t + 0.05, DISTRESS, lost=t < restart_s and not heard)
        distress.a.report(t + 0.1)
        if t == 12:
            distress.answer(t + 0.6, number)
        distress.watch(t + 0.25)
    assert not distress.accused()


def test_an_incident_of_long_ago_is_told_and_forgotten(monitor: Any) -> None:
    distress = Distress(monitor)
    distress.a.send(10.05, DISTRESS)
    for t in range(20, 800, 10):
        distress.tower.send(t + 0.25, Watch(frozenset({1, 2, 3}), 0, 0, 0))
    assert monitor.outcomes("7.2", TOWER_TEXT) == [Outcome.INCONCLUSIVE]
    monitor.close(801.0)
    assert monitor.outcomes("7.2", TOWER_TEXT) == [Outcome.INCONCLUSIVE]


# ------------------------------------------------------------------ 7.3


class Silence:
    """200001 is in distress from 10 s on, every 5 s, on the common channel; the receipts of 100001 show it until 55 s,
    from the first that it hears. At 27 s it sends something."""

    def __init__(self, monitor: Any, random: Random | None = None, loss: float = 0.0):
        self.monitor, self.random, self.loss = monitor, random or Random(0), loss
        self.a, self.b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.5})
        self.state = EmergencyState.NONE

    def lost(self) -> bool:
        return self.random.random() < self.loss

    def fly(self, *messages: Any, channel: int = 1, knows: bool = True, cancel_s: int | None = None) -> None:
        named = None
        for t in range(60):
            if t >= 10 and not t % 5 and (cancel_s is None or t < cancel_s):
                named = FrameKey(B, 1, self.b.send(t + 0.05, DISTRESS, lost=self.lost()))
            if t == cancel_s:
                self.b.send(t + 0.05, Emergency(1, Severity.CANCEL), lost=self.lost())
            receipt = named if knows else None
            self.a.report(t + 0.1, lost=self.lost(), receipt=receipt, emergency=self.state)
            for message in messages if t == 27 else ():
                self.a.send(t + 0.5, message, lost=self.lost(), channel=channel)
            self.b.report(t + 0.6, lost=self.lost())
        self.monitor.close(61.0)

    def accused(self) -> bool:
        return ("7.3", A_TEXT) in self.monitor.fails()


SIGHTED = Sighting(C, 1, Sensor.RADAR, 35.0, 36.0, 500, 0.0)


@pytest.mark.parametrize("message", [hail(C), SIGHTED, FrequencyChange(C, 1, 1, 5, 10.0)])
def test_what_is_about_something_else_is_a_breach(monitor: Any, message: Any) -> None:
    silence = Silence(monitor)
    silence.fly(message)
    assert silence.accused()


ABOUT_IT = [
    hail(B),
    Hail(C, Phrase.CONTACT, 1, 10, 1, B),
    SIGHTED._replace(subject=B),
    SIGHTED._replace(subject=None),
    FrequencyChange(B, 1, 1, 5, 10.0),
    FrequencyChange(None, 1, 1, 5, 10.0),
]


@pytest.mark.parametrize("loss", [0.0, 0.3])
@pytest.mark.parametrize("message", ABOUT_IT)
def test_what_is_or_may_be_about_it_is_none(monitor: Any, message: Any, loss: float) -> None:
    silence = Silence(monitor, Random(1), loss)
    silence.fly(message)
    assert not silence.accused()


def test_who_does_not_know_need_not_wait(monitor: Any) -> None:
    silence = Silence(monitor)
    silence.fly(hail(C), knows=False)
    assert not silence.accused()


def test_other_channels_are_free(monitor: Any) -> None:
    silence = Silence(monitor)
    silence.fly(hail(C), channel=2)
    assert not silence.accused()


def test_who_is_in_distress_too_need_not_wait(monitor: Any) -> None:
    silence = Silence(monitor)
    silence.state = EmergencyState.GENERAL
    silence.fly(hail(C))
    assert not silence.accused()


@pytest.mark.parametrize("loss", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(8))
def test_when_it_is_over_the_channel_is_free(monitor: Any, seed: int, loss: float) -> None:
    """The CANCEL may not be heard; nothing says that the incident goes on."""
    silence = Silence(monitor, Random(seed), loss)
    silence.fly(hail(C), cancel_s=22)
    assert not silence.accused()


def test_losses_leave_most_breaches_proved(make_monitor: Callable[..., Any]) -> None:
    proved = 0
    for seed in range(30):
        silence = Silence(make_monitor(), Random(seed), 0.05)
        silence.fly(hail(C))
        proved += silence.accused()
    assert proved >= 20  # of 30: no frame of the one in distress may be missing, it may be the CANCEL


def test_a_receipt_of_the_round_before_proves_nothing(monitor: Any) -> None:
    """The numbers of 200001 went round, and 100001 still names an old frame."""
    silence = Silence(monitor)
    silence.b.number = 65530
    silence.b.reports(0.1, 9.0)
    number = silence.b.send(10.5, DISTRESS)
    silence.a.report(12.1, receipt=FrameKey(B, 1, number % 65536))
    silence.a.send(13.5, hail(C))
    silence.b.send(15.5, DISTRESS)
    monitor.close(20.0)
    assert not silence.accused()


@pytest.mark.parametrize("at_s", [20.2, 30.5])
def test_a_number_used_again_is_another_incident(monitor: Any, at_s: float) -> None:
    """The CANCEL is not heard by the monitor; 200001 received the first incident, and calls when that is over, before
    or after the next one has begun."""
    a, b = Sender(monitor, A), Sender(monitor, B)
    a.reports(0.1, 5.0)
    first = a.send(5.5, DISTRESS, channel=2)
    b.report(6.3, receipt=FrameKey(A, 1, first))
    a.send(8.5, Emergency(1, Severity.CANCEL), channel=2, lost=True)
    a.reports(9.6, 20.0)
    if at_s < 20.5:
        b.send(at_s, hail(C), channel=2)
    a.send(20.5, DISTRESS, channel=2)
    a.reports(20.9, 30.0)
    if at_s > 20.5:
        b.send(at_s, hail(C), channel=2)
    a.reports(30.9, 40.0)
    a.send(40.5, DISTRESS, channel=2)
    monitor.close(50.0)
    assert ("7.3", "200001") not in monitor.fails()
    assert Cause.FRAME_LOST in monitor.judge.tallies["7.3", "200001"].causes


@pytest.mark.parametrize(("channel", "accused"), [(2, True), (3, False)])
def test_who_knows_of_it_on_one_channel_leaves_that(monitor: Any, channel: int, accused: bool) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B)
    number = a.send(5.5, DISTRESS, channel=2)
    b.report(6.3, receipt=FrameKey(A, 1, number))
    a.send(8.5, DISTRESS, channel=3)
    b.send(12.5, hail(C), channel=channel)
    a.send(15.5, DISTRESS, channel=2)
    monitor.close(30.0)
    assert (("7.3", "200001") in monitor.fails()) is accused


CLEARING = [
    (FrequencyChange(C, 1, 2, 5, 5.0), False),
    (Hail(C, Phrase.CHANGE_FREQUENCY, 1, 10, 5), False),
    (Hail(0x100002, Phrase.CONTACT, 1, 10, 1), False),
    (Hail(C, Phrase.CONTACT, 1, 10, 1, 0x100002), True),
    (SIGHTED, True),
]


@pytest.mark.parametrize(("message", "accused"), CLEARING)
def test_a_tower_may_clear_the_channel_and_call_for_help(monitor: Any, message: Any, accused: bool) -> None:
    a, tower = Sender(monitor, A), Sender(monitor, TOWER)
    number = a.send(5.5, DISTRESS, channel=2)
    tower.send(6.5, Ack(A, 1, number, MessageType.EMERGENCY, Result.ROGER), channel=2)
    tower.send(10.5, message, channel=2)
    a.send(15.5, DISTRESS, channel=2)
    monitor.close(30.0)
    assert (("7.3", TOWER_TEXT) in monitor.fails()) is accused
