"""Ways in which a judge could accuse somebody innocent. Each was tried; none may work.

The innocent is mostly 100001 (`A`); its peer of the other party, honest or not, is 200001 (`B`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, pairwise
from random import Random
from typing import Any

import pytest

from protocol.messages import (
    Ack,
    EmergencyState,
    Emitter,
    FrameKey,
    Hail,
    Ident,
    Intent,
    IntentKind,
    Message,
    MessageType,
    PeerReport,
    Phrase,
    Position,
    Result,
    Watch,
)
from protocol.verdicts import Outcome, Verdict

A, B, C = 0x100001, 0x200001, 0x200002
A_TEXT = "100001"
PERIOD_S = 1024.0
SURE = {"baro_altitude_ft": 20_000, "velocity_up_mps": 0.0, "nic": 8, "nacv": 2, "age_s": 0.0}


def position(latitude_deg: float = 35.0, longitude_deg: float = 36.0, **fields: Any) -> Position:
    still = {"velocity_north_mps": 0.0, "velocity_east_mps": 0.0}
    return Position(latitude_deg=latitude_deg, longitude_deg=longitude_deg, **SURE | still | fields)


def hail(addressee: int, call_id: int = 1, reply_by_s: int = 10) -> Hail:
    return Hail(addressee, Phrase.CONTACT, call_id, reply_by_s, 1)


def ack(addressee: int, sequence: int) -> Ack:
    return Ack(addressee, 1, sequence, MessageType.HAIL, Result.ROGER)


def ident(sign_off: bool = False) -> Ident:
    return Ident("TEST", Emitter.FIXED_WING, 0, frozenset({1, 2}), sign_off)


@dataclass
class Sender:
    """A station that numbers and counts what it sends; `lost` frames are numbered, counted, and not heard."""

    monitor: Any
    source: int
    session: int = 1
    number: int = 0
    intent: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"idents": 0, "hails": 0, "acks": 0})
    where: dict[str, Any] = field(default_factory=dict)

    def send(self, at_s: float, message: Message, *, lost: bool = False, **how: Any) -> int:
        """Returns the frame's sequence number."""
        number = self.number
        self.number += 1
        if not lost:
            self.monitor.hear(at_s, self.source, number, message, session=self.session, intent=self.intent, **how)
        name = {Ident: "idents", Hail: "hails", Ack: "acks"}.get(type(message))
        if name:
            self.counts[name] = (self.counts[name] + 1) % 256
        return number

    def report(self, at_s: float, *, lost: bool = False, **fields: Any) -> int:
        """A POSITION with its counts."""
        return self.send(at_s, position(**self.counts | self.where | fields), lost=lost)

    def reports(self, from_s: float, until_s: float, **fields: Any) -> None:
        """A POSITION a second."""
        while from_s < until_s:
            self.report(from_s, **fields)
            from_s += 1.0

    def watch(self, at_s: float, peer: "Sender") -> None:
        """A WATCH that names all of the peer's frames as heard."""
        report = PeerReport(peer.source, peer.session, (peer.number - 1) % 65536, 0xFFFFFFFF)
        self.send(at_s, Watch(frozenset({1, 2}), 1, self.counts["hails"], self.counts["acks"], report))


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


# ------------------------------------------------------------------ 1.4


def test_a_busy_station_does_not_hide_that_it_is_anonymous(monitor: Any) -> None:
    for i in range(700):
        monitor.hear(i / 10, A, i, position())
    assert ("1.4", A_TEXT) in monitor.fails()


def test_256_idents_leave_the_same_count(monitor: Any) -> None:
    monitor.hear(0.1, A, 0, position(idents=3))
    monitor.hear(70.1, A, 257, position(idents=3))
    monitor.close(71.0)
    assert ("1.4", A_TEXT) not in monitor.fails()
    assert monitor.outcomes("1.4", A_TEXT)[0] is Outcome.INCONCLUSIVE


# ------------------------------------------------------------------ 2.1


@pytest.mark.parametrize(("serial", "kind"), [(4, IntentKind.TRANSIT), (4, None)])
def test_an_old_frame_may_mean_another_serial(monitor: Any, serial: int, kind: IntentKind | None) -> None:
    monitor.hear(1.1, A, 0, position())
    if kind is not None:
        monitor.hear(2.1, A, 1, Intent(serial, kind, 120), intent=serial)
    monitor.hear(30.1, A, 9, position(), intent=serial, channel=3, sent_s=5.1)
    monitor.close(31.0)
    assert monitor.outcomes("2.1", A_TEXT)[-1] is Outcome.INCONCLUSIVE


