"""Ways in which a judge could accuse somebody innocent: the books, and all clauses together. None may work."""

from random import Random
from typing import Any

import pytest

from protocol.messages import (
    Ack,
    EmergencyState,
    FrameKey,
    Intent,
    IntentKind,
    Message,
    MessageType,
    PeerReport,
    Result,
    Watch,
)
from protocol.verdicts import UNATTRIBUTED, Outcome, Verdict
from tests.protocol.traffic import A_TEXT, PERIOD_S, A, B, C, Sender, hail, ident, position

# ------------------------------------------------------------------ 0.1: what may have been declared


def test_an_avoidance_that_was_not_heard_may_have_come_and_gone(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.1})
    for t in range(60):
        a.report(t + 0.1, lost=25 <= t < 35)
        b.report(t + 0.6)
        if t == 20:
            a.watch(20.3, b)
    monitor.close(65.0)
    assert monitor.outcomes("6.2", A_TEXT) == [Outcome.INCONCLUSIVE]


def test_the_first_serial_heard_may_not_be_the_first(monitor: Any) -> None:
    """100001 declared an avoidance as serial 1 and a transit as serial 2; only the transit was heard."""
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.1})
    for t in range(60):
        if t == 21:
            a.send(21.05, Intent(1, IntentKind.AVOID, 20), lost=True)
            a.send(24.05, Intent(2, IntentKind.TRANSIT, 120), lost=True)
        if t == 25:
            a.intent = 2
            a.send(25.05, Intent(2, IntentKind.TRANSIT, 120))
        a.report(t + 0.1, lost=21 <= t < 25)
        b.report(t + 0.6)
        if t == 20:
            a.watch(20.3, b)
    monitor.close(65.0)
    assert ("6.2", A_TEXT) not in monitor.fails()


def test_one_unheard_frame_may_have_been_an_avoidance_that_the_next_intent_replaced(monitor: Any) -> None:
    """Serial 1 was the avoidance, in force for 4 s; the INTENT of serial 2 is heard, and one number is missing."""
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.1})
    for t in range(60):
        if t == 21:
            a.send(21.05, Intent(1, IntentKind.AVOID, 20), lost=True)
        if t == 25:
            a.intent = 2
            a.send(25.05, Intent(2, IntentKind.TRANSIT, 120))
        if not 21 <= t < 25:
            a.report(t + 0.1)
        b.report(t + 0.6)
        if t == 20:
            a.watch(20.3, b)
    monitor.close(65.0)
    assert monitor.outcomes("6.2", A_TEXT) == [Outcome.INCONCLUSIVE]


def test_an_emergency_is_no_time_for_slots(monitor: Any) -> None:
    monitor.hear(1.25, A, 0, position(emergency=EmergencyState.GENERAL))
    monitor.close(5.0)
    assert monitor.fails() == []


# ------------------------------------------------------------------ the books: numbers, sessions, copies


def test_a_station_that_starts_again_with_its_old_session_was_not_silent(monitor: Any) -> None:
    """It restarts at 30 s with the same session and numbers from 0, so that numbers come by twice."""
    a = Sender(monitor, A)
    a.reports(0.1, 30.0)
    a.number = 0
    a.reports(60.1, 120.0)
    monitor.close(121.0)
    assert ("4.1", A_TEXT) not in monitor.fails()
    assert monitor.outcomes("4.1", A_TEXT).count(Outcome.PASS) > 80


@pytest.mark.parametrize("silent", [False, True])
def test_frames_kept_until_the_time_field_comes_round_prove_nothing(monitor: Any, silent: bool) -> None:
    """Recorded beside 200001, sent again 1024 s later, when 100001 is far away or signed off."""
    a, b = Sender(monitor, A), Sender(monitor, B, where={"longitude_deg": 36.03})
    a.reports(0.1, 30.0)
    if not silent:
        a.where = {"latitude_deg": 36.0}
        for t in range(300, 1025, 300):
            a.report(float(t))
    for t in range(30):
        monitor.hear(PERIOD_S + t + 0.1, A, t, position())
        b.report(PERIOD_S + t + 0.6)
    monitor.close(PERIOD_S + 40.0)
    assert [subject for clause, subject in monitor.fails() if clause in ("4.4", "6.1")] == []


def test_a_frame_that_was_only_overtaken_begins_nothing(monitor: Any) -> None:
    for at_s, number in ((0.1, 0), (1.1, 1), (2.1, 3), (2.2, 2), (3.1, 4)):
        monitor.hear(at_s, A, number, position())
    monitor.close(4.0)
    assert [o for o in monitor.outcomes("4.1", A_TEXT) if o is not Outcome.PENDING] == [Outcome.PASS] * 3