# ------------------------------------------------------------------ 3.1


def test_a_frame_heard_before_with_another_time_is_not_first(monitor: Any) -> None:
    """Its clock is 100 ms fast; sent in its own slot at 8.000, and by somebody again when its time says so."""
    monitor.hear(0.0025, A, 0, position())
    monitor.hear(8.0025, A, 8, position(), sent_s=8.1025)
    monitor.hear(8.1035, A, 8, position(), sent_s=8.1025)
    monitor.close(20.0)
    assert monitor.fails() == []


def test_a_stranger_has_no_slots_to_keep(make_monitor: Callable[..., Any]) -> None:
    """Slots are still in the table for an address that was struck off the register."""
    monitor = make_monitor()
    monitor.judge.world.annexes.slots[0x300001] = {1: (8,)}
    monitor.hear(1.25, 0x300001, 0, position())
    monitor.close(2.0)
    assert monitor.fails() == [("1.1", "unattributed")]


def test_a_breach_of_slots_stands_when_no_copy_was_heard(monitor: Any) -> None:
    monitor.hear(0.0025, A, 0, position())
    monitor.hear(8.1025, A, 8, position())
    monitor.hear(9.0025, A, 9, position())
    monitor.hear(300.0025, A, 300, position())
    assert monitor.fails() == []
    monitor.hear(700.0025, A, 700, position())
    assert monitor.fails() == [("3.1", A_TEXT)]
    monitor.close(701.0)
    assert monitor.fails().count(("3.1", A_TEXT)) == 1


# ------------------------------------------------------------------ 4.1


@pytest.mark.parametrize("unheard", range(5))
@pytest.mark.parametrize("others", range(4))
def test_silence_is_proved_exactly_when_no_placing_fills_it(
    make_monitor: Callable[..., Any], unheard: int, others: int
) -> None:
    """Against all placings on a grid of half a second: `unheard` frames, `others` of them proved to be IDENTs."""
    for length_s in (6, 9, 11, 14, 16, 19, 21, 26):
        for ident_at in (None, 3, 8):
            monitor = make_monitor()
            heard_ident = ident_at is not None and ident_at < length_s
            monitor.hear(0.0, A, 0, position())
            numbers = _split(unheard, length_s, ident_at if heard_ident else None)
            if heard_ident:
                monitor.hear(float(ident_at or 0), A, 1 + numbers[0][2], ident())
            last = unheard + 1 + heard_ident
            monitor.hear(float(length_s), A, last, position(idents=others + heard_ident))
            possible = unheard - others if others <= unheard else unheard
            filled = any(
                _filled([0.0, *places, float(length_s)])
                for count in range(possible + 1)
                for places in combinations_with_replacement([x / 2 for x in range(2 * length_s + 1)], count)
                if all(sum(low <= p <= high for p in places) <= room for low, high, room in numbers)
            )
            assert (("4.1", A_TEXT) in monitor.fails()) is not filled, (length_s, ident_at)


def _split(unheard: int, length_s: int, ident_at: int | None) -> list[tuple[float, float, int]]:
    """The stretches in which unheard numbers lie, and how many in each: all but one after a heard IDENT."""
    if ident_at is None:
        return [(0.0, float(length_s), unheard)]
    first = min(1, unheard)
    return [(0.0, ident_at - 0.25, first), (ident_at + 0.25, float(length_s), unheard - first)]


def _filled(times: list[float]) -> bool:
    return all(b - a <= 5.0 for a, b in pairwise(times))


def test_counts_that_leave_no_room_prove_nothing(monitor: Any) -> None:
    """Counts that fell show 250 IDENTs where 9 numbers are: something else happened."""
    monitor.hear(0.1, A, 0, position(idents=10))
    monitor.hear(10.1, A, 10, position(idents=4))
    monitor.close(11.0)
    assert monitor.outcomes("4.1", A_TEXT)[0] is Outcome.INCONCLUSIVE


def test_who_may_have_left_the_area_owes_nothing(make_monitor: Callable[..., Any]) -> None:
    monitor = make_monitor(south_deg=34.0, north_deg=36.0, west_deg=35.0, east_deg=37.0)
    for number, (at_s, nic) in enumerate(((0.1, 8), (20.1, 8), (40.1, 0), (60.1, 0))):
        where = 35.99 if nic else 35.0
        monitor.hear(at_s, A, number, position(where, nic=nic))
    monitor.close(61.0)
    assert [s for c, s in monitor.fails() if c == "4.1"] == []


# ------------------------------------------------------------------ 4.4


@pytest.mark.parametrize("nic", [8, 11])
def test_flying_over_a_pole_is_no_teleport(monitor: Any, nic: int) -> None:
    metres = 111_694.0  # in a degree of latitude near a pole
    for t in range(-10, 11):
        north = 250.0 * t + 100.0
        latitude, longitude = 90 - abs(north) / metres, 0.0 if north < 0 else 180.0
        speed = 250.0 if north < 0 else -250.0
        monitor.hear(t + 10.1, A, t + 10, position(latitude, longitude, nic=nic, velocity_north_mps=speed))
    monitor.close(25.0)
    assert ("4.4", A_TEXT) not in monitor.fails()


def test_far_north_the_shorter_way_counts(monitor: Any) -> None:
    """Across the pole's neighbourhood at 1,900 kt: 586 km in 600 s, where the circle of latitude is longer."""
    monitor.hear(0.1, A, 0, position(84.99, -31.8))
    monitor.hear(599.1, A, 1, position(84.99, 31.8))
    monitor.close(600.0)
    assert ("4.4", A_TEXT) not in monitor.fails()


# ------------------------------------------------------------------ 5.1


def test_validity_is_written_in_whole_seconds(monitor: Any) -> None:
    """Declared at 0 s for 80 s; heard only when it said 40.5 s again at 39.5, rounded down to 40."""
    a = Sender(monitor, A, intent=1)
    a.send(0.05, Intent(1, IntentKind.TRANSIT, 80), lost=True)
    a.reports(0.1, 39.0)
    a.send(39.55, Intent(1, IntentKind.TRANSIT, 40))
    for i in range(82):
        a.report(39.6 + i * 0.5)
    monitor.close(81.0)
    assert ("5.1", A_TEXT) not in monitor.fails()


def test_who_flies_along_the_edge_may_have_entered_just_now(make_monitor: Callable[..., Any]) -> None:
    monitor = make_monitor(south_deg=34.0, north_deg=35.001, west_deg=35.0, east_deg=37.0)
    Sender(monitor, A).reports(0.1, 50.0)
    monitor.close(51.0)
    assert ("5.1", A_TEXT) not in monitor.fails()


# ------------------------------------------------------------------ 6.1


def test_a_report_without_bound_does_not_undo_those_around_it(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B, where={"longitude_deg": 36.03})
    for t in range(20):
        a.report(t + 0.1, nic=0 if t == 9 else 8)
        b.report(t + 0.6)
    assert ("6.1", "100001/200001") in monitor.fails()


def test_height_alone_keeps_a_pair_apart(monitor: Any) -> None:
    a, b = Sender(monitor, A, where={"nic": 0}), Sender(monitor, B, where={"latitude_deg": None})
    for t in range(20):
        a.report(t + 0.1)
        b.report(t + 0.6, baro_altitude_ft=24_000)
    monitor.close(21.0)
    assert monitor.verdict("6.1", "100001/200001") is Verdict.PASS


def test_fields_that_are_not_available_accuse_nobody(monitor: Any) -> None:
    bare = Position()
    for t in range(70):
        monitor.hear(t + 0.0025, A, t, bare._replace(idents=t // 20), intent=1)
        monitor.hear(t + 0.1025, B, t, bare._replace(idents=t // 20), intent=1)
    monitor.close(71.0)
    assert monitor.fails() == []


# ------------------------------------------------------------------ 6.2


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


# ------------------------------------------------------------------ 6.3


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
    assert monitor.fails() == []
    if not loss:
        assert {t.clause for t in tallies if t.verdict is Verdict.PASS} >= {"1.4", "3.1", "4.1", "4.4", "5.1", "6.1"}


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
                        Watch(frozenset({1}), 2, counts[source]["hails"], counts[source]["acks"], report),
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