def test_time_without_a_bound_accuses_nobody(monitor: Any) -> None:
    for at_s, number, latitude in ((0.25, 0, 35.0), (20.25, 1, 40.0), (90.25, 2, 35.0)):
        monitor.hear(at_s, A, number, position(latitude), time_quality=0)
    monitor.close(91.0)
    assert monitor.fails() == []


# ------------------------------------------------------------------ all together


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(8))
def test_honest_stations_among_losses_copies_and_restarts(monitor: Any, seed: int, loss: float) -> None:
    """Honest aircraft that talk; the recording begins in the middle; frames are lost, and sent again by somebody."""
    random = Random(f"{seed} {loss}")
    flight = _Honest(random)
    kept: list[tuple[float, int, int, Message, int, int]] = []
    begin_s = random.choice([0, 0, 40, 300])
    for at_s, source, session, number, message, serial in flight.frames(begin_s + 150):
        if at_s < begin_s or random.random() < loss:
            kept.append((at_s, source, number, message, serial, session))
            continue
        monitor.hear(at_s - begin_s, source, number, message, session=session, intent=serial)
        kept.append((at_s, source, number, message, serial, session))
        if random.random() < 0.05:
            old = random.choice(kept[:-1] or kept)
            if at_s - old[0] > 1:
                again = {"session": old[5], "intent": old[4], "sent_s": old[0] - begin_s + 1024}
                monitor.hear(at_s - begin_s + 0.001, old[1], old[2], old[3], **again)
    tallies = monitor.close(151.0)
    assert set(monitor.fails()) <= {("4.2", UNATTRIBUTED)}
    if not loss:
        passed = {t.clause for t in tallies if t.verdict is Verdict.PASS}
        assert passed >= {"1.3", "1.4", "2.2", "3.1", "4.1", "4.2", "4.4", "4.6", "5.1", "6.1"}


class _Honest:
    """Frames of stations that keep every clause: (at, source, session, number, message, serial in force)."""

    SLOT_S = {A: 0.0025, B: 0.1025, C: 0.1225}  # noqa: RUF012
    NORTH = {A: 0.0, B: 0.2, C: -0.25}  # noqa: RUF012

    def __init__(self, random: Random):
        self.random = random
        self.restart_s = random.choice([None, 60, 100])

    def frames(self, until_s: int) -> list[tuple[float, int, int, int, Message, int]]:
        out: list[tuple[float, int, int, int, Message, int]] = []
        number, session, started = (
            dict.fromkeys(self.SLOT_S, 0),
            dict.fromkeys(self.SLOT_S, 1),
            dict.fromkeys(self.SLOT_S, 0),
        )
        counts = {s: {"idents": 0, "hails": 0, "acks": 0} for s in self.SLOT_S}
        receipt: dict[int, FrameKey | None] = dict.fromkeys(self.SLOT_S)
        talked: set[int] = set()

        def send(at_s: float, source: int, message: Message) -> int:
            serial = (at_s - started[source] - 2.3) // 60 + 1  # a new one with the INTENT itself
            out.append((at_s, source, session[source], number[source] % 65536, message, int(serial)))
            number[source] += 1
            return number[source] - 1

        for t in range(until_s):
            if t == self.restart_s:
                number[B], session[B], started[B], receipt[B] = 0, 2, t, None
                counts[B] = dict.fromkeys(counts[B], 0)
                talked.discard(B)
            for source, slot_s in self.SLOT_S.items():
                age, half = t - started[source], slot_s + 0.5
                north = 35 + self.NORTH[source] + 0.001 * t
                fields: dict[str, Any] = {"velocity_north_mps": 110.9, "receipt": receipt[source], **counts[source]}
                send(t + slot_s, source, position(north, **fields))
                if age % 20 == 1:
                    send(t + half, source, ident())
                    counts[source]["idents"] = (counts[source]["idents"] + 1) % 256
                elif age % 10 == 2:
                    send(t + half, source, Intent((age - 2) // 60 + 1, IntentKind.TRANSIT, 120 - (age - 2) % 60))
                elif age % 2:
                    peer = {A: self.random.choice([B, C]), B: A, C: A}[source]
                    report = PeerReport(peer, session[peer], (number[peer] - 1) % 65536, 0xFFFFFFFF)
                    send(
                        t + half,
                        source,
                        Watch(frozenset({1, 2, 3}), 2, counts[source]["hails"], counts[source]["acks"], report),
                    )
            for peer in (B, C):
                if peer not in talked and t - started[peer] == 5:
                    talked.add(peer)
                    called = send(t + 0.7825, A, hail(peer))
                    counts[A]["hails"] = (counts[A]["hails"] + 1) % 256
                    receipt[peer] = FrameKey(A, session[A], called % 65536)
                    answer = send(t + 0.8825, peer, Ack(A, session[A], called % 65536, MessageType.HAIL, Result.ROGER))
                    counts[peer]["acks"] += 1
                    receipt[A] = FrameKey(peer, session[peer], answer)
        return sorted(out, key=lambda f: f[0])
